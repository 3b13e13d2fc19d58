//! Source lines of functions, from the line tables of their objects.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::graph::Graph;
use super::nodes::NodeMap;
use crate::chunks::Target;
use crate::diagnostics::SourcePosition;
use crate::format::SymbolKind;
use crate::index::ObjectId;
use crate::layout::Layout;
use crate::report::Report;
use crate::source_lines::{for_each_row, range_of};

/// Gives the functions of objects with debug information their lines.
pub(super) fn add_lines(report: &mut Report, layout: &Layout<'_>, graph: &Graph<'_>, map: &NodeMap) {
    let objects = layout.program.objects.par_iter().enumerate();
    let lines: Vec<Vec<(u32, SourcePosition)>> =
        objects.map(|(position, _)| of_object(layout, ObjectId::new(position), graph, map)).collect();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for (node, SourcePosition { file, line, .. }) in lines.into_iter().flatten() {
        let number = *numbers.entry_ref(&*file).or_insert_with(|| {
            report.source_files.push(file.clone());
            report.source_files.len() as u32 - 1
        });
        report.nodes[node as usize].source = Some((number, line));
    }
}

/// The first line of each function of an object that is a node.
fn of_object(
    layout: &Layout<'_>,
    id: ObjectId,
    graph: &Graph<'_>,
    map: &NodeMap,
) -> Vec<(u32, SourcePosition)> {
    let object = layout.program.objects[id.at()].object();
    // Functions are in the order of their code.
    let functions = object.functions.iter().enumerate().filter_map(|(position, function)| {
        let number = graph.numbering.of_chunk(Target::new(id, SymbolKind::Function, position as u32))?;
        Some((range_of(function), map.node(number)?))
    });
    let functions: Vec<_> = functions.collect();
    if functions.is_empty() {
        return Vec::new();
    }
    let mut first: Vec<Option<(u64, SourcePosition)>> = vec![None; functions.len()];
    for_each_row(object, |row| {
        let after = functions.partition_point(|(range, _)| u64::from(range.start) <= row.range.start);
        let Some(position) = after.checked_sub(1) else { return true };
        let is_inside = row.range.start < u64::from(functions[position].0.end);
        let is_first = first[position].as_ref().is_none_or(|(start, _)| row.range.start < *start);
        if is_inside && is_first {
            if let Some(source) = row.position() {
                first[position] = Some((row.range.start, source));
            }
        }
        true
    });
    let found = first.into_iter().zip(functions);
    found.filter_map(|(source, (_, node))| Some((node, source?.1))).collect()
}
