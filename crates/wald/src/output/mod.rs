//! The output, section after section: planned first, then made in parallel.
//!
//! [`plan`] decides which sections there are, in which order, and how large each is; [`write()`] makes them, either all in memory or in
//! parts that a [`Sink`] takes. A new output section gets a file here and a line in [`plan`].

mod build_id;
mod code;
pub mod custom;
mod data;
mod dylink;
mod imports;
mod linking;
mod metadata;
mod moved;
mod names;
mod plan;
mod relocations;
mod sections;
mod string_ends;
mod window;

use hashbrown::HashMap;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::format::{section, HEADER};
use crate::incremental::is_output_worth_keeping;
use crate::index::SymbolId;
use crate::layout::Layout;
use crate::options::Options;
use crate::relocate::{CustomValues, Relocator, SectionOffsets, SymbolValues};
use crate::result::Sink;
use crate::timing::Timer;
use plan::{Body, Origin};
use window::{copy_bytes, send_bytes, Pieces, Work};

pub use code::CodePlan;
pub use moved::KeptOutput;
pub use names::synthetic_name as synthetic_global_name;
pub use plan::{OutputSection, Plan, Replaced, SectionContents};

/// Whether a plan can be adapted to objects of other contents: only code, data and objects' custom sections are made of these.
pub fn is_adaptable(options: &Options) -> bool {
    !options.keeps_relocations() && !options.merges_code_metadata() && !options.compress_relocations
}

/// Decides on all sections. `earlier` is a plan for the same layout, what was replaced since, and the output of that plan. The result has
/// the output if this one is to be made out of it.
pub fn plan(
    layout: &Layout<'_>,
    earlier: Option<(Plan, Replaced, KeptOutput)>,
    timer: &Timer,
) -> (Plan, Option<KeptOutput>) {
    match earlier {
        Some((plan, replaced, output)) => {
            let plan = adapt(layout, plan, &replaced, timer);
            let is_kept = layout.strings.is_kept() && is_output_worth_keeping(plan.size);
            (plan, is_kept.then_some(output))
        }
        None => (plan_all(layout, timer), None),
    }
}

/// Adapts a plan to replaced objects.
fn adapt(layout: &Layout<'_>, mut plan: Plan, replaced: &Replaced, timer: &Timer) -> Plan {
    let strings = match replaced.changes_strings {
        true => Vec::new(),
        false => custom::take_strings(&plan.custom, &mut plan.section_offsets),
    };
    let mut origin = Origin::new(&mut plan, replaced);
    let replaced = &replaced.objects[..];
    let Plan { values, code, names, sections, first_custom, .. } = &mut plan;
    let (_, (custom, section_offsets)) = rayon::join(
        || {
            values.update(layout, replaced);
            origin.shifts = code.update(layout, replaced);
            origin.names_changed =
                names.as_mut().map_or_else(Vec::new, |names| names.update(layout, replaced));
        },
        || timer.task("plan custom sections", String::new, || custom::plan(layout, strings)),
    );
    if let Some(section) = sections.iter_mut().find(|section| matches!(section.body, Body::Code)) {
        *section = OutputSection::new(section::CODE, b"", code.size, Body::Code);
    }
    // An edit can make custom sections empty, or the first of them of another name.
    sections.retain(|section| !matches!(section.body, Body::Custom(_)));
    sections.splice(*first_custom..*first_custom, custom_sections(&custom));
    let size = place(sections);
    Plan { custom, section_offsets, origin: Some(origin), size, ..plan }
}

fn custom_sections(plans: &[custom::CustomPlan]) -> impl Iterator<Item = OutputSection> + '_ {
    plans.iter().enumerate().map(|(position, custom)| {
        OutputSection::new(section::CUSTOM, &custom.name, custom.size, Body::Custom(position))
    })
}

