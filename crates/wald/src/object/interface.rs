//! Checks whether two versions of an object are equivalent for resolution. If so, the results of resolution stay valid. If they also
//! have the same references, so do those of garbage collection.

use super::tables::{Import, InputFunction, InputSegment, Object, ObjectSymbol};
use crate::index::ByteRange;

impl Object {
    /// Whether resolution cannot tell the two apart: the same symbols, imports, signatures, comdat groups and
    /// constructors. What functions and data hold may differ.
    pub fn has_interface_of(&self, other: &Object) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        let text = |a: ByteRange, b: ByteRange| a.of(&self.bytes) == b.of(&other.bytes);
        let symbol = |(a, b): (&ObjectSymbol, &ObjectSymbol)| {
            (a.kind, a.flags, a.name, a.element) == (b.kind, b.flags, b.name, b.element)
                && (!a.is_common() || (a.size, a.offset) == (b.size, b.offset))
                && (a.is_defined() || text(a.text, b.text))
        };
        let function = |(a, b): (&InputFunction, &InputFunction)| {
            (a.type_index, a.comdat, a.symbol) == (b.type_index, b.comdat, b.symbol)
        };
        let segment = |(a, b): (&InputSegment, &InputSegment)| (a.flags, a.comdat) == (b.flags, b.comdat);
        self.types == other.types
            && self.comdats == other.comdats
            && self.called_directly == other.called_directly
            && self.legacy_function_table == other.legacy_function_table
            && self.memory_is_64 == other.memory_is_64
            && self.tags == other.tags
            && same(&self.symbols, &other.symbols, symbol)
            && same(&self.functions, &other.functions, function)
            && same(&self.segments, &other.segments, segment)
            && same(&self.globals, &other.globals, |(a, b)| a.of == b.of)
            && same(&self.tables, &other.tables, |(a, b)| a.of == b.of)
            && same(&self.custom_sections, &other.custom_sections, |(a, b)| a.comdat == b.comdat)
            && same(&self.init_functions, &other.init_functions, |(a, b)| {
                (a.priority, a.symbol) == (b.priority, b.symbol)
            })
            && self.has_imports_of(other)
    }

    fn has_imports_of(&self, other: &Object) -> bool {
        fn names<T: PartialEq>(a: &[Import<T>], a_bytes: &[u8], b: &[Import<T>], b_bytes: &[u8]) -> bool {
            same(a, b, |(a, b)| {
                a.of == b.of
                    && a.module.of(a_bytes) == b.module.of(b_bytes)
                    && a.field.of(a_bytes) == b.field.of(b_bytes)
            })
        }
        let (a, b, a_bytes, b_bytes) = (&self.imports, &other.imports, &*self.bytes, &*other.bytes);
        names(&a.functions, a_bytes, &b.functions, b_bytes)
            && names(&a.tables, a_bytes, &b.tables, b_bytes)
            && names(&a.globals, a_bytes, &b.globals, b_bytes)
            && names(&a.tags, a_bytes, &b.tags, b_bytes)
    }

    /// Whether functions and segments refer to the same symbols in the same order. Asked of objects with the same
    /// interface.
    pub fn has_references_of(&self, other: &Object) -> bool {
        let references = |a: ByteRange, b: ByteRange| {
            let of = |object: &'_ Object, range| {
                object.relocations(range).map(|r| (r.kind, r.index)).collect::<Vec<_>>()
            };
            of(self, a) == of(other, b)
        };
        same(&self.functions, &other.functions, |(a, b)| references(a.relocations, b.relocations))
            && same(&self.segments, &other.segments, |(a, b)| references(a.relocations, b.relocations))
    }
}

fn same<T>(a: &[T], b: &[T], alike: impl Fn((&T, &T)) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(alike)
}
