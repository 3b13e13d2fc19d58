//! Kept files of several versions of LLVM. `tests/objects/bitcode/README.md` says how they were made.

use super::*;

macro_rules! kept {
    ($($name:literal)*) => {
        /// The kept files.
        const KEPT: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../tests/objects/bitcode/", $name, ".bc")))),*];
    };
}

kept! {
    "mixed" "mixed_14" "mixed_16" "mixed_19" "thin" "split" "full" "unified" "debug" "assembly" "no_table" "concatenated"
}

pub(super) fn bytes(name: &str) -> &'static [u8] {
    KEPT.iter().find(|(kept, _)| *kept == name).unwrap().1
}

pub(super) fn read(bytes: &[u8]) -> Result<File, ParseError> {
    parse(&Bytes::from(bytes.to_vec()), None)
}

pub(super) fn file(name: &str) -> File {
    read(bytes(name)).unwrap()
}

/// A line per symbol: visibility, flags, name, name in the representation, comdat, section.
fn lines(file: &File) -> Vec<String> {
    let table = file.symbol_table.as_ref().unwrap();
    let text = |text| String::from_utf8_lossy(file.text(text)).into_owned();
    let line = |symbol: &Symbol| {
        let flags = [
            (symbol.is_undefined(), "undefined"),
            (symbol.is_weak(), "weak"),
            (symbol.is_common(), "common"),
            (symbol.is_indirect(), "indirect"),
            (symbol.is_used(), "used"),
            (symbol.is_tls(), "tls"),
            (symbol.may_omit(), "may-omit"),
            (symbol.is_global(), "global"),
            (symbol.is_format_specific(), "format-specific"),
            (symbol.is_unnamed_address(), "unnamed"),
            (symbol.is_executable(), "executable"),
        ];
        let flags: Vec<_> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect();
        let visibility = format!("{:?}", symbol.visibility()).to_lowercase();
        let mut line =
            format!("{visibility} {}: {} {:?}", flags.join(" "), text(symbol.name), text(symbol.ir_name));
        if let Some(comdat) = symbol.comdat.map(|comdat| &table.comdats[comdat as usize]) {
            line += &format!(" comdat {:?} {}", comdat.selection, text(comdat.name));
        }
        if let Some(uncommon) = symbol.uncommon.map(|uncommon| &table.uncommons[uncommon as usize]) {
            line += &format!(
                " size {} align {} section {:?}",
                uncommon.common_size,
                uncommon.common_alignment,
                text(uncommon.section)
            );
        }
        line
    };
    table.symbols.iter().map(line).collect()
}

#[test]
fn all_facts_about_symbols() {
    let file = file("mixed");
    let expected = [
        "default global executable: function \"function\"",
        "default undefined global executable: imported \"imported\"",
        "default weak global: any \"any\" comdat Any any",
        "hidden weak global: large \"large\" comdat Largest largest",
        "default common global: common \"common\" size 100 align 16 section \"\"",
        "default tls global: thread_local \"thread_local\"",
        "protected global: section \"section\" size 0 align 0 section \"mine\"",
        "default used: kept \"kept\"",
        "default weak may-omit global unnamed: omitted \"omitted\"",
        "default undefined weak global: external \"external\"",
        "default global: literal \"\\u{1}literal\"",
        "default global format-specific: llvm.used \"llvm.used\" size 0 align 0 section \"llvm.metadata\"",
        "default weak indirect global: alias \"alias\" size 0 align 0 section \"mine\"",
    ];
    assert_eq!(lines(&file), expected);
    let table = file.symbol_table.as_ref().unwrap();
    assert_eq!(file.text(table.producer), b"22.1.8");
    assert_eq!(file.text(table.target_triple), b"wasm32-unknown-unknown");
    assert_eq!(file.text(table.source_file_name), b"mixed.ll");
    assert_eq!(*file.modules[0].producer, *b"LLVM22.1.8");
    assert_eq!((table.modules.len(), &table.modules[0]), (1, &(0..13)));
    let for_linker = table.symbols.iter().filter(|symbol| symbol.is_for_linker()).count();
    assert_eq!(for_linker, 11);
}

#[test]
fn tables_of_older_versions() {
    let expected = lines(&file("mixed"));
    for (name, producer) in [("mixed_14", "14.0.6"), ("mixed_16", "16.0.6"), ("mixed_19", "19.1.7")] {
        let file = file(name);
        assert_eq!(lines(&file), expected, "{name}");
        let table = file.symbol_table.as_ref().unwrap();
        assert_eq!(file.text(table.producer), producer.as_bytes());
        assert_eq!(*file.modules[0].producer, *[b"LLVM", producer.as_bytes()].concat());
        assert_eq!(file.pic_level(&file.modules[0]), Ok(2), "{name}");
    }
}

#[test]
fn symbols_of_assembly_have_no_other_name() {
    let lines = lines(&file("assembly"));
    assert!(
        lines.contains(&"default undefined used global executable: asm_undefined \"\"".into()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"default global executable: asm_global \"\"".into()), "{lines:#?}");
    assert!(lines.contains(&"default executable: asm_local \"\"".into()), "{lines:#?}");
}

