//! An object of the link. Only this file translates an object's symbol indices.

use std::sync::Arc;

use hashbrown::HashMap;

use super::reference::Reference;
use crate::bit_set::BitSet;
use crate::index::{FileId, ObjectSymbolIndex, SymbolId};
use crate::object::{Object, ObjectSymbol, Properties};

/// In [`LinkedObject::references`]: the object's own symbol.
const OWN: u32 = u32::MAX;

/// An object that is part of the link, with its symbols translated. A copy costs little: its tables are shared.
#[derive(Clone)]
pub struct LinkedObject {
    /// Which file it is.
    pub file: FileId,
    object: Arc<Object>,
    /// The object's: phases that only ask for these go through all objects without a look at each.
    pub properties: Properties,
    /// Path, or path and member, as wasm-ld prints it.
    pub path: Arc<str>,
    /// For each comdat group of the object, whether this object's copy is the one that is kept.
    pub kept_comdats: Arc<[bool]>,
    /// It stood on the command line (or in a whole archive): its constructors run in any case.
    pub live_from_start: bool,
    references: Arc<[u32]>,
}

impl LinkedObject {
    /// An object whose symbols are not translated yet.
    pub fn new(file: FileId, object: Arc<Object>, path: String, live_from_start: bool) -> Self {
        let (path, references, kept_comdats) = (path.into(), Arc::default(), Arc::default());
        let properties = object.properties;
        LinkedObject { file, object, properties, path, kept_comdats, live_from_start, references }
    }

    /// What was parsed.
    #[inline]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The same, to keep.
    pub fn shared_object(&self) -> &Arc<Object> {
        &self.object
    }

    /// Puts another object in its place, whose symbols are the same. Its path may differ: an archive may become an object.
    pub fn swap(&mut self, object: Arc<Object>, path: String) {
        self.properties = object.properties;
        self.object = object;
        self.path = path.into();
    }

    /// Translates the object's symbols.
    pub fn set_references(&mut self, references: &[Option<SymbolId>]) {
        self.references = references.iter().map(|reference| reference.map_or(OWN, |id| id.0)).collect();
    }

    /// What the object's symbol `index` refers to.
    #[inline]
    pub fn reference(&self, index: u32) -> Reference {
        match self.references[index as usize] {
            OWN => Reference::Local(ObjectSymbolIndex(index)),
            id => Reference::Global(SymbolId(id)),
        }
    }

    /// Whether any of its symbols is one of these.
    pub fn refers_to_any(&self, symbols: &BitSet) -> bool {
        self.references.iter().any(|&id| id != OWN && symbols.contains(id as usize))
    }

    /// Makes one of the object's symbols refer to another symbol.
    pub fn redirect(&mut self, index: u32, to: SymbolId) {
        if let Some(reference) = Arc::make_mut(&mut self.references).get_mut(index as usize) {
            *reference = to.0;
        }
    }

    /// Replaces references to the keys of `map` by its values.
    pub fn rewrite(&mut self, map: &HashMap<SymbolId, SymbolId>) {
        for reference in Arc::make_mut(&mut self.references) {
            if let Some(to) = map.get(&SymbolId(*reference)) {
                *reference = to.0;
            }
        }
    }

    /// The object's own entry for one of its symbols.
    #[inline]
    pub fn own(&self, index: ObjectSymbolIndex) -> &ObjectSymbol {
        &self.object.symbols[index.at()]
    }

    /// Whether a chunk in this comdat group is left out in favour of another object's.
    #[inline]
    pub fn is_discarded(&self, comdat: u32) -> bool {
        comdat != crate::object::NONE && !self.kept_comdats[comdat as usize]
    }
}
