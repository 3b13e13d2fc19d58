//! `--reproduce=FILE.tar`: the command line and copies of all inputs, so that a link can be repeated elsewhere.
//!
//! Like wasm-ld's: everything is below a directory named after the tar file, inputs at their absolute paths, with
//! `response.txt` (the options, with paths that fit the copies) and `version.txt`. Members of thin archives are left out, as wasm-ld
//! leaves them out.

use crate::option_table::Opt;
use crate::output_file::Draft;
use crate::parse::{canonical, Argument, Arguments};
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

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
        let stem = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut tar = Tar { file, directory: stem, written: HashSet::new(), last: Vec::new(), failure: None };
        tar.add("response.txt", response(arguments).as_bytes());
        tar.add("version.txt", format!("{version}\n").as_bytes());
        Ok(Reproduce { tar: Mutex::new(tar) })
    }

    /// Adds an input. The first trouble with the tar file is kept for [`finish`](Self::finish).
    pub fn add_file(&self, path: &str, bytes: &[u8]) {
        self.tar.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).add(&relative_to_root(path), bytes);
    }

    /// Adds a file that comes behind all inputs.
    pub fn add_last(&self, path: &str, bytes: &[u8]) {
        let mut tar = self.tar.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tar.last.push((relative_to_root(path), bytes.to_vec()));
    }

    /// Ends the tar file. Before that there is none, or an older one.
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
            self.failure = write_member(file, &path, bytes).err();
        }
    }
}

/// Writes one file of a tar archive (POSIX ustar; a path that has no place in its header goes into a pax header before it).
fn write_member(out: &mut impl Write, path: &str, bytes: &[u8]) -> io::Result<()> {
    match split_path(path) {
        Some((prefix, name)) => out.write_all(&header(prefix, name, bytes.len(), 0))?,
        None => {
            let record = pax_record("path", path);
            out.write_all(&header("", "", record.len(), b'x'))?;
            write_padded(out, record.as_bytes())?;
            out.write_all(&header("", "", bytes.len(), 0))?;
        }
    }
    write_padded(out, bytes)
}

/// A path as the two parts that a header has room for. LLVM's writer leaves some of the first one's room free.
fn split_path(path: &str) -> Option<(&str, &str)> {
    const NAME: usize = 100;
    const PREFIX: usize = 138;
    if path.len() < NAME {
        return Some(("", path));
    }
    let slash = path.bytes().take(PREFIX).rposition(|byte| byte == b'/')?;
    let (prefix, name) = (path.get(..slash)?, path.get(slash + 1..)?);
    (name.len() < NAME).then_some((prefix, name))
}

fn write_padded(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(&[0; 512][..bytes.len().next_multiple_of(512) - bytes.len()])
}

/// `length key=value\n`, where the length counts its own digits.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length += 1;
    }
    format!("{length}{rest}")
}

fn header(prefix: &str, name: &str, size: usize, kind: u8) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000664");
    put(124, format!("{size:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

/// The absolute path without its root and without `.` and `..`.
fn relative_to_root(path: &str) -> String {
    let absolute = std::path::absolute(crate::text::to_path(path)).unwrap_or_else(|_| PathBuf::from(path));
    let mut parts: Vec<String> = Vec::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    parts.join("/")
}

/// The command line as a response file, one option a line.
fn response(arguments: &Arguments) -> String {
    let mut text = String::new();
    for argument in &arguments.list {
        match argument {
            Argument::Input(path) => text += &quoted(&relative_to_root(path)),
            Argument::Option { option: Opt::Reproduce, .. } => continue,
            Argument::Option { option: Opt::Output, value, .. } => {
                let path = value.as_deref().unwrap_or_default();
                text += &canonical(Opt::Output, Some(last_component(path)), quoted);
            }
            Argument::Unknown(argument) => text += &format!("{argument} {argument}"),
            Argument::Option { option, value, .. } => text += &canonical(*option, value.as_deref(), quoted),
        }
        text.push('\n');
    }
    text
}

/// A path's last part, which is `.` behind a separator.
fn last_component(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if !path.is_empty() => "/",
        trimmed if trimmed.len() < path.len() => ".",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// With quotes where there is a space.
fn quoted(text: &str) -> String {
    if text.contains(' ') {
        format!("\"{text}\"")
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_a_checksum_and_long_paths_a_pax_record() {
        let mut tar = Vec::new();
        write_member(&mut tar, "r/a.o", b"xyz").unwrap();
        assert_eq!(tar.len(), 1024);
        assert_eq!(&tar[124..136], b"00000000003\0");
        let sum: u32 = tar[..512].iter().map(|&b| u32::from(b)).sum();
        let stored = u32::from_str_radix(std::str::from_utf8(&tar[148..154]).unwrap(), 8).unwrap();
        let digits: u32 = tar[148..156].iter().map(|&b| u32::from(b)).sum();
        assert_eq!(stored, sum - digits + 8 * 32);
        assert_eq!(pax_record("path", &"a".repeat(95)), format!("105 path={}\n", "a".repeat(95)));
        let mut long = Vec::new();
        write_member(&mut long, &"d".repeat(100), b"").unwrap();
        assert_eq!(long[156], b'x');
        let prefix = |length: usize| format!("{}/n.o", "p".repeat(length));
        assert_eq!(split_path(&prefix(95)), Some(("", prefix(95).as_str())));
        assert_eq!(split_path(&prefix(96)), Some(("p".repeat(96).as_str(), "n.o")));
        assert_eq!(split_path(&prefix(137)), Some(("p".repeat(137).as_str(), "n.o")));
        assert_eq!(split_path(&prefix(138)), None);
        assert_eq!(split_path(&format!("d/{}", "n".repeat(99))).map(|parts| parts.0), Some("d"));
        assert_eq!(split_path(&format!("d/{}", "n".repeat(100))), None);
    }

    #[test]
    fn response_files_have_main_spellings_and_paths_of_the_copies() {
        let arguments =
            ["-s", "/x/./y/../a b.o", "--reproduce=r.tar", "--export=a b", "-Lq", "-od/e f", "--bad"];
        let arguments = crate::parse::parse(arguments.map(String::from).to_vec());
        assert_eq!(
            response(&arguments),
            "--strip-all\n\"x/a b.o\"\n--export \"a b\"\n-L q\n-o \"e f\"\n--bad --bad\n"
        );
        let parts = ["a", "/a", "a/b", "a//", "/", "//", "..", "", "-"].map(last_component);
        assert_eq!(parts, ["a", "a", "b", ".", "/", "/", "..", "", "-"]);
    }
}
