//! `--await-inputs`: the link starts with the build and takes each input when it is complete.
//!
//! One loop waits for news: lines on the descriptor of `--ready-fd`, or else files that appear. It hears of these from the system.
//! Where the system does not tell, it looks again and again. Worker threads read and parse what may be read, and one more thread lets the
//! library prepare the link, so that little is left when the last input is in.
//!
//! Files are copied, never mapped: even one that was named as complete may be rewritten in place, and is then named again.
//!
//! Without a descriptor nobody says when a file is complete: [`Observer`] tells from what was seen. Files are read as soon as
//! nobody writes to them, and linked when all were read. During the link all are looked at once more, and after it those that may have
//! changed since. What has changed is read again, what may not be complete is waited for, and then the link is repeated. Files that were
//! there before the start may be those of an earlier build: [`EarlierFiles`] says which of them count.

use crate::await_news::{read_each, News};
use crate::awaited_file::{AwaitedFile, Other};
use crate::build_process::BuildProcess;
use crate::configure::Awaiting;
use crate::earlier_files::EarlierFiles;
use crate::giving_up::{self, Lacking, Reason};
use crate::inputs::{self, Inputs, Reading, Taken};
use crate::observer::{FileId, Observer, Stage, Verdict};
use crate::output_ahead::OutputAhead;
use crate::preparation::Preparation;
use crate::ready_descriptor::{self, Announcement, Names};
use crate::temporary::Temporary;
use crate::{clock::Instant, process_time};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::Mutex;
use std::time::Duration;
use wald::diagnostics::{Code, Diagnostic, Location};
use wald::Linker;

/// How often to look for files if the system does not tell of them. The interval grows if a look takes long.
const LOOK: Duration = Duration::from_millis(5);
/// How often if it does: network file systems tell only of changes that are made on this machine.
const SLOW_LOOK: Duration = Duration::from_millis(250);
/// After this long without a new input, a note names the missing ones.
const NOTE: Duration = Duration::from_secs(5);
/// What has changed is read again at most this often while other inputs are missing.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// The inputs of a link that are awaited.
pub struct Waiter<'a> {
    inputs: &'a Inputs,
    reading: Reading<'a>,
    awaiting: &'a Awaiting,
    observer: Observer,
    earlier: EarlierFiles,
    build: BuildProcess,
    names: Names,
    files: Vec<AwaitedFile>,
    /// Files that are not read, in order.
    missing: Vec<usize>,
    /// Files that were read and have changed since.
    stale: Vec<usize>,
    /// How many files the workers have.
    in_work: usize,
    news: Sender<News>,
    heard: Receiver<News>,
    /// Tells the thread that waits for events to wait for more.
    looked: Option<Sender<()>>,
    preparation: Preparation,
    /// What is made of the output meanwhile.
    output: Option<OutputAhead>,
    last_restart: Instant,
    next_look: Instant,
    /// When to look also for files that the system tells of.
    next_full_look: Instant,
    /// When an input was read last that had not been read before.
    last_new: Instant,
    /// Prints the note about missing inputs if there is no progress line.
    note: &'a mut dyn FnMut(String),
    has_noted: bool,
    /// Errors were reported for the missing inputs, so none is awaited any more.
    has_given_up: bool,
    /// All files were looked at during the link.
    has_looked: bool,
}

impl<'a> Waiter<'a> {
    /// Begins to wait. `note` is called once if no input is completed for [`NOTE`].
    pub fn new(
        inputs: &'a Inputs,
        reading: &Reading<'a>,
        awaiting: &'a Awaiting,
        output: Option<OutputAhead>,
        note: &'a mut dyn FnMut(String),
    ) -> Self {
        let has_descriptor = awaiting.ready_fd.is_some();
        let (news, heard) = mpsc::channel();
        if let Some(descriptor) = awaiting.ready_fd {
            let news = news.clone();
            ready_descriptor::listen(descriptor, move |announcement| {
                news.send(News::Announced(announcement)).is_ok()
            });
        }
        let mut observer = Observer::new(!has_descriptor);
        let mut files: Vec<AwaitedFile> = Vec::new();
        for file in 0..inputs.file_count() {
            // The observer has these files first, in the same order: both count alike.
            observer.observe(inputs.path(file));
            // What was found as a library is not made by this build.
            let is_due = has_descriptor && inputs.is_library(file);
            files.push(AwaitedFile { is_named: !has_descriptor || is_due, is_due, ..AwaitedFile::default() });
        }
        let earlier = match has_descriptor {
            true => EarlierFiles::none(inputs),
            false => {
                // In a process that links again and again, the start says nothing.
                let start = reading.keep_mapped.then(process_time::started).flatten();
                let newer_than = awaiting.newer_than.as_ref();
                EarlierFiles::new(inputs, &mut observer, newer_than, start, reading.threads)
            }
        };
        let told = news.clone();
        let looked = observer.queue().and_then(|queue| queue.tell(move || told.send(News::Folders).is_ok()));
        let now = Instant::now();
        Waiter {
            inputs,
            reading: Reading { ahead: true, ..*reading },
            awaiting,
            observer,
            earlier,
            build: BuildProcess::new(),
            names: Names::new(inputs),
            missing: (0..files.len()).collect(),
            files,
            stale: Vec::new(),
            in_work: 0,
            news,
            heard,
            looked,
            preparation: Preparation::new(),
            output,
            last_restart: now,
            next_look: now,
            next_full_look: now,
            last_new: now,
            note,
            has_noted: false,
            has_given_up: false,
            has_looked: false,
        }
    }

