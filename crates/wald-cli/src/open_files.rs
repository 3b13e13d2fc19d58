//! What the system knows about open files: whether a process writes to one, and which descriptors this process inherited.

#![allow(unsafe_code, reason = "leases and descriptors")]

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::time::Duration;

/// Whether a process has a file open for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// None on this machine.
    Closed,
    /// At least one, or one has mapped it for writing.
    Open,
    /// The system does not say: it is another system, a file system without leases, or another user's file.
    Unknown,
}

/// Asks for a read lease, which Linux grants only while no process has the file open for writing, and gives it back at once.
///
/// A process that opens the file for writing in that moment waits for a few microseconds, until the lease is given back.
#[cfg(target_os = "linux")]
pub fn writer_of(path: &Path) -> Writer {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    /// Which signal says that somebody wants to write. The `libc` crate does not have it.
    const F_SETSIG: libc::c_int = 10;
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let Ok(file) = opened else { return Writer::Unknown };
    let descriptor = file.as_raw_fd();
    // SAFETY: the descriptor is open, and these commands take numbers. SIGURG is ignored unless somebody asks for it; the
    // usual signal, SIGIO, would end the process.
    let granted = unsafe {
        if libc::fcntl(descriptor, F_SETSIG, libc::SIGURG) != 0 {
            return Writer::Unknown;
        }
        libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_RDLCK) == 0
    };
    if granted {
        // SAFETY: as above.
        unsafe { libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_UNLCK) };
        return Writer::Closed;
    }
    match io::Error::last_os_error().kind() {
        io::ErrorKind::WouldBlock => Writer::Open,
        _ => Writer::Unknown,
    }
}

/// Elsewhere nobody can be asked.
#[cfg(not(target_os = "linux"))]
pub fn writer_of(_: &Path) -> Writer {
    Writer::Unknown
}

/// A descriptor that the process was started with. It stays open: others may use the same one.
///
/// The descriptor itself is used, because `/dev/fd` cannot open sockets. Files that this process opened are closed on exec,
/// which tells them apart.
#[cfg(unix)]
pub fn inherited(descriptor: u32) -> io::Result<ManuallyDrop<File>> {
    use std::os::fd::FromRawFd;
    let descriptor = i32::try_from(descriptor).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: asking for the flags of any number is allowed.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    if flags < 0 || flags & libc::FD_CLOEXEC != 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the descriptor is open, is not one of ours, and `ManuallyDrop` never closes it.
    Ok(ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) }))
}

/// On Windows only standard input is inherited.
#[cfg(windows)]
pub fn inherited(descriptor: u32) -> io::Result<ManuallyDrop<File>> {
    use std::os::windows::io::AsHandle;
    if descriptor != 0 {
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    Ok(ManuallyDrop::new(File::from(input)))
}

/// Elsewhere nothing is inherited.
#[cfg(not(any(unix, windows)))]
pub fn inherited(_: u32) -> io::Result<ManuallyDrop<File>> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Waits until there are bytes to read, or the end of the file. `false` if the time ran out first.
#[cfg(unix)]
pub fn wait_readable(file: &impl std::os::fd::AsRawFd, timeout: Duration) -> bool {
    let mut wanted = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid entry, and the count says one.
    unsafe { libc::poll(&mut wanted, 1, milliseconds) > 0 }
}

/// Elsewhere reading itself waits.
#[cfg(not(unix))]
pub fn wait_readable<T>(_: &T, _: Duration) -> bool {
    true
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_writer_is_seen_until_it_closes() {
        let path = std::env::temp_dir().join(format!("wald-writer-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        let while_open = writer_of(&path);
        drop(file);
        let reader = File::open(&path).unwrap();
        let closed = writer_of(&path);
        // A writer that opens the file now is not refused, and does not end this process by a signal.
        let writer = std::thread::spawn({
            let path = path.clone();
            move || (0..200).for_each(|_| drop(File::options().append(true).open(&path).unwrap()))
        });
        while !writer.is_finished() {
            writer_of(&path);
        }
        writer.join().unwrap();
        drop(reader);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(writer_of(&path), Writer::Unknown);
        // A file system may have no leases; then nothing is known.
        if closed != Writer::Unknown {
            assert_eq!((while_open, closed), (Writer::Open, Writer::Closed));
        }
    }

    #[test]
    fn a_descriptor_of_ours_is_not_inherited() {
        use std::os::fd::AsRawFd;
        let file = File::open(std::env::temp_dir()).unwrap();
        for descriptor in [file.as_raw_fd() as u32, 100_000, u32::MAX] {
            assert_eq!(inherited(descriptor).unwrap_err().raw_os_error(), Some(libc::EBADF));
        }
    }
}
