//! Arguments are `str` here, but file names on Unix may be any bytes: bytes that are not UTF-8 are escaped as [`Text::to_escaped`]
//! says, and become bytes again when a file is opened or a message is written. UTF-8 passes through both ways without a copy.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use wald::Text;

/// The first byte of every escape.
const FIRST_BYTE: u8 = 0xf4;

/// Bytes with escapes.
pub fn from_bytes(bytes: &[u8]) -> String {
    Text::from(bytes).to_escaped().into_owned()
}

/// The bytes of a text with escapes.
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    if has_escapes(text) {
        Text::from(text).as_bytes().to_vec().into()
    } else {
        text.as_bytes().into()
    }
}

/// The byte of an escape.
pub fn byte_of(character: char) -> Option<u8> {
    let mut bytes = [0; 4];
    let text: &str = character.encode_utf8(&mut bytes);
    match has_escapes(text).then(|| Text::from(text))?.as_bytes() {
        [byte] => Some(*byte),
        _ => None,
    }
}

/// Whether it has escapes, or one of the few other characters that begin like them.
fn has_escapes(text: &str) -> bool {
    text.as_bytes().contains(&FIRST_BYTE)
}

/// Text in which control characters other than line ends and tabs are written as escapes. Names come from files, and could
/// otherwise clear the screen or change what was said before.
pub fn visible(text: &str) -> Cow<'_, str> {
    let acts = |character: char| {
        character.is_control() && !matches!(character, '\n' | '\t') || byte_of(character).is_some()
    };
    if !text.contains(acts) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !acts(character) {
            shown.push(character);
        } else {
            let byte = byte_of(character).map_or(character as u32, u32::from);
            shown += &format!("\\x{byte:02x}");
        }
    }
    shown.into()
}

/// An argument with escapes.
pub fn from_os(argument: &OsStr) -> String {
    from_bytes(argument.as_encoded_bytes())
}

/// A path with escapes.
pub fn from_path(path: &Path) -> String {
    from_os(path.as_os_str())
}

/// The path of a text with escapes.
pub fn to_path(text: &str) -> Cow<'_, Path> {
    if has_escapes(text) {
        PathBuf::from(&Text::from(text)).into()
    } else {
        Path::new(text).into()
    }
}

/// An error's text as C's `strerror` has it, without Rust's `(os error 2)`.
pub fn error_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) if error.raw_os_error().is_some() => text[..end].to_string(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        let all: Vec<u8> = (0..=255).chain("\u{f4}\u{10fe41}ö".bytes()).chain([0xc3]).collect();
        let text = from_bytes(&all);
        assert_eq!(*to_bytes(&text), all);
        assert!(matches!(to_bytes("a.o"), Cow::Borrowed(b"a.o")));
        assert_eq!(to_path("a.o"), Path::new("a.o"));
    }
}
