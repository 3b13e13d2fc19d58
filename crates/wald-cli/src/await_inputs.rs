//! `--await-inputs`: the link starts with the build and takes each input when it is complete.
//!
//! One loop waits for news: lines on the descriptor of `--ready-fd`, or else files that have appeared, which it finds by
//! looking again and again. Worker threads read and parse what is complete, and one more thread lets the library prepare
//! the link, so that little is left when the last input is in.
//!
//! Without a descriptor nobody says when a file is complete. One that was not written to for [`QUIET`] is taken. It is
//! copied, never mapped, and if it was [`YOUNG`] then it is looked at once more at the end, and read again if it has
//! changed.

use crate::inputs::{self, Inputs, Reading};
use crate::output_file::Place;
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};
use wald::diagnostics::{Code, Diagnostic, Location};
use wald::{CancelToken, Linker};

/// A file that was not written to for so long is complete.
const QUIET: Duration = Duration::from_millis(25);
/// A file that was written to so recently may have been in the making after all.
const YOUNG: Duration = Duration::from_secs(5);
/// How often files are looked for; less often where looking itself takes long.
const LOOK: Duration = Duration::from_millis(5);
/// With so few inputs missing each one that comes is worth it to prepare again.
const FEW: usize = 16;
/// So many times the link is prepared before only few are missing.
const STEPS: usize = 8;

/// How inputs are awaited.
#[derive(Clone, Debug, Default)]
pub struct Awaiting {
    /// The descriptor that says which inputs are complete.
    pub ready_fd: Option<u32>,
    /// How long the inputs may take.
    pub timeout: Option<Duration>,
}

/// What the loop hears of.
enum News {
    /// This input is complete.
    Ready(String),
    /// The descriptor was closed: what is missing is complete, or will never be.
    NoMore,
    /// The descriptor cannot be read.
    Broken(io::Error),
    /// A worker has read an input.
    Read(usize, Taken),
}

/// When the link is prepared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    OnTheWay,
    NearTheEnd,
    /// Few are missing, and one of them has come.
    OneMore,
}

/// What reading an input gave.
struct Taken {
    /// Names that may stay undefined, from beside an archive.
    allowed: Vec<String>,
    /// The file, if it may have been in the making.
    fresh: Option<Stamp>,
}

/// What a file is known by: where these are the same, so are its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    file: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Stamp {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            file: file_number(&metadata),
        })
    }

    /// Whether the last change is so long ago. A time in the future says nothing.
    fn is_older_than(&self, age: Duration) -> bool {
        inputs::age_of(self.modified).is_none_or(|found| found >= age)
    }
}

#[cfg(unix)]
fn file_number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn file_number(_: &Metadata) -> u64 {
    0
}

/// Waits for all inputs and hands them to the linker; what does not come is an error in its place. Gives back the names
/// that archives' `.imports` files allow to stay undefined.
///
/// `place` is where the module will go: it is made large enough, and its memory is touched, while there is time.
pub fn read_all(
    linker: &mut Linker,
    inputs: &Inputs,
    reading: &Reading,
    awaiting: &Awaiting,
    place: &mut Place,
) -> Vec<String> {
    let reading = Reading { copies: awaiting.ready_fd.is_none(), ahead: true, ..*reading };
    let (news, heard) = mpsc::channel();
    if let Some(descriptor) = awaiting.ready_fd {
        // It may wait for a line long after the last input, so nobody waits for it.
        let listener = news.clone();
        let started = std::thread::Builder::new().spawn(move || listen(descriptor, &listener));
        if let Err(error) = started {
            let _ = news.send(News::Broken(error));
        }
    }
    let (work, waiting) = mpsc::channel();
    let waiting = Mutex::new(waiting);
    let threads = if reading.reproduce.is_some() { 1 } else { reading.threads.max(1) };
    let (prepare, steps) = mpsc::channel();
    let mut waiter = Waiter::new(linker, inputs, &reading, awaiting, work, prepare);
    let mut taken = std::thread::scope(|scope| {
        let (linker, complete) = (waiter.linker, waiter.complete.clone());
        // Without it nothing is prepared, and all is done at the end.
        let _ = std::thread::Builder::new()
            .spawn_scoped(scope, move || prepare_each(linker, &steps, &complete, place));
        let mut workers = 0;
        for _ in 0..threads {
            let (waiting, news, linker, reading) = (&waiting, news.clone(), waiter.linker, &reading);
            let work = move || read_each(linker, inputs, reading, waiting, &news);
            workers += usize::from(std::thread::Builder::new().spawn_scoped(scope, work).is_ok());
        }
        if workers == 0 {
            waiter.fail_missing(|path| format!("{path}: there is no thread to read it"));
        }
        waiter.wait(&heard);
        waiter.taken
    });
    taken.sort_unstable_by_key(|(place, _)| *place);
    read_again(linker, inputs, &reading, &taken);
    taken.into_iter().flat_map(|(_, taken)| taken.allowed).collect()
}

