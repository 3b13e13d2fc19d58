//! Checks whether two versions of an object are equivalent for resolution. If so, the results of resolution stay valid. If they also
//! have the same references, so do those of garbage collection; and if they have the same shape, so does the layout.

use super::tables::{Import, InputFunction, InputSection, InputSegment, Object, ObjectSymbol};
use crate::format::relocation::RelocationType;
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
            && self.legacy_function_table == other.legacy_function_table
            && self.memory_is_64 == other.memory_is_64
            && self.tags == other.tags
            && same(&self.symbols, &other.symbols, symbol)
            && self.has_calls_of(other)
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

    /// Whether the same symbols are called directly. Of local ones, resolution does not know.
    fn has_calls_of(&self, other: &Object) -> bool {
        let mut symbols = self.symbols.iter().enumerate().filter(|(_, symbol)| !symbol.flags.is_local());
        self.called_directly == other.called_directly
            || symbols.all(|(index, _)| self.calls_directly(index) == other.calls_directly(index))
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

    /// Whether functions refer to the same symbols in the same order. Asked of objects with the same interface.
    pub fn has_code_references_of(&self, other: &Object) -> bool {
        let alike = |(a, b): (&InputFunction, &InputFunction)| {
            self.references(a.relocations).eq(other.references(b.relocations))
        };
        same(&self.functions, &other.functions, alike)
    }

    /// The same for segments.
    pub fn has_data_references_of(&self, other: &Object) -> bool {
        let alike = |(a, b): (&InputSegment, &InputSegment)| {
            self.references(a.relocations).eq(other.references(b.relocations))
        };
        same(&self.segments, &other.segments, alike)
    }

    fn references(&self, range: ByteRange) -> impl Iterator<Item = (RelocationType, u32)> + '_ {
        self.relocations(range).map(|relocation| (relocation.kind, relocation.index))
    }

    /// Whether the strings of debug sections are the same, too.
    pub fn has_debug_strings_of(&self, other: &Object) -> bool {
        same(&self.custom_sections, &other.custom_sections, |(a, b)| {
            !InputSection::has_strings(a.name.of(&self.bytes))
                || a.data.of(&self.bytes) == b.data.of(&other.bytes)
        })
    }

    /// Whether the layout of a link cannot tell the two apart: names, and sizes and places of data, are the same, too. Instructions,
    /// bytes of data, addends and the contents of custom sections may differ. Asked of objects with the same interface and references; the
    /// layout must not contain code that the linker makes of relocations.
    pub fn has_shape_of(&self, other: &Object) -> bool {
        let text = |a: ByteRange, b: ByteRange| a.of(&self.bytes) == b.of(&other.bytes);
        let optional = |a: Option<ByteRange>, b: Option<ByteRange>| match (a, b) {
            (Some(a), Some(b)) => text(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let symbol = |(a, b): (&ObjectSymbol, &ObjectSymbol)| {
            (a.offset, a.size) == (b.offset, b.size) && text(a.text, b.text)
        };
        let function = |(a, b): (&InputFunction, &InputFunction)| {
            (a.asks, a.has_debug_name) == (b.asks, b.has_debug_name)
                && text(a.name, b.name)
                && optional(a.export_name, b.export_name)
        };
        let segment = |(a, b): (&InputSegment, &InputSegment)| {
            (a.alignment, a.data.len, a.family, a.asks) == (b.alignment, b.data.len, b.family, b.asks)
                && text(a.name, b.name)
                // Where strings are depends on what they are.
                && (!a.has_strings() || text(a.data, b.data))
        };
        let section = |(a, b): (&InputSection, &InputSection)| {
            text(a.name, b.name) && (a.relocations.len > 0) == (b.relocations.len > 0)
        };
        self.properties == other.properties
            && self.data_knows_code == other.data_knows_code
            && self.function_references == other.function_references
            && same(&self.symbols, &other.symbols, symbol)
            && same(&self.functions, &other.functions, function)
            && same(&self.segments, &other.segments, segment)
            && same(&self.custom_sections, &other.custom_sections, section)
            && same(&self.globals, &other.globals, |(a, b)| text(a.init, b.init))
    }
}

fn same<T>(a: &[T], b: &[T], alike: impl Fn((&T, &T)) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(alike)
}
