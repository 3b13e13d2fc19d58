//! Parses the archive members that will be needed, in parallel, before resolution asks for them one by one.
//!
//! Whoever has parsed an object looks for the members that define what it leaves undefined, and has them parsed too. Only speed
//! depends on this: resolution itself parses what was not foreseen, and what was parsed in vain is not linked.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;

use rayon::prelude::*;
use rayon::Scope;

use crate::index::FileId;
use crate::input::Candidate;
use crate::object::{Interners, Object};
use crate::timing::Timer;

/// The owner of a name that no lazy file defines, or that an object defines which is linked anyway.
const NONE: u32 = u32::MAX;

/// Parses the members that the other files need; see the head of this module.
pub fn prefetch_members(interners: &Interners, files: &[&Candidate], timer: &Timer) {
    if !files.iter().any(|file| file.lazy) {
        return;
    }
    let eager: Vec<&Object> =
        files.iter().filter(|file| !file.lazy).filter_map(|file| file.parsed().map(Arc::as_ref)).collect();
    let is_wanted = files.iter().map(|_| AtomicBool::new(false)).collect();
    let prefetch = Prefetch { interners, files, timer, owners: owners(files, &eager), is_wanted };
    rayon::scope(|scope| {
        eager.par_iter().with_min_len(MANY).for_each(|object| prefetch.follow(object, scope));
    });
}

/// So many objects are worth another thread.
const MANY: usize = 64;

/// The lazy file that defines each name.
fn owners(files: &[&Candidate], eager: &[&Object]) -> Vec<AtomicU32> {
    let lazy = || files.iter().enumerate().filter(|(_, file)| file.lazy);
    let largest = lazy().flat_map(|(_, file)| &file.defined).map(|name| name.at()).max();
    let mut owners = vec![NONE; largest.map_or(0, |largest| largest + 1)];
    for (position, file) in lazy() {
        for &name in &file.defined {
            let owner = &mut owners[name.at()];
            *owner = (*owner).min(FileId::new(position).0);
        }
    }
    let owners: Vec<AtomicU32> = owners.into_iter().map(AtomicU32::new).collect();
    eager.par_iter().with_min_len(MANY).for_each(|object| {
        for symbol in object.symbols.iter().filter(|s| s.is_defined() && !s.flags.is_local()) {
            if let Some(owner) = owners.get(symbol.name.at()) {
                owner.store(NONE, Ordering::Relaxed);
            }
        }
    });
    owners
}

struct Prefetch<'p> {
    interners: &'p Interners,
    files: &'p [&'p Candidate],
    timer: &'p Timer,
    /// By name. That of a name that somebody has asked for is [`NONE`], too.
    owners: Vec<AtomicU32>,
    is_wanted: Vec<AtomicBool>,
}

impl Prefetch<'_> {
    /// Has the files parsed that define what `object` leaves undefined.
    fn follow<'s>(&'s self, object: &Object, scope: &Scope<'s>) {
        // Relaxed: the files are there already, and whoever takes one parses it.
        for symbol in object.symbols.iter().filter(|s| !s.is_defined() && !s.flags.is_weak()) {
            let Some(owner) = self.owners.get(symbol.name.at()) else { continue };
            if owner.load(Ordering::Relaxed) == NONE {
                continue;
            }
            let file = owner.swap(NONE, Ordering::Relaxed) as usize;
            if self.is_wanted.get(file).is_some_and(|wanted| !wanted.swap(true, Ordering::Relaxed)) {
                scope.spawn(move |scope| self.fetch(self.files[file], scope));
            }
        }
    }

    fn fetch<'s>(&'s self, file: &Candidate, scope: &Scope<'s>) {
        if file.bitcode.is_some() {
            return;
        }
        self.timer.task("parse", || file.display(), || _ = file.object(self.interners));
        if let Some(object) = file.parsed() {
            self.follow(object, scope);
        }
    }
}
