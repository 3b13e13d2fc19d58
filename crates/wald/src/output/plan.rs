//! The plan of an output: its sections with sizes and places. And where things were in the last output, if the plan was adapted.

use hashbrown::HashMap;

use super::code::CodePlan;
use super::{custom, names};
use crate::diagnostics::Diagnostic;
use crate::format::section;
use crate::index::{ObjectId, SymbolId};
use crate::leb128::write_u64;
use crate::relocate::{SectionOffsets, SymbolValues};

/// A section of the output.
pub struct OutputSection {
    /// Section id.
    pub id: u8,
    /// Name of a custom section.
    pub name: Vec<u8>,
    /// Id, size and, for custom sections, the name.
    pub header: Vec<u8>,
    /// Size of what follows the header.
    pub size: u64,
    /// Where the header starts in the file.
    pub offset: u64,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// Small sections are made while planning.
    Bytes(Vec<u8>),
    /// Functions.
    Code,
    /// Data segments.
    Data,
    /// Objects' custom sections of one name, by position in [`Plan::custom`].
    Custom(usize),
    /// Names.
    Names,
    /// The build id is computed from everything else.
    BuildId,
}

impl OutputSection {
    pub(super) fn new(id: u8, name: &[u8], size: u64, body: Body) -> Self {
        let mut text = Vec::new();
        if id == section::CUSTOM {
            write_u64(&mut text, name.len() as u64);
            text.extend_from_slice(name);
        }
        let mut header = vec![id];
        write_u64(&mut header, size + text.len() as u64);
        header.extend_from_slice(&text);
        OutputSection { id, name: name.to_vec(), header, size, offset: 0, body }
    }

    /// Offset of the contents in the file, after id and size.
    pub fn contents_offset(&self) -> u64 {
        self.offset + self.header.len() as u64
    }

    /// Offset after the section.
    pub fn end(&self) -> u64 {
        self.contents_offset() + self.size
    }
}

/// All sections with their sizes and places.
pub struct Plan {
    /// What symbols resolved to.
    pub values: SymbolValues,
    /// In file order.
    pub sections: Vec<OutputSection>,
    /// Where functions go.
    pub code: CodePlan,
    /// Where objects' custom sections go.
    pub custom: Vec<custom::CustomPlan>,
    /// The name section.
    pub names: Option<names::NamePlan>,
    /// The same by number of the custom section.
    pub section_offsets: SectionOffsets,
    /// Position of the first of these among the sections.
    pub(super) first_custom: usize,
    /// For each segment in the file: offset of its header in the data section, and the header's size.
    pub segment_headers: HashMap<u32, (u64, u64)>,
    /// What is wrong with objects' code metadata.
    pub(super) metadata_errors: Vec<Diagnostic>,
    /// Symbols whose entry in the symbol table cannot be written.
    pub(super) unwritable: Vec<SymbolId>,
    /// Where things were before the plan was adapted.
    pub(super) origin: Option<Origin>,
    /// Size of the file.
    pub size: u64,
}

/// What is in a section.
pub enum SectionContents<'p> {
    /// Functions.
    Code,
    /// Data segments.
    Data,
    /// Objects' custom sections.
    Custom(&'p custom::CustomPlan),
    /// Names.
    Names(&'p names::NamePlan),
    /// Something small.
    Other,
}

impl Plan {
    /// What is in one of its sections.
    pub fn contents_of<'p>(&'p self, section: &OutputSection) -> SectionContents<'p> {
        match (&section.body, &self.names) {
            (Body::Code, _) => SectionContents::Code,
            (Body::Data, _) => SectionContents::Data,
            (Body::Custom(position), _) => SectionContents::Custom(&self.custom[*position]),
            (Body::Names, Some(names)) => SectionContents::Names(names),
            _ => SectionContents::Other,
        }
    }
}

/// What was replaced since a plan was made.
#[derive(Default)]
pub struct Replaced {
    /// Objects, by others of the same shape.
    pub objects: Vec<ObjectId>,
    /// Whether strings of their debug sections are others.
    pub changes_strings: bool,
}

/// Where things were in the last output.
pub(super) struct Origin {
    /// Objects that were replaced, sorted.
    pub(super) replaced: Vec<ObjectId>,
    pub(super) changes_strings: bool,
    /// Where the contents of the code section, the data section and the name section started.
    pub(super) code: u64,
    pub(super) data: u64,
    pub(super) names: u64,
    /// The same for custom sections of objects, by name.
    pub(super) custom: Vec<(Vec<u8>, u64)>,
    /// Offsets in these.
    pub(super) offsets: Vec<u32>,
    /// Functions from this position on were at another offset: the new offset minus the old one.
    pub(super) shifts: Vec<(usize, i64)>,
    /// Parts of the name section that were planned again.
    pub(super) names_changed: Vec<usize>,
}

impl Origin {
    /// Where things are according to a plan that will be adapted.
    pub(super) fn new(plan: &mut Plan, replaced: &Replaced) -> Self {
        let start = |wanted: fn(&Body) -> bool| {
            let section = plan.sections.iter().find(|section| wanted(&section.body));
            section.map_or(0, OutputSection::contents_offset)
        };
        let custom = plan.sections.iter().filter(|section| matches!(section.body, Body::Custom(_)));
        let mut objects = replaced.objects.clone();
        objects.sort_unstable();
        objects.dedup();
        Origin {
            replaced: objects,
            changes_strings: replaced.changes_strings,
            code: start(|body| matches!(body, Body::Code)),
            data: start(|body| matches!(body, Body::Data)),
            names: start(|body| matches!(body, Body::Names)),
            custom: custom.map(|section| (section.name.clone(), section.contents_offset())).collect(),
            offsets: std::mem::take(&mut plan.section_offsets.offsets),
            shifts: Vec::new(),
            names_changed: Vec::new(),
        }
    }

    pub(super) fn is_replaced(&self, object: ObjectId) -> bool {
        self.replaced.binary_search(&object).is_ok()
    }
}
