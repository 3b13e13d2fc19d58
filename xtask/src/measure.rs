//! Running a program and asking the system what it cost.
//!
//! `wait4` tells what one child used. It is the one unsafe call here; `std` has nothing for it.
#![allow(unsafe_code, reason = "wait4")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What one run of a program cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// User and system time of all its threads, and of the children that it waited for.
    pub cpu: Duration,
    /// The largest resident set, in bytes. The system counts from before `exec`, so it is never less than what this
    /// process itself holds; that is a few megabytes.
    pub peak: u64,
    /// Page faults that the disk was not needed for.
    pub faults: u64,
}

/// Runs a program to its end with its output thrown away. That it fails is an error.
pub fn measure(command: &mut Command) -> Result<Cost, String> {
    match measure_any(command)? {
        (0, cost) => Ok(cost),
        (status, _) => {
            let name = command.get_program().to_string_lossy();
            Err(format!("{name} failed (wait status {status})"))
        }
    }
}

/// The same for a program that may fail: its wait status, and what it cost.
pub fn measure_any(command: &mut Command) -> Result<(i32, Cost), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
    let (status, usage) = wait(child)?;
    Ok((status, Cost { wall: start.elapsed(), ..usage }))
}

/// The largest private memory of a program, which is without mapped files, in bytes. It is looked at every millisecond, which costs the
/// program time. `None` if the system does not tell.
pub fn private_memory(command: &mut Command) -> Result<Option<u64>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
    let path = format!("/proc/{}/status", child.id());
    let mut most = None;
    loop {
        if let Ok(status) = std::fs::read_to_string(&path) {
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            most = most.max(number.map(|number| number * 1024));
        }
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(most);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for the child: its wait status, and what it cost but for the wall time.
#[cfg(unix)]
fn wait(child: Child) -> Result<(i32, Cost), String> {
    let mut status = 0;
    // SAFETY: rusage is a plain C structure of numbers, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live variables of the right types. The process is our child and nobody waits for it
    // elsewhere: `child` is ours, and dropping a `Child` does not wait.
    let waited = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut usage) };
    if waited < 0 {
        return Err(format!("wait4: {}", std::io::Error::last_os_error()));
    }
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    // The unit of ru_maxrss is kilobytes, on macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
    let (peak, faults) = (usage.ru_maxrss as u64 * unit, usage.ru_minflt as u64);
    Ok((status, Cost { wall: Duration::ZERO, cpu, peak, faults }))
}

/// Only `wait4` tells the cost of one child.
#[cfg(not(unix))]
fn wait(mut child: Child) -> Result<(i32, Cost), String> {
    let _ = child.kill();
    let _ = child.wait();
    Err("measures on Unix only".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_program_costs_cpu_time_and_memory() {
        let cost =
            measure(Command::new("sh").args(["-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"]))
                .unwrap();
        assert!(cost.cpu > Duration::from_millis(1) && cost.peak > 100_000, "{cost:?}");
        assert!(measure(&mut Command::new("false")).is_err());
    }
}
