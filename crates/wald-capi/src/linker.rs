//! A link that is being fed.

use std::ffi::{c_char, c_void};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wald::diagnostics::{Code, Diagnostic, Location};
use wald::{Bytes, FileProvider, InputDescription, InputError, InputId, Linker, Sink, Text};

use crate::border::{
    bad, exclusive, free, give, growable, null, optional_path, put, read_struct, shared, slice, status, take,
    text, value, wald_status, Failure, Outcome,
};
use crate::cancel::wald_cancel_token;
use crate::options::wald_options;
use crate::records::WALD_NO_INPUT;
use crate::result::wald_result;
use crate::unit::{refused, wald_unit};

/// A linker. Inputs are declared in command-line order; their bytes may arrive in any order and from any thread. A linker can
/// link more than once.
///
/// Any number of threads may call functions that take a `const wald_linker *` at the same time. Other functions need exclusive
/// access. Different linkers are independent.
#[allow(non_camel_case_types)]
pub struct wald_linker {
    pub(crate) linker: Linker,
    /// By the number that C has for an input. Removed ones keep theirs.
    inputs: Vec<Declared>,
}

struct Declared {
    id: InputId,
    path: PathBuf,
}

/// Describes an input.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_input_description {
    /// The size of this struct: `sizeof (wald_input_description)`.
    pub size: usize,
    /// As between `--start-lib` and `--end-lib`: it is linked only if one of its symbols is needed.
    pub lazy: bool,
    /// As after `--whole-archive`: all members of an archive are linked.
    pub whole_archive: bool,
    /// As after `-Bdynamic`: it may be a shared library.
    pub dynamic: bool,
    /// Its path in messages. Only wald_linker_provide_file() reads it.
    pub path: *const c_char,
}

growable!(wald_input_description, first = path, last = path);

impl wald_linker {
    fn input(&self, number: u32) -> Outcome<&Declared> {
        let missing = || Failure(wald_status::UnknownHandle, format!("no input has the number {number}"));
        self.inputs.get(number as usize).ok_or_else(missing)
    }

    fn fail(&self, input: &Declared, message: Text) -> Outcome {
        let diagnostic = Diagnostic::error(Code::Open, message).with_location(Location::file(&input.path));
        self.linker.fail_input(input.id, diagnostic).map_err(|error| input.refused(error))
    }

    /// Passes what a link returned to C.
    fn answer(&self, result: wald::LinkResult) -> *mut wald_result {
        give(wald_result::new(result, self.inputs.iter().map(|input| input.id)))
    }
}

impl Declared {
    fn refused(&self, error: InputError) -> Failure {
        let status = match error {
            InputError::AlreadyProvided => wald_status::AlreadyProvided,
            InputError::Unit(error) => return refused(error),
            _ => wald_status::UnknownHandle,
        };
        Failure(status, format!("{}: {error}", self.path.display()))
    }
}

/// An I/O error's text without Rust's `(os error 2)`.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

/// Creates a linker without inputs. Copies the options; returns NULL if they are NULL. Free the linker with
/// wald_linker_free() or wald_linker_finish().
///
/// # Safety
/// NULL or valid options.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_new(options: *const wald_options) -> *mut wald_linker {
    value(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let options = unsafe { shared(options, "options") }?;
        Ok(give(wald_linker { linker: Linker::new(options.0.clone()), inputs: Vec::new() }))
    })
}

/// Frees a linker and all its inputs; NULL is ignored.
///
/// # Safety
/// From wald_linker_new(), and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_free(linker: *mut wald_linker) {
    // SAFETY: the caller's promise.
    unsafe { free(linker) };
}

/// Replaces the options for the next link.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_options(
    linker: *mut wald_linker,
    options: *const wald_options,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (linker, options) = unsafe { (exclusive(linker, "linker")?, shared(options, "options")?) };
        *linker.linker.options_mut() = options.0.clone();
        Ok(())
    })
}

/// Sets the number of threads of the linker, which end with each link. 0, the default, means one for each core.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_threads(linker: *mut wald_linker, threads: usize) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { exclusive(linker, "linker") }?.linker.set_threads((threads > 0).then_some(threads));
        Ok(())
    })
}

