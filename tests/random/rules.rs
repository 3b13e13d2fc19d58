//! Which differences `docs/differences.md` allows. Every rule names its entry and is as narrow as it can be.

use crate::instructions;
use crate::recipe::Recipe;
use std::collections::BTreeMap;
use std::ops::Range;
use wald_tests::compare::{mask_build_id, only_adds_notes};
use wald_tests::link::Answer;
use wald_tests::validate::{sections, validate};
use wasmparser::{KnownCustom, Linking, Parser, Payload, SegmentFlags, TypeRef};

/// What a rule looks at.
pub struct Difference<'a> {
    /// The link.
    pub recipe: &'a Recipe,
    /// wasm-ld's answer.
    pub reference: &'a Answer,
    /// Wald's answer.
    pub wald: &'a Answer,
}

/// A difference that is meant.
pub struct Rule {
    /// The entry's heading.
    pub id: &'static str,
    applies: fn(&Difference) -> bool,
}

/// All rules. The first that applies counts.
pub const RULES: &[Rule] = &[
    Rule { id: "reference-crashes", applies: reference_crashes },
    Rule { id: "reference-crashes", applies: code_generation_crashes },
    Rule { id: "mllvm", applies: llvm_options },
    Rule { id: "debug-pass-manager", applies: pass_traces },
    Rule { id: "save-temps", applies: temps_without_bitcode },
    Rule { id: "lto-obj-path", applies: object_path_without_bitcode },
    Rule { id: "dropped-table", applies: dropped_table },
    Rule { id: "reference-crashes", applies: object_and_library },
    Rule { id: "no-index", applies: |d| refuses(d, NO_INDEX) },
    Rule { id: "no-index", applies: |d| refuses(d, OTHER_TYPE) },
    Rule { id: "impossible-counts", applies: impossible_base },
    Rule { id: "duplicate-export", applies: |d| refuses(d, DUPLICATE_EXPORT) },
    Rule { id: "called-otherwise", applies: |d| refuses(d, CALLED_OTHERWISE) },
    Rule { id: "weak-data-of-archive", applies: weak_data_of_archive },
    Rule { id: "hidden-functions", applies: hidden_functions },
    Rule { id: "table-too-large", applies: |d| refuses(d, TABLE_TOO_LARGE) },
    Rule { id: "dropped-table", applies: unknown_table },
    Rule { id: "declared-functions", applies: declared_functions },
    Rule { id: "declared-functions", applies: declared_functions_in_map },
    Rule { id: "duplicate-export", applies: exported_once },
    Rule { id: "segment-flags", applies: segment_flags },
    Rule { id: "library-tags", applies: library_tags },
    Rule { id: "library-tags", applies: library_tags_without_index },
    Rule { id: "reproduce-relinks", applies: reproduce_relinks },
    Rule { id: "all-inputs-are-read", applies: all_inputs_are_read },
    Rule { id: "all-inputs-are-read", applies: tables_without_symbols },
    Rule { id: "combined-strings", applies: combined_strings },
];

const NO_INDEX: &str = "has no index in the module";
const OTHER_TYPE: &str = "which is imported with another type";
const DUPLICATE_EXPORT: &str = "duplicate export name: ";
const TABLE_TOO_LARGE: &str = "function table too large, cannot be greater than ";
const CALLED_OTHERWISE: &str = "function signature mismatch: ";

/// The entry that allows the difference.
pub fn excuse(difference: &Difference) -> Option<&'static str> {
    let by_rule = |difference: &Difference| RULES.iter().find(|rule| (rule.applies)(difference));
    by_rule(difference)
        .or_else(|| {
            // The copy of the inputs may differ beside anything else.
            let wald = with_tar_of(difference.wald, difference.reference)?;
            by_rule(&Difference { wald: &wald, ..*difference })
        })
        .or_else(|| {
            // So may the traces of passes.
            let [reference, wald] = [difference.reference, difference.wald].map(without_traces);
            let is_traced = asks_for_traces(difference.recipe);
            by_rule(&Difference { reference: &reference, wald: &wald, ..*difference }).filter(|_| is_traced)
        })
        .map(|rule| rule.id)
}

fn asks_for_traces(recipe: &Recipe) -> bool {
    recipe.has("lto-debug-pass-manager") || recipe.command().contains("-debug-pass=")
}

