//! Times that the standard library does not tell: how much processor time this process has used (before `main` that is what starting it
//! cost), and the time of day.

#![allow(unsafe_code, reason = "asks for the processor time and the local time")]

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

/// The local time, such as `14:03:22`.
#[cfg(unix)]
pub fn time_of_day() -> Option<String> {
    // SAFETY: both calls write one value, and numbers of zero are values of `tm`.
    let local = unsafe {
        let (now, mut local) = (libc::time(std::ptr::null_mut()), std::mem::zeroed::<libc::tm>());
        (!libc::localtime_r(&now, &mut local).is_null()).then_some(local)?
    };
    Some(format!("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec))
}

/// Not known.
#[cfg(not(unix))]
pub fn time_of_day() -> Option<String> {
    None
}

/// Not known.
#[cfg(not(unix))]
pub fn used() -> Duration {
    Duration::ZERO
}
