//! `--server`: whatever happens to the server, to its client and to the inputs, the result is that of a link without a server.
#![cfg(unix)]

mod ahead;
mod folder;

use folder::Folder;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn the_first_link_starts_a_server_and_the_next_one_uses_it() {
    let folder = Folder::new();
    assert!(folder.status().is_empty());
    // Its output ends with the client: the server has no descriptor of it.
    let first = folder.wald("auto", &folder.all()).output().unwrap();
    assert!(first.status.success() && first.stderr.is_empty());
    let module = std::fs::read(folder.input("out.wasm")).unwrap();
    folder.wait_until("a server", || folder.status().iter().any(|status| status["starting"] == false));
    for links in 1..3 {
        std::fs::remove_file(folder.input("out.wasm")).unwrap();
        assert!(folder.wald("auto", &folder.all()).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == module);
        let status = folder.status();
        assert_eq!((status.len(), &status[0]["links"]), (1, &links.into()), "{status:?}");
    }
    let text = folder.wald("off", &["--server-status"]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("2 links, ") && text.ends_with(" MB\n") && text.contains("\n1 links kept"),
        "{text}"
    );
    folder.stop();
    assert!(folder.status().is_empty());
    assert!(folder.leftovers().is_empty(), "{:?}", folder.leftovers());
}

