//! Whether files are complete, by what this process saw itself.
//!
//! A file is complete when it was seen to be renamed into place or closed after writing, and nobody has it open for writing;
//! or when its identity has not changed for [`QUIET`] by this process's clock and nobody has it open for writing, as far as
//! the system tells. Times of files are compared with each other only, never with our clock.

use crate::clock::Instant;
use crate::folder_events::{FolderEvents, Last, Log, Queue, Watch};
use crate::identity::Identity;
use crate::in_parallel::in_parallel;
use crate::open_files::{self, Writer};
use crate::sight::Sight;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file that nobody writes to is complete when it has not changed for this long.
pub const QUIET: Duration = Duration::from_millis(25);
/// How long a file must not change if there are signs that it is not complete: it does not parse, or it was written to and
/// not closed.
pub const DOUBTFUL: Duration = Duration::from_secs(1);
/// Two changes of a file that are at least this far apart have different times: no clock of a file system in use is coarser
/// than two ticks at 100 Hz.
const TICK: Duration = Duration::from_millis(20);
/// So many names of files that are not observed are kept. More are forgotten, which costs time only.
const MOST_STRANGERS: usize = 10_000;

/// A file that is observed: index into the observer's list.
pub type FileId = usize;

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It does not exist.
    Missing,
    /// Somebody may be writing to it.
    Growing,
    /// Nobody writes to it, and a change would be noticed: it may be read, but has not been like this for long.
    Readable,
    /// It is complete.
    Complete,
}

/// What a sight of a file is worth now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The bytes are those of the complete file.
    Good,
    /// The file may not be complete.
    Wait,
    /// The file has other bytes now, or may have.
    Stale,
}

/// The observed files.
pub struct Observer {
    events: FolderEvents,
    files: Vec<Track>,
    by_path: HashMap<String, FileId>,
    by_name: HashMap<(Watch, OsString), Vec<FileId>>,
    /// Whether a watched folder is one that only this machine changes.
    is_local: HashMap<Watch, bool>,
    /// Names in watched folders that were heard of and are not observed.
    strangers: HashSet<(Watch, OsString)>,
}

/// What a look at a file found, and how many events there had been about it.
type Found = (Option<Metadata>, u64);

/// What is known about one file.
struct Track {
    path: PathBuf,
    folder: PathBuf,
    name: OsString,
    watch: Option<Watch>,
    /// It has other names or other folders: events may not tell of all changes.
    is_elsewhere: bool,
    /// It is not a regular file, such as a pipe: it can be read only once, and is complete at its end.
    is_special: bool,
    identity: Option<Identity>,
    /// Since when it is like this, or has no writer.
    since: Instant,
    /// Events told of the last change.
    is_explained: bool,
    /// How many events there were at the last look.
    events: u64,
    /// Nobody had it open for writing since it is like this.
    is_closed: bool,
}

impl Observer {
    /// Observes nothing yet. Without `listens`, files are looked at only.
    pub fn new(listens: bool) -> Self {
        let events = if listens { FolderEvents::new() } else { FolderEvents::deaf() };
        Observer {
            events,
            files: Vec::new(),
            by_path: HashMap::new(),
            by_name: HashMap::new(),
            is_local: HashMap::new(),
            strangers: HashSet::new(),
        }
    }

    /// Begins to observe a file.
    pub fn observe(&mut self, path: &str) -> FileId {
        if let Some(&file) = self.by_path.get(path) {
            return file;
        }
        let file = self.files.len();
        self.by_path.insert(path.to_string(), file);
        let path = crate::text::to_path(path).into_owned();
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let name = path.file_name().unwrap_or_default().to_os_string();
        self.files.push(Track {
            path,
            folder,
            name,
            watch: None,
            is_elsewhere: false,
            is_special: false,
            identity: None,
            since: Instant::now(),
            is_explained: false,
            events: 0,
            is_closed: false,
        });
        self.watch_folder(file);
        file
    }

    /// How many files are observed.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// Watches a file's folder. Returns whether that is new.
    fn watch_folder(&mut self, file: FileId) -> bool {
        let track = &mut self.files[file];
        let watch = self.events.watch(&track.folder);
        if watch == track.watch {
            return false;
        }
        track.watch = watch;
        if let Some(watch) = watch {
            let folder = if track.folder.as_os_str().is_empty() { Path::new(".") } else { &track.folder };
            self.is_local.entry(watch).or_insert_with(|| open_files::is_local(folder));
            self.by_name.entry((watch, track.name.clone())).or_default().push(file);
        }
        watch.is_some()
    }

