//! Flat numbering of all objects' functions, segments, globals, tags, tables and custom sections, so that what
//! a phase knows of each is one array or one bit set; and the chunk of each symbol.

use rayon::prelude::*;

use crate::format::SymbolKind;
use crate::index::{ObjectId, SymbolId};
use crate::symbols::{AnySymbol, LinkedObject, Resolution, Symbol, SymbolTable};

/// Start of each object's numbers, and at the end the total.
#[derive(Clone, Debug, Default)]
pub struct Range(Vec<u32>);

impl Range {
    fn new(counts: impl Iterator<Item = usize>) -> Self {
        let mut starts = vec![0];
        let mut total = 0u32;
        for count in counts {
            total += count as u32;
            starts.push(total);
        }
        Range(starts)
    }

    /// Number of an object's item.
    #[inline]
    pub fn of(&self, object: ObjectId, item: usize) -> usize {
        self.0[object.at()] as usize + item
    }

    /// How many items there are in all objects.
    pub fn total(&self) -> usize {
        self.0.last().copied().unwrap_or(0) as usize
    }
}

/// The numbering.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    /// Defined functions.
    pub functions: Range,
    /// Data segments.
    pub segments: Range,
    /// Defined globals.
    pub globals: Range,
    /// Defined tags.
    pub tags: Range,
    /// Defined tables.
    pub tables: Range,
    /// Custom sections.
    pub sections: Range,
    /// The chunk of each symbol that an object defines.
    of_symbol: Vec<Target>,
}

/// A chunk: its object, its kind and its position among the object's chunks of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The object; the kind in the top bits, which no number of objects reaches.
    kind_and_object: u32,
    position: u32,
}

impl Target {
    /// No chunk.
    pub const NONE: Target = Target { kind_and_object: u32::MAX, position: 0 };
    const OBJECT_BITS: u32 = 29;

    /// The chunk of this kind at this position.
    #[inline]
    pub fn new(object: ObjectId, kind: SymbolKind, position: u32) -> Self {
        debug_assert!(object.0 < 1 << Self::OBJECT_BITS);
        Target { kind_and_object: (kind as u32) << Self::OBJECT_BITS | object.0, position }
    }

    /// Whose it is.
    #[inline]
    pub fn object(self) -> ObjectId {
        ObjectId(self.kind_and_object & ((1 << Self::OBJECT_BITS) - 1))
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> SymbolKind {
        // Only Target::NONE has no kind, and is never asked.
        SymbolKind::from_number((self.kind_and_object >> Self::OBJECT_BITS) as u8)
            .unwrap_or(SymbolKind::Section)
    }

    /// Position among the object's chunks of this kind.
    #[inline]
    pub fn position(self) -> usize {
        self.position as usize
    }
}

fn target(symbols: &SymbolTable, symbol: &Symbol) -> Target {
    match (symbol.resolution, symbol.file) {
        (Resolution::Object, Some(file)) if symbol.chunk != Symbol::NO_CHUNK => {
            let object = symbols.object_of(file);
            object.map_or(Target::NONE, |object| Target::new(object, symbol.kind, symbol.chunk))
        }
        _ => Target::NONE,
    }
}

impl Chunks {
    /// Numbers everything in the objects of `symbols`, whose definitions are final.
    pub fn new(symbols: &SymbolTable) -> Self {
        let all = symbols.symbols.par_iter().with_min_len(4096);
        let of_symbol = all.map(|symbol| target(symbols, symbol)).collect();
        Chunks { of_symbol, ..Chunks::number(&symbols.objects) }
    }

    /// The chunk of each symbol, or [`Target::NONE`].
    pub fn targets(&self) -> &[Target] {
        &self.of_symbol
    }

    /// The chunk that defined a symbol when resolution was done. `None` for a symbol that the linker has defined since.
    #[inline]
    pub fn of_symbol(&self, id: SymbolId) -> Option<Target> {
        self.of_symbol.get(id.at()).copied().filter(|&target| target != Target::NONE)
    }

    /// The object's function that a symbol names, by [`Chunks::functions`]. `None` if no object defined it when resolution
    /// was done.
    pub fn function_of(&self, symbols: &SymbolTable, symbol: AnySymbol) -> Option<usize> {
        match symbol {
            AnySymbol::Local(object, index) => {
                let linked = &symbols.objects[object.at()];
                let function = linked.object().defined_function(linked.own(index).element);
                Some(self.functions.of(object, function))
            }
            AnySymbol::Global(id) => {
                let target = self.of_symbol(id).filter(|target| target.kind() == SymbolKind::Function)?;
                Some(self.functions.of(target.object(), target.position()))
            }
        }
    }

    fn number(objects: &[LinkedObject]) -> Self {
        let range = |count: fn(&LinkedObject) -> usize| Range::new(objects.iter().map(count));
        Chunks {
            functions: range(|o| o.object().functions.len()),
            segments: range(|o| o.object().segments.len()),
            globals: range(|o| o.object().globals.len()),
            tags: range(|o| o.object().tags.len()),
            tables: range(|o| o.object().tables.len()),
            sections: range(|o| o.object().custom_sections.len()),
            of_symbol: Vec::new(),
        }
    }
}
