//! The data section, symbol by symbol.

use super::items::Items;
use crate::chunks::Target;
use crate::format::SymbolKind;
use crate::index::ObjectId;
use crate::layout::segments::{Content, Merged, OutputSegment};
use crate::layout::Layout;
use crate::leb128::size_u64;
use crate::object::ObjectSymbol;
use crate::report::ItemKind;

/// How many characters of a string are shown.
const PREVIEW: usize = 60;

/// The symbols of data segments.
pub(super) struct DataParts<'a> {
    /// For each object its symbols with bytes, by segment, offset and then size, largest first.
    symbols: Vec<Vec<&'a ObjectSymbol>>,
}

impl<'a> DataParts<'a> {
    pub(super) fn new(layout: &'a Layout<'_>) -> Self {
        let symbols = layout.program.objects.iter().map(|linked| {
            let all = linked.object().symbols.iter();
            let mut own: Vec<_> = all.filter(|symbol| symbol.lies_in_segment() && symbol.size > 0).collect();
            own.sort_by_key(|symbol| (symbol.element, symbol.offset, std::cmp::Reverse(symbol.size)));
            own
        });
        DataParts { symbols: symbols.collect() }
    }

    /// Adds the contents of the data section.
    pub(super) fn add(&self, items: &mut Items<'_>) {
        let layout = items.layout;
        let in_file = || layout.segments.list.iter().enumerate().filter(|(_, s)| layout.is_in_file(s));
        items.add(ItemKind::Header, size_u64(in_file().count() as u64) as u64, "number of segments");
        for (number, segment) in in_file() {
            let header = items.plan.segment_headers.get(&(number as u32)).map_or(0, |header| header.1);
            items.add(ItemKind::Header, header, "segment header");
            self.add_segment(items, segment);
        }
    }

    fn add_segment(&self, items: &mut Items<'_>, segment: &OutputSegment) {
        let layout = items.layout;
        let start = items.offset;
        let mut padding = 0;
        for part in &segment.parts {
            let place = start + part.offset;
            padding += place.saturating_sub(items.offset);
            items.offset = items.offset.max(place);
            match part.content {
                Content::Input(object, index) => self.add_input(items, object, index),
                Content::Merged(merged) => add_strings(items, &layout.segments.merged[merged as usize]),
                Content::Common(id, size) => {
                    let node = items.map.node(items.graph.numbering.of_symbol(id));
                    let file = layout.program.definition(layout.program.get(id)).map(|(object, _)| object.0);
                    items.add_of(ItemKind::Data, size, file, node, "".into());
                }
            }
        }
        padding += (start + segment.size).saturating_sub(items.offset);
        items.offset = start + segment.size - padding;
        items.add_scattered(ItemKind::Padding, padding, None, None, "alignment".into());
    }

    fn add_input(&self, items: &mut Items<'_>, object: ObjectId, index: u32) {
        let parsed = items.layout.program.objects[object.at()].object();
        let segment = &parsed.segments[index as usize];
        let node = items.node_of(Target::new(object, SymbolKind::Data, index));
        let file = Some(object.0);
        let of_object = &self.symbols[object.at()];
        let first = of_object.partition_point(|symbol| symbol.element < index);
        let own = of_object[first..].iter().take_while(|symbol| symbol.element == index);
        let (start, len) = (items.offset, u64::from(segment.data.len));
        let segment_name = || String::from_utf8_lossy(segment.name.of(&parsed.bytes));
        let mut done = 0;
        for symbol in own {
            let (from, to) = (symbol.offset.min(len), symbol.offset.saturating_add(symbol.size).min(len));
            // Of symbols that overlap, the first has the bytes.
            if to <= done {
                continue;
            }
            items.add_of(ItemKind::Data, from.saturating_sub(done), file, node, segment_name());
            let is_all = from == 0 && to == len;
            let name = if is_all { "".into() } else { String::from_utf8_lossy(symbol.name_in(parsed)) };
            items.add_of(ItemKind::Data, to - from.max(done), file, node, name);
            done = to;
        }
        let name = if done == 0 { "".into() } else { segment_name() };
        items.add_of(ItemKind::Data, len - done, file, node, name);
        debug_assert_eq!(items.offset, start + len);
    }
}

/// Merged strings by the segments that they are taken from.
fn add_strings(items: &mut Items<'_>, merged: &Merged) {
    let mut owned = vec![(0, None); merged.inputs.len()];
    for (owner, string) in merged.strings.owners().into_iter().zip(&merged.strings.strings) {
        let (size, first) = &mut owned[owner as usize];
        *size += u64::from(string.len);
        first.get_or_insert(string);
    }
    for (&(object, index), (size, first)) in merged.inputs.iter().zip(owned) {
        let text = first.and_then(|string| {
            let (object, index) = merged.inputs[string.input as usize];
            let parsed = items.layout.program.objects[object.at()].object();
            let data = parsed.segments[index as usize].data.of(&parsed.bytes);
            data.get(string.start as usize..(string.start + string.len) as usize)
        });
        let node = items.node_of(Target::new(object, SymbolKind::Data, index));
        let preview = text.map_or_else(String::new, preview);
        items.add_scattered(ItemKind::Strings, size, Some(object.0), node, preview.into());
    }
}

/// The start of a string.
fn preview(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.strip_suffix(b"\0").unwrap_or(text));
    let mut start: String = text.chars().take(PREVIEW).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
