//! Nodes: what garbage collection keeps as a whole, as far as it is in the output.

use rayon::prelude::*;
use wald_demangle::Demangler;

use super::dominators::immediate_dominators;
use super::graph::{Graph, Thing, NONE};
use crate::chunks::Target;
use crate::display::display_name_with;
use crate::format::SymbolKind;
use crate::index::SymbolId;
use crate::layout::Layout;
use crate::object::Object;
use crate::report::{Category, Edge, ItemKind, Node, NodeKind, Report, Step};
use crate::symbols::{Resolution, Synthetic};

/// Which nodes the report has.
pub(super) struct NodeMap {
    /// For each number of the graph its node, or [`NONE`].
    pub(super) of_number: Vec<u32>,
    /// For each node its number.
    pub(super) numbers: Vec<u32>,
}

impl NodeMap {
    /// Everything that is reached and in the output, nearest to a root first.
    pub(super) fn new(graph: &Graph<'_>) -> Self {
        let mut map = NodeMap { of_number: vec![NONE; graph.things.len()], numbers: Vec::new() };
        for &number in &graph.order {
            if graph.is_in_output(number) {
                map.of_number[number as usize] = map.numbers.len() as u32;
                map.numbers.push(number);
            }
        }
        map
    }

    /// The node of a number.
    pub(super) fn node(&self, number: u32) -> Option<u32> {
        self.of_number.get(number as usize).copied().filter(|&node| node != NONE)
    }
}

/// The demangled name, if it differs.
pub(super) fn demangled(demangler: &mut Demangler, name: &str) -> Option<String> {
    let shown = display_name_with(demangler, name.as_bytes(), true);
    (*shown != *name.as_bytes()).then(|| String::from_utf8_lossy(&shown).into_owned())
}

/// The nodes, without sizes.
pub(super) fn nodes(layout: &Layout<'_>, graph: &Graph<'_>, map: &NodeMap) -> Vec<Node> {
    let numbers = map.numbers.par_iter().with_min_len(256);
    let make = |demangler: &mut Demangler, &number: &u32| {
        let thing = graph.things[number as usize];
        let (kind, name) = describe(layout, thing);
        let demangled = match kind {
            NodeKind::Object => None,
            _ => demangled(demangler, &name),
        };
        let (step, from) = graph.reached[number as usize].unwrap_or((Step::Linker, NONE));
        let file = match thing {
            Thing::Chunk(target) => Some(target.object().0),
            Thing::Object(object) => Some(object.0),
            Thing::Synthetic(_) => None,
            Thing::Symbol(id) => file_of(layout, id),
        };
        let from = map.node(from);
        Node { kind, name, demangled, file, size: 0, retained: 0, step, from, source: None, text: None }
    };
    numbers.map_init(Demangler::new, make).collect()
}

