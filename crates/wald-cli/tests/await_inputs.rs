//! `--await-inputs`: the command starts before its inputs are there, and gives what it would give afterwards.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A process counts files as new that are at most this much older than itself.
const TICK: Duration = Duration::from_millis(30);

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-await-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn start(&self, arguments: &[&str], files: &[(String, Vec<u8>)]) -> Child {
        let names = files.iter().map(|(name, _)| name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(&self.0).args(["-o", "out.wasm"]).args(arguments).args(names);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn write(&self, (name, bytes): &(String, Vec<u8>)) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    /// As compilers do it.
    fn write_and_rename(&self, (name, bytes): &(String, Vec<u8>)) {
        let temporary = self.0.join("temporary");
        std::fs::write(&temporary, bytes).unwrap();
        std::fs::rename(temporary, self.0.join(name)).unwrap();
    }

    fn output(&self) -> Vec<u8> {
        std::fs::read(self.0.join("out.wasm")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The demo's objects and archives.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_string(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 5);
    files
}

/// The output of a link that starts when all inputs exist.
fn expected(files: &[(String, Vec<u8>)], test: &str) -> Vec<u8> {
    let folder = Folder::new(&format!("{test}-expected"));
    files.iter().for_each(|file| folder.write(file));
    let output = folder.start(&[], files).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.output()
}

fn assert_linked(child: Child, folder: &Folder, expected: &[u8]) {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    assert_eq!(String::from_utf8_lossy(&stderr), "");
    assert!(folder.output() == expected, "other bytes");
}

#[test]
fn inputs_that_appear_are_linked() {
    let (files, folder) = (files(), Folder::new("appear"));
    let newer = stamp(&folder);
    folder.write(&files[0]);
    let child = folder.start(&["--await-inputs", &newer], &files);
    for file in files[1..].iter().rev() {
        std::thread::sleep(Duration::from_millis(10));
        folder.write_and_rename(file);
    }
    assert_linked(child, &folder, &expected(&files, "appear"));
}

/// An object with a custom section of this size.
fn large_object(size: usize) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (name, contents) in [("linking", vec![2]), ("large", vec![7; size])] {
        let section = [&[name.len() as u8], name.as_bytes(), &contents].concat();
        bytes.push(0);
        let len = section.len() as u32;
        bytes.extend((0..5).map(|at| (len >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 }));
        bytes.extend(section);
    }
    bytes
}

#[cfg(target_os = "linux")]
#[test]
fn a_new_output_is_made_while_the_last_input_is_missing() {
    use std::os::unix::fs::MetadataExt;
    let (mut files, folder) = (files(), Folder::new("ahead"));
    // Whichever of them is read last.
    files.extend((0..9).map(|number| (format!("large{number}.o"), large_object(1 << 20))));
    let expected = expected(&files, "ahead");
    let child = folder.start(&["--await-inputs"], &files);
    files[1..].iter().rev().for_each(|file| folder.write_and_rename(file));
    let descriptors = format!("/proc/{}/fd", child.id());
    let start = Instant::now();
    let is_ahead = || {
        let open = std::fs::read_dir(&descriptors).unwrap().flatten();
        let mut files = open.filter_map(|entry| std::fs::metadata(entry.path()).ok());
        files.any(|file| file.nlink() == 0 && file.len() > 4 << 20)
    };
    while !is_ahead() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!folder.0.join("out.wasm").exists());
    folder.write_and_rename(&files[0]);
    assert_linked(child, &folder, &expected);
}

#[test]
fn a_file_that_is_written_slowly_is_read_when_it_is_complete() {
    let (files, folder) = (files(), Folder::new("slowly"));
    let child = folder.start(&["--await-inputs"], &files);
    files[2..].iter().for_each(|file| folder.write(file));
    // Long pauses: it is read too early and must be read again.
    let (name, bytes) = &files[0];
    let mut file = std::fs::File::create(folder.0.join(name)).unwrap();
    for part in bytes.chunks(bytes.len() / 3 + 1) {
        file.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(60));
    }
    drop(file);
    folder.write_and_rename(&files[1]);
    assert_linked(child, &folder, &expected(&files, "slowly"));
}