fn plan_all(layout: &Layout<'_>, timer: &Timer) -> Plan {
    let (values, (custom, section_offsets)) = rayon::join(
        || timer.task("look up symbols", String::new, || SymbolValues::new(layout)),
        || timer.task("plan custom sections", String::new, || custom::plan(layout, Vec::new())),
    );
    let ((code, elements), names) = rayon::join(
        || {
            let code = timer.task("plan code", String::new, || CodePlan::new(layout, &values));
            (code, timer.task("elements", String::new, || sections::elements(layout)))
        },
        || timer.task("plan names", String::new, || names::plan(layout)),
    );
    let mut sections = Vec::new();
    add_custom(&mut sections, b"dylink.0", dylink::dylink(layout));
    let mut small = |id: u8, bytes: Option<Vec<u8>>| {
        if let Some(bytes) = bytes {
            sections.push(OutputSection::new(id, b"", bytes.len() as u64, Body::Bytes(bytes)));
        }
    };
    small(section::TYPE, sections::types(layout));
    small(section::IMPORT, imports::imports(layout));
    small(section::FUNCTION, sections::functions(layout));
    small(section::TABLE, sections::tables(layout));
    small(section::MEMORY, sections::memory(layout));
    small(section::TAG, sections::tags(layout));
    small(section::GLOBAL, sections::globals(layout));
    small(section::EXPORT, sections::exports(layout));
    small(section::START, sections::start(layout));
    small(section::ELEM, elements);
    small(section::DATACOUNT, sections::data_count(layout));
    let metadata = metadata::plan(layout, &values);
    metadata.sections.into_iter().for_each(|(name, bytes)| add_custom(&mut sections, &name, Some(bytes)));
    if !layout.indices.functions.is_empty() {
        sections.push(OutputSection::new(section::CODE, b"", code.size, Body::Code));
    }
    if let Some(size) = data::size(layout) {
        sections.push(OutputSection::new(section::DATA, b"", size, Body::Data));
    }
    let first_custom = sections.len();
    sections.extend(custom_sections(&custom));
    let segment_headers = data::headers(layout);
    let mut unwritable = Vec::new();
    if layout.options.keeps_relocations() {
        let values = (&values, &code, &section_offsets);
        unwritable = add_linking_sections(layout, values, &custom, &segment_headers, &mut sections);
    }
    if let Some(names) = &names {
        sections.push(OutputSection::new(section::CUSTOM, b"name", names.size, Body::Names));
    }
    add_custom(&mut sections, b"producers", sections::producers(layout));
    add_custom(&mut sections, b"target_features", sections::target_features(layout));
    if let Some(size) = build_id::size(&layout.options.build_id) {
        sections.push(OutputSection::new(section::CUSTOM, b"build_id", size, Body::BuildId));
    }
    let size = place(&mut sections);
    Plan {
        values,
        sections,
        code,
        custom,
        names,
        section_offsets,
        first_custom,
        segment_headers,
        metadata_errors: metadata.errors,
        unwritable,
        origin: None,
        size,
    }
}

/// Adds a custom section that the linker makes, if there is one.
fn add_custom(sections: &mut Vec<OutputSection>, name: &[u8], bytes: Option<Vec<u8>>) {
    if let Some(bytes) = bytes {
        let (size, body) = (bytes.len() as u64, Body::Bytes(bytes));
        sections.push(OutputSection::new(section::CUSTOM, name, size, body));
    }
}

/// Gives the sections their places in the file. The file's size.
fn place(sections: &mut [OutputSection]) -> u64 {
    let mut size = HEADER.len() as u64;
    for section in sections {
        section.offset = size;
        size = section.end();
    }
    size
}

/// Adds the symbol table and the relocations of all sections so far. Gives the symbols that cannot be written.
fn add_linking_sections(
    layout: &Layout<'_>,
    (values, code, offsets): (&SymbolValues, &CodePlan, &SectionOffsets),
    custom: &[custom::CustomPlan],
    segment_headers: &HashMap<u32, (u64, u64)>,
    sections: &mut Vec<OutputSection>,
) -> Vec<SymbolId> {
    let symbols = linking::OutputSymbols::new(layout);
    let positions = sections.len() - custom.len()..sections.len();
    let linking = linking::linking(layout, &symbols, positions);
    let relocator = Relocator::new(layout, values, &code.offsets, offsets);
    let mut section_of = HashMap::new();
    for (position, plan) in custom.iter().enumerate() {
        section_of.extend(plan.inputs.iter().map(|&(object, index, _)| ((object, index), position)));
    }
    let (symbols, relocator, section_of) = (&symbols, &relocator, &section_of);
    let emitter = relocations::Emitter { layout, relocator, symbols, section_of };
    let mut added = vec![("linking".to_string(), linking)];
    for (position, section) in sections.iter().enumerate() {
        let (name, entries) = match section.body {
            Body::Code => ("CODE".into(), emitter.code(position, code)),
            Body::Data => ("DATA".into(), emitter.data(position, segment_headers)),
            Body::Custom(number) => {
                (String::from_utf8_lossy(&section.name), emitter.custom(position, &custom[number]))
            }
            _ => continue,
        };
        added.extend(entries.map(|entries| (format!("reloc.{name}"), entries)));
    }
    for (name, bytes) in added {
        add_custom(sections, name.as_bytes(), Some(bytes));
    }
    symbols.without_index(layout)
}

