//! `--reproduce=FILE.tar`: the command line and copies of all inputs, so that a link can be repeated elsewhere.
//!
//! Like wasm-ld's: everything is below a directory named after the tar file, inputs at their absolute paths, with
//! `response.txt` (the options, with paths that fit the copies) and `version.txt`. `wasm-ld @response.txt` in that directory links
//! again. For that Wald also packs what wasm-ld leaves out: members of thin archives and the `.imports` files of archives.

use crate::files;
use crate::option_table::{spec, Kind, Opt};
use crate::output_file::Draft;
use crate::parse::{canonical, Argument, Arguments};
use crate::response_file::{quoted, Quoting};
use crate::tar::write_member;
use crate::text::{from_os, to_bytes, to_path};
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use wald::FileKind;

const RESPONSE: &str = "response.txt";
const VERSION: &str = "version.txt";

/// A tar file that is being filled from several threads.
pub struct Reproduce {
    tar: Mutex<Tar>,
}

struct Tar {
    /// `None` when it is finished.
    file: Option<BufWriter<Draft>>,
    directory: String,
    written: HashSet<String>,
    last: Vec<(String, Vec<u8>)>,
    failure: Option<io::Error>,
}

impl Reproduce {
    /// Begins the tar file with the command line and the version.
    pub fn create(path: &str, arguments: &Arguments, version: &str) -> io::Result<Self> {
        let file = Some(BufWriter::new(Draft::open(path)?));
        let (written, directory) = (HashSet::new(), directory_for(path));
        let mut tar = Tar { file, directory, written, last: Vec::new(), failure: None };
        tar.add(RESPONSE, &to_bytes(&response(arguments)));
        tar.add(VERSION, format!("{version}\n").as_bytes());
        Ok(Reproduce { tar: Mutex::new(tar) })
    }

    /// Adds an input. The first trouble with the tar file is kept for [`finish`](Self::finish).
    pub fn add_input(&self, path: &str, bytes: &[u8]) {
        let mut tar = self.tar.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tar.add(&name_of_copy(path), bytes);
        if wald::identify(bytes) != FileKind::Archive {
            return;
        }
        let beside = to_path(path).with_extension("imports");
        if let Ok(bytes) = files::read(&beside) {
            tar.add(&name_of_copy(&from_os(beside.as_os_str())), &bytes);
        }
    }

    /// Adds a member of a thin archive. If it cannot be read, the link says so.
    pub fn add_member(&self, path: &str) {
        let mut tar = self.tar.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Ok(bytes) = files::read(&to_path(path)) {
            tar.add(&name_of_copy(path), &bytes);
        }
    }

    /// Adds a file after all inputs.
    pub fn add_last(&self, path: &str, bytes: &[u8]) {
        let mut tar = self.tar.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tar.last.push((name_of_copy(path), bytes.to_vec()));
    }

    /// Completes the tar file. Until then the path has no file, or an older one.
    pub fn finish(&self) -> io::Result<()> {
        let mut tar = self.tar.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (path, bytes) in std::mem::take(&mut tar.last) {
            tar.add(&path, &bytes);
        }
        if let Some(error) = tar.failure.take() {
            return Err(error);
        }
        let Some(mut file) = tar.file.take() else { return Ok(()) };
        file.write_all(&[0; 1024])?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.commit()
    }
}

impl Tar {
    fn add(&mut self, path: &str, bytes: &[u8]) {
        let path = format!("{}/{path}", self.directory);
        let Some(file) = self.file.as_mut().filter(|_| self.failure.is_none()) else { return };
        if self.written.insert(path.clone()) {
            self.failure = write_member(file, &to_bytes(&path), bytes).err();
        }
    }
}

/// The directory in the tar file: its name without the extension, unless that would lead out of where it is unpacked.
fn directory_for(path: &str) -> String {
    let path = to_path(path);
    let stem = path.file_stem().map(from_os).unwrap_or_default();
    match stem.as_str() {
        "" | "." | ".." => "reproduce".into(),
        _ => stem,
    }
}

/// Where the copy of a file is: its absolute path without the root and without `.` and `..`. Different files have different
/// names.
fn name_of_copy(path: &str) -> String {
    let name = relative_to_root(path);
    let first = name.split('/').next().unwrap_or_default();
    // Two names at the top are taken. A directory of underscores makes room for files of these names.
    if name == RESPONSE || name == VERSION {
        format!("_/{name}")
    } else if !first.is_empty() && first.bytes().all(|byte| byte == b'_') {
        format!("_{name}")
    } else {
        name
    }
}

fn relative_to_root(path: &str) -> String {
    let path = if path.is_empty() { "." } else { path };
    let absolute = std::path::absolute(to_path(path)).unwrap_or_else(|_| PathBuf::from(path));
    let simple = without_dots(&absolute);
    let has_dots = absolute.components().any(|component| component == Component::ParentDir);
    // Behind a symbolic link `..` leads elsewhere.
    let real = |path: &Path| path.parent().and_then(|folder| folder.canonicalize().ok());
    if has_dots {
        let root = Path::new("/");
        if let (Some(there), Some(name)) = (real(&absolute), absolute.file_name()) {
            if real(&root.join(to_path(&simple))) != Some(there.clone()) {
                return without_dots(&there.join(name));
            }
        }
    }
    simple
}

/// A path's parts, without the root, `.` and `..`.
fn without_dots(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(from_os(part)),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    parts.join("/")
}