/// An answer with only those lines that begin with the program's name.
fn without_traces(answer: &Answer) -> Answer {
    let said = text(&answer.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("wasm-ld: ")).collect();
    Answer { stderr: lines.join("\n").into_bytes(), ..answer.clone() }
}

/// Wald's answer, with the tar file of the other, if both have one.
fn with_tar_of(wald: &Answer, reference: &Answer) -> Option<Answer> {
    let (name, theirs) = reference.files.iter().find(|(name, _)| name.ends_with(".tar"))?;
    let mut wald = wald.clone();
    *wald.files.get_mut(name)? = theirs.clone();
    Some(wald)
}

/// True if Wald says what wasm-ld says, perhaps with notes.
fn says_the_same(reference: &Answer, wald: &Answer) -> bool {
    only_adds_notes(&wald.stderr, &reference.stderr)
}

fn is_limit(line: &str) -> bool {
    line.contains("too many errors emitted")
}

/// True if both say the same, except for lines for which `is_meant` is true. With fewer errors, more of the others are printed
/// before the limit. An empty line follows a message of several lines if there is a next one.
fn agree_but_for(reference: &Answer, wald: &Answer, is_meant: impl Fn(&str) -> bool) -> bool {
    let (said, says) = (text(&reference.stderr), text(&wald.stderr));
    let (said_others, says_others) = (others(&said, &is_meant), others(&says, &is_meant));
    let limited = |text: &str| text.lines().any(is_limit);
    said_others == says_others
        || limited(&said) && says_others.starts_with(&said_others)
        || limited(&says) && said_others.starts_with(&says_others)
}

/// The lines for which `is_meant` is false, without the one about the limit.
fn others(text: &str, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
    let is_other = |line: &&str| !line.is_empty() && !is_meant(line) && !is_limit(line) && !is_added(line);
    text.lines().filter(is_other).map(String::from).collect()
}

/// Whether a line is one that Wald adds to what wasm-ld says.
fn is_added(line: &str) -> bool {
    ["    note: ", "    help: ", "wasm-ld: note: "].iter().any(|start| line.starts_with(start))
}

/// A stream without colours.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    ["\x1b[0;31m", "\x1b[0;32m", "\x1b[0;35m", "\x1b[0;36m", "\x1b[0m"]
        .iter()
        .fold(text.into_owned(), |text, color| text.replace(color, ""))
}

/// An error with exit code 1, and nothing written.
fn fails_in_order(wald: &Answer) -> bool {
    // Reports are written even if the link fails.
    wald.code == 1 && text(&wald.stderr).contains("error: ") && module(wald).is_none()
}

/// The module that was linked, and not an object that the code generator wrote.
pub fn module(answer: &Answer) -> Option<&Vec<u8>> {
    let is_output =
        |(name, contents): &(&String, &Vec<u8>)| name.ends_with(".wasm") && contents.starts_with(b"\0asm");
    answer.files.iter().find(is_output).map(|(_, contents)| contents)
}

fn is_valid(answer: &Answer) -> bool {
    module(answer).is_some_and(|module| validate(module).is_ok())
}

/// Reports may have been written before the crash, by both. A crash can prevent wasm-ld's map.
fn reference_crashes(difference: &Difference) -> bool {
    let Difference { reference, wald, .. } = difference;
    let is_report = |name: &String| {
        name.ends_with(".map") || reference.files.contains_key(name) && !name.ends_with(".wasm")
    };
    reference.crashed()
        && wald.code == 1
        && text(&wald.stderr).contains("error: ")
        && wald.files.keys().all(is_report)
}

/// wasm-ld crashes while bitcode is among its inputs, or LLVM gives up. Files of the code generator may have been written.
fn code_generation_crashes(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let gives_up = text(&reference.stderr).lines().any(|line| line.starts_with("LLVM ERROR: "));
    let fails = wald.code == 1 && text(&wald.stderr).contains("error: ");
    let links = wald.code == 0 && is_valid(wald) && !gives_up;
    recipe.has_bitcode() && (reference.crashed() || gives_up) && (fails || links)
}

