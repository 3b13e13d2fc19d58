//! What symbols resolved to, looked up before anything is written.

use rayon::prelude::*;

use crate::chunks::Target;
use crate::format::SymbolKind;
use crate::index::{ObjectId, ObjectSymbolIndex, SymbolId};
use crate::layout::indices::NONE;
use crate::layout::Layout;
use crate::object::ObjectSymbol;
use crate::options::DefsymValue;
use crate::symbols::{AnySymbol, LinkedObject, Reference, Resolution, Synthetic, SyntheticData};

/// What a symbol of the link resolved to.
#[derive(Clone, Copy, Debug)]
pub(super) struct SymbolValue {
    /// Data: the address. Functions: see [`SymbolValue::table_index`] and [`SymbolValue::body`].
    pub(super) value: u64,
    /// Index in its index space.
    pub(super) index: u32,
    state: u8,
    /// Functions: how many bytes the size prefix of the body takes.
    pub(super) prefix: u8,
}

impl SymbolValue {
    const LIVE: u8 = 1;
    const DEFINED: u8 = 2;
    const GLOBAL: u8 = 4;
    const FUNCTION: u8 = 8;
    const DATA: u8 = 16;
    const UNDEFINED_FUNCTION: u8 = 32;
    const LAZY: u8 = 64;
    const DEAD: SymbolValue = SymbolValue { value: 0, index: NONE, state: 0, prefix: 0 };

    /// It is in the output.
    #[inline]
    pub(super) fn is_live(&self) -> bool {
        self.state & Self::LIVE != 0
    }

    /// Something defines it.
    #[inline]
    pub(super) fn is_defined(&self) -> bool {
        self.state & Self::DEFINED != 0
    }

    /// It is an undefined function, and not weak. `--wrap` also makes undefined functions that are only referred to as data.
    #[inline]
    pub(super) fn is_undefined_function(&self) -> bool {
        self.state & Self::UNDEFINED_FUNCTION != 0
    }

    /// It is lazy, and not weak: only a discarded COMDAT group of its own object defines it.
    #[inline]
    pub(super) fn is_lazy(&self) -> bool {
        self.state & Self::LAZY != 0
    }

    /// It is a global.
    #[inline]
    pub(super) fn is_global(&self) -> bool {
        self.state & Self::GLOBAL != 0
    }

    /// Functions: index in the function table, or 0.
    #[inline]
    pub(super) fn table_index(&self) -> u32 {
        self.value as u32
    }

    /// The value of a reference to a tag or table of this name. `index` is that of the symbol: see
    /// `ObjectRelocator::tag_or_table`.
    pub(super) fn as_tag_or_table(&self, index: u32) -> u32 {
        match self.state & (Self::FUNCTION | Self::DATA) {
            Self::FUNCTION if self.table_index() != 0 => self.table_index(),
            Self::FUNCTION => NONE,
            Self::DATA => 0,
            _ => index,
        }
    }

    /// Index of the function whose body debug information refers to. It is [`NONE`] also if an object refers to one of the
    /// linker's data symbols as a function.
    #[inline]
    pub(super) fn body(&self) -> u32 {
        if self.state & Self::FUNCTION != 0 {
            (self.value >> 32) as u32
        } else {
            NONE
        }
    }
}

/// The values of all symbols, and the addresses of all segments.
pub struct SymbolValues {
    pub(super) symbols: Vec<SymbolValue>,
    /// Whether something refers to functions' bodies.
    with_bodies: bool,
    /// Address of each input segment by `Chunks::segments`, or [`SymbolValues::ASK`].
    pub(super) segments: Vec<u64>,
}

impl SymbolValues {
    /// The segment is not in the output, or its strings were merged.
    pub(super) const ASK: u64 = u64::MAX;

