//! Mapped inputs that are truncated while they are linked.
//!
//! Reading a mapping beyond the end of its file raises SIGBUS, which ends the process without a message. This handler looks
//! up the address among the mappings, and ends the process with a message that names the file.

#![allow(unsafe_code, reason = "a handler for SIGBUS")]

#[cfg(unix)]
pub use system::{register, Registered};

#[cfg(unix)]
mod system {
    use crate::last_words;
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::Path;
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
    use std::sync::{Once, OnceLock};

    /// The known mappings: a list that only grows, so that a signal handler may walk it at any time.
    static MAPPINGS: AtomicPtr<Mapping> = AtomicPtr::new(null_mut());
    /// What was done about SIGBUS before: Rust's own handler, which tells of stack overflows.
    static EARLIER: OnceLock<libc::sigaction> = OnceLock::new();

    struct Mapping {
        /// 0 when the mapping is gone.
        start: AtomicUsize,
        length: usize,
        path: Vec<u8>,
        next: AtomicPtr<Mapping>,
    }

    /// A mapping that is known until this is dropped.
    pub struct Registered(&'static AtomicUsize);

    impl Drop for Registered {
        fn drop(&mut self) {
            self.0.store(0, Ordering::Release);
        }
    }

    /// Makes a mapping known.
    pub fn register(start: *const u8, length: usize, path: &Path) -> Registered {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(install);
        let path = OsString::from(path).into_vec();
        let start = AtomicUsize::new(start as usize);
        let next = AtomicPtr::new(MAPPINGS.load(Ordering::Acquire));
        let mapping: &'static Mapping = Box::leak(Box::new(Mapping { start, length, path, next }));
        let pointer = std::ptr::from_ref(mapping).cast_mut();
        let mut head = mapping.next.load(Ordering::Relaxed);
        while let Err(now) =
            MAPPINGS.compare_exchange_weak(head, pointer, Ordering::AcqRel, Ordering::Acquire)
        {
            head = now;
            mapping.next.store(head, Ordering::Relaxed);
        }
        Registered(&mapping.start)
    }

    fn install() {
        // SAFETY: a zeroed `sigaction` is valid, all pointers are to locals, and the handler does only what a handler may.
        unsafe {
            let mut earlier: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGBUS, std::ptr::null(), &mut earlier) != 0 {
                return;
            }
            // Before the handler, which reads it.
            let _ = EARLIER.set(earlier);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_bus_error as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &action, null_mut());
        }
    }

    extern "C" fn on_bus_error(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system hands over a valid `info`; entries of the list are never freed.
        unsafe {
            let address = (*info).si_addr() as usize;
            let mut next = MAPPINGS.load(Ordering::Acquire);
            while let Some(mapping) = next.as_ref() {
                let start = mapping.start.load(Ordering::Acquire);
                if start != 0 && (start..start + mapping.length).contains(&address) {
                    let path = std::ffi::OsStr::from_bytes(&mapping.path).as_bytes();
                    last_words::die(&[path, b": was truncated while it was linked"]);
                }
                next = mapping.next.load(Ordering::Acquire);
            }
            // Not ours: the instruction fails again, and whoever was there before handles it.
            match EARLIER.get() {
                Some(earlier) => libc::sigaction(libc::SIGBUS, earlier, null_mut()),
                None => libc::signal(libc::SIGBUS, libc::SIG_DFL) as libc::c_int,
            };
        }
    }
}

#[cfg(not(unix))]
pub use elsewhere::{register, Registered};

#[cfg(not(unix))]
mod elsewhere {
    /// Nothing to undo.
    pub struct Registered;

    /// A mapped file cannot be truncated there.
    pub fn register(_: *const u8, _: usize, _: &std::path::Path) -> Registered {
        Registered
    }
}
