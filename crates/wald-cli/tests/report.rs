//! Reports of the command: explanations, the report's files, the map as JSON, sizes of what was removed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use wald_cli::{run, Host};

struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

fn wald(args: &[&str]) -> Answer {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut host = Host::new(&mut stdout, &mut stderr);
    let code = run(&args, &mut host);
    Answer { code, stdout: String::from_utf8(stdout).unwrap(), stderr: String::from_utf8(stderr).unwrap() }
}

/// A directory of its own for each test.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-report-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Links the program of the documentation with more options.
fn link(directory: &Directory, options: &[&str]) -> Answer {
    let objects = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects"));
    let mut inputs: Vec<String> = std::fs::read_dir(objects)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    inputs.retain(|path| path.ends_with(".o") || path.ends_with(".a"));
    inputs.sort();
    let output = directory.path("out.wasm");
    let mut args = vec!["wald", "-o", &output];
    args.extend(inputs.iter().map(String::as_str));
    args.extend(options);
    wald(&args)
}

#[test]
fn symbols_are_explained_with_their_chain() {
    let directory = Directory::new("explain");
    let options = ["--explain-symbol=_start", "--why-live=no_such_thing", "--explain-symbol", "libdemo.a(*"];
    let answer = link(&directory, &options);
    assert_eq!((answer.code, &*answer.stderr), (0, ""));
    let lines: Vec<&str> = answer.stdout.lines().collect();
    assert!(lines[0].starts_with("_start: function, ") && lines[0].contains(" bytes, in "), "{lines:?}");
    let entry = lines.iter().position(|line| *line == "    chain:").unwrap() + 1;
    assert!(lines[entry].trim_start().starts_with("entry  _start, src/main.c:63"), "{lines:?}");
    assert!(
        lines.contains(&"no_such_thing: not in the output: no input defines it or refers to it"),
        "{lines:?}"
    );
    assert!(answer.stdout.contains("    member: linked because "), "{lines:?}");
    assert!(answer.stdout.contains("not in the output: nothing needs this archive member"), "{lines:?}");
}

#[test]
fn explanations_are_also_json() {
    let directory = Directory::new("explain-json");
    let answer = link(&directory, &["--explain-symbol=_start", "--explain-format=json"]);
    let json: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let start = &json[0]["answers"][0];
    assert_eq!((&json[0]["pattern"], &start["fate"]), (&"_start".into(), &"present".into()));
    assert_eq!(start["chain"][0]["step"], "entry");
    let wrong = link(&directory, &["--explain-symbol=_start", "--explain-format=xml"]);
    assert_eq!(wrong.stderr, "wald: error: --explain-format: expected text or json, but got 'xml'\n");
}

#[test]
fn reports_are_written_by_suffix() {
    let directory = Directory::new("files");
    let [json, html] =
        ["report.json", "report.html"].map(|name| format!("--report={}", directory.path(name)));
    assert_eq!(link(&directory, &[&json]).code, 0);
    let report: serde_json::Value = serde_json::from_str(&directory.read("report.json")).unwrap();
    let module = std::fs::metadata(directory.path("out.wasm")).unwrap().len();
    let sizes = report["items"]["size"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap());
    assert_eq!((report["schema"].as_str(), sizes.sum::<u64>()), (Some("wald-report"), module));
    for table in ["sections", "files", "nodes", "items", "edges", "discarded"] {
        let columns = report[table].as_object().unwrap();
        let lengths: Vec<usize> = columns.values().map(|column| column.as_array().unwrap().len()).collect();
        assert!(lengths.iter().all(|&length| length == lengths[0]), "{table}: {lengths:?}");
    }
    let older = format!("--report-diff={}", directory.path("report.json"));
    assert_eq!(link(&directory, &[&html, &older]).code, 0);
    let page = directory.read("report.html");
    assert_eq!(page.matches("\"schema\":\"wald-report\"").count(), 2, "the report and the older one");
}

#[test]
fn what_cannot_be_reported_is_an_error() {
    let directory = Directory::new("errors");
    let (module, report) = (directory.path("out.wasm"), directory.path("x.html"));
    for (options, message) in [
        (vec!["--report=x.txt"], "--report: expected a file that ends with .html or .json, but got 'x.txt'"),
        (vec!["--report-diff=x.json"], "--report-diff is only of use with --report=<file.html>"),
        (vec!["--map-format=xml"], "--map-format: expected wasm-ld or json, but got 'xml'"),
    ] {
        let answer = link(&directory, &options);
        assert_eq!((answer.code, answer.stderr), (1, format!("wald: error: {message}\n")));
    }
    let other = directory.path("other.json");
    std::fs::write(&other, "{\"schema\":\"other\"}").unwrap();
    let answer = link(&directory, &[&format!("--report={report}"), &format!("--report-diff={other}")]);
    let message = format!("wald: error: --report-diff: {other} is not a report of --report=<file.json>\n");
    assert_eq!((answer.code, answer.stderr), (1, message));
    assert!(!Path::new(&module).exists() && !Path::new(&report).exists());
}

#[test]
fn the_map_can_be_json() {
    let directory = Directory::new("map");
    let text = link(&directory, &["--Map=-"]).stdout;
    let map = link(&directory, &["--Map=-", "--map-format=json"]).stdout;
    let map: serde_json::Value = serde_json::from_str(&map).unwrap();
    let rows = map["rows"].as_array().unwrap();
    assert_eq!(rows.len() + 1, text.lines().count());
    for (line, row) in text.lines().skip(1).zip(rows) {
        let number = |key: &str| row[key].as_u64().unwrap();
        let name = match row["file"].as_str() {
            Some(file) => format!("{file}:({})", row["name"].as_str().unwrap()),
            None => row["name"].as_str().unwrap().to_string(),
        };
        let address =
            row["address"].as_u64().map_or_else(|| "       -".into(), |address| format!("{address:8x}"));
        let indent = 8 * number("depth") as usize;
        assert_eq!(
            line,
            format!("{address} {:8x} {:8x} {:indent$}{name}", number("offset"), number("size"), "")
        );
    }
}

#[test]
fn removed_sections_have_sizes_if_asked() {
    let directory = Directory::new("gc");
    let plain = link(&directory, &["--print-gc-sections"]).stdout;
    let sizes = link(&directory, &["--print-gc-sections", "--verbose"]).stdout;
    let (notes, lines): (Vec<&str>, Vec<&str>) =
        sizes.lines().partition(|line| line.starts_with("    note: "));
    assert_eq!(lines, plain.lines().collect::<Vec<_>>());
    assert_eq!(notes.len(), lines.len() + 1);
    let total = notes[notes.len() - 1];
    assert!(total.starts_with("    note: removed ") && total.contains(" functions ("), "{total}");
    let sum: u64 = notes[..notes.len() - 1]
        .iter()
        .map(|note| note.split(' ').nth(5).unwrap().parse::<u64>().unwrap())
        .sum();
    let totals = total.split('(').skip(1).map(|part| part.split(' ').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(sum, totals.sum::<u64>());
}
