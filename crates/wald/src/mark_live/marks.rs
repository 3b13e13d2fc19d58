//! What some of the files keep alive: a start for marking with more files.

use super::sets::Sets;
use crate::chunks::{Chunks, Target};
use crate::index::ObjectId;
use crate::symbols::SymbolTable;

/// What the files so far keep alive. More files only add to it, unless their definitions replace earlier ones.
#[derive(Clone)]
pub struct Marks {
    pub(crate) sets: Sets,
    /// The chunk of each symbol.
    pub(crate) targets: Vec<Target>,
}

impl Marks {
    /// Whether the files so far keep a function of an object alive.
    pub fn is_function_live(&self, chunks: &Chunks, object: ObjectId, function: usize) -> bool {
        self.sets.functions.contains(chunks.functions.of(object, function))
    }

    /// Whether all followed symbols still map to the same chunks, and roots by name are still roots.
    pub(super) fn still_hold(&self, symbols: &SymbolTable, chunks: &Chunks) -> bool {
        if symbols.references_changed {
            return false;
        }
        if symbols.redirected.iter().any(|(_, id)| self.sets.symbols.contains_checked(id.at())) {
            return false;
        }
        let targets = self.targets.iter().zip(chunks.targets()).enumerate();
        let moved = |(position, (old, new)): (usize, (&Target, &Target))| {
            old != new && *old != Target::NONE && self.sets.symbols.contains(position)
        };
        self.targets.len() <= chunks.targets().len() && !targets.into_iter().any(moved)
    }
}
