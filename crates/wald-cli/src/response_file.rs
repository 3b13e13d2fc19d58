//! `@file` arguments: replaced by the arguments that the file holds, quoted as a POSIX shell or as Windows does.
//!
//! A response file may name others; their paths are relative to the working directory. A file that cannot be read stays
//! as it is and turns out to be a missing input, which is what wasm-ld says about it.

use crate::inputs::see;
use crate::mapped_file;
use crate::observer::Sight;
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
    expand_and_see(arguments, quoting, &mut Vec::new())
}

/// The same; notes the files that were read.
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
        let text = crate::text::from_os(path.as_os_str());
        let shown = crate::text::from_os(absolute.as_os_str());
        let bytes = match see(&text, false, self.sights, || mapped_file::copy(path)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
            Err(error) => {
                let reason = crate::error_text(&error);
                self.complaints.push(format!("cannot not open file '{shown}': {reason}"));
                return false;
            }
        };
        if self.open.contains(&absolute) || self.open.len() == MAX_DEPTH {
            self.complaints.push(format!("recursive expansion of: '{shown}'"));
            return false;
        }
        let text = decode(&bytes);
        self.open.push(absolute);
        self.add_all(split(&text, self.quoting));
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
        _ => std::str::from_utf8(bytes).map_or_else(|_| crate::text::from_bytes(bytes), str::to_string),
    }
}

/// The arguments in a response file's text.
pub fn split(text: &str, quoting: Quoting) -> Vec<String> {
    let mut arguments = match quoting {
        Quoting::Posix => split_posix(text),
        Quoting::Windows => split_windows(text),
    };
    // An argument ends at a NUL, as a C string does; the file goes on.
    for argument in &mut arguments {
        if let Some(end) = argument.find('\0') {
            argument.truncate(end);
        }
    }
    arguments
}

/// An argument, or the end of one, as a response file has it: in quotes where it would not be read as it is.
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

/// Splits at white space; single and double quotes group, a backslash takes the next character as it is, in double
/// quotes and outside; in single quotes too, which differs from a shell.
fn split_posix(text: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    // The quotation mark that a quoted part ends with.
    let mut quoted: Option<u8> = None;
    let mut rest = text;
    while !rest.is_empty() {
        let is_special = |byte: &u8| match quoted {
            Some(mark) => *byte == mark || *byte == b'\\',
            None => matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'"' | b'\''),
        };
        let plain = rest.bytes().position(|byte| is_special(&byte)).unwrap_or(rest.len());
        if plain > 0 {
            current.get_or_insert_default().push_str(&rest[..plain]);
        }
        let mut special = rest[plain..].chars();
        match special.next() {
            // The last character of the file is itself.
            Some('\\') => current.get_or_insert_default().push(special.next().unwrap_or('\\')),
            Some(mark @ ('"' | '\'')) => {
                quoted = if quoted.is_some() { None } else { Some(mark as u8) };
                current.get_or_insert_default();
            }
            Some(_) => arguments.extend(current.take()),
            None => {}
        }
        rest = special.as_str();
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
