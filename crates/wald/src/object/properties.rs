//! What the link asks of every object and segment: the passes over all objects then touch neither the object's bytes nor its
//! tables for it.

use crate::index::NameId;

/// Properties of a whole object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Whether it has thread-local segments.
    pub has_tls: bool,
    /// Whether it has custom sections that are handed on.
    pub has_custom_sections: bool,
    /// Whether parts of it are live when it is: constructors, segments that are retained, the function table of an object
    /// without table symbols.
    pub has_roots: bool,
    /// Whether strings that may be merged lack their NUL.
    pub has_unterminated_strings: bool,
    /// Whether a symbol is at the end of a section of strings that may be merged, behind the last string.
    pub has_symbol_behind_strings: bool,
    /// Whether a function declares more locals than engines take.
    pub has_many_locals: bool,
    /// The text of `target_features`, interned; the same for objects that state the same in the same order.
    pub features: Option<NameId>,
    /// The text of `producers`, interned.
    pub producers: Option<NameId>,
}

/// The output segment that an input segment goes to when segments are merged by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum SegmentFamily {
    /// `.text`.
    Text,
    /// `.data`.
    Data,
    /// `.bss`.
    Bss,
    /// `.rodata`.
    Rodata,
    /// The one of its own name.
    #[default]
    Other,
}

impl SegmentFamily {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// The family of a segment's name: the part before the second dot.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            _ if name.starts_with(b".text.") => SegmentFamily::Text,
            _ if name.starts_with(b".data.") => SegmentFamily::Data,
            _ if name.starts_with(b".bss.") => SegmentFamily::Bss,
            _ if name.starts_with(b".rodata.") => SegmentFamily::Rodata,
            _ => SegmentFamily::Other,
        }
    }

    /// The output segment's name.
    pub fn name(self) -> Option<&'static [u8]> {
        match self {
            SegmentFamily::Text => Some(b".text"),
            SegmentFamily::Data => Some(b".data"),
            SegmentFamily::Bss => Some(b".bss"),
            SegmentFamily::Rodata => Some(b".rodata"),
            SegmentFamily::Other => None,
        }
    }
}
