//! A report as JSON text: tables as columns, with every name once. `docs/report.md` of the repository describes it.

use std::collections::HashMap;

use super::{
    Absence, Answer, Category, Discarded, Explanation, Fate, File, Item, ItemKind, Node, NodeKind, Report,
    Section, Step, SCHEMA_VERSION,
};
use crate::json::Writer;

/// Names of an enum's values, in the order of their numbers.
macro_rules! names {
    ($($kind:ident [$($value:ident $name:literal)*])*) => {$(
        impl $kind {
            /// All names, in the order of the numbers in the JSON text.
            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name in the JSON text.
            pub fn name(self) -> &'static str {
                match self { $($kind::$value => $name,)* }
            }

            fn number(self) -> i64 {
                self as i64
            }
        }
    )*
        #[cfg(test)]
        #[test]
        fn names_are_in_the_order_of_their_numbers() {
            $($(assert_eq!($kind::NAMES[$kind::$value as usize], $name);)*)*
        }
    };
}

names! {
    Category [Code "code" Data "data" Debug "debug" Names "names" Custom "custom" Other "other"]
    ItemKind [
        Header "header" Contents "contents" Function "function" LinkerFunction "linker-function" Data "data"
        Strings "strings" Padding "padding" Custom "custom" Name "name"
    ]
    NodeKind [
        Function "function" LinkerFunction "linker-function" Data "data" Global "global" Tag "tag" Table "table"
        Import "import" Address "address" Object "object"
    ]
    Step [
        Entry "entry" Export "export" NoStrip "no-strip" CommandLine "command-line" Linker "linker" Kept "kept"
        Call "call" AddressTaken "address-taken" TableSlot "table-slot" DataReference "data-reference"
        DataPointer "data-pointer" Global "global" Tag "tag" Table "table" MemberOf "member-of"
        Constructor "constructor" Retained "retained"
    ]
    Absence [Unreachable "unreachable" OtherCopy "other-copy" OtherDefinition "other-definition"]
}

impl Fate {
    /// The name in the JSON text.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Present(_) => "present",
            Fate::Section(_) => "section",
            Fate::File(_) => "file",
            Fate::Unreachable => "unreachable",
            Fate::OtherCopy => "other-copy",
            Fate::OtherDefinition => "other-definition",
            Fate::NotExtracted => "not-extracted",
            Fate::Shared => "shared",
            Fate::Undefined => "undefined",
            Fate::NotNeeded => "not-needed",
            Fate::Stripped => "stripped",
        }
    }
}

/// Every text once, by number.
#[derive(Default)]
struct Strings<'r> {
    numbers: HashMap<&'r str, i64>,
    list: Vec<&'r str>,
}

impl<'r> Strings<'r> {
    fn number(&mut self, text: &'r str) -> i64 {
        *self.numbers.entry(text).or_insert_with(|| {
            self.list.push(text);
            self.list.len() as i64 - 1
        })
    }

    fn optional(&mut self, text: Option<&'r str>) -> i64 {
        text.map_or(-1, |text| self.number(text))
    }
}

fn optional(number: Option<u32>) -> i64 {
    number.map_or(-1, i64::from)
}

impl Report {
    /// The report as JSON text, which `docs/report.md` describes. It contains no `<`, so it can be put into a page. Explanations are not in
    /// it: see [`Report::explanations_to_json`].
    pub fn to_json(&self) -> String {
        let (mut w, mut strings) = (Writer::default(), Strings::default());
        w.open('{');
        w.field("schema", "wald-report");
        w.field_number("version", i64::from(SCHEMA_VERSION));
        w.field("generator", concat!("Wald ", env!("CARGO_PKG_VERSION")));
        w.field("output", &self.output);
        w.field_number("size", self.size as i64);
        w.key("enums");
        w.open('{');
        for (name, values) in [
            ("category", Category::NAMES),
            ("itemKind", ItemKind::NAMES),
            ("nodeKind", NodeKind::NAMES),
            ("step", Step::NAMES),
            ("absence", Absence::NAMES),
        ] {
            w.texts(name, values.iter().copied());
        }
        w.close('}');
        write_sections(&mut w, &mut strings, &self.sections);
        write_files(&mut w, &mut strings, &self.files);
        write_nodes(&mut w, &mut strings, &self.nodes);
        write_items(&mut w, &mut strings, &self.items);
        w.key("edges");
        w.open('{');
        w.column("from", self.edges.iter().map(|edge| i64::from(edge.from)));
        w.column("to", self.edges.iter().map(|edge| i64::from(edge.to)));
        w.column("step", self.edges.iter().map(|edge| edge.step.number()));
        w.close('}');
        write_discarded(&mut w, &mut strings, &self.discarded);
        w.key("duplicates");
        w.open('[');
        self.duplicates.iter().for_each(|group| w.numbers(group.iter().map(|&node| i64::from(node))));
        w.close(']');
        w.texts("sourceFiles", self.source_files.iter().map(|path| &**path));
        w.texts("strings", strings.list.into_iter());
        w.close('}');
        w.finish()
    }

    /// The answers to [`Options::explain_symbols`](crate::options::Options::explain_symbols) as JSON text: a list with an object for each
    /// pattern.
    pub fn explanations_to_json(&self) -> String {
        let mut w = Writer::default();
        w.open('[');
        for Explanation { pattern, answers } in &self.explanations {
            w.open('{');
            w.field("pattern", pattern);
            w.key("answers");
            w.open('[');
            answers.iter().for_each(|answer| self.write_answer(&mut w, answer));
            w.close(']');
            w.close('}');
        }
        w.close(']');
        w.finish()
    }