/// Sets whether each task of each thread is recorded from now on, for wald_result_event(). Off by default.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_record_events(
    linker: *mut wald_linker,
    record: bool,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { exclusive(linker, "linker") }?.linker.set_record_events(record);
        Ok(())
    })
}

/// Declares the next input and stores its number in `input`. The order of declarations is the order of the link.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_declare(
    linker: *mut wald_linker,
    description: *const wald_input_description,
    input: *mut u32,
) -> wald_status {
    // SAFETY: the caller's promise.
    status(|| unsafe { declare(linker, None, description, input) })
}

/// Declares an input before another one, which must not be removed.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_declare_before(
    linker: *mut wald_linker,
    next: u32,
    description: *const wald_input_description,
    input: *mut u32,
) -> wald_status {
    // SAFETY: the caller's promise.
    status(|| unsafe { declare(linker, Some(next), description, input) })
}

unsafe fn declare(
    linker: *mut wald_linker,
    next: Option<u32>,
    description: *const wald_input_description,
    input: *mut u32,
) -> Outcome {
    // SAFETY: the caller's promise.
    let (linker, of) = unsafe { (exclusive(linker, "linker")?, read_struct(description, "description")?) };
    if input.is_null() {
        return Err(null("input"));
    }
    let number = u32::try_from(linker.inputs.len()).ok().filter(|&number| number != WALD_NO_INPUT);
    let number = number.ok_or_else(|| bad("too many inputs"))?;
    // SAFETY: the caller's promise.
    let mut description =
        InputDescription::new(unsafe { optional_path(of.path) }.ok_or_else(|| null("path"))?);
    description.lazy = of.lazy;
    description.whole_archive = of.whole_archive;
    description.dynamic = of.dynamic;
    let path = description.path.clone();
    let id = match next {
        Some(next) => {
            let before = linker.input(next)?.id;
            let declared = linker.linker.declare_input_before(before, description);
            declared.or_else(|error| Err(linker.input(next)?.refused(error)))?
        }
        None => linker.linker.declare_input(description),
    };
    linker.inputs.push(Declared { id, path });
    // SAFETY: the caller's promise.
    unsafe { put(input, number, "input") }
}

/// Provides an input's bytes: copies them and parses them on this thread. An input can be provided again only after
/// wald_linker_replace().
///
/// # Safety
/// Valid or NULL; `data` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_provide(
    linker: *const wald_linker,
    input: u32,
    data: *const u8,
    size: usize,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (linker, data) = unsafe { (shared(linker, "linker")?, slice(data, size, "data")?) };
        let input = linker.input(input)?;
        linker.linker.provide(input.id, Bytes::from(data.to_vec())).map_err(|error| input.refused(error))
    })
}

/// Memory that the caller owns.
struct Borrowed {
    data: *const u8,
    size: usize,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
    context: *mut c_void,
}

// SAFETY: the memory is only read, and wald_linker_provide_borrowed() asks for a `release` that any thread may call.
unsafe impl Send for Borrowed {}
// SAFETY: as above.
unsafe impl Sync for Borrowed {}

impl AsRef<[u8]> for Borrowed {
    fn as_ref(&self) -> &[u8] {
        match self.data.is_null() || self.size == 0 {
            true => &[],
            // SAFETY: the caller keeps the bytes as they are until `release` is called.
            false => unsafe { std::slice::from_raw_parts(self.data, self.size) },
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: called once, with the caller's own context.
            unsafe { release(self.context) }
        }
    }
}

/// Provides an input's bytes without a copy. They must not change until `release` is called with `context`. That happens once,
/// from any thread: when the input was replaced or removed and no link needs it, when the linker is freed or finished, or
/// immediately if this call fails. `release` may be NULL.
///
/// # Safety
/// Valid or NULL; `data` points to `size` bytes until they are released.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_provide_borrowed(
    linker: *const wald_linker,
    input: u32,
    data: *const u8,
    size: usize,
    release: Option<unsafe extern "C" fn(context: *mut c_void)>,
    context: *mut c_void,
) -> wald_status {
    let bytes = Borrowed { data, size, release, context };
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { shared(linker, "linker") }?;
        if data.is_null() && size > 0 {
            return Err(null("data"));
        }
        let input = linker.input(input)?;
        linker.linker.provide(input.id, Bytes::from_owner(bytes)).map_err(|error| input.refused(error))
    })
}

