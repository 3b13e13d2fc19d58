//! Marks what will probably be live before all inputs exist, as if the missing ones were empty.
//!
//! Libraries come last and contain the entry point, so almost nothing is reachable until they are linked. A link that waits
//! therefore resolves all inputs that exist, despite gaps. What they keep alive is also live in the whole link, if every
//! linked object is linked there too and every followed symbol maps to the same chunk: more files only add roots and
//! references. [`SpeculativeMarks::fit`] checks this and renumbers, in a fraction of the time of marking.

use std::cell::Cell;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use crate::bit_set::SharedBitSet;
use crate::chunks::{Chunks, Range, Target};
use crate::index::{NameId, ObjectId, SymbolId};
use crate::mark_live::{Marks, Sets};
use crate::object::InputSection;
use crate::options::Options;
use crate::symbols::{LinkedObject, SymbolTable};
use crate::timing::Timer;

/// Symbols and marks of the files that exist.
#[derive(Clone)]
pub struct SpeculativeMarks {
    contents: Arc<Contents>,
    /// The number of inputs that existed.
    pub inputs: usize,
}

struct Contents {
    table: SymbolTable,
    chunks: Chunks,
    marks: Marks,
    /// The symbols that something live refers to and that have a chunk: name and chunk. `None` if a name has several variants,
    /// which is too rare to support.
    followed: Option<Vec<(NameId, Target)>>,
}

impl SpeculativeMarks {
    /// Marks in `table`, which knows so many inputs; `earlier` are marks of its first files.
    pub fn new(options: &Options, table: SymbolTable, inputs: usize, earlier: Option<Marks>) -> Self {
        let chunks = Chunks::new(&table);
        let marks = Marks::advance(options, &table, &chunks, earlier);
        let follow = |number: usize| {
            let id = SymbolId::new(number);
            let name = table.get(id).name;
            (table.find(name) == Some(id)).then_some((name, chunks.of_symbol(id)?))
        };
        let followed = marks.sets.symbols.numbers().into_iter().map(follow).collect();
        SpeculativeMarks { contents: Arc::new(Contents { table, chunks, marks, followed }), inputs }
    }

    /// Objects, and whether each function is live.
    pub fn objects(&self) -> impl Iterator<Item = (&LinkedObject, impl Fn(usize) -> bool + Sync + '_)> + '_ {
        let Contents { table, chunks, marks, .. } = &*self.contents;
        table.objects.iter().enumerate().map(move |(position, linked)| {
            let id = ObjectId::new(position);
            (linked, move |function| marks.is_function_live(chunks, id, function))
        })
    }

    /// The bytes of everything that is linked but merged strings.
    pub fn size(&self, options: &Options) -> u64 {
        let Contents { table, chunks, marks, .. } = &*self.contents;
        let strips_debug = options.strip_debug || options.strip_all;
        let size_of = |(position, linked): (usize, &LinkedObject)| {
            let (id, object) = (ObjectId::new(position), linked.object());
            let functions = object.functions.iter().enumerate();
            let functions = functions.filter(|&(at, _)| marks.is_function_live(chunks, id, at));
            let segments = object.segments.iter().enumerate();
            let segments =
                segments.filter(|&(at, _)| marks.sets.segments.contains(chunks.segments.of(id, at)));
            let sections = object.custom_sections.iter().filter(|section| {
                let name = section.name.of(&object.bytes);
                let is_unwanted =
                    strips_debug && name.starts_with(b".debug_") || InputSection::is_consumed(name);
                !is_unwanted && !InputSection::has_strings(name) && !linked.is_discarded(section.comdat)
            });
            let ranges = functions.map(|(_, function)| function.range);
            let ranges = ranges.chain(segments.map(|(_, segment)| segment.data));
            let names =
                object.prepared.get().filter(|_| !strips_debug).map_or(0, |prepared| prepared.names.len());
            let ranges = ranges.chain(sections.map(|section| section.data));
            ranges.map(|range| u64::from(range.len)).sum::<u64>() + names as u64
        };
        table.objects.par_iter().enumerate().map(size_of).sum()
    }

    /// The marks for the whole link, if they fit it. An event records whether they do.
    pub fn fit(&self, symbols: &SymbolTable, chunks: &Chunks, timer: &Timer) -> Option<Marks> {
        let held = Cell::new(false);
        let detail = || if held.get() { "held" } else { "failed" }.to_owned();
        timer.task("guess", detail, || {
            let marks = self.renumber(symbols, chunks);
            held.set(marks.is_some());
            marks
        })
    }

    fn renumber(&self, symbols: &SymbolTable, chunks: &Chunks) -> Option<Marks> {
        if symbols.references_changed {
            return None;
        }
        let known = &*self.contents;
        let objects = known.find_objects(symbols)?;
        let mut sets = Sets::new(false);
        sets.grow(symbols, chunks, false);
        let (_, fits) = rayon::join(
            || known.move_chunks(&objects, chunks, &sets),
            || known.move_symbols(&objects, symbols, chunks, &sets),
        );
        fits?;
        // They were just checked.
        Some(Marks { sets, targets: Vec::new() })
    }
}

impl Contents {
    /// Maps each object to its number in the whole link.
    fn find_objects(&self, symbols: &SymbolTable) -> Option<Vec<ObjectId>> {
        let address = |linked: &LinkedObject| std::ptr::from_ref(linked.object()) as usize;
        let all = symbols.objects.iter().enumerate();
        let by_address: HashMap<usize, usize> = all.map(|(id, linked)| (address(linked), id)).collect();
        // An object that is on the command line twice counts as two.
        if by_address.len() != symbols.objects.len() {
            return None;
        }
        let find = |linked: &LinkedObject| {
            let id = *by_address.get(&address(linked))?;
            let found = &symbols.objects[id];
            let same =
                found.kept_comdats == linked.kept_comdats && found.live_from_start == linked.live_from_start;
            same.then(|| ObjectId::new(id))
        };
        self.table.objects.iter().map(find).collect()
    }