#[test]
fn a_descriptor_says_which_inputs_are_complete() {
    let (files, folder) = (files(), Folder::new("ready"));
    // What an earlier build left is not what counts.
    files.iter().for_each(|(name, _)| folder.write(&(name.clone(), b"stale".to_vec())));
    let mut child = folder.start(&["--await-inputs", "--ready-fd=0", "--await-timeout=60"], &files);
    let mut ready = child.stdin.take().unwrap();
    writeln!(ready, "of-another-link.o").unwrap();
    for file in files.iter().rev() {
        std::thread::sleep(Duration::from_millis(10));
        folder.write_and_rename(file);
        writeln!(ready, "./{}", file.0).unwrap();
    }
    // The descriptor stays open: the link must not wait for its end.
    assert_linked(child, &folder, &expected(&files, "ready"));
    drop(ready);
}

#[test]
fn the_end_of_the_descriptor_is_an_error_while_inputs_are_missing() {
    let (files, folder) = (files(), Folder::new("end"));
    files.iter().for_each(|file| folder.write(file));
    let mut child = folder.start(&["--await-inputs", "--ready-fd=0"], &files);
    let mut ready = child.stdin.take().unwrap();
    files[2..].iter().for_each(|(name, _)| writeln!(ready, "{name}").unwrap());
    drop(ready);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = |(name, _): &(String, Vec<u8>)| {
        format!("wald: error: {name}: was not named before descriptor 0 was closed\n")
    };
    assert_eq!(said, files[..2].iter().map(line).collect::<String>());
    assert!(!folder.0.join("out.wasm").exists());
}

#[test]
fn the_end_of_the_descriptor_can_mean_that_all_is_complete() {
    let (files, folder) = (files(), Folder::new("eof-complete"));
    files.iter().for_each(|file| folder.write(file));
    let options = ["--await-inputs", "--ready-fd=0", "--ready-eof=complete"];
    let mut child = folder.start(&options, &files);
    drop(child.stdin.take());
    assert_linked(child, &folder, &expected(&files, "eof-complete"));

    std::fs::remove_file(folder.0.join(&files[0].0)).unwrap();
    let mut child = folder.start(&options, &files);
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, format!("wald: error: cannot open {}: No such file or directory\n", files[0].0));
}

#[test]
fn a_second_line_means_that_the_file_was_replaced() {
    let (files, folder) = (files(), Folder::new("second-line"));
    let mut child = folder.start(&["--await-inputs", "--ready-fd=0", "--await-timeout=60"], &files);
    let mut ready = child.stdin.take().unwrap();
    // What is replaced: once with an object that does not parse, once with another object.
    for (at, early) in [(0, b"broken".to_vec()), (1, files[2].1.clone())] {
        folder.write_and_rename(&(files[at].0.clone(), early));
        writeln!(ready, "{}", files[at].0).unwrap();
    }
    std::thread::sleep(Duration::from_millis(100));
    for (number, file) in files.iter().enumerate() {
        match number {
            // In place, while it is mapped.
            0 => folder.write(file),
            _ => folder.write_and_rename(file),
        }
        writeln!(ready, "{}", file.0).unwrap();
    }
    assert_linked(child, &folder, &expected(&files, "second-line"));
}

#[cfg(unix)]
#[test]
fn a_line_may_name_an_input_by_another_path() {
    let (files, folder) = (files(), Folder::new("other-paths"));
    std::fs::create_dir(folder.0.join("sub")).unwrap();
    std::os::unix::fs::symlink(&folder.0, folder.0.join("link")).unwrap();
    let mut child = folder.start(&["--await-inputs", "--ready-fd=0", "--await-timeout=60"], &files);
    let mut ready = child.stdin.take().unwrap();
    for (number, file) in files.iter().enumerate() {
        folder.write(file);
        let name = &file.0;
        match number % 5 {
            0 => writeln!(ready, "{}", folder.0.join(name).display()).unwrap(),
            1 => writeln!(ready, "./sub/../{name}").unwrap(),
            2 => writeln!(ready, "link/./{name}").unwrap(),
            3 => writeln!(ready, "{}/link/link/{name}", folder.0.display()).unwrap(),
            _ => writeln!(ready, "{name}\r").unwrap(),
        }
    }
    assert_linked(child, &folder, &expected(&files, "other-paths"));
}