#[test]
fn a_server_says_what_a_link_says() {
    let folder = Folder::new();
    let all = folder.all();
    let with = |more: &[&'static str]| [&all[..], more].concat();
    let linked = folder.check(&all);
    assert!(linked.status.success());
    let cases: [&[&str]; 14] = [
        &["--print-gc-sections"],
        &["--Map=-"],
        &["--trace"],
        &["--verbose"],
        &["--verbose-link"],
        &["-o", "-"],
        &["--export=nobody_defines_it"],
        &["--undefined-word"],
        &["-shared"],
        &["--no-gc-sections", "--strip-all"],
        &["-lnowhere"],
        &["missing.o"],
        &["-o", "no/such/folder/out.wasm"],
        &["--why-extract=-", "--color-diagnostics"],
    ];
    for more in cases {
        folder.check(&with(more));
    }
    // Without one object, something is undefined.
    let fewer: Vec<&str> = all.iter().copied().filter(|&name| name != "commands.o").collect();
    assert_eq!(folder.check(&fewer).status.code(), Some(1));
    folder.check(&with(&["in/../commands.o"]));
    folder.check(&["--help"]);
    folder.check(&["--version"]);
    folder.check(&[]);
    // Fewer outputs than command lines: one server has seen most of these.
    assert!(
        folder.status().iter().any(|status| status["links"].as_u64() > Some(10)),
        "{:?}",
        folder.status()
    );
}

#[test]
fn a_change_is_never_missed() {
    let folder = Folder::new();
    let all = folder.all();
    let original = std::fs::read(folder.input("commands.o")).unwrap();
    let edited = folder.edited_commands();
    let first = folder.check(&all);
    assert!(first.status.success());
    let path = folder.input("commands.o");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut outputs = Vec::new();
    for round in 0..12 {
        let bytes = if round % 2 == 0 { &edited } else { &original };
        match round % 6 {
            // In place, with the time that it had.
            0 | 1 => {
                std::fs::write(&path, bytes).unwrap();
                std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
            }
            // By a rename.
            2 | 3 => {
                std::fs::write(folder.input("new"), bytes).unwrap();
                std::fs::rename(folder.input("new"), &path).unwrap();
            }
            // Removed for a moment.
            _ => {
                std::fs::remove_file(&path).unwrap();
                assert_eq!(folder.check(&all).status.code(), Some(1));
                std::fs::write(&path, bytes).unwrap();
            }
        }
        folder.check(&all);
        outputs.push(std::fs::read(folder.input("out.wasm")).unwrap());
    }
    assert!(outputs.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn quick_rewrites_are_not_missed() {
    let folder = Folder::new();
    let all = folder.all();
    let texts = [std::fs::read(folder.input("commands.o")).unwrap(), folder.edited_commands()];
    assert!(folder.check(&all).status.success());
    let mut modules = Vec::new();
    for bytes in &texts {
        std::fs::write(folder.input("commands.o"), bytes).unwrap();
        folder.check(&all);
        modules.push(std::fs::read(folder.input("out.wasm")).unwrap());
    }
    // The same size, and no pause: the times may be the same, too.
    for round in 0..150 {
        std::fs::write(folder.input("commands.o"), &texts[(round + 1) % 2]).unwrap();
        // The server may read it now.
        std::thread::sleep(Duration::from_micros(200 * (round as u64 % 8)));
        std::fs::write(folder.input("commands.o"), &texts[round % 2]).unwrap();
        assert!(folder.wald("require", &all).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == modules[round % 2], "{round}");
    }
}

#[test]
fn what_a_library_name_means_is_looked_up_again() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.input("first")).unwrap();
    std::fs::create_dir_all(folder.input("second")).unwrap();
    let archive = folder.names.iter().find(|name| name.ends_with(".a")).unwrap();
    let objects: Vec<&str> = folder.names.iter().map(String::as_str).filter(|name| name != archive).collect();
    std::fs::copy(folder.input(archive), folder.input("second/libx.a")).unwrap();
    let mut arguments = vec!["-Lfirst", "-Lsecond", "-o", "out.wasm", "-lx", "--trace"];
    arguments.extend(objects);
    folder.check(&arguments);
    // A shared library's place, a nearer archive, and an empty one.
    std::fs::write(folder.input("first/libx.a"), "!<arch>\n").unwrap();
    let nearer = folder.check(&arguments);
    assert!(!String::from_utf8(nearer.stdout).unwrap().contains("second/"));
    std::fs::remove_file(folder.input("first/libx.a")).unwrap();
    assert!(String::from_utf8(folder.check(&arguments).stdout).unwrap().contains("second/"));
    // A list of names beside an archive.
    std::fs::write(folder.input("second/libx.imports"), "nobody\n").unwrap();
    folder.check(&arguments);
    std::fs::write(folder.input("names"), "nobody\n").unwrap();
    let with_list = [&arguments[..], &["--allow-undefined-file=names", "--undefined=nobody"]].concat();
    folder.check(&with_list);
    std::fs::write(folder.input("names"), "somebody\n").unwrap();
    folder.check(&with_list);
    // A response file.
    std::fs::write(folder.input("words"), arguments.join(" ")).unwrap();
    folder.check(&["@words"]);
    std::fs::write(folder.input("words"), format!("{} --export-all", arguments.join(" "))).unwrap();
    folder.check(&["@words"]);
}

#[test]
fn inputs_come_and_go() {
    let folder = Folder::new();
    let mut names: Vec<String> = folder.names.clone();
    // What rustc does: names that are new at each link.
    for round in 0..8usize {
        let at = round % names.len();
        let new = format!("{round}-{}", folder.names[at % folder.names.len()]);
        std::fs::copy(folder.input(&names[at]), folder.input(&new)).unwrap();
        match round % 4 {
            0 | 1 => names[at] = new,
            2 => names.rotate_left(1),
            _ => names.push(new),
        }
        let mut arguments = vec!["-o", "out.wasm", "--allow-multiple-definition", "--trace"];
        arguments.extend(names.iter().map(String::as_str));
        folder.check(&arguments);
    }
    assert_eq!(folder.status().len(), 1);
}

#[test]
fn a_server_that_dies_or_hangs_is_not_missed() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let expected = std::fs::read(folder.input("out.wasm")).unwrap();
    let signal = |name: &str, pid: &str| {
        assert!(Command::new("kill").args([name, pid]).status().unwrap().success());
    };
    for name in ["-KILL", "-TERM", "-ABRT"] {
        let pid = folder.pid();
        signal(name, &pid);
        folder.wait_until("its end", || folder.status().is_empty());
        std::fs::remove_file(folder.input("out.wasm")).unwrap();
        assert!(folder.wald("auto", &all).status().unwrap().success());
        assert!(std::fs::read(folder.input("out.wasm")).unwrap() == expected);
        // A new one was started.
        folder.check(&all);
    }
    let pid = folder.pid();
    signal("-STOP", &pid);
    std::fs::remove_file(folder.input("out.wasm")).unwrap();
    let mut command = folder.wald("auto", &all);
    let output = command.arg("--verbose").output().unwrap();
    assert!(output.status.success());
    assert!(std::fs::read(folder.input("out.wasm")).unwrap() == expected);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("note: linked without a server: "), "{said}");
    signal("-CONT", &pid);
    folder.check(&all);
}

