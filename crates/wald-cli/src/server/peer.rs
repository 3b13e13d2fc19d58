//! What the system knows about the other side of a socket, and about this process.

#![allow(unsafe_code, reason = "credentials, priorities, sessions")]

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The user who started this process.
pub fn user() -> u32 {
    // SAFETY: it only asks.
    unsafe { libc::geteuid() }
}

/// Whether the process at the other end is of the same user.
#[cfg(target_os = "linux")]
pub fn is_own(stream: &UnixStream) -> bool {
    let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the structure has the length that is said.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &mut length,
        )
    };
    result == 0 && found.uid == user()
}

/// Whether the process at the other end is of the same user.
#[cfg(not(target_os = "linux"))]
pub fn is_own(stream: &UnixStream) -> bool {
    let (mut user_id, mut group) = (u32::MAX, u32::MAX);
    // SAFETY: the descriptor is open, and both numbers are written to.
    let result = unsafe { libc::getpeereid(stream.as_raw_fd(), &mut user_id, &mut group) };
    result == 0 && user_id == user()
}

/// Waits until the other side has closed the stream. `false` if the time ran out first.
pub fn has_hung_up(stream: &UnixStream, timeout: Duration) -> bool {
    #[cfg(target_os = "linux")]
    const HANG_UP: libc::c_short = libc::POLLRDHUP;
    #[cfg(not(target_os = "linux"))]
    const HANG_UP: libc::c_short = 0;
    let mut wanted = libc::pollfd { fd: stream.as_raw_fd(), events: HANG_UP, revents: 0 };
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid entry, and the count says one.
    unsafe { libc::poll(&mut wanted, 1, milliseconds) > 0 }
}

/// Makes this process one that no terminal ends.
pub fn detach() {
    // SAFETY: it takes nothing. It fails if this process leads a group, and then has to do nothing.
    unsafe { libc::setsid() };
}

/// Lets other threads go first.
pub fn lower_priority() {
    /// Of the numbers from 0 to 19.
    const NICE: libc::c_int = 10;
    // SAFETY: on Linux, 0 is the calling thread; elsewhere it is the process, so nothing is done there.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
}

/// The last argument of [`set_umask`].
static UMASK: AtomicU32 = AtomicU32::new(0);

/// Sets the permissions that new files do not get. Returns the old ones.
pub fn set_umask(umask: u32) -> u32 {
    UMASK.store(umask, Ordering::Relaxed);
    // SAFETY: it takes a number.
    unsafe { libc::umask(umask as libc::mode_t) as u32 }
}

/// The permissions that new files do not get, once they were set here: the system cannot be asked without a change.
pub fn umask() -> u32 {
    UMASK.load(Ordering::Relaxed)
}

/// Keeps a new process from inheriting any descriptor but the first three. This process starts no other ones.
pub fn keep_descriptors() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        const CLOSE_ON_EXEC: libc::c_uint = 1 << 2;
        // SAFETY: it takes numbers, and closes nothing in this process.
        if unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_ON_EXEC) } == 0 {
            return Ok(());
        }
    }
    for descriptor in open_descriptors()? {
        // SAFETY: it takes numbers, and fails if the descriptor is not open.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

fn open_descriptors() -> io::Result<Vec<i32>> {
    let entries = std::fs::read_dir("/dev/fd")?;
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(numbers.filter(|&number| number > 2).collect())
}

/// Locks a file until it is closed. `false` if another process has it.
pub fn lock(file: &std::fs::File) -> bool {
    // SAFETY: the descriptor is open.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_ours_until_one_is_closed() {
        let (here, there) = UnixStream::pair().expect("two ends");
        assert!(is_own(&here) && is_own(&there));
        assert!(!has_hung_up(&here, Duration::ZERO));
        drop(there);
        assert!(has_hung_up(&here, Duration::from_secs(10)));
    }
}