    fn write_answer(&self, w: &mut Writer, answer: &Answer) {
        w.open('{');
        w.field("name", &answer.name);
        w.optional_field("demangled", answer.demangled.as_deref());
        w.field("fate", answer.fate.name());
        w.optional_field("file", answer.file.as_deref());
        let mut of = None;
        match answer.fate {
            Fate::Present(number) => {
                let node = &self.nodes[number as usize];
                w.field("kind", node.kind.name());
                w.field_number("size", node.size as i64);
                w.field_number("retained", node.retained as i64);
                w.optional_field("text", node.text.as_deref());
                self.write_source(w, node);
                w.key("chain");
                w.open('[');
                for link in self.chain(number) {
                    let link = &self.nodes[link as usize];
                    w.open('{');
                    w.field("step", link.step.name());
                    w.field("kind", link.kind.name());
                    w.field("name", &link.name);
                    w.optional_field("demangled", link.demangled.as_deref());
                    w.optional_field("file", link.file.map(|file| self.file_name(file)).as_deref());
                    self.write_source(w, link);
                    w.close('}');
                }
                w.close(']');
                of = node.file;
            }
            Fate::Section(number) => w.field_number("size", self.sections[number as usize].size as i64),
            Fate::File(number) => {
                of = Some(number);
                w.field_number("size", self.files[number as usize].size as i64);
            }
            _ => {}
        }
        if let Some(extracted) = of.and_then(|file| self.files[file as usize].extracted.as_ref()) {
            w.key("extracted");
            w.open('{');
            w.field("reference", &extracted.reference);
            w.field("symbol", &extracted.symbol);
            w.close('}');
        }
        w.close('}');
    }

    fn write_source(&self, w: &mut Writer, node: &Node) {
        if let Some((file, line)) = node.source {
            w.field("sourceFile", self.source_files.get(file as usize).map_or("", |path| path));
            w.field_number("line", i64::from(line));
        }
    }
}

fn write_sections<'r>(w: &mut Writer, strings: &mut Strings<'r>, sections: &'r [Section]) {
    w.key("sections");
    w.open('{');
    w.column("name", sections.iter().map(|section| strings.number(&section.name)));
    w.column("id", sections.iter().map(|section| i64::from(section.id)));
    w.column("offset", sections.iter().map(|section| section.offset as i64));
    w.column("size", sections.iter().map(|section| section.size as i64));
    w.close('}');
}

fn write_files<'r>(w: &mut Writer, strings: &mut Strings<'r>, files: &'r [File]) {
    w.key("files");
    w.open('{');
    w.column("path", files.iter().map(|file| strings.number(&file.path)));
    w.column("member", files.iter().map(|file| strings.optional(file.member.as_deref())));
    w.column("library", files.iter().map(|file| strings.number(&file.library)));
    let extracted = |file: &'r File| file.extracted.as_ref();
    w.column(
        "extractedBy",
        files.iter().map(|file| strings.optional(extracted(file).map(|of| &*of.reference))),
    );
    w.column(
        "extractedFor",
        files.iter().map(|file| strings.optional(extracted(file).map(|of| &*of.symbol))),
    );
    w.column("size", files.iter().map(|file| file.size as i64));
    w.close('}');
}

fn write_nodes<'r>(w: &mut Writer, strings: &mut Strings<'r>, nodes: &'r [Node]) {
    w.key("nodes");
    w.open('{');
    w.column("kind", nodes.iter().map(|node| node.kind.number()));
    w.column("name", nodes.iter().map(|node| strings.number(&node.name)));
    w.column("demangled", nodes.iter().map(|node| strings.optional(node.demangled.as_deref())));
    w.column("file", nodes.iter().map(|node| optional(node.file)));
    w.column("size", nodes.iter().map(|node| node.size as i64));
    w.column("retained", nodes.iter().map(|node| node.retained as i64));
    w.column("step", nodes.iter().map(|node| node.step.number()));
    w.column("from", nodes.iter().map(|node| optional(node.from)));
    w.column("sourceFile", nodes.iter().map(|node| optional(node.source.map(|source| source.0))));
    w.column("line", nodes.iter().map(|node| optional(node.source.map(|source| source.1))));
    w.column("text", nodes.iter().map(|node| strings.optional(node.text.as_deref())));
    w.close('}');
}

fn write_items<'r>(w: &mut Writer, strings: &mut Strings<'r>, items: &'r [Item]) {
    w.key("items");
    w.open('{');
    w.column("category", items.iter().map(|item| item.category.number()));
    w.column("kind", items.iter().map(|item| item.kind.number()));
    w.column("section", items.iter().map(|item| optional(item.section)));
    w.column("offset", items.iter().map(|item| item.offset.map_or(-1, |offset| offset as i64)));
    w.column("size", items.iter().map(|item| item.size as i64));
    w.column("file", items.iter().map(|item| optional(item.file)));
    w.column("node", items.iter().map(|item| optional(item.node)));
    let name = |item: &'r Item| Some(&*item.name).filter(|name| !name.is_empty());
    w.column("name", items.iter().map(|item| strings.optional(name(item))));
    w.close('}');
}

fn write_discarded<'r>(w: &mut Writer, strings: &mut Strings<'r>, discarded: &'r [Discarded]) {
    w.key("discarded");
    w.open('{');
    w.column("name", discarded.iter().map(|of| strings.number(&of.name)));
    w.column("demangled", discarded.iter().map(|of| strings.optional(of.demangled.as_deref())));
    w.column("function", discarded.iter().map(|of| i64::from(of.is_function)));
    w.column("file", discarded.iter().map(|of| i64::from(of.file)));
    w.column("size", discarded.iter().map(|of| of.size as i64));
    w.column("absence", discarded.iter().map(|of| of.absence.number()));
    w.column("instead", discarded.iter().map(|of| optional(of.instead)));
    w.close('}');
}