#[test]
fn a_server_that_must_link_may_be_slow() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let pid = folder.pid();
    // For longer than a command waits that can link by itself.
    let script = "kill -STOP $0; \"$@\" & link=$!; sleep 0.3; kill -CONT $0; wait $link";
    let command = folder.wald("require", &all);
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path.join("in")).env("XDG_RUNTIME_DIR", folder.path.join("run"));
    shell.env("WALD_SERVER", "require").args(["-c", script, &pid]).arg(command.get_program()).args(&all);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(folder.pid(), pid);
}

#[test]
#[allow(unsafe_code, reason = "flock")]
fn a_server_starts_although_a_killed_one_still_has_the_lock() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let lock = folder.lock_file();
    folder.stop();
    // As a process has it that is about to end.
    let lock = std::fs::File::create(lock).unwrap();
    // SAFETY: the descriptor is open.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0);
    let mut child = folder.wald("require", &all).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it links without the lock");
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert_eq!(folder.status().len(), 1);
}

#[test]
fn inputs_that_can_be_read_only_once_are_declined_at_once() {
    let folder = Folder::new();
    assert!(Command::new("mkfifo").arg(folder.input("pipe.o")).status().unwrap().success());
    let mut child = folder.wald("require", &["-o", "out.wasm", "pipe.o"]);
    let mut child = child.stderr(Stdio::piped()).spawn().unwrap();
    folder.wait_until("an error", || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "wald: error: --server=require: pipe.o is not a regular file\n");
}

#[test]
fn somebody_elses_socket_is_not_trusted() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let lock = folder.lock_file();
    folder.stop();
    folder.wait_until("an empty folder", || std::fs::read_dir(lock.parent().unwrap()).unwrap().count() == 0);
    // Something listens there that is no server.
    let servers = lock.parent().unwrap().to_path_buf();
    let _listener = UnixListener::bind(lock.with_extension("socket")).unwrap();
    let start = Instant::now();
    assert!(folder.wald("auto", &all).status().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(10));
    // A folder that others can read is refused.
    std::fs::set_permissions(&servers, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = folder.wald("require", &all).env("TMPDIR", folder.path.join("run")).output().unwrap();
    std::fs::set_permissions(&servers, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::remove_dir_all(&servers).unwrap();
    // The next folder in the list may be used instead.
    if !output.status.success() {
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("wald: error: --server=require: "), "{said}");
    }
}

