//! Functions that finish a position-independent module when it is loaded: they write addresses into data and into
//! globals that are known only then.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md>.

use hashbrown::HashSet;

use super::bodies::Body;
use super::init_memory::add_init_memory;
use super::{add_function, trace_start_up};
use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::features::Features;
use crate::format::opcode::*;
use crate::format::relocation::{Encoding, Relocation};
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{ObjectId, SymbolId, SyntheticFunctionId};
use crate::layout::segments::{Content, OutputSegment, Segments};
use crate::leb128::{write_i64, write_u32};
use crate::program::{Adder, Additions, Program};
use crate::relocate::{any_address, any_table_index, got_value};
use crate::scan_relocations::Scan;
use crate::symbols::{AnySymbol, Purpose, Resolution, SyntheticGlobal};

/// Adds the functions that run before the program does, if they are needed; and says which is the start function.
pub fn add_start_up(
    context: &Context<'_>,
    program: Program<'_>,
    features: &Features,
    segments: &Segments,
    scan: &Scan,
    diagnostics: &mut Diagnostics,
) -> (Additions, Option<SyntheticFunctionId>) {
    let options = context.options;
    let mut adder = Adder::new(program);
    if options.is_relocatable() {
        return (adder.finish(), None);
    }
    let pic = options.is_position_independent();
    let imported: HashSet<AnySymbol> = scan.imported_got.iter().map(|&id| AnySymbol::Global(id)).collect();
    let relocated = |tls: bool| {
        let segments = segments.list.iter().filter(|segment| segment.is_tls == tls || !options.shared_memory);
        segments.flat_map(|segment| relocations_of(program, segment)).any(|(object, relocation, _, _)| {
            tls || pic || imported.contains(&program.any(object, relocation.index))
        })
    };
    if (pic || !imported.is_empty()) && relocated(false) {
        let name = b"__wasm_apply_data_relocs";
        add_function(context, &mut adder, name, SymbolFlags::EXPORTED, Purpose::ApplyDataRelocs);
    }
    let init_memory = add_init_memory(context, features, segments, &mut adder);
    let has_got =
        |tls: bool| scan.internal_got.iter().any(|&symbol| program.flags_of(symbol).is_tls() == tls);
    let hidden = SymbolFlags::HIDDEN;
    if options.shared_memory {
        if has_got(true) {
            let name = b"__wasm_apply_global_tls_relocs";
            add_function(context, &mut adder, name, hidden, Purpose::ApplyGlobalTlsRelocs);
            if let Some(tls_base) = program.well_known.tls_base {
                adder.mark(tls_base);
            }
        }
        if relocated(true) {
            let name = b"__wasm_apply_tls_relocs";
            add_function(context, &mut adder, name, hidden, Purpose::ApplyTlsRelocs);
        }
    }
    let mut start = init_memory;
    if pic && !features.has("extended-const") && has_got(false) {
        let name = b"__wasm_apply_global_relocs";
        let globals = add_function(context, &mut adder, name, hidden, Purpose::ApplyGlobalRelocs);
        start = match init_memory {
            Some(_) => Some(add_function(context, &mut adder, b"__wasm_start", hidden, Purpose::Start)),
            None => Some(globals),
        };
    }
    trace_start_up(context, adder.program(), diagnostics);
    (adder.finish(), start)
}

/// The relocations of a segment, with the offset of each in the segment, and whether its place is thread-local.
fn relocations_of<'a>(
    program: Program<'a>,
    segment: &'a OutputSegment,
) -> impl Iterator<Item = (ObjectId, Relocation, u64, bool)> + 'a {
    segment.parts.iter().flat_map(move |part| {
        let input = match part.content {
            Content::Input(object, index) => {
                let parsed = program.objects[object.at()].object();
                Some((object, parsed, &parsed.segments[index as usize]))
            }
            // Strings and zeros refer to nothing.
            Content::Merged(_) | Content::Common(..) => None,
        };
        input.into_iter().flat_map(move |(object, parsed, input)| {
            parsed.relocations(input.relocations).map(move |relocation| {
                let offset = part.offset + u64::from(relocation.offset - input.offset_base);
                (object, relocation, offset, input.is_tls())
            })
        })
    })
}

