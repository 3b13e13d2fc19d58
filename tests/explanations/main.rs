//! Reads what explains a diagnostic as data: places, source positions, fixes. The objects are those of the link cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wald::diagnostics::{Code, Diagnostic, Fix, Location};
use wald::options::Options;
use wald::{Bytes, InputDescription, LibraryProvider, LinkResult, Linker, OtherLibrary};

fn kept(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kept/diagnostics").join(case).join("in")
}

/// Links objects of a case, as the command line would name them.
fn link(
    case: &str,
    files: &[&str],
    options: Options,
    libraries: Option<Arc<dyn LibraryProvider>>,
) -> LinkResult {
    let mut linker = Linker::new(options);
    if let Some(libraries) = libraries {
        linker.set_library_provider(libraries);
    }
    for file in files {
        let bytes = std::fs::read(kept(case).join(file)).unwrap();
        let id = linker.declare_input(InputDescription::new(file));
        linker.provide(id, Bytes::from(bytes)).unwrap();
    }
    linker.finish()
}

fn exporting(names: &[&str]) -> Options {
    let mut options = Options::default();
    options.entry = None;
    options.exports = names.iter().map(|name| name.to_string()).collect();
    options
}

/// Path, line, column and function.
fn place(location: &Location) -> (String, u32, Option<u32>, String) {
    let source = location.source.as_ref().expect("the object has line tables");
    let function = source.function.clone().unwrap_or_default();
    (source.file.to_string(), source.line, source.column, function)
}

fn with_helps(result: &LinkResult) -> &Diagnostic {
    result.diagnostics.iter().find(|diagnostic| !diagnostic.helps.is_empty()).expect("one has a help")
}

#[test]
fn an_undefined_symbol_has_places_and_a_replacement() {
    let result = link("undefined_c", &["main.o", "util.o"], exporting(&["main"]), None);
    assert!(result.module.is_err());
    let diagnostic = with_helps(&result);
    assert_eq!(diagnostic.code, Code::UndefinedSymbol);
    let [note] = &diagnostic.notes[..] else { panic!("{diagnostic}") };
    let expected =
        [("main.c".into(), 2, Some(54), "helper".into()), ("main.c".into(), 3, Some(37), "main".into())];
    assert_eq!(note.locations.iter().map(place).collect::<Vec<_>>(), expected);
    assert_eq!(note.locations[0].path, Path::new("main.o"));
    let [help] = &diagnostic.helps[..] else { panic!("{diagnostic}") };
    let Some(Fix::ReplaceSymbol { from, to, locations }) = &help.fix else { panic!("{help:?}") };
    assert_eq!((&**from, &**to), ("compute_cheksum", "compute_checksum"));
    assert_eq!(locations, &note.locations);
}

#[test]
fn without_debug_information_places_have_offsets() {
    let result = link("undefined_c", &["plain.o", "util.o"], exporting(&["plain"]), None);
    let all: Vec<&Location> =
        result.diagnostics.iter().flat_map(|of| &of.notes).flat_map(|note| &note.locations).collect();
    assert!(all.iter().all(|location| location.source.is_none() && location.offset.is_some()), "{all:?}");
    let symbols: Vec<_> = all.iter().filter_map(|location| location.symbol.as_deref()).collect();
    assert!(symbols.contains(&"plain") && symbols.contains(&"plain_tables"), "{symbols:?}");
}

#[test]
fn a_wrong_option_is_replaced() {
    let mut options = exporting(&[]);
    options.entry = Some("compute_checksums".into());
    let result = link("undefined_c", &["util.o"], options, None);
    let Some(Fix::ReplaceArgument { from, to }) = &with_helps(&result).helps[0].fix else { panic!() };
    assert_eq!((&**from, &**to), ("--entry=compute_checksums", "--entry=compute_checksum"));
}

/// A folder with one library, which must be looked at only if a symbol is undefined.
struct OneLibrary(Bytes);

impl LibraryProvider for OneLibrary {
    fn libraries(&self) -> Vec<OtherLibrary> {
        vec![OtherLibrary::new("-lwasi-emulated-signal", "lib/libwasi-emulated-signal.a", self.0.clone())]
    }
}

#[test]
fn a_library_of_the_provider_is_an_argument_to_add() {
    let bytes = std::fs::read(kept("undefined_libraries").join("libwasi-emulated-signal.a")).unwrap();
    let provider = Arc::new(OneLibrary(Bytes::from(bytes)));
    let result = link("undefined_libraries", &["main.o"], exporting(&["run"]), Some(provider));
    let of_signal = result.diagnostics.iter().find(|of| of.message.ends_with(": signal")).unwrap();
    assert_eq!(of_signal.helps.len(), 1, "{of_signal}");
    assert_eq!(&*of_signal.helps[0].text, "add -lwasi-emulated-signal (found in lib)");
    let Some(Fix::AddArgument { argument }) = &of_signal.helps[0].fix else { panic!("{of_signal}") };
    assert_eq!(&**argument, "-lwasi-emulated-signal");
    let of_new = result.diagnostics.iter().find(|of| of.message.contains("operator new")).unwrap();
    assert!(
        matches!(&of_new.helps[0].fix, Some(Fix::UseDriver { driver }) if &**driver == "clang++"),
        "{of_new}"
    );
}

#[test]
fn mismatches_and_duplicates_have_both_places() {
    let result = link("mismatch", &["main.o", "lib.o"], exporting(&["run"]), None);
    assert!(result.module.is_ok());
    let [warning] = &result.diagnostics[..] else { panic!("{:?}", result.diagnostics) };
    assert_eq!(warning.code, Code::SymbolType);
    let lines: Vec<_> = warning.notes[0].locations.iter().map(|location| place(location).1).collect();
    assert_eq!(lines, [3, 1]);

    let result = link("duplicate", &["one.o", "two.o"], exporting(&[]), None);
    let shared = result.diagnostics.iter().find(|of| of.message.contains("shared")).unwrap();
    let places: Vec<_> = shared.notes[0].locations.iter().map(place).collect();
    assert_eq!((&*places[0].0, places[0].1, &*places[1].0, places[1].1), ("shared.h", 3, "shared.h", 3));
    assert_eq!(shared.helps.len(), 1, "{shared}");
}
