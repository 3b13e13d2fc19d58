//! Makes the [`Report`] of a linked module, when all sizes and places are known.
//!
//! Nothing of a link is kept for it: what refers to what is read again from the relocations.

mod bytes;
mod data_parts;
mod discarded;
mod dominators;
mod duplicates;
mod explain;
mod graph;
mod items;
mod nodes;
mod patterns;
mod source;

use hashbrown::HashMap;

use crate::diagnostics::Diagnostics;
use crate::input::Joined;
use crate::layout::Layout;
use crate::messages::ExtractionReport;
use crate::output::Plan;
use crate::report::{library_name, ExtractedFor, File, Report};
use crate::text::Text;
use crate::timing::Timer;
use graph::Graph;
use nodes::NodeMap;

/// Adds the report to what the link says, if it was asked for.
pub(crate) fn add(
    layout: &Layout<'_>,
    plan: &Plan,
    inputs: &Joined<'_>,
    timer: &Timer,
    diagnostics: &mut Diagnostics,
) {
    if layout.options.makes_report() {
        let report = timer.phase("report", || make(layout, plan, inputs, diagnostics.extractions()));
        diagnostics.keep_report(report);
    }
}

/// Makes the report. The files of the link are `inputs`, also those that were not needed; `extractions` says why archive members were
/// linked.
fn make(
    layout: &Layout<'_>,
    plan: &Plan,
    inputs: &Joined<'_>,
    extractions: Option<&ExtractionReport>,
) -> Report {
    let options = layout.options;
    let graph = Graph::new(layout);
    let output = options.output.file_name().unwrap_or_default();
    let mut report = Report { output: output.into(), size: plan.size, ..Report::default() };
    report.files = files(layout, inputs, extractions);
    let map = NodeMap::new(&graph);
    report.nodes = nodes::nodes(layout, &graph, &map);
    source::add_lines(&mut report, layout, &graph, &map);
    (report.sections, report.items) = bytes::items(layout, plan, &graph, &map);
    nodes::add_sizes(&mut report, layout, &graph, &map);
    report.edges = nodes::edges(&graph, &map);
    nodes::add_retained(&mut report);
    for item in &report.items {
        if let Some(file) = item.file {
            report.files[file as usize].size += item.size;
        }
    }
    if options.want_report {
        report.discarded = discarded::discarded(layout);
        report.duplicates = duplicates::duplicates(layout, &graph, &map);
    }
    report.explanations = explain::explain((layout, plan, inputs), &graph, &map, &report);
    report
}

/// The linked objects.
fn files(layout: &Layout<'_>, inputs: &Joined<'_>, extractions: Option<&ExtractionReport>) -> Vec<File> {
    let mut extracted: HashMap<&str, ExtractedFor> = HashMap::new();
    for of in extractions.iter().flat_map(|report| &report.extractions) {
        let reason = || ExtractedFor { reference: of.reference.clone(), symbol: of.symbol.clone() };
        extracted.entry(&of.member).or_insert_with(reason);
    }
    let file = |linked: &crate::symbols::LinkedObject| {
        let display = Text::from(&*linked.path);
        // An object that was generated from bitcode is none of the inputs.
        let (path, member) = match inputs.files.get(linked.file.at()) {
            Some(candidate) => (Text::from(&*candidate.name.path), candidate.name.member.as_deref()),
            None => (display.clone(), None),
        };
        let member = member.map(Text::from);
        let library = library_name(&path, member.as_deref());
        File { library, path, member, extracted: extracted.remove(&*display), size: 0 }
    };
    layout.program.objects.iter().map(file).collect()
}
