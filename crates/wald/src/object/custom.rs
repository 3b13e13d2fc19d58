//! Custom sections that the linker reads itself: target features, producers, names of functions.

use hashbrown::HashSet;

use super::read::{count, range_of};
use super::tables::{Feature, Producers};
use crate::bit_set::BitSet;
use crate::index::ByteRange;
use crate::leb128::Reader;
use crate::parse_error::{ErrorKind, ParseError};

pub(super) fn read_features(reader: &mut Reader<'_>, data: &[u8]) -> Result<Vec<Feature>, ParseError> {
    let mut features = Vec::new();
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for _ in 0..reader.u32()? {
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

/// How many functions, globals and data segments a module has, imported ones too.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub functions: usize,
    pub globals: usize,
    pub segments: usize,
}

/// A name section: gives the names of functions, with their indices. Names of globals and data segments are looked at for
/// what wasm-ld refuses.
/// See <https://webassembly.github.io/spec/core/appendix/custom.html#name-section>.
pub(super) fn read_names(
    reader: &mut Reader<'_>,
    counts: Counts,
) -> Result<Vec<(u32, ByteRange)>, ParseError> {
    const FUNCTIONS: u8 = 1;
    const GLOBALS: u8 = 7;
    const SEGMENTS: u8 = 9;
    let wrong = |at, what| Err(ParseError::malformed(at, what));
    let mut names = Vec::new();
    let mut named = [counts.functions, counts.globals, counts.segments + 1].map(|n| BitSet::new(n, false));
    while !reader.is_empty() {
        let id = reader.byte()?;
        let size = reader.u32()? as usize;
        let start = reader.position();
        let (kind, invalid, twice) = match id {
            FUNCTIONS => (0, "invalid function name entry", "function named more than once"),
            GLOBALS => (1, "invalid global name entry", "global named more than once"),
            // One behind the last one is taken.
            SEGMENTS => (2, "invalid data segment name entry", "segment named more than once"),
            _ if size > reader.remaining() => return wrong(start, "name section ended prematurely"),
            _ => {
                reader.skip(size)?;
                continue;
            }
        };
        let limit = [counts.functions, counts.globals, counts.segments + 1][kind];
        for _ in 0..reader.u32()? {
            let at = reader.position();
            let index = reader.u32()?;
            let name = range_of(reader)?;
            if index as usize >= limit || name.len == 0 && id != SEGMENTS {
                return wrong(at, invalid);
            }
            if !named[kind].insert(index as usize) {
                return wrong(at, twice);
            }
            if id == FUNCTIONS {
                names.push((index, name));
            }
        }
        if reader.position() != start + size {
            return wrong(reader.position(), "name sub-section ended prematurely");
        }
    }
    Ok(names)
}
