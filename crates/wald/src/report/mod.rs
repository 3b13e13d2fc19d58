//! What a linked module is made of: every byte with its owner, why each part is in it, and what is not.
//!
//! [`Options::want_report`](crate::options::Options::want_report) asks for it. `docs/report.md` of the repository describes
//! [`Report::to_json`].

mod json;
mod library_name;

use crate::text::Text;

pub(crate) use library_name::library_name;

/// The version of the JSON text's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// A report of a linked module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The output's file name.
    pub output: Text,
    /// The output's size in bytes: the sum of the sizes of [`Report::items`].
    pub size: u64,
    /// The sections in file order.
    pub sections: Vec<Section>,
    /// The objects of the link, in loading order.
    pub files: Vec<File>,
    /// The bytes of the output, in file order.
    pub items: Vec<Item>,
    /// What garbage collection keeps or removes as a whole, as far as it is in the output.
    pub nodes: Vec<Node>,
    /// All references between nodes, sorted by [`Edge::from`], without repetitions.
    pub edges: Vec<Edge>,
    /// Functions and data of the linked objects that are not in the output.
    pub discarded: Vec<Discarded>,
    /// Groups of functions with the same code and references. Each group has at least two; indices into [`Report::nodes`].
    pub duplicates: Vec<Vec<u32>>,
    /// Paths of source files.
    pub source_files: Vec<Text>,
    /// The answers to [`Options::explain_symbols`](crate::options::Options::explain_symbols), in the same order.
    pub explanations: Vec<Explanation>,
}

/// A section of the output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// The name of a custom section; the kind of any other, such as `CODE`.
    pub name: String,
    /// The section's id.
    pub id: u8,
    /// Offset of its header in the file.
    pub offset: u64,
    /// Size with the header.
    pub size: u64,
}

/// An object of the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// The path as given.
    pub path: Text,
    /// The member's name, if the path is an archive's.
    pub member: Option<Text>,
    /// The crate of a Rust object or library, the archive's file name, or the object's folder.
    pub library: String,
    /// Why the archive member was linked. `None` for objects of the command line.
    pub extracted: Option<ExtractedFor>,
    /// How many bytes of the output are its own.
    pub size: u64,
}

/// Why an archive member was linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtractedFor {
    /// The file that refers to the symbol, or the option, such as `--entry`.
    pub reference: Text,
    /// The symbol.
    pub symbol: String,
}

/// What bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The code section.
    Code,
    /// The data section.
    Data,
    /// Debug sections.
    Debug,
    /// The name section.
    Names,
    /// Other custom sections.
    Custom,
    /// Types, imports, exports and the like.
    Other,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemKind {
    /// The module's first bytes, the header of a section or of a segment, a count.
    Header,
    /// The contents of a section that has no parts.
    Contents,
    /// A function of an object, with its size prefix.
    Function,
    /// A function that the linker writes.
    LinkerFunction,
    /// Data of a symbol, or a segment without symbols.
    Data,
    /// Merged strings that are this object's: it is the first that contains them.
    Strings,
    /// Alignment.
    Padding,
    /// An object's part of a custom section.
    Custom,
    /// An entry of the name section.
    Name,
}

/// A part of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// What its bytes are for.
    pub category: Category,
    /// What it is.
    pub kind: ItemKind,
    /// Index into [`Report::sections`]; `None` for the module's header.
    pub section: Option<u32>,
    /// Offset in the file. `None` for items whose bytes are not consecutive.
    pub offset: Option<u64>,
    /// Size in bytes.
    pub size: u64,
    /// Index into [`Report::files`]; `None` for what the linker makes.
    pub file: Option<u32>,
    /// Index into [`Report::nodes`] of the function or data that it is, or that it names.
    pub node: Option<u32>,
    /// Its name, if it is not the node's: a symbol, or what it is.
    pub name: String,
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// A function of an object.
    Function,
    /// A function that the linker writes.
    LinkerFunction,
    /// A data segment of an object, or common data.
    Data,
    /// A global.
    Global,
    /// A tag.
    Tag,
    /// A table.
    Table,
    /// An import.
    Import,
    /// An address: of the linker, absolute, or of nothing.
    Address,
    /// An object, which keeps its constructors and retained segments.
    Object,
}