    fn move_chunks(&self, objects: &[ObjectId], chunks: &Chunks, sets: &Sets) {
        let (old, old_chunks) = (&self.marks.sets, &self.chunks);
        let kinds: [(&SharedBitSet, &Range, &SharedBitSet, &Range); 5] = [
            (&old.functions, &old_chunks.functions, &sets.functions, &chunks.functions),
            (&old.segments, &old_chunks.segments, &sets.segments, &chunks.segments),
            (&old.globals, &old_chunks.globals, &sets.globals, &chunks.globals),
            (&old.tags, &old_chunks.tags, &sets.tags, &chunks.tags),
            (&old.tables, &old_chunks.tables, &sets.tables, &chunks.tables),
        ];
        for (from, from_range, to, to_range) in kinds {
            for (old, &new) in objects.iter().enumerate() {
                let (start, end) =
                    (from_range.of(ObjectId::new(old), 0), from_range.of(ObjectId::new(old + 1), 0));
                to.copy_from(from, start..end, to_range.of(new, 0));
            }
        }
        for object in old.objects.numbers() {
            sets.objects.insert(objects[object].at());
        }
    }

    /// `None` if a symbol maps to something else.
    fn move_symbols(
        &self,
        objects: &[ObjectId],
        symbols: &SymbolTable,
        chunks: &Chunks,
        sets: &Sets,
    ) -> Option<()> {
        // Which of several symbols of a name is meant depends on signatures, and so on all inputs. It is too rare to support.
        let tables = [&self.table, symbols];
        let ambiguous: HashSet<NameId> =
            tables.iter().flat_map(|table| &table.names_with_variants).copied().collect();
        let find = |name: NameId| symbols.find(name).filter(|_| !ambiguous.contains(&name));
        self.followed.as_ref()?.par_iter().with_min_len(1024).try_for_each(|&(name, target)| {
            let id = find(name)?;
            let object = *objects.get(target.object().at())?;
            let expected = Target::new(object, target.kind(), target.position() as u32);
            if chunks.of_symbol(id) != Some(expected) {
                return None;
            }
            sets.symbols.insert(id.at());
            Some(())
        })?;
        let old = &self.marks.sets;
        for (from, to) in [(&old.waiting, &sets.waiting), (&old.waiting_addresses, &sets.waiting_addresses)] {
            for number in from.numbers() {
                let name = self.table.symbols[number].name;
                let is_only = self.table.find(name) == Some(SymbolId::new(number));
                to.insert(find(name).filter(|_| is_only)?.at());
            }
        }
        Some(())
    }
}
