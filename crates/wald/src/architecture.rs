//! 32 or 64 bits: the command line says which, and every object must agree.

use crate::diagnostics::{Code, Diagnostic, Fix, Help};
use crate::input::Candidate;
use crate::leb128::Reader;
use crate::options::{Architecture, Options};
use crate::places::File;
use crate::recompile::{self, Flag};

const WIDE: Flag<'_> = Flag {
    clang: "-m64",
    or: ", or with a --target= of wasm64",
    rustc: "--target=wasm64-unknown-unknown",
    and: ", and the standard library with -Z build-std",
};
const NARROW: Flag<'_> = Flag {
    clang: "-m32",
    or: ", or with a --target= of wasm32",
    rustc: "--target=wasm32-unknown-unknown",
    and: "",
};

/// Checks that every object, linked or not, has the width of addresses that was asked for; stops at the first
/// that has not.
pub fn check(options: &Options, files: &[Candidate]) -> Result<(), Box<Diagnostic>> {
    // Bitcode is checked when it is linked.
    for file in files {
        let Some(is64) = is_64(file) else { continue };
        let message = match (is64, options.architecture) {
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

/// Whether a file is for 64-bit memory. `None` if it fits both, or nothing is known yet.
fn is_64(file: &Candidate) -> Option<bool> {
    // Bitcode is checked when it is linked.
    let is64 = match (&file.bitcode, &file.shared, file.parsed()) {
        (Some(_), ..) => return None,
        // A library without a memory fits both.
        (None, Some(library), _) => return library.memory_is_64,
        (None, None, Some(object)) => object.memory_is_64,
        (None, None, None) => scan(&file.bytes),
    };
    Some(is64 == Some(true))
}

/// Adds to the error which files are of which width, and what to do.
pub fn explain(error: Diagnostic, options: &Options, files: Vec<&Candidate>) -> Diagnostic {
    let known = |wide: bool| {
        let is_it = move |file: &&&Candidate| is_64(file) == Some(wide);
        files.iter().filter(is_it).map(|file| (file.display(), *file)).collect::<Vec<_>>()
    };
    let (narrow, wide) = (known(false), known(true));
    let mut error = error;
    if options.architecture == Architecture::Wasm32 {
        error = error
            .with_note("it is the other way round: a wasm64 object file cannot be linked in wasm32 mode");
    }
    for (text, files) in [("for 64-bit memory:", &wide), ("for 32-bit memory:", &narrow)] {
        // wasm-ld's words name one file.
        if narrow.len() + wide.len() > 1 && !files.is_empty() {
            let locations = files.iter().map(|(_, file)| file.name.location()).collect();
            let paths = files.iter().map(|(path, _)| &**path);
            error = error.with_note(recompile::note_of_paths(text, paths, locations));
        }
    }
    // Probably the few are wrong.
    let is_output_wide = wide.len() > narrow.len();
    error.helps.extend(help_with_option(options.architecture, is_output_wide));
    let wrong = if is_output_wide { &narrow } else { &wide };
    // Whether a member that is not linked has been parsed depends on when it came.
    let parsed: Vec<File<'_>> = wrong
        .iter()
        .filter(|(_, file)| !file.lazy)
        .filter_map(|(path, file)| Some(File { object: file.parsed()?, path, candidate: Some(file) }))
        .collect();
    error.helps.extend(recompile::with_flag(&parsed, if is_output_wide { WIDE } else { NARROW }));
    error
}

/// What to do about the option, if the output is to be of this width.
fn help_with_option(asked: Architecture, is_output_wide: bool) -> Option<Help> {
    let help = |text: &str, fix| Some(Help::new(text).with_fix(fix));
    match (asked, is_output_wide) {
        (Architecture::Unspecified, true) => {
            help("add -mwasm64", Fix::AddArgument { argument: "-mwasm64".into() })
        }
        (Architecture::Wasm32, true) => help(
            "replace -mwasm32 by -mwasm64",
            Fix::ReplaceArgument { from: "-mwasm32".into(), to: "-mwasm64".into() },
        ),
        (Architecture::Wasm64, false) => {
            help("remove -mwasm64", Fix::RemoveArgument { argument: "-mwasm64".into() })
        }
        _ => None,
    }
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