/// No section, and no offset in it, may exceed what the format can say; names must be UTF-8.
/// See <https://webassembly.github.io/spec/core/binary/values.html#names>.
pub fn check(layout: &Layout<'_>, plan: &Plan, diagnostics: &mut Diagnostics) -> Result<(), LinkFailure> {
    sections::check_externals(layout, diagnostics);
    string_ends::check(layout, diagnostics);
    sections::check_export_names(layout, diagnostics);
    sections::check_table_size(layout, diagnostics);
    diagnostics.extend(plan.metadata_errors.iter().cloned());
    // Whatever made a section: its name is an object's.
    let named = plan.sections.iter().filter(|section| section.id == section::CUSTOM);
    for section in named.filter(|section| std::str::from_utf8(&section.name).is_err()) {
        let name = String::from_utf8_lossy(&section.name);
        let message = format!("name of custom section is not valid UTF-8: {name}");
        let mut diagnostic = Diagnostic::error(Code::Layout, message);
        if let Some((path, offset)) = first_of_name(layout, &section.name) {
            diagnostic = diagnostic.blame(path, Some(u64::from(offset)));
        }
        diagnostics.push(diagnostic);
    }
    code::check_compressible(layout, diagnostics);
    for &id in &plan.unwritable {
        let name = String::from_utf8_lossy(layout.names.text(layout.program.get(id).name.0));
        let message = format!("symbol that is neither defined nor imported cannot be kept: {name}");
        diagnostics.push(layout.program.blame(id, Diagnostic::error(Code::Layout, message)));
    }
    for section in plan.sections.iter().filter(|section| section.size > u64::from(u32::MAX) - 64) {
        let name = match section.id {
            section::CUSTOM => String::from_utf8_lossy(&section.name).into_owned(),
            id => section::name(id).to_string(),
        };
        let message = format!("output section {name} is too large: {} bytes", section.size);
        diagnostics.push(Diagnostic::error(Code::Layout, message));
    }
    diagnostics.check()
}

/// The first object with a custom section of this name, and the name's offset in the object.
fn first_of_name<'l>(layout: &'l Layout<'_>, name: &[u8]) -> Option<(&'l str, u32)> {
    layout.program.objects.iter().find_map(|linked| {
        let object = linked.object();
        let mut sections = object.custom_sections.iter();
        let section = sections
            .find(|section| section.name.of(&object.bytes) == name && !linked.is_discarded(section.comdat))?;
        Some((&*linked.path, section.name.start))
    })
}

/// Where the output goes.
pub enum Room<'s> {
    /// Memory for the whole output.
    Memory(&'s mut [u8]),
    /// Somewhere else, part by part.
    Parts(&'s dyn Sink),
}

/// Makes room for the output. Too little memory is an error like any other.
pub fn make_room<'s>(
    layout: &Layout<'_>,
    plan: &Plan,
    sink: &'s mut dyn Sink,
    diagnostics: &mut Diagnostics,
) -> Result<Room<'s>, LinkFailure> {
    let size = plan.size;
    if !build_id::reads_output(&layout.options.build_id) && sink.takes_parts(size) {
        return Ok(Room::Parts(sink));
    }
    let place =
        usize::try_from(size).ok().and_then(|size| sink.place(size).filter(|place| place.len() == size));
    place.map(Room::Memory).ok_or_else(|| {
        let message = format!("no memory for an output of {size} bytes");
        diagnostics.fail(Diagnostic::error(Code::Layout, message))
    })
}

