//! Links whose inputs came in any order, with what was there prepared at any moment, give what a fresh link gives: bytes and
//! diagnostics. And so they do again when their linker is kept, inputs and options change, and it is prepared again.
//!
//! Linked are the demo's objects and the kept objects of the link cases, several cases together. Which set has which number
//! never changes, but for the threads: `WALD_SETS=5000..90000` links others.

mod common;

use common::said;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wald::options::{Architecture, Options, OutputKind, UnresolvedPolicy};
use wald::unit::{
    segment_flags, Data, Definition, Function, Relocation, RelocationType, Symbol, Unit, ValueType,
};
use wald::{Bytes, CancelToken, InputDescription, InputId, LinkResult, Linker};

/// How many sets of inputs are linked when nothing else is asked for.
const SETS: u64 = 1000;
/// How often each set's kept linker links again after edits.
const EDITS: usize = 3;

/// xorshift: the same sequence at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[derive(Clone)]
struct File {
    path: String,
    bytes: Bytes,
}

impl File {
    fn is_archive(&self) -> bool {
        self.bytes.starts_with(b"!<arch>")
    }
}

/// Files that belong together, and whether they are for 64 bits.
struct Group {
    files: Vec<File>,
    is64: bool,
}

fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<PathBuf>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "o" || extension == "a") {
            found.entry(folder.to_path_buf()).or_default().push(path);
        }
    }
}

/// All files that can be linked, by folder: the demo's, and those of the link cases if this is the repository and not
/// the published package.
fn groups() -> Vec<Group> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut demo, mut cases) = (BTreeMap::new(), BTreeMap::new());
    walk(&package.join("tests/objects"), &mut demo);
    let kept = package.join("../../tests/kept");
    if kept.is_dir() {
        walk(&kept, &mut cases);
    }
    let mut groups = Vec::new();
    // The demo's objects come first: the sets prefer the first group.
    for (folder, mut paths) in demo.into_iter().chain(cases) {
        paths.sort();
        let case = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let files: Vec<File> = paths
            .iter()
            .map(|path| File {
                path: format!("{case}/{}", path.file_name().unwrap().to_string_lossy()),
                bytes: Bytes::from(std::fs::read(path).unwrap()),
            })
            .collect();
        for is64 in [false, true] {
            let links = |file: &&File| {
                let mut options = lenient();
                options.architecture = architecture(is64);
                fresh(&[Input::whole(file)], &options).module.is_ok()
            };
            let files: Vec<File> = files.iter().filter(links).cloned().collect();
            if !files.is_empty() {
                groups.push(Group { files, is64 });
            }
        }
    }
    groups
}

/// An input as it is declared, and what it holds.
#[derive(Clone)]
struct Input {
    file: File,
    lazy: bool,
    whole_archive: bool,
}

impl Input {
    fn whole(file: &File) -> Input {
        Input { file: file.clone(), lazy: false, whole_archive: true }
    }

    fn random(file: &File, random: &mut Random) -> Input {
        Input { file: file.clone(), lazy: random.one_in(10), whole_archive: random.one_in(5) }
    }

    fn description(&self) -> InputDescription {
        let mut description = InputDescription::default();
        description.path = self.file.path.clone().into();
        description.lazy = self.lazy;
        description.whole_archive = self.whole_archive;
        description
    }
}

/// Options with which nearly everything links.
fn lenient() -> Options {
    let mut options = Options::default();
    options.output = "out.wasm".into();
    options.entry = None;
    options.allow_multiple_definition = true;
    options.unresolved_symbols = UnresolvedPolicy::Ignore;
    options.check_features = false;
    options
}

fn architecture(is64: bool) -> Architecture {
    if is64 {
        Architecture::Wasm64
    } else {
        Architecture::Wasm32
    }
}

