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

/// Makes the system close a descriptor later, after this process has ended or dropped it and the result.
///
/// Closing an inotify descriptor takes 10 to 20 ms, because the kernel waits until no thread can use its watches. The end of
/// the process would wait for that. So the descriptor is also sent to a socket whose other references are in the same message.
/// Nobody can receive that any more once the sockets are closed. The kernel then collects them in a thread of its own; Linux
/// before 6.9 collects, and waits, in this process. `None` if a call failed: then closing takes as long as it does.
///
/// If the process drops the result while another descriptor of the same description is open, the kernel may collect first, and closing
/// that one waits. So at its end a process drops nothing, and leaves all descriptors to the system.
#[cfg(target_os = "linux")]
pub fn close_in_background(descriptor: std::os::fd::BorrowedFd<'_>) -> Option<[std::os::fd::OwnedFd; 2]> {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    const SIZE: usize = 2 * size_of::<libc::c_int>();
    /// Room for the control message, aligned as its header must be.
    const ROOM: usize = 8;
    let mut pair = [-1; 2];
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: `pair` takes two descriptors.
    if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: both were just opened, and nobody else knows them.
    let pair = unsafe { pair.map(|socket| OwnedFd::from_raw_fd(socket)) };
    let mut byte = [0u8];
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: byte.len() };
    let mut room = [0usize; ROOM];
    // SAFETY: a message of zeros is an empty one. `room` is larger than the control message, whose header and data are written
    // within it; the descriptors are open during the call.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
        message.msg_control = room.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(SIZE as u32) as _;
        let control = libc::CMSG_FIRSTHDR(&raw const message);
        (*control).cmsg_level = libc::SOL_SOCKET;
        (*control).cmsg_type = libc::SCM_RIGHTS;
        (*control).cmsg_len = libc::CMSG_LEN(SIZE as u32) as _;
        let descriptors = [pair[1].as_raw_fd(), descriptor.as_raw_fd()];
        libc::CMSG_DATA(control).cast::<[libc::c_int; 2]>().write_unaligned(descriptors);
        libc::sendmsg(pair[0].as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    (sent >= 0).then_some(pair)
}

/// Elsewhere nobody can be asked.
#[cfg(not(target_os = "linux"))]
pub fn writer_of(_: &Path) -> Writer {
    Writer::Unknown
}

/// Whether a file is on a file system that only this machine changes, and that takes its times from this machine's clock.
#[cfg(target_os = "linux")]
pub fn is_local(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    /// ext2 to ext4, XFS, Btrfs, tmpfs, overlayfs, F2FS, Bcachefs, ZFS: the numbers of statfs(2).
    const LOCAL: [i128; 8] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0xF2F5_2010, 0xCA45_1A4E, 0x2FC1_2FC1];
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the path ends with a zero byte, and the call fills the structure, which is numbers only.
    let (result, found) = unsafe {
        let mut found: libc::statfs = std::mem::zeroed();
        (libc::statfs(path.as_ptr(), &raw mut found), found)
    };
    result == 0 && LOCAL.contains(&(i128::from(found.f_type) & 0xFFFF_FFFF))
}

/// Not known elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn is_local(_: &Path) -> bool {
    false
}

/// Whether this process may write to a file, or replace it by another one in its folder.
#[cfg(unix)]
pub fn may_be_written(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let is_writable = |path: &Path| {
        let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return true };
        // SAFETY: the path ends with a zero byte.
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) == 0 }
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    is_writable(path) || is_writable(folder)
}

/// Elsewhere it may.
#[cfg(not(unix))]
pub fn may_be_written(_: &Path) -> bool {
    true
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
    fn descriptors_that_are_closed_in_the_background_are_closed() {
        use std::os::fd::AsFd;
        let mut ends = Vec::new();
        for _ in 0..50 {
            let (reader, writer) = std::io::pipe().unwrap();
            let sockets = close_in_background(writer.as_fd()).unwrap();
            drop(writer);
            // The sockets hold it.
            assert!(!wait_readable(&reader, Duration::ZERO));
            drop(sockets);
            ends.push(reader);
        }
        for mut reader in ends {
            assert!(wait_readable(&reader, Duration::from_secs(20)));
            assert_eq!(io::Read::read(&mut reader, &mut [0]).unwrap(), 0);
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
