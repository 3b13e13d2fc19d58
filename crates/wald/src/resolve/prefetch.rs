//! Parses the archive members that will be needed, in parallel, before resolution asks for them one by one.
//!
//! Starting from the names that objects leave undefined, each wave parses the members that define them; the
//! names those leave undefined are the next wave. Only speed depends on this: resolution itself parses what
//! was not foreseen, and what was parsed in vain is not linked.

use rayon::prelude::*;

use crate::index::{FileId, NameId};
use crate::input::Candidate;
use crate::object::{Interners, Object};
use crate::timing::Timer;

const NONE: u32 = u32::MAX;
const DEFINED: u32 = u32::MAX - 1;

/// Who defines each name: [`NONE`], [`DEFINED`] by an object that is linked anyway, or a lazy file.
struct Owners(Vec<u32>);

impl Owners {
    fn slot(&mut self, name: NameId) -> &mut u32 {
        if name.at() >= self.0.len() {
            self.0.resize((name.at() + 1).next_power_of_two(), NONE);
        }
        &mut self.0[name.at()]
    }
}

/// Parses the members that the other files need; see the head of this module.
pub fn prefetch_members(interners: &Interners, files: &[&Candidate], timer: &Timer) {
    if !files.iter().any(|file| file.lazy) {
        return;
    }
    let mut owners = Owners(Vec::new());
    for (position, file) in files.iter().enumerate().filter(|(_, file)| file.lazy) {
        for &name in &file.defined {
            let slot = owners.slot(name);
            if *slot == NONE {
                *slot = FileId::new(position).0;
            }
        }
    }
    let eager = || files.iter().filter(|file| !file.lazy).filter_map(|file| file.parsed());
    for object in eager() {
        for symbol in object.symbols.iter().filter(|s| s.is_defined() && !s.flags.is_local()) {
            *owners.slot(symbol.name) = DEFINED;
        }
    }
    let mut wanted = Vec::new();
    for object in eager() {
        want(object, &mut owners, &mut wanted);
    }
    while !wanted.is_empty() {
        wanted.par_iter().for_each(|&file| {
            let file = files[file as usize];
            timer.task("parse", || file.display(), || _ = file.object(interners));
        });
        let mut next = Vec::new();
        for &file in &wanted {
            if let Some(object) = files[file as usize].parsed() {
                want(object, &mut owners, &mut next);
            }
        }
        wanted = next;
    }
}

/// Adds the files that define what `object` leaves undefined.
fn want(object: &Object, owners: &mut Owners, wanted: &mut Vec<u32>) {
    for symbol in object.symbols.iter().filter(|s| !s.is_defined() && !s.flags.is_weak()) {
        let slot = owners.slot(symbol.name);
        if *slot < DEFINED {
            wanted.push(*slot);
            *slot = DEFINED;
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
}
