//! Objects that a compiler names anew each time. rustc writes `CRATE-HASH.UNIT.INVOCATION.rcgu.o`, and deletes its objects after the link.
//!
//! A file that is missing and a new one in its folder are taken for the same object if their names differ in one part, which is neither the
//! first nor the last. A mistake costs time only: the link command names its inputs.

use super::kept::{File, Kept};
use crate::folder_events::Watch;
use crate::text::{from_path, to_path};
use std::collections::hash_map::Entry;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Instant;

impl Kept {
    /// Gives missing files the names of new ones.
    pub(super) fn adopt_new_names(&mut self) {
        let new = self.observer.take_strangers();
        // The end of an older object may be noticed after its successor.
        let before = std::mem::replace(&mut self.strangers, new.clone());
        if new.is_empty() && before.is_empty() {
            return;
        }
        let mut missing = self.missing();
        for (watch, name) in before.into_iter().chain(new) {
            let found = patterns(&name).find_map(|pattern| missing.remove(&(watch, pattern)).flatten());
            if let Some(file) = found {
                self.rename(file, &name);
            }
        }
    }

    /// Missing files by the patterns of their names. `None` if a pattern fits several.
    fn missing(&self) -> HashMap<(Watch, OsString), Option<usize>> {
        let mut missing = HashMap::new();
        for (number, file) in self.files.iter().enumerate() {
            let [id] = file.ids[..] else { continue };
            let Some((watch, name)) = self.observer.place(id) else { continue };
            if self.observer.identity(id).is_some() || file.bytes().is_none() {
                continue;
            }
            for pattern in patterns(name) {
                match missing.entry((watch, pattern)) {
                    Entry::Vacant(entry) => _ = entry.insert(Some(number)),
                    Entry::Occupied(mut entry) => _ = entry.insert(None),
                }
            }
        }
        missing
    }

    /// Gives a file another name in its folder. It will be compared with what the linker has.
    fn rename(&mut self, file: usize, name: &OsStr) {
        let path = from_path(&to_path(self.inputs.path(file)).with_file_name(name));
        if self.inputs.file(&path).is_some() {
            return;
        }
        let before = self.files[file].bytes().cloned();
        let is_known = self.inputs.rename(&mut self.linker, file, &path);
        let ids = vec![self.observer.observe(&path)];
        self.files[file] = File { before: before.filter(|_| is_known), ids, ..File::default() };
        self.doubtful.insert(file, Instant::now());
        if !is_known || self.ahead.as_ref().is_some_and(|ahead| ahead.linked.may_name_inputs()) {
            (self.ahead, self.is_new) = (None, true);
        }
    }
}

/// A name without one of its parts that are neither the first nor the last, for each of them.
fn patterns(name: &OsStr) -> impl Iterator<Item = OsString> + '_ {
    let bytes = name.as_bytes();
    let dots: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] == b'.').collect();
    let without = move |part: usize| [&bytes[..=dots[part]], &bytes[dots[part + 1]..]].concat();
    let count = bytes.iter().filter(|&&byte| byte == b'.').count().saturating_sub(1);
    (0..count).map(move |part| OsString::from_vec(without(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leaves_out_one_inner_part() {
        let found: Vec<OsString> = patterns(OsStr::new("cli-1a.cgu.0x.rcgu.o")).collect();
        assert_eq!(found, ["cli-1a..0x.rcgu.o", "cli-1a.cgu..rcgu.o", "cli-1a.cgu.0x..o"]);
        assert_eq!(patterns(OsStr::new("a.o")).count(), 0);
        assert_eq!(patterns(OsStr::new("a")).count(), 0);
    }
}
