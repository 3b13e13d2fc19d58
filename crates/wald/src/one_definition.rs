//! `--warn-odr`: inline functions and data whose copies differ between objects. The first copy is used for all.
//!
//! Copies are compared without the places that relocations overwrite: two objects number the same functions differently.
//! Nothing here runs without the option.

use hashbrown::HashMap;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location, Note};
use crate::display::display_name;
use crate::format::SymbolKind;
use crate::index::{ByteRange, NameId};
use crate::object::{Object, NONE};
use crate::options::Options;
use crate::symbols::{LinkedObject, SymbolTable};
use crate::text::unescape_path;

/// A function or datum of a comdat group, with all that is compared.
struct Copy<'a> {
    name: NameId,
    kind: SymbolKind,
    text: &'a [u8],
    bytes: &'a [u8],
    /// Relocation entries.
    relocations: ByteRange,
    /// What is subtracted from an entry's offset to get a place in `bytes`.
    base: u32,
    comdat: u32,
}

impl Copy<'_> {
    /// What copies of one thing share.
    fn key(&self) -> (bool, NameId) {
        (self.kind == SymbolKind::Function, self.name)
    }
}

/// Warns of each copy that is dropped in favour of another one.
pub fn check(options: &Options, symbols: &SymbolTable, diagnostics: &mut Diagnostics) {
    if !options.warn_odr {
        return;
    }
    let mut kept = HashMap::new();
    for linked in &symbols.objects {
        for copy in copies(linked.object()).filter(|copy| !linked.is_discarded(copy.comdat)) {
            kept.entry(copy.key()).or_insert((linked, copy));
        }
    }
    for linked in &symbols.objects {
        for copy in copies(linked.object()).filter(|copy| linked.is_discarded(copy.comdat)) {
            let Some((first, used)) = kept.get(&copy.key()) else { continue };
            if let Some(difference) = difference((first.object(), used), (linked.object(), &copy)) {
                diagnostics.push(warning(options, first, linked, &copy, &difference));
            }
        }
    }
}

/// The functions and data in an object's comdat groups.
fn copies(object: &Object) -> impl Iterator<Item = Copy<'_>> {
    let functions =
        object.functions.iter().filter(|function| function.comdat != NONE && function.symbol != NONE);
    let functions = functions.map(|function| {
        let symbol = &object.symbols[function.symbol as usize];
        let prefix = u32::from(function.prefix);
        let body = ByteRange { start: function.range.start + prefix, len: function.range.len - prefix };
        Copy {
            name: symbol.name,
            kind: SymbolKind::Function,
            text: symbol.text.of(&object.bytes),
            bytes: body.of(&object.bytes),
            relocations: function.relocations,
            base: function.offset_base + prefix,
            comdat: function.comdat,
        }
    });
    let data = object.symbols.iter().filter(|symbol| {
        symbol.kind == SymbolKind::Data
            && symbol.is_defined()
            && symbol.element != NONE
            && !symbol.flags.is_local()
    });
    let data = data.filter_map(|symbol| {
        let segment = object.segments.get(symbol.element as usize)?;
        let in_group = segment.comdat != NONE && symbol.offset == 0;
        in_group.then(|| Copy {
            name: symbol.name,
            kind: SymbolKind::Data,
            text: symbol.text.of(&object.bytes),
            bytes: segment.data.of(&object.bytes),
            relocations: segment.relocations,
            base: segment.offset_base,
            comdat: segment.comdat,
        })
    });
    functions.chain(data)
}

/// How two copies differ.
fn difference(
    (first, used): (&Object, &Copy<'_>),
    (second, dropped): (&Object, &Copy<'_>),
) -> Option<String> {
    let (size, other) = (used.bytes.len(), dropped.bytes.len());
    if size != other {
        return Some(format!("{size} bytes in the one that is used, {other} in the other"));
    }
    let (plain, sites) = without_sites(first, used);
    let (other_plain, other_sites) = without_sites(second, dropped);
    if sites != other_sites {
        return Some("they refer to symbols in different places or ways".into());
    }
    let place = plain.iter().zip(&other_plain).position(|(one, other)| one != other)?;
    Some(format!("the first difference is at offset {place:#x} of {size} bytes"))
}

/// The bytes with zeros where relocations apply, and these places.
fn without_sites(object: &Object, copy: &Copy<'_>) -> (Vec<u8>, Vec<(usize, u8)>) {
    let mut bytes = copy.bytes.to_vec();
    let mut sites = Vec::new();
    for entry in object.relocations(copy.relocations) {
        let Some(start) = entry.offset.checked_sub(copy.base).map(|start| start as usize) else { continue };
        sites.push((start, entry.kind as u8));
        let end = start.saturating_add(entry.kind.encoding().width()).min(bytes.len());
        bytes.get_mut(start..end).into_iter().for_each(|site| site.fill(0));
    }
    (bytes, sites)
}

fn warning(
    options: &Options,
    first: &LinkedObject,
    second: &LinkedObject,
    copy: &Copy<'_>,
    difference: &str,
) -> Diagnostic {
    let name = display_name(copy.text, options.demangle);
    let place = |linked: &LinkedObject| {
        let symbol = Some(name.clone());
        Location { symbol, ..Location::file(unescape_path(&linked.path)) }
    };
    let what = if copy.kind == SymbolKind::Function { "function" } else { "datum" };
    let message = format!("inline {what} {name} differs between {} and {}", first.path, second.path);
    let note =
        Note::new(format!("{} is used for all: {difference}", first.path)).with_locations(vec![place(first)]);
    Diagnostic::warning(Code::DefinitionsDiffer, message)
        .with_location(place(second))
        .with_note(note)
        .with_help(
            "compile both with the same options and macros, or give the two definitions different names",
        )
}
