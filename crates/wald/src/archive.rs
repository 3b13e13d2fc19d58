//! Reads the members of archives, in all formats that `ar` programs write.
//!
//! Formats: System V/GNU (`name/`, long names in `//`), BSD (`#1/len`), thin archives (members are separate files), and AIX's big
//! archives. Symbol tables can be 32-bit, 64-bit, BSD, two (Microsoft) or missing. They are not used: like wasm-ld, Wald
//! asks the members what they define, so a wrong or missing table changes nothing.

mod big;
mod member;
mod symbol_table;

use crate::parse_error::ParseError;
use crate::text::escape;
use member::{decimal, malformed, trim_end, LISTING, NAMING, OPENING};

pub use member::{Archive, Member};
pub use symbol_table::for_each_symbol;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const THIN_MAGIC: &[u8; 8] = b"!<thin>\n";
const HEADER_SIZE: usize = 60;

/// Whether `bytes` is an archive.
pub fn is_archive(bytes: &[u8]) -> bool {
    [MAGIC, THIN_MAGIC, big::MAGIC].iter().any(|magic| bytes.starts_with(*magic))
}

/// LLVM's message about an archive of an unknown format.
const INVALID: &str = "Invalid data was encountered while parsing the file";

/// Reads the headers of an archive's members. An error has the offset in the archive.
pub fn parse(bytes: &[u8]) -> Result<Archive, ParseError> {
    if bytes.starts_with(big::MAGIC) {
        return big::parse(bytes);
    }
    let thin = bytes.starts_with(THIN_MAGIC);
    if !thin && !bytes.starts_with(MAGIC) {
        return Err(ParseError::text(0, format!("{OPENING}: file too small to be an archive")));
    }
    let mut archive = Archive { members: Vec::new(), thin };
    let (mut long_names, mut has_long_names): (&[u8], bool) = (&[], false);
    let mut position = MAGIC.len();
    let mut tables = 0;
    // LLVM reads the tables and the first member's header when it opens the archive.
    let mut doing = OPENING;
    while position < bytes.len() {
        let rest = &bytes[position..];
        let Some(header) = rest.get(..HEADER_SIZE) else {
            let what = "remaining size of archive too small for next archive member header";
            return Err(malformed(position, doing, format!("{what} {}", whose(rest, long_names, position))));
        };
        check_terminator(header, rest, long_names, position)
            .map_err(|what| malformed(position, doing, what))?;
        let name = trim_end(&header[..16]);
        let size = stated_size(header, position).map_err(|what| malformed(position, doing, what))?;
        let start = position + HEADER_SIZE;
        let special = matches!(name, b"/" | b"//" | b"/SYM64/");
        if !special {
            // The first member determines the format, and a long name needs the table of names before it.
            if doing == OPENING && tables < 2 && !has_long_names && name.starts_with(b"/") {
                return Err(ParseError::text(position, format!("{OPENING}: {INVALID}")));
            }
            doing = LISTING;
        }
        let stored = if thin && !special { 0 } else { size };
        if stored > bytes.len() - start {
            let what = format!(
                "offset to next archive member past the end of the archive after member {}",
                whose(rest, long_names, position).trim_start_matches("for ")
            );
            return Err(malformed(position, doing, what));
        }
        match name {
            // Microsoft's archives have two. The second has its own format.
            b"/" if tables > 0 => tables += 1,
            b"/" | b"/SYM64/" => {
                check_symbol_table(&bytes[start..start + size], name.len() > 1, start)?;
                tables += 1;
            }
            b"//" => (long_names, has_long_names) = (&bytes[start..start + size], true),
            _ => {
                let (name, skipped) = member_name(name, long_names, bytes, start, size).map_err(|what| {
                    malformed(
                        position,
                        NAMING,
                        format!("{what} for archive member header at offset {position}"),
                    )
                })?;
                if name != "__.SYMDEF" && name != "__.SYMDEF SORTED" && name != "__.SYMDEF_64" {
                    let (start, size) = (start + skipped, size - skipped);
                    archive.members.push(Member { name, header: position, start, size });
                }
            }
        }
        position = start + stored;
        position += position & 1;
    }
    Ok(archive)
}

/// Checks the two fixed bytes at the end of a member's header.
fn check_terminator(header: &[u8], rest: &[u8], long_names: &[u8], position: usize) -> Result<(), String> {
    if &header[58..60] == b"`\n" {
        return Ok(());
    }
    Err(format!(
        "terminator characters in archive member \"{}\" not the correct \"`\\n\" values for the archive \
         member header {}",
        header[58..60].escape_ascii(),
        whose(rest, long_names, position)
    ))
}

/// The size in a member's header.
fn stated_size(header: &[u8], position: usize) -> Result<usize, String> {
    let field = &header[48..58];
    decimal(field).ok_or_else(|| {
        let text = trim_end(field).escape_ascii();
        format!(
            "characters in size field in archive member header are not all decimal numbers: '{text}' for the \
             archive member header at offset {position}"
        )
    })
}

