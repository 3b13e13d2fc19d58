//! Files whose end is missing.

use super::answer::{Foreign, REMAKE};
use crate::format::section;
use crate::leb128::Reader;

const HEADER: usize = 8;

/// The sections of a module as far as they are complete: id and contents.
pub fn sections(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut reader = Reader::within(bytes, bytes.len().min(HEADER), bytes.len());
    std::iter::from_fn(move || {
        let id = reader.byte().ok()?;
        let size = reader.u32().ok()? as usize;
        Some((id, reader.bytes(size).ok()?))
    })
}

/// What is known about a module whose last section is longer than the rest of the file.
pub fn cut_module(bytes: &[u8]) -> Option<Foreign> {
    if !bytes.starts_with(b"\0asm") {
        return None;
    }
    let mut reader = Reader::within(bytes, bytes.len().min(HEADER), bytes.len());
    let (start, id, size) = loop {
        let start = reader.position();
        let id = reader.byte().ok().filter(|&id| id <= section::TAG)?;
        let Ok(size) = reader.u32() else {
            let is_at_the_end = reader.position() == bytes.len();
            return is_at_the_end.then(|| Foreign::new(CUT, "it ends in the header of a section", REMAKE));
        };
        if reader.skip(size as usize).is_err() {
            break (start, id, size as usize);
        }
    };
    let rest = &bytes[start..];
    if rest.iter().all(|&byte| byte == b'\n') {
        let because =
            format!("{} newlines follow its last section; ar and ranlib of macOS add some", rest.len());
        return Some(Foreign::new(
            "padded",
            because,
            "make the archive again with llvm-ar rcs, without ranlib",
        ));
    }
    let missing = size - reader.remaining();
    let what = match id {
        section::CUSTOM => "custom section".to_string(),
        _ => format!("{} section", section::name(id).to_ascii_lowercase()),
    };
    let because = format!(
        "its {what} at offset {start:#x} goes on after the end of the file; {missing} of {} bytes are missing",
        bytes.len() + missing
    );
    Some(Foreign::new(CUT, because, REMAKE))
}

/// What is known about an archive whose member with its header at `offset` is longer than the rest.
pub fn cut_archive(bytes: &[u8], offset: u64) -> Option<Foreign> {
    const MEMBER_HEADER: usize = 60;
    let start = usize::try_from(offset).ok()?;
    let header = bytes.get(start..)?;
    let Some(header) = header.get(..MEMBER_HEADER) else {
        return Some(Foreign::new(CUT, "it ends in the header of a member", REMAKE));
    };
    let size = std::str::from_utf8(&header[48..58]).ok()?.trim_end().parse::<usize>().ok()?;
    let end = (start + MEMBER_HEADER).checked_add(size)?;
    let missing = end.checked_sub(bytes.len()).filter(|&missing| missing != 0)?;
    let because = format!("{missing} of at least {end} bytes are missing");
    Some(Foreign::new(CUT, because, REMAKE))
}

const CUT: &str = "cut off";
