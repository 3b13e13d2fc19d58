//! A link whose inputs stay in memory, parsed, together with what the last link found out.
//!
//! At each request it looks at every input: what has another identity is read again. A file that was read so soon after its last change
//! that another change could have left its times as they were is compared byte by byte. Between requests it reads what has
//! changed, and links ahead into a file without a name. That is worth something only if nothing has changed until the request.

use super::status::Counts;
use crate::configure::Settings;
use crate::folder_events::Queue;
use crate::inputs::{self, Inputs, Origin, Reading, Taken};
use crate::job::{self, Declared, Job, Linked, Session};
use crate::lto;
use crate::mapped_file;
use crate::observer::{FileId, Observer, Stage};
use crate::other_libraries::OtherLibraries;
use crate::output_file::Place;
use crate::progress::Progress;
use crate::render::Renderer;
use crate::stop::Stop;
use crate::temporary::Temporary;
use crate::text::{from_path, to_path};
use crate::transcript::Transcript;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wald::diagnostics::{Code, Diagnostic};
use wald::options::Options;
use wald::{Bytes, CancelToken, Linker};

/// How soon a file is looked at again that may not be complete.
const CLOSE_LOOK: Duration = Duration::from_millis(4);
/// A file that was read is looked at again after this time, when a later change must have left other times.
const LATER_LOOK: Duration = Duration::from_millis(25);
/// How soon files are looked at if nothing happens.
const SLOW_LOOK: Duration = Duration::from_millis(500);
/// So many changes after the last request are followed by a link ahead at once: somebody edits. If there are more, the whole program is
/// being compiled, and the link waits until the compiler is quiet for as long as a link takes.
const FEW: usize = 3;
/// If the compiler is never quiet, links ahead take one part of so many of the time. They leave less to do for the one that counts.
const SHARE: u32 = 10;

const MEMBERS: inputs::Members = inputs::Members { keep_mapped: false, copies: true };

/// What a kept link is to do.
pub struct Turn {
    /// The kept link, if there is one already.
    pub kept: RefCell<Option<Kept>>,
    /// Reads the inputs, and writes nothing.
    pub only_load: bool,
    /// Links from nothing as well, and compares.
    pub verify: bool,
    /// Ends the link.
    pub cancel: CancelToken,
    /// Why it cannot be done here.
    pub declined: RefCell<Option<String>>,
}

/// See the [module](self).
pub struct Kept {
    linker: Linker,
    inputs: Inputs,
    /// As they were declared.
    options: Options,
    lto: lto::LtoSettings,
    generator: Arc<lto::Generator>,
    threads: Option<usize>,
    allowed_undefined: Vec<String>,
    transcript: Transcript,
    /// By file of `inputs`.
    files: Vec<File>,
    observer: Observer,
    /// Tells of changes.
    queue: Option<Arc<Queue>>,
    /// Files that may have changed, and when to look at them.
    doubtful: BTreeMap<usize, Instant>,
    ahead: Option<Ahead>,
    /// Something has changed since the last link.
    is_new: bool,
    /// How many files have changed since the last request.
    changes: usize,
    last_change: Instant,
    /// When the last link ahead ended.
    last_ahead: Instant,
    /// How long the last link took.
    took: Duration,
    pub counts: Counts,
}

/// What reading a file gave.
#[derive(Default)]
struct File {
    taken: Taken,
    /// The observer's names for what was read.
    ids: Vec<FileId>,
    /// What the linker has of it, if it had another name and was not read under this one.
    before: Option<Bytes>,
}

/// Whether a file is what was read.
enum Doubt {
    /// It is, or it is missing.
    None,
    /// That is found out after this time.
    Until(Duration),
    /// It is not, and it can be read now.
    Stale,
}

/// A link that nobody has asked for yet.
struct Ahead {
    linked: Linked,
    place: Place,
    umask: u32,
}

