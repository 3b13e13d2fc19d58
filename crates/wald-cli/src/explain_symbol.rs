//! `--explain-symbol`: why something is in the output, or why not, as text.

use std::fmt::Write;
use wald::report::{Answer, Explanation, Fate, Node, NodeKind, Report, Step};

/// How many answers to a pattern are given in full.
const IN_FULL: usize = 20;

/// The answers to all patterns.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for Explanation { pattern, answers, .. } in &report.explanations {
        if answers.is_empty() {
            let _ = writeln!(out, "{pattern}: not in the output: no input defines it or refers to it");
        }
        for (number, answer) in answers.iter().enumerate() {
            explain(report, answer, number < IN_FULL, &mut out);
        }
        if answers.len() > IN_FULL {
            let size: u64 = answers.iter().map(|answer| size_of(report, answer)).sum();
            let _ = writeln!(out, "{pattern}: {} matches, {size} bytes", answers.len());
        }
    }
    out
}

fn size_of(report: &Report, answer: &Answer) -> u64 {
    match answer.fate {
        Fate::Present(node) => report.nodes[node as usize].size,
        Fate::Section(section) => report.sections[section as usize].size,
        Fate::File(file) => report.files[file as usize].size,
        _ => 0,
    }
}

fn explain(report: &Report, answer: &Answer, in_full: bool, out: &mut String) {
    let name = answer.demangled.as_deref().unwrap_or(&answer.name);
    let _ = match answer.fate {
        Fate::Present(node) => {
            let node = &report.nodes[node as usize];
            writeln!(out, "{name}: {}{}", describe(node), in_file(report, node))
        }
        Fate::Section(section) => {
            writeln!(out, "{name}: custom section, {} bytes", report.sections[section as usize].size)
        }
        Fate::File(file) => writeln!(out, "{name}: {} bytes", report.files[file as usize].size),
        fate => writeln!(out, "{name}: not in the output: {}", absence(fate)),
    };
    if !in_full {
        return;
    }
    if answer.demangled.is_some() {
        line(out, "symbol", &answer.name);
    }
    match answer.fate {
        Fate::Present(number) => {
            let node = &report.nodes[number as usize];
            if let Some(text) = &node.text {
                line(out, "text", &format!("{text:?}"));
            }
            if let Some(source) = source(report, node) {
                line(out, "source", &source);
            }
            if node.retained > node.size {
                line(
                    out,
                    "keeps",
                    &format!("{} bytes that nothing else refers to", node.retained - node.size),
                );
            }
            extraction(report, node.file, out);
            chain(report, number, out);
        }
        Fate::File(file) => extraction(report, Some(file), out),
        _ => {
            let file = answer.file.as_deref().filter(|file| *file != answer.name);
            file.into_iter().for_each(|file| line(out, "file", file));
        }
    }
}

fn line(out: &mut String, what: &str, text: &str) {
    let _ = writeln!(out, "    {what}: {text}");
}

fn describe(node: &Node) -> String {
    match node.kind {
        NodeKind::Function => format!("function, {} bytes", node.size),
        NodeKind::LinkerFunction => format!("function of the linker, {} bytes", node.size),
        NodeKind::Data => format!("data, {} bytes", node.size),
        NodeKind::Global => "global".into(),
        NodeKind::Tag => "tag".into(),
        NodeKind::Table => "table".into(),
        NodeKind::Import => "import".into(),
        NodeKind::Object => "object".into(),
        _ => "address".into(),
    }
}

fn in_file(report: &Report, node: &Node) -> String {
    node.file.map_or_else(String::new, |file| format!(", in {}", report.file_name(file)))
}

fn source(report: &Report, node: &Node) -> Option<String> {
    let (file, line) = node.source?;
    Some(format!("{}:{line}", report.source_files.get(file as usize)?))
}

/// Why the archive member was linked.
fn extraction(report: &Report, file: Option<u32>, out: &mut String) {
    let Some(number) = file else { return };
    if let Some(extracted) = &report.files[number as usize].extracted {
        let (reference, symbol) = (&extracted.reference, &extracted.symbol);
        line(out, "member", &format!("linked because {reference} refers to {symbol}"));
    }
}

/// The shortest chain from a root.
fn chain(report: &Report, number: u32, out: &mut String) {
    let links = report.chain(number);
    let steps: Vec<&str> = links.iter().map(|&link| step(report.nodes[link as usize].step)).collect();
    let width = steps.iter().map(|step| step.len()).max().unwrap_or(0);
    let _ = writeln!(out, "    chain:");
    for (&link, step) in links.iter().zip(steps) {
        let node = &report.nodes[link as usize];
        let place = match source(report, node) {
            Some(source) => format!(", {source}"),
            None if node.kind == NodeKind::Object => String::new(),
            None => in_file(report, node),
        };
        let _ = writeln!(out, "        {step:width$}  {}{place}", node.shown());
    }
}

/// A step of a chain. The name of what it leads to follows.
fn step(step: Step) -> &'static str {
    match step {
        Step::Entry => "entry",
        Step::Export => "exported",
        Step::NoStrip => "marked as used",
        Step::CommandLine => "on the command line",
        Step::Linker => "needed by the linker",
        Step::Kept => "kept without gc",
        Step::Call => "calls",
        Step::AddressTaken => "takes the address of",
        Step::TableSlot => "holds the table slot of",
        Step::DataReference => "uses",
        Step::DataPointer => "points to",
        Step::Global => "uses the global",
        Step::Tag => "uses the tag",
        Step::Table => "uses the table",
        Step::MemberOf => "is in",
        Step::Constructor => "has the constructor",
        Step::Retained => "has the retained",
        _ => "refers to",
    }
}

fn absence(fate: Fate) -> &'static str {
    match fate {
        Fate::Unreachable => "nothing that is linked refers to it",
        Fate::OtherCopy => "the copy of its COMDAT group in another object is linked",
        Fate::OtherDefinition => "another definition is linked",
        Fate::NotExtracted => "nothing needs this archive member",
        Fate::Shared => "a shared library defines it",
        Fate::Undefined => "nothing defines it; calls to it trap, and its address is 0",
        Fate::NotNeeded => "the linker defines it only if something refers to it",
        Fate::Stripped => "options have removed it (--strip-debug, --strip-all)",
        _ => "the reason is not known",
    }
}
