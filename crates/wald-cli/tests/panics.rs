//! A panic ends the command, whatever other threads are waiting for.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const VARIABLE: &str = "WALD_TEST_PANIC";

#[test]
fn a_panic_ends_the_process_in_any_thread() {
    if let Some(thread) = std::env::var_os(VARIABLE) {
        let is_main = thread == "main";
        let _ = wald_cli::run_process(if is_main { panic_here } else { panic_elsewhere });
        unreachable!("it goes on");
    }
    for thread in ["main", "another"] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_panic_ends_the_process_in_any_thread", "--nocapture"]);
        let mut child = command.env(VARIABLE, thread).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(101), "{said}");
        assert!(said.contains("on purpose"), "{said}");
    }
}

#[test]
fn a_caught_panic_ends_nothing() {
    if std::env::var_os(VARIABLE).is_some() {
        let _ = wald_cli::run_process(catch);
        unreachable!("it goes on");
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_caught_panic_ends_nothing", "--nocapture"]);
    let output = command.env(VARIABLE, "caught").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

fn panic_here(_: &[std::ffi::OsString], _: &mut wald_cli::Host) -> i32 {
    std::thread::scope(|scope| {
        // As a thread that waits for work does.
        scope.spawn(|| loop {
            std::thread::park();
        });
        panic!("on purpose");
    })
}

fn panic_elsewhere(_: &[std::ffi::OsString], _: &mut wald_cli::Host) -> i32 {
    let _ = std::thread::spawn(|| panic!("on purpose"));
    loop {
        std::thread::park();
    }
}

fn catch(_: &[std::ffi::OsString], _: &mut wald_cli::Host) -> i32 {
    let caught = wald_cli::memory::catch_panic(|| panic!("on purpose"));
    std::process::exit(i32::from(caught.is_ok()))
}
