//! The names in an archive's symbol table. A link does not use it; hints do, because it is small.

use super::{decimal, trim_end, HEADER_SIZE, MAGIC, THIN_MAGIC};

/// Calls `visit` with each name in the symbol table, in order. Nothing is called if there is no table, or if it is damaged.
/// Formats: System V with 32 and 64 bits (`/` and `/SYM64/`), and BSD (`__.SYMDEF`).
pub fn for_each_symbol<'b>(bytes: &'b [u8], visit: impl FnMut(&'b [u8])) {
    let _ = read(bytes, visit);
}

fn read<'b>(bytes: &'b [u8], mut visit: impl FnMut(&'b [u8])) -> Option<()> {
    let rest = bytes.strip_prefix(MAGIC).or_else(|| bytes.strip_prefix(THIN_MAGIC))?;
    let header = rest.get(..HEADER_SIZE)?;
    let size = decimal(&header[48..58])?;
    let contents = rest.get(HEADER_SIZE..)?.get(..size)?;
    match trim_end(&header[..16]) {
        b"/" => system_v(contents, 4, &mut visit),
        b"/SYM64/" => system_v(contents, 8, &mut visit),
        name => {
            let (name, table) = match name.strip_prefix(b"#1/") {
                Some(digits) => contents.split_at_checked(decimal(digits)?)?,
                None => (name, contents),
            };
            name.starts_with(b"__.SYMDEF").then(|| bsd(table, &mut visit))?
        }
    }
}

/// The number of symbols, a member's offset for each, their names.
fn system_v<'b>(table: &'b [u8], width: usize, visit: &mut impl FnMut(&'b [u8])) -> Option<()> {
    let count = table.get(..width)?.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    let offsets = usize::try_from(count).ok()?.checked_mul(width)?;
    let names = table.get(width..)?.get(offsets..)?;
    names.split(|&byte| byte == 0).take(count as usize).for_each(visit);
    Some(())
}

/// The size of the list, a name's and a member's offset for each symbol, the size of the names, the names.
fn bsd<'b>(table: &'b [u8], visit: &mut impl FnMut(&'b [u8])) -> Option<()> {
    let word = |at: usize| Some(u32::from_le_bytes(*table.get(at..)?.first_chunk()?) as usize);
    let size = word(0)?;
    let names = table.get(4..)?.get(size..)?.get(4..)?;
    for position in 0..size / 8 {
        let name = names.get(word(4 + position * 8)?..)?;
        visit(name.split(|&byte| byte == 0).next()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(name: &str, table: &[u8]) -> Vec<u8> {
        let header = format!("{name:<16}{:<32}{:<10}`\n", 0, table.len());
        [&MAGIC[..], header.as_bytes(), table].concat()
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        for_each_symbol(bytes, |name| names.push(String::from_utf8_lossy(name).into_owned()));
        names
    }

    #[test]
    fn all_formats_are_read_and_damage_is_nothing() {
        let narrow = archive("/", b"\0\0\0\x02\0\0\0\x44\0\0\0\x44one\0two\0");
        let wide = archive("/SYM64/", b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x44one\0");
        let bsd = archive("#1/12", b"__.SYMDEF\0\0\0\x08\0\0\0\x04\0\0\0\x44\0\0\0\x08\0\0\0abc\0two\0");
        assert_eq!(names(&narrow), ["one", "two"]);
        assert_eq!(names(&wide), ["one"]);
        assert_eq!(names(&bsd), ["two"]);
        assert_eq!(names(&archive("a.o/", b"\0\0\0\x01\0\0\0\x44one\0")), [""; 0]);
        for bytes in [&narrow, &wide, &bsd] {
            for end in 0..bytes.len() {
                names(&bytes[..end]);
            }
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] = 0xff;
                names(&damaged);
            }
        }
        assert_eq!(names(&archive("/", b"\xff\xff\xff\xff\0\0\0\0")), [""; 0]);
    }
}