/// Reads an input from the file at `path`, or at the declared path if `path` is NULL. If the file cannot be read, the link
/// fails with a diagnostic.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_provide_file(
    linker: *const wald_linker,
    input: u32,
    path: *const c_char,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (linker, path) = unsafe { (shared(linker, "linker")?, optional_path(path)) };
        let input = linker.input(input)?;
        let path = path.as_ref().unwrap_or(&input.path);
        match std::fs::read(path) {
            Ok(bytes) => {
                linker.linker.provide(input.id, Bytes::from(bytes)).map_err(|error| input.refused(error))
            }
            Err(error) => {
                let path = Text::from(path.as_path());
                let message = format!("cannot open {path:#}: {}", describe(&error));
                linker.fail(input, message.into())
            }
        }
    })
}

/// Provides the current state of a unit as an input.
///
/// # Safety
/// Valid or NULL; no other thread edits the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_provide_unit(
    linker: *const wald_linker,
    input: u32,
    unit: *const wald_unit,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (linker, unit) = unsafe { (shared(linker, "linker")?, shared(unit, "unit")?) };
        let input = linker.input(input)?;
        linker.linker.provide_unit(input.id, &unit.0).map_err(|error| input.refused(error))
    })
}

/// Marks an input as unavailable. The link fails with this message, in the order of inputs.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_fail_input(
    linker: *const wald_linker,
    input: u32,
    message: *const c_char,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (linker, message) = unsafe { (shared(linker, "linker")?, text(message, "message")?) };
        linker.fail(linker.input(input)?, message.into())
    })
}

/// Prepares the link while inputs are missing. Does not change the module.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_prepare(linker: *const wald_linker) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { shared(linker, "linker") }?.linker.prepare();
        Ok(())
    })
}

/// Discards an input's bytes. New ones must be provided before the next link.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_replace(linker: *mut wald_linker, input: u32) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let id = linker.input(input)?.id;
        let replaced = linker.linker.replace(id);
        replaced.or_else(|error| Err(linker.input(input)?.refused(error)))
    })
}

/// Gives an input another path. `*provided` is set to whether it is still provided: an object is, with the same bytes.
///
/// # Safety
/// Valid or NULL; `path` is a string; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_rename(
    linker: *mut wald_linker,
    input: u32,
    path: *const c_char,
    provided: *mut bool,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let path = unsafe { optional_path(path) }.ok_or_else(|| null("path"))?;
        let id = linker.input(input)?.id;
        let renamed =
            linker.linker.rename(id, &path).or_else(|error| Err(linker.input(input)?.refused(error)))?;
        linker.inputs[input as usize].path = path;
        // SAFETY: the caller's promise.
        unsafe { put(provided, renamed, "provided") }
    })
}

/// Removes an input permanently.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_remove(linker: *mut wald_linker, input: u32) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let id = linker.input(input)?.id;
        let removed = linker.linker.remove(id);
        removed.or_else(|error| Err(linker.input(input)?.refused(error)))
    })
}

/// Returns the number of inputs.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_input_count(linker: *const wald_linker) -> usize {
    // SAFETY: the caller's promise.
    value(0, || Ok(unsafe { shared(linker, "linker") }?.linker.inputs().count()))
}

/// Receives the contents of a file that the linker asked for.
#[allow(non_camel_case_types)]
pub struct wald_file(Option<Vec<u8>>);

/// Passes the contents of a file to the linker, which copies them.
///
/// # Safety
/// Valid or NULL; `data` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn wald_file_set(file: *mut wald_file, data: *const u8, size: usize) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (file, data) = unsafe { (exclusive(file, "file")?, slice(data, size, "data")?) };
        file.0 = Some(data.to_vec());
        Ok(())
    })
}

