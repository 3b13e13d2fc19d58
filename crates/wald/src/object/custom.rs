//! Custom sections that the linker reads itself: target features, producers, names of functions.

use hashbrown::HashSet;

use super::parse::{count, range_of};
use super::*;
use crate::leb128::Reader;
use crate::parse_error::ErrorKind;

pub(super) fn read_features(reader: &mut Reader<'_>, data: &[u8]) -> Result<Vec<Feature>, ParseError> {
    let mut features = Vec::new();
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for _ in 0..count(reader)? {
        let prefix = reader.byte()?;
        if !matches!(prefix, b'+' | b'-') {
            return Err(reader.error(ErrorKind::UnknownFeaturePrefix(prefix)));
        }
        let at = reader.position();
        let name = range_of(reader)?;
        if !seen.insert(name.of(data)) {
            let name = String::from_utf8_lossy(name.of(data));
            let message = format!("target features section contains repeated feature \"{name}\"");
            return Err(ParseError::text(at, message));
        }
        features.push(Feature { prefix, name });
    }
    if !reader.is_empty() {
        return Err(reader.error(ErrorKind::Malformed("target features section ended prematurely")));
    }
    Ok(features)
}

pub(super) fn read_producers(reader: &mut Reader<'_>, data: &[u8]) -> Result<Producers, ParseError> {
    let mut producers = Producers::default();
    let mut fields: HashSet<&[u8]> = HashSet::new();
    for _ in 0..count(reader)? {
        let at = reader.position();
        let field = range_of(reader)?.of(data);
        if !fields.insert(field) {
            return Err(ParseError::malformed(at, "producers section does not have unique fields"));
        }
        let list = match field {
            b"language" => &mut producers.languages,
            b"processed-by" => &mut producers.tools,
            b"sdk" => &mut producers.sdks,
            _ => {
                return Err(ParseError::malformed(
                    at,
                    "producers section field is not named one of language, processed-by, or sdk",
                ))
            }
        };
        let mut seen: HashSet<&[u8]> = HashSet::new();
        for _ in 0..count(reader)? {
            let at = reader.position();
            let (name, version) = (range_of(reader)?, range_of(reader)?);
            if !seen.insert(name.of(data)) {
                return Err(ParseError::malformed(at, "producers section contains repeated producer"));
            }
            list.push((name, version));
        }
    }
    if !reader.is_empty() {
        return Err(reader.error(ErrorKind::Malformed("producers section ended prematurely")));
    }
    Ok(producers)
}

/// The function names of a name section.
/// See <https://webassembly.github.io/spec/core/appendix/custom.html#name-section>.
pub(super) fn read_function_names(reader: &mut Reader<'_>) -> Result<Vec<(u32, ByteRange)>, ParseError> {
    let mut names = Vec::new();
    while !reader.is_empty() {
        let id = reader.byte()?;
        let size = reader.u32()? as usize;
        let end = reader.position() + size;
        if id == 1 {
            for _ in 0..count(reader)? {
                names.push((reader.u32()?, range_of(reader)?));
            }
            if reader.position() != end {
                return Err(reader.error(ErrorKind::Malformed("name sub-section ended prematurely")));
            }
        } else {
            reader.skip(size)?;
        }
    }
    Ok(names)
}
