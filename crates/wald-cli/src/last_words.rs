//! The end of the process from within a signal handler: one line on standard error, exit code 1.

#![allow(unsafe_code, reason = "writes from signal handlers")]

use std::sync::OnceLock;

/// What messages begin with.
static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();

/// Sets the name that the line begins with. The first call counts.
pub fn set_program(name: &str) {
    let _ = PROGRAM.set(crate::text::to_bytes(name).into_owned());
}

/// Removes temporary files, writes `PROGRAM: error: ` and the parts as one line, and ends the process with exit code 1. Safe in a
/// signal handler: it takes no lock and allocates nothing.
#[cfg(unix)]
pub fn die(parts: &[&[u8]]) -> ! {
    crate::signals::clean_up();
    let mut line = [0; 1024];
    let mut length = 0;
    let program = PROGRAM.get().map_or(&b"wald"[..], Vec::as_slice);
    for part in [program, b": error: "].iter().chain(parts).chain(&[&b"\n"[..]]) {
        let room = &mut line[length..];
        let count = part.len().min(room.len());
        room[..count].copy_from_slice(&part[..count]);
        length += count;
    }
    // SAFETY: the bytes are valid for that length, and both calls may be made in a signal handler.
    unsafe {
        libc::write(2, line.as_ptr().cast(), length);
        libc::_exit(1)
    }
}