/// LLVM refuses an option before anything else. Wald asks it only when code is generated.
fn llvm_options(difference: &Difference) -> bool {
    let Difference { reference, wald, .. } = difference;
    text(&reference.stderr).starts_with("wasm-ld (LLVM option parsing): ")
        && (fails_in_order(wald) || !difference.recipe.has_bitcode() && wald.code == 0 && is_valid(wald))
}

/// Lines about passes. Everything that begins with the program's name is the same.
fn pass_traces(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let is_trace = |line: &str| !line.starts_with("wasm-ld: ");
    let files = |answer: &Answer| -> Vec<(String, Vec<u8>)> {
        answer.files.iter().map(|(name, bytes)| (name.clone(), mask_build_id(bytes))).collect()
    };
    asks_for_traces(recipe)
        && agree_but_for(reference, wald, is_trace)
        && (reference.code, &reference.stdout) == (wald.code, &wald.stdout)
        && files(reference) == files(wald)
}

/// Without bitcode, Wald has no intermediate files.
fn temps_without_bitcode(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let has_modules = reference
        .files
        .iter()
        .any(|(name, contents)| name.ends_with(".resolution.txt") && !contents.is_empty());
    let is_temporary = |name: &str| {
        let rest = name.strip_prefix("out.wasm.").unwrap_or_default();
        [".bc", ".dot", "resolution.txt"].iter().any(|ending| rest.ends_with(ending))
    };
    let mut others = Answer::clone(reference);
    others.files.retain(|name, _| !is_temporary(name));
    recipe.has("save-temps")
        && !has_modules
        && says_the_same(&others, wald)
        && (others.code, &others.stdout, &others.files) == (wald.code, &wald.stdout, &wald.files)
}

/// wasm-ld generates code of an empty module that has no target.
fn object_path_without_bitcode(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let fails = text(&reference.stderr).contains("No available targets are compatible with triple");
    recipe.has("lto-obj-path")
        && fails
        && (fails_in_order(wald) || wald.code == 0 && (recipe.has("r") || is_valid(wald)))
}

/// wasm-ld crashes while it writes the symbol table, or imports the symbol.
fn weak_data_of_archive(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let crash = text(&reference.stderr);
    let crashes_in = |place: &str, options: &[&str]| {
        crash.contains(place) && options.iter().any(|option| recipe.has(option))
    };
    let is_known = crashes_in("LinkingSection::writeBody", &["r", "relocatable", "emit-relocs"])
        || crashes_in("ImportSection::addImport", &["shared"]);
    reference.crashed() && is_known && wald.code == 0 && is_valid(wald)
}

/// wasm-ld crashes while it writes the function table, in which the function is.
fn hidden_functions(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let is_in_table = text(&reference.stderr).contains("ElemSection::writeBody");
    let is_library = ["shared", "pie"].iter().any(|option| recipe.has(option));
    is_library && reference.crashed() && is_in_table && wald.code == 0 && is_valid(wald)
}

/// `-r -shared`, of which wasm-ld makes something by accident.
fn object_and_library(difference: &Difference) -> bool {
    let Difference { recipe, wald, .. } = difference;
    let is_object = recipe.has("r") || recipe.has("relocatable");
    let says = text(&wald.stderr).contains("error: -r and -shared may not be used together");
    is_object && recipe.has("shared") && says && fails_in_order(wald)
}

/// Wald says one thing more: that addresses begin too high.
fn impossible_base(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let is_about_base = |line: &str| line == "wasm-ld: error: addresses do not fit into 64 bits";
    recipe.has("global-base")
        && wald.code == 1
        && wald.files.is_empty()
        && text(&wald.stderr).lines().any(is_about_base)
        && agree_but_for(reference, wald, is_about_base)
}

/// wasm-ld crashes while it writes the table's elements; Wald links.
fn dropped_table(difference: &Difference) -> bool {
    let crash = text(&difference.reference.stderr);
    difference.reference.crashed()
        && crash.contains("TableSymbol::getTableNumber")
        && crash.contains("ElemSection::writeBody")
        && difference.wald.code == 0
        && is_valid(difference.wald)
}

