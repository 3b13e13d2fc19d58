//! Says what a file is that Wald cannot link, how one can tell, and what to do. Only for messages: a link without errors and
//! warnings never gets here.
//!
//! Everything is decided from the bytes; the name only tells languages apart. Any bytes are an answer, in bounded time and memory.

mod answer;
mod cut;
mod machine;
mod native;
mod text_file;
mod wasm;

pub use cut::{cut_archive, cut_module};
pub use native::no_bitcode;
pub use wasm::{unlinkable_module, wrong_version};

use answer::{count, starts_with, Foreign, REMAKE};

/// Says what a file is that is neither a module, an archive, bitcode nor a stub library. `name` is its path or its member's name.
pub fn recognize(bytes: &[u8], name: &str) -> Foreign {
    let nothing = || bytes.is_empty().then(|| Foreign::new("an empty file", "", REMAKE));
    let mut found = nothing()
        .or_else(|| known(bytes))
        .or_else(|| native::recognize(bytes, name))
        .or_else(|| packed(bytes))
        .or_else(|| text_file::recognize(bytes, name))
        .or_else(|| zeros(bytes))
        .unwrap_or_else(|| Foreign::new("of a kind that Wald does not know", starts_with(bytes, 8), ""));
    found.help = found.help.replace("FILE", name);
    found
}

/// Files that could be inputs, but not as a member of an archive.
fn known(bytes: &[u8]) -> Option<Foreign> {
    if crate::archive::is_archive(bytes) {
        let help =
            "take its members out with llvm-ar x, and add those: archives in archives are not searched";
        return Some(Foreign::new("an archive", starts_with(bytes, 8), help));
    }
    let is_stub = bytes.starts_with(b"#STUB");
    is_stub.then(|| Foreign::new("a stub library", "its first line is `#STUB`", "pass it beside the archive"))
}

/// Compressed files and other containers.
fn packed(bytes: &[u8]) -> Option<Foreign> {
    const MAGICS: [(&[u8], &str, &str); 8] = [
        (b"\x1f\x8b", "data that gzip compressed", "unpack it first: gzip -dc FILE"),
        (b"PK\x03\x04", "a zip file", "unpack it first: unzip FILE"),
        (b"\x28\xb5\x2f\xfd", "data that zstd compressed", "unpack it first: zstd -d FILE"),
        (b"\xfd7zXZ\0", "data that xz compressed", "unpack it first: xz -dc FILE"),
        (b"BZh", "data that bzip2 compressed", "unpack it first: bzip2 -dc FILE"),
        (
            b"CPCH",
            "a precompiled header or module of clang",
            "pass the object, not what -emit-pch or -emit-module wrote",
        ),
        (
            b"rust\0\0\0",
            "the metadata of a Rust crate",
            "pass the crate's .rlib; it comes from cargo build, not from cargo check",
        ),
        (b"\xca\xfe\xba\xbe\0\0\0", "a Java class", "only objects for WebAssembly can be linked"),
    ];
    if let Some((magic, what, help)) = MAGICS.into_iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return Some(Foreign::new(what, starts_with(bytes, magic.len().min(4)), help));
    }
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    is_tar.then(|| Foreign::new("a tar file", "\"ustar\" is at offset 0x101", "unpack it first: tar xf FILE"))
}

/// A file whose blocks were never written.
fn zeros(bytes: &[u8]) -> Option<Foreign> {
    let is_zero = bytes.iter().all(|&byte| byte == 0);
    is_zero.then(|| Foreign::new("unwritten", format!("all its {} are zero", count(bytes.len())), REMAKE))
}

#[cfg(test)]
mod tests;