    /// Looks up every symbol.
    pub fn new(layout: &Layout<'_>) -> Self {
        let positions = (0..layout.program.symbol_count()).into_par_iter().with_min_len(1024);
        // Hardly anything but debug information refers to functions' bodies.
        let knows_code = |o: &LinkedObject| {
            o.object().data_knows_code || o.object().custom_sections.iter().any(|s| s.relocations.len > 0)
        };
        let with_bodies = layout.program.objects.par_iter().with_min_len(256).any(knows_code);
        let symbols =
            positions.map(|position| look_up(layout, SymbolId::new(position), with_bodies)).collect();
        let places = layout.segments.places.par_iter().with_min_len(4096);
        let address =
            |place: &crate::layout::segments::Place| match layout.segments.list.get(place.segment as usize) {
                Some(segment) if place.merged.is_none() => segment.address + place.offset,
                _ => SymbolValues::ASK,
            };
        SymbolValues { symbols, with_bodies, segments: places.map(address).collect() }
    }

    /// Looks up the symbols of replaced objects again. Their definitions are where they were, but not what they were.
    pub fn update(&mut self, layout: &Layout<'_>, replaced: &[ObjectId]) {
        for &object in replaced {
            let linked = &layout.program.objects[object.at()];
            for index in 0..linked.object().symbols.len() as u32 {
                if let Reference::Global(id) = linked.reference(index) {
                    self.symbols[id.at()] = look_up(layout, id, self.with_bodies);
                }
            }
        }
    }
}

fn look_up(layout: &Layout<'_>, id: SymbolId, with_bodies: bool) -> SymbolValue {
    let (imports, indices, table) = (&layout.imports, &layout.indices, &layout.table);
    let program = layout.program;
    if !program.is_symbol_live(id) {
        return SymbolValue::DEAD;
    }
    let symbol = program.get(id);
    let index = indices.of_symbol(program, imports, id);
    if symbol.is_lazy() && !symbol.flags.is_weak() {
        // To wasm-ld it is not undefined, so an addend counts from address 0.
        let state = SymbolValue::LIVE | SymbolValue::DEFINED | SymbolValue::LAZY;
        return SymbolValue { value: 0, index, state, prefix: 0 };
    }
    let (mut value, mut prefix) = (0, 0);
    match symbol.kind {
        SymbolKind::Data => value = data_address(layout, id, false),
        // `__tls_base` for one that took it for a datum: wasm-ld has the address that nothing has.
        SymbolKind::Global => value = u64::MAX,
        SymbolKind::Function => {
            let body = match program.chunk_of(id) {
                _ if !with_bodies => NONE,
                Some(target) => {
                    prefix = body_prefix(layout, target);
                    indices.function[program.chunks.functions.of(target.object(), target.position())]
                }
                None => match symbol.resolution {
                    Resolution::Synthetic(Synthetic::Function(number)) => {
                        // Of its own functions wasm-ld gives the place of the size.
                        indices.synthetic_function[number.at()]
                    }
                    _ => NONE,
                },
            };
            value = u64::from(table.of_symbol(program, id)) | u64::from(body) << 32;
        }
        _ => {}
    }
    let mut state = SymbolValue::LIVE;
    if symbol.is_defined() && !symbol.is_shared() {
        state |= SymbolValue::DEFINED;
    }
    state |= match symbol.kind {
        SymbolKind::Global => SymbolValue::GLOBAL,
        SymbolKind::Function if symbol.is_undefined() && !symbol.flags.is_weak() => {
            SymbolValue::FUNCTION | SymbolValue::UNDEFINED_FUNCTION
        }
        SymbolKind::Function => SymbolValue::FUNCTION,
        SymbolKind::Data => SymbolValue::DATA,
        _ => 0,
    };
    SymbolValue { value, index, state, prefix }
}

fn body_prefix(layout: &Layout<'_>, target: Target) -> u8 {
    layout.program.objects[target.object().at()].object().functions[target.position()].prefix
}

/// Address of a data symbol; thread-local ones relative to their block unless `absolute`. 0 if it is undefined.
pub fn data_address(layout: &Layout<'_>, id: SymbolId, absolute: bool) -> u64 {
    let program = layout.program;
    let symbol = program.get(id);
    match symbol.resolution {
        Resolution::Synthetic(Synthetic::Data(data)) => synthetic_address(layout, data),
        Resolution::Object if symbol.is_common() => layout.segments.common_address(id),
        Resolution::Object => match program.definition(symbol) {
            Some((object, own)) => own_address(layout, object, own, absolute).unwrap_or(0),
            None => 0,
        },
        _ => 0,
    }
}

