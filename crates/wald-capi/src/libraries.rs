//! Libraries that a link could have used, for its hints about undefined symbols.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use wald::{Bytes, LibraryProvider, OtherLibrary};

use crate::border::{exclusive, null, optional_path, slice, status, text, wald_status};
use crate::linker::wald_linker;

/// Takes the libraries that a wald_library_finder finds.
#[allow(non_camel_case_types)]
pub struct wald_libraries(Vec<OtherLibrary>);

/// Calls wald_libraries_add() for each library that the link could have used, in the order of a search.
#[allow(non_camel_case_types)]
pub type wald_library_finder =
    Option<unsafe extern "C" fn(context: *mut c_void, libraries: *mut wald_libraries)>;

struct Finder {
    find: unsafe extern "C" fn(*mut c_void, *mut wald_libraries),
    context: *mut c_void,
}

// SAFETY: wald_linker_set_library_finder() asks for a function that any thread may call.
unsafe impl Send for Finder {}
// SAFETY: as above.
unsafe impl Sync for Finder {}

impl LibraryProvider for Finder {
    fn libraries(&self) -> Vec<OtherLibrary> {
        let mut found = wald_libraries(Vec::new());
        // SAFETY: the caller's own function and context.
        unsafe { (self.find)(self.context, &mut found) };
        found.0
    }
}

/// Adds an archive: the argument that adds it to a link, such as "-lm", its path, and its bytes, which are copied. Only its symbol table
/// is read.
///
/// # Safety
/// Valid or NULL; `data` has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn wald_libraries_add(
    libraries: *mut wald_libraries,
    argument: *const c_char,
    path: *const c_char,
    data: *const u8,
    size: usize,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (libraries, data) = unsafe { (exclusive(libraries, "libraries")?, slice(data, size, "data")?) };
        // SAFETY: the caller's promise.
        let argument = unsafe { text(argument, "argument") }?;
        // SAFETY: the caller's promise.
        let path = unsafe { optional_path(path) }.ok_or_else(|| null("path"))?;
        libraries.0.push(OtherLibrary::new(argument, path, Bytes::from(data.to_vec())));
        Ok(())
    })
}

/// Sets who finds libraries that a link could have used: if a symbol is undefined, a help says which of them defines it. `find` is called at
/// most once for each link, only if a symbol is undefined, and by any thread.
///
/// # Safety
/// Valid or NULL; nobody else uses the linker; `context` is valid as long as the linker.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_set_library_finder(
    linker: *mut wald_linker,
    find: wald_library_finder,
    context: *mut c_void,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let linker = unsafe { exclusive(linker, "linker") }?;
        let find = find.ok_or_else(|| null("find"))?;
        linker.linker.set_library_provider(Arc::new(Finder { find, context }));
        Ok(())
    })
}
