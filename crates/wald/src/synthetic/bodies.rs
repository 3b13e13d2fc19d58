//! Bodies of the functions that the linker writes.

use super::constructors::arity;
use crate::adaptation::Adaptation;
use crate::format::opcode::*;
use crate::format::types;
use crate::index::{SignatureId, SymbolId, SyntheticFunctionId};
use crate::layout::indices::Indices;
use crate::layout::segments::OutputSegment;
use crate::layout::{is_in_file, Layout, LinkerCode};
use crate::leb128::{write_i64, write_u32, write_u64};
use crate::options::Options;
use crate::symbols::{Constructor, Purpose, SyntheticFunction, SyntheticGlobal};

const BR: u8 = 0x0c;

/// Whether code must initialize a segment's memory: the segment is passive, or it is bss and the imported memory
/// may not be zero.
fn needs_initialisation(options: &Options, in_file: bool, segment: &OutputSegment) -> bool {
    segment.is_passive || options.import_memory.is_some() && !in_file
}

/// Whether the output needs `__wasm_init_memory`.
pub fn needs_init_memory(
    options: &Options,
    features: &crate::features::Features,
    segments: &[OutputSegment],
) -> bool {
    segments.iter().any(|s| needs_initialisation(options, is_in_file(options, features, s), s))
}

/// The largest body that engines take.
/// See <https://webassembly.github.io/spec/js-api/#limits>.
pub const MAX_BODY: u64 = 7_654_321;

/// About how large the parts are that a larger body is cut into.
const PART: usize = 1 << 20;

/// Completes a layout with the code of the linker's own functions.
pub fn write_code(layout: Layout<'_>) -> Layout<'_> {
    let code = write_bodies(&layout);
    layout.with_code(code)
}

/// Writes the bodies of all live functions of the linker. One that is larger than engines accept becomes calls of parts, which
/// follow all other functions.
fn write_bodies(layout: &Layout<'_>) -> LinkerCode {
    let program = layout.program;
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut parts = Vec::new();
    for number in (0..program.function_count()).map(SyntheticFunctionId::new) {
        if !program.is_function_live(number) {
            bodies.push(Vec::new());
            continue;
        }
        let Body { mut code, mut cuts, .. } = write_body(layout, number);
        if code.len() as u64 >= MAX_BODY && !cuts.is_empty() {
            cuts.push(code.len());
            let first = layout.indices.next_function() + parts.len() as u32;
            parts.extend(cuts.windows(2).map(|cut| (number, code[cut[0]..cut[1]].to_vec())));
            code = vec![0];
            for call in first..layout.indices.next_function() + parts.len() as u32 {
                code.push(CALL);
                write_u32(&mut code, call);
            }
        }
        bodies.push(finish(code));
    }
    let name_part = |(position, (of, code)): (usize, (SyntheticFunctionId, Vec<u8>))| {
        bodies.push(finish([&[0], &code[..]].concat()));
        let SyntheticFunction { ref name, signature, .. } = *program.function(of);
        let name = [&name[..], format!(".part{position}").as_bytes()].concat();
        SyntheticFunction::named(&name, signature, Purpose::Part)
    };
    let parts = parts.into_iter().enumerate().map(name_part).collect();
    LinkerCode { bodies, parts }
}

fn write_body<'a>(layout: &'a Layout<'a>, number: SyntheticFunctionId) -> Body<'a> {
    let function = layout.program.function(number);
    let mut body = Body { code: Vec::new(), cuts: Vec::new(), layout };
    match function.purpose {
        Purpose::CallCtors => body.call_ctors(&layout.constructors),
        Purpose::InitMemory => body.init_memory(),
        Purpose::InitTls => body.init_tls(),
        Purpose::ApplyDataRelocs => body.apply_data_relocs(false),
        Purpose::ApplyTlsRelocs => body.apply_data_relocs(true),
        Purpose::ApplyGlobalRelocs => body.apply_global_relocs(false),
        Purpose::ApplyGlobalTlsRelocs => body.apply_global_relocs(true),
        Purpose::Start => body.start(),
        Purpose::Unreachable | Purpose::Part => {
            body.no_locals();
            body.code.push(UNREACHABLE);
        }
        Purpose::Adapter(target) => body.adapter(function.signature, target),
        Purpose::CommandExport(id) => {
            let parameters = arity(layout.signatures.text(function.signature.0)).0;
            body.command_export(id, parameters);
        }
    }
    body
}

/// A body with its `end` and its size in front.
fn finish(mut code: Vec<u8>) -> Vec<u8> {
    code.push(END);
    let mut out = Vec::with_capacity(code.len() + 5);
    write_u32(&mut out, code.len() as u32);
    out.extend_from_slice(&code);
    out
}

/// A function's code as it is written.
pub(super) struct Body<'a> {
    pub(super) code: Vec<u8>,
    /// Where the code can be cut into separate functions: after the (empty) list of locals, and between statements.
    cuts: Vec<usize>,
    pub(super) layout: &'a Layout<'a>,
}

