//! What a link has read, so that it can tell before it writes its output whether the files have changed since.

use crate::identity::Identity;
use crate::observer::{in_parallel, Sight};
use std::sync::Mutex;

/// The files that were read. Threads add to it.
#[derive(Default)]
pub struct ReadFiles(Mutex<Vec<Sight>>);

impl ReadFiles {
    /// Adds files.
    pub fn add(&self, sights: impl IntoIterator<Item = Sight>) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(sights);
    }

    /// The paths of files that were changed in place after they had been opened, in order and each once.
    ///
    /// A file that lost its name, or whose name now belongs to another file, has the bytes that were read.
    pub fn changed_in_place(&self, threads: usize) -> Vec<String> {
        let sights = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_changed = in_parallel(&sights, threads, |sight| {
            let Some(then) = sight.identity else { return false };
            let Ok(now) = std::fs::metadata(&*crate::text::to_path(&sight.path)) else {
                return !sight.is_steady;
            };
            // A pipe or a device changes by being read.
            let is_file = now.is_file();
            let now = Identity::from(&now);
            !sight.is_steady || is_file && now != then && now.is_same_file(&then)
        });
        let mut changed: Vec<String> = Vec::new();
        for (sight, is_changed) in sights.iter().zip(is_changed) {
            if is_changed && !changed.contains(&sight.path) {
                changed.push(sight.path.clone());
            }
        }
        changed
    }
}
