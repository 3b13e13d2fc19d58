//! Reports: every byte has an owner, and everything has a reason.

use wald::options::{Options, OutputKind, UnresolvedPolicy};
use wald::report::{Category, Fate, ItemKind, NodeKind, Report, Step};
use wald::{Bytes, InputDescription, LinkResult, Linker};

/// The objects of the documentation's program.
fn objects() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
    paths.sort();
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_string();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

fn link(options: Options) -> LinkResult {
    let mut linker = Linker::new(options);
    for (path, bytes) in objects() {
        let input = linker.declare_input(InputDescription::new(path));
        linker.provide(input, Bytes::from(bytes)).unwrap();
    }
    linker.finish()
}

fn report(change: impl Fn(&mut Options)) -> (Vec<u8>, Report) {
    let mut options = Options::default();
    options.output = "demo.wasm".into();
    options.want_report = true;
    change(&mut options);
    let result = link(options);
    let shown: Vec<String> = result.diagnostics.iter().map(ToString::to_string).collect();
    let module = result.module.unwrap_or_else(|_| panic!("{shown:?}"));
    (module, *result.report.unwrap())
}

type Change = fn(&mut Options);

const CHANGES: [(&str, Change); 8] = [
    ("plain", |_| {}),
    ("stripped", |options| options.strip_all = true),
    ("without debug information", |options| options.strip_debug = true),
    ("without merged strings", |options| options.optimize = 0),
    ("all", |options| (options.gc_sections, options.export_all) = (false, true)),
    ("object", |options| options.set_output_kind(OutputKind::Relocatable)),
    ("compressed", |options| (options.strip_debug, options.compress_relocations) = (true, true)),
    ("relocations", |options| options.emit_relocs = true),
];

#[test]
fn every_byte_has_one_owner() {
    for (what, change) in CHANGES {
        let (module, report) = report(change);
        assert_eq!(report.size, module.len() as u64, "{what}");
        let sum: u64 = report.items.iter().map(|item| item.size).sum();
        assert_eq!(sum, report.size, "{what}");
        let mut of_section = vec![0; report.sections.len()];
        for item in &report.items {
            if let Some(section) = item.section {
                of_section[section as usize] += item.size;
            }
        }
        let sizes: Vec<u64> = report.sections.iter().map(|section| section.size).collect();
        assert_eq!(of_section, sizes, "{what}");
        // Consecutive items do not overlap.
        let mut end = 0;
        for item in report.items.iter().filter(|item| item.offset.is_some()) {
            assert!(item.offset.unwrap() >= end, "{what}: {item:?}");
            end = item.offset.unwrap() + item.size;
        }
        assert_eq!(report.to_json().matches('<').count(), 0);
    }
}

#[test]
fn every_byte_of_position_independent_modules_has_one_owner() {
    const OBJECTS: [(&str, &[u8]); 2] = [
        ("a.o", include_bytes!("report_objects/pic_a.o")),
        ("b.o", include_bytes!("report_objects/pic_b.o")),
    ];
    for kind in [OutputKind::Shared, OutputKind::Pie] {
        let mut options = Options::default();
        options.set_output_kind(kind);
        (options.entry, options.export_dynamic, options.want_report) = (None, true, true);
        options.unresolved_symbols = UnresolvedPolicy::Ignore;
        let mut linker = Linker::new(options);
        for (path, bytes) in OBJECTS {
            let input = linker.declare_input(InputDescription::new(path));
            linker.provide(input, Bytes::from(bytes.to_vec())).unwrap();
        }
        let result = linker.finish();
        let shown: Vec<String> = result.diagnostics.iter().map(ToString::to_string).collect();
        let module = result.module.unwrap_or_else(|_| panic!("{shown:?}"));
        let sum: u64 = result.report.unwrap().items.iter().map(|item| item.size).sum();
        assert_eq!(sum, module.len() as u64, "{kind:?}");
    }
}

#[test]
fn a_report_changes_no_byte() {
    for (what, change) in CHANGES {
        let mut options = Options::default();
        options.output = "demo.wasm".into();
        change(&mut options);
        let module = link(options).module.ok();
        assert!(module.is_some_and(|module| module == report(change).0), "{what}");
    }
}

#[test]
fn functions_are_where_the_report_says() {
    let (module, report) = report(|_| {});
    let mut bodies = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        if let wasmparser::Payload::CodeSectionEntry(body) = payload.unwrap() {
            bodies.push(body.range().end as u64);
        }
    }
    let is_function = |kind| matches!(kind, ItemKind::Function | ItemKind::LinkerFunction);
    let functions = report.items.iter().filter(|item| is_function(item.kind));
    let ends: Vec<u64> = functions.map(|item| item.offset.unwrap() + item.size).collect();
    assert_eq!(ends, bodies);
}

