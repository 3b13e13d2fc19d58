//! [`Text`]: names of files, and messages that contain them. Such names need not be UTF-8.
//!
//! Inside the library, names and messages are `str`, because most of the work with them is formatting. A byte that is not UTF-8 is
//! then an escape: one of the private-use characters U+10FE80 to U+10FEFF. Paths are escaped when they come in, and [`Text`] has
//! the bytes again. Real characters of that range are escaped too, byte by byte, so nothing is lost.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// The escape of byte 0xNN is the character U+10FENN.
const FIRST: u32 = 0x10fe00;
/// The first byte of every escape, and of few other characters.
const FIRST_BYTE: u8 = 0xf4;

/// Text in which names of files can have bytes that are not UTF-8.
///
/// It dereferences to a `str` that has U+FFFD in place of such bytes, and [`Text::as_bytes`] has the bytes themselves. Comparing it
/// with a `str` compares the first of these. To build text that contains a name, format [`Text::to_escaped`] and convert the result.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text {
    text: String,
    /// The bytes, if they are not UTF-8.
    bytes: Option<Box<[u8]>>,
}

impl Text {
    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// The text as a `str` from which `Text::from` gets the exact bytes again: each byte 0xNN that is not UTF-8 is the private-use
    /// character U+10FENN.
    pub fn to_escaped(&self) -> Cow<'_, str> {
        escape(self.as_bytes())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// `{}` prints the `str`, `{:#}` prints [`Text::to_escaped`].
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.alternate() {
            true => f.write_str(&self.to_escaped()),
            false => f.write_str(&self.text),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// The characters of [`Text::to_escaped`] become bytes.
impl From<String> for Text {
    fn from(text: String) -> Self {
        match unescape(&text) {
            Cow::Borrowed(_) => Text { text, bytes: None },
            Cow::Owned(bytes) => bytes.as_slice().into(),
        }
    }
}

/// The characters of [`Text::to_escaped`] become bytes.
impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_string().into()
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => Text { text: text.into(), bytes: None },
            Cow::Owned(text) => Text { text, bytes: Some(bytes.into()) },
        }
    }
}

impl From<&OsStr> for Text {
    fn from(text: &OsStr) -> Self {
        text.as_encoded_bytes().into()
    }
}

impl From<&Path> for Text {
    fn from(path: &Path) -> Self {
        path.as_os_str().into()
    }
}

impl From<&Text> for PathBuf {
    fn from(text: &Text) -> Self {
        path_of_bytes(text.as_bytes().into())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

/// Bytes as a `str` with escapes.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if !bytes.contains(&FIRST_BYTE) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return text.into();
        }
    }
    let mut text = String::with_capacity(bytes.len());
    let add_bytes = |text: &mut String, bytes: &[u8]| {
        text.extend(bytes.iter().filter_map(|&byte| char::from_u32(FIRST + u32::from(byte))));
    };
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match byte_of(character) {
                Some(_) => add_bytes(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => text.push(character),
            }
        }
        add_bytes(&mut text, chunk.invalid());
    }
    text.into()
}

/// The bytes of a `str` with escapes.
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    if !text.as_bytes().contains(&FIRST_BYTE) {
        return text.as_bytes().into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.into()
}

/// A path as a `str` with escapes.
pub fn escape_path(path: &Path) -> Cow<'_, str> {
    escape(path.as_os_str().as_encoded_bytes())
}

/// The path of a `str` with escapes.
pub fn unescape_path(text: &str) -> PathBuf {
    path_of_bytes(unescape(text))
}

/// On systems whose paths are not bytes, what is not UTF-8 becomes U+FFFD.
fn path_of_bytes(bytes: Cow<'_, [u8]>) -> PathBuf {
    #[cfg(unix)]
    return <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&bytes).into();
    #[cfg(not(unix))]
    return String::from_utf8_lossy(&bytes).into_owned().into();
}

/// The byte of an escape.
fn byte_of(character: char) -> Option<u8> {
    let byte = (character as u32).checked_sub(FIRST)?;
    u8::try_from(byte).ok().filter(|byte| !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        for bytes in [
            &b"plain"[..],
            b"a\xffb\xc3",
            "ü\u{10fe80}\u{10feff}".as_bytes(),
            "\u{10ffff}\u{10fe7f}".as_bytes(),
            b"\xf4\x8f",
        ] {
            let text = Text::from(bytes);
            assert_eq!(text.as_bytes(), bytes);
            assert_eq!(Text::from(text.to_escaped().into_owned()), text);
            assert_eq!(Text::from(format!("{}:", text.to_escaped())).as_bytes(), [bytes, b":"].concat());
            assert_eq!(*text, *String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    #[cfg(unix)]
    fn paths_keep_their_bytes() {
        let text = Text::from(&b"folder/\xff.o"[..]);
        let path = PathBuf::from(&text);
        assert_eq!(path.as_os_str().as_encoded_bytes(), b"folder/\xff.o");
        assert_eq!(Text::from(&*path), text);
        assert_eq!(unescape_path(&escape_path(&path)), path);
    }
}