impl Body<'_> {
    fn add(&mut self, is64: bool) {
        self.code.push(if is64 { I64_ADD } else { I32_ADD });
    }

    fn constant(&mut self, is64: bool, value: i64) {
        self.code.push(if is64 { I64_CONST } else { I32_CONST });
        write_i64(&mut self.code, if is64 { value } else { i64::from(value as i32) });
    }

    fn global_get(&mut self, index: u32) {
        self.code.push(GLOBAL_GET);
        write_u32(&mut self.code, index);
    }

    fn base(&mut self, id: Option<SymbolId>) {
        let (imports, indices) = (&self.layout.imports, &self.layout.indices);
        let program = self.layout.program;
        let index = id.map_or(0, |id| indices.of_symbol(program, imports, id));
        self.global_get(index);
    }

    /// Puts `__memory_base` on the stack.
    pub(super) fn memory_base(&mut self) {
        self.base(self.layout.program.well_known.memory_base);
    }

    /// Adds the two numbers on the stack: addresses or sizes.
    pub(super) fn add_pointers(&mut self) {
        self.add(self.layout.is64());
    }

    /// Puts `__tls_base` on the stack. Where it is not `known` yet, it is global 0 to wasm-ld: that happens for the address
    /// of a thread-local datum in one that is not, which has no value before there is a thread.
    fn tls_base(&mut self, known: bool) {
        if !known {
            return self.global_get(0);
        }
        let index = self.layout.indices.synthetic_global(SyntheticGlobal::TlsBase).unwrap_or(0);
        self.global_get(index);
    }

    /// `__wasm_apply_data_relocs` and `__wasm_apply_tls_relocs`.
    pub(super) fn apply_data_relocs(&mut self, tls: bool) {
        self.no_locals();
        let layout = self.layout;
        for segment in &layout.segments.list {
            if segment.is_tls == tls || !layout.options.shared_memory {
                for (object, relocation, offset, in_tls) in relocations_of(layout.program, segment) {
                    self.may_cut();
                    self.apply_data_reloc(in_tls, tls, object, &relocation, segment.address + offset);
                }
            }
        }
    }

    /// Stores the value of one relocation at its place.
    fn apply_data_reloc(
        &mut self,
        in_tls: bool,
        late: bool,
        object: ObjectId,
        relocation: &Relocation,
        place: u64,
    ) {
        let layout = self.layout;
        let pic = layout.options.is_position_independent();
        let symbol = layout.program.any(object, relocation.index);
        let first_defined = layout.imports.globals;
        // wasm-ld writes `__wasm_apply_data_relocs` before it knows the indices of the globals that it defines.
        let got = layout.indices.got.get(&symbol).copied().filter(|&global| late || global < first_defined);
        if got.is_none() && (!pic || is_null(layout.program, symbol)) {
            return;
        }
        let is64 = relocation.kind.encoding() == Encoding::I64;
        self.constant(layout.is64(), place as i64);
        if pic {
            match in_tls {
                true => self.tls_base(late),
                false => self.memory_base(),
            }
            self.add_pointers();
        }
        match got {
            Some(global) => {
                self.global_get(global);
                if relocation.addend != 0 {
                    self.constant(is64, relocation.addend);
                    self.add(is64);
                }
            }
            None => {
                let value = if relocation.kind.is_table_index() {
                    self.base(layout.program.well_known.table_base);
                    u64::from(any_table_index(layout, symbol))
                } else {
                    match layout.program.flags_of(symbol).is_tls() {
                        true => self.tls_base(late),
                        false => self.memory_base(),
                    }
                    any_address(layout, symbol, relocation.addend)
                };
                self.constant(is64, value as i64);
                self.add(is64);
            }
        }
        self.code.extend([if is64 { I64_STORE } else { I32_STORE }, 2, 0]);
    }

    /// `__wasm_apply_global_relocs` and `__wasm_apply_global_tls_relocs`: sets the globals that keep addresses.
    pub(super) fn apply_global_relocs(&mut self, tls: bool) {
        self.no_locals();
        let layout = self.layout;
        let known = &layout.program.well_known;
        for &symbol in &layout.indices.internal_got {
            if layout.program.flags_of(symbol).is_tls() != tls {
                continue;
            }
            self.may_cut();
            match layout.program.kind_of(symbol) {
                SymbolKind::Function if is_stub(layout.program, symbol) => continue,
                SymbolKind::Function => self.base(known.table_base),
                _ if !is_defined(layout.program, symbol) => continue,
                _ if tls => self.tls_base(true),
                _ => self.memory_base(),
            }
            self.pointer(got_value(layout, symbol));
            self.add_pointers();
            self.code.push(GLOBAL_SET);
            let global = layout.indices.got.get(&symbol).copied().unwrap_or(0);
            write_u32(&mut self.code, global);
        }
    }

    /// `__wasm_start`.
    pub(super) fn start(&mut self) {
        self.no_locals();
        for purpose in [Purpose::ApplyGlobalRelocs, Purpose::InitMemory] {
            self.call_purpose(purpose);
        }
    }

    /// Calls the linker's own function of this purpose, if it exists.
    pub(super) fn call_purpose(&mut self, purpose: Purpose) {
        let mut functions = self.layout.program.functions();
        if let Some(number) = functions.position(|function| function.purpose == purpose) {
            self.call(self.layout.indices.synthetic_function[number]);
        }
    }
}

fn is_stub(program: Program<'_>, symbol: AnySymbol) -> bool {
    matches!(symbol, AnySymbol::Global(id) if program.get(id).is_stub)
}

/// Whether it is a function that nothing defines and nothing calls: its address is null.
fn is_null(program: Program<'_>, symbol: AnySymbol) -> bool {
    matches!(symbol, AnySymbol::Global(id) if program.get(id).is_stub && program.get(id).is_undefined_weak())
}

/// Whether this module has the datum.
fn is_defined(program: Program<'_>, symbol: AnySymbol) -> bool {
    match symbol {
        AnySymbol::Local(..) => true,
        AnySymbol::Global(id) => {
            matches!(program.get(id).resolution, Resolution::Object | Resolution::Synthetic(_))
        }
    }
}
