//! Linear memory from bottom to top: stack, static data, heap; and how large the memory is.

use super::segments::{Content, Segments};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Fix, Help};
use crate::messages::MessageKind;
use crate::options::Options;
use crate::program::Program;
use crate::symbols::{Resolution, Synthetic, SyntheticData};

const STACK_ALIGNMENT: u64 = 16;
const HEAP_ALIGNMENT: u64 = 16;
const DEFAULT_STACK_SIZE: u64 = 64 * 1024;
/// The address of static data if the stack is not first and no option sets another one.
const DEFAULT_GLOBAL_BASE: u64 = 1024;

/// Addresses and sizes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Lowest address of the stack.
    pub stack_low: u64,
    /// Initial stack pointer.
    pub stack_high: u64,
    /// Start of static data.
    pub data_start: u64,
    /// End of static data.
    pub data_end: u64,
    /// Largest alignment of a segment, as a power of two.
    pub alignment: u32,
    /// First byte for a heap.
    pub heap_base: u64,
    /// End of the initial memory.
    pub heap_end: u64,
    /// Initial size in pages.
    pub pages: u64,
    /// Largest size in pages; 0 if there is no limit.
    pub maximum_pages: u64,
    /// Address of `__wasm_init_memory_flag`, if the module has one.
    pub init_flag: Option<u64>,
}

struct Builder<'a> {
    options: &'a Options,
    diagnostics: &'a mut Diagnostics,
    memory: Memory,
    /// Whether stack and heap are this module's to place: the loader's with position-independent code, the next link's
    /// with an object.
    is_placed_here: bool,
    /// Whether the program refers to `__heap_base`.
    has_heap_base: bool,
    /// The next free address.
    pointer: u64,
    /// Addresses have left 64 bits; that was said.
    overflown: bool,
}

/// Gives every output segment its address.
pub fn place(
    options: &Options,
    program: Program<'_>,
    mut segments: Segments,
    diagnostics: &mut Diagnostics,
) -> (Segments, Memory) {
    let heap_base = Resolution::Synthetic(Synthetic::Data(SyntheticData::HeapBase));
    let has_heap_base = !program.named_where(|id| program.get(id).resolution == heap_base).is_empty();
    let memory = Memory::default();
    let is_placed_here = !options.is_position_independent() && !options.is_relocatable();
    let mut builder =
        Builder { options, diagnostics, memory, is_placed_here, has_heap_base, pointer: 0, overflown: false };
    if !options.page_size.is_power_of_two() {
        builder.error("the page size must be a power of two".into());
    } else if builder.place_static_data(&mut segments).is_some() {
        let errors = builder.diagnostics.error_count();
        builder.size_memory();
        if builder.diagnostics.error_count() == errors && !builder.overflown {
            builder.check_size(program, &segments);
        }
    }
    let memory = builder.memory;
    (segments, memory)
}

