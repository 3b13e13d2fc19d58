//! Whose each byte of the output is.

use super::data_parts::DataParts;
use super::graph::Graph;
use super::items::Items;
use super::nodes::NodeMap;
use crate::chunks::Target;
use crate::format::{section, SymbolKind, HEADER};
use crate::layout::indices::{OutputFunction, NONE};
use crate::layout::Layout;
use crate::leb128::{size_u64, Reader};
use crate::output::{custom::CustomPlan, OutputSection, Plan, SectionContents};
use crate::report::{Category, Item, ItemKind, Section};

/// The sections of the output, and all of its bytes.
pub(super) fn items(
    layout: &Layout<'_>,
    plan: &Plan,
    graph: &Graph<'_>,
    map: &NodeMap,
) -> (Vec<Section>, Vec<Item>) {
    let (category, list) = (Category::Other, Vec::new());
    let mut items = Items { layout, plan, graph, map, list, category, section: None, offset: 0 };
    items.add(ItemKind::Header, HEADER.len() as u64, "module header");
    let mut sections = Vec::new();
    for (number, output) in (0..).zip(&plan.sections) {
        let name = match output.id {
            section::CUSTOM => String::from_utf8_lossy(&output.name),
            id => section::name(id).into(),
        };
        (items.section, items.category) = (Some(number), category_of(output.id, &name));
        items.add(ItemKind::Header, output.header.len() as u64, "section header");
        add_contents(&mut items, output, &name);
        debug_assert_eq!(items.offset, output.end());
        let (name, offset, size) = (name.into_owned(), output.offset, output.end() - output.offset);
        sections.push(Section { name, id: output.id, offset, size });
    }
    (sections, items.list)
}

fn category_of(id: u8, name: &str) -> Category {
    match (id, name) {
        (section::CODE, _) => Category::Code,
        (section::DATA, _) => Category::Data,
        (section::CUSTOM, "name") => Category::Names,
        (section::CUSTOM, name) if name.starts_with(".debug_") || name.starts_with("reloc..debug_") => {
            Category::Debug
        }
        (section::CUSTOM, "external_debug_info" | "sourceMappingURL") => Category::Debug,
        (section::CUSTOM, _) => Category::Custom,
        _ => Category::Other,
    }
}

fn add_contents(items: &mut Items<'_>, output: &OutputSection, name: &str) {
    match items.plan.contents_of(output) {
        SectionContents::Code => add_code(items),
        SectionContents::Data => DataParts::new(items.layout).add(items),
        SectionContents::Custom(custom) => add_custom(items, custom),
        SectionContents::Names(names) => {
            let bytes = names.render(items.layout);
            let end = items.offset + bytes.len() as u64;
            add_names(items, &bytes);
            let rest = end.saturating_sub(items.offset);
            items.add(ItemKind::Contents, rest, name);
        }
        SectionContents::Other => items.add(ItemKind::Contents, output.size, name),
    }
}

fn add_code(items: &mut Items<'_>) {
    let (layout, code) = (items.layout, &items.plan.code);
    items.add(ItemKind::Header, size_u64(code.offsets.len() as u64) as u64, "number of functions");
    for (position, function) in layout.indices.functions.iter().enumerate() {
        let size = code.size_of(position);
        match *function {
            OutputFunction::Synthetic(id) => {
                let node = items.map.node(items.graph.numbering.of_synthetic(id));
                let name = match node {
                    Some(_) => "".into(),
                    // A part of a function that is too large for one.
                    None => String::from_utf8_lossy(&layout.function(id).name),
                };
                items.add_of(ItemKind::LinkerFunction, size, None, node, name);
            }
            OutputFunction::Input(object, index) => {
                let node = items.node_of(Target::new(object, SymbolKind::Function, index));
                items.add_of(ItemKind::Function, size, Some(object.0), node, "".into());
            }
        }
    }
}

fn add_custom(items: &mut Items<'_>, custom: &CustomPlan) {
    let Some(merged) = custom.merged(&items.plan.section_offsets) else {
        let mut inputs = custom.inputs.iter().peekable();
        while let Some(&(object, _, start)) = inputs.next() {
            let end = inputs.peek().map_or(custom.size, |next| next.2);
            items.add_of(ItemKind::Custom, end - start, Some(object.0), None, "".into());
        }
        return;
    };
    let mut sizes = vec![0; custom.inputs.len()];
    let strings = merged.owners().into_iter().zip(&merged.strings);
    strings.for_each(|(owner, string)| sizes[owner as usize] += u64::from(string.len));
    for (&(object, _, _), size) in custom.inputs.iter().zip(sizes) {
        items.add_scattered(ItemKind::Strings, size, Some(object.0), None, "".into());
    }
}

/// Reads the name section that was just made. What it does not know is left to the caller.
/// See <https://webassembly.github.io/spec/core/appendix/custom.html#name-section>.
fn add_names(items: &mut Items<'_>, bytes: &[u8]) {
    const FUNCTION: u8 = 1;
    let owners = owners_of_functions(items);
    let mut reader = Reader::new(bytes);
    let mut step = || -> Result<(), crate::parse_error::ParseError> {
        while !reader.is_empty() {
            let start = reader.position();
            let (id, size) = (reader.byte()?, reader.u32()? as usize);
            let contents = reader.position();
            if id != FUNCTION {
                reader.skip(size)?;
                let what = match id {
                    0 => "module name",
                    7 => "names of globals",
                    9 => "names of data segments",
                    _ => "other names",
                };
                items.add(ItemKind::Name, (contents + size - start) as u64, what);
                continue;
            }
            reader.u32()?;
            items.add(ItemKind::Header, (reader.position() - start) as u64, "names of functions");
            while reader.position() < contents + size {
                let first = reader.position();
                let index = reader.u32()? as usize;
                let name = String::from_utf8_lossy(reader.string()?);
                let (file, node) = owners.get(index).copied().unwrap_or_default();
                let name = if node.is_some() { "".into() } else { name };
                items.add_of(ItemKind::Name, (reader.position() - first) as u64, file, node, name);
            }
        }
        Ok(())
    };
    // It was written by this link. If it cannot be read, the rest is one item.
    let _ = step();
}

/// File and node of each function of the output, imported ones first.
fn owners_of_functions(items: &Items<'_>) -> Vec<(Option<u32>, Option<u32>)> {
    let layout = items.layout;
    let mut owners = vec![(None, None); layout.imports.functions as usize];
    for &id in &layout.imports.symbols {
        let index = layout.indices.of_symbol(layout.program, &layout.imports, id);
        let is_function = layout.program.get(id).kind == SymbolKind::Function && index != NONE;
        if let Some(owner) = owners.get_mut(index as usize).filter(|_| is_function) {
            owner.1 = items.map.node(items.graph.numbering.of_symbol(id));
        }
    }
    owners.extend(layout.indices.functions.iter().map(|function| match *function {
        OutputFunction::Synthetic(id) => (None, items.map.node(items.graph.numbering.of_synthetic(id))),
        OutputFunction::Input(object, index) => {
            (Some(object.0), items.node_of(Target::new(object, SymbolKind::Function, index)))
        }
    }));
    owners
}
