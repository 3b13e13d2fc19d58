//! Wall time of the phases, and what each thread did, for `--time` and `--time-trace`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// One stretch of work on one thread.
#[derive(Clone, Debug)]
pub struct Event {
    /// What was done.
    pub name: &'static str,
    /// What it was done to: a file's path for instance.
    pub detail: String,
    /// Number of the thread, counted from 0 in order of first appearance.
    pub thread: usize,
    /// Since the link began.
    pub start: Duration,
    /// How long it took.
    pub duration: Duration,
}

/// What a link measured about itself.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// The phases of `finish` in order, with their wall time.
    pub phases: Vec<(&'static str, Duration)>,
    /// All events, if they were asked for.
    pub events: Vec<Event>,
}

/// A moment. Engines without a clock have only one.
#[derive(Clone, Copy)]
struct Moment(Option<Instant>);

impl Moment {
    const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

    fn now() -> Self {
        Moment(Self::HAS_CLOCK.then(Instant::now))
    }

    fn since(self, earlier: Moment) -> Duration {
        match (self.0, earlier.0) {
            (Some(now), Some(earlier)) => now.duration_since(earlier),
            _ => Duration::ZERO,
        }
    }
}

/// Collects a [`Timing`] while inputs are parsed and linked; used from any thread. A linker has one, so that each link's
/// timing contains the parse tasks before it.
pub(crate) struct Timer {
    with_events: AtomicBool,
    state: Mutex<State>,
}

struct State {
    begin: Moment,
    /// When the last phase ended.
    last: Moment,
    timing: Timing,
    threads: Vec<ThreadId>,
}

impl State {
    fn new() -> Self {
        let now = Moment::now();
        State { begin: now, last: now, timing: Timing::default(), threads: Vec::new() }
    }
}

impl Timer {
    /// Starts the clock.
    pub fn new(with_events: bool) -> Self {
        Timer { with_events: AtomicBool::new(with_events), state: Mutex::new(State::new()) }
    }

    /// Runs one phase of the link and notes its wall time.
    pub fn phase<R>(&self, name: &'static str, work: impl FnOnce() -> R) -> R {
        let start = Moment::now();
        let result = work();
        self.end_phase(name, start, Moment::now());
        result
    }

    /// Makes a phase of what happened since the last one.
    pub fn lap(&self, name: &'static str) {
        let start = self.lock().last;
        self.end_phase(name, start, Moment::now());
    }

    fn end_phase(&self, name: &'static str, start: Moment, end: Moment) {
        let mut state = self.lock();
        state.timing.phases.push((name, end.since(start)));
        state.last = end;
        drop(state);
        self.record(name, String::new, start, end.since(start));
    }

    /// Runs a task that may be one of many on several threads.
    pub fn task<R>(
        &self,
        name: &'static str,
        detail: impl FnOnce() -> String,
        work: impl FnOnce() -> R,
    ) -> R {
        // Relaxed: it changes between links only.
        if !self.with_events.load(Ordering::Relaxed) {
            return work();
        }
        let start = Moment::now();
        let result = work();
        self.record(name, detail, start, Moment::now().since(start));
        result
    }

    fn record(&self, name: &'static str, detail: impl FnOnce() -> String, start: Moment, duration: Duration) {
        if !self.with_events.load(Ordering::Relaxed) {
            return;
        }
        let id = std::thread::current().id();
        // The caller's code is not called with the lock held.
        let detail = detail();
        let mut state = self.lock();
        let thread = state.threads.iter().position(|&known| known == id).unwrap_or_else(|| {
            state.threads.push(id);
            state.threads.len() - 1
        });
        let start = start.since(state.begin);
        state.timing.events.push(Event { name, detail, thread, start, duration });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Sets whether tasks are recorded from now on.
    pub fn set_record_events(&self, record: bool) {
        self.with_events.store(record, Ordering::Relaxed);
    }

    /// Begins the link, after the parse tasks.
    pub fn begin_link(&self) {
        self.lock().last = Moment::now();
    }

    /// Takes what was measured so far, and starts the clock for the next link.
    pub fn take(&self) -> Timing {
        std::mem::replace(&mut *self.lock(), State::new()).timing
    }
}