/// Options, and a number of threads.
fn random_options(random: &mut Random, is64: bool) -> (Options, Option<usize>) {
    let names = |random: &mut Random| ["_start", "f", "g", "main"][random.below(4)].to_string();
    let mut options = lenient();
    options.architecture = architecture(is64);
    match random.below(16) {
        0 => options.set_output_kind(OutputKind::Relocatable),
        1 => options.set_output_kind(OutputKind::Pie),
        2 => options.set_output_kind(OutputKind::Shared),
        _ => {}
    }
    if options.output_kind != OutputKind::Relocatable {
        options.gc_sections = !random.one_in(6);
        options.emit_relocs = random.one_in(8);
        options.compress_relocations = !options.emit_relocs && random.one_in(8);
        options.export_all = random.one_in(4);
        options.export_dynamic |= random.one_in(3);
        options.shared_memory = random.one_in(8);
        if options.shared_memory {
            options.max_memory = 1 << 26;
        }
        if random.one_in(12) {
            options.wrap = vec![names(random)];
        }
        if random.one_in(3) {
            options.entry = Some("_start".into());
        }
    }
    if matches!(options.output_kind, OutputKind::Pie | OutputKind::Shared) || random.one_in(4) {
        options.import_undefined = true;
        options.unresolved_symbols = UnresolvedPolicy::ImportDynamic;
    }
    options.optimize = [0, 1, 1, 2][random.below(4)];
    options.strip_debug = random.one_in(6);
    options.strip_all = random.one_in(12);
    options.demangle = !random.one_in(5);
    options.merge_data_segments &= !random.one_in(6);
    options.check_features = random.one_in(20);
    options.allow_multiple_definition = !random.one_in(20);
    options.exports_if_defined = (0..random.below(5)).map(|_| names(random)).collect();
    options.print_gc_sections = random.one_in(6);
    options.want_map = random.one_in(6);
    options.want_why_extract = random.one_in(6);
    options.trace_symbols = (0..random.below(2)).map(|_| names(random)).collect();
    (options, [None, None, None, Some(1), Some(2)][random.below(5)])
}

/// Objects in any order; archives usually follow them.
fn random_inputs(random: &mut Random, groups: &[Group], is64: bool) -> Vec<Input> {
    let fitting: Vec<&Group> = groups.iter().filter(|group| group.is64 == is64).collect();
    let mut inputs = Vec::new();
    for _ in 0..1 + random.below(6) {
        // The demo's are the first group.
        let group = fitting[if random.one_in(3) { 0 } else { random.below(fitting.len()) }];
        inputs.extend(group.files.iter().map(|file| Input::random(file, random)));
    }
    random.shuffle(&mut inputs);
    inputs.truncate(30);
    if !random.one_in(5) {
        inputs.sort_by_key(|input| input.file.is_archive());
    }
    inputs
}

fn fresh(inputs: &[Input], options: &Options) -> LinkResult {
    let mut linker = Linker::new(options.clone());
    for input in inputs {
        let id = linker.declare_input(input.description());
        linker.provide(id, input.file.bytes.clone()).unwrap();
    }
    linker.link()
}

/// What is linked at the moment, in order.
type Current = Vec<(InputId, Input)>;

/// Prepares, sometimes with a token that is cancelled before or meanwhile.
fn prepare(linker: &Linker, random: &mut Random) {
    let token = CancelToken::new();
    match random.below(6) {
        0 => {
            token.cancel();
            linker.prepare_until(&token);
        }
        1 => {
            let pause = Duration::from_micros(random.below(400) as u64);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(pause);
                    token.cancel();
                });
                linker.prepare_until(&token);
            });
        }
        2 => linker.prepare_until(&token),
        _ => linker.prepare(),
    }
}

/// Hands over all inputs in an order of its own, and prepares now and then.
fn arrive(linker: &Linker, current: &Current, random: &mut Random) {
    let mut order: Vec<usize> = (0..current.len()).collect();
    match random.below(3) {
        // As a build does it: libraries are there first.
        0 => order.reverse(),
        _ => random.shuffle(&mut order),
    }
    let provide = |position: usize| {
        let (id, input) = &current[position];
        linker.provide(*id, input.file.bytes.clone()).unwrap();
    };
    if random.one_in(4) {
        // From two threads, while a third prepares.
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(&position) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        provide(position);
                    }
                });
            }
            for _ in 0..4 {
                prepare(linker, random);
            }
        });
        return;
    }
    for (count, &position) in order.iter().enumerate() {
        provide(position);
        let few_missing = (count + 1) * 8 >= order.len() * 7;
        if random.one_in(if few_missing { 2 } else { 6 }) {
            prepare(linker, random);
        }
    }
}

/// One file but for one byte: mostly of code, data or debug information, sometimes of what the linker reads.
fn with_one_byte_changed(file: &File, random: &mut Random) -> File {
    let mut bytes = file.bytes.to_vec();
    let position = random.below(bytes.len());
    bytes[position] ^= 1 << random.below(8);
    File { path: file.path.clone(), bytes: Bytes::from(bytes) }
}