/// A worker: reads what is complete until no more comes.
fn read_each(
    linker: &Linker,
    inputs: &Inputs,
    reading: &Reading,
    waiting: &Mutex<Receiver<usize>>,
    news: &Sender<News>,
) {
    let next = || waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
    while let Ok(place) = next() {
        let path = inputs.path(place);
        // Before the bytes: what is written while they are read is seen at the end.
        let stamp = Stamp::of(&crate::text::to_path(path))
            .filter(|stamp| reading.copies && !stamp.is_older_than(YOUNG));
        let allowed = inputs::read_place(linker, inputs, place, reading);
        let _ = news.send(News::Read(place, Taken { allowed, fresh: stamp }));
    }
}

/// Prepares whenever that is worth it. Near the end it makes room for the module.
fn prepare_each(linker: &Linker, steps: &Receiver<Step>, complete: &CancelToken, place: &mut Place) {
    let mut took = Duration::ZERO;
    while let Ok(mut step) = steps.recv() {
        // Inputs that come one by one: a pause that has lasted for as long as preparing takes will last on.
        while let Ok(later) = match step {
            Step::OneMore => steps.recv_timeout(took).map_err(|_| ()),
            _ => steps.try_recv().map_err(|_| ()),
        } {
            step = later;
        }
        if complete.is_cancelled() {
            return;
        }
        let start = Instant::now();
        linker.prepare_until(complete);
        // The least: at times much more is prepared than what the last inputs brought.
        took = match took {
            Duration::ZERO => start.elapsed(),
            before => start.elapsed().min(before),
        };
        if step != Step::OnTheWay && !complete.is_cancelled() {
            // A little more than will be needed, most likely.
            let size = linker.prepared_size();
            place.prepare(usize::try_from(size + size / 32).unwrap_or(0));
        }
    }
}

/// Reads inputs again that were written to after they had been read.
fn read_again(linker: &mut Linker, inputs: &Inputs, reading: &Reading, taken: &[(usize, Taken)]) {
    for (place, taken) in taken {
        let mut known = taken.fresh;
        while let Some(stamp) = known {
            let now = Stamp::of(&crate::text::to_path(inputs.path(*place)));
            known = now.filter(|&now| now != stamp);
            if known.is_some() {
                linker.replace(inputs.id(*place));
                inputs::read_place(linker, inputs, *place, reading);
            }
        }
    }
}

/// Passes on the lines of the descriptor.
fn listen(descriptor: u32, news: &Sender<News>) {
    let pass_on = |lines: &mut dyn BufRead| -> io::Result<()> {
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            // Where nobody listens any more, all inputs are in.
            if !text.is_empty() && news.send(News::Ready(crate::text::from_bytes(text))).is_err() {
                return Ok(());
            }
            line.clear();
        }
        Ok(())
    };
    let ended = match descriptor {
        0 => pass_on(&mut io::stdin().lock()),
        other => File::open(format!("/dev/fd/{other}")).and_then(|file| pass_on(&mut BufReader::new(file))),
    };
    let _ = news.send(ended.map_or_else(News::Broken, |()| News::NoMore));
}

/// The loop and what it knows.
struct Waiter<'a> {
    linker: &'a Linker,
    inputs: &'a Inputs,
    reading: &'a Reading<'a>,
    awaiting: &'a Awaiting,
    work: Option<Sender<usize>>,
    /// Inputs that are not complete, in order.
    missing: Vec<usize>,
    by_path: HashMap<PathBuf, Vec<usize>>,
    taken: Vec<(usize, Taken)>,
    /// How many were read when the link was last prepared.
    prepared: usize,
    prepare: Option<Sender<Step>>,
    /// Cancelled when all inputs are complete: from then on preparing would only hold up the link.
    complete: CancelToken,
    start: Instant,
}

impl<'a> Waiter<'a> {
    fn new(
        linker: &'a Linker,
        inputs: &'a Inputs,
        reading: &'a Reading<'a>,
        awaiting: &'a Awaiting,
        work: Sender<usize>,
        prepare: Sender<Step>,
    ) -> Self {
        let mut by_path: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for place in 0..inputs.len() {
            by_path.entry(simple(inputs.path(place))).or_default().push(place);
        }
        Waiter {
            linker,
            inputs,
            reading,
            awaiting,
            work: Some(work),
            missing: (0..inputs.len()).collect(),
            by_path,
            taken: Vec::new(),
            prepared: 0,
            prepare: Some(prepare),
            complete: CancelToken::new(),
            start: Instant::now(),
        }
    }

