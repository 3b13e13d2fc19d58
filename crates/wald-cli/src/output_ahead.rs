//! The output's file, filled with zeros while inputs are awaited.
//!
//! Most of the time of writing a new file is the system's: it finds memory for the file and room on the disk. If that is done before the
//! last input is there, writing 60 MB takes three quarters of the time (ext4).
//!
//! Only an output that does not exist yet is made ahead. One that replaces another must not have zeros after a power failure, so its
//! bytes must be the first that are written: see [`temporary`](crate::temporary).

use crate::target::{resolve, Target};
use crate::temporary::Temporary;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use wald::CancelToken;

/// A smaller output is not worth it.
const LEAST: u64 = 4 << 20;
/// So much is written at once.
const PART: usize = 256 * 1024;

/// A file that may be made ahead.
pub struct OutputAhead {
    path: PathBuf,
    has_begun: AtomicBool,
    file: Mutex<Option<Temporary>>,
}

impl OutputAhead {
    /// A file for this output, if it would be a new regular one.
    pub fn new(output: &str) -> Option<Self> {
        match resolve(output) {
            Ok(Target::Regular(path)) if path.symlink_metadata().is_err() => {
                Some(OutputAhead { path, has_begun: AtomicBool::new(false), file: Mutex::default() })
            }
            _ => None,
        }
    }

    /// Whether it was to be made already.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Whether it is worth making now, with this size.
    pub fn begin(&self, size: u64) -> bool {
        size >= LEAST && !self.has_begun.swap(true, Ordering::Relaxed)
    }

    /// Makes the file about so large, unless `stop` is cancelled meanwhile. If that fails, the link does without it.
    pub fn make(&self, size: u64, stop: &CancelToken) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut new) = Temporary::create_nameless(&self.path) else { return };
        let zeros = vec![0; PART];
        while new.size_ahead() < size && !stop.is_cancelled() {
            if new.write_ahead(&zeros).is_err() {
                return;
            }
        }
        *file = Some(new);
    }

    /// The file, if it was made, and if there is still no older output.
    pub fn take(&self) -> Option<Temporary> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        file.filter(|_| self.path.symlink_metadata().is_err())
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::output_file::Place;
    use wald::Sink;

    #[test]
    fn a_module_that_is_shorter_or_longer_than_expected_is_complete() {
        let directory = std::env::temp_dir().join(format!("wald-ahead-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("out.wasm");
        let text = path.to_str().unwrap();
        for size in [LEAST / 2, LEAST * 2] {
            let mut place = Place::new(text, false);
            let ahead = place.before_module().unwrap();
            ahead.make(LEAST, &CancelToken::new());
            let file = ahead.take().unwrap();
            assert_eq!(file.contents().unwrap().len() as u64, LEAST);
            place.set_new_file(Some(file));
            assert!(place.takes_parts(size));
            let module = vec![7; size as usize];
            place.write_at(0, &module);
            place.stage(&mut Vec::new()).unwrap().commit().unwrap();
            assert!(std::fs::read(&path).unwrap() == module);
            // What exists is not replaced by a file of zeros, even if it came later.
            ahead.make(LEAST, &CancelToken::new());
            assert!(ahead.take().is_none());
            assert!(Place::new(text, false).before_module().is_none());
            std::fs::remove_file(&path).unwrap();
        }
        let ahead = OutputAhead::new(text).unwrap();
        let stopped = CancelToken::new();
        stopped.cancel();
        ahead.make(LEAST, &stopped);
        assert_eq!(ahead.take().unwrap().size_ahead(), 0);
        assert!(!ahead.begin(LEAST - 1) && ahead.begin(LEAST) && !ahead.begin(LEAST));
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(OutputAhead::new("/dev/null").is_none());
    }
}
