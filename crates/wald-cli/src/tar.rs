//! Writes tar archives byte for byte as LLVM does.

use std::io::{self, Write};

/// Writes a file of a POSIX ustar archive. A path that does not fit in its header is in a pax header before it.
pub fn write_member(out: &mut impl Write, path: &[u8], bytes: &[u8]) -> io::Result<()> {
    match split_path(path) {
        Some((prefix, name)) => out.write_all(&header(prefix, name, bytes.len(), 0))?,
        None => {
            let record = pax_record("path", path);
            out.write_all(&header(b"", b"", record.len(), b'x'))?;
            write_padded(out, &record)?;
            out.write_all(&header(b"", b"", bytes.len(), 0))?;
        }
    }
    write_padded(out, bytes)
}

/// Splits a path into the two parts of a header. Like LLVM's writer, does not use the whole first part.
fn split_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    const NAME: usize = 100;
    const PREFIX: usize = 138;
    if path.len() < NAME {
        return Some((b"", path));
    }
    let slash = path.iter().take(PREFIX).rposition(|&byte| byte == b'/')?;
    let (prefix, name) = (path.get(..slash)?, path.get(slash + 1..)?);
    (name.len() < NAME).then_some((prefix, name))
}

fn write_padded(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(&[0; 512][..bytes.len().next_multiple_of(512) - bytes.len()])
}

/// `length key=value\n`. The length includes its own digits.
fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [format!(" {key}=").as_bytes(), value, b"\n"].concat();
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length += 1;
    }
    [length.to_string().into_bytes(), rest].concat()
}

fn header(prefix: &[u8], name: &[u8], size: usize, kind: u8) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name);
    put(100, b"0000664");
    put(124, format!("{size:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(345, prefix);
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_a_checksum_and_long_paths_a_pax_record() {
        let mut tar = Vec::new();
        write_member(&mut tar, b"r/a.o", b"xyz").unwrap();
        assert_eq!(tar.len(), 1024);
        assert_eq!(&tar[124..136], b"00000000003\0");
        let sum: u32 = tar[..512].iter().map(|&b| u32::from(b)).sum();
        let stored = u32::from_str_radix(std::str::from_utf8(&tar[148..154]).unwrap(), 8).unwrap();
        let digits: u32 = tar[148..156].iter().map(|&b| u32::from(b)).sum();
        assert_eq!(stored, sum - digits + 8 * 32);
        let record = format!("105 path={}\n", "a".repeat(95));
        assert_eq!(pax_record("path", &[b'a'; 95]), record.as_bytes());
        let mut long = Vec::new();
        write_member(&mut long, &[b'd'; 100], b"").unwrap();
        assert_eq!(long[156], b'x');
        let prefix = |length: usize| [&vec![b'p'; length], &b"/n.o"[..]].concat();
        let split = |path: &[u8]| split_path(path).map(|(prefix, name)| (prefix.len(), name.len()));
        assert_eq!(split(&prefix(95)), Some((0, 99)));
        assert_eq!(split(&prefix(96)), Some((96, 3)));
        assert_eq!(split(&prefix(137)), Some((137, 3)));
        assert_eq!(split(&prefix(138)), None);
        assert_eq!(split(&[b"d/", &[b'n'; 99][..]].concat()), Some((1, 99)));
        assert_eq!(split(&[b"d/", &[b'n'; 100][..]].concat()), None);
    }
}