    /// Waits until all files are read and handed to the linker. A missing file becomes an error at its position. Returns the
    /// names that archives' `.imports` files allow to stay undefined.
    pub fn read_all(&mut self, linker: &mut Linker) -> Vec<String> {
        loop {
            for file in std::mem::take(&mut self.stale) {
                self.inputs.forget(linker, file);
                let state = &mut self.files[file];
                (state.taken, state.is_named_again) = (None, false);
                self.missing.push(file);
            }
            self.missing.sort_unstable();
            self.missing.dedup();
            self.last_restart = Instant::now();
            self.round(linker);
            let is_done = self.missing.is_empty() && self.stale.is_empty();
            if let Some(reason) = self.reason_to_give_up().filter(|_| !is_done) {
                self.give_up(linker, reason);
            }
            if self.stale.is_empty() {
                let taken = self.files.iter().filter_map(|file| file.taken.as_ref());
                return taken.flat_map(|taken| taken.allowed.iter().cloned()).collect();
            }
        }
    }

    /// Reads what is missing. Ends early when files that were read have changed.
    fn round(&mut self, linker: &Linker) {
        let (work, waiting) = mpsc::channel();
        let waiting = Mutex::new(waiting);
        let (inputs, reading, news) = (self.inputs, self.reading, self.news.clone());
        let threads = if reading.reproduce.is_some() { 1 } else { reading.threads.max(1) };
        let output = self.output.take();
        std::thread::scope(|scope| {
            self.preparation.begin(scope, linker, output.as_ref());
            let mut workers = 0;
            for _ in 0..threads.min(self.missing.len()) {
                let (waiting, news, reading) = (&waiting, news.clone(), &reading);
                let work = move || read_each(linker, inputs, reading, waiting, &news);
                workers += usize::from(std::thread::Builder::new().spawn_scoped(scope, work).is_ok());
            }
            // If the system gives no thread, this one reads.
            let alone = (workers == 0).then_some(&waiting);
            self.wait(linker, &work, alone);
            drop(work);
            self.preparation.end();
        });
        self.output = output;
    }

