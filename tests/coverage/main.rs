//! What the link cases must use: every option that wasm-ld lists, and every relocation type of the convention.
//!
//! The options are read from `wasm-ld --help`: the kept answer of the case `command_line/help`, and the live one if
//! LLVM 22 is installed. An option counts as used if a `link:` line has the spelling that the help shows. Relocation
//! types are searched in the objects that are kept for the cases
//! (<https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wald::unit::RelocationType;
use wald_tests::build::files_below;
use wald_tests::case::{self, Case};
use wald_tests::tools;
use wasmparser::{BinaryReader, Parser, Payload, RelocSectionReader};

/// How many relocation types the convention has; their numbers go up from 0.
const RELOCATION_TYPES: u32 = 27;

/// A spelling in the help, and how it takes its value there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Listed<'a> {
    /// `--gc-sections`.
    Flag(&'a str),
    /// `--export=<value>`.
    Equals(&'a str),
    /// `--entry <entry>`, `-o <path>`.
    Separate(&'a str),
    /// `--lto-O<opt-level>`.
    Joined(&'a str),
}

impl Listed<'_> {
    /// Whether `word`, an argument, is this option. `flag_too` says that the help lists the name without a value as well.
    fn is_used_by(self, word: &str, flag_too: bool) -> bool {
        let long = |name: &str| word.strip_prefix("--").or(word.strip_prefix('-')) == Some(name);
        let after = |name: &str| {
            let bare = word.strip_prefix("--").or(word.strip_prefix('-'))?;
            bare.strip_prefix(name)
        };
        match self {
            Listed::Flag(name) => long(name),
            Listed::Equals(name) => {
                after(name).is_some_and(|rest| rest.starts_with('=')) || !flag_too && long(name)
            }
            // A short one with two dashes would be the begin of a long one.
            Listed::Separate(name) if name.len() == 1 => !word.starts_with("--") && after(name).is_some(),
            Listed::Separate(name) => long(name) || after(name).is_some_and(|rest| rest.starts_with('=')),
            Listed::Joined(name) => after(name).is_some_and(|rest| !rest.is_empty()),
        }
    }
}

/// The options in a help text: lines that are indented by two and begin with a dash.
fn listed(help: &str) -> BTreeSet<Listed<'_>> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  -"));
    lines.map(|line| listed_in(line.strip_prefix('-').unwrap_or(line))).collect()
}

fn listed_in(line: &str) -> Listed<'_> {
    let end = line.find(['=', ' ', '<', '[']).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    match rest.as_bytes() {
        [b'=', ..] => Listed::Equals(name),
        [b'<', ..] => Listed::Joined(name),
        [b' ', b'<', ..] => Listed::Separate(name),
        _ => Listed::Flag(name),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All words of all `link:` lines.
fn arguments_of_cases() -> BTreeSet<String> {
    let root = root().join("cases");
    let cases = case::find(&root);
    assert!(cases.len() > 100, "only {} cases found", cases.len());
    let read = |path: &PathBuf| Case::read(&root, path).unwrap_or_else(|error| panic!("{error}"));
    cases.iter().flat_map(|path| read(path).links.concat()).collect()
}

fn unused_options(help: &str, words: &BTreeSet<String>) -> Vec<String> {
    let options = listed(help);
    assert!(options.len() > 100, "only {} options found in the help", options.len());
    let is_used = |option: &Listed| {
        let flag_too = matches!(option, Listed::Equals(name) if options.contains(&Listed::Flag(name)));
        words.iter().any(|word| option.is_used_by(word, flag_too))
    };
    options.iter().filter(|option| !is_used(option)).map(|option| format!("{option:?}")).collect()
}

#[test]
fn every_option_of_wasm_ld_is_used_by_a_case() {
    let kept = fs::read_to_string(root().join("kept/command_line/help/1.stdout")).expect("the kept help");
    let mut helps = vec![kept];
    if let Ok(tools) = tools::find() {
        let live = Command::new(tools.wasm_ld).arg("--help").output().expect("wasm-ld --help");
        helps.push(String::from_utf8_lossy(&live.stdout).into_owned());
    }
    let words = arguments_of_cases();
    for help in helps {
        let unused = unused_options(&help, &words);
        assert!(unused.is_empty(), "no case uses {unused:#?}");
    }
}

#[test]
fn an_option_that_no_case_uses_is_found() {
    let help = fs::read_to_string(root().join("kept/command_line/help/1.stdout")).expect("the kept help");
    let help = help + "  --brand-new=<value>     A new option\n  -9 <value>              Alias\n";
    let unused = unused_options(&help, &arguments_of_cases());
    assert_eq!(unused, [r#"Equals("brand-new")"#, r#"Separate("9")"#]);
}

#[test]
fn every_relocation_type_is_in_an_object_of_a_case() {
    let kept = root().join("kept");
    let mut found = BTreeSet::new();
    for file in files_below(&kept) {
        let is_input = file.components().any(|part| part.as_os_str() == "in");
        if is_input && file.extension().is_some_and(|ending| ending == "o") {
            collect_relocation_types(&kept.join(file), &mut found);
        }
    }
    let missing: Vec<_> = (0..RELOCATION_TYPES).filter(|number| !found.contains(number)).collect();
    let names: Vec<_> =
        missing.iter().map(|number| RelocationType::from_number(*number).map(RelocationType::name)).collect();
    assert!(missing.is_empty(), "no kept object has {names:?}");
}

#[test]
fn the_convention_has_no_further_relocation_type() {
    assert!(RelocationType::from_number(RELOCATION_TYPES - 1).is_some());
    assert!(RelocationType::from_number(RELOCATION_TYPES).is_none());
}

/// Adds the types of a file's relocations; many kept objects are damaged on purpose, so errors end the reading.
fn collect_relocation_types(path: &Path, found: &mut BTreeSet<u32>) {
    let bytes = fs::read(path).unwrap_or_default();
    for payload in Parser::new(0).parse_all(&bytes) {
        let Ok(payload) = payload else { return };
        let Payload::CustomSection(section) = payload else { continue };
        if !section.name().starts_with("reloc.") {
            continue;
        }
        let reader = BinaryReader::new(section.data(), section.data_offset());
        let Ok(relocations) = RelocSectionReader::new(reader) else { continue };
        found.extend(relocations.entries().into_iter().map_while(Result::ok).map(|entry| entry.ty as u32));
    }
}
