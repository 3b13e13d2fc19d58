//! Explains relocations that cannot be applied: where they are, and what may help. One group of notes and helps per object and symbol
//! follows wasm-ld's lines about it.

use hashbrown::{HashMap, HashSet};

use crate::context::Context;
use crate::diagnostics::{Diagnostic, Diagnostics, Help, Location, Note};
use crate::display::display_name;
use crate::format::relocation::Relocation;
use crate::index::ObjectId;
use crate::input::Joined;
use crate::places::{self, File, Place};
use crate::program::Program;
use crate::recompile::{self, Flag};
use crate::scan_relocations::{Reason, Refused, Scan};
use crate::symbols::Reference;

/// So many groups are explained. More than the command shows by default.
const MOST_GROUPS: usize = 32;
/// So many places of each group are named.
const MOST_PLACES: usize = 3;
/// A group follows the last of its first lines, but no later than this many errors: wasm-ld shows no more by default.
const LAST_ERROR: usize = 20;

const POSITION_INDEPENDENT: Flag<'_> =
    Flag { clang: "-fPIC", or: "", rustc: "-C relocation-model=pic", and: "" };

/// Relocations of one object against one symbol.
struct Group {
    /// The first ones.
    shown: Vec<Refused>,
    count: usize,
    /// The diagnostic that the group follows.
    diagnostic: usize,
}

/// Adds notes and helps to the diagnostics about relocations.
pub fn explain(
    context: &Context<'_>,
    inputs: &Joined<'_>,
    program: Program<'_>,
    scan: &mut Scan,
    diagnostics: &mut Diagnostics,
) {
    let explanation = Explanation { context, inputs, program };
    explanation.explain(&scan.refused, |position, change| diagnostics.change(position, change));
    let impossible = &mut scan.impossible;
    explanation.explain(&scan.refused_by_wald, |position, change| {
        impossible.get_mut(position).into_iter().for_each(change);
    });
}

/// What explains relocations.
#[derive(Clone, Copy)]
struct Explanation<'a> {
    context: &'a Context<'a>,
    inputs: &'a Joined<'a>,
    program: Program<'a>,
}

impl<'a> Explanation<'a> {
    fn explain(self, refused: &[Refused], mut change: impl FnMut(usize, &mut dyn FnMut(&mut Diagnostic))) {
        let mut seen = HashSet::new();
        for group in group(refused) {
            let first = group.shown[0];
            let mut note = self.note(&group);
            for (refused, location) in group.shown.iter().zip(&note.locations) {
                change(refused.diagnostic, &mut |diagnostic| diagnostic.location = Some(location.clone()));
            }
            let mut definition = self.definition_note(first);
            // Once is enough for all symbols of an object.
            let is_first = first.reason != Reason::Absolute || seen.insert(first.object);
            let mut helps = if is_first { self.helps(first, definition.is_some()) } else { Vec::new() };
            change(group.diagnostic, &mut |diagnostic| {
                diagnostic.notes.push(std::mem::take(&mut note));
                diagnostic.notes.extend(definition.take());
                diagnostic.helps.append(&mut helps);
            });
        }
    }

    /// Names the places of a group.
    fn note(self, group: &Group) -> Note {
        let found: Vec<Place> = group.shown.iter().map(|refused| self.place(refused)).collect();
        let file = self.file(group.shown[0].object);
        let described = places::describe(&file, &found, self.context.options.demangle);
        let mut texts: Vec<String> = described.iter().map(|place| place.text.clone()).collect();
        // One line may have several relocations.
        texts.dedup();
        if group.count > described.len() {
            texts.push(format!("and {} more", group.count - described.len()));
        }
        let locations: Vec<Location> = described.into_iter().map(|place| place.location).collect();
        Note::new(texts.join("; ")).with_locations(locations)
    }

    /// Where the definition is that a relocation should not refer to.
    fn definition_note(self, refused: Refused) -> Option<Note> {
        let linked = &self.program.objects[refused.object.at()];
        let (Reason::ThreadLocal, Reference::Global(id)) = (refused.reason, linked.reference(refused.index))
        else {
            return None;
        };
        let symbol = self.program.get(id);
        let (definer, own) = self.program.definition(symbol)?;
        if own.flags.is_tls() {
            return None;
        }
        let file = self.file(definer);
        let place = Place::of_definition(file.object, symbol.index.0);
        let described = places::describe(&file, &[place], self.context.options.demangle).pop()?;
        let text = format!("the definition is not thread-local: {}", described.text);
        Some(Note::new(text).with_locations(vec![described.location]))
    }

