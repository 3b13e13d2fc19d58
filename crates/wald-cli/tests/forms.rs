//! The forms in which diagnostics are printed: text, JSON, SARIF, pages.

use std::ffi::OsString;
use std::path::PathBuf;
use wald_cli::{run, Host};

const START: &[u8] = include_bytes!("start.o");

/// Runs the command. The result is the exit code and both streams.
fn wald(args: &[&str], on_terminal: bool, variables: &[(&str, &str)]) -> (i32, String, String) {
    let args: Vec<OsString> = std::iter::once(&"wald").chain(args).map(OsString::from).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut host = Host {
        stderr_is_terminal: on_terminal,
        environment: &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        },
        shuffle: Some(1),
        ..Host::new(&mut stdout, &mut stderr)
    };
    let code = run(&args, &mut host);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(stdout), text(stderr))
}

/// A folder with an object, a file of text and one that is cut off. It is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-forms-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("start.o"), START).unwrap();
        std::fs::write(path.join("text.o"), "version https://git-lfs.github.com/spec/v1\nsize 7\n").unwrap();
        std::fs::write(path.join("cut.o"), &START[..START.len() - 3]).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn json_has_one_object_per_line_for_any_number_of_threads() {
    let folder = Folder::new("json");
    let (start, text, cut) = (folder.path("start.o"), folder.path("text.o"), folder.path("cut.o"));
    let link = |threads: &str| {
        let options =
            ["--diagnostics-format=json", "--verbose", "--no-such-option", "--color-diagnostics", threads];
        wald(&[&options[..], &[&start, &text, &cut, "@missing"]].concat(), true, &[]).2
    };
    let printed = link("--threads=1");
    assert_eq!(printed, link("--threads=4"));
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<&str> = lines.iter().filter_map(|line| line["code"].as_str()).collect();
    assert!(codes.contains(&"W0018") && codes.contains(&"W0015") && codes.contains(&"W0017"), "{codes:?}");
    assert!(lines.iter().any(|line| line["type"] == "message"), "{printed}");
    let lfs = lines.iter().find(|line| line["code"] == "W0015").unwrap();
    assert_eq!(lfs["location"]["path"], text);
    assert_eq!(lfs["helps"][0]["text"], "fetch the file: git lfs pull");
    assert!(lfs["rendered"].as_str().unwrap().starts_with("wald: error: unknown file type: "));
}

#[test]
fn sarif_is_one_document_also_of_a_link_without_mistakes() {
    let folder = Folder::new("sarif");
    let (start, text, out) = (folder.path("start.o"), folder.path("text.o"), folder.path("out.wasm"));
    for (inputs, count) in [(&[&*start][..], 0), (&[&*start, &*text], 1)] {
        let args = [&["--diagnostics-format=sarif", "-o", &*out][..], inputs].concat();
        let (code, _, printed) = wald(&args, false, &[]);
        let document: serde_json::Value = serde_json::from_str(&printed).unwrap();
        let run = &document["runs"][0];
        assert_eq!((code != 0, run["results"].as_array().unwrap().len()), (count != 0, count), "{printed}");
        assert_eq!(run["invocations"][0]["executionSuccessful"], count == 0);
    }
}

#[test]
fn pages_are_printed_and_unknown_codes_refused() {
    let (code, page, said) = wald(&["--explain", "W0015"], false, &[]);
    assert_eq!((code, &*said), (0, ""));
    assert!(page.starts_with("# W0015: foreign-input\n"), "{page}");
    let (code, page, said) = wald(&["--explain=W9999"], false, &[("WALD_FLAGS", "--no-such-option")]);
    assert_eq!((code, &*page), (1, ""));
    assert!(said.starts_with("wald: error: --explain: no diagnostic has the code 'W9999'\n"), "{said}");
}

#[test]
fn only_terminals_get_codes_and_links() {
    let folder = Folder::new("terminal");
    let text = folder.path("text.o");
    let plain = format!(
        "wald: error: unknown file type: {text}\n    note: it is a Git LFS pointer to a file of 7 bytes: its first line is \
         `version https://git-lfs.github.com/spec/v1`\n    help: fetch the file: git lfs pull\n"
    );
    assert_eq!(wald(&[&text], false, &[("TERM_PROGRAM", "vscode")]).2, plain);
    let options = ["--no-color-diagnostics", "--hyperlinks=never", &*text];
    let last = "    help: for more: wald --explain W0015\n";
    assert_eq!(wald(&options, true, &[("TERM_PROGRAM", "vscode")]).2, format!("{plain}{last}"));
    let linked = wald(&["--no-color-diagnostics", &text], true, &[("TERM_PROGRAM", "vscode")]).2;
    assert!(linked.contains("\x1b]8;;file://"), "{linked:?}");
    assert_eq!(
        wald(&["--no-notes", &text], true, &[("TERM", "dumb")]).2,
        plain.lines().next().unwrap().to_string() + "\n"
    );
    for wrong in ["--diagnostics-format=xml", "--hyperlinks=maybe"] {
        let said = wald(&[wrong, &folder.path("start.o")], false, &[]).2;
        assert!(said.contains(&format!("error: unknown option: {wrong}")), "{said}");
    }
}
