//! What was seen of a file when it was read, so that it can be compared with the file later.

use crate::clock::Instant;
use crate::identity::Identity;
use crate::mapped_file::{self, Contents};

/// A file as it was when it was read.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The file.
    pub path: String,
    /// What was read; `None` if the file did not exist.
    pub identity: Option<Identity>,
    /// It did not change while it was read.
    pub is_steady: bool,
    /// A change of the file changes the bytes that were read.
    pub is_mapped: bool,
    /// When reading began.
    pub started: Instant,
    /// It may be missing: the list of names beside an archive.
    pub is_optional: bool,
    /// What was read, if it is a copy.
    pub bytes: Option<wald::Bytes>,
}

impl Sight {
    /// Whether the file is the same and has the bytes that were read, for times that do not tell. Reads it again.
    pub fn has_same_bytes(&self) -> bool {
        let now = mapped_file::copy(&crate::text::to_path(&self.path));
        now.is_ok_and(|now| {
            now.is_steady
                && Some(now.identity) == self.identity
                && Some(&now.bytes[..]) == self.bytes.as_deref()
        })
    }
}

/// Reads a file and notes what was seen.
pub fn see(
    path: &str,
    is_optional: bool,
    sights: &mut Vec<Sight>,
    read: impl FnOnce() -> std::io::Result<Contents>,
) -> std::io::Result<wald::Bytes> {
    let started = Instant::now();
    let contents = read();
    let (identity, is_steady, is_mapped) = contents.as_ref().map_or((None, true, false), |contents| {
        (Some(contents.identity), contents.is_steady, contents.is_mapped)
    });
    let bytes = contents.as_ref().ok().filter(|contents| !contents.is_mapped);
    let bytes = bytes.map(|contents| contents.bytes.clone());
    sights.push(Sight {
        path: path.to_string(),
        identity,
        is_steady,
        is_mapped,
        started,
        is_optional,
        bytes,
    });
    contents.map(|contents| contents.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_if_times_do_not() {
        let path = std::env::temp_dir().join(format!("wald-sight-{}", std::process::id()));
        let text = crate::text::from_path(&path);
        std::fs::write(&path, "one").expect("a file");
        let mut sights = Vec::new();
        see(&text, false, &mut sights, || mapped_file::copy(&path)).expect("it is there");
        let sight = &mut sights[0];
        assert!(sight.has_same_bytes());
        std::fs::write(&path, "two").expect("a file");
        assert!(!sight.has_same_bytes());
        // As if the clock had not ticked in between.
        sight.identity = Some(Identity::from(&std::fs::metadata(&path).expect("it is there")));
        assert!(!sight.has_same_bytes());
        std::fs::write(&path, "one").expect("a file");
        sight.identity = Some(Identity::from(&std::fs::metadata(&path).expect("it is there")));
        assert!(sight.has_same_bytes());
        std::fs::remove_file(&path).expect("it is ours");
        assert!(!sight.has_same_bytes());
    }
}