    fn helps(self, refused: Refused, is_defined_otherwise: bool) -> Vec<Help> {
        let file = self.file(refused.object);
        match refused.reason {
            Reason::ThreadLocal if is_defined_otherwise => {
                let name = self.name(refused);
                vec![Help::new(format!("define {name} as _Thread_local, too, or declare it without"))]
            }
            Reason::Absolute => recompile::with_flag(&[file], POSITION_INDEPENDENT),
            Reason::RelativeToNothing => {
                let name = self.name(refused);
                vec![Help::new(format!(
                    "define {name} in this link, or declare it without hidden visibility: then another module can define it"
                ))]
            }
            _ => Vec::new(),
        }
    }

    /// The symbol's name as messages show it.
    fn name(self, refused: Refused) -> String {
        let linked = &self.program.objects[refused.object.at()];
        match linked.reference(refused.index) {
            Reference::Global(id) => self.context.display(self.program.get(id).name),
            Reference::Local(own) => {
                display_name(linked.own(own).name_in(linked.object()), self.context.options.demangle)
            }
        }
    }

    fn file(self, object: ObjectId) -> File<'a> {
        File::linked(&self.program.objects[object.at()], &self.inputs.files)
    }

    /// The place of a relocation.
    fn place(self, refused: &Refused) -> Place {
        let live = self.relocations(refused.object, true);
        let is_it = |(place, entry): &(Place, Relocation)| {
            let is_right = refused.reason != Reason::NotAtRunTime || matches!(place, Place::Data { .. });
            is_right && entry.kind == refused.kind && entry.index == refused.index
        };
        let mut found = live.filter(is_it).map(|(place, _)| place);
        // Calls are checked in code that is not live, too.
        let mut all = self.relocations(refused.object, false).filter(is_it).map(|(place, _)| place);
        found.nth(refused.before).or_else(|| all.next()).unwrap_or(Place::Whole)
    }

    /// The relocations of an object in the order in which they are scanned.
    fn relocations(self, id: ObjectId, only_live: bool) -> impl Iterator<Item = (Place, Relocation)> + 'a {
        let Program { chunks, live, .. } = self.program;
        let object = self.program.objects[id.at()].object();
        let functions = (0..object.functions.len())
            .filter(move |&at| !only_live || live.functions.contains(chunks.functions.of(id, at)));
        let segments = (0..object.segments.len())
            .filter(move |&at| !only_live || live.segments.contains(chunks.segments.of(id, at)));
        let code = functions.flat_map(move |function| {
            let place = move |offset| Place::Code { function, offset };
            object
                .relocations(object.functions[function].relocations)
                .map(move |entry| (place(entry.offset), entry))
        });
        let data = segments.flat_map(move |segment| {
            let of = &object.segments[segment];
            object.relocations(of.relocations).map(move |entry| {
                (Place::Data { segment, offset: entry.offset.saturating_sub(of.offset_base) }, entry)
            })
        });
        let sections = (0..object.custom_sections.len()).flat_map(move |section| {
            let relocations = object.relocations(object.custom_sections[section].relocations);
            relocations.map(move |entry| (Place::Section(section), entry))
        });
        code.chain(data).chain(sections)
    }
}

/// The relocations by object, symbol and reason, in the order of the first ones.
fn group(refused: &[Refused]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut position_of = HashMap::new();
    for (number, one) in refused.iter().enumerate() {
        let position = *position_of.entry((one.object, one.index, one.reason)).or_insert_with(|| {
            groups.push(Group { shown: Vec::new(), count: 0, diagnostic: one.diagnostic });
            groups.len() - 1
        });
        let group = &mut groups[position];
        group.count += 1;
        if group.shown.len() < MOST_PLACES {
            group.shown.push(*one);
        }
        // Only the first lines about it, without others in between.
        if one.diagnostic == group.diagnostic + 1 && number < LAST_ERROR {
            group.diagnostic = one.diagnostic;
        }
    }
    groups.truncate(MOST_GROUPS);
    groups
}
