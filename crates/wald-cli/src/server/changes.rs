//! Which files have changed since a link was asked for, and whether more are to be expected.

use std::collections::HashMap;
use std::path::Path;

/// The files that have changed since the last request, by file of the inputs.
#[derive(Default)]
pub struct Changes {
    is_changed: Vec<bool>,
    /// How many files.
    pub count: usize,
    /// Files that were written, also those with the same bytes as before.
    is_written: Vec<bool>,
    /// The folder of each file.
    folder_of: Vec<usize>,
    /// How many files of each folder were written, and were not.
    folders: Vec<[usize; 2]>,
    /// How many files were to be expected at the last rehearsal, or at most since.
    most_expected: usize,
    /// How many files had changed before the last rehearsal.
    rehearsed: usize,
}

impl Changes {
    /// None yet, of files with these paths.
    pub fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let mut changes = Changes::default();
        let mut numbers = HashMap::new();
        for path in paths {
            let folder = numbers.entry(Path::new(path).parent()).or_insert(changes.folders.len());
            if *folder == changes.folders.len() {
                changes.folders.push([0, 0]);
            }
            changes.folders[*folder][1] += 1;
            changes.folder_of.push(*folder);
        }
        changes.is_changed = vec![false; changes.folder_of.len()];
        changes.is_written = changes.is_changed.clone();
        changes
    }

    /// A file has other bytes.
    pub fn add(&mut self, file: usize) {
        self.renew(file);
        if !std::mem::replace(&mut self.is_changed[file], true) {
            self.count += 1;
        }
    }

    /// A file was written, perhaps with the same bytes as before.
    pub fn renew(&mut self, file: usize) {
        if !std::mem::replace(&mut self.is_written[file], true) {
            let [written, old] = &mut self.folders[self.folder_of[file]];
            (*written, *old) = (*written + 1, *old - 1);
            self.most_expected = self.most_expected.max(self.expected());
        }
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        (self.count, self.most_expected, self.rehearsed) = (0, 0, 0);
        self.is_changed.fill(false);
        self.is_written.fill(false);
        self.folders.iter_mut().for_each(|[written, old]| (*written, *old) = (0, *written + *old));
    }

    /// How many files are old that are in one folder with a written one: a compiler writes the objects of a program to few folders.
    fn expected(&self) -> usize {
        let begun = self.folders.iter().filter(|[written, _]| *written > 0);
        begun.map(|[_, old]| old).sum()
    }

    /// Whether no more files are to be expected.
    pub fn are_whole_folders(&self) -> bool {
        self.expected() == 0
    }

    /// Whether half of the files were written that were to be expected at the last rehearsal.
    pub fn is_half_new(&self) -> bool {
        2 * self.expected() <= self.most_expected
    }

    /// Whether a file has changed since the last rehearsal.
    pub fn has_more(&self) -> bool {
        self.count > self.rehearsed
    }

    /// What has changed until now is part of a rehearsal.
    pub fn note_rehearsal(&mut self) {
        (self.most_expected, self.rehearsed) = (self.expected(), self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_whole_when_each_of_its_files_has_changed() {
        let mut changes = Changes::new(["lib/crt.o", "a/1.o", "a/2.o", "b/1.o"].into_iter());
        assert!(changes.are_whole_folders());
        changes.add(1);
        changes.add(1);
        assert_eq!((changes.count, changes.are_whole_folders()), (1, false));
        changes.add(2);
        assert_eq!((changes.count, changes.are_whole_folders()), (2, true));
        changes.add(3);
        assert!(changes.are_whole_folders());
        changes.clear();
        assert_eq!(changes.count, 0);
        changes.add(2);
        assert!(!changes.are_whole_folders());
    }

    #[test]
    fn a_rehearsal_is_due_when_half_of_the_expected_files_are_there() {
        let paths: Vec<String> = (0..8).map(|file| format!("a/{file}.o")).chain(["b/0.o".into()]).collect();
        let mut changes = Changes::new(paths.iter().map(String::as_str));
        let mut due = Vec::new();
        for file in 0..8 {
            // What has the same bytes was written, too.
            if file == 5 {
                changes.renew(file);
            } else {
                changes.add(file);
            }
            if changes.is_half_new() && changes.has_more() {
                changes.note_rehearsal();
                due.push(file);
            }
        }
        // Seven were expected after the first, three after 4, one after 6.
        assert_eq!(due, [4, 6, 7]);
        assert!(!changes.has_more());
        // Another folder is begun.
        changes.add(8);
        assert!(changes.is_half_new() && changes.has_more());
        changes.clear();
        assert!(!changes.has_more());
    }
}
