//! A link whose inputs stay in memory, parsed, together with what the last link found out.
//!
//! At each request it looks at every input: what has another identity is read again. A file that was read so soon after its last change
//! that another change could have left its times as they were is compared byte by byte. Between requests it reads what has
//! changed, and links ahead into a file without a name. That is worth something only if nothing has changed until the request.

use super::changes::Changes;
use super::status::Counts;
use crate::configure::Settings;
use crate::folder_events::{Queue, Watch};
use crate::inputs::{self, Inputs, Origin, Reading, Taken};
use crate::job::{self, Declared, Job, Linked, Session};
use crate::lto;
use crate::mapped_file;
use crate::observer::{FileId, Observer};
use crate::other_libraries::OtherLibraries;
use crate::output_file::Place;
use crate::progress::Progress;
use crate::render::Renderer;
use crate::stop::Stop;
use crate::temporary::Temporary;
use crate::text::to_path;
use crate::transcript::Transcript;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wald::diagnostics::{Code, Diagnostic};
use wald::options::Options;
use wald::{Bytes, CancelToken, Linker};

/// A file that was read is looked at again after this time, when a later change must have left other times.
const LATER_LOOK: Duration = Duration::from_millis(25);
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
    pub(super) linker: Linker,
    pub(super) inputs: Inputs,
    /// As they were declared.
    pub(super) options: Options,
    lto: lto::LtoSettings,
    pub(super) generator: Arc<lto::Generator>,
    threads: Option<usize>,
    allowed_undefined: Vec<String>,
    pub(super) transcript: Transcript,
    /// By file of `inputs`.
    pub(super) files: Vec<File>,
    pub(super) observer: Observer,
    /// New names in watched folders since the last look ahead.
    pub(super) strangers: Vec<(Watch, OsString)>,
    /// Tells of changes.
    pub(super) queue: Option<Arc<Queue>>,
    /// Files that may have changed, and when to look at them.
    pub(super) doubtful: BTreeMap<usize, Instant>,
    pub(super) ahead: Option<Ahead>,
    /// Something has changed since the last link.
    pub(super) is_new: bool,
    /// Since the last request.
    pub(super) changes: Changes,
    pub(super) last_change: Instant,
    /// When the last link ahead ended.
    pub(super) last_ahead: Instant,
    /// When the last rehearsal ended, and how long it took.
    pub(super) last_rehearsal: Instant,
    pub(super) rehearsal_took: Duration,
    /// How long the last link took.
    pub(super) took: Duration,
    pub counts: Counts,
}

/// What reading a file gave.
#[derive(Default)]
pub(super) struct File {
    pub(super) taken: Taken,
    /// The observer's names for what was read.
    pub(super) ids: Vec<FileId>,
    /// What the linker has of it, if it had another name and was not read under this one.
    pub(super) before: Option<Bytes>,
}

/// A link that nobody has asked for yet.
pub(super) struct Ahead {
    pub(super) linked: Linked,
    pub(super) place: Place,
    pub(super) umask: u32,
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
        kept.changes.clear();
        kept.allowed_undefined.clone_from(&declared.allowed_undefined);
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

impl File {
    /// What the linker has of it, if that is all that was read because of it.
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        match &self.taken.sights[..] {
            [] => self.before.as_ref(),
            [sight] => sight.bytes.as_ref(),
            _ => None,
        }
    }

    fn into_bytes(self) -> Option<Bytes> {
        self.bytes().cloned()
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
            strangers: Vec::new(),
            doubtful: BTreeMap::new(),
            ahead: None,
            is_new: true,
            changes: Changes::default(),
            last_change: now,
            last_ahead: now,
            last_rehearsal: now,
            rehearsal_took: Duration::ZERO,
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
        let old_count = self.files.len();
        let mut old: Vec<Option<File>> = std::mem::take(&mut self.files).into_iter().map(Some).collect();
        let take = |origin: Origin| match origin {
            Origin::New => File::default(),
            Origin::Same(file) => old[file].take().unwrap_or_default(),
            Origin::Renamed(file) => {
                File { before: old[file].take().and_then(File::into_bytes), ..File::default() }
            }
        };
        let has_others = origins.len() != old_count || origins.contains(&Origin::New);
        self.files = origins.into_iter().map(take).collect();
        self.doubtful = (0..self.files.len()).map(|file| (file, Instant::now())).collect();
        self.changes = Changes::new((0..self.files.len()).map(|file| self.inputs.path(file)));
        // If files have other names only, and the bytes turn out to be the same, so is the module.
        if has_others || self.ahead.as_ref().is_some_and(|ahead| ahead.linked.may_name_inputs()) {
            (self.ahead, self.is_new) = (None, true);
        }
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
    pub(super) fn set_allowed(&mut self) {
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
        let stale = (0..self.files.len()).filter(|&file| !self.is_current(file, start)).collect::<Vec<_>>();
        let stale = self.compare(&stale, threads);
        self.read(&stale);
        Ok(())
    }

    /// Compares files with the bytes that the linker has: they may only have other names, or have been written again. Returns the files with
    /// other bytes.
    pub(super) fn compare(&mut self, files: &[usize], threads: usize) -> Vec<usize> {
        let read = |&file: &usize| {
            let old = self.files[file].bytes()?;
            let path = self.inputs.path(file);
            let host_path = to_path(path);
            // Nearly all changes change the size, and then nothing has to be read twice.
            if std::fs::metadata(&host_path).ok()?.len() != old.len() as u64 {
                return None;
            }
            let mut sights = Vec::new();
            let bytes = crate::sight::see(path, false, &mut sights, || mapped_file::copy(&host_path)).ok()?;
            // What changes while it is read has to be read again.
            let is_steady = sights.iter().all(|sight| sight.is_steady);
            (is_steady && *bytes == **old).then_some(sights)
        };
        let found = crate::in_parallel::in_parallel(files, threads, read);
        let mut others = Vec::new();
        for (&file, sights) in files.iter().zip(found) {
            let Some(sights) = sights else {
                others.push(file);
                continue;
            };
            let ids: Vec<FileId> = sights.iter().map(|sight| self.observer.observe(&sight.path)).collect();
            // Looked at again when a change must have left other times.
            self.doubtful.insert(file, Instant::now() + LATER_LOOK);
            self.files[file] = File { taken: Taken { sights, ..Taken::default() }, ids, before: None };
        }
        others
    }

    /// Whether a file is as it was read, as of the last look, or was read after `start`. If times do not tell, its bytes are compared.
    pub(super) fn is_current(&mut self, file: usize, start: Instant) -> bool {
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
    pub(super) fn read(&mut self, files: &[usize]) {
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
