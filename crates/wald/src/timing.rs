//! Wall time of the phases, and what each thread did, for `--time` and `--time-trace`.

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
    /// All events, where they were asked for.
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

/// Collects a [`Timing`] while a link runs; used from any thread.
pub struct Timer {
    begin: Moment,
    with_events: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    timing: Timing,
    threads: Vec<ThreadId>,
}

impl Timer {
    /// Starts the clock.
    pub fn new(with_events: bool) -> Self {
        Timer { begin: Moment::now(), with_events, state: Mutex::default() }
    }

    /// Runs one phase of the link and notes its wall time.
    pub fn phase<R>(&self, name: &'static str, work: impl FnOnce() -> R) -> R {
        let start = Moment::now();
        let result = work();
        let duration = Moment::now().since(start);
        self.lock().timing.phases.push((name, duration));
        self.record(name, String::new, start, duration);
        result
    }

    /// Runs a task that may be one of many on several threads.
    pub fn task<R>(
        &self,
        name: &'static str,
        detail: impl FnOnce() -> String,
        work: impl FnOnce() -> R,
    ) -> R {
        if !self.with_events {
            return work();
        }
        let start = Moment::now();
        let result = work();
        self.record(name, detail, start, Moment::now().since(start));
        result
    }

    fn record(&self, name: &'static str, detail: impl FnOnce() -> String, start: Moment, duration: Duration) {
        if !self.with_events {
            return;
        }
        let id = std::thread::current().id();
        let mut state = self.lock();
        let thread = state.threads.iter().position(|&known| known == id).unwrap_or_else(|| {
            state.threads.push(id);
            state.threads.len() - 1
        });
        let start = start.since(self.begin);
        state.timing.events.push(Event { name, detail: detail(), thread, start, duration });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What was measured so far.
    pub fn finish(self) -> Timing {
        self.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).timing
    }
}