/// wasm-ld writes elements for a table that it dropped. Wald keeps the table, before those that the program defines itself.
fn unknown_table(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let sections = ["import", "table", "element", "export", "code"];
    if !mends(difference, "unknown table 4294967295", &sections) {
        return false;
    }
    let (Some(theirs), Some(ours)) = (module(reference), module(wald)) else { return false };
    let Some(kept) = instructions::table_of_elements(ours) else { return false };
    let renumber = |table: u32| if table >= kept { table + 1 } else { table };
    let has_constants = !has_combined_data(recipe);
    let uses = |module: &[u8], renumber: &dyn Fn(u32) -> u32| {
        let exports = instructions::exports(module, renumber).ok()?;
        Some((exports, instructions::functions(module, has_constants, renumber).ok()?))
    };
    let ours = uses(ours, &|table| table);
    ours.is_some() && uses(theirs, &renumber) == ours
}

/// wasm-ld writes an invalid module. Wald says more: an error with `says`, and perhaps others for which it refuses a module.
fn refuses(difference: &Difference, says: &str) -> bool {
    let Difference { reference, wald, .. } = difference;
    // wasm-ld cuts the base of a table off at 32 bits. Without functions, the module is valid, and not what was asked for.
    // A global that has the type of the wrapped one can have the address of a function.
    let wrapped_global =
        "relocation R_WASM_GLOBAL_INDEX_LEB cannot be used against undefined symbol `__wrap_";
    let is_wrapped = says == NO_INDEX && text(&wald.stderr).contains(wrapped_global);
    let must_be_invalid = says != TABLE_TOO_LARGE && !is_wrapped;
    if reference.code != 0 || !fails_in_order(wald) || must_be_invalid && is_valid(reference) {
        return false;
    }
    // A library's tag is not undefined for Wald.
    let without_tags = |text: String| -> String {
        let is_kept = |line: &&str| !has_library(difference) || !is_about_tag(line);
        text.lines().filter(is_kept).filter(|line| !is_added(line)).map(|line| format!("{line}\n")).collect()
    };
    let (said, stderr) = (without_tags(text(&reference.stderr)), without_tags(text(&wald.stderr)));
    let Some(more) = stderr.strip_prefix(&said) else { return false };
    let is_error = |line: &&str| line.contains("error: ") && !is_limit(line);
    let errors: Vec<&str> = more.lines().filter(is_error).collect();
    let is_refusal = |line: &str| {
        [NO_INDEX, OTHER_TYPE, DUPLICATE_EXPORT, CALLED_OTHERWISE, TABLE_TOO_LARGE]
            .iter()
            .any(|text| line.contains(text))
    };
    errors.first().is_some_and(|first| first.contains(says)) && errors.iter().all(|line| is_refusal(line))
}

/// The module that wasm-ld writes is invalid for the reason `invalid`, Wald's is valid, and only the named sections differ.
/// Sections may move, so maps may differ too.
fn mends(difference: &Difference, invalid: &str, may_differ: &[&str]) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let (Some(theirs), Some(ours)) = (module(reference), module(wald)) else { return false };
    let is_invalid = validate(theirs).is_err_and(|error| error.contains(invalid));
    let others = |bytes: &[u8]| -> BTreeMap<String, Vec<u8>> {
        let bytes = if recipe.has("build-id") { mask_build_id(bytes) } else { bytes.to_vec() };
        let kept = sections(&bytes).into_iter().filter(|section| !may_differ.contains(&&section.name[..]));
        // The name precedes the contents. Relocations begin with their section's number.
        let start = |name: &str| if name.starts_with("reloc.") { 1 + name.len() + 1 } else { 0 };
        let content = |range: Range<usize>, name: &str| match has_combined_data(recipe) {
            true if name == "code" => code_without_addresses(&bytes),
            true if holds_addresses(name) => vec![0; range.len()],
            _ => bytes[range.start + start(name)..range.end].to_vec(),
        };
        kept.map(|section| (section.name.clone(), content(section.range, &section.name))).collect()
    };
    is_invalid
        && says_the_same(reference, wald)
        && is_valid(wald)
        // The build id is a hash of the module.
        && (recipe.has("build-id") || others(theirs) == others(ours))
}

fn declared_functions(difference: &Difference) -> bool {
    // With --emit-relocs, symbols of sections have their numbers.
    let numbers = if difference.recipe.has("emit-relocs") { "linking" } else { "element" };
    mends(difference, "undeclared function reference", &["element", numbers])
}

