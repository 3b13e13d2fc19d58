//! What links without a word in wasm-ld and hurts later: notes about the finished module. They change neither its bytes nor the exit
//! code. All of it is proportional to imports, exports and options.
//!
//! A note must be worth reading in every link that gets it. So undefined functions that became imports are only listed if they were
//! probably meant to be linked: their names are mangled, or are of the C runtime, which no host provides; or the object is of Rust, for
//! which rustc allows undefined symbols without being asked, and other imports of the module say where they are from.

use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location, Note};
use crate::display::display_name;
use crate::format::{external, SymbolKind};
use crate::hints::Hints;
use crate::index::SymbolId;
use crate::input::Joined;
use crate::layout::Layout;
use crate::options::{Options, OutputKind, UnresolvedPolicy};
use crate::program::Program;
use crate::symbols::{Symbol, SymbolTable};
use crate::text::unescape_path;

/// For so many dropped exports, similar names are looked for.
const MOST_SIMILAR: usize = 32;
/// So many functions are listed.
const LISTED: usize = 10;

/// The functions of the C runtime that compilers call on their own, and those of libc that no host provides under these names.
/// Sorted.
const RUNTIME: &[&[u8]] = &[
    b"__addtf3",
    b"__ashlti3",
    b"__ashrti3",
    b"__cxa_allocate_exception",
    b"__cxa_atexit",
    b"__cxa_begin_catch",
    b"__cxa_end_catch",
    b"__cxa_guard_acquire",
    b"__cxa_guard_release",
    b"__cxa_pure_virtual",
    b"__cxa_throw",
    b"__divtf3",
    b"__divti3",
    b"__eqtf2",
    b"__extenddftf2",
    b"__extendhfsf2",
    b"__extendsftf2",
    b"__fixtfdi",
    b"__fixtfsi",
    b"__floatditf",
    b"__floatsitf",
    b"__floatunditf",
    b"__getf2",
    b"__gttf2",
    b"__letf2",
    b"__lshrti3",
    b"__lttf2",
    b"__modti3",
    b"__multf3",
    b"__multi3",
    b"__netf2",
    b"__subtf3",
    b"__truncdfhf2",
    b"__trunctfdf2",
    b"__trunctfsf2",
    b"__udivti3",
    b"__umodti3",
    b"calloc",
    b"free",
    b"malloc",
    b"memcmp",
    b"memcpy",
    b"memmove",
    b"memset",
    b"realloc",
    b"strcmp",
    b"strlen",
];

/// Notes about a finished layout.
pub fn note(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    if layout.options.output_kind != OutputKind::Executable {
        return;
    }
    note_undefined_imports(layout, diagnostics);
    note_nothing_exported(layout, diagnostics);
}

/// Notes about options that name symbols which do not exist.
pub fn note_options(
    context: &Context<'_>,
    inputs: &Joined<'_>,
    table: &SymbolTable,
    program: Program<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Options { exports, wrap, .. } = context.options;
    let find = |name: &str| {
        let name = context.interners.names.find(name.as_bytes());
        name.and_then(|name| program.find(crate::index::NameId(name)))
    };
    if !context.options.is_relocatable() {
        let (options, interners) = (context.options, context.interners);
        let hints = Hints { options, interners, table, files: &inputs.files };
        let dropped = |name: &&String| !find(name).is_some_and(|id| program.get(id).is_defined());
        for (number, name) in exports.iter().filter(dropped).enumerate() {
            let message = format!("--export={name}: {name} is not defined, so it is not exported");
            let note = "it would be an error, but undefined symbols are allowed";
            let mut dropped = Diagnostic::note(Code::DroppedExport, message).with_note(note);
            if number < MOST_SIMILAR {
                hints.about_argument("--export", name).add_to(&mut dropped);
            }
            diagnostics.push(dropped);
        }
    }
    for name in wrap.iter().filter(|name| find(name).is_none()) {
        let message = format!("--wrap={name} has no effect: no input mentions {name}");
        let help = "name the symbol as the object does: in C++ and Rust, that is the mangled name";
        diagnostics.push(Diagnostic::note(Code::IneffectiveOption, message).with_help(help));
    }
}

