//! Files that replace others as a whole: a temporary file that gets the other's name in one rename.
//!
//! On Linux the temporary file has no name while it is written (`O_TMPFILE`), so that nothing is left whatever happens to
//! the process. It gets one just before the rename, because a file without a name cannot replace another. Where the file
//! system or a sandbox does not allow that, the file has a name from the start, which [`signals`] removes when the process
//! is ended by a signal. A process that is killed outright may leave it: the next one that wants the same name removes it.
//! To tell an abandoned file from one in use, its owner holds a lock on it (`flock`), which ends with the process.
//!
//! Neither `fsync` nor its like is called. When a file with a name is renamed over another, file systems that write data late
//! (ext4, btrfs) write the new file's data before they record the rename, so that a power failure leaves one or the other. That
//! holds for plain writes: a file whose blocks were allocated in advance is not covered.

#![allow(unsafe_code, reason = "files without a name")]

use crate::signals::{self, uninterrupted, Registered};
use std::ffi::{CString, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many names are tried.
const MOST_NAMES: usize = 1000;

/// File systems have names of at most 255 bytes.
#[cfg(unix)]
const LONGEST_NAME: usize = 255;

/// A new file beside the one that it will replace. It is removed unless it is committed.
pub struct Temporary {
    file: File,
    output: PathBuf,
    name: Option<Name>,
    /// There is an older output.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    replaces: bool,
    /// So much was written before it was known what to write.
    ahead: u64,
}

/// The name of a temporary file.
struct Name {
    path: PathBuf,
    registered: Option<Registered>,
}

impl Temporary {
    /// A new file that will replace `output`, which may not exist yet. Its permissions are those of an executable, less
    /// what the umask takes.
    pub fn create(output: &Path) -> io::Result<Temporary> {
        let replaces = output.symlink_metadata().is_ok();
        if let Some(file) = nameless(output) {
            return Ok(Temporary { file, output: output.into(), name: None, replaces, ahead: 0 });
        }
        let (file, name) = named(output)?;
        Ok(Temporary { file, output: output.into(), name: Some(name), replaces, ahead: 0 })
    }

    /// A new file as of [`Temporary::create`], if it needs no name.
    pub fn create_nameless(output: &Path) -> Option<Temporary> {
        let replaces = output.symlink_metadata().is_ok();
        nameless(output).map(|file| Temporary { file, output: output.into(), name: None, replaces, ahead: 0 })
    }

    /// Writes bytes that [`Temporary::write_at`] will replace.
    pub fn write_ahead(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.ahead += bytes.len() as u64;
        Ok(())
    }

    /// How much was written ahead.
    pub fn size_ahead(&self) -> u64 {
        self.ahead
    }

    /// The file will have `size` bytes, all of them written by [`Temporary::write_at`].
    pub fn begin(&self, size: u64) -> io::Result<()> {
        match self.ahead > size {
            true => self.file.set_len(size),
            false => Ok(()),
        }
    }

    /// Makes the file look as if it had been written just now, by the clock of its file system: build systems compare it with others.
    pub fn touch(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::fd::AsRawFd;
            let now = libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW };
            // SAFETY: the descriptor is open, and there are two times.
            if unsafe { libc::futimens(self.file.as_raw_fd(), [now; 2].as_ptr()) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }

    /// The file that it will replace.
    pub fn target(&self) -> &Path {
        &self.output
    }

    /// What was written to it.
    pub fn contents(&self) -> io::Result<Vec<u8>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Replaces the output by this file.
    ///
    /// If the output cannot be renamed over, because it is a mount point or because only its owner may replace it, it is
    /// written to in place.
    pub fn commit(mut self) -> io::Result<()> {
        // NFS reports failed writes when a descriptor is closed, and this one must stay open for its lock.
        close_copy(&self.file)?;
        if self.name.is_none() {
            match self.link_and_rename() {
                Err(Unfinished::NoName) => {
                    self.move_to_named()?;
                    close_copy(&self.file)?;
                }
                Err(Unfinished::NotReplaced(error)) => return self.write_through(error),
                Ok(()) => return Ok(()),
            }
        }
        let Some(mut name) = self.name.take() else { return Ok(()) };
        keep_open(&self.output);
        let renamed = uninterrupted(|| {
            let renamed = std::fs::rename(&name.path, &self.output);
            if renamed.is_err() {
                let _ = std::fs::remove_file(&name.path);
            }
            name.registered = None;
            renamed
        });
        renamed.or_else(|error| self.write_through(error))
    }

    /// Gives the file a name and renames it.
    fn link_and_rename(&self) -> Result<(), Unfinished> {
        for number in 0..MOST_NAMES {
            let path = name_of(&self.output, number);
            keep_open(&self.output);
            let replaced = uninterrupted(|| match link(&self.file, &path) {
                Err(error) => Err(Err(error)),
                Ok(()) => std::fs::rename(&path, &self.output).map_err(|error| {
                    let _ = std::fs::remove_file(&path);
                    Ok(error)
                }),
            });
            match replaced {
                Ok(()) => return Ok(()),
                Err(Ok(error)) => return Err(Unfinished::NotReplaced(error)),
                Err(Err(error)) if error.kind() == ErrorKind::AlreadyExists => remove_if_abandoned(&path),
                Err(Err(_)) => return Err(Unfinished::NoName),
            }
        }
        Err(Unfinished::NoName)
    }

    /// Copies the file to one with a name.
    fn move_to_named(&mut self) -> io::Result<()> {
        let (mut file, name) = named(&self.output)?;
        self.name = Some(name);
        self.file.rewind()?;
        // A signal that is handled can interrupt the system's own copying. The files' positions say how far it came.
        while let Err(error) = io::copy(&mut self.file, &mut file) {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.file = file;
        Ok(())
    }

    /// Writes the bytes into the existing output file; `reason` is why it could not be replaced.
    fn write_through(&mut self, reason: io::Error) -> io::Result<()> {
        if !matches!(reason.raw_os_error(), Some(IN_USE | NOT_PERMITTED)) {
            return Err(reason);
        }
        let Ok(mut output) = OpenOptions::new().write(true).open(&self.output) else { return Err(reason) };
        let mut bytes = Vec::new();
        self.file.rewind()?;
        self.file.read_to_end(&mut bytes)?;
        reserve(&output, bytes.len())?;
        uninterrupted(|| {
            output.write_all(&bytes)?;
            output.set_len(bytes.len() as u64)
        })?;
        close_copy(&output)
    }
}

/// Files that were replaced and are kept open, if any are.
static REPLACED: Mutex<Option<Vec<File>>> = Mutex::new(None);

/// From now on, files that are replaced stay open until [`close_replaced`]: when the last descriptor of a file without a name is closed,
/// the system frees its blocks and its cache, and whoever renames waits for that.
pub fn keep_replaced() {
    *REPLACED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Closes files that were replaced.
pub fn close_replaced() {
    let files = REPLACED.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(std::mem::take);
    drop(files);
}

fn keep_open(output: &Path) {
    if let Some(files) = &mut *REPLACED.lock().unwrap_or_else(PoisonError::into_inner) {
        // If it cannot be opened, the rename takes longer.
        files.extend(File::open(output));
    }
}

/// Why a file did not get the output's name.
enum Unfinished {
    /// It could get no name at all.
    NoName,
    /// The rename failed.
    NotReplaced(io::Error),
}

/// `EBUSY`: something is mounted on it.
const IN_USE: i32 = 16;
/// `EPERM`: somebody else's file in a directory with the sticky bit.
const NOT_PERMITTED: i32 = 1;

impl Temporary {
    /// Writes bytes at an offset, from any thread.
    #[cfg(unix)]
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset)?;
        #[cfg(target_os = "linux")]
        self.begin_to_save(offset, bytes.len());
        Ok(())
    }

    /// Lets the system allocate blocks for these bytes, and write them. Otherwise a rename that replaces another file does that for all
    /// bytes, and the link waits (ext4, 54 MB: 34 ms, instead of 1 to 19 ms).
    #[cfg(target_os = "linux")]
    fn begin_to_save(&self, offset: u64, len: usize) {
        if let (true, Ok(offset), Ok(len)) = (self.replaces, i64::try_from(offset), i64::try_from(len)) {
            use std::os::fd::AsRawFd;
            // SAFETY: the descriptor is open. It is only a hint: a file system that does not do this loses nothing.
            unsafe {
                libc::sync_file_range(self.file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE);
            }
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(mut name) = self.name.take() {
            uninterrupted(|| {
                let _ = std::fs::remove_file(&name.path);
                name.registered = None;
            });
        }
    }
}

/// The name number `number` of temporary files for `output`. They are always the same, so that what a killed process has
/// left is found without a search.
fn name_of(output: &Path, number: usize) -> PathBuf {
    let suffix = format!(".tmp-wald{number}");
    let name = output.file_name().unwrap_or_default();
    #[cfg(unix)]
    let mut name: OsString = {
        use std::os::unix::ffi::OsStrExt;
        let bytes = name.as_bytes();
        std::ffi::OsStr::from_bytes(&bytes[..bytes.len().min(LONGEST_NAME - suffix.len())]).into()
    };
    #[cfg(not(unix))]
    let mut name: OsString = name.into();
    name.push(suffix);
    output.with_file_name(name)
}

/// The options for a new file: the permissions are those of an executable, less what the umask takes.
fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
    options
}

/// A locked file without a name. `None` if that is not possible, for whatever reason.
#[cfg(target_os = "linux")]
fn nameless(output: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let directory = crate::target::parent_of(output);
    let file = new_file().custom_flags(libc::O_TMPFILE).open(directory).ok()?;
    // If there are no locks, a process that finds the file cannot have one either, and leaves it alone.
    lock(&file);
    Some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

/// A locked file with a name, which is registered.
fn named(output: &Path) -> io::Result<(File, Name)> {
    let mut options = new_file();
    options.create_new(true);
    for number in 0..MOST_NAMES {
        let path = name_of(output, number);
        let c_path = c_string(&path)?;
        let created: io::Result<_> = uninterrupted(|| {
            let file = options.open(&path)?;
            // Otherwise another process took it for abandoned before it was locked, and removes it.
            let is_own = lock(&file) && has_name(&file);
            Ok((file, is_own.then(|| signals::register(&c_path))))
        });
        match created {
            Ok((file, Some(registered))) => return Ok((file, Name { path, registered })),
            Ok((_, None)) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => remove_if_abandoned(&path),
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Removes a temporary file whose owner is gone: nobody holds its lock.
fn remove_if_abandoned(path: &Path) {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let Ok(file) = options.open(path) else { return };
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    // Only the owner of the lock may remove the name, so the name still belongs to this file.
    if is_file && has_locked(&file) && names(path, &file) {
        let _ = std::fs::remove_file(path);
    }
}

/// Whether an open file still has a name.
fn has_name(file: &File) -> bool {
    #[cfg(unix)]
    return file.metadata().map_or(true, |file| std::os::unix::fs::MetadataExt::nlink(&file) > 0);
    #[cfg(not(unix))]
    return file.metadata().is_ok();
}

/// Whether `path` is a name of this open file.
#[cfg(unix)]
fn names(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::symlink_metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn names(_: &Path, _: &File) -> bool {
    true
}

/// Locks a new file. `false` if another process keeps it locked: one that looks for abandoned files does so for a moment.
fn lock(file: &File) -> bool {
    for _ in 0..100 {
        // A file system without locks is as good: nobody else can have one.
        if has_locked(file) || io::Error::last_os_error().kind() != ErrorKind::WouldBlock {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Tries to lock a file, without waiting.
#[cfg(unix)]
fn has_locked(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

/// No locks: nothing counts as abandoned.
#[cfg(not(unix))]
fn has_locked(_: &File) -> bool {
    false
}

/// Reports what closing the file would report, and leaves it open.
#[cfg(unix)]
fn close_copy(file: &File) -> io::Result<()> {
    use std::os::fd::{AsRawFd, IntoRawFd};
    let Ok(copy) = file.try_clone() else { return Ok(()) };
    debug_assert_ne!(copy.as_raw_fd(), file.as_raw_fd());
    // SAFETY: nobody else has the copy.
    match unsafe { libc::close(copy.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()).or_else(|error| match error.kind() {
            // The descriptor is closed all the same.
            ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }),
    }
}

#[cfg(not(unix))]
fn close_copy(_: &File) -> io::Result<()> {
    Ok(())
}

/// Gives a file without a name the name `path`, which must be free.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let descriptor = file.as_raw_fd();
    let (in_proc, empty) = (CString::new(format!("/proc/self/fd/{descriptor}"))?, c"");
    let path = c_string(path)?;
    // SAFETY: all of them are C strings, and the descriptor is open.
    let linked = |from, name: *const std::ffi::c_char, flags| unsafe {
        match libc::linkat(from, name, libc::AT_FDCWD, path.as_ptr(), flags) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    match linked(libc::AT_FDCWD, in_proc.as_ptr(), libc::AT_SYMLINK_FOLLOW) {
        // Without `/proc` it takes a privilege or a new kernel.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            linked(descriptor, empty.as_ptr(), libc::AT_EMPTY_PATH)
        }
        linked => linked,
    }
}

/// Never called: on this system every file has a name.
#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Makes sure that `length` bytes can be written to an existing file. Its length stays the same.
#[cfg(target_os = "linux")]
fn reserve(file: &File, length: usize) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let Ok(size @ 1..) = libc::off_t::try_from(length) else { return Ok(()) };
    // SAFETY: the descriptor is open.
    match unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, 0, size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()).or_else(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Err(error),
            ErrorKind::Interrupted => reserve(file, length),
            // Not every file system can do that.
            _ => Ok(()),
        }),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: usize) -> io::Result<()> {
    Ok(())
}

fn c_string(path: &Path) -> io::Result<CString> {
    #[cfg(unix)]
    return Ok(CString::new(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))?);
    #[cfg(not(unix))]
    return Ok(CString::new(path.to_string_lossy().as_bytes())?);
}