/// A link that fails only after its map was made. The map has the section of the declarations, and what follows it is further back.
fn declared_functions_in_map(difference: &Difference) -> bool {
    let Difference { reference, wald, .. } = difference;
    let rows = |answer: &Answer| -> BTreeMap<String, Vec<String>> {
        let of_file = |(name, bytes): (&String, &Vec<u8>)| {
            let lines = text(bytes);
            // The second column is the offset in the file.
            let row = |line: &str| [line.get(..8), line.get(17..)].map(Option::unwrap_or_default).concat();
            let kept = lines.lines().filter(|line| !line.ends_with(" ELEM")).map(row);
            (name.clone(), kept.collect())
        };
        answer.files.iter().map(of_file).collect()
    };
    let is_map = |name: &String| name.ends_with(".map");
    reference.code == 1
        && wald.code == 1
        && says_the_same(reference, wald)
        && wald.files.keys().all(is_map)
        && rows(reference) == rows(wald)
}

/// Aliases of one function with one export name.
fn exported_once(difference: &Difference) -> bool {
    mends(difference, "duplicate export name", &["export", "element"])
}

/// Both write objects, and Wald's has flags of segments that wasm-ld drops.
fn segment_flags(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald } = difference;
    let is_object = recipe.has("r") || recipe.has("relocatable");
    // `WASM_SEG_FLAG_RETAIN`, of which wasmparser does not know.
    let kept = SegmentFlags::STRINGS | SegmentFlags::from_bits_retain(4);
    let has_flags = |answer: &Answer| module(answer).is_some_and(|object| flags(object).intersects(kept));
    is_object
        && reference.code == 0
        && wald.code == 0
        && says_the_same(reference, wald)
        && has_flags(wald)
        && !has_flags(reference)
}

/// The flags of all segments of an object together.
fn flags(object: &[u8]) -> SegmentFlags {
    let mut found = SegmentFlags::empty();
    for payload in Parser::new(0).parse_all(object).flatten() {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Linking(linking) = section.as_known() else { continue };
        for part in linking.subsections().flatten() {
            let Linking::SegmentInfo(segments) = part else { continue };
            found |= segments.into_iter().flatten().fold(SegmentFlags::empty(), |all, one| all | one.flags);
        }
    }
    found
}

/// wasm-ld also says that a tag is undefined. If that is all that it says, Wald links.
fn library_tags(difference: &Difference) -> bool {
    let (said, says) = (text(&difference.reference.stderr), text(&difference.wald.stderr));
    let count = |text: &str| text.lines().filter(|line| is_about_tag(line)).count();
    let links = difference.reference.code == 1 && difference.wald.code == 0 && is_valid(difference.wald);
    let ends_early = said.lines().any(|line| is_about_tag(line) && line.contains(". Required by "));
    let says_more = || others(&says, is_about_tag).starts_with(&others(&said, is_about_tag));
    has_library(difference)
        && (links || difference.reference.code == difference.wald.code)
        && count(&says) < count(&said)
        && (agree_but_for(difference.reference, difference.wald, is_about_tag) || ends_early && says_more())
}

/// Options let wasm-ld leave the tag undefined, and it writes an index that no tag has. With an import, types and the import's
/// section have other contents, and so have the sections with their indices. Functions may be undeclared, too.
fn library_tags_without_index(difference: &Difference) -> bool {
    let imported = |answer: &Answer| module(answer).map_or(0, |module| imported_tags(module));
    let invalid = ["unknown tag", "undeclared function reference"];
    let with_indices = ["type", "import", "function", "tag", "export", "element", "code", "name"];
    has_library(difference)
        && imported(difference.reference) < imported(difference.wald)
        && invalid.iter().any(|invalid| mends(difference, invalid, &with_indices))
}

fn imported_tags(module: &[u8]) -> usize {
    let mut found = 0;
    for payload in Parser::new(0).parse_all(module).flatten() {
        let Payload::ImportSection(imports) = payload else { continue };
        let tags = imports.into_imports().flatten().filter(|import| matches!(import.ty, TypeRef::Tag(_)));
        found += tags.count();
    }
    found
}

fn is_about_tag(line: &str) -> bool {
    let name = line.rsplit(' ').next().unwrap_or_default();
    line.contains("undefined symbol: ") && (name.starts_with("tag") || name == "__cpp_exception")
}