/// Calls wald_file_set() with the contents of the file at `path`, or does nothing if there is no file.
#[allow(non_camel_case_types)]
pub type wald_file_reader =
    Option<unsafe extern "C" fn(context: *mut c_void, path: *const c_char, file: *mut wald_file)>;

struct Reader {
    read: wald_file_reader,
    context: *mut c_void,
}

// SAFETY: wald_linker_set_file_reader() asks for a function that any thread may call.
unsafe impl Send for Reader {}
// SAFETY: as above.
unsafe impl Sync for Reader {}

impl FileProvider for Reader {
    fn read(&self, path: &Path) -> io::Result<Bytes> {
        let Some(read) = self.read else { return std::fs::read(path).map(Bytes::from) };
        let mut file = wald_file(None);
        let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
        // SAFETY: the caller's own function and context.
        unsafe { read(self.context, name.as_ptr(), &mut file) };
        let bytes = file.0.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Bytes::from(bytes))
    }
}

/// Sets how members of thin archives are read: by `read`, which any thread may call, or from files if `read` is NULL. Without
/// this call, thin archives are an error.
///
/// # Safety
/// Valid or NULL; nobody else uses the linker; `context` is valid as long as the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_file_reader(
    linker: *mut wald_linker,
    read: wald_file_reader,
    context: *mut c_void,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        linker.linker.set_file_provider(Arc::new(Reader { read, context }));
        Ok(())
    })
}

/// Links all inputs. The linker can be used again: the next link parses only inputs that changed, and gives the bytes of a
/// link from nothing. Returns NULL only if the linker is NULL or after an internal error.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_link(linker: *mut wald_linker) -> *mut wald_result {
    value(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let result = linker.linker.link();
        Ok(linker.answer(result))
    })
}

/// Returns memory for a module of `size` bytes, or NULL if there is none.
#[allow(non_camel_case_types)]
pub type wald_place = Option<unsafe extern "C" fn(context: *mut c_void, size: usize) -> *mut u8>;

struct Place {
    place: wald_place,
    context: *mut c_void,
}

// SAFETY: the call that this belongs to lasts as long as the link; the caller says that any thread may call `place`.
unsafe impl Send for Place {}
// SAFETY: the same; and nothing is done with a shared one.
unsafe impl Sync for Place {}

impl Sink for Place {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        // SAFETY: the caller's own function and context.
        let place = unsafe { self.place?(self.context, size) };
        // SAFETY: the caller gives `size` bytes that are nobody else's until the call ends.
        (!place.is_null()).then(|| unsafe {
            // They may never have been written, and Rust's slices are of bytes that were.
            place.write_bytes(0, size);
            std::slice::from_raw_parts_mut(place, size)
        })
    }
}

/// Links all inputs and writes the module to the memory that `place` returns; the result has no module. `place` is called once,
/// from any thread, when the size is known and the link can no longer fail.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_link_into(
    linker: *mut wald_linker,
    place: wald_place,
    context: *mut c_void,
) -> *mut wald_result {
    value(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let result = linker.linker.link_into(&mut Place { place, context });
        Ok(linker.answer(result.with_module(Vec::new())))
    })
}

/// Links all inputs and frees the linker.
///
/// # Safety
/// From wald_linker_new() or NULL, and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_finish(linker: *mut wald_linker) -> *mut wald_result {
    value(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let wald_linker { linker, inputs } = unsafe { take(linker) }.ok_or_else(|| null("linker"))?;
        let result = linker.finish();
        Ok(give(wald_result::new(result, inputs.iter().map(|input| input.id))))
    })
}

/// Sets the token by which another thread can cancel the next links. A cancelled link fails with a diagnostic. With a new token,
/// the linker links again.
///
/// # Safety
/// Valid or NULL; no other thread uses the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_cancel_token(
    linker: *mut wald_linker,
    token: *const wald_cancel_token,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (linker, token) = unsafe { (exclusive(linker, "linker")?, shared(token, "token")?) };
        linker.linker.set_cancel_token(token.0.clone());
        Ok(())
    })
}
