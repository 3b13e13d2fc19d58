//! Times that the standard library does not tell: when this process started, how much processor time it has used (before `main` that is
//! what starting it cost), and the time of day.

#![allow(
    unsafe_code,
    reason = "asks for the processor time, the local time, and the time since the system started"
)]

use std::time::{Duration, SystemTime};

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

/// A time at most 20 ms before this process started, and not after any time that a file of this process can have. `None` if
/// the system does not say.
#[cfg(target_os = "linux")]
pub fn started() -> Option<SystemTime> {
    /// What `/proc` counts in, on all architectures.
    const TICK: Duration = Duration::from_millis(10);
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Field 22 of proc(5). The name is in parentheses and may contain some; the field after it is the third.
    let ticks: u32 = text[text.rfind(')')? + 1..].split_ascii_whitespace().nth(19)?.parse().ok()?;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec`.
    if unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) } != 0 {
        return None;
    }
    let since_boot = Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
    // Times of files are those of the last tick of the kernel's clock.
    SystemTime::now().checked_sub(since_boot.checked_sub(TICK * ticks)? + TICK)
}

/// Not known.
#[cfg(not(target_os = "linux"))]
pub fn started() -> Option<SystemTime> {
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_when_it_started() {
        let started = started().unwrap();
        let age = started.elapsed().unwrap();
        assert!(age < Duration::from_secs(3600), "{age:?}");
        std::thread::sleep(Duration::from_millis(20));
        let again = super::started().unwrap();
        let difference = again.duration_since(started).unwrap_or_else(|early| early.duration());
        // Somebody may set the clock.
        assert!(difference < Duration::from_secs(1), "{difference:?}");
    }
}