/// The object that defines a symbol without a chunk.
fn file_of(layout: &Layout<'_>, id: SymbolId) -> Option<u32> {
    let symbol = layout.program.get(id);
    let file = symbol.file.filter(|_| symbol.resolution == Resolution::Object)?;
    layout.program.object_of(file).map(|object| object.0)
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn describe(layout: &Layout<'_>, thing: Thing) -> (NodeKind, String) {
    let program = layout.program;
    match thing {
        Thing::Chunk(target) => {
            let object = program.objects[target.object().at()].object();
            let kind = match target.kind() {
                SymbolKind::Function => NodeKind::Function,
                SymbolKind::Global => NodeKind::Global,
                SymbolKind::Tag => NodeKind::Tag,
                SymbolKind::Table => NodeKind::Table,
                SymbolKind::Data | SymbolKind::Section => NodeKind::Data,
            };
            (kind, lossy(chunk_name(object, target)))
        }
        Thing::Synthetic(id) => (NodeKind::LinkerFunction, lossy(&layout.function(id).name)),
        Thing::Object(object) => (NodeKind::Object, program.objects[object.at()].path.to_string()),
        Thing::Symbol(id) => {
            let symbol = program.get(id);
            let kind = match (symbol.kind, symbol.resolution) {
                _ if layout.imports.index_of(id).is_some() => NodeKind::Import,
                (SymbolKind::Data, Resolution::Object) if symbol.is_common() => NodeKind::Data,
                (_, Resolution::Synthetic(Synthetic::Global(_))) => NodeKind::Global,
                (_, Resolution::Synthetic(Synthetic::FunctionTable)) => NodeKind::Table,
                _ => NodeKind::Address,
            };
            (kind, lossy(layout.names.text(symbol.name.0)))
        }
    }
}

/// The name of a function, or of what a segment begins with.
pub(super) fn chunk_name(object: &Object, target: Target) -> &[u8] {
    let position = target.position();
    match target.kind() {
        SymbolKind::Function => {
            let function = &object.functions[position];
            let symbol = object.symbols.get(function.symbol as usize);
            symbol.map_or(function.name.of(&object.bytes), |symbol| symbol.name_in(object))
        }
        SymbolKind::Data => object.segments[position].name.of(&object.bytes),
        kind => {
            let imported = match kind {
                SymbolKind::Global => object.imports.globals.len(),
                SymbolKind::Tag => object.imports.tags.len(),
                _ => object.imports.tables.len(),
            };
            let element = (imported + position) as u32;
            let names = |s: &&crate::object::ObjectSymbol| s.kind == kind && s.element == element;
            object.symbols.iter().find(names).map_or(b"", |symbol| symbol.name_in(object))
        }
    }
}

/// Adds the sizes of items to their nodes, and names segments after their first symbol.
pub(super) fn add_sizes(report: &mut Report, layout: &Layout<'_>, graph: &Graph<'_>, map: &NodeMap) {
    let Report { nodes, items, .. } = report;
    for item in items.iter() {
        if let (Category::Code | Category::Data, Some(node)) = (item.category, item.node) {
            nodes[node as usize].size += item.size;
        }
    }
    // A segment with one symbol is that symbol.
    let mut named = vec![false; nodes.len()];
    let mut demangler = Demangler::new();
    let all = layout.program.objects.iter().enumerate();
    let symbols = all.flat_map(|(position, linked)| {
        linked.object().symbols.iter().map(move |symbol| (position, linked.object(), symbol))
    });
    for (position, object, symbol) in symbols {
        if !symbol.lies_in_segment() || symbol.offset != 0 {
            continue;
        }
        let object_id = crate::index::ObjectId::new(position);
        let target = Target::new(object_id, SymbolKind::Data, symbol.element);
        let node = graph.numbering.of_chunk(target).and_then(|number| map.node(number));
        if let Some(node) = node.filter(|&node| !std::mem::replace(&mut named[node as usize], true)) {
            let name = lossy(symbol.name_in(object));
            if !name.is_empty() {
                nodes[node as usize].demangled = demangled(&mut demangler, &name);
                nodes[node as usize].name = name;
            }
        }
    }
    for item in items.iter_mut().filter(|item| item.kind == ItemKind::Strings) {
        // The text of merged strings belongs to their segment.
        if let (Some(node), false) = (item.node, item.name.is_empty()) {
            nodes[node as usize].text = Some(std::mem::take(&mut item.name));
        }
    }
}

/// The references between nodes.
pub(super) fn edges(graph: &Graph<'_>, map: &NodeMap) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (from, &number) in map.numbers.iter().enumerate() {
        let first = edges.len();
        let to = graph.edges_of(number).iter().filter_map(|&(to, step)| Some((map.node(to)?, step)));
        edges.extend(to.map(|(to, step)| Edge { from: from as u32, to, step }));
        edges[first..].sort_unstable();
    }
    edges
}

/// Adds up what each node alone keeps.
pub(super) fn add_retained(report: &mut Report) {
    let Report { nodes, edges, .. } = report;
    let mut starts = vec![0usize; nodes.len() + 1];
    edges.iter().for_each(|edge| starts[edge.from as usize + 1] += 1);
    (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
    let targets: Vec<u32> = edges.iter().map(|edge| edge.to).collect();
    let roots = (0..).zip(nodes.iter()).filter(|(_, node)| node.from.is_none());
    let roots: Vec<u32> = roots.map(|(number, _)| number).collect();
    let successors = |node: u32| &targets[starts[node as usize]..starts[node as usize + 1]];
    let dominators = immediate_dominators(nodes.len(), &roots, successors);
    nodes.iter_mut().for_each(|node| node.retained = node.size);
    // A dominator is nearer to the roots than what it dominates, and so are the numbers of nodes.
    for node in (0..nodes.len()).rev() {
        if let Some(dominator) = nodes.get(dominators[node] as usize).map(|_| dominators[node] as usize) {
            nodes[dominator].retained += nodes[node].retained;
        }
    }
}
