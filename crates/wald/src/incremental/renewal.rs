//! Frees names that nothing uses any more. Interners only grow; a linker that is kept for thousands of edits, each of which
//! brings new names, would grow with them.
//!
//! Names die when an input is replaced or removed. When they may be half of all, the names of the inputs that are left move to new
//! interners, and ids in parsed inputs are changed to those that the names have there.

use std::sync::Arc;

use super::policy;
use crate::index::{NameId, SignatureId};
use crate::input::{Candidate, ParsedInput};
use crate::names::Snapshot;
use crate::object::{Interners, Object, ObjectSymbol, SharedLibrary};

/// Decides when names are freed.
#[derive(Default)]
pub struct Renewal {
    /// The size of the interners when all that was in them was in use; 0 until it is known.
    in_use: usize,
}

impl Renewal {
    /// Whether names may be worth freeing. Those that are there when it is first asked count as used.
    pub fn is_due(&mut self, interners: &Interners) -> bool {
        let size = size_of(interners);
        if self.in_use == 0 {
            self.in_use = size;
        }
        policy::is_worth_renewing(size, self.in_use)
    }

    /// Frees the names that these inputs do not use. Nothing else may have an id, or a part of an input. Objects that are in use
    /// elsewhere leave everything as it is.
    pub fn renew<'i>(
        &mut self,
        interners: &mut Interners,
        inputs: impl Iterator<Item = &'i mut ParsedInput>,
    ) {
        let mut candidates: Vec<&mut Candidate> = inputs.flat_map(|input| &mut input.candidates).collect();
        if candidates.iter_mut().any(|candidate| candidate.is_shared_elsewhere()) {
            return;
        }
        let new = Interners::default();
        let translation = Translation {
            names: interners.names.snapshot(),
            signatures: interners.signatures.snapshot(),
            new: &new,
        };
        candidates.iter_mut().for_each(|candidate| candidate.translate(&translation));
        drop(translation);
        *interners = new;
        self.in_use = size_of(interners);
    }
}

fn size_of(interners: &Interners) -> usize {
    interners.names.size() + interners.signatures.size()
}

/// From ids of one pair of interners to those of another.
struct Translation<'a> {
    names: Snapshot<'a>,
    signatures: Snapshot<'a>,
    new: &'a Interners,
}

impl Translation<'_> {
    fn name(&self, id: &mut NameId) {
        if *id != ObjectSymbol::UNNAMED {
            *id = NameId(self.new.names.intern(self.names.text(id.0)));
        }
    }

    fn signature(&self, id: &mut SignatureId) {
        *id = SignatureId(self.new.signatures.intern(self.signatures.text(id.0)));
    }
}

impl Candidate {
    fn is_shared_elsewhere(&mut self) -> bool {
        self.parsed_mut().is_some_and(|object| Arc::get_mut(object).is_none())
    }

    fn translate(&mut self, to: &Translation<'_>) {
        self.defined.iter_mut().for_each(|name| to.name(name));
        if let Some(library) = &mut self.shared {
            library.translate(to);
        }
        if let Some(bitcode) = &mut self.bitcode {
            bitcode.names.iter_mut().chain(&mut bitcode.comdats).for_each(|name| to.name(name));
        }
        if let Some(object) = self.parsed_mut().and_then(Arc::get_mut) {
            object.translate(to);
        }
    }
}

impl SharedLibrary {
    fn translate(&mut self, to: &Translation<'_>) {
        for symbol in &mut self.symbols {
            to.name(&mut symbol.name);
            symbol.signature.iter_mut().for_each(|signature| to.signature(signature));
        }
    }
}

impl Object {
    fn translate(&mut self, to: &Translation<'_>) {
        self.types.iter_mut().for_each(|signature| to.signature(signature));
        self.symbols.iter_mut().for_each(|symbol| to.name(&mut symbol.name));
        self.comdats.iter_mut().for_each(|name| to.name(name));
        let properties = &mut self.properties;
        properties.features.iter_mut().chain(&mut properties.producers).for_each(|name| to.name(name));
    }
}