impl Body<'_> {
    pub(super) fn no_locals(&mut self) {
        self.code.push(0);
    }

    /// The next statement may begin another function, if this part has become long enough.
    pub(super) fn may_cut(&mut self) {
        if self.cuts.last().is_none_or(|&last| self.code.len() - last >= PART) {
            self.cuts.push(self.code.len());
        }
    }

    fn indices(&self) -> &Indices {
        &self.layout.indices
    }

    pub(super) fn call(&mut self, function: u32) {
        self.code.push(CALL);
        write_u32(&mut self.code, function);
    }

    fn call_symbol(&mut self, id: SymbolId) {
        let imports = &self.layout.imports;
        let program = self.layout.program;
        self.call(self.indices().of_symbol(program, imports, id));
    }

    fn i32_const(&mut self, value: i32) {
        self.code.push(I32_CONST);
        write_i64(&mut self.code, i64::from(value));
    }

    /// An address or a size.
    pub(super) fn pointer(&mut self, value: u64) {
        if self.layout.is64() {
            self.code.push(I64_CONST);
            write_i64(&mut self.code, value as i64);
        } else {
            self.i32_const(value as i32);
        }
    }

    fn local_get(&mut self, local: u32) {
        self.code.push(LOCAL_GET);
        write_u32(&mut self.code, local);
    }

    /// Makes the address on the stack that of the thread's block.
    fn set_tls_base(&mut self) {
        match self.layout.program.well_known.set_tls_base {
            Some(function) => self.call_symbol(function),
            None => {
                self.code.push(GLOBAL_SET);
                let index = self.indices().synthetic_global(SyntheticGlobal::TlsBase).unwrap_or(0);
                write_u32(&mut self.code, index);
            }
        }
    }

    fn call_ctors(&mut self, constructors: &[Constructor]) {
        self.no_locals();
        for constructor in constructors {
            self.may_cut();
            let imports = &self.layout.imports;
            let program = self.layout.program;
            let function = self.indices().of_any(program, imports, constructor.symbol);
            self.call(function);
            for _ in 0..constructor.results {
                self.code.push(DROP);
            }
        }
    }

    /// Calls a function with the arguments of another signature.
    fn adapter(&mut self, called: SignatureId, target: SymbolId) {
        self.no_locals();
        let Layout { program, signatures, .. } = *self.layout;
        let (imports, indices) = (&self.layout.imports, &self.layout.indices);
        let text = |signature: SignatureId| signatures.text(signature.0);
        let defined = program.get(target).signature;
        let adaptation = defined.and_then(|defined| Adaptation::new(text(called), text(defined)).ok());
        // Resolution only makes adapters of signatures that can be adapted.
        let Some(adaptation) = adaptation else { return self.code.push(UNREACHABLE) };
        adaptation.write(&mut self.code, |code| {
            code.push(CALL);
            write_u32(code, indices.of_symbol(program, imports, target));
        });
    }

    fn command_export(&mut self, id: SymbolId, parameters: u32) {
        let known = self.layout.program.well_known;
        self.no_locals();
        if let Some(call_ctors) = known.call_ctors {
            let program = self.layout.program;
            if program.is_symbol_live(call_ctors) {
                self.call_symbol(call_ctors);
            }
        }
        for parameter in 0..parameters {
            self.local_get(parameter);
        }
        self.call_symbol(id);
        if let Some(call_dtors) = known.call_dtors {
            self.call_symbol(call_dtors);
        }
    }

    fn atomic(&mut self, operation: u8) {
        self.code.extend([ATOMICS_PREFIX, operation, 2, 0]);
    }

    /// Copies a passive segment to the address on the stack.
    fn memory_init(&mut self, segment: usize, size: u64) {
        self.i32_const(0);
        self.i32_const(size as i32);
        self.code.push(MISC_PREFIX);
        self.code.push(MEMORY_INIT);
        write_u64(&mut self.code, segment as u64);
        self.code.push(0);
    }

    /// `__wasm_init_memory`. With shared memory the first thread that raises the flag from 0 to 1 initialises
    /// memory and raises it to 2; others wait for that. All drop the segments.
    fn init_memory(&mut self) {
        let shared = self.layout.options.shared_memory;
        let pic = self.layout.options.is_position_independent();
        self.init_memory_locals(shared && pic);
        if shared {
            for _ in 0..3 {
                self.code.extend([BLOCK, BLOCKTYPE_VOID]);
            }
            self.init_flag();
            self.i32_const(0);
            self.i32_const(1);
            self.atomic(I32_RMW_CMPXCHG);
            self.code.extend([BR_TABLE, 2, 0, 1, 2, END]);
        }
        let segments = &self.layout.segments.list;
        let options = self.layout.options;
        let needed = |s: &OutputSegment| needs_initialisation(options, self.layout.is_in_file(s), s);
        let needed: Vec<usize> = (0..segments.len()).filter(|&index| needed(&segments[index])).collect();
        for &index in &needed {
            let segment = &segments[index];
            self.pointer(segment.address);
            if pic {
                self.memory_base();
                self.add_pointers();
            }
            if options.is_multithreaded() && segment.is_tls {
                // The first thread uses the block that is part of static memory.
                if pic {
                    self.code.extend([LOCAL_TEE, 1]);
                } else {
                    self.pointer(segment.address);
                }
                self.set_tls_base();
                if pic {
                    self.local_get(1);
                }
            }
            if segment.is_bss {
                self.i32_const(0);
                self.pointer(segment.size);
                self.code.extend([MISC_PREFIX, MEMORY_FILL, 0]);
            } else {
                self.memory_init(index, segment.size);
            }
        }
        if shared {
            self.init_flag();
            self.i32_const(2);
            self.atomic(I32_ATOMIC_STORE);
            self.init_flag();
            self.i32_const(-1);
            self.atomic(ATOMIC_NOTIFY);
            self.code.extend([DROP, BR, 1, END]);
            self.init_flag();
            self.i32_const(1);
            self.code.push(I64_CONST);
            write_i64(&mut self.code, -1);
            self.atomic(I32_ATOMIC_WAIT);
            self.code.extend([DROP, END]);
        }
        for &index in &needed {
            let segment = &segments[index];
            // Each new thread initialises its block from the thread-local segment: it must stay.
            let stays = options.is_multithreaded() && segment.is_tls;
            if !(segment.is_bss || stays) {
                self.code.extend([MISC_PREFIX, DATA_DROP]);
                write_u64(&mut self.code, index as u64);
            }
        }
    }

    /// In position-independent code a local keeps the flag's address, and another that of the thread's block.
    fn init_memory_locals(&mut self, needed: bool) {
        if !needed {
            return self.no_locals();
        }
        self.code.extend([1, 2, if self.layout.is64() { types::I64 } else { types::I32 }]);
        self.memory_base();
        self.pointer(self.layout.memory.init_flag.unwrap_or(0));
        self.add_pointers();
        self.code.extend([LOCAL_SET, 0]);
    }

    /// The address of the flag by which threads agree on who initialises memory.
    fn init_flag(&mut self) {
        match self.layout.options.is_position_independent() {
            true => self.local_get(0),
            false => self.pointer(self.layout.memory.init_flag.unwrap_or(0)),
        }
    }

    /// `__wasm_init_tls`: takes the address of a thread's block and fills it.
    fn init_tls(&mut self) {
        self.no_locals();
        let list = &self.layout.segments.list;
        if let Some(index) = list.iter().position(|segment| segment.is_tls) {
            self.local_get(0);
            self.set_tls_base();
            self.local_get(0);
            self.memory_init(index, list[index].size);
        }
        self.call_purpose(Purpose::ApplyTlsRelocs);
        self.call_purpose(Purpose::ApplyGlobalTlsRelocs);
    }
}