#[test]
fn everything_has_a_chain_that_starts_at_a_root() {
    for (what, change) in CHANGES {
        let (_, report) = report(change);
        for (number, node) in (0..).zip(&report.nodes) {
            let chain = report.chain(number);
            assert!(report.nodes[chain[0] as usize].from.is_none());
            for pair in chain.windows(2) {
                let step = report.nodes[pair[1] as usize].step;
                let is_edge =
                    |edge: &&wald::report::Edge| (edge.from, edge.to, edge.step) == (pair[0], pair[1], step);
                assert!(report.edges.iter().any(|edge| is_edge(&edge)), "{what}: {}", node.name);
            }
            assert!(node.retained >= node.size);
            // With garbage collection, an object's code and data have a reason.
            if report.nodes.iter().all(|node| node.step != Step::Kept) {
                let is_of_object = matches!(node.kind, NodeKind::Function | NodeKind::Data);
                assert!(
                    !is_of_object || node.step != Step::Linker || node.name == "__wasm_call_dtors",
                    "{what}: {}",
                    node.name
                );
            }
        }
        for item in &report.items {
            let is_part = matches!(item.kind, ItemKind::Function | ItemKind::LinkerFunction | ItemKind::Data);
            assert!(!is_part || item.node.is_some() || !item.name.is_empty(), "{what}: {item:?}");
        }
    }
}

#[test]
fn a_report_is_the_same_for_any_number_of_threads() {
    let texts = [1, 4].map(|threads| {
        let mut options = Options::default();
        options.want_report = true;
        options.explain_symbols = vec!["*".into()];
        let mut linker = Linker::new(options);
        linker.set_threads(Some(threads));
        for (path, bytes) in objects() {
            let input = linker.declare_input(InputDescription::new(path));
            linker.provide(input, Bytes::from(bytes)).unwrap();
        }
        let report = linker.finish().report.unwrap();
        (report.to_json(), report.explanations_to_json())
    });
    assert!(texts[0] == texts[1]);
}

#[test]
fn functions_have_the_lines_of_their_debug_information() {
    const OBJECTS: [(&str, &[u8]); 2] = [
        ("main.o", include_bytes!("report_objects/debug_main.o")),
        ("used.o", include_bytes!("report_objects/debug_used.o")),
    ];
    let mut options = Options::default();
    (options.want_report, options.strip_all) = (true, true);
    let mut linker = Linker::new(options);
    for (path, bytes) in OBJECTS {
        let input = linker.declare_input(InputDescription::new(path));
        linker.provide(input, Bytes::from(bytes.to_vec())).unwrap();
    }
    let report = linker.finish().report.unwrap();
    let functions = report.nodes.iter().filter(|node| node.kind == NodeKind::Function);
    let lines: Vec<(&str, String)> = functions
        .map(|node| {
            let (file, line) = node.source.unwrap();
            (&*node.name, format!("{}:{line}", report.source_files[file as usize]))
        })
        .collect();
    assert_eq!(lines, [("_start", "main.c:2".to_string()), ("used", "used.c:2".to_string())]);
}

#[test]
fn what_was_left_out_is_listed() {
    let (_, with_gc) = report(|_| {});
    let (_, all) = report(|options| options.gc_sections = false);
    let functions =
        |report: &Report| report.nodes.iter().filter(|node| node.kind == NodeKind::Function).count();
    let removed = with_gc.discarded.iter().filter(|discarded| discarded.is_function).count();
    assert_eq!(functions(&all), functions(&with_gc) + removed);
    assert!(removed > 0 && all.discarded.is_empty());
    let code = |report: &Report| -> u64 {
        let items = report.items.iter().filter(|item| item.kind == ItemKind::Function);
        items.map(|item| item.size).sum()
    };
    let gone: u64 = with_gc.discarded.iter().filter(|of| of.is_function).map(|of| of.size).sum();
    assert_eq!(code(&all), code(&with_gc) + gone);
    assert!(with_gc.items.iter().any(|item| item.category == Category::Names && item.node.is_some()));
}

#[test]
fn symbols_and_files_are_explained() {
    let (_, report) = report(|options| {
        options.want_report = false;
        let names = ["_start", "no_such_symbol", "main.o", "*", "libdemo.a(*)"];
        options.explain_symbols = names.map(String::from).to_vec();
    });
    let [start, none, main, all, members] = &report.explanations[..] else {
        panic!("{:?}", report.explanations)
    };
    let [answer] = &start.answers[..] else { panic!("{start:?}") };
    let Fate::Present(node) = answer.fate else { panic!("{answer:?}") };
    assert_eq!((report.nodes[node as usize].step, report.chain(node)), (Step::Entry, vec![node]));
    assert!(none.answers.is_empty());
    assert!(main.answers.iter().any(|answer| matches!(answer.fate, Fate::File(_))), "{main:?}");
    assert!(all.answers.iter().any(|answer| answer.fate == Fate::Unreachable), "{all:?}");
    assert!(!members.answers.is_empty());
    let present: Vec<u32> = all
        .answers
        .iter()
        .filter_map(|answer| match answer.fate {
            Fate::Present(node) => Some(node),
            _ => None,
        })
        .collect();
    let functions = (0..).zip(&report.nodes).filter(|(_, node)| node.kind == NodeKind::Function);
    functions.for_each(|(number, node)| assert!(present.contains(&number), "{}", node.name));
}
