//! The command in process: what it prints, what it writes and what it leaves alone.

use std::ffi::OsString;
use std::path::PathBuf;
use wald_cli::{run, Host};

/// An object with the function `_start`, as `llvm-mc` makes it.
const START: &[u8] = include_bytes!("start.o");

struct Answer {
    code: i32,
    stdout: Vec<u8>,
    stderr: String,
}

fn wald(args: &[&str]) -> Answer {
    wald_in_order(args, None)
}

fn wald_in_order(args: &[&str], shuffle: Option<u64>) -> Answer {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut host = Host { shuffle, ..Host::new(&mut stdout, &mut stderr) };
    let code = run(&args, &mut host);
    Answer { code, stdout, stderr: String::from_utf8(stderr).unwrap() }
}

/// A directory of its own for each test, with `start.o` in it.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-command-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let directory = Directory(path);
        std::fs::write(directory.path("start.o"), START).unwrap();
        directory
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The inputs of these tests are copies, so they are newer.
const NEWER: &str = concat!("--await-newer=", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

#[test]
fn messages_begin_with_the_programs_name() {
    for (program, name) in [("/usr/bin/wasm-ld", "wasm-ld"), ("wald.exe", "wald"), ("x/rust-lld", "rust-lld")]
    {
        let answer = wald(&[program, "-flavor", "wasm", "--foo"]);
        assert_eq!(answer.stderr, format!("{name}: error: unknown argument: --foo\n"));
        assert_eq!(answer.code, 1);
    }
}

#[test]
fn the_version_says_what_it_is_compatible_with() {
    let answer = wald(&["wald", "--version"]);
    assert_eq!(
        String::from_utf8(answer.stdout).unwrap(),
        "LLD 22.1.8 (Wald 0.1.0, compatible with wasm-ld)\n"
    );
    assert_eq!(answer.code, 0);
}

#[test]
fn an_error_leaves_the_old_output_alone_and_nothing_beside_it() {
    let directory = Directory::new("old");
    let output = directory.path("out.wasm");
    std::fs::write(&output, "old").unwrap();
    let answer = wald(&["wald", "-o", &output, &directory.path("start.o"), &directory.path("missing.o")]);
    let expected =
        format!("wald: error: cannot open {}: No such file or directory\n", directory.path("missing.o"));
    assert_eq!((answer.code, answer.stderr), (1, expected));
    assert_eq!(std::fs::read(&output).unwrap(), b"old");
    assert_eq!(directory.names(), ["out.wasm", "start.o"]);
}

#[test]
fn the_output_is_an_executable_file_or_standard_output() {
    let directory = Directory::new("output");
    let (output, input) = (directory.path("-"), directory.path("start.o"));
    let answer = wald(&["wald", &input, "-o", &output]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let module = std::fs::read(&output).unwrap();
    assert!(module.starts_with(b"\0asm"));
    #[cfg(unix)]
    assert_ne!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&output).unwrap().permissions()) & 0o100,
        0
    );
    let answer = wald(&["wald", &input, "-o", "-"]);
    assert_eq!(answer.stdout, module);
}

#[test]
fn errors_are_in_the_order_of_the_inputs_whatever_the_order_of_reading() {
    let directory = Directory::new("order");
    let missing: Vec<String> = (0..15).map(|n| directory.path(&format!("missing{n}.o"))).collect();
    let mut args = vec!["wald", "-o", "x", "--threads=3"];
    args.extend(missing.iter().map(String::as_str));
    let expected = wald(&args).stderr;
    assert_eq!(expected.lines().count(), 15);
    for seed in 0..8 {
        assert_eq!(wald_in_order(&args, Some(seed)).stderr, expected);
    }
}