/// Replaces, adds or removes one input.
fn edit(linker: &mut Linker, current: &mut Current, others: &[Input], random: &mut Random) {
    let position = random.below(current.len());
    match random.below(8) {
        0 => {
            let input = others[random.below(others.len())].clone();
            let id = linker.declare_input_before(current[position].0, input.description()).unwrap();
            linker.provide(id, input.file.bytes.clone()).unwrap();
            current.insert(position, (id, input));
        }
        1 if current.len() > 1 => linker.remove(current.remove(position).0).unwrap(),
        kind => {
            let (id, input) = &mut current[position];
            let file = match kind {
                2 => others[random.below(others.len())].file.clone(),
                3 | 4 => input.file.clone(),
                _ => with_one_byte_changed(&input.file, random),
            };
            input.file.bytes = file.bytes;
            linker.replace(*id).unwrap();
            if random.one_in(2) {
                prepare(linker, random);
            }
            linker.provide(*id, input.file.bytes.clone()).unwrap();
        }
    }
}

/// How the links went.
#[derive(Debug, Default)]
struct Counts {
    links: usize,
    modules: usize,
    guesses_held: usize,
    guesses_failed: usize,
}

impl Counts {
    /// Compares a link with a fresh one.
    fn compare(&mut self, found: &LinkResult, current: &Current, options: &Options, what: &str) {
        let inputs: Vec<Input> = current.iter().map(|(_, input)| input.clone()).collect();
        let expected = fresh(&inputs, options);
        let describe = || {
            let paths: Vec<&str> = inputs.iter().map(|input| &*input.file.path).collect();
            format!("{what}: {} with {options:?}", paths.join(" "))
        };
        assert_eq!(said(found), said(&expected), "{}", describe());
        self.links += 1;
        for event in found.timing.events.iter().filter(|event| event.name == "guess") {
            match &*event.detail {
                "held" => self.guesses_held += 1,
                _ => self.guesses_failed += 1,
            }
        }
        match (&found.module, &expected.module) {
            (Ok(found), Ok(expected)) => {
                self.modules += 1;
                assert!(found == expected, "other bytes in {}", describe());
            }
            (found, expected) => assert_eq!(found.is_ok(), expected.is_ok(), "{}", describe()),
        }
        assert_eq!(found.map, expected.map, "{}", describe());
    }
}