/// As Node gives it to a child. `/dev/fd/0` cannot open it.
#[cfg(unix)]
#[test]
fn the_descriptor_may_be_a_socket() {
    let (files, folder) = (files(), Folder::new("socket"));
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let theirs = std::os::fd::OwnedFd::from(theirs);
    let arguments = ["--await-inputs", "--ready-fd=0", "--await-timeout=60", "-o", "out.wasm"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
    command.current_dir(&folder.0).args(arguments).args(files.iter().map(|(name, _)| name));
    let child = command.stdin(theirs).stderr(Stdio::piped()).spawn().unwrap();
    for file in &files {
        folder.write(file);
        writeln!(ours, "{}", file.0).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_linked(child, &folder, &expected(&files, "socket"));
}

#[cfg(unix)]
#[test]
fn a_descriptor_that_is_not_open_is_an_error() {
    let (files, folder) = (files(), Folder::new("not-open"));
    files.iter().for_each(|file| folder.write(file));
    for descriptor in [3, 77, u32::MAX] {
        let option = format!("--ready-fd={descriptor}");
        let child = folder.start(&["--await-inputs", &option], &files[..1]);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let (name, reason) = (&files[0].0, format!("descriptor {descriptor}: Bad file descriptor"));
        assert_eq!(said, format!("wald: error: {name}: cannot be waited for: {reason}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn what_does_not_come_in_time_is_named() {
    let (files, folder) = (files(), Folder::new("timeout"));
    let newer = stamp(&folder);
    files[2..].iter().for_each(|file| folder.write(file));
    std::fs::write(folder.0.join("out.wasm"), b"old").unwrap();
    let start = Instant::now();
    let child = folder.start(&["--await-inputs", "--await-timeout=0.3", &newer], &files);
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for (name, _) in &files[..2] {
        assert!(said.contains(&format!("error: {name}: did not come within 0.3 seconds")), "{said}");
    }
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(folder.output(), b"old");
}

#[test]
fn wrong_values_are_refused() {
    let folder = Folder::new("wrong");
    for (arguments, message) in [
        (&["--ready-fd=3"][..], "--ready-fd is only of use with --await-inputs"),
        (&["--ready-eof=complete"][..], "--ready-eof is only of use with --ready-fd"),
        (
            &["--await-inputs", "--ready-fd=0", "--ready-eof=x"][..],
            "--ready-eof: expected complete or error, but got 'x'",
        ),
        (&["--await-timeout=3"][..], "--await-timeout is only of use with --await-inputs"),
        (&["--await-inputs", "--ready-fd=x"][..], "--ready-fd: expected a file descriptor, but got 'x'"),
        (
            &["--await-inputs", "--await-timeout=-1"][..],
            "--await-timeout: expected a number of seconds, but got '-1'",
        ),
        (&["--await-newer=x"][..], "--await-newer is only of use with --await-inputs"),
        (
            &["--await-inputs", "--ready-fd=0", "--await-newer=stamp"][..],
            "--await-newer and --ready-fd cannot be used together",
        ),
    ] {
        let output = folder.start(arguments, &files()[..1]).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn a_link_that_waits_says_once_what_it_waits_for() {
    let folder = Folder::new("note");
    let files = files();
    let newer = stamp(&folder);
    for file in &files[..3] {
        folder.write(file);
    }
    let link = folder.start(&["--await-inputs", &newer], &files);
    std::thread::sleep(Duration::from_millis(6500));
    files[3..].iter().for_each(|file| folder.write(file));
    let output = link.wait_with_output().unwrap();
    let more = match files.len() - 4 {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let expected =
        format!("wald: note: 3 of {} inputs are read; waiting for {}{more}\n", files.len(), files[3].0);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), expected.into()));
}

/// A file that names a point in time: objects that were written after it are newer.
fn stamp(folder: &Folder) -> String {
    std::fs::write(folder.0.join("stamp"), b"").unwrap();
    // Clocks of file systems tick at least as often.
    std::thread::sleep(TICK);
    "--await-newer=stamp".to_string()
}

#[test]
fn an_object_of_an_earlier_build_is_not_taken_for_a_new_one() {
    let (files, folder) = (files(), Folder::new("earlier"));
    // It links, and is not what the build makes.
    folder.write(&(files[0].0.clone(), files[1].1.clone()));
    std::thread::sleep(TICK);
    let child = folder.start(&["--await-inputs"], &files);
    files[1..].iter().for_each(|file| folder.write_and_rename(file));
    // The compiler takes longer than everything else.
    std::thread::sleep(Duration::from_millis(700));
    assert!(!folder.0.join("out.wasm").exists());
    folder.write_and_rename(&files[0]);
    assert_linked(child, &folder, &expected(&files, "earlier"));
}

#[test]
fn an_object_of_an_earlier_build_that_is_not_written_is_an_error() {
    let (files, folder) = (files(), Folder::new("never-written"));
    folder.write(&files[0]);
    std::thread::sleep(TICK);
    let child = folder.start(&["--await-inputs", "--await-timeout=0.5"], &files);
    files[1..].iter().for_each(|file| folder.write_and_rename(file));
    // Other permissions are not other bytes.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::thread::sleep(Duration::from_millis(100));
        let permissions = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.0.join(&files[0].0), permissions).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let name = &files[0].0;
    assert_eq!(
        said,
        format!("wald: error: {name}: was there before the start, and was not written within 0.5 seconds\n")
    );
}

#[test]
fn objects_that_are_newer_than_a_file_count() {
    let (files, folder) = (files(), Folder::new("newer"));
    // Older than the stamp.
    folder.write(&(files[0].0.clone(), files[1].1.clone()));
    std::thread::sleep(TICK);
    let newer = stamp(&folder);
    files[1..].iter().for_each(|file| folder.write(file));
    std::thread::sleep(TICK);
    let child = folder.start(&["--await-inputs", &newer], &files);
    std::thread::sleep(Duration::from_millis(400));
    assert!(!folder.0.join("out.wasm").exists());
    folder.write(&files[0]);
    assert_linked(child, &folder, &expected(&files, "newer"));

    let child = folder.start(&["--await-inputs", "--await-newer=nowhere"], &files);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("error: --await-newer: cannot open nowhere: No such file or directory"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// Compilers pass their own files by path, from folders that the user may be able to write to.
#[test]
fn files_of_the_compiler_count_although_they_are_old() {
    let (mut files, folder) = (files(), Folder::new("of-compiler"));
    let is_archive = |(name, _): &&mut (String, Vec<u8>)| name.ends_with(".a");
    files.iter_mut().find(is_archive).unwrap().0 = "libclang_rt.builtins-wasm32.a".into();
    let expected = expected(&files, "of-compiler");
    let old = files.iter().position(|(name, _)| name.starts_with("libclang_rt")).unwrap();
    folder.write(&files[old]);
    std::thread::sleep(TICK);
    let child = folder.start(&["--await-inputs", "--await-timeout=60"], &files);
    for (number, file) in files.iter().enumerate() {
        if number != old {
            folder.write_and_rename(file);
        }
    }
    assert_linked(child, &folder, &expected);
}

#[test]
fn a_young_file_that_does_not_parse_is_waited_for_even_if_it_is_the_last_one() {
    let (files, folder) = (files(), Folder::new("young"));
    let expected = expected(&files, "young");
    for rename in [false, true] {
        files.iter().for_each(|(name, _)| _ = std::fs::remove_file(folder.0.join(name)));
        let child = folder.start(&["--await-inputs", "--await-timeout=60"], &files);
        // The renames are to be heard of.
        std::thread::sleep(Duration::from_millis(200));
        files[1..].iter().for_each(|file| folder.write_and_rename(file));
        let half = (files[0].0.clone(), files[0].1[..files[0].1.len() / 2].to_vec());
        let write = |file| match rename {
            true => folder.write_and_rename(file),
            false => folder.write(file),
        };
        write(&half);
        std::thread::sleep(Duration::from_millis(500));
        write(&files[0]);
        assert_linked(child, &folder, &expected);
    }
}

/// The time from the last file until the end.
fn time_after_last(
    folder: &Folder,
    files: &[(String, Vec<u8>)],
    write: impl Fn(&(String, Vec<u8>)),
) -> Duration {
    files.iter().for_each(|(name, _)| _ = std::fs::remove_file(folder.0.join(name)));
    let mut child = folder.start(&["--await-inputs", "--await-timeout=60"], files);
    files[1..].iter().for_each(&write);
    std::thread::sleep(Duration::from_millis(150));
    let start = Instant::now();
    write(&files[0]);
    assert!(child.wait().unwrap().success());
    start.elapsed()
}

/// Linking takes a few milliseconds. Waiting until a file has been quiet would take at least 10, and closing inotify another 10.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_was_seen_to_be_closed_is_linked_at_once() {
    let (files, folder) = (files(), Folder::new("at-once"));
    for write in [Folder::write, Folder::write_and_rename] {
        let least = (0..60).map(|_| time_after_last(&folder, &files, |file| write(&folder, file)));
        let is_fast = |time| time < Duration::from_millis(16);
        assert!(least.into_iter().any(is_fast));
    }
}

/// Starts `wald` by a shell, which is what is returned.
#[cfg(target_os = "linux")]
fn start_by_shell(folder: &Folder, files: &[(String, Vec<u8>)], script: &str) -> Child {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let wald = format!("'{}' -o out.wasm --await-inputs {}", env!("CARGO_BIN_EXE_wald"), names.join(" "));
    let mut command = Command::new("sh");
    command.current_dir(&folder.0).arg("-c").arg(script.replace("WALD", &wald));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_ends_with_the_build_that_started_it() {
    let (files, folder) = (files(), Folder::new("gone"));
    folder.write(&files[0]);
    // The second is what make starts. Its last command keeps the inner shell from becoming `wald`.
    for script in ["WALD & wait", "sh -c \"echo; WALD; echo\" & wait"] {
        let mut child = start_by_shell(&folder, &files, script);
        std::thread::sleep(Duration::from_millis(400));
        child.kill().unwrap();
        // Standard error is closed when the link has ended.
        let mut said = String::new();
        let mut stderr = child.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        child.wait().unwrap();
        let first = format!("error: {}: the build ended before it was complete", files[1].0);
        assert!(said.contains(&first), "{said}");
    }
}

#[test]
fn the_line_that_names_all_inputs() {
    let (files, folder) = (files(), Folder::new("all-named"));
    files.iter().for_each(|file| folder.write(file));
    let mut child = folder.start(&["--await-inputs", "--ready-fd=0"], &files);
    let mut ready = child.stdin.take().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!folder.0.join("out.wasm").exists());
    writeln!(ready, "*").unwrap();
    drop(ready);
    assert_linked(child, &folder, &expected(&files, "all-named"));
}

/// The line must not be lost: nobody repeats it.
#[cfg(unix)]
#[test]
fn a_line_may_come_before_its_folder_exists() {
    let (files, folder) = (files(), Folder::new("before-folder"));
    let there = |name: &str| folder.0.join("new/sub").join(name).display().to_string();
    let inputs: Vec<(String, Vec<u8>)> = files
        .iter()
        .enumerate()
        .map(|(number, (name, bytes))| match number % 2 {
            0 => (there(name), bytes.clone()),
            _ => (format!("new/sub/{name}"), bytes.clone()),
        })
        .collect();
    let mut child = folder.start(&["--await-inputs", "--ready-fd=0", "--await-timeout=60"], &inputs);
    let mut ready = child.stdin.take().unwrap();
    let name = |number: usize, file: &(String, Vec<u8>)| match number % 2 {
        0 => format!("./new/../new/sub/{}", file.0),
        _ => there(&file.0),
    };
    // Named too early, so it cannot be opened; named again, it counts.
    writeln!(ready, "{}", name(0, &files[0])).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    std::fs::create_dir_all(folder.0.join("new/sub")).unwrap();
    for (number, file) in files.iter().enumerate() {
        folder.write(&(format!("new/sub/{}", file.0), file.1.clone()));
        writeln!(ready, "{}", name(number, file)).unwrap();
    }
    assert_linked(child, &folder, &expected(&files, "before-folder"));
}
