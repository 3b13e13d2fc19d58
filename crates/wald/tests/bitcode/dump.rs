//! The words of LLVM's tools about bitcode.

use wald::internals::bitcode::{File, Selection, SymbolTable, Visibility};

/// A symbol table as `llvm-lto2 dump-symtab` prints it.
pub fn dump(file: &File, table: &SymbolTable) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |parts: &[&[u8]]| {
        out.extend(parts.concat());
        out.push(b'\n');
    };
    // These two lines are about the stored table.
    line(&[b"version: 3"]);
    line(&[b"producer: ", file.text(table.producer)]);
    let triple = file.text(table.target_triple);
    line(&[b"target triple: ", triple]);
    line(&[b"source filename: ", file.text(table.source_file_name)]);
    if triple.ends_with(b"linux-gnu") {
        let libraries = table.dependent_libraries.iter();
        let libraries: Vec<_> =
            libraries.map(|&library| [b" \"", file.text(library), b"\""].concat()).collect();
        line(&[b"dependent libraries:", &libraries.concat()]);
    }
    assert_eq!(table.modules.len(), file.modules.len());
    for symbol in table.modules.iter().flat_map(|symbols| &table.symbols[symbols.clone()]) {
        if !symbol.is_for_linker() {
            continue;
        }
        let visibility = match symbol.visibility() {
            Visibility::Default => b'D',
            Visibility::Hidden => b'H',
            Visibility::Protected => b'P',
        };
        let flag = |letter, is_set| if is_set { letter } else { b'-' };
        let flags = [
            visibility,
            flag(b'U', symbol.is_undefined()),
            flag(b'C', symbol.is_common()),
            flag(b'W', symbol.is_weak()),
            flag(b'I', symbol.is_indirect()),
            flag(b'O', symbol.may_omit()),
            flag(b'T', symbol.is_tls()),
            flag(b'X', symbol.is_executable()),
        ];
        line(&[&flags, b" ", file.text(symbol.name)]);
        let uncommon = symbol.uncommon.map(|uncommon| &table.uncommons[uncommon as usize]);
        if symbol.is_common() {
            let uncommon = uncommon.unwrap();
            let (size, alignment) = (uncommon.common_size, uncommon.common_alignment);
            line(&[format!("         size {size} align {alignment}").as_bytes()]);
        }
        if let Some(comdat) = symbol.comdat {
            let comdat = &table.comdats[comdat as usize];
            let selection = match comdat.selection {
                Selection::Any => "any",
                Selection::ExactMatch => "exactmatch",
                Selection::Largest => "largest",
                Selection::NoDeduplicate => "nodeduplicate",
                Selection::SameSize => "samesize",
            };
            line(&[b"         comdat ", selection.as_bytes(), b" ", file.text(comdat.name)]);
        }
        if let Some(section) = uncommon.map(|uncommon| uncommon.section).filter(|section| !section.is_empty())
        {
            line(&[b"         section ", file.text(section)]);
        }
    }
    line(&[]);
    out
}

/// What the tool printed, without what only COFF has.
pub fn without_coff(listed: &[u8]) -> Vec<u8> {
    let is_coff = |line: &[u8]| line.starts_with(b"linker opts:") || line.starts_with(b"         fallback ");
    listed.split_inclusive(|&byte| byte == b'\n').filter(|line| !is_coff(line)).collect::<Vec<_>>().concat()
}

/// The modules' producers and summaries in the output of `llvm-bcanalyzer -dump`, one line per module.
pub fn summaries(analysis: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let (mut producer, mut kind, mut flags) = (String::new(), "Missing", 0u64);
    let mut is_identification = false;
    for line in analysis.lines().map(str::trim_start) {
        if line.contains("IDENTIFICATION_BLOCK_ID") {
            is_identification = !line.starts_with("</");
        } else if line.starts_with("<STRING ") && is_identification {
            let letters = line.split_whitespace().filter(|word| word.starts_with("op"));
            let letters = letters.map(|word| word.split_once('=').unwrap().1.trim_end_matches("/>"));
            producer = letters.map(|letter| letter.parse::<u8>().unwrap() as char).collect();
        } else if line.starts_with("<GLOBALVAL_SUMMARY_BLOCK") {
            kind = "Thin";
        } else if line.starts_with("<FULL_LTO_GLOBALVAL_SUMMARY_BLOCK") {
            kind = "Full";
        } else if line.starts_with("<FLAGS op0=") && kind != "Missing" {
            flags = line.split('=').nth(1).unwrap().trim_end_matches("/>").parse().unwrap();
        } else if line.starts_with("</MODULE_BLOCK") {
            let (split, unified) = (flags >> 3 & 1 == 1, flags >> 9 & 1 == 1);
            modules.push(format!("{producer} {kind} split {split} unified {unified}"));
            (producer, kind, flags) = (String::new(), "Missing", 0);
        }
    }
    modules
}
