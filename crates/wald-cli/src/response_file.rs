//! `@file` arguments: replaced by the arguments that the file holds, quoted as a POSIX shell or as Windows does.
//!
//! A response file may name others; their paths are relative to the working directory. A file that cannot be read stays
//! as it is and turns out to be a missing input, which is what wasm-ld says about it.

use std::path::{Path, PathBuf};

/// How response files quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Quotes and backslashes as in a POSIX shell.
    Posix,
    /// As Windows programs take their command line apart.
    Windows,
}

impl Default for Quoting {
    fn default() -> Self {
        if cfg!(windows) {
            Quoting::Windows
        } else {
            Quoting::Posix
        }
    }
}

/// How deep response files may nest: more is a mistake, and a chain of files must not exhaust the stack.
const MAX_DEPTH: usize = 200;

/// Replaces every `@file`. What went wrong with a file is said in the second value, one line each, as wasm-ld says it
/// (without a prefix).
pub fn expand(arguments: Vec<String>, quoting: Quoting) -> (Vec<String>, Vec<String>) {
    if !arguments.iter().any(|argument| argument.starts_with('@')) {
        return (arguments, Vec::new());
    }
    let mut expansion = Expansion { quoting, result: Vec::new(), complaints: Vec::new(), open: Vec::new() };
    expansion.add_all(arguments);
    (expansion.result, expansion.complaints)
}

struct Expansion {
    quoting: Quoting,
    result: Vec<String>,
    complaints: Vec<String>,
    /// The files that are being expanded, outermost first.
    open: Vec<PathBuf>,
}

impl Expansion {
    fn add_all(&mut self, arguments: Vec<String>) {
        for argument in arguments {
            match argument.strip_prefix('@') {
                Some(path) if self.complaints.is_empty() => {
                    // No name is the working directory's, as wasm-ld completes paths.
                    let path = if path.is_empty() { "." } else { path };
                    if !self.add_file(&crate::text::to_path(path)) {
                        self.result.push(argument);
                    }
                }
                _ => self.result.push(argument),
            }
        }
    }

    /// Adds the arguments in a file. Gives back `false` where the argument is to stay.
    fn add_file(&mut self, path: &Path) -> bool {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
            Err(error) => {
                let reason = crate::error_text(&error);
                self.complaints.push(format!("cannot not open file '{}': {reason}", absolute.display()));
                return false;
            }
        };
        if self.open.contains(&absolute) || self.open.len() == MAX_DEPTH {
            self.complaints.push(format!("recursive expansion of: '{}'", absolute.display()));
            return false;
        }
        let text = decode(&bytes);
        self.open.push(absolute);
        self.add_all(match self.quoting {
            Quoting::Posix => split_posix(&text),
            Quoting::Windows => split_windows(&text),
        });
        self.open.pop();
        true
    }
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one.
fn decode(bytes: &[u8]) -> String {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => crate::text::from_bytes(rest),
        _ => crate::text::from_bytes(bytes),
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Splits at white space; single and double quotes group, a backslash takes the next character as it is, in double
/// quotes and outside; in single quotes too, which differs from a shell.
fn split_posix(text: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if is_space(character) {
            arguments.extend(current.take());
            continue;
        }
        let argument = current.get_or_insert_default();
        match character {
            '\\' => argument.push(characters.next().unwrap_or('\\')),
            '"' | '\'' => {
                while let Some(inner) = characters.next().filter(|&inner| inner != character) {
                    match inner {
                        '\\' => argument.push(characters.next().unwrap_or('\\')),
                        _ => argument.push(inner),
                    }
                }
            }
            _ => argument.push(character),
        }
    }
    arguments.extend(current);
    arguments
}

/// Splits at white space; double quotes group; backslashes are themselves except before a double quote, where two are
/// one and an odd one makes the quote a character; two double quotes in a quoted part are one.
fn split_windows(text: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            _ if is_space(character) && !quoted => arguments.extend(current.take()),
            '\\' => {
                let argument = current.get_or_insert_default();
                let mut count = 1;
                while characters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let before_quote = characters.peek() == Some(&'"');
                argument.extend(std::iter::repeat_n('\\', if before_quote { count / 2 } else { count }));
                if before_quote && count % 2 == 1 {
                    argument.extend(characters.next());
                }
            }
            '"' => {
                let argument = current.get_or_insert_default();
                if quoted && characters.next_if_eq(&'"').is_some() {
                    argument.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            _ => current.get_or_insert_default().push(character),
        }
    }
    arguments.extend(current);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posix_quoting() {
        assert_eq!(
            split_posix("a.o\n-o \"out wasm\" 'a b'c d\\ e \"f\\\"g\" '' h\\\\i # x"),
            ["a.o", "-o", "out wasm", "a bc", "d e", "f\"g", "", "h\\i", "#", "x"]
        );
    }

    #[test]
    fn windows_quoting() {
        assert_eq!(
            split_windows(r#"a.o "b c" d\e\\f "g\"h" \"i "j\\" "k""l" 'm n'"#),
            ["a.o", "b c", r"d\e\\f", "g\"h", "\"i", r"j\", "k\"l", "'m", "n'"]
        );
    }

    #[test]
    fn files_nest_and_do_not_recurse() {
        let directory = std::env::temp_dir().join(format!("wald-response-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name).to_str().unwrap().to_string();
        std::fs::write(path("inner"), b"\xef\xbb\xbfb.o").unwrap();
        std::fs::write(path("outer"), format!("a.o @{} c.o", path("inner"))).unwrap();
        std::fs::write(path("loop"), format!("x @{} y", path("loop"))).unwrap();
        let expanded = |name: &str| expand(vec![format!("@{}", path(name))], Quoting::Posix);
        assert_eq!(expanded("outer"), (["a.o", "b.o", "c.o"].map(String::from).to_vec(), Vec::new()));
        assert_eq!(expanded("missing").0, [format!("@{}", path("missing"))]);
        let complaints = expanded("loop").1;
        assert_eq!(complaints, [format!("recursive expansion of: '{}'", path("loop"))]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
