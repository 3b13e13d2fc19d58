//! The process's descriptors, so that nothing written to them is lost without an error.
//!
//! Rust's runtime opens `/dev/null` for a stream that is closed at the start, so that no other file gets its number. What is
//! written there would vanish. So the streams are looked at before the runtime starts.

#![allow(unsafe_code, reason = "asks for open descriptors")]

use std::fs::File;
use std::io::{self, Write};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Run by the loader before `main`.
#[cfg(unix)]
#[used]
#[cfg_attr(target_vendor = "apple", link_section = "__DATA,__mod_init_func")]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

#[cfg(unix)]
extern "C" fn look() {
    for (descriptor, closed) in (0..).zip(&CLOSED) {
        // SAFETY: it only asks.
        let is_closed = unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1;
        closed.store(is_closed, Ordering::Relaxed);
    }
}

/// A writer for standard output (1) or standard error (2) without a buffer. The standard library's own ones take a
/// descriptor that cannot be written to for a success.
#[cfg(unix)]
pub fn writer(number: u32) -> Box<dyn Write> {
    let was_closed = CLOSED.get(number as usize).is_some_and(|closed| closed.load(Ordering::Relaxed));
    match descriptor(number) {
        Ok(file) if !was_closed => Box::new(file),
        _ => Box::new(Closed),
    }
}

/// A writer for standard output (1) or standard error (2).
#[cfg(not(unix))]
pub fn writer(number: u32) -> Box<dyn Write> {
    match number {
        1 => Box::new(io::stdout()),
        _ => Box::new(io::stderr()),
    }
}

/// A copy of an open descriptor of this process.
#[cfg(unix)]
pub fn descriptor(number: u32) -> io::Result<File> {
    use std::os::fd::BorrowedFd;
    let number = i32::try_from(number).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: it is borrowed for the call only, which fails if it is not open.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().map(File::from)
}

/// There are no numbered descriptors.
#[cfg(not(unix))]
pub fn descriptor(_: u32) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Stands for a stream that is closed: every write fails.
#[cfg(unix)]
struct Closed;

#[cfg(unix)]
impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(libc::EBADF))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
