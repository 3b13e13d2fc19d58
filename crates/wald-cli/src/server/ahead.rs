//! What a kept link does before it is asked for: it reads what the compiler has written, and links into a file without a name.
//!
//! While the whole program is compiled, it rehearses: it links what is there already with what the other files were before, and drops the
//! module. Then only what comes after that is new to the link that counts.

use super::kept::{Ahead, File, Kept};
use crate::folder_events::Queue;
use crate::identity::Identity;
use crate::inputs;
use crate::job::{self, Linked};
use crate::observer::FileId;
use crate::output_file::Place;
use crate::sight::Sight;
use crate::text::{from_path, to_path};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wald::{CancelToken, Sink};

/// How soon a file is looked at again that may not be complete.
const CLOSE_LOOK: Duration = Duration::from_millis(4);
/// How soon files are looked at if nothing happens.
const SLOW_LOOK: Duration = Duration::from_millis(500);
/// So many changes after the last request are followed by a link ahead at once: somebody edits. If there are more, the whole program is
/// being compiled, and the link waits until all objects of a folder are new, or the compiler is quiet for as long as a link takes.
const FEW: usize = 3;
/// If the compiler is never quiet, links ahead take one part of so many of the time. They leave less to do for the one that counts.
const SHARE: u32 = 10;
/// Something takes the compiler long if it is quiet for so many times as long as a link takes.
const LONG: u32 = 3;

/// Whether a file is what was read.
enum Doubt {
    /// It is, or it is missing.
    None,
    /// That is found out after this time.
    Until(Duration),
    /// It is not, and it can be read now.
    Stale,
}

/// The files of a link ahead that has begun, by which another thread can see whether it is in vain.
pub struct Basis(Vec<(PathBuf, Option<Identity>)>);

impl Basis {
    /// Whether a file has other data now. A missing file is no reason to link again: its bytes may come back under another name. Nor is a
    /// later change of metadata: rustc makes hard links to its objects before it links them.
    pub fn has_changed(&self) -> bool {
        let is_other = |(path, identity): &(PathBuf, Option<Identity>)| {
            let now = std::fs::metadata(path).map(|found| Identity::from(&found));
            now.is_ok_and(|now| identity.is_none_or(|identity| !identity.has_data_of(&now)))
        };
        self.0.iter().any(is_other)
    }
}

impl Kept {
    /// How long the last link took that was made, and not only handed out.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// What another thread can wait on for changes.
    pub fn queue(&self) -> Option<Arc<Queue>> {
        self.queue.clone()
    }

    /// Reads what has changed and is complete, and links ahead when that is worth it: `begin` is told first. Ends soon when `stop` is
    /// cancelled. Returns how long to wait for changes before the next call.
    pub fn look_ahead(&mut self, stop: &CancelToken, begin: impl FnOnce(Basis)) -> Duration {
        self.hear();
        // After that: what was heard of is due.
        let now = Instant::now();
        let due: Vec<usize> =
            self.doubtful.iter().filter(|(_, &due)| due <= now).map(|(&file, _)| file).collect();
        let ids: Vec<FileId> = due.iter().flat_map(|&file| self.files[file].ids.iter().copied()).collect();
        let news = self.observer.look_at(&ids, 1);
        self.note(&news);
        let mut stale = Vec::new();
        for file in due {
            match self.judge(file) {
                Doubt::None => _ = self.doubtful.remove(&file),
                Doubt::Until(pause) => _ = self.doubtful.insert(file, now + pause),
                Doubt::Stale => stale.push(file),
            }
        }
        // After that: nobody has looked at what has a new name, and only a look tells whether it is missing.
        self.adopt_new_names();
        for file in stale {
            if stop.is_cancelled() {
                return CLOSE_LOOK;
            }
            if self.compare(&[file], 1).is_empty() {
                self.changes.renew(file);
                continue;
            }
            self.read(&[file]);
            self.counts.read_ahead += 1;
            self.changes.add(file);
            self.last_change = Instant::now();
        }
        if self.is_new && self.ahead.is_none() && !stop.is_cancelled() {
            match self.is_complete() {
                false if self.is_rehearsal_due() => self.rehearse(stop),
                false => {}
                true => match self.rest() {
                    Duration::ZERO => self.link_ahead(stop, begin),
                    rest => return rest.min(CLOSE_LOOK),
                },
            }
        }
        let next = self.doubtful.values().min().map(|due| due.saturating_duration_since(Instant::now()));
        next.unwrap_or(SLOW_LOOK).clamp(Duration::from_millis(1), SLOW_LOOK)
    }