impl Turn {
    /// Links, or only reads the inputs. The module goes to `place`.
    pub fn link(
        &self,
        job: Job,
        session: Session,
        place: &mut Place,
        out: &mut Renderer,
    ) -> Result<Linked, Stop> {
        let mut kept = self.kept.borrow_mut();
        let (settings, umask) = (job.settings, super::peer::umask());
        let mut declared = job::declare(job, MEMBERS, out);
        let output = declared.output.take();
        session.clock.lap("find");
        let kept = kept.get_or_insert_with(|| Kept::new(&declared, settings));
        kept.adopt(&declared, &settings.lto);
        kept.threads = settings.threads;
        kept.linker.set_threads(settings.threads);
        kept.linker.set_record_events(settings.time_trace.is_some());
        let folders = settings.search_paths.clone();
        kept.linker.set_library_provider(Arc::new(OtherLibraries { folders, copies: true }));
        kept.linker.set_cancel_token(self.cancel.clone());
        if self.only_load {
            kept.look_before();
        }
        if let Err(path) = kept.read_changed() {
            *self.declined.borrow_mut() = Some(format!("{path} is not a regular file"));
            return Err(Stop::Done);
        }
        session.clock.lap("read");
        (kept.changes, kept.allowed_undefined) = (0, declared.allowed_undefined.clone());
        if self.only_load {
            return Err(Stop::Done);
        }
        let same_words = format!("{:?}", kept.transcript) == format!("{:?}", declared.transcript);
        if !same_words {
            kept.transcript = declared.transcript.clone();
            kept.ahead = None;
        }
        kept.set_allowed();
        if kept.generator.is_needed() {
            // Generated code depends on more than the library knows: the tool, files that -mllvm names. And files that options ask for are
            // written with it.
            let _ = kept.linker.options_mut();
        }
        let start = Instant::now();
        let fits = |ahead: &Ahead| {
            let target = ahead.place.target();
            ahead.umask == umask && target.is_some() && target == output.as_ref().map(Temporary::target)
        };
        let linked = match kept.ahead.take().filter(fits).filter(|ahead| ahead.place.touch().is_ok()) {
            Some(Ahead { mut linked, place: ready, .. }) => {
                kept.counts.ahead += 1;
                *place = ready;
                // Its phases were over before this link began.
                if let Some(result) = &mut linked.result {
                    result.timing = wald::timing::Timing::default();
                }
                linked
            }
            None => {
                place.set_new_file(output);
                let Kept { linker, inputs, transcript, .. } = &mut *kept;
                let linked = job::link(linker, inputs, transcript, |linker| linker.link_into(place));
                kept.took = start.elapsed();
                linked
            }
        };
        kept.is_new = false;
        session.clock.link(Instant::now());
        if self.verify {
            return Ok(verified(linked, place, declared, settings.threads));
        }
        Ok(linked)
    }
}

impl Kept {
    /// A link whose inputs are not read yet.
    fn new(declared: &Declared, settings: &Settings) -> Kept {
        // The declared linker is left for a comparison.
        let options = declared.linker.options().clone();
        let mut linker = Linker::new(options.clone());
        linker.set_file_provider(Arc::new(MEMBERS));
        let generator = Arc::new(lto::Generator::for_many_links(settings.lto.clone()));
        linker.set_code_generator(generator.clone());
        let now = Instant::now();
        let observer = Observer::new(true);
        Kept {
            linker,
            generator,
            queue: observer.queue().map(Arc::new),
            files: Vec::new(),
            inputs: Inputs::default(),
            options,
            lto: settings.lto.clone(),
            threads: settings.threads,
            allowed_undefined: Vec::new(),
            transcript: declared.transcript.clone(),
            observer,
            doubtful: BTreeMap::new(),
            ahead: None,
            is_new: true,
            changes: 0,
            last_change: now,
            last_ahead: now,
            took: Duration::ZERO,
            counts: Counts::default(),
        }
    }

