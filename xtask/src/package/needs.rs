//! What programs for Linux need of the system: the version of glibc, and shared libraries.

use crate::workspace;
use std::path::Path;
use std::process::Command;

/// The shared libraries that every Linux with glibc has: those that PEP 600 lets a wheel use.
const EVERYWHERE: &[&str] = &[
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// What programs need of the system.
#[derive(Debug, PartialEq, Eq)]
pub struct Needs {
    /// The lowest version of glibc with all functions that are called: `(2, 34)`.
    pub glibc: (u32, u32),
    /// The names of shared libraries.
    pub libraries: Vec<String>,
}

/// What these files need together. `None` if no `objdump` is installed.
pub fn of(files: &[&Path]) -> Result<Option<Needs>, String> {
    let names = ["objdump", "llvm-objdump-22", "llvm-objdump"];
    let Some(objdump) = names.into_iter().find_map(workspace::find_program) else { return Ok(None) };
    let mut text = String::new();
    for file in files {
        let output = Command::new(&objdump).arg("-p").arg(file).output();
        let output = output.map_err(|error| format!("objdump: {error}"))?;
        if !output.status.success() {
            return Err(format!("objdump cannot read {}", workspace::shown(file)));
        }
        text += &String::from_utf8_lossy(&output.stdout);
    }
    parse(&text).map(Some)
}

/// Reads what `objdump -p` prints.
fn parse(text: &str) -> Result<Needs, String> {
    let mut needs = Needs { glibc: (0, 0), libraries: Vec::new() };
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["NEEDED", library] = words[..] {
            if !EVERYWHERE.contains(&library) {
                return Err(format!("needs {library}, which not every system has"));
            }
            needs.libraries.push(library.into());
        }
        let version = words.last().and_then(|word| word.strip_prefix("GLIBC_"));
        // `GLIBC_PRIVATE` and the like are not versions. Of `2.2.5`, the first two numbers count.
        let mut numbers = version.unwrap_or_default().split('.').map_while(|number| number.parse().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) {
            needs.glibc = needs.glibc.max((major, minor));
        }
    }
    needs.libraries.sort();
    needs.libraries.dedup();
    if needs.glibc == (0, 0) {
        return Err("no version of glibc is named".into());
    }
    Ok(needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Dynamic Section:
  NEEDED               libgcc_s.so.1
  NEEDED               libc.so.6
Version References:
  required from libc.so.6:
    0x09691a75 0x00 04 GLIBC_2.2.5
    0x069691b4 0x00 03 GLIBC_2.34
    0x06969199 0x00 02 GLIBC_2.9
";

    #[test]
    fn the_highest_version_counts() {
        let libraries = ["libc.so.6", "libgcc_s.so.1"].map(String::from).to_vec();
        assert_eq!(parse(TEXT), Ok(Needs { glibc: (2, 34), libraries }));
    }

    #[test]
    fn other_libraries_are_an_error() {
        assert!(parse(&TEXT.replace("libgcc_s.so.1", "libssl.so.3")).is_err());
        assert!(parse("").is_err());
    }
}
