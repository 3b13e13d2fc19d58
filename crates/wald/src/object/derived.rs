//! What the link asks of every object, worked out once: the passes over all objects then touch neither the
//! object's bytes nor its tables for it.

use super::properties::{Properties, SegmentFamily};
use super::strings::StringTable;
use super::tables::{InputSection, InputSegment, Interners, Object, ObjectSymbol, Producers};
use crate::format::segment_flags;
use crate::index::{ByteRange, NameId};

impl Object {
    /// Works out what follows from the tables. Called once, when they are complete.
    pub(crate) fn derive(&mut self, interners: &Interners) {
        let bytes: &[u8] = &self.bytes;
        for segment in &mut self.segments {
            segment.family = SegmentFamily::of(segment.name.of(bytes));
        }
        for function in &mut self.functions {
            if let (false, Some(symbol)) =
                (function.has_debug_name, self.symbols.get(function.symbol as usize))
            {
                function.name = symbol.text;
            }
        }
        let unterminated = |data: ByteRange| data.len > 0 && data.of(bytes).last() != Some(&0);
        let strings = |segment: &&InputSegment| segment.flags & segment_flags::STRINGS != 0;
        let sections =
            self.custom_sections.iter().filter(|section| InputSection::has_strings(section.name.of(bytes)));
        let has_unterminated_strings = self.segments.iter().filter(strings).any(|s| unterminated(s.data))
            || sections.into_iter().any(|section| unterminated(section.data));
        let features = self.features.as_ref().map(|features| {
            let mut text = Vec::new();
            for feature in features {
                text.push(feature.prefix);
                text.extend_from_slice(feature.name.of(bytes));
                text.push(0);
            }
            NameId(interners.names.intern(&text))
        });
        let Producers { languages, tools, sdks } = &self.producers;
        let mut text = Vec::new();
        for list in [languages, tools, sdks] {
            text.extend_from_slice(&(list.len() as u32).to_le_bytes());
            for range in list.iter().flat_map(|(name, version)| [name, version]) {
                text.extend_from_slice(&range.len.to_le_bytes());
                text.extend_from_slice(range.of(bytes));
            }
        }
        let any = !(languages.is_empty() && tools.is_empty() && sdks.is_empty());
        self.properties = Properties {
            has_tls: self.segments.iter().any(InputSegment::is_tls),
            has_custom_sections: self
                .custom_sections
                .iter()
                .any(|section| section.data.len > 0 && !InputSection::is_consumed(section.name.of(bytes))),
            has_roots: self.legacy_function_table
                || !self.init_functions.is_empty()
                || self.segments.iter().any(InputSegment::is_retained),
            has_unterminated_strings,
            has_symbol_behind_strings: self.symbols.iter().any(|symbol| self.is_behind_strings(symbol)),
            has_many_locals: self.functions.iter().any(|function| function.has_many_locals),
            features,
            producers: any.then(|| NameId(interners.names.intern(&text))),
        };
    }

    /// The strings that may be merged. The first call splits them.
    pub fn strings(&self) -> &StringTable {
        let bytes: &[u8] = &self.bytes;
        self.strings.get_or_init(|| {
            let segments = self.segments.iter().map(|of| of.has_strings().then(|| of.data.of(bytes)));
            let sections = self.custom_sections.iter();
            let sections =
                sections.map(|of| InputSection::has_strings(of.name.of(bytes)).then(|| of.data.of(bytes)));
            StringTable::new(segments, sections)
        })
    }

    /// Whether a symbol's place is behind the last of strings that may be merged.
    pub fn is_behind_strings(&self, symbol: &ObjectSymbol) -> bool {
        symbol.lies_in_segment()
            && self
                .segments
                .get(symbol.element as usize)
                .is_some_and(|segment| segment.has_strings() && symbol.offset >= u64::from(segment.data.len))
    }
}
