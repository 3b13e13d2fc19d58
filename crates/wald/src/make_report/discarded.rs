//! What the linked objects have and the output has not.

use rayon::prelude::*;
use wald_demangle::Demangler;

use super::nodes::{chunk_name, demangled};
use crate::chunks::Target;
use crate::format::SymbolKind;
use crate::index::ObjectId;
use crate::layout::Layout;
use crate::object::ObjectSymbol;
use crate::report::{Absence, Discarded};
use crate::symbols::Reference;

/// All functions and data segments that are not live.
pub(super) fn discarded(layout: &Layout<'_>) -> Vec<Discarded> {
    let objects = layout.program.objects.par_iter().enumerate();
    let of_object =
        |demangler: &mut Demangler, (position, _)| of_object(layout, ObjectId::new(position), demangler);
    objects.map_init(Demangler::new, of_object).flatten_iter().collect()
}

fn of_object(layout: &Layout<'_>, id: ObjectId, demangler: &mut Demangler) -> Vec<Discarded> {
    let program = layout.program;
    let linked = &program.objects[id.at()];
    let object = linked.object();
    let functions = object.functions.iter().map(|function| (function.range.len, function.comdat));
    let segments = object.segments.iter().map(|segment| (segment.data.len, segment.comdat));
    let functions = functions.enumerate().map(|(at, of)| (SymbolKind::Function, at, of));
    let segments = segments.enumerate().map(|(at, of)| (SymbolKind::Data, at, of));
    let is_gone =
        |kind, at: usize| !program.live.is_chunk_live(program.chunks, Target::new(id, kind, at as u32));
    let gone: Vec<_> = functions.chain(segments).filter(|&(kind, at, _)| is_gone(kind, at)).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let names = Names::new(layout, id);
    let make = |(kind, at, (size, comdat))| {
        let target = Target::new(id, kind, at as u32);
        let symbol = names.of(kind, at);
        let name = match symbol {
            Some((_, symbol)) => symbol.name_in(object),
            None => chunk_name(object, target),
        };
        let name = String::from_utf8_lossy(name).into_owned();
        // The global symbol may be another object's.
        let owner = symbol.and_then(|(index, _)| match linked.reference(index) {
            Reference::Global(symbol) => program.definition(program.get(symbol)).map(|(owner, _)| owner),
            Reference::Local(_) => None,
        });
        let instead = owner.filter(|&owner| owner != id).map(|owner| owner.0);
        let absence = match instead {
            _ if linked.is_discarded(comdat) => Absence::OtherCopy,
            Some(_) => Absence::OtherDefinition,
            None => Absence::Unreachable,
        };
        let demangled = demangled(demangler, &name);
        let is_function = kind == SymbolKind::Function;
        Discarded { name, demangled, is_function, file: id.0, size: u64::from(size), absence, instead }
    };
    gone.into_iter().map(make).collect()
}

/// The first symbol of each function and segment of an object.
struct Names<'a> {
    functions: Vec<Option<(u32, &'a ObjectSymbol)>>,
    segments: Vec<Option<(u32, &'a ObjectSymbol)>>,
}

impl<'a> Names<'a> {
    fn new(layout: &'a Layout<'_>, id: ObjectId) -> Self {
        let object = layout.program.objects[id.at()].object();
        let mut names = Names {
            functions: vec![None; object.functions.len()],
            segments: vec![None; object.segments.len()],
        };
        for (index, symbol) in (0..).zip(&object.symbols) {
            let list = match symbol.kind {
                SymbolKind::Function => &mut names.functions,
                SymbolKind::Data => &mut names.segments,
                _ => continue,
            };
            let place = object.chunk_of(symbol).and_then(|position| list.get_mut(position as usize));
            if let Some(place) = place.filter(|place| place.is_none()) {
                *place = Some((index, symbol));
            }
        }
        names
    }

    fn of(&self, kind: SymbolKind, position: usize) -> Option<(u32, &'a ObjectSymbol)> {
        match kind {
            SymbolKind::Function => self.functions[position],
            _ => self.segments[position],
        }
    }
}