/// How something came into the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// It is the entry.
    Entry,
    /// It is exported.
    Export,
    /// Its symbol is marked as used.
    NoStrip,
    /// The object is on the command line, or of a whole archive.
    CommandLine,
    /// The linker needs it.
    Linker,
    /// There is no garbage collection.
    Kept,
    /// Code calls the function.
    Call,
    /// Code takes the address of the function.
    AddressTaken,
    /// Data contain the function's slot in the table.
    TableSlot,
    /// Code refers to data.
    DataReference,
    /// Data contain the address of data.
    DataPointer,
    /// Code or data refer to a global, possibly one that contains an address.
    Global,
    /// Code refers to a tag.
    Tag,
    /// Code refers to a table.
    Table,
    /// The object is linked because of it.
    MemberOf,
    /// It is a constructor of the object.
    Constructor,
    /// It is a segment that must not be removed.
    Retained,
}

/// What garbage collection keeps or removes as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its symbol; the name of a segment without symbols; an object's path.
    pub name: String,
    /// The demangled name, if it differs.
    pub demangled: Option<String>,
    /// Index into [`Report::files`].
    pub file: Option<u32>,
    /// How many bytes of code or data it has in the file, without its name.
    pub size: u64,
    /// How many bytes of code and data would go if nothing referred to it: its own, and those that only it keeps.
    pub retained: u64,
    /// The last step of the shortest chain from a root.
    pub step: Step,
    /// Index into [`Report::nodes`] of the chain's node before it. `None` for a root.
    pub from: Option<u32>,
    /// Where it is in the source: an index into [`Report::source_files`], and the line.
    pub source: Option<(u32, u32)>,
    /// The start of the first string of a segment with strings.
    pub text: Option<String>,
}

impl Node {
    /// The name to show.
    pub fn shown(&self) -> &str {
        self.demangled.as_deref().unwrap_or(&self.name)
    }
}

/// A reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Edge {
    /// Index into [`Report::nodes`]: what refers.
    pub from: u32,
    /// What it refers to.
    pub to: u32,
    /// How.
    pub step: Step,
}

/// Why something of a linked object is not in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// No root reaches it.
    Unreachable,
    /// The copy of its COMDAT group in another object is linked.
    OtherCopy,
    /// Another definition of its symbol is linked.
    OtherDefinition,
}

/// A function or data segment that is not in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discarded {
    /// Its symbol; the name of a segment without symbols.
    pub name: String,
    /// The demangled name, if it differs.
    pub demangled: Option<String>,
    /// Whether it is a function.
    pub is_function: bool,
    /// Index into [`Report::files`].
    pub file: u32,
    /// Size in the object.
    pub size: u64,
    /// Why it is not there.
    pub absence: Absence,
    /// Index into [`Report::files`]: whose copy or definition is linked.
    pub instead: Option<u32>,
}

/// What is known about the symbols and files that a pattern matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The pattern.
    pub pattern: String,
    /// One for each match; empty if no input has the symbol.
    pub answers: Vec<Answer>,
}

/// What is known about a symbol or file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The symbol or the file.
    pub name: String,
    /// The demangled name, if it differs.
    pub demangled: Option<String>,
    /// The file that it is about. Its own if it is in the output; else the file that matters.
    pub file: Option<Text>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a symbol or file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is in the output: an index into [`Report::nodes`].
    Present(u32),
    /// It is a custom section of the output: an index into [`Report::sections`].
    Section(u32),
    /// It is a linked file: an index into [`Report::files`].
    File(u32),
    /// Its object is linked, but no root reaches it.
    Unreachable,
    /// [`Answer::file`] defines it in a COMDAT group whose copy in another object is linked.
    OtherCopy,
    /// [`Answer::file`] defines it, but another definition is linked.
    OtherDefinition,
    /// [`Answer::file`] is an archive member that nothing needed.
    NotExtracted,
    /// The shared library [`Answer::file`] defines it.
    Shared,
    /// Something refers to it, and nothing defines it.
    Undefined,
    /// The linker could define it, but nothing needs it.
    NotNeeded,
    /// It is a custom section that options have stripped.
    Stripped,
}

impl Report {
    /// The chain of nodes that ends with `node`, from its root on.
    pub fn chain(&self, node: u32) -> Vec<u32> {
        let mut chain = vec![node];
        let mut next = self.nodes.get(node as usize).and_then(|node| node.from);
        while let Some(from) = next.filter(|_| chain.len() <= self.nodes.len()) {
            chain.push(from);
            next = self.nodes.get(from as usize).and_then(|node| node.from);
        }
        chain.reverse();
        chain
    }

    /// A file as messages name it: `path` or `path(member)`.
    pub fn file_name(&self, file: u32) -> String {
        match self.files.get(file as usize) {
            Some(File { path, member: Some(member), .. }) => format!("{path}({member})"),
            Some(File { path, .. }) => path.to_string(),
            None => String::new(),
        }
    }
}
