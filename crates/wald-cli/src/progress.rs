//! Progress on the terminal, for links that take long or wait for their inputs: one line, rewritten in place and
//! wiped at the end. A link of less than a second shows nothing.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const NEXT: Duration = Duration::from_millis(200);
const WIPE: &str = "\r\x1b[K";

/// How far a link is.
pub struct Progress {
    inputs: usize,
    read: AtomicUsize,
    waiting_for: Mutex<Option<String>>,
    done: Mutex<bool>,
    wake: Condvar,
}

impl Progress {
    /// Nothing is read yet.
    pub fn new(inputs: usize) -> Self {
        let (read, waiting_for) = (AtomicUsize::new(0), Mutex::default());
        Progress { inputs, read, waiting_for, done: Mutex::new(false), wake: Condvar::new() }
    }

    /// One more input was read.
    pub fn input_read(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    /// This input has yet to be made; or none, and the link can go on.
    pub fn wait_for(&self, path: Option<&str>) {
        let mut waiting_for = self.waiting_for.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if waiting_for.as_deref() != path {
            *waiting_for = path.map(str::to_string);
        }
    }

    fn line(&self) -> String {
        let waiting_for = self.waiting_for.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match self.read.load(Ordering::Relaxed) {
            read if waiting_for.is_some() => {
                let next = waiting_for.as_deref().unwrap_or_default();
                format!("{read} of {} inputs, waiting for {next}", self.inputs)
            }
            read if read < self.inputs => format!("reading inputs: {read} of {}", self.inputs),
            _ => format!("linking {} inputs", self.inputs),
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Shows the line now and then until the work is done. Trouble with the terminal is no trouble of the link's.
    fn show(&self, terminal: &mut dyn Write, first: Duration) {
        let (mut pause, mut shown) = (first, false);
        let mut done = self.lock();
        while !*done {
            let waited = self.wake.wait_timeout(done, pause);
            let (guard, timeout) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
            done = guard;
            if timeout.timed_out() && !*done {
                let _ = write!(terminal, "{WIPE}{}", self.line());
                let _ = terminal.flush();
                (pause, shown) = (NEXT, true);
            }
        }
        if shown {
            let _ = terminal.write_all(WIPE.as_bytes());
            let _ = terminal.flush();
        }
    }
}

/// Ends the display when it is dropped, also where the work panics.
struct Finish<'a>(&'a Progress);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        *self.0.lock() = true;
        self.0.wake.notify_all();
    }
}

/// Does the work; on a terminal another thread shows its progress meanwhile.
pub fn watch<R>(on_terminal: bool, progress: &Progress, work: impl FnOnce() -> R) -> R {
    let terminal =
        if on_terminal { std::fs::OpenOptions::new().write(true).open("/dev/tty").ok() } else { None };
    let Some(mut terminal) = terminal else { return work() };
    std::thread::scope(|scope| {
        let show = move || progress.show(&mut terminal, FIRST);
        let _ = std::thread::Builder::new().spawn_scoped(scope, show);
        let _finish = Finish(progress);
        work()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_link_shows_a_line_and_wipes_it() {
        let progress = Progress::new(3);
        progress.input_read();
        let mut terminal = Vec::new();
        std::thread::scope(|scope| {
            let shown = scope.spawn(|| progress.show(&mut terminal, Duration::from_millis(1)));
            std::thread::sleep(Duration::from_millis(50));
            (0..2).for_each(|_| progress.input_read());
            std::thread::sleep(Duration::from_millis(300));
            drop(Finish(&progress));
            shown.join().unwrap();
        });
        let text = String::from_utf8(terminal).unwrap();
        assert!(text.starts_with("\r\x1b[Kreading inputs: 1 of 3\r\x1b[Klinking 3 inputs"), "{text:?}");
        assert!(text.ends_with(WIPE));
    }

    #[test]
    fn a_short_link_shows_nothing() {
        let (progress, mut terminal) = (Progress::new(1), Vec::new());
        drop(Finish(&progress));
        progress.show(&mut terminal, Duration::from_millis(1));
        assert!(terminal.is_empty());
    }
}
