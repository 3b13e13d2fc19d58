//! Runs one linker on a case's inputs in a fresh directory and takes down all that it did: exit code, both streams,
//! and every file that was not there before.

use crate::build::{copy, files_below};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a link may take before it counts as hung.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Everything observable about one link.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Exit code, or minus the signal's number.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// New or changed files by relative path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Answer {
    /// True if a signal ended the linker.
    pub fn crashed(&self) -> bool {
        self.code < 0
    }

    /// Of a crash only the signal and LLVM's own last words are comparable: no stack dump, no half-written file.
    pub fn without_crash_report(mut self) -> Answer {
        if self.crashed() {
            let text = String::from_utf8_lossy(&self.stderr).into_owned();
            let last_words = text.lines().filter(|line| line.starts_with("LLVM ERROR"));
            self.stderr = last_words.map(|line| format!("{line}\n")).collect::<String>().into_bytes();
            self.stdout.clear();
            self.files.clear();
        }
        self
    }
}

/// Links with `arguments` in a copy of `inputs` made at `directory`, which stays there to be looked at.
///
/// The linker is started under the name `wasm-ld`, whichever it is, since its messages begin with its name.
pub fn link(
    linker: &Path,
    arguments: &[String],
    environment: &[(&str, String)],
    inputs: &Path,
    directory: &Path,
) -> Result<Answer, String> {
    let _ = fs::remove_dir_all(directory);
    fs::create_dir_all(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    for file in files_below(inputs) {
        copy(&inputs.join(&file), &directory.join(&file))?;
    }
    let stdout_path = directory.with_extension("stdout");
    let stderr_path = directory.with_extension("stderr");
    let create = |path: &Path| fs::File::create(path).map_err(|e| format!("{}: {e}", path.display()));
    let mut command = Command::new(linker);
    // On Windows a program's name is always its file's.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "wasm-ld");
    command.args(arguments).current_dir(directory);
    // What a developer sets for work of their own.
    ["WALD_FLAGS", "CLICOLOR_FORCE", "LLD_REPRODUCE"].iter().for_each(|name| _ = command.env_remove(name));
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    command.stdin(Stdio::null()).stdout(create(&stdout_path)?).stderr(create(&stderr_path)?);
    let code = run_with_timeout(&mut command)?;
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let mut files = BTreeMap::new();
    for file in files_below(directory) {
        let content = read(&directory.join(&file))?;
        if fs::read(inputs.join(&file)).ok().as_ref() != Some(&content) {
            files.insert(file.to_string_lossy().into_owned(), portable(&file, content, directory));
        }
    }
    let answer = Answer { code, stdout: read(&stdout_path)?, stderr: read(&stderr_path)?, files };
    Ok(answer)
}

fn run_with_timeout(command: &mut Command) -> Result<i32, String> {
    let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(exit_code(status));
        }
        if start.elapsed() > TIMEOUT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("the linker hangs: {command:?}"));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}

/// `--reproduce` writes a tar file with absolute paths: it is compared as a listing in which the working directory
/// reads `CWD`.
fn portable(file: &Path, content: Vec<u8>, directory: &Path) -> Vec<u8> {
    if file.extension().is_none_or(|e| e != "tar") {
        return content;
    }
    let working = directory.to_string_lossy().into_owned();
    let working = working.trim_start_matches('/');
    let mut listing = String::new();
    let mut rest = &content[..];
    let mut long_name = None;
    while rest.len() >= 512 && rest[0] != 0 {
        let (header, after) = rest.split_at(512);
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let size = usize::from_str_radix(text(&header[124..136]).trim(), 8).unwrap_or(0);
        let body = &after[..size.min(after.len())];
        rest = after.get(size.div_ceil(512) * 512..).unwrap_or(&[]);
        if header[156] == b'x' {
            let record = String::from_utf8_lossy(body).into_owned();
            long_name = record.split_once("path=").map(|(_, path)| path.trim_end().to_string());
            continue;
        }
        let prefix = text(&header[345..500]);
        let short = text(&header[..100]);
        let joined = if prefix.is_empty() { short } else { format!("{prefix}/{short}") };
        let name = long_name.take().unwrap_or(joined).replace(working, "CWD");
        // The version is each linker's own.
        let shown = if name.ends_with("/version.txt") { b"" } else { body };
        let content = String::from_utf8_lossy(shown).replace(working, "CWD");
        let kind = char::from(header[156]).escape_debug();
        listing.push_str(&format!("=== {name} ({kind})\n{}\n", content.escape_debug()));
    }
    listing.into_bytes()
}

/// The exit code, or minus the number of the signal that ended the process.
fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return -signal;
    }
    status.code().unwrap_or(0)
}