fn note_undefined_imports(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    let options = layout.options;
    if !options.import_undefined {
        return;
    }
    let (program, names) = (layout.program, layout.names);
    let symbols = || layout.imports.symbols.iter().map(|&id| (id, program.get(id)));
    let is_env = |symbol: &Symbol| symbol.import.module.is_none_or(|module| names.text(module.0) == b"env");
    // `--import-undefined` alone asks for imports: only what no host has is an accident.
    let all = options.unresolved_symbols == UnresolvedPolicy::Ignore;
    let says_where = symbols().any(|(_, symbol)| symbol.is_imported() && !is_env(symbol));
    let is_accident = |&(_, symbol): &(SymbolId, &Symbol)| {
        let name = names.text(symbol.name.0);
        symbol.kind == SymbolKind::Function
            && symbol.is_undefined()
            && !symbol.is_imported()
            && is_env(symbol)
            && (all || is_of_compiler(name) || says_where && path(program, symbol).is_some_and(is_of_rust))
    };
    let mut found: Vec<_> = symbols().filter(is_accident).collect();
    // Only now, because nearly all links have none.
    found.retain(|(_, symbol)| {
        let name = String::from_utf8_lossy(names.text(symbol.name.0));
        !options.allowed_undefined.iter().any(|allowed| *allowed == *name)
    });
    if found.is_empty() {
        return;
    }
    let message = match found.len() {
        1 => "1 undefined function is imported from \"env\": the host must provide it".to_string(),
        count => format!("{count} undefined functions are imported from \"env\": the host must provide them"),
    };
    let mut note = Diagnostic::note(Code::UndefinedImport, message);
    for (_, symbol) in found.iter().take(LISTED) {
        let name = display_name(names.text(symbol.name.0), options.demangle);
        note = note.with_note(match path(program, symbol) {
            Some(path) => {
                let place = Location { symbol: Some(name.clone()), ..Location::file(unescape_path(path)) };
                Note::new(format!("{name}, which {path} refers to")).with_locations(vec![place])
            }
            None => Note::new(name),
        });
    }
    if found.len() > LISTED {
        note = note.with_note(format!("and {} more", found.len() - LISTED));
    }
    let is_rust = found.iter().any(|(_, symbol)| path(program, symbol).is_some_and(is_of_rust));
    diagnostics.push(note.with_help(match is_rust {
        true => "link the library that defines them, or write #[link(wasm_import_module = \"env\")] at the extern block",
        false => "link the library that defines them, or list them in a file for --allow-undefined-file",
    }));
}

/// Whether no host provides a function of this name: it is mangled, or of the C runtime.
fn is_of_compiler(name: &[u8]) -> bool {
    name.starts_with(b"_Z") || name.starts_with(b"_R") || RUNTIME.binary_search(&name).is_ok()
}

/// Whether rustc compiled an object, from its name.
fn is_of_rust(path: &str) -> bool {
    path.contains(".rcgu.o") || path.contains(".rlib(")
}

/// The object that refers to an undefined symbol first.
fn path<'a>(program: Program<'a>, symbol: &Symbol) -> Option<&'a str> {
    let object = symbol.file.and_then(|file| program.object_of(file))?;
    Some(&program.objects[object.at()].path)
}

fn note_nothing_exported(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    let exports = &layout.indices.exports;
    let can_be_called = layout.options.entry.is_some()
        || layout.start.is_some()
        || exports.iter().any(|export| export.kind != external::MEMORY);
    if can_be_called || !layout.program.objects.iter().any(|linked| !linked.object().functions.is_empty()) {
        return;
    }
    let message = "the module exports no function, so nothing can call its code";
    let help = "export functions with --export=NAME, with __attribute__((export_name(\"NAME\"))) in C, or with #[no_mangle] pub extern \
                \"C\" in Rust";
    let note = "with --no-entry, only what is exported is linked";
    diagnostics.push(Diagnostic::note(Code::NothingExported, message).with_note(note).with_help(help));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_runtime_are_sorted() {
        assert!(RUNTIME.is_sorted());
        assert!(is_of_compiler(b"memcpy") && is_of_compiler(b"_ZN3foo3barEv") && !is_of_compiler(b"log"));
    }
}
