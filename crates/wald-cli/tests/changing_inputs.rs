//! Inputs that are changed while they are linked: a message that names them and exit code 1, never a signal, never an output.
//!
//! The last input is a pipe: once the command opens it, all other inputs are read and none is linked.

#![cfg(unix)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder with the demo's objects. The last one is a pipe.
struct Link {
    folder: PathBuf,
    last: Vec<u8>,
}

impl Link {
    fn new(test: &str) -> Link {
        let folder = std::env::temp_dir().join(format!("wald-changing-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects");
        for entry in std::fs::read_dir(objects).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
        let last = std::fs::read(folder.join("wasi.o")).unwrap();
        assert!(Command::new("mkfifo").arg(folder.join("pipe.o")).status().unwrap().success());
        std::fs::write(folder.join("out.wasm"), "old").unwrap();
        Link { folder, last }
    }

    /// An object of `size` bytes and more, larger than what is read instead of mapped.
    fn add_large(&self, size: usize) {
        let mut object = b"\0asm\x01\0\0\0".to_vec();
        // Custom section "x": its bytes are linked, and not looked at before.
        let mut section = b"\x01x".to_vec();
        section.resize(size, b'x');
        object.push(0);
        let mut length = section.len();
        while length >= 0x80 {
            object.push(length as u8 | 0x80);
            length >>= 7;
        }
        object.push(length as u8);
        object.extend(section);
        object.extend(b"\0\x09\x07linking\x02");
        std::fs::write(self.folder.join("large.o"), object).unwrap();
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(&self.folder).args(["--threads=1", "-o", "out.wasm"]).args(arguments);
        command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Links, and runs `change` when all is read.
    fn run(&self, arguments: &[&str], change: impl FnOnce(&Path)) -> Output {
        let child = self.start(&[arguments, &["pipe.o"]].concat());
        let mut pipe = std::fs::File::options().write(true).open(self.folder.join("pipe.o")).unwrap();
        // Times of files differ if the clock ticked in between.
        std::thread::sleep(std::time::Duration::from_millis(20));
        change(&self.folder);
        pipe.write_all(&self.last).unwrap();
        drop(pipe);
        child.wait_with_output().unwrap()
    }

    fn assert_refused(&self, output: &Output, message: &str) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{:?} {said}", output.status);
        assert!(said.contains(message), "{said}");
        assert_eq!(std::fs::read(self.folder.join("out.wasm")).unwrap(), b"old");
        let names = std::fs::read_dir(&self.folder).unwrap();
        assert!(names.flatten().all(|entry| !entry.file_name().to_string_lossy().contains(".tmp")));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn set_length(path: &Path, length: u64) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn a_mapped_input_that_is_truncated_is_named() {
    let link = Link::new("truncated");
    for length in [0, 100, 5000, 299_500] {
        link.add_large(300_000);
        let output =
            link.run(&["--no-entry", "large.o"], |folder| set_length(&folder.join("large.o"), length));
        let message = match length {
            // The last page is still there.
            299_500 => "wald: error: large.o: was changed while it was linked",
            _ => "wald: error: large.o: was truncated while it was linked\n",
        };
        link.assert_refused(&output, message);
    }
}

#[test]
fn an_input_that_is_rewritten_in_place_is_named() {
    let link = Link::new("rewritten");
    link.add_large(300_000);
    let output = link.run(&["--no-entry", "large.o"], |folder| {
        let path = folder.join("large.o");
        let time = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, std::fs::read(&path).unwrap()).unwrap();
        // As `touch -r` does.
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    });
    link.assert_refused(&output, "wald: error: large.o: was changed while it was linked");
}

/// A small input is copied when it is read: what happens to it later does not matter.
#[test]
fn a_small_input_may_be_rewritten_when_it_was_read() {
    let link = Link::new("small");
    let arguments = ["--no-entry", "heap.o"];
    assert!(link.run(&arguments, |_| ()).status.success());
    let expected = std::fs::read(link.folder.join("out.wasm")).unwrap();
    let output = link.run(&arguments, |folder| std::fs::write(folder.join("heap.o"), "other").unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read(link.folder.join("out.wasm")).unwrap() == expected);
}

#[test]
fn members_of_thin_archives_and_response_files_count_too() {
    let link = Link::new("indirect");
    link.add_large(300_000);
    let mut archive = b"!<thin>\n".to_vec();
    let names = b"large.o/\n\n";
    archive
        .extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "//", "", "", "", "", names.len()).bytes());
    archive.extend(names);
    let size = std::fs::metadata(link.folder.join("large.o")).unwrap().len();
    archive.extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", "/0", 0, 0, 0, 644).bytes());
    std::fs::write(link.folder.join("thin.a"), archive).unwrap();
    std::fs::write(link.folder.join("arguments"), "--no-entry --whole-archive thin.a").unwrap();
    for (name, message) in [("large.o", "large.o: was "), ("arguments", "arguments: was changed")] {
        let output = link.run(&["@arguments"], |folder| {
            let bytes = std::fs::read(folder.join(name)).unwrap();
            std::fs::write(folder.join(name), bytes).unwrap();
        });
        link.assert_refused(&output, message);
    }
}

#[test]
fn one_that_is_replaced_by_a_rename_or_removed_was_read_before() {
    let link = Link::new("replaced");
    link.add_large(300_000);
    let before = link.run(&["--no-entry", "large.o"], |_| ());
    assert!(before.status.success(), "{}", String::from_utf8_lossy(&before.stderr));
    let expected = std::fs::read(link.folder.join("out.wasm")).unwrap();
    let changes: [fn(&Path); 2] = [
        |folder| {
            std::fs::write(folder.join("new"), "other").unwrap();
            std::fs::rename(folder.join("new"), folder.join("large.o")).unwrap();
        },
        |folder| std::fs::remove_file(folder.join("large.o")).unwrap(),
    ];
    for change in changes {
        link.add_large(300_000);
        let output = link.run(&["--no-entry", "large.o"], change);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read(link.folder.join("out.wasm")).unwrap() == expected);
    }
}

/// A pipe gives its bytes once: a file that is named three times, in two ways, is read once.
#[test]
fn a_file_that_is_named_several_times_is_read_once() {
    let link = Link::new("once");
    let more = ["--allow-multiple-definition", "--no-entry", "pipe.o", "./pipe.o"];
    let output = link.run(&more, |_| ());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let missing = link.start(&["none.o", "./none.o", "none.o"]).wait_with_output().unwrap();
    let line = |name| format!("wald: error: cannot open {name}: No such file or directory\n");
    assert_eq!(
        String::from_utf8_lossy(&missing.stderr),
        [line("none.o"), line("./none.o"), line("none.o")].concat()
    );
}