    /// How long a link ahead has to wait.
    fn rest(&self) -> Duration {
        let is_all = self.changes.count <= FEW || self.changes.are_whole_folders();
        let quiet = if is_all { Duration::ZERO } else { self.took };
        let rest = quiet.saturating_sub(self.last_change.elapsed());
        // Whoever compiles without a pause still gets links from time to time.
        rest.min((self.took * SHARE).saturating_sub(self.last_ahead.elapsed()))
    }

    /// What a link now depends on.
    fn basis(&self) -> Basis {
        let sights = self.files.iter().flat_map(|file| &file.taken.sights);
        Basis(sights.map(|sight| (to_path(&sight.path).into_owned(), sight.identity)).collect())
    }

    /// Notes the inputs that events tell of. Without events, all are looked at.
    fn hear(&mut self) {
        let news = match &self.queue {
            Some(_) => self.observer.news(),
            None => (0..self.observer.count()).collect(),
        };
        self.note(&news);
    }

    /// Notes that files may have changed.
    pub(super) fn note(&mut self, news: &[FileId]) {
        if news.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut is_new = vec![false; self.observer.count()];
        news.iter().for_each(|&id| is_new[id] = true);
        for (file, File { ids, .. }) in self.files.iter().enumerate() {
            if ids.iter().any(|&id| is_new[id]) {
                self.doubtful.insert(file, now);
            }
        }
    }

    /// What reading an input gave is worth now.
    fn judge(&mut self, file: usize) -> Doubt {
        let changed: Vec<FileId> = match &self.files[file] {
            File { before: Some(_), ids, .. } => ids.clone(),
            File { taken, ids, .. } => {
                let pairs = taken.sights.iter().zip(ids);
                pairs.filter(|(sight, &id)| !self.observer.is_same_as(id, sight)).map(|(_, &id)| id).collect()
            }
        };
        let is_missing = |&id: &FileId| self.observer.identity(id).is_none();
        let missing = changed.iter().copied().chain(self.files[file].ids.first().copied()).filter(is_missing);
        if let Some(id) = missing.min_by_key(|&id| self.observer.hears(id)) {
            // An event will tell that it was made, unless its folder is gone, too (`cargo clean`). If it is never made, the next
            // request says so.
            return if self.observer.hears(id) { Doubt::None } else { Doubt::Until(SLOW_LOOK) };
        }
        // What is read too early is read again: that costs less than to wait until a file must be complete.
        if changed.iter().any(|&id| self.observer.has_writer(id)) {
            return Doubt::Until(CLOSE_LOOK);
        }
        if !changed.is_empty() || !self.is_current(file, Instant::now()) {
            return Doubt::Stale;
        }
        let File { taken, ids, .. } = &self.files[file];
        let mut pairs = taken.sights.iter().zip(ids);
        match pairs.all(|(sight, &id)| sight.identity.is_none() || self.observer.is_certain(id, sight)) {
            true => Doubt::None,
            false => Doubt::Until(SLOW_LOOK),
        }
    }

    /// Whether all inputs are there, so that a link would not fail. A file that is missing together with its folder counts: it was in a
    /// temporary folder, and will be in another one, probably with the same bytes.
    fn is_complete(&self) -> bool {
        let is_there = |file: usize| {
            let mut sights = self.files[file].taken.sights.iter();
            sights.next().is_some_and(|sight| sight.identity.is_some())
                && self.inputs.ids(file).all(|id| !inputs::is_wrong(&self.linker, id))
        };
        let is_same = |File { taken, ids, .. }: &File| {
            let is_same = |sight: &Sight, id| {
                self.observer.is_same_as(id, sight)
                    || sight.bytes.is_some()
                        && self.observer.identity(id).is_none()
                        && !has_folder(&sight.path)
            };
            taken.sights.iter().zip(ids).all(|(sight, &id)| is_same(sight, id))
        };
        (0..self.files.len()).all(is_there) && self.files.iter().all(is_same)
    }

