//! Which files have changed since a link was asked for, and whether more are to be expected.

use std::collections::HashMap;
use std::path::Path;

/// The files that have changed since the last request, by file of the inputs.
#[derive(Default)]
pub struct Changes {
    is_changed: Vec<bool>,
    /// How many files.
    pub count: usize,
    /// The folder of each file.
    folder_of: Vec<usize>,
    /// How many files of each folder have changed, and have not.
    folders: Vec<[usize; 2]>,
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
        changes
    }

    /// A file has changed.
    pub fn add(&mut self, file: usize) {
        if !std::mem::replace(&mut self.is_changed[file], true) {
            self.count += 1;
            let [changed, unchanged] = &mut self.folders[self.folder_of[file]];
            (*changed, *unchanged) = (*changed + 1, *unchanged - 1);
        }
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.count = 0;
        self.is_changed.fill(false);
        self.folders.iter_mut().for_each(|[changed, unchanged]| {
            (*changed, *unchanged) = (0, *changed + *unchanged);
        });
    }

    /// Whether no file is old that is in one folder with a changed one: a compiler writes the objects of a program to few folders.
    pub fn are_whole_folders(&self) -> bool {
        self.folders.iter().all(|[changed, unchanged]| *changed == 0 || *unchanged == 0)
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
}