#[test]
fn time_traces_and_reports_are_written() {
    let directory = Directory::new("reports");
    let (input, output) = (directory.path("start.o"), directory.path("out.wasm"));
    let trace = format!("--time-trace={}", directory.path("trace.json"));
    let map = format!("--Map={}", directory.path("map"));
    let reproduce = format!("--reproduce={}", directory.path("all.tar"));
    let answer = wald(&["wald", &input, "-o", &output, &trace, &map, &reproduce, "--time"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("total"));
    assert_eq!(directory.names(), ["all.tar", "map", "out.wasm", "start.o", "trace.json"]);
    assert!(std::fs::read_to_string(directory.path("trace.json"))
        .unwrap()
        .starts_with("{\"displayTimeUnit\""));
}

#[test]
fn verbose_link_shows_command_line_inputs_and_extracted_members() {
    let directory = Directory::new("verbose_link");
    let (input, output) = (directory.path("start.o"), directory.path("out.wasm"));
    let answer =
        wald(&["wald", "--start-lib", &input, "--end-lib", "-o", &output, "--verbose-link", "-u", "_start"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let lines: Vec<&str> = answer.stderr.lines().collect();
    assert!(
        lines[0].starts_with("wald: command line: --start-lib") && lines[0].ends_with("-u _start"),
        "{lines:?}"
    );
    assert_eq!(lines[1], format!("wald: input: {input}"));
    assert_eq!(lines[2], format!("wald: extracted: {input} for _start, which <internal> refers to"));
    assert_eq!(lines.len(), 3);
}

#[test]
fn verbose_link_lists_the_members_of_whole_archives() {
    let directory = Directory::new("whole archive");
    let (library, output) = (directory.path("lib.a"), directory.path("out.wasm"));
    std::fs::write(&library, archive(2)).unwrap();
    let options = ["--allow-multiple-definition", "--verbose-link"];
    let arguments = [&["wald", "--whole-archive", &library, "-o", &output][..], &options].concat();
    let answer = wald(&arguments);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let lines: Vec<&str> = answer.stderr.lines().collect();
    assert_eq!(
        lines[..4],
        [
            format!("wald: command line: --whole-archive '{library}' -o '{output}' {}", options.join(" ")),
            format!("wald: input: {library}"),
            format!("wald: linked: {library}(m0.o) for --whole-archive"),
            format!("wald: linked: {library}(m1.o) for --whole-archive"),
        ]
    );
    let answer = wald(&["wald", &library, "-o", &output, "--verbose-link"]);
    assert!(!answer.stderr.contains("linked:") && answer.stderr.contains("extracted:"), "{}", answer.stderr);
}

/// Names are bytes, in messages and in reports.
#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_are_printed_as_their_bytes() {
    use std::os::unix::ffi::OsStringExt;
    let directory = Directory::new("bytes");
    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    let input = directory.0.join(bytes(b"s\xff.o"));
    std::fs::write(&input, START).unwrap();
    let (thin, missing) = (directory.0.join("thin.a"), directory.0.join("missing.a"));
    for (archive, name) in [(&thin, b"s\xff.o"), (&missing, b"m\xff.o")] {
        let header =
            |name: &str, size: usize| format!("{name:<16}{:<32}{size:<10}`\n", "0           0     0     644");
        let names = [&name[..], b"/\n"].concat();
        let (table, member) = (header("//", names.len()), header("/0", START.len()));
        let contents = [b"!<thin>\n", table.as_bytes(), &names, member.as_bytes()];
        std::fs::write(archive, contents.concat()).unwrap();
    }
    let response = [b"@", directory.path("r").as_bytes(), b"\xfe"].concat();
    std::fs::write(directory.0.join(bytes(b"r\xfe")), &response).unwrap();
    let output: OsString = directory.path("out.wasm").into();
    for (arguments, expected) in [
        (vec!["--verbose-link".into()], &b"input: "[..]),
        (vec!["--verbose".into()], b"Loading: "),
        (vec!["--print-map".into(), "-u".into(), "_start".into()], b""),
        (vec!["--why-extract=-".into(), "--start-lib".into()], b""),
        (vec![bytes(&response)], b"recursive expansion of: "),
        (vec![bytes(b"no\xff.o")], b"cannot open no"),
        (vec!["-t".into(), "--whole-archive".into(), thin.clone().into()], b"thin.a(s"),
        (vec![missing.clone().into()], b"could not get the buffer for a child of the archive: 'm"),
    ] {
        let start = [bytes(b"w\xfd"), "-o".into(), output.clone()];
        let args: Vec<OsString> = start.into_iter().chain(arguments).chain([input.clone().into()]).collect();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut host = Host::new(&mut stdout, &mut stderr);
        run(&args, &mut host);
        let said = [stdout, stderr].concat();
        let shown = String::from_utf8_lossy(&said);
        assert!(said.windows(expected.len().max(1)).any(|part| part.starts_with(expected)), "{shown}");
        assert!(said.contains(&0xff) || said.contains(&0xfe), "{shown}");
        assert!(
            !said.contains(&0xf4) && !said.windows(3).any(|part| part == "\u{fffd}".as_bytes()),
            "{shown}"
        );
    }
}

#[test]
fn time_traces_have_the_parse_tasks() {
    let directory = Directory::new("parse_events");
    let (input, output) = (directory.path("start.o"), directory.path("out.wasm"));
    let trace = format!("--time-trace={}", directory.path("trace.json"));
    for more in [&[][..], &["--await-inputs", NEWER]] {
        let answer = wald(&[&["wald", &input, "-o", &output, &trace][..], more].concat());
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let text = std::fs::read_to_string(directory.path("trace.json")).unwrap();
        assert!(text.contains("\"name\":\"parse\"") && text.contains("\"name\":\"join\""), "{text}");
    }
}

#[test]
fn every_part_of_the_time_is_explained() {
    let directory = Directory::new("time");
    let (input, output) = (directory.path("start.o"), directory.path("out.wasm"));
    for more in [&[][..], &["--await-inputs", NEWER]] {
        let answer = wald(&[&["wald", &input, "-o", &output, "--time"][..], more].concat());
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let lines: Vec<&str> = answer.stderr.lines().collect();
        let (head, total) = (lines[0], lines[lines.len() - 1]);
        assert!(
            head.starts_with("phase") && total.starts_with("total") && total.ends_with("100.0%"),
            "{lines:?}"
        );
        for line in &lines[1..lines.len() - 1] {
            let (_, meaning) = line.split_once("%  ").unwrap_or_default();
            assert!(meaning.len() > 5, "{line} is not explained");
        }
        let has = |name: &str| lines.iter().any(|line| line.starts_with(&format!("{name} ")));
        assert!(
            ["arguments", "find", "join", "layout", "check", "save"].iter().all(|name| has(name)),
            "{lines:?}"
        );
        assert_eq!(
            [has("open"), has("parse"), has("wait")],
            [more.is_empty(), more.is_empty(), !more.is_empty()]
        );
    }
}

/// An archive of `count` copies of `start.o`.
fn archive(count: usize) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for number in 0..count {
        let name = format!("m{number}.o/");
        let size = START.len();
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).bytes());
        bytes.extend_from_slice(START);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}

/// A pipe gives its bytes to whoever opens it first: a second reader would wait for ever.
#[cfg(unix)]
#[test]
fn an_archive_is_opened_and_read_once_however_many_members_are_taken() {
    let directory = Directory::new("opened_once");
    let (pipe, output) = (directory.path("lib.a"), directory.path("out.wasm"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, archive(300)).unwrap())
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let arguments =
            ["wald", "--whole-archive", &pipe, "-o", &output, "--allow-multiple-definition", "--print-map"];
        let answer = wald(&arguments);
        let _ = sender.send((answer.code, answer.stderr));
    });
    let (code, stderr) =
        receiver.recv_timeout(std::time::Duration::from_secs(30)).expect("waits for a second read");
    assert_eq!(code, 0, "{stderr}");
    writer.join().unwrap();
}