#[test]
fn permissions_follow_the_clients_umask() {
    let folder = Folder::new();
    let all = folder.all();
    for umask in ["022", "077", "002", "077"] {
        let _ = std::fs::remove_file(folder.input("out.wasm"));
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let mut command = folder.wald("require", &[]);
        let wald = command.get_program().to_os_string();
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path.join("in")).env("XDG_RUNTIME_DIR", folder.path.join("run"));
        shell.env("WALD_SERVER", "require").arg("-c").arg(script).arg(wald).args(&all);
        assert!(shell.status().unwrap().success());
        command.arg("--version");
        let mode = std::fs::metadata(folder.input("out.wasm")).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o777 & !u32::from_str_radix(umask, 8).unwrap(), "{umask}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_folder_that_was_made_anew_is_another_one() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let old = folder.pid();
    std::fs::rename(folder.path.join("in"), folder.path.join("old")).unwrap();
    std::fs::create_dir(folder.path.join("in")).unwrap();
    for name in &folder.names {
        std::fs::copy(folder.path.join("old").join(name), folder.input(name)).unwrap();
    }
    std::fs::write(folder.input("commands.o"), folder.edited_commands()).unwrap();
    assert!(folder.wald("auto", &all).status().unwrap().success());
    folder.check(&all);
    assert_ne!(folder.pid(), old);
    assert!(!folder.path.join("old/out.wasm").exists() || folder.path.join("old").is_dir());
}

/// Starts a link whose output is a pipe that nobody reads, and waits until the server waits for its client.
fn start_blocked(folder: &Folder, arguments: &[&str]) -> Child {
    let mut command = folder.wald("require", arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    child
}

#[test]
fn killing_the_client_ends_the_link_and_leaves_nothing() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    std::fs::remove_file(folder.input("out.wasm")).unwrap();
    // More text than a pipe takes.
    let many = [&all[..], &["--trace-symbol=main", "--Map=-", "--verbose", "--print-gc-sections"]].concat();
    let big = folder.wald("off", &many).output().unwrap().stdout.len();
    std::fs::remove_file(folder.input("out.wasm")).unwrap();
    if big <= 1 << 16 {
        return println!("skipped: the map fits into a pipe");
    }
    let mut child = start_blocked(&folder, &many);
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!folder.input("out.wasm").exists());
    assert!(folder.leftovers().is_empty());
    // The server is well.
    folder.check(&all);
}

#[test]
fn fifty_clients_at_once() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    let expected = std::fs::read(folder.input("out.wasm")).unwrap();
    let start = |number: usize| {
        // Every other one has an output of its own.
        let output =
            if number % 2 == 0 { "out.wasm".to_string() } else { format!("d{}/out.wasm", number % 8) };
        std::fs::create_dir_all(folder.input(&output).parent().unwrap()).unwrap();
        let mut command = folder.wald("auto", &["-o", &output]);
        (command.args(&folder.names).stderr(Stdio::piped()).spawn().unwrap(), output)
    };
    let children: Vec<_> = (0..50).map(start).collect();
    for (child, output) in children {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        assert!(std::fs::read(folder.input(&output)).unwrap() == expected);
    }
}

#[test]
fn wrong_modes_are_errors() {
    let folder = Folder::new();
    let all = folder.all();
    for (arguments, mode, message) in [
        (
            [&all[..], &["--server=on"]].concat(),
            "off",
            "--server: expected auto, off or require, but got 'on'",
        ),
        (all.clone(), "1", "WALD_SERVER: expected auto, off or require, but got '1'"),
    ] {
        let output = folder.wald(mode, &arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("wald: error: {message}\n"));
    }
}

