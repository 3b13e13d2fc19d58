//! A unit links to the bytes of the equivalent object: for real objects made into units, for random edits, and for what a
//! compiler gets wrong nothing happens but an error.

mod convert;
mod edits;
mod errors;
mod oracle;

use std::path::{Path, PathBuf};

use wald::options::{Options, UnresolvedPolicy};
use wald::unit::Unit;
use wald::{Bytes, InputDescription, LinkResult, Linker};

/// Objects of the demo, and those of the link cases if this is the repository and not the published package.
fn objects() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![package.join("tests/objects")];
    folders.extend(Some(package.join("../../tests/kept")).filter(|folder| folder.is_dir()));
    let mut objects = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Units have no common symbols, and wasm-ld 22 knows neither these nor compact imports.
            if path.is_dir() && !(path.ends_with("kept/common") || path.ends_with("kept/imports")) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "o") && !is_bitcode(&path) {
                objects.push(path);
            }
        }
    }
    objects.sort();
    objects
}

/// Whether a file is LLVM bitcode, which only a code generator makes an object of.
fn is_bitcode(path: &Path) -> bool {
    std::fs::read(path).unwrap().starts_with(b"BC\xc0\xde")
}

/// How many objects a test must have used: at least this many in the repository. The package has only the demo's objects.
fn least(in_repository: usize) -> usize {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kept");
    if kept.is_dir() {
        in_repository
    } else {
        1
    }
}

/// Links that show much of an object: as little as possible is thrown away.
fn options(variant: usize) -> Options {
    let mut options = Options::default();
    options.output = "out.wasm".into();
    options.entry = None;
    options.unresolved_symbols = UnresolvedPolicy::Warn;
    options.gc_sections = variant % 2 == 1;
    options.export_all = variant != 0;
    options.export_dynamic = variant == 0;
    options.compress_relocations = variant == 2;
    options.optimize = variant as u32;
    options.strip_debug = variant == 2;
    options.check_features = false;
    options.demangle = false;
    // Addresses are then visible in the code of all relocation types.
    options.global_base = Some(0x11000);
    options.want_map = true;
    options
}

fn description() -> InputDescription {
    InputDescription::new("unit.o")
}

fn link_bytes(bytes: Vec<u8>, options: Options) -> LinkResult {
    let mut linker = Linker::new(options);
    linker.set_threads(Some(1));
    let input = linker.declare_input(description());
    linker.provide(input, Bytes::from(bytes)).unwrap();
    linker.finish()
}

fn link_unit(unit: &Unit, options: Options) -> LinkResult {
    let mut linker = Linker::new(options);
    linker.set_threads(Some(1));
    let input = linker.declare_input(description());
    linker.provide_unit(input, unit).unwrap();
    linker.finish()
}

/// Everything that a link answers: module and map, messages.
type Answer = (Option<(Vec<u8>, Option<String>)>, Vec<String>);

fn answer(result: LinkResult) -> Answer {
    let messages = result.diagnostics.iter().map(|diagnostic| diagnostic.message.to_string()).collect();
    (result.module.ok().map(|module| (module, result.map.map(|map| map.to_string()))), messages)
}

#[test]
fn units_of_real_objects_link_to_the_same_bytes() {
    let (mut same, mut skipped, mut failed) = (0, 0, 0);
    for path in objects() {
        let bytes = std::fs::read(&path).unwrap();
        let Some(unit) = convert::unit_of(&bytes) else {
            skipped += 1;
            continue;
        };
        let object = unit.to_object().unwrap();
        for variant in 0..3 {
            let expected = answer(link_bytes(bytes.clone(), options(variant)));
            let of_unit = answer(link_unit(&unit, options(variant)));
            let of_object = answer(link_bytes(object.clone(), options(variant)));
            failed += usize::from(expected.0.is_none());
            assert!(of_unit.1 == expected.1, "{}: {:?} {:?}", path.display(), of_unit.1, expected.1);
            assert!(of_unit.0 == expected.0, "{}, variant {variant}: unit", path.display());
            assert!(of_object.1 == expected.1, "{}: {:?} {:?}", path.display(), of_object.1, expected.1);
            assert!(
                of_object.0 == expected.0,
                "{}, variant {variant}: the equivalent object",
                path.display()
            );
        }
        same += 1;
    }
    println!("{same} objects, {skipped} not made into units, {failed} links that fail");
    assert!(same >= least(500) && skipped < same / 5 && failed < same / 2);
}

/// Data in a thread-local segment is thread-local, whether its symbol says so or not.
#[test]
fn symbols_in_thread_local_data_are_thread_local() {
    use wald::unit::{Data, Definition, Symbol};
    let object = |tls: bool| {
        let mut unit = Unit::new();
        let symbol = |name: &str| Symbol { tls, ..Symbol::global(name) };
        let data = Data::new(".tdata.a", 2, vec![1, 2, 3, 4, 5, 6, 7, 8]);
        let datum = unit.add(symbol("a"), Definition::Data(data)).unwrap();
        unit.add(symbol("b"), Definition::DataWithin { of: datum, offset: 4, size: 4 }).unwrap();
        let linked = answer(link_unit(&unit, options(0)));
        (unit.to_object().unwrap(), linked)
    };
    let (told, not_told) = (object(true), object(false));
    assert!(told.1 .0.is_some() && told == not_told);
}

/// Who takes the address of a function needs the function table, whether the compiler mentions it or not.
#[test]
fn addresses_of_functions_need_the_table() {
    use wald::unit::{Data, Definition, Function, Relocation, RelocationType, Symbol, TableType, ValueType};
    let unit = |mentioned: bool| {
        let mut unit = Unit::new();
        let of = unit.signature(&[], &[]);
        let body = Function::new(of, vec![0, 0x0b], vec![]);
        let f = unit.add(Symbol::global("f"), Definition::Function(body)).unwrap();
        let address = Relocation::new(RelocationType::TableIndexI32, 0, f, 0);
        let data = Data { relocations: vec![address], ..Data::new(".data", 2, vec![0; 4]) };
        unit.add(Symbol::global("slot"), Definition::Data(data)).unwrap();
        let own = TableType::new(ValueType::ExternRef, 0);
        unit.add(Symbol::global("other"), Definition::Table(own)).unwrap();
        if mentioned {
            let table = TableType::new(ValueType::FuncRef, 0);
            let symbol = Symbol { no_strip: true, ..Symbol::global("__indirect_function_table") };
            unit.add(symbol, Definition::UndefinedTable(table, None)).unwrap();
        }
        unit
    };
    let (implied, mentioned) = (unit(false), unit(true));
    assert_eq!(implied.to_object().unwrap(), mentioned.to_object().unwrap());
    for variant in 0..3 {
        let expected = answer(link_bytes(mentioned.to_object().unwrap(), options(variant)));
        assert!(expected.0.is_some(), "{:?}", expected.1);
        assert_eq!(answer(link_unit(&implied, options(variant))), expected);
        assert_eq!(answer(link_unit(&mentioned, options(variant))), expected);
    }
}
