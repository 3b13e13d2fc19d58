//! Arguments are text, but file names on Unix may be any bytes.
//!
//! Bytes that are no UTF-8 are carried inside of text as characters of the last private-use plane, one a byte, and turn
//! into themselves again where a file is opened or a message is written. Text that is UTF-8, that is nearly all of it,
//! passes through both ways without a copy.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// Byte 0xNN is the character U+10FENN.
const FIRST: u32 = 0x10fe00;

/// Text from bytes.
pub fn from_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(FIRST + u32::from(byte))));
    }
    text
}

/// The bytes of an argument or path from its text.
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    // All these characters begin with this byte, and hardly anything else does.
    if !text.as_bytes().contains(&0xf4) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The byte that a private-use character replaces.
pub fn byte_of(character: char) -> Option<u8> {
    match (character as u32).checked_sub(FIRST) {
        Some(byte @ 0x80..=0xff) => Some(byte as u8),
        _ => None,
    }
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

/// Text from an argument.
pub fn from_os(argument: &OsStr) -> String {
    #[cfg(unix)]
    return from_bytes(std::os::unix::ffi::OsStrExt::as_bytes(argument));
    #[cfg(not(unix))]
    return argument.to_string_lossy().into_owned();
}

/// The path from its text.
pub fn to_path(text: &str) -> Cow<'_, Path> {
    #[cfg(unix)]
    if let Cow::Owned(bytes) = to_bytes(text) {
        return Cow::Owned(std::path::PathBuf::from(std::ffi::OsString::from(
            <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&bytes),
        )));
    }
    Cow::Borrowed(Path::new(text))
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