/// The command line as a response file, one option a line.
fn response(arguments: &Arguments) -> String {
    let quote = |text: &str| quoted(text, Quoting::default());
    let mut text = String::new();
    for argument in &arguments.list {
        match argument {
            Argument::Input(path) => text += &quote(&as_argument(name_of_copy(path))),
            Argument::Option { option, text: written, value } => {
                let value = value.of(written);
                let start = text.len();
                match option {
                    // The copies are complete, and there is one link to repeat.
                    Opt::Reproduce | Opt::AwaitInputs | Opt::ReadyFd | Opt::AwaitTimeout | Opt::Watch => {
                        continue
                    }
                    Opt::Output => {
                        let path = last_component(value.unwrap_or_default());
                        text += &canonical(*option, Some(path), quote);
                    }
                    // Other directories for outputs are not there.
                    Opt::Map | Opt::WhyExtract | Opt::TimeTrace => {
                        let path = value.unwrap_or_default();
                        let is_file = !path.ends_with('/');
                        let path = if is_file { last_component_of_file(path) } else { path };
                        text += &canonical(*option, Some(path), quote);
                    }
                    Opt::LibraryPath
                    | Opt::AllowUndefinedFile
                    | Opt::VersionScript
                    | Opt::DynamicList
                    | Opt::ExportDynamicSymbolList => {
                        let path = as_argument(name_of_copy(value.unwrap_or_default()));
                        text += &canonical(*option, Some(&path), quote);
                    }
                    _ => text += &canonical(*option, value, quote),
                }
                if text.len() > start && keeps_one_dash(*option, written) {
                    text.remove(start);
                }
            }
            // It has no effect.
            Argument::ElfOption { .. } => continue,
            Argument::Unknown(argument) => text += &format!("{argument} {argument}"),
        }
        text.push('\n');
    }
    text
}

/// True if an option has its main spelling with two dashes, but was written with one, as wasm-ld repeats it. Of options
/// that also take their value after `=`, only the other form is the main one.
fn keeps_one_dash(option: Opt, written: &str) -> bool {
    let row = spec(option);
    let Some(bare) = written.strip_prefix('-').filter(|bare| !bare.starts_with('-')) else { return false };
    let is_main = match row.kind {
        Kind::Equals | Kind::FlagOrEquals | Kind::Joined => bare.starts_with(row.name),
        Kind::EqualsOrSeparateOneDash => bare != row.name && bare.starts_with(row.name),
        Kind::Flag | Kind::EqualsOrSeparate | Kind::JoinedOrSeparate | Kind::Rest => bare == row.name,
    };
    is_main && row.shown_dashes() == "--"
}

/// A path as an argument: one that is not taken for an option or a response file, and that is not empty.
fn as_argument(path: String) -> String {
    match path.bytes().next() {
        None => ".".into(),
        Some(b'-' | b'@') => format!("./{path}"),
        Some(_) => path,
    }
}

fn last_component_of_file(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path's last part; `.` if the path ends with a separator.
fn last_component(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if !path.is_empty() => "/",
        trimmed if trimmed.len() < path.len() => ".",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_files_have_main_spellings_and_paths_of_the_copies() {
        let arguments =
            ["-s", "/x/./y/../a b.o", "--reproduce=r.tar", "--export=a b", "-L/q", "-od/e f", "--bad"];
        let arguments = crate::parse::parse(arguments.map(String::from).to_vec());
        assert_eq!(
            response(&arguments),
            "--strip-all\n\"x/a b.o\"\n--export \"a b\"\n-L q\n-o \"e f\"\n--bad --bad\n"
        );
        let parts = ["a", "/a", "a/b", "a//", "/", "//", "..", "", "-"].map(last_component);
        assert_eq!(parts, ["a", "a", "b", ".", "/", "/", "..", "", "-"]);
    }

    #[test]
    fn main_spellings_keep_their_dash() {
        let arguments =
            "-Bdynamic -dy --Bdynamic -export f -export=f --export f -build-id -features=a -allow-undefined-file=/f \
             -allow-undefined-file /f";
        let arguments = crate::parse::parse(arguments.split_whitespace().map(String::from).collect());
        assert_eq!(
            response(&arguments).replace('\n', " "),
            "-Bdynamic --Bdynamic --Bdynamic -export f --export f --export f -build-id -features=a -allow-undefined-file=f \
             --allow-undefined-file=f "
        );
    }

    #[test]
    fn what_a_response_file_says_comes_back() {
        let odd = ["/a\"b.o", "/c\\d.o", "/e'f g.o", "/tab\there.o", "/new\nline.o", "/@h", "/-i"];
        let arguments = ["--entry", "", "--soname", "x\\\"y"].iter().chain(&odd).map(|text| text.to_string());
        let text = response(&crate::parse::parse(arguments.collect()));
        let again = crate::parse::parse(crate::response_file::split(&text, Quoting::default()));
        assert_eq!(again.last_value(Opt::Entry), Some(""));
        assert_eq!(again.last_value(Opt::Soname), Some("x\\\"y"));
        let inputs = again.list.iter().filter_map(|argument| match argument {
            Argument::Input(path) => Some(path.as_str()),
            _ => None,
        });
        let expected = ["a\"b.o", "c\\d.o", "e'f g.o", "tab\there.o", "new\nline.o", "./@h", "./-i"];
        assert!(inputs.eq(expected), "{text}");
    }

    #[test]
    fn copies_stay_in_their_directory_and_apart() {
        let directories = ["x/r.tar", "/x/...", ".tar", "x/..", ".", ""].map(directory_for);
        assert_eq!(directories, ["r", "reproduce", ".tar", "reproduce", "reproduce", "reproduce"]);
        let names = [
            "/response.txt",
            "/_/response.txt",
            "/__/a",
            "/_a/b",
            "/../../x",
            "/version.txt",
            "/a/version.txt",
        ];
        let expected =
            ["_/response.txt", "__/response.txt", "___/a", "_a/b", "x", "_/version.txt", "a/version.txt"];
        assert_eq!(names.map(name_of_copy), expected);
    }
}
