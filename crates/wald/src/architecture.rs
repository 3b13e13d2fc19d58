//! 32 or 64 bits: the command line says which, and every object must agree.

use crate::diagnostics::{Code, Diagnostic};
use crate::input::Candidate;
use crate::leb128::Reader;
use crate::options::{Architecture, Options};

/// Checks that every object, linked or not, has the width of addresses that was asked for; stops at the first
/// that has not.
pub fn check(options: &Options, files: &[Candidate]) -> Result<(), Box<Diagnostic>> {
    // Bitcode is checked when it is linked.
    for file in files.iter().filter(|file| file.bitcode.is_none()) {
        let is64 = match (&file.shared, file.parsed()) {
            // A library without a memory fits both.
            (Some(library), _) if library.memory_is_64.is_none() => continue,
            (Some(library), _) => library.memory_is_64,
            (None, Some(object)) => object.memory_is_64,
            (None, None) => scan(&file.bytes),
        };
        let message = match (is64 == Some(true), options.architecture) {
            (true, Architecture::Unspecified) => "must specify -mwasm64 to process wasm64 object files",
            // In both directions the same words, as wasm-ld says it.
            (true, Architecture::Wasm32) | (false, Architecture::Wasm64) => {
                "wasm32 object file can't be linked in wasm64 mode"
            }
            _ => continue,
        };
        let diagnostic = Diagnostic::error(Code::Options, format!("{}: {message}", file.display()));
        return Err(Box::new(diagnostic.with_location(file.name.location())));
    }
    Ok(())
}

/// Looks for a 64-bit memory in an object that was not parsed: only imports and memories are read.
fn scan(bytes: &[u8]) -> Option<bool> {
    use crate::format::{external, limits, section};
    let mut reader = Reader::within(bytes, 8.min(bytes.len()), bytes.len());
    let mut is64 = None;
    while !reader.is_empty() {
        let id = reader.byte().ok()?;
        let size = reader.u32().ok()? as usize;
        let start = reader.position();
        reader.skip(size).ok()?;
        let mut body = Reader::within(bytes, start, start + size);
        if id == section::MEMORY {
            body.u32().ok()?;
            return Some(body.u32().ok()? as u8 & limits::IS_64 != 0);
        }
        if id != section::IMPORT {
            continue;
        }
        for _ in 0..body.u32().ok()? {
            body.string().ok()?;
            body.string().ok()?;
            match body.byte().ok()? {
                external::FUNCTION => _ = body.u32().ok()?,
                external::MEMORY => return Some(body.u32().ok()? as u8 & limits::IS_64 != 0),
                external::GLOBAL => body.skip(2).ok()?,
                external::TAG => body.skip(1).and_then(|()| body.u32()).map(|_| ()).ok()?,
                _ => {
                    body.byte().ok()?;
                    let flags = body.u32().ok()?;
                    body.u64().ok()?;
                    if flags as u8 & limits::HAS_MAX != 0 {
                        body.u64().ok()?;
                    }
                }
            }
        }
        // The output of `-r` has a memory of its own, which is added later.
        is64 = Some(false);
    }
    is64
}
