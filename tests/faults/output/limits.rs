//! Limits of the system: file size, threads, memory.

use super::scene::{is_long, is_root, rounds, skipped, wald, Scene, OLD};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const SIGSEGV: i32 = 11;

#[test]
fn the_file_size_limit_is_an_error() {
    let scene = Scene::new(200_000);
    for (blocks, fits) in [(100, false), (1000, true)] {
        for more in [&[][..], &["--Map=-"]] {
            scene.begin_again();
            let script = format!("ulimit -f {blocks}; exec \"$@\"");
            let arguments = [&["-o", "out/m"], more].concat();
            let output = scene.wald_through(&["sh", "-c", &script, "sh"], &arguments).output().unwrap();
            assert_eq!(scene.check(&output, (blocks, more)), fits);
            assert_eq!(output.status.code(), Some(i32::from(!fits)));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                fits || said.contains("error: cannot open output file out/m: File too large\n"),
                "{said}"
            );
        }
    }
}

/// A limit of processes does not bind root, so root becomes somebody else.
#[test]
fn without_threads_the_link_is_done_by_the_one_there_is() {
    let scene = Scene::new(20_000);
    if !is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        return skipped("another user is needed, who has no other process");
    }
    let directory = scene.path("out");
    assert!(Command::new("chmod").arg("777").arg(&directory).status().unwrap().success());
    for processes in [1, 2, 3] {
        for threads in [
            &[][..],
            &["--threads=1"],
            &["--threads=2"],
            &["--threads=64"],
            &["--await-inputs", "--await-newer=/bin/sh", "--await-timeout=20"],
        ] {
            scene.begin_again();
            let limit = format!("--nproc={processes}");
            let arguments = [&["-o", "out/m"], threads].concat();
            let output = scene.wald_as(54321, &["prlimit", &limit], &arguments).output().unwrap();
            assert!(scene.check(&output, (processes, threads)));
        }
    }
}

#[test]
fn without_memory_there_is_a_message() {
    let scene = Scene::new(500_000);
    if Command::new("prlimit").arg("--version").output().is_err() {
        return skipped("prlimit is not installed");
    }
    let link = |bytes: usize| {
        scene.begin_again();
        let limit = format!("--as={bytes}");
        // No more than one arena and thread: what they reserve is not the subject.
        scene.wald_through(&["prlimit", "--core=0", &limit], &["-o", "out/m"]).output().unwrap()
    };
    // The least with which the command starts: the loader has exit code 127, or the kernel kills it.
    let (mut fails, mut starts) = (0, 1 << 30);
    while starts - fails > 4096 {
        let middle = (fails + starts) / 2;
        let status = link(middle).status;
        match (status.code(), status.signal()) {
            (Some(127), _) | (_, Some(SIGSEGV)) => fails = middle,
            _ => starts = middle,
        }
    }
    let (mut refused, count) = (0, rounds(60));
    let step = (8 << 20) / count;
    for headroom in (0..count).map(|round| (128 << 10) + round * step) {
        let output = link(starts + headroom);
        let is_new = scene.check(&output, headroom);
        assert!(output.status.code().is_some(), "{headroom} bytes: {output:?}");
        if !is_new {
            refused += 1;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // The C library may say, once in each thread, that it could not load or register something.
            let is_ours = |line: &&str| line.contains("wald: error: ") && line.contains("memory");
            let (ours, others): (Vec<&str>, Vec<&str>) = said.lines().partition(is_ours);
            assert_eq!(ours.len(), 1, "{headroom} bytes: {said}");
            let is_about_memory = |line: &&str| line.to_lowercase().contains("memory");
            let threads = std::thread::available_parallelism().unwrap().get();
            assert!(
                others.len() <= threads && others.iter().all(is_about_memory),
                "{headroom} bytes: {said}"
            );
            assert_eq!(scene.output(), OLD);
        }
    }
    assert!(refused > 0 && refused < count, "{refused} of {count}");
}

/// Three data symbols with an alignment of 1 GiB in one segment: wasm-ld 22 crashes.
#[test]
fn a_module_may_have_two_gibibytes() {
    if !is_long() {
        return skipped("a module of two gibibytes belongs to the long form");
    }
    let scene = Scene::new(1);
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/kept/memory/large_alignment/in/");
    let mut command = Command::new(wald());
    command.args(["--no-entry", "--export=a", "--export=b", "--export=c", "-o"]).arg(scene.path("out/m"));
    command.args(["a.o", "b.o", "c.o"].map(|name| format!("{kept}{name}")));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("bytes of module: engines take at most 1073741824"), "{said}");
    let size = std::fs::metadata(scene.path("out/m")).unwrap().len();
    assert!(size > 2 << 30, "{size} bytes");
}
