//! AIX's big archives: a header of fixed length, and members that are linked to one another by offsets.
//! See <https://www.ibm.com/docs/en/aix/7.3?topic=formats-ar-file-format-big>.

use super::member::{decimal, malformed, trim_end, Archive, Member, LISTING, OPENING};
use crate::parse_error::ParseError;
use crate::text::escape;

/// The first bytes of a big archive.
pub const MAGIC: &[u8; 8] = b"<bigaf>\n";

/// The offset and length of a number in decimal digits.
type Field = (usize, usize);

/// Length of the archive's header.
const HEADER_SIZE: usize = 128;
const FIRST_MEMBER: Field = (68, 20);
const LAST_MEMBER: Field = (88, 20);

/// Length of a member's header without its name.
const MEMBER_SIZE: usize = 112;
const SIZE: Field = (0, 20);
const NEXT: Field = (20, 20);
const NAME_LENGTH: Field = (108, 4);

/// Reads the headers of all members.
pub fn parse(bytes: &[u8]) -> Result<Archive, ParseError> {
    let mut archive = Archive::default();
    let Some(header) = bytes.get(..HEADER_SIZE) else {
        let what = "malformed AIX big archive: incomplete fixed length header, the archive is only";
        return Err(malformed(0, OPENING, format!("{what}{} byte(s)", bytes.len())));
    };
    // LLVM reads an offset that is not a number as 0, which means no member.
    let offset = |field: Field| number(header, field).unwrap_or(0);
    let (first, last) = (offset(FIRST_MEMBER), offset(LAST_MEMBER));
    let mut position = first;
    // An archive without members has no first one.
    while position != 0 {
        let (member, next) = member(bytes, position)?;
        archive.members.push(member);
        if position == last {
            break;
        }
        // Members are written one after the other. That also rules out a cycle.
        if next <= position {
            self::member(bytes, next)?;
            let what = format!("next member at offset {next} is not behind the member at offset {position}");
            return Err(malformed(position, LISTING, what));
        }
        position = next;
    }
    Ok(archive)
}

/// The member whose header is at `position`, and the offset of the next header.
fn member(bytes: &[u8], position: usize) -> Result<(Member, usize), ParseError> {
    let short = || {
        let what = "remaining size of archive too small for next archive member header at offset";
        malformed(position, LISTING, format!("{what} {position}"))
    };
    let rest = bytes.get(position..).ok_or_else(short)?;
    let header = rest.get(..MEMBER_SIZE).ok_or_else(short)?;
    let field = |field: Field, name: &str| {
        number(header, field).map_err(|text| {
            let what = format!(
                "characters in {name} field in archive member header are not all decimal numbers: '{text}' for the \
                 archive member header at offset {position}"
            );
            malformed(position, LISTING, what)
        })
    };
    let (size, next) = (field(SIZE, "size")?, field(NEXT, "NextOffset")?);
    let name_length = field(NAME_LENGTH, "NameLen")?;
    let name = rest.get(MEMBER_SIZE..MEMBER_SIZE + name_length).ok_or_else(short)?;
    // A name of odd length is padded by one byte. The terminator follows.
    let terminator = MEMBER_SIZE + name_length.next_multiple_of(2);
    if rest.get(terminator..terminator + 2) != Some(b"`\n") {
        let what = "terminator characters in archive member are not the correct \"`\\n\" values for the archive member \
                    header for";
        return Err(malformed(position, LISTING, format!("{what} {}", String::from_utf8_lossy(name))));
    }
    let start = position + terminator + 2;
    if size > bytes.len() - start {
        let what = "offset to next archive member past the end of the archive after member";
        return Err(malformed(position, LISTING, format!("{what} {}", String::from_utf8_lossy(name))));
    }
    let name = escape(name).into_owned();
    Ok((Member { name, header: position, start, size }, next))
}

/// A number, or the text that is none.
fn number(header: &[u8], (start, len): Field) -> Result<usize, String> {
    let text = &header[start..start + len];
    decimal(text).ok_or_else(|| String::from_utf8_lossy(trim_end(text)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = vec![b' '; HEADER_SIZE];
        out[..8].copy_from_slice(MAGIC);
        let put = |out: &mut Vec<u8>, at: usize, (start, _): Field, value: usize| {
            let digits = value.to_string();
            out[at + start..at + start + digits.len()].copy_from_slice(digits.as_bytes());
        };
        let mut last = 0;
        for (name, contents) in members {
            let position = out.len();
            let field = if last == 0 { (0, FIRST_MEMBER) } else { (last, NEXT) };
            put(&mut out, field.0, field.1, position);
            last = position;
            out.extend([b' '; MEMBER_SIZE]);
            put(&mut out, position, SIZE, contents.len());
            put(&mut out, position, NEXT, 0);
            put(&mut out, position, NAME_LENGTH, name.len());
            out.extend(name.bytes());
            out.resize(out.len().next_multiple_of(2), 0);
            out.extend(b"`\n");
            out.extend(*contents);
            out.resize(out.len().next_multiple_of(2), 0);
        }
        put(&mut out, 0, LAST_MEMBER, last);
        if members.is_empty() {
            put(&mut out, 0, FIRST_MEMBER, 0);
        }
        out
    }

    #[test]
    fn members_are_found_by_their_offsets() {
        let bytes = archive(&[("x.o", b"123"), ("long name.o", b""), ("yy.o", b"4567")]);
        let found = parse(&bytes).unwrap().members;
        let found: Vec<_> = found.iter().map(|m| (&*m.name, &bytes[m.start..m.start + m.size])).collect();
        assert_eq!(found, [("x.o", &b"123"[..]), ("long name.o", b""), ("yy.o", b"4567")]);
        assert_eq!(parse(&archive(&[])).unwrap().members, []);
    }

    #[test]
    fn damage_is_an_error_and_ends() {
        let good = archive(&[("x.o", b"123"), ("y.o", b"4567")]);
        for end in MAGIC.len()..good.len() {
            assert!(parse(&good[..end]).is_err(), "cut at {end}");
        }
        let mut circle = good.clone();
        circle[HEADER_SIZE + 20..HEADER_SIZE + 23].copy_from_slice(b"128");
        assert!(parse(&circle).is_err());
        for at in 0..good.len() {
            for byte in [0, b'9', b'x', 0xff] {
                let mut bad = good.clone();
                bad[at] = byte;
                let _ = parse(&bad);
            }
        }
    }
}