#[test]
fn links_can_be_compared_with_links_from_nothing() {
    let folder = Folder::new();
    let all = folder.all();
    for bytes in [std::fs::read(folder.input("commands.o")).unwrap(), folder.edited_commands()] {
        std::fs::write(folder.input("commands.o"), bytes).unwrap();
        let mut command = folder.wald("require", &all);
        let output = command.env("WALD_SERVER_VERIFY", "1").output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn all_servers_together_keep_within_a_budget() {
    let folder = Folder::new();
    let link = |output: &str, megabytes: u64| {
        std::fs::create_dir_all(folder.input(output).parent().unwrap()).unwrap();
        let mut command = folder.wald("require", &["-o", output]);
        command.args(&folder.names).env("WALD_SERVER_MEMORY", megabytes.to_string());
        assert!(command.status().unwrap().success());
    };
    let outputs = || {
        let mut outputs: Vec<String> =
            folder.status().iter().map(|status| status["output"].as_str().unwrap().into()).collect();
        outputs.sort();
        outputs
    };
    link("a/out.wasm", 10_000);
    link("b/out.wasm", 10_000);
    assert_eq!(outputs(), ["a/out.wasm", "b/out.wasm"]);
    // Idle times are whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    link("a/out.wasm", 10_000);
    std::thread::sleep(Duration::from_millis(1100));
    // Room for two and a half: that of `b` was not used for longest.
    let memory = |status: &serde_json::Value| status["memory_bytes"].as_u64().unwrap();
    let two: u64 = folder.status().iter().map(memory).sum();
    link("c/out.wasm", (two * 5 / 4) >> 20);
    folder.wait_until("one fewer", || outputs() == ["a/out.wasm", "c/out.wasm"]);
    link("c/out.wasm", 1);
    folder.wait_until("their end", || outputs().is_empty());
}

#[test]
fn another_program_has_another_server() {
    let folder = Folder::new();
    let program = folder.path.join("wald");
    let link = |mode: &str| {
        let mut command = Command::new(&program);
        command.current_dir(folder.path.join("in")).env("XDG_RUNTIME_DIR", folder.path.join("run"));
        command.env("WALD_SERVER", mode).args(folder.all());
        assert!(command.status().unwrap().success());
    };
    std::fs::copy(env!("CARGO_BIN_EXE_wald"), &program).unwrap();
    link("require");
    let old = folder.pid();
    std::fs::remove_file(&program).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_wald"), &program).unwrap();
    link("auto");
    link("require");
    assert_ne!(folder.pid(), old);
}

#[test]
fn code_is_generated_when_it_is_asked_for() {
    if Command::new("llvm-lto2-22").arg("--version").output().is_err() {
        return println!("skipped: needs llvm-lto2-22");
    }
    let folder = Folder::new();
    let take = |kept: &str, name: &str| {
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept").join(kept);
        std::fs::copy(kept, folder.input("new")).unwrap();
        std::fs::rename(folder.input("new"), folder.input(name)).unwrap();
    };
    take("lto_main.o", "bitcode.o");
    // A file that the module does not name, but the tool writes.
    let saved = folder.input("out.wasm.resolution.txt");
    let arguments = ["bitcode.o", "helper.o", "-o", "out.wasm", "--save-temps"];
    let mut modules = Vec::new();
    for kept in ["lto_five.o", "lto_five.o", "lto_six.o"] {
        take(kept, "helper.o");
        // The server has time to do what it must not do.
        std::thread::sleep(Duration::from_millis(300));
        assert!(!saved.exists(), "{kept}");
        assert!(folder.check(&arguments).status.success());
        modules.push(std::fs::read(folder.input("out.wasm")).unwrap());
        std::fs::remove_file(&saved).unwrap();
        // Nothing has changed, and it is written again.
        assert!(folder.wald("require", &arguments).status().unwrap().success());
        std::fs::remove_file(&saved).unwrap();
    }
    assert!(modules[0] == modules[1] && modules[1] != modules[2]);
}

#[test]
fn a_server_waits_without_work() {
    let folder = Folder::new();
    let all = folder.all();
    folder.check(&all);
    // As after `make clean`.
    for name in &folder.names {
        std::fs::remove_file(folder.input(name)).unwrap();
    }
    let server = folder.pid();
    // How often its threads had to wait.
    let waits = || {
        let tasks = std::fs::read_dir(format!("/proc/{server}/task")).ok()?;
        let status = tasks
            .map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default());
        let count = |text: String| {
            let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        Some(status.map(count).sum::<u64>())
    };
    std::thread::sleep(Duration::from_millis(500));
    let Some(before) = waits() else { return println!("skipped: needs /proc") };
    std::thread::sleep(Duration::from_secs(2));
    let count = waits().unwrap() - before;
    assert!(count < 50, "{count} times in two seconds");
}