    /// What another thread can wait on for news.
    pub fn queue(&self) -> Option<Queue> {
        self.events.queue()
    }

    /// The files that something was heard about since the last time.
    pub fn news(&mut self) -> Vec<FileId> {
        let heard = self.events.drain();
        let mut files: Vec<FileId> = Vec::new();
        for name in heard.names {
            match self.by_name.get(&name) {
                Some(known) => files.extend(known),
                None if self.strangers.len() < MOST_STRANGERS => _ = self.strangers.insert(name),
                None => {}
            }
        }
        if heard.is_incomplete {
            return (0..self.files.len()).collect();
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The names in watched folders that were heard of since the last call and are not observed, sorted.
    pub fn take_strangers(&mut self) -> Vec<(Watch, OsString)> {
        let mut strangers: Vec<_> = std::mem::take(&mut self.strangers).into_iter().collect();
        strangers.sort_unstable();
        strangers
    }

    /// The watched folder of a file, and its name there.
    pub fn place(&self, file: FileId) -> Option<(Watch, &OsStr)> {
        let track = &self.files[file];
        track.watch.map(|watch| (watch, &*track.name))
    }

    /// Whether a change of the file would be heard of.
    pub fn hears(&self, file: FileId) -> bool {
        !self.files[file].is_elsewhere && self.is_watched(file)
    }

    /// Whether a change of the file by any machine would be heard of.
    pub fn hears_all(&self, file: FileId) -> bool {
        let is_local = self.files[file].watch.and_then(|watch| self.is_local.get(&watch));
        self.hears(file) && is_local.is_some_and(|&is_local| is_local)
    }

    /// Whether its folder is watched.
    fn is_watched(&self, file: FileId) -> bool {
        self.files[file].watch.is_some_and(|watch| self.events.is_watched(watch))
    }

    /// What the file is known by, as of the last look.
    pub fn identity(&self, file: FileId) -> Option<Identity> {
        self.files[file].identity
    }

    /// Its path.
    pub fn path(&self, file: FileId) -> String {
        crate::text::from_path(&self.files[file].path)
    }

    /// Whether it is no regular file, as of the last look.
    pub fn is_special(&self, file: FileId) -> bool {
        self.files[file].is_special
    }

    /// Whether it has the identity with which it was read, as of the last look, and did not change meanwhile.
    pub fn is_same_as(&self, file: FileId, sight: &Sight) -> bool {
        sight.is_steady && self.files[file].identity == sight.identity
    }

    /// Whether a change after it was read would have given it another identity: when it was read, it had been as it was for longer than
    /// a tick of its file system's clock.
    pub fn is_certain(&self, file: FileId, sight: &Sight) -> bool {
        let track = &self.files[file];
        let tick = track.identity.map_or(TICK, |identity| identity.tick().max(TICK));
        sight.started.saturating_duration_since(track.since) >= tick
    }

    /// Whether the last event about the file says that it was written or renamed.
    pub fn is_heard_to_be_written(&self, file: FileId) -> bool {
        self.log(file).is_some_and(|log| matches!(log.last, Last::Closed | Last::Renamed))
    }

    /// How long the file has been like this.
    pub fn age(&self, file: FileId) -> Duration {
        self.files[file].since.elapsed()
    }

    /// Looks at files, on at most `threads` threads, and at all for which events arrive until then. Returns the latter.
    pub fn look_at(&mut self, files: &[FileId], threads: usize) -> Vec<FileId> {
        let mut news = self.news();
        let mut files = [files, &news].concat();
        files.sort_unstable();
        files.dedup();
        let found = self.find(&files, threads);
        // An event that arrived during the look may be older or newer than the look, so its file is looked at again.
        let mut late = self.news();
        for (&file, found) in files.iter().zip(found) {
            if late.binary_search(&file).is_err() {
                self.take(file, found);
            }
        }
        for _ in 0..5 {
            if late.is_empty() {
                break;
            }
            let found = self.find(&late, 1);
            late.iter().zip(found).for_each(|(&file, found)| self.take(file, found));
            news.extend(&late);
            late = self.news();
        }
        // These change faster than one can look.
        late.iter().for_each(|&file| self.files[file].is_explained = false);
        news.extend(late);
        news
    }

    fn find(&self, files: &[FileId], threads: usize) -> Vec<Found> {
        in_parallel(files, threads, |&file| self.find_one(file))
    }

    fn find_one(&self, file: FileId) -> Found {
        (std::fs::metadata(&self.files[file].path).ok(), self.count_events(file))
    }

    /// How many events there were about a file.
    fn count_events(&self, file: FileId) -> u64 {
        self.log(file).map_or(0, |log| log.count)
    }

    fn log(&self, file: FileId) -> Option<Log> {
        let track = &self.files[file];
        track.watch.and_then(|watch| self.events.log(watch, &track.name))
    }

    /// Takes over what a look found.
    fn take(&mut self, file: FileId, (found, events): Found) {
        let identity = found.as_ref().map(Identity::from);
        let track = &mut self.files[file];
        let is_heard = events != track.events;
        if is_heard {
            (track.events, track.is_closed) = (events, false);
        }
        if identity == track.identity {
            // An event explains what an earlier look saw: a change is visible a moment before its event is.
            track.is_explained |= is_heard;
            if identity.is_none() && !self.is_watched(file) && self.watch_folder(file) {
                // It may have been made before its folder was watched again.
                let found = self.find_one(file);
                self.take(file, found);
            }
            return;
        }
        track.is_elsewhere = is_elsewhere(&track.path, found.as_ref());
        track.is_special = found.is_some_and(|found| !found.is_file());
        (track.identity, track.since, track.is_closed) = (identity, Instant::now(), false);
        track.is_explained = is_heard;
        if !is_heard {
            // Nobody told: the folder may be another one, or is not watched yet.
            self.watch_folder(file);
            self.files[file].events = self.count_events(file);
        }
    }

    /// Whether somebody is known to have the file open for writing, or was heard to write to it and not to close it.
    pub fn has_writer(&self, file: FileId) -> bool {
        let track = &self.files[file];
        match open_files::writer_of(&track.path) {
            Writer::Open => true,
            Writer::Closed => false,
            Writer::Unknown => {
                self.log(file).is_some_and(|log| log.last == Last::Written)
                    && track.since.elapsed() < DOUBTFUL
            }
        }
    }

    /// How far the file is, as of the last look.
    pub fn stage(&mut self, file: FileId) -> Stage {
        let hears = self.hears(file);
        let track = &mut self.files[file];
        if track.identity.is_none() {
            return Stage::Missing;
        }
        if track.is_special {
            return Stage::Complete;
        }
        let mut writer = Writer::Closed;
        if !track.is_closed {
            writer = open_files::writer_of(&track.path);
            track.is_closed = writer == Writer::Closed;
        }
        if writer == Writer::Open {
            track.since = Instant::now();
            return Stage::Growing;
        }
        self.unwritten_stage(file, hears, writer)
    }

    /// How far a file is that nobody is known to have open for writing.
    fn unwritten_stage(&self, file: FileId, hears: bool, writer: Writer) -> Stage {
        let track = &self.files[file];
        let since = track.since.elapsed();
        match self.log(file).filter(|_| track.is_explained && hears).map_or(Last::Nothing, |log| log.last) {
            Last::Renamed | Last::Closed => Stage::Complete,
            Last::Written if writer == Writer::Unknown && since < DOUBTFUL => Stage::Growing,
            _ if since >= QUIET => Stage::Complete,
            Last::Nothing if hears && writer == Writer::Closed => Stage::Readable,
            _ => Stage::Growing,
        }
    }

    /// For the sights of each input, whether all are worth [`Verdict::Good`] without another question to the system, as of the last look.
    pub fn are_good(&self, sights: &[&[Sight]], threads: usize) -> Vec<bool> {
        in_parallel(sights, threads, |sights| sights.iter().all(|sight| self.is_good(sight)))
    }

    fn is_good(&self, sight: &Sight) -> bool {
        let Some(&file) = self.by_path.get(&sight.path) else { return false };
        let track = &self.files[file];
        let is_known = track.is_closed && !track.is_special && track.identity.is_some();
        is_known
            && self.is_same_as(file, sight)
            && self.is_unchanged(file, sight)
            && self.unwritten_stage(file, self.hears(file), Writer::Closed) == Stage::Complete
    }

    /// Whether a change after the file was read would have been noticed. One just after the read may have left the identity as it is,
    /// if the clock did not tick between the two.
    fn is_unchanged(&self, file: FileId, sight: &Sight) -> bool {
        let track = &self.files[file];
        let is_silent = |watch: Watch| self.events.is_silent_since(watch, &track.name, sight.started);
        sight.started.saturating_duration_since(track.since) >= TICK
            || self.hears(file) && track.watch.is_some_and(is_silent)
    }

    /// What the sights of one input are worth, as of the last look. `is_wrong`: what was read has an error, which may be that of
    /// a file that is not complete.
    pub fn judge_all(&mut self, sights: &[Sight], is_wrong: bool) -> Verdict {
        let verdict = sights.iter().map(|sight| self.judge(sight)).max().unwrap_or(Verdict::Good);
        match verdict {
            Verdict::Good if is_wrong && !sights.iter().all(|sight| self.is_beyond_doubt(sight)) => {
                Verdict::Wait
            }
            verdict => verdict,
        }
    }

    /// What the sights of an input are worth that was named by its maker: only another file than the one that was read is to be
    /// seen to.
    pub fn judge_named(&mut self, sights: &[Sight]) -> Verdict {
        match sights.iter().all(|sight| self.is_same(sight)) {
            true => Verdict::Good,
            false => Verdict::Stale,
        }
    }

    /// Whether the file is complete beyond doubt, so that an error in it counts.
    pub fn is_beyond_doubt(&mut self, sight: &Sight) -> bool {
        let file = self.observe(&sight.path);
        match self.stage(file) {
            Stage::Complete => {}
            Stage::Missing => return sight.is_optional,
            _ => return false,
        }
        let track = &self.files[file];
        track.is_special || track.since.elapsed() >= DOUBTFUL
    }

    /// Whether the file is still what was seen, as of the last look.
    pub fn is_same(&mut self, sight: &Sight) -> bool {
        let file = self.observe(&sight.path);
        let track = &self.files[file];
        sight.is_steady
            && (track.identity == sight.identity || (track.is_special && sight.identity.is_some()))
    }

    /// What a sight is worth, as of the last look.
    pub fn judge(&mut self, sight: &Sight) -> Verdict {
        let file = self.observe(&sight.path);
        let track = &self.files[file];
        if track.is_special && sight.identity.is_some() {
            return Verdict::Good;
        }
        if track.identity != sight.identity || !sight.is_steady {
            return Verdict::Stale;
        }
        if track.identity.is_none() {
            return if sight.is_optional { Verdict::Good } else { Verdict::Stale };
        }
        if !self.is_unchanged(file, sight) {
            return match self.stage(file) {
                // It is read again when the next change cannot be missed.
                Stage::Complete if self.age(file) >= TICK => Verdict::Stale,
                _ => Verdict::Wait,
            };
        }
        match self.stage(file) {
            Stage::Complete => Verdict::Good,
            _ => Verdict::Wait,
        }
    }
}

/// Whether the file may be changed under another name than this one.
fn is_elsewhere(path: &Path, found: Option<&Metadata>) -> bool {
    #[cfg(unix)]
    if found.is_some_and(|found| std::os::unix::fs::MetadataExt::nlink(found) > 1) {
        return true;
    }
    found.is_some() && std::fs::symlink_metadata(path).map_or(true, |own| own.is_symlink())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::mapped_file;
    use crate::sight::see;
    use std::io::Write as _;

    /// A folder with one observed file, and what was seen when it was read.
    struct Observed {
        folder: PathBuf,
        path: PathBuf,
        observer: Observer,
        file: FileId,
        sight: Sight,
    }

    impl Observed {
        /// The file is written, renamed into place, and read; then `change` is made, and the file is looked at again.
        fn after(test: &str, change: impl FnOnce(&mut Observed)) -> Observed {
            let folder = std::env::temp_dir().join(format!("wald-observer-{}-{test}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join("file.o");
            let name = crate::text::from_path(&path);
            let mut observer = Observer::new(true);
            let file = observer.observe(&name);
            std::fs::write(folder.join("new"), "one").unwrap();
            std::fs::rename(folder.join("new"), &path).unwrap();
            observer.look_at(&[file], 1);
            assert_eq!(observer.stage(file), Stage::Complete);
            let mut sights = Vec::new();
            see(&name, false, &mut sights, || mapped_file::copy(&path)).unwrap();
            let sight = sights.remove(0);
            let mut observed = Observed { folder, path, observer, file, sight };
            change(&mut observed);
            observed.observer.look_at(&[observed.file], 1);
            observed
        }

        /// What the quick judgement says, and the thorough one.
        fn judged(&mut self) -> (bool, Verdict) {
            let good = self.observer.are_good(&[std::slice::from_ref(&self.sight)], 1);
            (good[0], self.observer.judge(&self.sight))
        }
    }

    impl Drop for Observed {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_look_is_also_at_files_that_are_heard_of() {
        let mut observed = Observed::after("heard", |_| {});
        let other = observed.folder.join("other.o");
        let other_file = observed.observer.observe(&crate::text::from_path(&other));
        assert!(observed.observer.look_at(&[observed.file], 1).is_empty());
        std::fs::write(&other, "other").unwrap();
        assert_eq!(observed.observer.look_at(&[observed.file], 1), [other_file]);
        let identity = Identity::from(&std::fs::metadata(&other).unwrap());
        assert_eq!(observed.observer.identity(other_file), Some(identity));
    }

    #[test]
    fn a_complete_file_that_has_not_changed_is_good() {
        assert_eq!(Observed::after("same", |_| {}).judged(), (true, Verdict::Good));
    }

    #[test]
    fn a_file_that_was_replaced_rewritten_or_removed_is_not_good() {
        let replaced = |observed: &mut Observed| {
            std::fs::write(observed.folder.join("new"), "two").unwrap();
            std::fs::rename(observed.folder.join("new"), &observed.path).unwrap();
        };
        assert_eq!(Observed::after("replaced", replaced).judged(), (false, Verdict::Stale));
        let rewritten = |observed: &mut Observed| std::fs::write(&observed.path, "longer").unwrap();
        assert_eq!(Observed::after("rewritten", rewritten).judged(), (false, Verdict::Stale));
        let removed = |observed: &mut Observed| std::fs::remove_file(&observed.path).unwrap();
        assert_eq!(Observed::after("removed", removed).judged(), (false, Verdict::Stale));
    }

    #[test]
    fn a_file_that_somebody_may_still_write_to_is_not_good() {
        let mut writer = None;
        let mut opened = Observed::after("opened", |observed| {
            let mut file = std::fs::File::options().append(true).open(&observed.path).unwrap();
            file.write_all(b"more").unwrap();
            writer = Some(file);
            observed.observer.look_at(&[observed.file], 1);
            // It was quiet for long, and is read only then.
            std::thread::sleep(QUIET * 2);
            observed.sight.identity = observed.observer.identity(observed.file);
            observed.sight.started = Instant::now();
        });
        assert_eq!(opened.judged(), (false, Verdict::Wait));
        drop(writer);
    }

    #[test]
    fn a_young_file_that_nothing_is_known_of_is_not_good() {
        // It is observed only now: nobody heard that it was completed.
        let mut young = Observed::after("young", |observed| {
            std::fs::write(&observed.path, "other").unwrap();
            let name = crate::text::from_path(&observed.path);
            observed.observer = Observer::new(true);
            observed.file = observed.observer.observe(&name);
            observed.observer.look_at(&[observed.file], 1);
            assert_eq!(observed.observer.stage(observed.file), Stage::Readable);
            observed.sight.identity = observed.observer.identity(observed.file);
            observed.sight.started = Instant::now();
        });
        assert_eq!(young.judged(), (false, Verdict::Wait));
    }

    #[test]
    fn a_file_that_may_have_changed_within_a_tick_of_the_clock_is_not_good() {
        // The identity is that of now, but reading began before the rename was heard of.
        let start = Instant::now();
        let mut early = Observed::after("early", |observed| observed.sight.started = start);
        assert_eq!(early.judged(), (false, Verdict::Wait));
    }

    #[test]
    fn a_file_that_changed_while_it_was_read_is_not_good() {
        let mut unsteady = Observed::after("unsteady", |observed| observed.sight.is_steady = false);
        assert_eq!(unsteady.judged(), (false, Verdict::Stale));
    }
}