    /// Takes over the options and inputs of a command line. What both have stays as it is.
    fn adopt(&mut self, declared: &Declared, lto: &lto::LtoSettings) {
        if self.lto != *lto {
            self.lto = lto.clone();
            self.generator = Arc::new(lto::Generator::for_many_links(lto.clone()));
            self.linker.set_code_generator(self.generator.clone());
            // Another tool may be able to read what this one could not.
            let Kept { linker, inputs, files, .. } = self;
            for (number, file) in files.iter_mut().enumerate() {
                if inputs.ids(number).any(|id| inputs::is_wrong(linker, id)) {
                    *file = File::default();
                }
            }
            self.ahead = None;
        }
        if self.options != *declared.linker.options() {
            self.options = declared.linker.options().clone();
            *self.linker.options_mut() = self.options.clone();
            (self.ahead, self.is_new) = (None, true);
        }
        let Some(origins) = self.inputs.become_like(&mut self.linker, &declared.inputs, &declared.linker)
        else {
            return;
        };
        let mut old: Vec<Option<File>> = std::mem::take(&mut self.files).into_iter().map(Some).collect();
        let take = |origin: Origin| match origin {
            Origin::New => File::default(),
            Origin::Same(file) => old[file].take().unwrap_or_default(),
            Origin::Renamed(file) => {
                let before = old[file].take().and_then(|file| file.taken.sights.into_iter().next()?.bytes);
                File { before, ..File::default() }
            }
        };
        self.files = origins.into_iter().map(take).collect();
        self.doubtful = (0..self.files.len()).map(|file| (file, Instant::now())).collect();
        (self.ahead, self.is_new) = (None, true);
        self.forget_old_names();
        self.observe_inputs();
    }

    /// Starts to observe anew if most observed files are no inputs any more: a compiler may name its objects anew each time.
    fn forget_old_names(&mut self) {
        const FEW_NAMES: usize = 1000;
        let needed: usize = self.files.iter().map(|file| file.ids.len().max(1)).sum();
        if self.observer.count() < 4 * needed + FEW_NAMES {
            return;
        }
        self.observer = Observer::new(true);
        self.queue = self.observer.queue().map(Arc::new);
        for File { taken, ids, .. } in &mut self.files {
            *ids = taken.sights.iter().map(|sight| self.observer.observe(&sight.path)).collect();
        }
    }

    /// Watches the folders before files are read: no change is missed.
    fn observe_inputs(&mut self) {
        (0..self.inputs.file_count()).for_each(|file| _ = self.observer.observe(self.inputs.path(file)));
    }

    /// Looks at all files so long before they are read that a later change must leave other times.
    fn look_before(&mut self) {
        let all: Vec<FileId> = (0..self.observer.count()).collect();
        self.observer.look_at(&all, self.thread_count());
        std::thread::sleep(LATER_LOOK);
    }

    /// Makes the linker allow what the options and lists beside archives allow.
    fn set_allowed(&mut self) {
        let mut names = self.options.allowed_undefined.clone();
        names.extend(self.allowed_undefined.iter().cloned());
        names.extend(self.files.iter().flat_map(|file| file.taken.allowed.iter().cloned()));
        if self.linker.options().allowed_undefined != names {
            self.linker.options_mut().allowed_undefined = names;
            self.ahead = None;
        }
    }

    /// Looks at all files, and reads those that are not as they were read. The error is the path of one that is no regular file, which
    /// cannot be read again.
    fn read_changed(&mut self) -> Result<(), String> {
        let threads = self.thread_count();
        let mut ids: Vec<FileId> = self.files.iter().flat_map(|file| file.ids.iter().copied()).collect();
        let new = (0..self.files.len()).filter(|&file| self.files[file].ids.is_empty());
        ids.extend(new.map(|file| self.observer.observe(self.inputs.path(file))));
        let news = self.observer.look_at(&ids, threads);
        self.note(&news);
        if let Some(&id) = ids.iter().find(|&&id| self.observer.is_special(id)) {
            return Err(self.observer.path(id));
        }
        let start = Instant::now();
        self.compare_renamed(threads);
        let stale = (0..self.files.len()).filter(|&file| !self.is_current(file, start)).collect::<Vec<_>>();
        self.read(&stale);
        Ok(())
    }

