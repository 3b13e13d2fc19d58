//! Names and signatures as messages show them.

use std::borrow::Cow;

use wald_demangle::Demangler;

use crate::format::types;
use crate::index::NameId;
use crate::leb128::Reader;
use crate::names::Interner;

/// The text of an interned name, with what is not UTF-8 replaced.
pub fn name_text(names: &Interner, name: NameId) -> String {
    names.with(name.0, |text| String::from_utf8_lossy(text).into_owned())
}

/// A symbol's name as messages and the name section show it: demangled, and `main` for the mangled name of C's
/// `main` with arguments.
pub fn display_name(name: &[u8], demangle: bool) -> String {
    let mut demangler = Demangler::new();
    String::from_utf8_lossy(&display_name_with(&mut demangler, name, demangle)).into_owned()
}

/// [`display_name`] for many names.
pub fn display_name_with<'n>(demangler: &'n mut Demangler, name: &'n [u8], demangle: bool) -> Cow<'n, [u8]> {
    if name == b"__main_argc_argv" {
        return b"main"[..].into();
    }
    // Only these beginnings can be mangled names.
    if demangle && matches!(name, [b'_', ..] | [b'.', ..]) {
        if let Some(text) = demangler.demangle(name) {
            return text.to_vec().into();
        }
    }
    name.into()
}

/// A signature as wasm-ld's messages show it.
pub fn display_signature(signature: &[u8]) -> String {
    let mut reader = Reader::new(signature);
    let mut list = || -> Vec<&'static str> {
        let count = reader.u32().unwrap_or(0);
        (0..count).map_while(|_| reader.byte().ok()).map(types::name).collect()
    };
    let parameters = list();
    let results = list();
    let results = if results.is_empty() { "void".to_string() } else { results[0].to_string() };
    format!("({}) -> {results}", parameters.join(", "))
}