    /// Whether another rehearsal is of use: half of the files have changed that were old at the last one, or the compiler takes long.
    fn is_rehearsal_due(&self) -> bool {
        let took = self.took.max(self.rehearsal_took);
        let is_quiet =
            self.last_change.elapsed() >= took * LONG && self.last_rehearsal.elapsed() >= took * SHARE;
        let has_bytes = |file: usize| {
            let File { taken, before, .. } = &self.files[file];
            (before.is_some() || taken.sights.first().is_some_and(|sight| sight.identity.is_some()))
                && self.inputs.ids(file).all(|id| !inputs::is_wrong(&self.linker, id))
        };
        self.changes.count > FEW
            && self.changes.has_more()
            && (self.changes.is_half_new() || is_quiet)
            && self.can_link_ahead()
            && (0..self.files.len()).all(has_bytes)
    }

    /// Links what is there with what was there before, so that the next link has less to do.
    fn rehearse(&mut self, stop: &CancelToken) {
        let start = Instant::now();
        self.changes.note_rehearsal();
        // What goes wrong may be right with the files to come.
        let _ = self.link_into(&mut Nowhere::default(), stop);
        self.last_rehearsal = Instant::now();
        self.rehearsal_took = start.elapsed();
        self.counts.rehearsals += 1;
    }

    /// Whether nothing but inputs is known to stand in the way.
    fn can_link_ahead(&self) -> bool {
        !self.generator.is_needed() && !self.transcript.has_error(&self.inputs) && !self.options.index_only
    }

    /// Links without generating code.
    fn link_into(&mut self, sink: &mut dyn Sink, stop: &CancelToken) -> Linked {
        self.set_allowed();
        self.linker.set_cancel_token(stop.clone());
        self.generator.set_paused(true);
        let Kept { linker, inputs, transcript, .. } = self;
        let linked = job::link(linker, inputs, transcript, |linker| linker.link_into(sink));
        self.generator.set_paused(false);
        linked
    }

    /// Links into a file without a name.
    fn link_ahead(&mut self, stop: &CancelToken, begin: impl FnOnce(Basis)) {
        let output = from_path(&self.options.output);
        if !self.can_link_ahead() {
            return;
        }
        let Some(mut place) = Place::ahead(&output) else { return };
        begin(self.basis());
        let start = Instant::now();
        let linked = self.link_into(&mut place, stop);
        self.last_ahead = Instant::now();
        if stop.is_cancelled() || self.generator.is_needed() {
            return;
        }
        self.took = start.elapsed();
        self.counts.linked_ahead += 1;
        self.ahead = Some(Ahead { linked, place, umask: super::peer::umask() });
    }
}

/// Takes a module and keeps nothing of it.
#[derive(Default)]
struct Nowhere(Vec<u8>);

impl Sink for Nowhere {
    fn takes_parts(&mut self, _: u64) -> bool {
        true
    }

    /// For a module that its build id is computed from.
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        self.0.place(size)
    }
}

/// Whether the folder of a file exists.
fn has_folder(path: &str) -> bool {
    to_path(path).parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_in_vain_only_if_one_of_its_files_has_changed() {
        let folder = std::env::temp_dir().join(format!("wald-basis-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let [object, depfile] = ["a.o", "a.o.d"].map(|name| folder.join(name));
        std::fs::write(&object, "one").expect("a file");
        let identity = Identity::from(&std::fs::metadata(&object).expect("it is there"));
        let basis = Basis(vec![(object.clone(), Some(identity)), (folder.join("names.imports"), None)]);
        // ninja reads the list of headers that a compiler writes beside an object, and deletes it.
        std::fs::write(&depfile, "a.o: a.c").expect("a file");
        std::fs::remove_file(&depfile).expect("it is there");
        assert!(!basis.has_changed());
        std::fs::write(&object, "three").expect("a file");
        assert!(basis.has_changed());
        std::fs::remove_file(&object).expect("it is there");
        assert!(!basis.has_changed());
        std::fs::write(folder.join("names.imports"), "a").expect("a file");
        assert!(basis.has_changed());
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