/// Address of an object's own datum; `None` if its segment is not in the output.
#[inline]
pub fn own_address(layout: &Layout<'_>, object: ObjectId, own: &ObjectSymbol, absolute: bool) -> Option<u64> {
    if !own.lies_in_segment() {
        return Some(own.offset);
    }
    let flat = layout.program.chunks.segments.of(object, own.element as usize);
    let (segment, offset) = layout.segments.locate(layout.program, flat, own.offset)?;
    Some(if own.flags.is_tls() && !absolute { offset } else { segment.address + offset })
}

/// Index of an object's own function in the function table; 0 for functions that are not in it, `None` for dead
/// ones.
pub(super) fn own_table_index(layout: &Layout<'_>, object: ObjectId, own: ObjectSymbolIndex) -> Option<u32> {
    let parsed = layout.program.objects[object.at()].object();
    let function = parsed.defined_function(parsed.symbols[own.at()].element);
    let flat = layout.program.chunks.functions.of(object, function);
    (layout.indices.function[flat] != NONE).then(|| layout.table.of_function(flat))
}

/// Index of a function in the function table; 0 if it is not in it.
pub fn any_table_index(layout: &Layout<'_>, symbol: AnySymbol) -> u32 {
    match symbol {
        AnySymbol::Local(object, index) => own_table_index(layout, object, index).unwrap_or(0),
        AnySymbol::Global(id) => layout.table.of_symbol(layout.program, id),
    }
}

/// Address of a datum with an addend; null stays null.
pub fn any_address(layout: &Layout<'_>, symbol: AnySymbol, addend: i64) -> u64 {
    let absolute = !layout.options.shared_memory;
    let address = match symbol {
        AnySymbol::Local(object, index) => {
            own_address(layout, object, layout.program.objects[object.at()].own(index), absolute)
        }
        AnySymbol::Global(id) => {
            let symbol = layout.program.get(id);
            let here = matches!(symbol.resolution, Resolution::Object | Resolution::Synthetic(_));
            here.then(|| data_address(layout, id, absolute))
        }
    };
    address.map_or(0, |address| address.wrapping_add(addend as u64))
}

/// The initial value of the global that keeps a symbol's address.
pub fn got_value(layout: &Layout<'_>, symbol: AnySymbol) -> u64 {
    let (table, options) = (&layout.table, &layout.options);
    let program = layout.program;
    let absolute = !options.shared_memory;
    match symbol {
        AnySymbol::Local(object, index) => match program.objects[object.at()].own(index) {
            own if own.kind == SymbolKind::Data => own_address(layout, object, own, absolute).unwrap_or(0),
            _ => u64::from(own_table_index(layout, object, index).unwrap_or(0)),
        },
        AnySymbol::Global(id) => match program.get(id).kind {
            SymbolKind::Data => data_address(layout, id, absolute),
            // Another function is called in the place of one that is not there; its address is null all the same.
            _ if program.get(id).stub.is_some() => 0,
            _ => u64::from(table.of_symbol(program, id)),
        },
    }
}

fn synthetic_address(layout: &Layout<'_>, data: SyntheticData) -> u64 {
    let memory = &layout.memory;
    match data {
        SyntheticData::DsoHandle | SyntheticData::GlobalBase => memory.data_start,
        SyntheticData::DataEnd => memory.data_end,
        SyntheticData::StackLow => memory.stack_low,
        SyntheticData::StackHigh => memory.stack_high,
        SyntheticData::HeapBase => memory.heap_base,
        SyntheticData::HeapEnd => memory.heap_end,
        SyntheticData::MemoryBase => 0,
        SyntheticData::TableBase => layout.table.base,
        SyntheticData::FirstPageEnd => layout.options.page_size,
        SyntheticData::SegmentStart(segment) => layout.segments.bounds[segment as usize].0,
        SyntheticData::SegmentStop(segment) => {
            let (address, size) = layout.segments.bounds[segment as usize];
            address + size
        }
        SyntheticData::Number(position) => match layout.options.defsyms[position as usize].value {
            DefsymValue::Number(address) => address,
            DefsymValue::Symbol(_) => 0,
        },
        SyntheticData::InitMemoryFlag => memory.init_flag.unwrap_or(0),
    }
}
