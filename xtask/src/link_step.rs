//! A program in a linker's place: starts the linker, and notes how long it took.
//!
//! The build system starts a script ([`install`]), which starts `cargo xtask bench link-step` ([`run`]). The time is that from the start
//! of the real linker to its end, so this program's own cost is not in it. Afterwards it may have another linker do the same
//! link, and compares the modules.

use crate::explain::first_difference;
use crate::workspace::{self, shown};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use wald_cli::CommandLine;

/// A linker with a clock.
pub struct LinkStep {
    /// The script, which is what a build system gets as its linker.
    pub script: PathBuf,
    log: PathBuf,
}

/// One link.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// From the linker's start to its end.
    pub milliseconds: f64,
    /// How many files it had to read. Archives count once.
    pub inputs: usize,
    /// Whether the other linker wrote the same module. `None` if there is no other linker.
    pub is_same: Option<bool>,
}

/// Puts a script with the name that clang looks for in a folder. It starts `linker`; `check` is the linker whose modules are compared.
#[cfg(unix)]
pub fn install(folder: &Path, linker: &Path, check: Option<&Path>) -> Result<LinkStep, String> {
    use std::os::unix::fs::PermissionsExt;
    workspace::create_folder(folder)?;
    let (script, log) = (folder.join("wasm-ld-22"), folder.join("links"));
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let words = [quoted(linker), quoted(&log), check.map_or("''".into(), quoted)].join(" ");
    workspace::write(&script, format!("#!/bin/sh\nexec {} bench link-step {words} \"$@\"\n", quoted(&own)))?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", shown(&script)))?;
    Ok(LinkStep { script, log })
}

/// Scripts are Unix's.
#[cfg(not(unix))]
pub fn install(_: &Path, _: &Path, _: Option<&Path>) -> Result<LinkStep, String> {
    Err("measures on Unix only".into())
}

impl LinkStep {
    /// Takes the links that were noted since the last call.
    pub fn links(&self) -> Result<Vec<Link>, String> {
        if !self.log.exists() {
            return Ok(Vec::new());
        }
        let text = String::from_utf8_lossy(&workspace::read(&self.log)?).into_owned();
        std::fs::remove_file(&self.log).map_err(|error| format!("{}: {error}", shown(&self.log)))?;
        let links: Option<Vec<Link>> = text.lines().map(Link::from_line).collect();
        links.ok_or_else(|| format!("{} has a line of another form", shown(&self.log)))
    }
}

impl Link {
    fn to_line(&self) -> String {
        let word = match self.is_same {
            None => "unknown",
            Some(true) => "same",
            Some(false) => "different",
        };
        format!("{:.3} {} {word}\n", self.milliseconds, self.inputs)
    }

    fn from_line(line: &str) -> Option<Link> {
        let mut words = line.split(' ');
        let (milliseconds, inputs) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let is_same = match words.next()? {
            "unknown" => None,
            "same" => Some(true),
            "different" => Some(false),
            _ => return None,
        };
        Some(Link { milliseconds, inputs, is_same })
    }
}

/// Runs `linker log check arguments…`, and ends with the linker's exit code.
pub fn run(args: &[String]) -> Result<(), String> {
    let [linker, log, check, arguments @ ..] = args else {
        return Err("link-step: too few arguments".into());
    };
    let start = Instant::now();
    let status = Command::new(linker).args(arguments).status();
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let status = status.map_err(|error| format!("{linker}: {error}"))?;
    if !status.success() {
        std::process::exit(status.code().unwrap_or(1));
    }
    let is_same = match check.as_str() {
        "" => None,
        check => Some(is_same(check, arguments)?),
    };
    // A build system's command line has no mistakes: the linker has just accepted it.
    // rustc says first which linker of several it means.
    let flavor = arguments.first().is_some_and(|argument| argument == "-flavor");
    let arguments = if flavor { arguments.get(2..).unwrap_or_default() } else { arguments };
    let inputs = CommandLine::read(arguments.to_vec()).map_or(0, |read| read.inputs.len());
    let line = Link { milliseconds, inputs, is_same }.to_line();
    let file = std::fs::File::options().create(true).append(true).open(log);
    file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|error| format!("{log}: {error}"))
}

/// Whether another linker writes the module that is there.
fn is_same(linker: &str, arguments: &[String]) -> Result<bool, String> {
    let place = arguments.iter().rposition(|argument| argument == "-o");
    let output = place.and_then(|place| arguments.get(place + 1)).ok_or("no -o in the linker's arguments")?;
    // The module contains the file's name.
    let folder = PathBuf::from(format!("{output}.other"));
    workspace::create_folder(&folder)?;
    let other = folder.join(Path::new(output).file_name().unwrap_or_default());
    let mut command = Command::new(linker);
    command.args(arguments).arg("-o").arg(&other).env_remove("WALD_SERVER");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    workspace::run(&mut command)?;
    let modules = [workspace::read(Path::new(output))?, workspace::read(&other)?];
    std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", shown(&folder)))?;
    let difference = first_difference(&modules[0], &modules[1]);
    if let Some(difference) = &difference {
        eprintln!("{output}: {difference}");
    }
    Ok(difference.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_noted() {
        for is_same in [None, Some(true), Some(false)] {
            let link = Link { milliseconds: 12.345, inputs: 1004, is_same };
            assert_eq!(Link::from_line(link.to_line().trim_end()), Some(link));
        }
        assert_eq!(Link::from_line("12.3 4"), None);
    }
}
