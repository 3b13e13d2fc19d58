//! Explains undefined symbols: where each is referred to, and what may help. One group of notes and helps per symbol follows wasm-ld's
//! lines about it.

use hashbrown::{HashMap, HashSet};

use crate::context::Context;
use crate::diagnostics::{Diagnostic, Diagnostics, Help, Location, Note};
use crate::exceptions;
use crate::format::relocation::RelocationType;
use crate::hints::{Hints, Wanted};
use crate::index::{ObjectId, SymbolId};
use crate::input::Joined;
use crate::places::{self, Described, File, Place};
use crate::program::Program;
use crate::scan_relocations::UndefinedReference;
use crate::symbols::{Reference, SymbolTable};

/// So many symbols are explained. More than the command shows by default, and few enough that a failing link is not slower.
const MOST_SYMBOLS: usize = 32;
/// So many places of each symbol are named.
const MOST_PLACES: usize = 3;
/// The group follows the last line of the symbol's first lines, but no later than this many errors: wasm-ld shows no more by default.
const LAST_ERROR: usize = 20;

/// References to one symbol.
struct Group {
    symbol: SymbolId,
    /// The diagnostic that the group follows.
    diagnostic: usize,
    /// The first references, as positions in the list.
    shown: Vec<usize>,
    count: usize,
}

/// Adds notes and helps to the diagnostics about undefined symbols, and about `--export`: the names, and the positions of diagnostics.
pub fn explain(
    context: &Context<'_>,
    inputs: &Joined<'_>,
    table: &SymbolTable,
    program: Program<'_>,
    (exports, references): (&[(String, usize)], &[UndefinedReference]),
    diagnostics: &mut Diagnostics,
) {
    if exports.is_empty() && references.is_empty() {
        return;
    }
    let hints = Hints { options: context.options, interners: context.interners, table, files: &inputs.files };
    for (name, position) in exports.iter().take(MOST_SYMBOLS) {
        let advice = hints.about_export(name);
        diagnostics.change(*position, |diagnostic| advice.add_to(diagnostic));
    }
    let groups = group(references);
    let mut described = describe(context, inputs, program, references, &groups);
    let wanted: Vec<Wanted> = groups
        .iter()
        .map(|group| {
            let places = group.shown.iter().filter_map(|shown| described.get(shown));
            let locations: Vec<Location> = places.map(|place| place.location.clone()).collect();
            let name = program.get(group.symbol).name;
            Wanted { symbol: context.interners.names.with(name.0, <[u8]>::to_vec), locations }
        })
        .collect();
    let offers = hints.offers(context.libraries, &wanted);
    let helps = hints.helps(&wanted, &offers);
    for (group, helps) in groups.iter().zip(helps) {
        add(group, &mut described, helps, references, diagnostics);
    }
    let about_exceptions =
        groups.iter().zip(&wanted).find(|(_, wanted)| exceptions::is_about_exceptions(&wanted.symbol));
    if let Some((group, _)) = about_exceptions {
        let change = |diagnostic: &mut Diagnostic| exceptions::explain(inputs, program, diagnostic);
        diagnostics.change(group.diagnostic, change);
    }
}

/// The references by symbol, in the order of first reference.
fn group(references: &[UndefinedReference]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut position_of: HashMap<SymbolId, usize> = HashMap::new();
    for (number, reference) in references.iter().enumerate() {
        let symbol = reference.symbol;
        let position = *position_of.entry(symbol).or_insert_with(|| {
            groups.push(Group { symbol, diagnostic: reference.diagnostic, shown: Vec::new(), count: 0 });
            groups.len() - 1
        });
        let group = &mut groups[position];
        group.count += 1;
        if group.shown.len() < MOST_PLACES {
            group.shown.push(number);
        }
        // Only the first lines about it, without others in between.
        if reference.diagnostic == group.diagnostic + 1 && number < LAST_ERROR {
            group.diagnostic = reference.diagnostic;
        }
    }
    groups.truncate(MOST_SYMBOLS);
    groups
}

