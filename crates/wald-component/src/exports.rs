//! Looks for an export of a core module.

/// The id of the export section.
const EXPORTS: u8 = 7;

/// Whether the module exports something of this name. What is malformed exports nothing: the encoder reports it.
///
/// <https://webassembly.github.io/spec/core/binary/modules.html#export-section>
pub fn has_export(module: &[u8], name: &str) -> bool {
    let header = module.get(8..);
    header.is_some_and(|sections| find(Reader(sections), name.as_bytes()).unwrap_or(false))
}

/// Returns `None` if the bytes end too early.
fn find(mut module: Reader, name: &[u8]) -> Option<bool> {
    while !module.0.is_empty() {
        let (id, mut section) = (module.byte()?, module.vector()?);
        if id != EXPORTS {
            continue;
        }
        for _ in 0..section.number()? {
            if section.vector()?.0 == name {
                return Some(true);
            }
            let _kind = section.byte()?;
            let _index = section.number()?;
        }
    }
    Some(false)
}

/// The bytes that were not read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A LEB128 number of 32 bits.
    fn number(&mut self) -> Option<u32> {
        let mut number = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).ok();
            }
        }
        None
    }

    /// So many bytes as the number before them says.
    fn vector(&mut self) -> Option<Reader<'a>> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Reader(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_found_and_damaged_modules_have_none() {
        let text = "(module (memory (export \"memory\") 1) (func (export \"_start\")) (func (export \"f\")))";
        let module = wat::parse_str(text).unwrap();
        assert!(has_export(&module, "_start") && has_export(&module, "f") && !has_export(&module, "_star"));
        let end = module.windows(6).position(|bytes| bytes == b"_start").unwrap() + 6;
        for length in 0..=end {
            assert!(!has_export(&module[..length], "_start"), "{length}");
        }
        assert!(!has_export(b"\0asm\x01\0\0\0\x07\xff\xff\xff\xff\x0f", "_start"));
        assert!(!has_export(b"\0asm\x01\0\0\0\x07\x80\x80\x80\x80\x80\x80\x01", "_start"));
    }
}