#[test]
fn summaries_of_modules() {
    let summary = |name| {
        let file = file(name);
        let summary = |module: &Module| (module.summary, module.has_split_lto_unit, module.is_unified);
        (file.is_thin(), file.modules.iter().map(summary).collect::<Vec<_>>())
    };
    assert_eq!(summary("mixed"), (false, vec![(Summary::Missing, false, false)]));
    assert_eq!(summary("thin"), (true, vec![(Summary::Thin, false, false)]));
    assert_eq!(summary("full"), (false, vec![(Summary::Full, true, false)]));
    assert_eq!(summary("unified"), (true, vec![(Summary::Thin, true, true)]));
    let split = vec![(Summary::Thin, true, false), (Summary::Full, true, false)];
    assert_eq!(summary("split"), (true, split));
}

#[test]
fn symbols_by_module() {
    let file = file("split");
    let table = file.symbol_table.as_ref().unwrap();
    let names = |symbols: &Range<usize>| {
        let symbols = table.symbols[symbols.clone()].iter().filter(|symbol| symbol.is_for_linker());
        symbols.map(|symbol| (symbol.is_undefined(), file.text(symbol.name))).collect::<Vec<_>>()
    };
    let [first, second] = &table.modules[..] else { panic!("{:?}", table.modules) };
    let (is, not) = (true, false);
    let expected: [(bool, &[u8]); 5] =
        [(not, b"virtual"), (not, b"call"), (is, b"vtable"), (not, b"plain"), (is, b"pointer")];
    assert_eq!(names(first), expected);
    assert_eq!(names(second), [(is, &b"virtual"[..]), (not, b"vtable")]);
}

#[test]
fn pic_levels() {
    for (name, level) in [("mixed", 2), ("debug", 2), ("full", 0), ("thin", 2), ("no_table", 0)] {
        let file = file(name);
        assert_eq!(file.pic_level(&file.modules[0]), Ok(level), "{name}");
    }
}

#[test]
fn what_only_llvm_can_tell() {
    assert_eq!(file("no_table").symbol_table, Err(Unknown::NoTable));
    // The string table is the last block. Its text follows 16 bytes of it.
    let without_strings = &bytes("mixed")[..file("mixed").strings.start - 16];
    assert_eq!(read(without_strings).unwrap().symbol_table, Err(Unknown::NoTable));
    assert_eq!(file("concatenated").symbol_table, Err(Unknown::ModuleCount));
    assert_eq!(file("concatenated").modules.len(), 2);
    let with = |name, producer: &[u8]| parse(&Bytes::from(bytes(name)), Some(producer)).unwrap().symbol_table;
    assert!(with("mixed", b"22.1.8").is_ok());
    assert_eq!(with("mixed_14", b"22.1.8"), Err(Unknown::Producer));
    assert_eq!(with("mixed", b"22.1"), Err(Unknown::Producer));
    let mut newer = bytes("mixed").to_vec();
    let version = start_of_table(&newer);
    newer[version] = 4;
    assert_eq!(read(&newer).unwrap().symbol_table, Err(Unknown::Version(4)));
}

/// The offset of the symbol table, which has one module.
pub(super) fn start_of_table(bytes: &[u8]) -> usize {
    let modules = 76u32.to_le_bytes();
    let word = |at: usize| bytes.get(at..at + 4);
    let found = (0..bytes.len()).step_by(4).find(|&at| {
        word(at) == Some(&[3, 0, 0, 0])
            && word(at + 12) == Some(&modules)
            && word(at + 16) == Some(&[1, 0, 0, 0])
    });
    found.unwrap()
}

#[test]
fn wrapped_files() {
    let inner = bytes("mixed");
    let wrap = |offset: u32, size: u32| {
        let header = [0x0b17_c0de, 0, offset, size, 0].map(u32::to_le_bytes).concat();
        [&header, inner, b"tail"].concat()
    };
    let size = inner.len() as u32;
    let wrapped = wrap(20, size);
    assert!(is_bitcode(&wrapped) && is_bitcode(inner) && !is_bitcode(b"BC\xc0") && !is_bitcode(b"\0asm"));
    let file = read(&wrapped).unwrap();
    assert_eq!(lines(&file), lines(&super::tests::file("mixed")));
    assert_eq!(file.pic_level(&file.modules[0]), Ok(2));
    for (offset, size) in [(20, size + 8), (u32::MAX, size), (20, u32::MAX), (8, size)] {
        let error = read(&wrap(offset, size)).unwrap_err();
        assert_eq!(error.to_string(), "wrapper of bitcode has an invalid offset or size");
    }
    // Offsets count from the start of the file.
    let error = read(&wrap(16, size)).unwrap_err();
    assert_eq!(
        (error.to_string(), error.offset),
        ("bitcode does not start with its magic number".into(), 16)
    );
}