/// Names a member for a message, from the possibly truncated header at the start of `rest`.
fn whose(rest: &[u8], long_names: &[u8], position: usize) -> String {
    let name = rest.get(..16).map(trim_end).and_then(|name| match name {
        b"/" | b"//" => Some((escape(name).into_owned(), 0)),
        name => {
            let size = rest.len().saturating_sub(HEADER_SIZE);
            member_name(name, long_names, rest, HEADER_SIZE, size).ok()
        }
    });
    name.map_or_else(|| format!("at offset {position}"), |(name, _)| format!("for {name}"))
}

/// The name of a member, and the number of bytes of its contents that the name takes (BSD). Or LLVM's message.
fn member_name(
    name: &[u8],
    long_names: &[u8],
    bytes: &[u8],
    start: usize,
    size: usize,
) -> Result<(String, usize), String> {
    if let Some(digits) = name.strip_prefix(b"#1/") {
        let Some(length) = decimal(digits) else {
            let digits = digits.escape_ascii();
            return Err(format!(
                "long name length characters after the #1/ are not all decimal numbers: '{digits}'"
            ));
        };
        if length > size {
            return Err(format!("long name length: {length} extends past the end of the member or archive"));
        }
        let text = bytes.get(start..start + length).unwrap_or(&[]);
        let text = text.split(|&byte| byte == 0).next().unwrap_or(&[]);
        return Ok((escape(text).into_owned(), length));
    }
    if let Some(digits) = name.strip_prefix(b"/") {
        let Some(offset) = decimal(digits) else {
            let digits = digits.escape_ascii();
            return Err(format!(
                "long name offset characters after the '/' are not all decimal numbers: '{digits}'"
            ));
        };
        let Some(text) = long_names.get(offset..).filter(|text| !text.is_empty()) else {
            return Err(format!("long name offset {offset} past the end of the string table"));
        };
        let end = text.iter().position(|&byte| byte == b'\n' || byte == 0).unwrap_or(text.len());
        let text = text[..end].strip_suffix(b"/").unwrap_or(&text[..end]);
        return Ok((escape(text).into_owned(), 0));
    }
    let name = name.strip_suffix(b"/").unwrap_or(name);
    Ok((escape(name).into_owned(), 0))
}

/// Checks that a symbol table is complete. It is not used, but a truncated one means that the archive is damaged.
fn check_symbol_table(table: &[u8], wide: bool, start: usize) -> Result<(), ParseError> {
    if table.is_empty() {
        return Ok(());
    }
    let width = if wide { 8 } else { 4 };
    let truncated = malformed(start, OPENING, "symbol table is incomplete");
    let count = table.get(..width).ok_or(truncated.clone())?;
    let count = count.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    match count.checked_mul(width as u64).and_then(|size| size.checked_add(width as u64)) {
        Some(size) if size <= table.len() as u64 => Ok(()),
        _ => Err(truncated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, contents: &[u8]) -> Vec<u8> {
        let mut out =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, contents.len()).into_bytes();
        out.extend_from_slice(contents);
        if out.len() % 2 == 1 {
            out.push(b'\n');
        }
        out
    }

    fn archive(members: &[Vec<u8>]) -> Vec<u8> {
        [MAGIC.to_vec(), members.concat()].concat()
    }

    #[test]
    fn names_short_long_and_bsd() {
        let bytes = archive(&[
            member("//", b"a_very_long_member_name.o/\n"),
            member("short.o/", b"123"),
            member("/0", b"4"),
            member("#1/6", b"bsd.o\0body"),
            member("plain.o", b""),
        ]);
        let found: Vec<_> = parse(&bytes)
            .unwrap()
            .members
            .into_iter()
            .map(|m| (m.name, bytes[m.start..m.start + m.size].to_vec()))
            .collect();
        let expected = [
            ("short.o", &b"123"[..]),
            ("a_very_long_member_name.o", b"4"),
            ("bsd.o", b"body"),
            ("plain.o", b""),
        ];
        assert_eq!(found, expected.map(|(name, body)| (name.to_string(), body.to_vec())));
    }

    #[test]
    fn empty_and_damaged() {
        assert_eq!(parse(MAGIC).unwrap().members, []);
        let good = archive(&[member("a.o/", b"12345678")]);
        for end in MAGIC.len() + 1..good.len() {
            assert!(parse(&good[..end]).is_err(), "cut at {end}");
        }
        let mut bad = good.clone();
        bad[MAGIC.len() + 58] = b'x';
        let error = parse(&bad).unwrap_err();
        assert!(error.to_string().ends_with("member header for a.o)"), "{error}");
        assert_eq!(error.offset, 8);
        let mut signed = good.clone();
        signed[MAGIC.len() + 48] = b'+';
        assert!(parse(&signed).is_err());
        assert!(parse(&archive(&[member("#1/18446744073709551615", b"")])).is_err());
        assert!(parse(&archive(&[member("/12", b"")])).is_err(), "name table is missing");
        assert!(parse(&archive(&[member("/", &[0, 0, 0, 9, 1])])).is_err(), "symbol table is cut");
        assert!(parse(b"!<nope>\n").is_err());
    }
}