/// Makes the output. If the links before and after are alike, `kept` is the last output, and becomes this one.
pub fn write(
    layout: &Layout<'_>,
    plan: &Plan,
    room: Room<'_>,
    kept: Option<KeptOutput>,
    timer: &Timer,
    diagnostics: &mut Diagnostics,
) -> Result<Option<KeptOutput>, LinkFailure> {
    let cancel = diagnostics.cancel_token();
    let relocator = Relocator::new(layout, &plan.values, &plan.code.offsets, &plan.section_offsets);
    let custom_values = timer.task("custom values", String::new, || CustomValues::new(&relocator));
    let values = (&custom_values, &plan.section_offsets);
    let (kept, old_values) = kept.map(|kept| (kept.bytes, kept.values)).unzip();
    let old_values = old_values.unwrap_or_default();
    let make = |work: &Work<'_>, slice: &mut [u8]| {
        timer.task("write", String::new, || match work {
            Work::Bytes(bytes) => slice.copy_from_slice(bytes),
            Work::Zeros => slice.fill(0),
            Work::Functions(range) => plan.code.write(layout, &relocator, range.clone(), slice),
            Work::SegmentParts(segment, parts) => {
                data::write(layout, &relocator, *segment, parts.clone(), slice);
            }
            Work::CustomParts(section, parts) => {
                plan.custom[*section].write(layout, &relocator, values, parts.clone(), slice);
            }
            Work::Names(part) => plan.names.iter().for_each(|names| names.write(layout, *part, slice)),
            Work::Kept(_) => {}
            Work::Moved(section, input, _) => {
                let values = (&old_values, &custom_values);
                plan.custom[*section].patch_moved(layout, &relocator, values, *input, slice);
            }
        });
    };
    let finished = kept.and_then(|mut bytes| {
        let pieces = match &plan.origin {
            Some(origin) if !bytes.is_empty() => {
                let other = |body, pieces: &mut _| add_pieces(layout, plan, body, pieces);
                moved::pieces(layout, plan, origin, (&old_values, &custom_values), other)
            }
            _ => pieces(layout, plan),
        };
        pieces.renew(&mut bytes, &cancel, &make).then_some(bytes)
    });
    match (room, &finished) {
        (Room::Parts(sink), Some(bytes)) => send_bytes(bytes, sink, &cancel),
        (Room::Parts(sink), None) => pieces(layout, plan).send(sink, &cancel, &make),
        (Room::Memory(memory), finished) => {
            match finished {
                Some(bytes) => copy_bytes(bytes, memory),
                None => pieces(layout, plan).fill(memory, &cancel, &make),
            }
            diagnostics.check()?;
            let id = plan.sections.iter().find(|section| matches!(section.body, Body::BuildId));
            if let Some(section) = id {
                build_id::complete(&layout.options.build_id, section.contents_offset() as usize, memory);
            }
        }
    }
    diagnostics.check()?;
    Ok(finished.map(|bytes| KeptOutput { bytes, values: custom_values }))
}

/// All of the output. The build id has blanks.
fn pieces<'p>(layout: &'p Layout<'_>, plan: &'p Plan) -> Pieces<'p> {
    let mut pieces = Pieces::default();
    pieces.add_bytes(&HEADER[..]);
    for section in &plan.sections {
        pieces.add_bytes(&section.header);
        add_pieces(layout, plan, &section.body, &mut pieces);
        debug_assert_eq!(pieces.size(), section.end());
    }
    pieces
}

/// The contents of a section.
fn add_pieces<'p>(layout: &'p Layout<'_>, plan: &'p Plan, body: &'p Body, pieces: &mut Pieces<'p>) {
    match body {
        Body::Bytes(bytes) => pieces.add_bytes(bytes),
        Body::Code => plan.code.add_pieces(pieces),
        Body::Data => data::add_pieces(layout, pieces),
        Body::Custom(position) => plan.custom[*position].add_pieces(*position, pieces),
        Body::Names => plan.names.iter().for_each(|names| names.add_pieces(pieces)),
        Body::BuildId => pieces.add_bytes(build_id::contents(&layout.options.build_id)),
    }
}
