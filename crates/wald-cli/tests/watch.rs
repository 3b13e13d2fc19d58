//! `--watch`: after each change of an input the output is what a link from nothing gives.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

/// A folder with inputs, and the command that watches them.
struct Watched {
    folder: PathBuf,
    names: Vec<String>,
    child: Child,
    said: BufReader<ChildStderr>,
}

/// The demo's objects and archives.
fn copy_inputs(folder: &Path) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "o" || extension == "a") {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            std::fs::copy(&path, folder.join(&name)).unwrap();
            names.push(name);
        }
    }
    names.sort();
    assert!(names.len() >= 5);
    names
}

impl Watched {
    fn start(test: &str) -> Watched {
        Watched::start_with(test, |_, names| names.to_vec())
    }

    /// `arguments` makes files in the folder, and gives what is on the command line in place of the inputs.
    fn start_with(test: &str, arguments: impl FnOnce(&Path, &[String]) -> Vec<String>) -> Watched {
        let folder = std::env::temp_dir().join(format!("wald-watch-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let names = copy_inputs(&folder);
        let names = arguments(&folder, &names);
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(&folder).args(["--watch", "-o", "out.wasm"]).args(&names);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Watched { folder, names, child, said }
    }

    /// What it says until it has linked or failed; the last line without the time.
    fn next(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended: {lines:?}");
            match line.split_once("linked in ") {
                Some((start, rest)) => {
                    // The time: `0.6 ms at 14:03:22`.
                    let (took, rest) = rest.trim_end().split_once(" ms at ").unwrap();
                    assert!(
                        took.parse::<f64>().is_ok()
                            && rest.chars().filter(|&digit| digit == ':').count() == 2
                    );
                    let size = std::fs::metadata(self.path("out.wasm")).map_or(0, |found| found.len());
                    match start.ends_with("not ") {
                        true if size > 0 => assert!(rest.ends_with(", the output is stale"), "{rest}"),
                        true => {}
                        false => assert!(rest.contains(&format!(", {size} bytes")), "{rest}"),
                    }
                    lines.push(format!("{start}linked"));
                    return lines;
                }
                None => lines.push(line.trim_end().to_string()),
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn output(&self) -> Vec<u8> {
        std::fs::read(self.path("out.wasm")).unwrap()
    }

    /// What a link from nothing gives now.
    fn fresh(&self) -> Vec<u8> {
        let fresh = self.folder.join("fresh");
        std::fs::create_dir_all(&fresh).unwrap();
        let output = fresh.join("out.wasm");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(&self.folder).arg("-o").arg(&output).args(&self.names);
        assert!(command.status().unwrap().success());
        std::fs::read(output).unwrap()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn every_change_is_linked() {
    let mut watched = Watched::start("changes");
    let count = watched.names.len();
    assert_eq!(watched.next(), [format!("wald: {count} inputs: linked")]);
    let first = watched.output();
    assert!(first == watched.fresh());

    // A letter of a string that the program prints.
    let object = std::fs::read(watched.path("commands.o")).unwrap();
    let mut edited = object.clone();
    let data = edited.windows(4).rposition(|bytes| bytes.iter().all(u8::is_ascii_lowercase)).unwrap();
    edited[data] ^= 1;
    std::fs::write(watched.path("commands.o"), &edited).unwrap();
    assert_eq!(watched.next(), ["wald: commands.o changed: linked"]);
    let second = watched.output();
    assert!(second == watched.fresh());
    assert!(first != second);

    // A broken one leaves the output as it was.
    std::fs::write(watched.path("commands.o"), b"half").unwrap();
    let broken = "wald: error: unknown file type: commands.o";
    let reason = "    note: it is text: its first line is `half`";
    assert_eq!(watched.next(), [broken, reason, "wald: commands.o changed: not linked"]);
    assert!(watched.output() == second);

    std::fs::write(watched.path("commands.o"), &object).unwrap();
    assert_eq!(watched.next(), ["wald: commands.o changed: linked"]);
    assert!(watched.output() == first);
}

#[test]
fn files_may_go_and_come_back() {
    let mut watched = Watched::start("gone");
    watched.next();
    let first = watched.output();
    let archive = std::fs::read(watched.path("libdemo.a")).unwrap();
    std::fs::remove_file(watched.path("libdemo.a")).unwrap();
    let missing = "wald: error: cannot open libdemo.a: No such file or directory";
    assert_eq!(watched.next(), [missing, "wald: libdemo.a changed: not linked"]);
    std::fs::write(watched.path("libdemo.a"), &archive).unwrap();
    assert_eq!(watched.next(), ["wald: libdemo.a changed: linked"]);
    assert!(watched.output() == first);
}

#[test]
fn the_map_of_a_link_that_fails_at_its_end_is_written() {
    // `start.o` does not declare the feature mutable-globals, which is checked after the map is made.
    let mut watched = Watched::start_with("map", |folder, _| {
        let object = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/start.o");
        std::fs::copy(object, folder.join("start.o")).unwrap();
        ["start.o", "--export=__stack_pointer", "--Map=out.map"].map(str::to_string).to_vec()
    });
    let said = watched.next();
    assert!(said.last().unwrap().ends_with("not linked"), "{said:?}");
    let map = std::fs::read_to_string(watched.path("out.map")).unwrap();
    assert!(map.lines().any(|line| line.ends_with("__stack_pointer")), "{map}");
    assert!(!watched.path("out.wasm").exists());
}

/// An object that defines what `index.o` needs is left out: a list says that it may stay undefined.
fn without_stop_words(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| *name != "stop_words.o").cloned().collect()
}

#[test]
fn lists_of_names_are_watched() {
    for (test, list, option) in
        [("imports", "libdemo.imports", None), ("allowed", "allowed", Some("--allow-undefined-file=allowed"))]
    {
        let mut watched = Watched::start_with(test, |folder, names| {
            std::fs::write(folder.join(list), "is_stop_word\n").unwrap();
            without_stop_words(names).into_iter().chain(option.map(str::to_string)).collect()
        });
        assert!(watched.next().last().unwrap().ends_with("inputs: linked"));
        let first = watched.output();
        assert!(first == watched.fresh());
        std::fs::write(watched.path(list), "another\n").unwrap();
        let said = watched.next();
        assert!(said[0].contains("undefined symbol: is_stop_word"), "{said:?}");
        assert!(said.last().unwrap().contains("not linked"), "{said:?}");
        std::fs::write(watched.path(list), "another\nis_stop_word\n").unwrap();
        let said = watched.next();
        assert!(said.len() == 1 && said[0].ends_with(": linked"), "{said:?}");
        assert!(watched.output() == first);
    }
}

#[test]
fn a_response_file_that_changes_is_a_new_command_line() {
    let mut watched = Watched::start_with("response", |folder, names| {
        std::fs::write(folder.join("arguments"), without_stop_words(names).join(" ")).unwrap();
        std::fs::write(folder.join("more"), "stop_words.o").unwrap();
        vec!["@arguments".into(), "@more".into()]
    });
    let count = watched.next();
    assert!(count.last().unwrap().ends_with("inputs: linked"), "{count:?}");
    let first = watched.output();
    // Without a change nothing is linked again.
    let linked = || std::fs::metadata(watched.path("out.wasm")).unwrap().modified().unwrap();
    let before = linked();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(linked() == before);
    std::fs::write(watched.path("more"), "stop_words.o --export-all").unwrap();
    assert!(watched.next().last().unwrap().ends_with("inputs: linked"));
    let second = watched.output();
    assert!(second == watched.fresh() && second != first);
    // A command line that is wrong is not the end.
    std::fs::write(watched.path("more"), "stop_words.o --no-such-option").unwrap();
    let line = loop {
        let mut line = String::new();
        assert!(watched.said.read_line(&mut line).unwrap() > 0);
        if !line.contains("linked in") {
            break line;
        }
    };
    assert_eq!(line, "wald: error: unknown argument: --no-such-option\n");
    // It is said once.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    std::fs::write(watched.path("more"), "stop_words.o").unwrap();
    let said = watched.next();
    assert!(said.len() == 1 && said[0].ends_with("inputs: linked"), "{said:?}");
    assert!(watched.output() == first);
}

#[test]
fn an_object_whose_writer_pauses_is_not_linked() {
    use std::io::Write;
    let mut watched = Watched::start("pause");
    watched.next();
    let object = std::fs::read(watched.path("commands.o")).unwrap();
    let relocations = object.windows(10).position(|bytes| bytes == b"reloc.CODE").unwrap();
    let mut file = std::fs::File::create(watched.path("commands.o")).unwrap();
    // An object without its relocations, and for a moment nothing else.
    let start = (1..8).map(|back| relocations - back).find(|&at| object[at] == 0).unwrap();
    file.write_all(&object[..start]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    file.write_all(&object[start..]).unwrap();
    // A section more: what is linked is the whole file.
    file.write_all(&[0, 3, 1, b'v', b'x']).unwrap();
    drop(file);
    assert_eq!(watched.next(), ["wald: commands.o changed: linked"]);
    assert!(watched.output() == watched.fresh());
}
