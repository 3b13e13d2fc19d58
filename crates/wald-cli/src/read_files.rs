//! What a link has read, so that it can tell before it writes its output whether the files have changed since.

use crate::identity::Identity;
use crate::in_parallel::in_parallel;
use crate::sight::Sight;

/// The files that were read and whose bytes a change would make wrong. What was copied is what it was, if the file did not change
/// meanwhile.
#[derive(Default)]
pub struct ReadFiles(Vec<Sight>);

impl ReadFiles {
    /// Adds the files that contain arguments, such as response files. They must not change during the link.
    pub fn add_all(&mut self, sights: impl IntoIterator<Item = Sight>) {
        self.0.extend(sights);
    }

    /// Adds inputs.
    pub fn add(&mut self, sights: impl IntoIterator<Item = Sight>) {
        self.0.extend(sights.into_iter().filter(|sight| sight.is_mapped || !sight.is_steady));
    }

    /// The paths of files that were changed in place after they had been opened, in order and each once.
    ///
    /// A file that lost its name, or whose name now belongs to another file, has the bytes that were read.
    pub fn changed_in_place(&self, threads: usize) -> Vec<String> {
        let is_changed = in_parallel(&self.0, threads, |sight| {
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
        for (sight, is_changed) in self.0.iter().zip(is_changed) {
            if is_changed && !changed.contains(&sight.path) {
                changed.push(sight.path.clone());
            }
        }
        changed
    }
}
