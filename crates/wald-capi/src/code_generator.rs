//! Code generation for LLVM bitcode, by a program that contains LLVM.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use wald::code_generator::{
    BitcodeModule, CodeGeneration, CodeGenerator, CodeSource, GeneratedCode, GeneratedObject, RelocationModel,
};
use wald::diagnostics::{Code, Diagnostic};
use wald::{Bytes, Text};

use crate::border::{
    bad, exclusive, growable, put_struct, shared, slice, status, text, value, wald_bytes, wald_status,
    with_nul, Failure, Outcome,
};
use crate::linker::wald_linker;

/// The `module` of an object that was made of all modules that are not thin.
pub const WALD_MERGED: u32 = u32::MAX;

/// How generated code refers to addresses.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_relocation_model {
    /// Addresses are known when the module is linked.
    Static = 0,
    /// The loader chooses addresses.
    PositionIndependent = 1,
    /// As the modules were compiled. What is merged is position-independent if all its modules are.
    FromModules = 2,
}

/// A bitcode module of a link.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_bitcode_module {
    /// The size of this struct: `sizeof (wald_bitcode_module)`. Set it before the call.
    pub size: usize,
    /// Whether it has a summary for ThinLTO. Other modules are merged into one.
    pub is_thin: bool,
    /// Whether it was compiled to be position-independent. Only known for WALD_RELOCATION_MODEL_FROM_MODULES.
    pub is_position_independent: bool,
    /// A name that no other module has.
    pub name: wald_bytes,
    /// The bitcode. No NUL follows.
    pub data: wald_bytes,
    /// The number of its symbols that other files see.
    pub symbol_count: usize,
}

growable!(wald_bitcode_module, first = symbol_count, last = symbol_count);

/// A symbol of a bitcode module, with what LLVM calls its resolution.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_bitcode_symbol {
    /// The size of this struct: `sizeof (wald_bitcode_symbol)`. Set it before the call.
    pub size: usize,
    /// Whether the module only refers to it.
    pub is_undefined: bool,
    /// The module's definition is the one that is linked.
    pub prevailing: bool,
    /// Code outside of the bitcode modules can refer to it, so it must be kept.
    pub visible_to_regular_object: bool,
    /// `wrap` gives it another meaning, so it must not be inlined.
    pub linker_redefined: bool,
    /// Its name. No NUL follows.
    pub name: wald_bytes,
}

growable!(wald_bitcode_symbol, first = name, last = name);

/// A job for a code generator: all bitcode of a link. It takes the objects. It is valid during the call of the generator.
#[allow(non_camel_case_types)]
pub struct wald_code_generation {
    /// The library's own job, which outlives this one.
    job: *const CodeGeneration<'static>,
    names: Vec<Text>,
    objects: Vec<GeneratedObject>,
    diagnostics: Vec<Diagnostic>,
}

impl wald_code_generation {
    fn job(&self) -> &CodeGeneration<'_> {
        // SAFETY: `Generator::generate` has borrowed it for as long as this value exists.
        unsafe { &*self.job }
    }

    fn module(&self, index: usize) -> Outcome<&BitcodeModule<'_>> {
        let unknown = || Failure(wald_status::UnknownHandle, format!("there is no module {index}"));
        self.job().modules.get(index).ok_or_else(unknown)
    }
}

/// Generates code for all modules of a job, and adds the objects in the order of LLVM's tasks. An error that it adds ends the link.
#[allow(non_camel_case_types)]
pub type wald_code_generator =
    Option<unsafe extern "C" fn(context: *mut c_void, job: *mut wald_code_generation)>;

struct Generator {
    generate: unsafe extern "C" fn(context: *mut c_void, job: *mut wald_code_generation),
    context: *mut c_void,
}

// SAFETY: wald_linker_set_code_generator() asks for a function that any thread may call.
unsafe impl Send for Generator {}
// SAFETY: as above.
unsafe impl Sync for Generator {}

impl CodeGenerator for Generator {
    fn generate(&self, job: &CodeGeneration<'_>) -> Result<GeneratedCode, Vec<Diagnostic>> {
        let names = job.modules.iter().map(|module| with_nul(&module.name[..])).collect();
        let mut for_c = wald_code_generation {
            job: std::ptr::from_ref(job).cast(),
            names,
            objects: Vec::new(),
            diagnostics: Vec::new(),
        };
        // SAFETY: the caller's own function and context.
        unsafe { (self.generate)(self.context, &mut for_c) };
        let has_error = for_c.diagnostics.iter().any(|diagnostic| diagnostic.prefix() == "error: ");
        match has_error {
            true => Err(for_c.diagnostics),
            false => Ok(GeneratedCode::new(for_c.objects, for_c.diagnostics)),
        }
    }
}