    fn wait(&mut self, heard: &Receiver<News>) {
        if self.awaiting.ready_fd.is_some() {
            // What was found as a library is not made by this build.
            let inputs = self.inputs;
            self.take(|place| inputs.is_library(place));
        }
        let mut next_look = self.start;
        while self.taken.len() < self.inputs.len() {
            if self.awaiting.ready_fd.is_none() && !self.missing.is_empty() && Instant::now() >= next_look {
                let before = Instant::now();
                self.look();
                next_look = Instant::now() + LOOK.max(before.elapsed() * 4);
            }
            if self.is_late() {
                self.give_up();
            }
            self.tell_progress();
            match heard.recv_timeout(self.pause(next_look)) {
                Ok(News::Ready(path)) => self.take_path(&path),
                Ok(News::NoMore) => self.take(|_| true),
                Ok(News::Broken(error)) => self.descriptor_is_broken(&error),
                Ok(News::Read(place, taken)) => {
                    self.reading.progress.input_read();
                    self.taken.push((place, taken));
                    self.prepare();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        (self.work, self.prepare) = (None, None);
        self.reading.progress.wait_for(None);
    }

    /// How long nothing may come before the loop goes round.
    fn pause(&self, next_look: Instant) -> Duration {
        let mut pause = Duration::from_millis(200);
        if self.awaiting.ready_fd.is_none() && !self.missing.is_empty() {
            pause = pause.min(next_look.saturating_duration_since(Instant::now()));
        }
        match self.awaiting.timeout {
            Some(timeout) => pause.min((self.start + timeout).saturating_duration_since(Instant::now())),
            None => pause,
        }
    }

    /// Takes the missing inputs that are complete.
    fn take(&mut self, is_complete: impl Fn(usize) -> bool) {
        let work = &self.work;
        self.missing.retain(|&place| {
            let complete = is_complete(place);
            if let (true, Some(work)) = (complete, work) {
                let _ = work.send(place);
            }
            !complete
        });
        if self.missing.is_empty() {
            self.complete.cancel();
        }
    }

    fn take_path(&mut self, path: &str) {
        // A build tool may speak of more than this link's inputs.
        if let Some(places) = self.by_path.get(&simple(path)).cloned() {
            self.take(|place| places.contains(&place));
        }
    }

    /// Looks at the files that are missing.
    fn look(&mut self) {
        let inputs = self.inputs;
        self.take(|place| {
            let stamp = Stamp::of(&crate::text::to_path(inputs.path(place)));
            stamp.is_some_and(|stamp| stamp.is_older_than(QUIET))
        });
    }

    /// Lets the link be prepared, if there is enough to prepare.
    fn prepare(&mut self) {
        let (count, new) = (self.inputs.len(), self.taken.len() - self.prepared);
        let missing = count - self.taken.len();
        let step = (count / STEPS).max(FEW);
        let step = match missing {
            0 => return,
            _ if new >= step && missing > step => Step::OnTheWay,
            few if few <= FEW => Step::OneMore,
            _ if missing <= step && new >= missing => Step::NearTheEnd,
            _ => return,
        };
        self.prepared = self.taken.len();
        if let Some(prepare) = &self.prepare {
            let _ = prepare.send(step);
        }
    }

    fn is_late(&self) -> bool {
        !self.missing.is_empty()
            && self.awaiting.timeout.is_some_and(|timeout| self.start.elapsed() >= timeout)
    }

    /// What has not come by now is an error.
    fn give_up(&mut self) {
        let seconds = self.awaiting.timeout.unwrap_or_default().as_secs_f64();
        self.fail_missing(|path| format!("{path}: did not come within {seconds} seconds"));
    }

    fn descriptor_is_broken(&mut self, error: &io::Error) {
        let descriptor = self.awaiting.ready_fd.unwrap_or_default();
        let reason = crate::error_text(error);
        self.fail_missing(|path| format!("{path}: cannot be waited for: descriptor {descriptor}: {reason}"));
    }

    fn fail_missing(&mut self, message: impl Fn(&str) -> String) {
        for place in std::mem::take(&mut self.missing) {
            let path = self.inputs.path(place);
            let location = Location { path: path.into(), ..Location::default() };
            let diagnostic = Diagnostic::error(Code::Open, message(path)).at(location);
            self.linker.fail_input(self.inputs.id(place), diagnostic);
            self.taken.push((place, Taken { allowed: Vec::new(), fresh: None }));
        }
    }

    fn tell_progress(&self) {
        let next = self.missing.first().map(|&place| self.inputs.path(place));
        self.reading.progress.wait_for(next);
    }
}

/// A path without detours by `.`, so that `./a.o` and `a.o` are the same.
fn simple(path: &str) -> PathBuf {
    let path = crate::text::to_path(path);
    path.components().filter(|component| *component != std::path::Component::CurDir).collect()
}
