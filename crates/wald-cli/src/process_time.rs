//! How much processor time this process has used: before `main` that is what starting it cost.

#![allow(unsafe_code, reason = "asks for the processor time")]

use std::time::Duration;

/// The processor time of all threads so far.
#[cfg(unix)]
pub fn used() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec`.
    match unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } {
        0 => Duration::new(time.tv_sec as u64, time.tv_nsec as u32),
        _ => Duration::ZERO,
    }
}

/// Not known.
#[cfg(not(unix))]
pub fn used() -> Duration {
    Duration::ZERO
}
