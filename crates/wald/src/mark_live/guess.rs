//! What will probably be live, found out before all inputs are there: as if the missing ones were empty.
//!
//! Libraries stand last on the command line and are there first, and hardly anything is reached before they are linked: the
//! entry is in one. So a link that waits resolves what is there without regard to the gaps. What that keeps alive is alive
//! in the whole link too, as long as every object that was linked is linked then, and every symbol that was followed leads
//! to the same chunk: more files only add roots and references. [`Guess::fit`] checks this and renumbers, which takes a
//! small part of the time of marking.

use std::cell::Cell;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::{Marks, Sets};
use crate::bit_set::SharedBitSet;
use crate::chunks::{Chunks, Range, Target};
use crate::index::{NameId, ObjectId, SymbolId};
use crate::options::Options;
use crate::symbols::{LinkedObject, SymbolTable};
use crate::timing::Timer;

/// Symbols and marks of the files that are there.
#[derive(Clone)]
pub struct Guess {
    contents: Arc<Contents>,
    /// How many inputs were there.
    pub inputs: usize,
}

struct Contents {
    table: SymbolTable,
    chunks: Chunks,
    marks: Marks,
}

impl Guess {
    /// Marks in `table`, which knows the first `inputs`; `earlier` are marks of its first files.
    pub fn new(options: &Options, table: SymbolTable, inputs: usize, earlier: Option<Marks>) -> Self {
        let chunks = Chunks::new(&table);
        let marks = Marks::advance(options, &table, &chunks, earlier);
        Guess { contents: Arc::new(Contents { table, chunks, marks }), inputs }
    }

    /// Objects, and whether each function is live.
    pub fn objects(&self) -> impl Iterator<Item = (&LinkedObject, impl Fn(usize) -> bool + Sync + '_)> + '_ {
        let Contents { table, chunks, marks } = &*self.contents;
        table.objects.iter().enumerate().map(move |(position, linked)| {
            let id = ObjectId::new(position);
            (linked, move |function| marks.is_function_live(chunks, id, function))
        })
    }

    /// How many bytes the output will have, about.
    pub fn output_size(&self) -> u64 {
        let Contents { table, chunks, marks } = &*self.contents;
        marks.bytes_of(table, chunks)
    }

    /// The marks for the whole link, where the guess was right: an event tells whether it was.
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
        let known = &*self.contents;
        let objects = known.find_objects(symbols)?;
        let mut sets = Sets::new(false);
        sets.grow(symbols, chunks, false);
        let (_, fits) = rayon::join(
            || known.move_chunks(&objects, chunks, &sets),
            || known.move_symbols(&objects, symbols, chunks, &sets),
        );
        fits?;
        // Whether they hold was just found out.
        Some(Marks { sets, targets: Vec::new() })
    }
}

impl Contents {
    /// What each object is in the whole link.
    fn find_objects(&self, symbols: &SymbolTable) -> Option<Vec<ObjectId>> {
        let address = |linked: &LinkedObject| std::ptr::from_ref(linked.object()) as usize;
        let all = symbols.objects.iter().enumerate();
        let by_address: HashMap<usize, usize> = all.map(|(id, linked)| (address(linked), id)).collect();
        // An object that stands on the command line twice is two.
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
            // Numbers grow with the objects, so this goes through the objects once.
            let mut object = 0;
            for number in from.numbers() {
                while from_range.of(ObjectId::new(object + 1), 0) <= number {
                    object += 1;
                }
                let position = number - from_range.of(ObjectId::new(object), 0);
                to.insert(to_range.of(objects[object], position));
            }
        }
        for object in old.objects.numbers() {
            sets.objects.insert(objects[object].at());
        }
    }

    /// `None` where a symbol leads elsewhere.
    fn move_symbols(
        &self,
        objects: &[ObjectId],
        symbols: &SymbolTable,
        chunks: &Chunks,
        sets: &Sets,
    ) -> Option<()> {
        let redirected: HashSet<NameId> = symbols.redirected.iter().map(|&(name, _)| name).collect();
        let find = |number: usize| -> Option<SymbolId> {
            let name = self.table.symbols[number].name;
            // A name that leads to several symbols, by the signatures: rare, and not worth it. Who refers to which depends on all
            // inputs.
            if redirected.contains(&name) {
                return None;
            }
            (self.table.find(name) == Some(SymbolId::new(number))).then(|| symbols.find(name)).flatten()
        };
        let old = &self.marks.sets;
        old.symbols.numbers().par_iter().with_min_len(1024).try_for_each(|&number| {
            let id = find(number)?;
            let target = self.chunks.of_symbol(SymbolId::new(number))?;
            let object = *objects.get(target.object().at())?;
            let expected = Target::new(object, target.kind(), target.position() as u32);
            if chunks.of_symbol(id) != Some(expected) {
                return None;
            }
            sets.symbols.insert(id.at());
            Some(())
        })?;
        for (from, to) in [(&old.waiting, &sets.waiting), (&old.waiting_addresses, &sets.waiting_addresses)] {
            for number in from.numbers() {
                to.insert(find(number)?.at());
            }
        }
        Some(())
    }
}