/// Describes the places of all groups, by their positions among the references.
fn describe(
    context: &Context<'_>,
    inputs: &Joined<'_>,
    program: Program<'_>,
    references: &[UndefinedReference],
    groups: &[Group],
) -> HashMap<usize, Described> {
    let shown: HashSet<usize> = groups.iter().flat_map(|group| group.shown.iter().copied()).collect();
    let objects: HashSet<ObjectId> = shown.iter().map(|&number| references[number].object).collect();
    let mut described = HashMap::new();
    // By object, the shown references in order, each with how many references of the same function to the same symbol precede it.
    let mut seen: HashMap<(ObjectId, u32, SymbolId), usize> = HashMap::new();
    let mut asked: HashMap<ObjectId, Vec<(usize, usize)>> = HashMap::new();
    for (number, reference) in references.iter().enumerate().filter(|(_, of)| objects.contains(&of.object)) {
        let before = seen.entry((reference.object, reference.function, reference.symbol)).or_default();
        if shown.contains(&number) {
            asked.entry(reference.object).or_default().push((number, *before));
        }
        *before += 1;
    }
    for (object, asked) in asked {
        let find = |&(number, before): &(usize, usize)| find(program, &references[number], before);
        let found: Vec<Place> = asked.iter().map(find).collect();
        let file = File::linked(&program.objects[object.at()], &inputs.files);
        let all = places::describe(&file, &found, context.options.demangle);
        described.extend(asked.iter().map(|&(number, _)| number).zip(all));
    }
    described
}

/// The place of a reference, if so many of the same function to the same symbol precede it.
fn find(program: Program<'_>, reference: &UndefinedReference, before: usize) -> Place {
    let linked = &program.objects[reference.object.at()];
    let object = linked.object();
    let is_it = |index: u32| linked.reference(index) == Reference::Global(reference.symbol);
    let of_function = (0..object.functions.len()).filter(|&function| {
        object.functions[function].symbol == reference.function
            && program.live.functions.contains(program.chunks.functions.of(reference.object, function))
    });
    let code = of_function.flat_map(|function| {
        let relocations = object.relocations(object.functions[function].relocations);
        let found =
            relocations.filter(|entry| entry.kind != RelocationType::TypeIndexLeb && is_it(entry.index));
        found.map(move |entry| Place::Code { function, offset: entry.offset })
    });
    let is_data = reference.function == u32::MAX;
    let segments = (0..object.segments.len()).filter(|&segment| {
        is_data && program.live.segments.contains(program.chunks.segments.of(reference.object, segment))
    });
    let data = segments.flat_map(|segment| {
        let of = &object.segments[segment];
        let found = object.relocations(of.relocations).filter(|entry| is_it(entry.index));
        found.map(move |entry| Place::Data { segment, offset: entry.offset.saturating_sub(of.offset_base) })
    });
    let sections = (0..object.custom_sections.len()).filter(|_| is_data).flat_map(|section| {
        let found = object.relocations(object.custom_sections[section].relocations);
        found.filter(|entry| is_it(entry.index)).map(move |_| Place::Section(section))
    });
    code.chain(data).chain(sections).nth(before).unwrap_or(Place::Whole)
}

/// Adds a group's note and helps.
fn add(
    group: &Group,
    described: &mut HashMap<usize, Described>,
    helps: Vec<Help>,
    references: &[UndefinedReference],
    diagnostics: &mut Diagnostics,
) {
    let places: Vec<Described> = group.shown.iter().filter_map(|shown| described.remove(shown)).collect();
    let mut texts: Vec<String> = places.iter().map(|place| place.text.clone()).collect();
    // One line may have several references.
    texts.dedup();
    if group.count > places.len() {
        texts.push(format!("and {} more", group.count - places.len()));
    }
    for (&shown, place) in group.shown.iter().zip(&places) {
        diagnostics.change(references[shown].diagnostic, |diagnostic| {
            diagnostic.location = Some(place.location.clone());
        });
    }
    let locations = places.into_iter().map(|place| place.location).collect();
    diagnostics.change(group.diagnostic, |diagnostic| {
        diagnostic.notes.push(Note::new(texts.join("; ")).with_locations(locations));
        diagnostic.helps.extend(helps);
    });
}
