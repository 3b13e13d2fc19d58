//! What is collected while the sections of an object are read.

use super::tables::{
    Feature, Imports, InputFunction, InputGlobal, InputSection, InputSegment, InputTable, Producers,
};
use crate::index::{ByteRange, SignatureId};
use crate::leb128::Reader;
use crate::parse_error::ParseError;

/// What is collected while the sections are read, before symbols can be attached.
#[derive(Default)]
pub(super) struct Parts {
    pub types: Vec<SignatureId>,
    pub imports: Imports,
    pub function_types: Vec<u32>,
    pub functions: Vec<InputFunction>,
    pub tables: Vec<InputTable>,
    pub globals: Vec<InputGlobal>,
    pub tags: Vec<u32>,
    pub segments: Vec<InputSegment>,
    pub custom_sections: Vec<InputSection>,
    pub features: Option<Vec<Feature>>,
    pub producers: Producers,
    pub memory_is_64: Option<bool>,
    pub linking: Option<Linking>,
    pub relocation_sections: Vec<RelocationSection>,
    /// Contents of the code and data sections: section index and range.
    pub code: Option<(u32, ByteRange)>,
    pub data: Option<(u32, ByteRange)>,
    /// How many data segments there must be.
    pub data_count: Option<u32>,
    /// Names of functions in the name section: function index and name.
    pub debug_names: Vec<(u32, ByteRange)>,
    /// Exported functions.
    pub export_names: Vec<(u32, ByteRange)>,
    pub section_count: u32,
    /// Place of the last section in the order that sections must have.
    pub last_place: u8,
    /// What is wrong with element segments.
    pub wrong_elements: Option<ParseError>,
    /// Whether it is a shared library, of which less is asked than of an object.
    pub is_shared: bool,
    /// Whether the function table's symbol had to be made up.
    pub legacy_function_table: bool,
}

/// Where the subsections are; they are read once all other sections are known. Segment info and init functions may come
/// in pieces.
#[derive(Default)]
pub(super) struct Linking {
    pub segments: Vec<ByteRange>,
    pub init_functions: Vec<ByteRange>,
    pub comdats: Option<ByteRange>,
    pub symbols: Option<ByteRange>,
}

/// A `reloc.*` section.
#[derive(Clone, Copy)]
pub(super) struct RelocationSection {
    /// Index of the section it applies to.
    pub target: u32,
    pub count: usize,
    /// The entries.
    pub start: usize,
    pub end: usize,
}

impl Parts {
    pub(super) fn type_index(&self, reader: &mut Reader<'_>, wrong: &'static str) -> Result<u32, ParseError> {
        let start = reader.position();
        let index = reader.u32()?;
        if index as usize >= self.types.len() {
            return Err(ParseError::malformed(start, wrong));
        }
        Ok(index)
    }
}
