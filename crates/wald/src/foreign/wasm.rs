//! Modules and components that are not objects.

use super::answer::{Foreign, REMAKE};
use super::cut::sections;
use crate::format::section;

/// What a module without a linking section is.
pub fn unlinkable_module(bytes: &[u8]) -> Foreign {
    const LINK: &str =
        "pass the objects that it was linked from; -r combines objects into one that can be linked again";
    const KEEP: &str =
        "pass the object as the compiler wrote it: such a tool may only work on what is linked";
    let mut is_object = None;
    let (mut has_bindings, mut count) = (false, 0);
    for (id, body) in sections(bytes) {
        count += 1;
        let name = if id == section::CUSTOM { custom_name(body) } else { &[] };
        if name.starts_with(b"reloc.") {
            is_object = Some("relocations");
        }
        if id == section::IMPORT && contains(body, b"\x0f__linear_memory") {
            is_object = Some("an import of __linear_memory");
        }
        has_bindings |= name == b"__wasm_bindgen_unstable";
    }
    if count == 0 {
        return Foreign::new("an empty module", "there is nothing but its header", REMAKE);
    }
    match is_object {
        Some(sign) => Foreign::new(
            "an object from which a tool removed the symbols",
            format!("it has {sign}, but no linking section; wasm-strip and wasm-opt do that"),
            KEEP,
        ),
        None if has_bindings => Foreign::new(
            "a module for wasm-bindgen that was already linked",
            "it has no linking section",
            LINK,
        ),
        None => Foreign::new("a module that was already linked", "it has no linking section", LINK),
    }
}

/// What a file with wasm's magic number and a version other than 1 is.
pub fn wrong_version(bytes: &[u8]) -> Option<Foreign> {
    let version = *bytes.strip_prefix(b"\0asm")?.first_chunk::<4>()?;
    match version {
        [1, 0, 0, 0] => None,
        [_, _, 1, 0] => Some(Foreign::new(
            "a component",
            "its layer is 1; that of a module is 0",
            "pass the objects of its modules; wac puts components together, and wasm-component-ld makes one of objects",
        )),
        _ => Some(Foreign::new(
            "of another version of WebAssembly, or damaged",
            format!("its version is {}; that of objects is 1", u32::from_le_bytes(version)),
            REMAKE,
        )),
    }
}

/// The name of a custom section.
fn custom_name(body: &[u8]) -> &[u8] {
    let mut reader = crate::leb128::Reader::new(body);
    reader.string().unwrap_or_default()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
