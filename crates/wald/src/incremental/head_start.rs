//! What a link is given of earlier work.

use std::sync::Arc;

use super::speculative_marks::SpeculativeMarks;
use super::string_pools::{Pools, Source};
use crate::chunks::Chunks;
use crate::mark_live::Marks;
use crate::merge_strings::MergedStrings;
use crate::resolve::Folded;
use crate::symbols::SymbolTable;
use crate::timing::Timer;

/// Results of earlier work, from which a link continues. A link from nothing only gets the resolved files.
pub struct HeadStart {
    /// All files, resolved.
    pub folded: Folded,
    /// What was marked.
    pub marks: EarlierMarks,
    /// Merged strings of custom sections.
    pub strings: EarlierStrings,
}

/// Strings that were merged before the link.
#[derive(Clone)]
pub struct EarlierStrings {
    pub(super) pools: Arc<Pools>,
    pub(super) keep: bool,
}

impl EarlierStrings {
    /// Whether later links will reuse what this one does.
    pub fn is_kept(&self) -> bool {
        self.keep
    }

    /// Merges the strings of all sections with a name.
    pub fn merge(&self, name: &[u8], sources: &[Source]) -> MergedStrings {
        self.pools.merge(name, sources, self.keep)
    }
}

/// Marks from before the link, which may fit it.
pub struct EarlierMarks {
    /// What the first files keep alive.
    pub(super) first: Option<Marks>,
    /// What the files that existed keep alive.
    pub(super) speculative: Option<SpeculativeMarks>,
}

impl EarlierMarks {
    /// The marks from which marking can continue.
    pub fn fit(self, symbols: &SymbolTable, chunks: &Chunks, timer: &Timer) -> Option<Marks> {
        let fitting = self.speculative.and_then(|speculative| speculative.fit(symbols, chunks, timer));
        fitting.or(self.first)
    }
}