    /// Reads files that have new names. If the bytes are the same, nothing else has to be done.
    fn compare_renamed(&mut self, threads: usize) {
        let renamed: Vec<usize> =
            (0..self.files.len()).filter(|&file| self.files[file].before.is_some()).collect();
        let read = |&file: &usize| {
            let mut sights = Vec::new();
            let path = self.inputs.path(file);
            let bytes =
                crate::sight::see(path, false, &mut sights, || mapped_file::copy(&to_path(path))).ok();
            let is_same = bytes.is_some() && bytes.as_deref() == self.files[file].before.as_deref();
            is_same.then_some(sights)
        };
        let found = crate::observer::in_parallel(&renamed, threads, read);
        for (file, sights) in renamed.into_iter().zip(found) {
            let sights = sights.unwrap_or_default();
            let ids: Vec<FileId> = sights.iter().map(|sight| self.observer.observe(&sight.path)).collect();
            // Looked at again when a change must have left other times.
            self.doubtful.insert(file, Instant::now() + LATER_LOOK);
            self.files[file] = File { taken: Taken { sights, ..Taken::default() }, ids, before: None };
        }
    }

    /// Whether a file is as it was read, as of the last look, or was read after `start`. If times do not tell, its bytes are compared.
    fn is_current(&mut self, file: usize, start: Instant) -> bool {
        let File { taken, ids, .. } = &mut self.files[file];
        let observer = &mut self.observer;
        !taken.sights.is_empty()
            && taken.sights.iter_mut().zip(&*ids).all(|(sight, &id)| {
                if sight.started >= start && sight.is_steady {
                    return true;
                }
                // Why a file cannot be read is found out again.
                if !observer.is_same_as(id, sight) || sight.identity.is_none() && !sight.is_optional {
                    return false;
                }
                if sight.identity.is_none() || observer.is_certain(id, sight) {
                    return true;
                }
                let started = Instant::now();
                let is_same = sight.has_same_bytes();
                if is_same {
                    sight.started = started;
                }
                is_same
            })
    }

    /// Reads files, for the first time or again.
    fn read(&mut self, files: &[usize]) {
        if files.is_empty() {
            return;
        }
        (self.ahead, self.is_new) = (None, true);
        for &file in files {
            self.inputs.forget(&mut self.linker, file);
        }
        let progress = &Progress::new(files.len());
        let reading = Reading {
            threads: self.thread_count(),
            shuffle: None,
            keep_mapped: false,
            copies: true,
            ahead: false,
            reproduce: None,
            progress,
        };
        let soon = Instant::now() + LATER_LOOK;
        for (file, taken) in inputs::read_files(&self.linker, &self.inputs, files, &reading) {
            let ids = taken.sights.iter().map(|sight| self.observer.observe(&sight.path)).collect();
            self.files[file] = File { taken, ids, before: None };
            self.doubtful.insert(file, soon);
        }
        self.counts.read += files.len() as u64;
    }

    fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()))
    }

    /// How long the last link took that was made, and not only handed out.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// What another thread can wait on for changes.
    pub fn queue(&self) -> Option<Arc<Queue>> {
        self.queue.clone()
    }

    /// Reads what has changed and is complete, and links ahead when that is worth it. Ends soon when `stop` is cancelled. Returns how
    /// long to wait for changes before the next call.
    pub fn look_ahead(&mut self, stop: &CancelToken) -> Duration {
        let now = Instant::now();
        self.hear();
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
        for file in stale {
            if stop.is_cancelled() {
                return CLOSE_LOOK;
            }
            self.read(&[file]);
            self.counts.read_ahead += 1;
            (self.changes, self.last_change) = (self.changes + 1, Instant::now());
        }
        if self.is_new && self.ahead.is_none() && !stop.is_cancelled() {
            let quiet = if self.changes <= FEW { Duration::ZERO } else { self.took };
            let rest = quiet.saturating_sub(self.last_change.elapsed());
            match rest.min((self.took * SHARE).saturating_sub(self.last_ahead.elapsed())) {
                Duration::ZERO if self.is_complete() => self.link_ahead(stop),
                Duration::ZERO => {}
                rest => return rest.min(CLOSE_LOOK),
            }
        }
        let next = self.doubtful.values().min().map(|due| due.saturating_duration_since(Instant::now()));
        next.unwrap_or(SLOW_LOOK).clamp(Duration::from_millis(1), SLOW_LOOK)
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
    fn note(&mut self, news: &[FileId]) {
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
        let changed: Vec<FileId> = {
            let File { taken, ids, .. } = &self.files[file];
            let pairs = taken.sights.iter().zip(ids);
            pairs.filter(|(sight, &id)| !self.observer.is_same_as(id, sight)).map(|(_, &id)| id).collect()
        };
        let stages: Vec<Stage> = changed.into_iter().map(|id| self.observer.stage(id)).collect();
        if stages.contains(&Stage::Missing) {
            // An event will tell that it was made. If it is not, the next request says so.
            return Doubt::None;
        }
        if stages.contains(&Stage::Growing) {
            return Doubt::Until(CLOSE_LOOK);
        }
        if !stages.is_empty() || !self.is_current(file, Instant::now()) {
            return Doubt::Stale;
        }
        let File { taken, ids, .. } = &self.files[file];
        let mut pairs = taken.sights.iter().zip(ids);
        match pairs.all(|(sight, &id)| sight.identity.is_none() || self.observer.is_certain(id, sight)) {
            true => Doubt::None,
            false => Doubt::Until(SLOW_LOOK),
        }
    }

    /// Whether all inputs are there, so that a link would not fail.
    fn is_complete(&self) -> bool {
        let is_there = |file: usize| {
            let mut sights = self.files[file].taken.sights.iter();
            sights.next().is_some_and(|sight| sight.identity.is_some())
                && self.inputs.ids(file).all(|id| !inputs::is_wrong(&self.linker, id))
        };
        let is_same = |File { taken, ids, .. }: &File| {
            taken.sights.iter().zip(ids).all(|(sight, &id)| self.observer.is_same_as(id, sight))
        };
        (0..self.files.len()).all(is_there) && self.files.iter().all(is_same)
    }

    /// Links into a file without a name.
    fn link_ahead(&mut self, stop: &CancelToken) {
        let output = from_path(&self.options.output);
        let is_needed = self.generator.is_needed();
        if is_needed || self.transcript.has_error(&self.inputs) || self.options.index_only {
            return;
        }
        let Some(mut place) = Place::ahead(&output) else { return };
        self.set_allowed();
        self.linker.set_cancel_token(stop.clone());
        self.generator.set_paused(true);
        let start = Instant::now();
        let Kept { linker, inputs, transcript, .. } = self;
        let linked = job::link(linker, inputs, transcript, |linker| linker.link_into(&mut place));
        self.last_ahead = Instant::now();
        self.generator.set_paused(false);
        if stop.is_cancelled() || self.generator.is_needed() {
            return;
        }
        self.took = start.elapsed();
        self.counts.linked_ahead += 1;
        self.ahead = Some(Ahead { linked, place, umask: super::peer::umask() });
    }
}

/// Links from nothing, and compares. A difference is an error.
fn verified(mut linked: Linked, place: &Place, declared: Declared, threads: Option<usize>) -> Linked {
    let Declared { mut linker, inputs, transcript, allowed_undefined, .. } = declared;
    let progress = &Progress::new(inputs.paths().count());
    let threads = threads.unwrap_or(1);
    let (keep_mapped, copies, ahead) = (false, true, false);
    let reading = Reading { threads, shuffle: None, keep_mapped, copies, ahead, reproduce: None, progress };
    let mut allowed = allowed_undefined;
    allowed.extend(inputs::read_all(&linker, &inputs, &reading).into_iter().flat_map(|taken| taken.allowed));
    linker.options_mut().allowed_undefined.extend(allowed);
    let mut module = Vec::new();
    let fresh = job::link(linker, &inputs, &transcript, |linker| linker.finish_into(&mut module));
    let is_linked = |linked: &Linked| linked.result.as_ref().is_some_and(|result| result.module.is_ok());
    let map = |linked: &Linked| linked.result.as_ref().and_then(|result| result.map.clone());
    let same_words = format!("{:?}", fresh.lines) == format!("{:?}", linked.lines);
    let is_same = is_linked(&fresh) == is_linked(&linked)
        && same_words
        && map(&fresh) == map(&linked)
        && (!is_linked(&fresh) || place.contents().is_ok_and(|bytes| bytes == module));
    if !is_same {
        let message =
            "the server's link differs from one from nothing: please report it, and link with --server=off";
        linked.lines.push(Diagnostic::error(Code::Layout, message).into());
    }
    linked
}
