//! Replaces `@file` arguments with the arguments in the file, which are quoted as for a POSIX shell or for Windows.
//!
//! A response file may name others; their paths are relative to the working directory. If a file does not exist, its argument
//! stays, and is reported as a missing input, as in wasm-ld.

use crate::mapped_file;
use crate::sight::{see, Sight};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// How response files quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Quotes and backslashes as in a POSIX shell.
    Posix,
    /// As Windows programs split their command line.
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

/// The maximum nesting of response files. A chain of files must not exhaust the stack.
const MAX_DEPTH: usize = 200;

/// Replaces every `@file`. The second value has wasm-ld's messages about files, one per line, without a prefix.
pub fn expand(arguments: Vec<String>, quoting: Quoting) -> (Vec<String>, Vec<String>) {
    expand_and_see(arguments, quoting, &mut Vec::new())
}

/// Like [`expand`], and adds the files that were read to `sights`.
pub fn expand_and_see(
    arguments: Vec<String>,
    quoting: Quoting,
    sights: &mut Vec<Sight>,
) -> (Vec<String>, Vec<String>) {
    if !arguments.iter().any(|argument| argument.starts_with('@')) {
        return (arguments, Vec::new());
    }
    let (result, complaints, open) = (Vec::new(), Vec::new(), Vec::new());
    let mut expansion = Expansion { quoting, result, complaints, open, sights };
    expansion.add_all(arguments);
    (expansion.result, expansion.complaints)
}

struct Expansion<'a> {
    quoting: Quoting,
    result: Vec<String>,
    complaints: Vec<String>,
    /// The files that are being expanded, outermost first.
    open: Vec<PathBuf>,
    /// The files that were read.
    sights: &'a mut Vec<Sight>,
}

impl Expansion<'_> {
    fn add_all(&mut self, arguments: Vec<String>) {
        for argument in arguments {
            match argument.strip_prefix('@') {
                Some(path) if self.complaints.is_empty() => {
                    // wasm-ld completes an empty name to the working directory.
                    let path = if path.is_empty() { "." } else { path };
                    if !self.add_file(&crate::text::to_path(path)) {
                        self.result.push(argument);
                    }
                }
                _ => self.result.push(argument),
            }
        }
    }

    /// Adds the arguments in a file. Returns `false` if the argument `@file` itself stays.
    fn add_file(&mut self, path: &Path) -> bool {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let text = crate::text::from_os(path.as_os_str());
        let shown = crate::text::from_os(absolute.as_os_str());
        let bytes = match see(&text, false, self.sights, || mapped_file::copy(path)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
            Err(error) => {
                let reason = crate::text::error_text(&error);
                self.complaints.push(format!("cannot not open file '{shown}': {reason}"));
                return false;
            }
        };
        if self.open.contains(&absolute) || self.open.len() == MAX_DEPTH {
            self.complaints.push(format!("recursive expansion of: '{shown}'"));
            return false;
        }
        let arguments = split(&decode(&bytes), self.quoting);
        // Response files can be large, and everything in them is copied once more.
        drop(bytes);
        self.open.push(absolute);
        self.add_all(arguments);
        self.open.pop();
        true
    }
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes).into(),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes).into(),
        [0xef, 0xbb, 0xbf, rest @ ..] => crate::text::from_bytes(rest).into(),
        _ => std::str::from_utf8(bytes).map_or_else(|_| crate::text::from_bytes(bytes).into(), Cow::from),
    }
}

/// The arguments in a response file's text.
pub fn split(text: &str, quoting: Quoting) -> Vec<String> {
    let mut arguments = match quoting {
        Quoting::Posix => split_posix(text),
        Quoting::Windows => split_windows(text),
    };
    // An argument ends at a NUL, as a C string does. The rest of the file still counts.
    for argument in &mut arguments {
        if let Some(end) = argument.find('\0') {
            argument.truncate(end);
        }
    }
    arguments
}

/// Quotes an argument, or the end of one, for a response file if necessary.
pub fn quoted(text: &str, quoting: Quoting) -> String {
    let is_special = |character: char| match quoting {
        Quoting::Posix => is_space(character) || matches!(character, '"' | '\'' | '\\'),
        Quoting::Windows => is_space(character),
    };
    if !text.contains(is_special) {
        return text.to_string();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if quoting == Quoting::Posix && matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Splits at white space. Single and double quotes group. A backslash makes the next character literal, in single quotes too,
/// unlike in a shell. Empty quotes are no argument, also unlike in a shell, and unlike with Windows' quoting.
fn split_posix(text: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current = String::new();
    // The mark that ends the current quoted part.
    let mut quoted: Option<u8> = None;
    let mut rest = text;
    while !rest.is_empty() {
        let is_special = |byte: &u8| match quoted {
            Some(mark) => *byte == mark || *byte == b'\\',
            None => matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'"' | b'\''),
        };
        let plain = rest.bytes().position(|byte| is_special(&byte)).unwrap_or(rest.len());
        if plain > 0 {
            current.push_str(&rest[..plain]);
        }
        let mut special = rest[plain..].chars();
        match special.next() {
            // A backslash at the end of the file is literal.
            Some('\\') => current.push(special.next().unwrap_or('\\')),
            Some(mark @ ('"' | '\'')) => quoted = if quoted.is_some() { None } else { Some(mark as u8) },
            Some(_) if !current.is_empty() => arguments.push(std::mem::take(&mut current)),
            _ => {}
        }
        rest = special.as_str();
    }
    arguments.extend(Some(current).filter(|last| !last.is_empty()));
    arguments
}

/// Splits at white space. Double quotes group; two of them in a quoted part are one. Backslashes are literal unless a double quote
/// follows them: then each pair is one, and an odd one makes the quote literal.
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
            ["a.o", "-o", "out wasm", "a bc", "d e", "f\"g", "h\\i", "#", "x"]
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