impl Builder<'_> {
    fn error(&mut self, message: String) {
        self.diagnostics.push(Diagnostic::error(Code::Layout, message));
    }

    fn log(&mut self, message: String) {
        if self.options.verbose {
            self.diagnostics.say(MessageKind::Verbose, message);
        }
    }

    fn align(&mut self, alignment: u64) {
        let aligned = self.pointer.checked_next_multiple_of(alignment);
        self.go_to(aligned);
    }

    /// Moves the next free address up.
    fn advance(&mut self, size: u64) {
        let end = self.pointer.checked_add(size);
        self.go_to(end);
    }

    fn go_to(&mut self, address: Option<u64>) {
        if address.is_none() && !self.overflown {
            self.overflown = true;
            self.error("addresses do not fit into 64 bits".into());
        }
        self.pointer = address.unwrap_or(self.pointer);
    }

    fn place_stack(&mut self) {
        if !self.is_placed_here {
            return;
        }
        self.align(STACK_ALIGNMENT);
        self.memory.stack_low = self.pointer;
        let size = self.options.stack_size.unwrap_or(DEFAULT_STACK_SIZE);
        if size % STACK_ALIGNMENT != 0 {
            self.error(format!("stack size must be {STACK_ALIGNMENT}-byte aligned"));
        }
        self.log(format!("mem: stack size  = {size}"));
        self.log(format!("mem: stack base  = {}", self.pointer));
        self.advance(size);
        self.memory.stack_high = self.pointer;
        self.log(format!("mem: stack top   = {}", self.pointer));
    }

    fn place_static_data(&mut self, segments: &mut Segments) -> Option<()> {
        let base = self.options.global_base.unwrap_or(0);
        if self.options.stack_first {
            self.place_stack();
            if base != 0 {
                if base < self.pointer {
                    let message = "--global-base cannot be less than stack size when --stack-first is used";
                    self.error(message.into());
                    return None;
                }
                self.pointer = base;
            }
        } else {
            let default = if self.is_placed_here { DEFAULT_GLOBAL_BASE } else { 0 };
            self.pointer = if base == 0 { default } else { base };
        }
        self.log(format!("mem: global base = {}", self.pointer));
        self.memory.data_start = self.pointer;
        for segment in &mut segments.list {
            self.align(1 << segment.alignment);
            self.memory.alignment = self.memory.alignment.max(segment.alignment);
            segment.address = self.pointer;
            let name = String::from_utf8_lossy(&segment.name).into_owned();
            let (size, alignment) = (segment.size, segment.alignment);
            self.log(format!("mem: {name:<15} offset={:<8} size={size:<8} align={alignment}", self.pointer));
            self.advance(segment.size);
        }
        segments.bounds = segments.list.iter().map(|segment| (segment.address, segment.size)).collect();
        if self.options.shared_memory && segments.list.iter().any(|segment| segment.is_passive) {
            self.align(4);
            self.memory.init_flag = Some(self.pointer);
            self.log(format!(
                "mem: __wasm_init_memory_flag offset={:<8} size={:<8} align={}",
                self.pointer, 4, 4
            ));
            self.advance(4);
        }
        self.memory.data_end = self.pointer;
        self.log(format!("mem: static data = {}", self.pointer - self.memory.data_start));
        if !self.options.stack_first {
            self.place_stack();
        }
        if self.has_heap_base && self.is_placed_here {
            self.align(HEAP_ALIGNMENT);
            self.log(format!("mem: heap base   = {}", self.pointer));
        }
        self.memory.heap_base = self.pointer;
        Some(())
    }

    /// Reports that a size is not enough, and the smallest one that is.
    fn too_small(&mut self, what: &str, given: u64) {
        let message = format!("{what} memory too small, {} bytes needed", self.pointer);
        let stack = self.options.stack_size.unwrap_or(DEFAULT_STACK_SIZE);
        let error = Diagnostic::error(Code::Layout, message)
            .with_note(format!("{stack} bytes of that are the stack, which -z stack-size= sets"));
        let enough = self.pointer.checked_next_multiple_of(self.options.page_size.max(1));
        self.diagnostics.push(match enough {
            Some(enough) => {
                let option = if what == "initial" { "--initial-memory" } else { "--max-memory" };
                let (from, to) = (format!("{option}={given}"), format!("{option}={enough}"));
                let fix = Fix::ReplaceArgument { from: from.into(), to: to.as_str().into() };
                error.with_help(Help::new(format!("{to} is enough")).with_fix(fix))
            }
            None => error,
        });
    }

    /// Adds a size from an option after checking that it is a multiple of the page size and not too large.
    fn checked(&mut self, what: &str, size: u64, limit: u64) -> bool {
        let page = self.options.page_size;
        if size % page != 0 {
            self.error(format!("{what} must be aligned to the page size ({page} bytes)"));
        }
        if size > limit {
            self.error(format!("{what} too large, cannot be greater than {limit}"));
            return false;
        }
        true
    }

    /// Refuses a memory that no engine can make. A 64-bit memory needs no check: its addresses run out first.
    /// See <https://webassembly.github.io/spec/core/valid/types.html#memory-types>.
    fn check_size(&mut self, program: Program<'_>, segments: &Segments) {
        const LIMIT: u64 = 1 << 32;
        let memory = self.memory;
        let has_too_many_pages = memory.pages > u64::from(u32::MAX);
        if self.options.is64() || memory.heap_end <= LIMIT && !has_too_many_pages {
            return;
        }
        let limit = if has_too_many_pages { LIMIT - self.options.page_size } else { LIMIT };
        let message =
            format!("memory too large, cannot be greater than {limit}: {} bytes needed", memory.heap_end);
        let mut diagnostic = Diagnostic::error(Code::Layout, message);
        if self.is_placed_here {
            diagnostic =
                diagnostic.with_note(format!("the stack has {} bytes", memory.stack_high - memory.stack_low));
        }
        diagnostic = diagnostic.with_note(format!(
            "static data has {} bytes from address {} on",
            memory.data_end - memory.data_start,
            memory.data_start
        ));
        let parts =
            segments.list.iter().flat_map(|segment| segment.parts.iter().map(move |part| (segment, part)));
        let sized = parts.filter_map(|(segment, part)| match part.content {
            Content::Input(object, index) => {
                let linked = &program.objects[object.at()];
                let input = &linked.object().segments[index as usize];
                Some((u64::from(input.data.len), input.alignment, segment, linked))
            }
            Content::Merged(_) | Content::Common(..) => None,
        });
        let largest = sized.max_by_key(|&(size, alignment, ..)| size.max(1 << alignment));
        let is_data_to_blame = memory.data_end - memory.data_start > memory.heap_end / 2;
        if let Some((size, alignment, segment, linked)) = largest.filter(|_| is_data_to_blame) {
            let name = String::from_utf8_lossy(&segment.name);
            let note =
                format!("the largest part of {name} has {size} bytes with an alignment of 2^{alignment}");
            diagnostic = diagnostic.with_note(note).blame(&linked.path, None);
        }
        self.diagnostics.push(diagnostic);
    }

    fn size_memory(&mut self) {
        let options = self.options;
        let limit: u64 = if options.is64() { 1 << 34 } else { 1 << 32 };
        // Whether a size from an option is beyond all limits: that was said, and addresses may wrap around.
        let mut refused = false;
        if options.initial_heap != 0 {
            let left = limit.wrapping_sub(self.pointer);
            refused |= !self.checked("initial heap", options.initial_heap, left);
            self.pointer = self.pointer.wrapping_add(options.initial_heap);
        }
        if options.initial_memory != 0 {
            let page = options.page_size;
            if options.initial_memory % page != 0 {
                self.error(format!("initial memory must be aligned to the page size ({page} bytes)"));
            }
            if self.pointer > options.initial_memory {
                self.too_small("initial", options.initial_memory);
            }
            if options.initial_memory > limit {
                self.error(format!("initial memory too large, cannot be greater than {limit}"));
                refused = true;
            }
            self.pointer = options.initial_memory;
        }
        match self.pointer.checked_next_multiple_of(options.page_size) {
            None if refused => self.pointer = 0,
            aligned => self.go_to(aligned),
        }
        self.memory.pages = self.pointer / options.page_size;
        self.log(format!("mem: total pages = {}", self.memory.pages));
        self.memory.heap_end = self.pointer;
        let mut maximum = 0;
        if options.max_memory != 0 {
            let page = options.page_size;
            if options.max_memory % page != 0 {
                self.error(format!("maximum memory must be aligned to the page size ({page} bytes)"));
            }
            if self.pointer > options.max_memory {
                self.too_small("maximum", options.max_memory);
            }
            if options.max_memory > limit {
                self.error(format!("maximum memory too large, cannot be greater than {limit}"));
            }
            maximum = options.max_memory;
        } else if options.no_growable_memory {
            maximum = self.pointer;
        }
        if maximum == 0 && options.shared_memory {
            // A shared memory needs a limit: without one it does not grow. How large the memory of a
            // position-independent module is, others decide.
            maximum = if options.is_position_independent() { limit } else { self.pointer };
        }
        if maximum != 0 {
            self.memory.maximum_pages = maximum / options.page_size;
            self.log(format!("mem: max pages   = {}", self.memory.maximum_pages));
        }
    }
}
