//! Divides the command's time into consecutive parts, for `--time`.

use crate::clock::Instant;
use std::cell::RefCell;
use std::time::Duration;

/// A clock whose parts have names. The link in the middle is measured by the library.
pub struct Stopwatch {
    state: RefCell<State>,
}

struct State {
    /// Before the first part.
    ahead: Duration,
    start: Instant,
    last: Instant,
    parts: Vec<(&'static str, Duration)>,
    /// Where the link's own phases go.
    link_at: usize,
}

impl Stopwatch {
    /// Starts the clock. `ahead` was spent before that, on starting the process.
    pub fn new(ahead: Duration) -> Self {
        let (start, parts) = (Instant::now(), vec![("start", ahead)]);
        Stopwatch { state: RefCell::new(State { ahead, start, last: start, parts, link_at: 1 }) }
    }

    /// What happened since the last part has this name.
    pub fn lap(&self, name: &'static str) {
        self.split([(name, 1.0)]);
    }

    /// What happened since the last part is several things, with these shares.
    pub fn split<const N: usize>(&self, parts: [(&'static str, f64); N]) {
        let mut state = self.state.borrow_mut();
        let now = Instant::now();
        let took = now.duration_since(state.last);
        state.last = now;
        for (name, share) in parts {
            let took = took.mul_f64(share);
            match state.parts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += took,
                None => state.parts.push((name, took)),
            }
        }
    }

    /// What happened between the last part and `end` was a link, whose phases are known.
    pub fn link(&self, end: Instant) {
        let mut state = self.state.borrow_mut();
        (state.last, state.link_at) = (end, state.parts.len());
    }

    /// Starts anew, for the next link of the same process.
    pub fn restart(&self) {
        *self.state.borrow_mut() = Stopwatch::new(Duration::ZERO).state.into_inner();
    }

    /// How long the link took so far.
    pub fn elapsed(&self) -> Duration {
        let state = self.state.borrow();
        state.ahead + state.start.elapsed()
    }

    /// All parts in order, with the link's phases between them.
    pub fn parts(&self, link: &[(&'static str, Duration)]) -> Vec<(&'static str, Duration)> {
        let state = self.state.borrow();
        let (before, after) = state.parts.split_at(state.link_at);
        let parts = before.iter().chain(link).chain(after).copied();
        parts.filter(|(name, took)| *name != "start" || !took.is_zero()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_all_of_the_time() {
        let watch = Stopwatch::new(Duration::from_secs(1));
        watch.lap("arguments");
        std::thread::sleep(Duration::from_millis(8));
        watch.split([("open", 0.25), ("parse", 0.75)]);
        watch.link(Instant::now());
        watch.lap("save");
        let parts = watch.parts(&[("join", Duration::from_secs(2))]);
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["start", "arguments", "open", "parse", "join", "save"]);
        assert_eq!(parts[3].1.as_micros() / 10, parts[2].1.mul_f64(3.0).as_micros() / 10);
        assert!(parts[2].1 + parts[3].1 >= Duration::from_millis(8));
        assert!(watch.elapsed() >= Duration::from_millis(1008));
        watch.restart();
        assert!(watch.elapsed() < Duration::from_secs(1) && watch.parts(&[]).is_empty());
    }
}