/// The sets that `WALD_SETS` asks for: a range of numbers.
fn wanted() -> Range<u64> {
    let Ok(text) = std::env::var("WALD_SETS") else { return 1..SETS + 1 };
    let (start, end) = text.split_once("..").expect("WALD_SETS=start..end");
    start.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn what_is_prepared_changes_nothing() {
    let groups = groups();
    let mut counts = Counts::default();
    let sets = wanted();
    for seed in sets.clone() {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The published package has objects for 32 bits only.
        let is64 = random.one_in(10) && groups.iter().any(|group| group.is64);
        let (mut options, threads) = random_options(&mut random, is64);
        let inputs = random_inputs(&mut random, &groups, is64);
        let mut linker = Linker::new(options.clone());
        linker.set_record_events(true);
        linker.set_threads(threads);
        let declare = |input: Input| (linker.declare_input(input.description()), input);
        let mut current: Current = inputs.iter().cloned().map(declare).collect();
        arrive(&linker, &current, &mut random);
        counts.compare(&linker.link(), &current, &options, &format!("set {seed}"));
        for step in 0..EDITS {
            edit(&mut linker, &mut current, &inputs, &mut random);
            if random.one_in(8) {
                let threads;
                (options, threads) = random_options(&mut random, is64);
                *linker.options_mut() = options.clone();
                linker.set_threads(threads);
            }
            if random.one_in(2) {
                prepare(&linker, &mut random);
            }
            counts.compare(&linker.link(), &current, &options, &format!("set {seed}, edit {step}"));
        }
    }
    println!("{counts:?}");
    if sets.end - sets.start < SETS {
        return;
    }
    assert!(counts.modules * 2 > counts.links, "{counts:?}");
    assert!(counts.guesses_held > 200, "{counts:?}");
    assert!(counts.guesses_failed > 200, "{counts:?}");
}

/// Links units in this order; one linker gets `late` last, after it has prepared the others.
fn compare_late(units: &[Unit], late: usize) {
    let description = |position: usize| InputDescription::new(position.to_string());
    let link = |late: Option<usize>| {
        let mut linker = Linker::new(lenient());
        linker.set_record_events(true);
        let ids: Vec<InputId> =
            (0..units.len()).map(|position| linker.declare_input(description(position))).collect();
        for position in (0..units.len()).filter(|&position| Some(position) != late) {
            linker.provide_unit(ids[position], &units[position]).unwrap();
        }
        if let Some(late) = late {
            linker.prepare();
            linker.provide_unit(ids[late], &units[late]).unwrap();
        }
        linker.link()
    };
    let (expected, found) = (link(None), link(Some(late)));
    assert_eq!(said(&found), said(&expected));
    assert!(found.module.unwrap() == expected.module.unwrap());
    assert!(found.timing.events.iter().any(|event| event.name == "guess"));
}

/// A unit with a function of a signature, `(i32) -> ()` or `() -> ()`, that calls or takes the address of another one.
fn unit(symbol: Symbol, takes_number: bool, other: Option<(&str, RelocationType)>) -> Unit {
    let mut unit = Unit::new();
    let (nothing, number) = (unit.signature(&[], &[]), unit.signature(&[ValueType::I32], &[]));
    let mut relocations = Vec::new();
    let mut body = vec![0];
    if let Some((name, kind)) = other {
        let other = unit.add(Symbol::global(name), Definition::UndefinedFunction(nothing, None)).unwrap();
        let is_call = kind == RelocationType::FunctionIndexLeb;
        body.extend([if is_call { 0x10 } else { 0x41 }, 0x80, 0x80, 0x80, 0x80, 0]);
        body.extend((!is_call).then_some(0x1a));
        relocations.push(Relocation::new(kind, 2, other, 0));
    }
    body.push(0x0b);
    let function = Function::new(if takes_number { number } else { nothing }, body, relocations);
    unit.add(symbol, Definition::Function(function)).unwrap();
    unit
}

fn fillers() -> impl Iterator<Item = Unit> {
    (0..8).map(|number| unit(Symbol::global(format!("filler{number}")), false, None))
}

#[test]
fn who_is_meant_by_an_address_may_depend_on_a_call_that_comes_late() {
    let caller = unit(Symbol::global("caller"), false, Some(("f", RelocationType::FunctionIndexLeb)));
    let root = unit(Symbol::global("root").exported(), false, Some(("f", RelocationType::TableIndexSleb)));
    let definition = unit(Symbol::global("f"), true, None);
    let units: Vec<Unit> = [caller, root, definition].into_iter().chain(fillers()).collect();
    compare_late(&units, 0);
}

#[test]
fn a_call_is_not_of_a_late_definition_with_another_signature() {
    let definition = unit(Symbol::global("f"), true, None);
    let root = unit(Symbol::global("root").exported(), false, Some(("f", RelocationType::FunctionIndexLeb)));
    let units: Vec<Unit> = [definition, root].into_iter().chain(fillers()).collect();
    compare_late(&units, 0);
}

#[test]
fn a_root_is_none_when_a_late_definition_has_another_signature() {
    let first = unit(Symbol::global("root").exported(), false, Some(("f", RelocationType::FunctionIndexLeb)));
    let definition = unit(Symbol::global("f"), false, None);
    let second = unit(Symbol::global("root"), true, None);
    let units: Vec<Unit> = [first, definition].into_iter().chain(fillers()).chain([second]).collect();
    compare_late(&units, units.len() - 1);
}

#[test]
fn a_group_that_a_late_object_brings_first_is_left_out_with_its_constructor() {
    let with_group = |name: &str| {
        let mut unit = unit(Symbol::global(name).exported(), false, None);
        let (nothing, group) = (unit.signature(&[], &[]), unit.add_comdat("group").unwrap());
        let constructor =
            Function { comdat: Some(group), ..Function::new(nothing, vec![0, 0x01, 0x0b], Vec::new()) };
        let constructor = Definition::Function(constructor);
        let handle = unit.add(Symbol::local(format!("{name}_constructor")), constructor).unwrap();
        unit.add_init_function(100, handle).unwrap();
        unit
    };
    let units: Vec<Unit> = [with_group("first"), with_group("second")].into_iter().chain(fillers()).collect();
    compare_late(&units, 0);
}

#[test]
fn an_addend_counts_from_where_the_string_went() {
    let mut units: Vec<Unit> = fillers().collect();
    // Whichever order the strings get, the second of one pair does not follow the first.
    for strings in [*b"a\0b\0", *b"d\0c\0"] {
        let mut unit = Unit::new();
        let nothing = unit.signature(&[], &[]);
        let data = Data { flags: segment_flags::STRINGS, ..Data::new(".rodata.str", 0, strings.to_vec()) };
        let data = unit.add(Symbol::local("text"), Definition::Data(data)).unwrap();
        let past_the_end = Relocation::new(RelocationType::MemoryAddrSleb, 2, data, 2);
        let function =
            Function::new(nothing, vec![0, 0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x0b], vec![past_the_end]);
        let name = format!("root_{}", strings[0]);
        unit.add(Symbol::global(name).exported(), Definition::Function(function)).unwrap();
        units.push(unit);
    }
    compare_late(&units, 0);
}