fn has_library(difference: &Difference) -> bool {
    difference.recipe.parts.iter().any(|part| part.is_shared_library())
}

/// Only the tar file differs.
fn reproduce_relinks(difference: &Difference) -> bool {
    let Difference { reference, wald, .. } = difference;
    let without = |answer: &Answer| {
        let files = answer.files.iter().filter(|(name, _)| !name.ends_with(".tar"));
        files.map(|(name, contents)| (name.clone(), contents.clone())).collect::<BTreeMap<_, _>>()
    };
    reference.code == wald.code
        && says_the_same(reference, wald)
        && reference.stdout == wald.stdout
        && reference.files != wald.files
        && reference.files.keys().eq(wald.files.keys())
        && without(reference) == without(wald)
}

/// wasm-ld ends at a malformed input, and Wald goes on to complain of others.
fn all_inputs_are_read(difference: &Difference) -> bool {
    let Difference { reference, wald, .. } = difference;
    let (said, says) = (text(&reference.stderr), text(&wald.stderr));
    let plain: Vec<&str> = says.lines().filter(|line| !is_added(line)).collect();
    let said: Vec<&str> = said.lines().collect();
    let more = plain.get(said.len()..).unwrap_or_default();
    let notes = says.lines().filter(|line| line.trim_start().starts_with("note: at offset ")).count();
    reference.code == 1
        && wald.code == 1
        && wald.files.keys().all(|name| reference.files.contains_key(name))
        && plain.starts_with(&said)
        && !more.is_empty()
        && more.iter().all(|line| line.starts_with("wasm-ld: error: "))
        && notes > 0
}

/// Both complain of an object whose tables lack symbols, which then takes no part in Wald's link.
fn tables_without_symbols(difference: &Difference) -> bool {
    let Difference { reference, wald, .. } = difference;
    let complaints = |answer: &Answer| -> Vec<String> {
        let stderr = text(&answer.stderr);
        let about_tables =
            stderr.lines().filter(|line| line.contains("expected one symbol table entry for each"));
        about_tables.map(String::from).collect()
    };
    reference.code == 1
        && wald.code == 1
        && !complaints(wald).is_empty()
        && complaints(wald) == complaints(reference)
}

/// Both write modules with the same sections and instructions, and only addresses in code or data differ.
fn combined_strings(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald, .. } = difference;
    if !has_combined_data(recipe) || reference.code != 0 || wald.code != 0 {
        return false;
    }
    let (Some(theirs), Some(ours)) = (module(reference), module(wald)) else { return false };
    let same_texts = says_the_same(reference, wald) && reference.stdout == wald.stdout;
    let has_offsets = |section: &str| section == "linking" || section == "reloc.CODE";
    // The build id is a hash of the module. A shorter constant moves the code behind it.
    let is_free = |section: &str| {
        section == "build_id" && recipe.has("build-id") || recipe.has("emit-relocs") && has_offsets(section)
    };
    same_texts && is_valid(wald) && (theirs == ours || differ_in_addresses(theirs, ours, is_free))
}

/// True if all data become one segment, and strings get wrong addresses from wasm-ld.
fn has_combined_data(recipe: &Recipe) -> bool {
    (recipe.has("shared") || recipe.has("pie")) && !recipe.has("shared-memory")
}

fn holds_addresses(section: &str) -> bool {
    matches!(section, "code" | "data") || section.starts_with(".debug_")
}

/// The instructions of all functions, without constants. Those that the linker writes are as short as their address allows.
fn code_without_addresses(module: &[u8]) -> Vec<u8> {
    instructions::functions(module, false, |table| table).unwrap_or_default().concat().into_bytes()
}

/// True if two modules differ in the addresses in their code, data and debug information only, and in sections that `is_free` names.
fn differ_in_addresses(a: &[u8], b: &[u8], is_free: impl Fn(&str) -> bool) -> bool {
    let (ours, theirs) = (sections(a), sections(b));
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(one, other)| {
            let same = match one.name.as_str() {
                "code" => code_without_addresses(a) == code_without_addresses(b),
                name if holds_addresses(name) || is_free(name) => one.range.len() == other.range.len(),
                _ => a[one.range.clone()] == b[other.range.clone()],
            };
            one.name == other.name && same
        })
}