    fn wait(&mut self, linker: &Linker, work: &Sender<usize>, alone: Option<&Mutex<Receiver<usize>>>) {
        while self.in_work > 0
            || !(self.missing.is_empty() || self.should_restart() || self.reason_to_give_up().is_some())
        {
            if !self.should_restart() && Instant::now() >= self.next_look {
                self.look_for_missing(work);
            }
            let next = self.missing.first().map(|&file| self.inputs.path(file));
            self.reading.progress.wait_for(next);
            self.note_waiting();
            if let Some(waiting) = alone {
                let waiting = waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                for file in waiting.try_iter() {
                    let taken = inputs::read_file(linker, self.inputs, file, &self.reading);
                    let _ = self.news.send(News::Read(file, taken));
                }
            }
            match self.heard.recv_timeout(self.pause()) {
                Ok(news) => self.take_news(linker, work, news),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.reading.progress.wait_for(None);
    }

    /// Prints once which inputs are missing, if none was completed for some time.
    fn note_waiting(&mut self) {
        let Some(&next) = self.missing.first() else { return };
        if self.has_noted || self.last_new.elapsed() < NOTE {
            return;
        }
        self.has_noted = true;
        let read = self.files.len() - self.missing.len() - self.in_work;
        let counts = (read, self.missing.len(), self.files.len());
        for text in giving_up::notes(self.inputs.path(next), counts, self.is_from_before(next)) {
            (self.note)(text);
        }
    }

    /// Whether the file is there and does not count, because an earlier build may have left it.
    fn is_from_before(&self, file: usize) -> bool {
        self.observer.identity(file).is_some() && !self.earlier.counts(file, &self.observer)
    }

    fn take_news(&mut self, linker: &Linker, work: &Sender<usize>, news: News) {
        match news {
            News::Announced(announcement) => {
                self.take_announcement(linker, announcement);
                self.next_look = Instant::now();
            }
            News::Folders => {
                let files = self.observer.news();
                let files: Vec<usize> = files.into_iter().filter(|&file| file < self.files.len()).collect();
                match self.should_restart() {
                    // Nothing is taken now, but what was heard must not be lost.
                    true => {
                        self.observer.look_at(&files, self.reading.threads);
                        self.next_look = Instant::now();
                    }
                    false => self.look(&files, work),
                }
                self.answer_events();
            }
            News::Read(file, taken) => {
                self.in_work -= 1;
                if !std::mem::replace(&mut self.files[file].is_known, true) {
                    self.last_new = Instant::now();
                    self.build.has_made_something();
                }
                self.inputs.ids(file).for_each(|_| self.reading.progress.input_read());
                self.take(file, taken);
                let missing = self.missing.len() + self.in_work;
                self.preparation.input_came(self.files.len(), missing);
            }
        }
    }

    fn take(&mut self, file: usize, taken: Taken) {
        let state = &mut self.files[file];
        let mut others = Vec::new();
        for sight in taken.sights.iter().skip(1) {
            let is_optional = sight.is_optional;
            others.push(Other { file: self.observer.observe(&sight.path), is_optional });
        }
        state.identity = taken.sights.first().and_then(|sight| sight.identity);
        state.taken = Some(taken);
        if state.is_named_again {
            self.stale.push(file);
        }
        if !others.is_empty() {
            let files: Vec<FileId> = others.iter().map(|other| other.file).collect();
            if !self.observer.look_at(&files, 1).is_empty() {
                // There is news of others, too.
                self.next_look = Instant::now();
            }
        }
        self.files[file].others = others;
    }

    /// There is something to read again, and it is time for it.
    fn should_restart(&self) -> bool {
        !self.stale.is_empty() && (self.missing.is_empty() || self.last_restart.elapsed() >= READ_AGAIN)
    }

    fn answer_events(&self) {
        if let Some(looked) = &self.looked {
            let _ = looked.send(());
        }
    }

    /// How long to wait for an event before the next round of the loop.
    fn pause(&self) -> Duration {
        let now = Instant::now();
        let mut pause = Duration::from_millis(200);
        if self.missing.iter().any(|&file| self.files[file].is_named) {
            pause = pause.min(self.next_look.saturating_duration_since(now));
        }
        if !self.stale.is_empty() && self.in_work == 0 {
            pause = pause.min((self.last_restart + READ_AGAIN).saturating_duration_since(now));
        }
        match self.awaiting.timeout {
            Some(timeout) if !self.has_given_up => {
                pause.min((self.last_new + timeout).saturating_duration_since(now))
            }
            _ => pause,
        }
    }

    fn take_announcement(&mut self, linker: &Linker, announcement: Announcement) {
        let descriptor = self.awaiting.ready_fd.unwrap_or_default();
        match announcement {
            Announcement::Ready(path) => {
                let Some(file) = self.names.find(self.inputs, &path) else { return };
                let state = &mut self.files[file];
                (state.is_named, state.is_due) = (true, true);
                if state.taken.is_some() {
                    self.stale.push(file);
                } else if self.missing.binary_search(&file).is_err() {
                    state.is_named_again = true;
                }
            }
            Announcement::End if !self.awaiting.end_is_complete => {
                self.fail_missing(linker, |path, is_named| match is_named {
                    true => String::new(),
                    false => format!("{path}: was not named before descriptor {descriptor} was closed"),
                })
            }
            Announcement::AllReady | Announcement::End => {
                for &file in &self.missing {
                    (self.files[file].is_named, self.files[file].is_due) = (true, true);
                }
            }
            Announcement::Broken(error) => {
                let reason = crate::text::error_text(&error);
                self.fail_missing(linker, |path, _| {
                    format!("{path}: cannot be waited for: descriptor {descriptor}: {reason}")
                });
            }
        }
    }

    /// Looks at the files that are missing: mostly at those only whose changes the system does not tell of.
    fn look_for_missing(&mut self, work: &Sender<usize>) {
        let before = Instant::now();
        let is_full = before >= self.next_full_look;
        let mut files = Vec::new();
        for &file in &self.missing {
            let state = &self.files[file];
            if state.is_named && (is_full || self.needs_looks(file)) {
                files.push(file);
                files.extend(state.others.iter().map(|other| other.file));
            }
        }
        self.look(&files, work);
        let needs_looks = |&file: &usize| self.files[file].is_named && self.needs_looks(file);
        let is_blind = self.missing.iter().any(needs_looks);
        let (now, pause) = (Instant::now(), before.elapsed() * 4);
        if is_full {
            self.next_full_look = now + SLOW_LOOK.max(pause);
        }
        self.next_look = if is_blind { now + LOOK.max(pause) } else { self.next_full_look };
    }

    /// Whether events do not tell when a missing file may be read.
    fn needs_looks(&self, file: usize) -> bool {
        let is_there = self.observer.identity(file).is_some();
        !self.observer.hears(file) || (is_there && !self.is_from_before(file))
    }

    /// Looks at files, and takes those that may be read.
    fn look(&mut self, files: &[FileId], work: &Sender<usize>) {
        let mut seen = self.observer.look_at(files, self.reading.threads);
        seen.extend(files);
        seen.sort_unstable();
        seen.dedup();
        let mut ready = Vec::new();
        for file in seen {
            if file >= self.files.len() {
                // Not an input of its own.
                continue;
            }
            let may_be_read = self.may_be_read(file);
            let state = &mut self.files[file];
            match &state.taken {
                None if may_be_read && state.is_named && self.missing.binary_search(&file).is_ok() => {
                    state.is_due = false;
                    let _ = work.send(file);
                    ready.push(file);
                }
                Some(_) if self.awaiting.ready_fd.is_none() => {
                    let is_other = self.observer.identity(file) != state.identity;
                    let is_missing = self.observer.identity(file).is_none();
                    if is_other && (may_be_read || is_missing) {
                        self.stale.push(file);
                    }
                }
                _ => {}
            }
        }
        if ready.is_empty() {
            // What was heard of is not complete yet.
            self.next_look = self.next_look.min(Instant::now() + LOOK);
        }
        self.missing.retain(|file| ready.binary_search(file).is_err());
        self.in_work += ready.len();
        if self.missing.is_empty() {
            self.preparation.cancel();
        }
    }

    /// Whether a file, and what it refers to, may be read.
    fn may_be_read(&mut self, file: usize) -> bool {
        if self.files[file].is_due {
            return true;
        }
        if !self.earlier.counts(file, &self.observer) {
            return false;
        }
        let may_be_read = |stage| matches!(stage, Stage::Readable | Stage::Complete);
        if !may_be_read(self.observer.stage(file)) {
            return false;
        }
        // What an earlier version of the file refers to does not count.
        let is_other = self.observer.identity(file) != self.files[file].identity;
        is_other
            || self.files[file].others.iter().all(|other| match self.observer.stage(other.file) {
                Stage::Missing => other.is_optional || self.awaiting.ready_fd.is_some(),
                stage => may_be_read(stage),
            })
    }

    /// The output's file, if it was made ahead.
    pub fn take_output(&self) -> Option<Temporary> {
        self.output.as_ref().and_then(OutputAhead::take)
    }

    /// Looks at all files while `link` runs, if changes after that are heard of. That needs a thread of its own.
    pub fn look_during<R>(&mut self, link: impl FnOnce() -> R) -> R {
        if self.reading.threads < 2 || self.awaiting.ready_fd.is_some() {
            return link();
        }
        let all = self.all_files();
        let (observer, has_looked) = (&mut self.observer, &mut self.has_looked);
        std::thread::scope(|scope| {
            let look = || {
                observer.look_at(&all, 1);
                *has_looked = true;
            };
            let _ = std::thread::Builder::new().spawn_scoped(scope, look);
            link()
        })
    }

    /// The files of all inputs, and those that they refer to.
    fn all_files(&self) -> Vec<FileId> {
        let others = self.files.iter().flat_map(|state| state.others.iter().map(|other| other.file));
        (0..self.files.len()).chain(others).collect()
    }

    /// Whether the linked bytes are those of complete files that have not changed since. May wait until that is known. If it is
    /// `false`, inputs must be read again.
    pub fn is_settled(&mut self, linker: &mut Linker) -> bool {
        if self.has_given_up {
            return true;
        }
        let mut seen = std::mem::take(&mut self.has_looked);
        loop {
            self.answer_events();
            let files = match std::mem::take(&mut seen) {
                // Those that may have changed without an event.
                true => self.all_files().into_iter().filter(|&file| !self.observer.hears_all(file)).collect(),
                false => self.all_files(),
            };
            while let Ok(news) = self.heard.try_recv() {
                match news {
                    News::Announced(ready @ Announcement::Ready(_)) => self.take_announcement(linker, ready),
                    // All files were named and read, and the last look is also at those that events tell of.
                    News::Announced(_) | News::Read(..) | News::Folders => {}
                }
            }
            let doubtful = self.judge_all(linker, &files);
            if !self.stale.is_empty() {
                return false;
            }
            if doubtful.is_empty() {
                return true;
            }
            let next = doubtful.first().map(|&file| self.inputs.path(file));
            self.reading.progress.wait_for(next);
            if let Some(reason) = self.reason_to_give_up() {
                self.give_up_on(linker, &doubtful, reason);
                return false;
            }
            std::thread::sleep(LOOK / 2);
        }
    }

    /// Looks at files, and judges everything that was read. Notes what is stale, and gives back what may not be complete.
    fn judge_all(&mut self, linker: &Linker, files: &[FileId]) -> Vec<usize> {
        self.observer.look_at(files, self.reading.threads);
        let sights: Vec<_> = self.files.iter().map(AwaitedFile::sights).collect();
        let good = self.observer.are_good(&sights, self.reading.threads);
        let mut doubtful = Vec::new();
        for (file, state) in self.files.iter().enumerate() {
            let is_wrong = self.inputs.ids(file).any(|id| inputs::is_wrong(linker, id));
            let verdict = match self.awaiting.ready_fd {
                None if good[file] && !is_wrong => Verdict::Good,
                Some(_) => self.observer.judge_named(state.sights()),
                None => self.observer.judge_all(state.sights(), is_wrong),
            };
            match verdict {
                Verdict::Good => {}
                Verdict::Wait => doubtful.push(file),
                Verdict::Stale => self.stale.push(file),
            }
        }
        doubtful
    }

    fn reason_to_give_up(&mut self) -> Option<Reason> {
        if self.has_given_up {
            return None;
        }
        if self.awaiting.timeout.is_some_and(|timeout| self.last_new.elapsed() >= timeout) {
            return Some(Reason::Late);
        }
        self.build.end().map(Reason::Build)
    }

    /// Reports an error for each input that is still missing.
    fn give_up(&mut self, linker: &mut Linker, reason: Reason) {
        let mut late = std::mem::take(&mut self.missing);
        late.append(&mut self.stale);
        self.give_up_on(linker, &late, reason);
    }

    fn give_up_on(&mut self, linker: &mut Linker, late: &[usize], reason: Reason) {
        self.has_given_up = true;
        let seconds = self.awaiting.timeout.unwrap_or_default().as_secs_f64();
        for &file in late {
            if self.inputs.ids(file).any(|id| inputs::is_wrong(linker, id)) {
                // Its own error says more.
                continue;
            }
            self.inputs.forget(linker, file);
            let path = self.inputs.path(file);
            let others = self.files[file].others.iter().map(|other| other.file);
            let is_there = others.chain([file]).all(|file| self.observer.identity(file).is_some());
            let state = match () {
                () if self.is_from_before(file) => Lacking::New,
                () if is_there && self.files[file].is_named => Lacking::Quiet,
                () => Lacking::All,
            };
            let message = reason.message(path, state, seconds);
            self.fail(linker, file, message);
        }
    }

    /// Reports an error for each missing file that `message` has a text for.
    fn fail_missing(&mut self, linker: &Linker, message: impl Fn(&str, bool) -> String) {
        for file in std::mem::take(&mut self.missing) {
            let path = self.inputs.path(file);
            let text = message(path, self.files[file].is_named);
            match text.is_empty() {
                true => self.missing.push(file),
                false => {
                    self.has_given_up = true;
                    self.fail(linker, file, text);
                }
            }
        }
        if self.missing.is_empty() {
            self.preparation.cancel();
        }
    }

    fn fail(&mut self, linker: &Linker, file: usize, message: String) {
        let location = Location::file(crate::text::to_path(self.inputs.path(file)));
        let diagnostic = Diagnostic::error(Code::Open, message).with_location(location);
        self.inputs.ids(file).for_each(|id| _ = linker.fail_input(id, diagnostic.clone()));
        self.files[file].taken = Some(Taken::default());
    }
}