/// Sets who generates code from LLVM bitcode, before any input is provided: `generate`, which any thread may call. Without this
/// call, bitcode that is linked is an error.
///
/// # Safety
/// Valid or NULL; nobody else uses the linker; `context` is valid as long as the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_code_generator(
    linker: *mut wald_linker,
    generate: wald_code_generator,
    context: *mut c_void,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let generate = generate.ok_or_else(|| crate::border::null("generate"))?;
        linker.linker.set_code_generator(Arc::new(Generator { generate, context }));
        Ok(())
    })
}

/// Returns the number of modules, in the order in which LLVM must add them.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_module_count(job: *const wald_code_generation) -> usize {
    // SAFETY: the caller's promise.
    value(0, || Ok(unsafe { shared(job, "job") }?.job().modules.len()))
}

/// Gets a module.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_module(
    job: *const wald_code_generation,
    module: usize,
    place: *mut wald_bitcode_module,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let job = unsafe { shared(job, "job") }?;
        let of = job.module(module)?;
        let answer = wald_bitcode_module {
            size: 0,
            is_thin: of.table.is_thin,
            is_position_independent: of.is_position_independent,
            name: wald_bytes::of_text(&job.names[module]),
            data: wald_bytes::of(of.bytes),
            symbol_count: of.table.symbols.len(),
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(place, &answer, "place") }
    })
}

/// Gets a symbol of a module.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_symbol(
    job: *const wald_code_generation,
    module: usize,
    symbol: usize,
    place: *mut wald_bitcode_symbol,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let module = unsafe { shared(job, "job") }?.module(module)?;
        let unknown = || Failure(wald_status::UnknownHandle, format!("there is no symbol {symbol}"));
        let of = module.table.symbols.get(symbol).ok_or_else(unknown)?;
        let resolution = module.resolutions.get(symbol).ok_or_else(unknown)?;
        let answer = wald_bitcode_symbol {
            size: 0,
            is_undefined: of.is_undefined,
            prevailing: resolution.prevailing,
            visible_to_regular_object: resolution.visible_to_regular_object,
            linker_redefined: resolution.linker_redefined,
            name: wald_bytes::of(&of.name),
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(place, &answer, "place") }
    })
}

/// Returns how code must refer to addresses.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_relocation_model(
    job: *const wald_code_generation,
) -> wald_relocation_model {
    value(wald_relocation_model::Static, || {
        // SAFETY: the caller's promise.
        Ok(match unsafe { shared(job, "job") }?.job().relocation_model {
            RelocationModel::PositionIndependent => wald_relocation_model::PositionIndependent,
            RelocationModel::FromModules => wald_relocation_model::FromModules,
            _ => wald_relocation_model::Static,
        })
    })
}

/// Returns whether the link was cancelled, so that nobody needs the objects.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_is_cancelled(job: *const wald_code_generation) -> bool {
    // SAFETY: the caller's promise.
    value(false, || Ok(unsafe { shared(job, "job") }?.job().cancel.is_cancelled()))
}

/// Adds an object, which is copied. `task` is the number of LLVM's task. `module` is the thin module that it was made of, or
/// WALD_MERGED.
///
/// # Safety
/// Valid or NULL; `data` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_add_object(
    job: *mut wald_code_generation,
    task: usize,
    module: u32,
    data: *const u8,
    size: usize,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (job, data) = unsafe { (exclusive(job, "job")?, slice(data, size, "data")?) };
        let source = match module {
            WALD_MERGED => CodeSource::Merged,
            module => job.module(module as usize).map(|_| CodeSource::Module(module as usize))?,
        };
        job.objects.push(GeneratedObject::new(task, source, Bytes::from(data.to_vec())));
        Ok(())
    })
}

/// Adds an error, after which the link fails, or a warning.
///
/// # Safety
/// Valid or NULL; `message` is NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn wald_code_generation_add_message(
    job: *mut wald_code_generation,
    is_error: bool,
    message: *const c_char,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (job, message) = unsafe { (exclusive(job, "job")?, text(message, "message")?) };
        if message.is_empty() {
            return Err(bad("message is empty"));
        }
        job.diagnostics.push(match is_error {
            true => Diagnostic::error(Code::CodeGeneration, message),
            false => Diagnostic::warning(Code::CodeGeneration, message),
        });
        Ok(())
    })
}
