//! What a file is known by: device, inode, size, and the times of the last change of its data and of its metadata.
//!
//! Two looks with the same identity saw the same bytes, as long as the file system's clock ticked between a change and the
//! next. An identity is compared with our own clock only where the file system uses that clock: others may be ahead or behind, and tools set modification times back. They cannot set the time of the last metadata change.

use std::fs::{File, Metadata};
use std::io;
use std::time::{Duration, SystemTime};

/// The tick of the coarsest clock: that of FAT.
const COARSE: Duration = Duration::from_millis(2100);

/// A file as one look saw it. Times are in nanoseconds of the file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: i128,
    changed: i128,
}

impl Identity {
    /// The identity of an open file, which its path may no longer name.
    pub fn of_file(file: &File) -> io::Result<Identity> {
        file.metadata().map(|metadata| Identity::from(&metadata))
    }

    /// How far two changes may be apart that leave the same times. Times of whole seconds are of a file system that has no others.
    pub fn tick(&self) -> Duration {
        const SECOND: i128 = 1_000_000_000;
        match (self.modified % SECOND, self.changed % SECOND) {
            (0, 0) => COARSE,
            _ => Duration::ZERO,
        }
    }

    /// Whether both are of one file, however it has changed.
    pub fn is_same_file(&self, other: &Identity) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether both are of one file with the same time and size: nobody has written to it, as far as these tell.
    pub fn has_data_of(&self, other: &Identity) -> bool {
        self.is_same_file(other) && (self.size, self.modified) == (other.size, other.modified)
    }

    /// Whether the file was last changed, in any way, at this time of this machine's clock or later. Only for file systems that use that
    /// clock. No tool can set the time of the last change.
    #[cfg(unix)]
    pub fn was_changed_since(&self, time: SystemTime) -> bool {
        let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.changed >= time.as_nanos() as i128
    }

    /// Not known: the time of creation can be that of another file.
    #[cfg(not(unix))]
    pub fn was_changed_since(&self, _: SystemTime) -> bool {
        false
    }

    /// Whether the data were last changed later than those of the other file.
    pub fn is_newer_than(&self, other: &Identity) -> bool {
        self.modified > other.modified
    }
}

#[cfg(unix)]
impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// On other systems the standard library has neither inode nor time of the last metadata change. Size and both times replace
/// them.
#[cfg(not(unix))]
impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Identity {
        let nanoseconds = |time: io::Result<std::time::SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            since.map_or(0, |since| since.as_nanos() as i128)
        };
        Identity {
            device: 0,
            inode: 0,
            size: metadata.len(),
            modified: nanoseconds(metadata.modified()),
            changed: nanoseconds(metadata.created()),
        }
    }
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl From<&wald::Bytes> for Identity {
    /// A file in memory does not change during a link.
    fn from(bytes: &wald::Bytes) -> Identity {
        Identity { device: 0, inode: 0, size: bytes.len() as u64, modified: 0, changed: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_with_a_restored_time_is_another_identity() {
        let path = std::env::temp_dir().join(format!("wald-identity-{}", std::process::id()));
        std::fs::write(&path, "one").unwrap();
        let identity = || Identity::from(&std::fs::metadata(&path).unwrap());
        let before = identity();
        assert_eq!(before, identity());
        let time = std::fs::metadata(&path).unwrap().modified().unwrap();
        // Coarser clocks than this one are not in use.
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&path, "two").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let after = identity();
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), time);
        std::fs::remove_file(&path).unwrap();
        #[cfg(unix)]
        assert_ne!(before, after);
        assert!(before.is_same_file(&after));
    }
}
