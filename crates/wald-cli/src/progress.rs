//! Progress on the terminal, for links that take long or wait for their inputs: one line, rewritten in place and
//! wiped at the end. A link of less than a second shows nothing. Also counts how long files took to open and to parse.

use crate::terminal::{self, Terminal};
use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const NEXT: Duration = Duration::from_millis(200);
const WIPE: &str = "\r\x1b[K";

/// How far a link is.
pub struct Progress {
    inputs: usize,
    read: AtomicUsize,
    /// Nanoseconds of all threads together.
    opening: AtomicU64,
    parsing: AtomicU64,
    waiting_for: Mutex<Option<String>>,
    done: Mutex<bool>,
    wake: Condvar,
}

impl Progress {
    /// Nothing is read yet.
    pub fn new(inputs: usize) -> Self {
        Progress {
            inputs,
            read: AtomicUsize::new(0),
            opening: AtomicU64::new(0),
            parsing: AtomicU64::new(0),
            waiting_for: Mutex::default(),
            done: Mutex::new(false),
            wake: Condvar::new(),
        }
    }

    /// One more input was read.
    pub fn input_read(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    /// Opening a file, and then parsing it, took this long on one thread.
    pub fn file_took(&self, opening: Duration, parsing: Duration) {
        self.opening.fetch_add(opening.as_nanos() as u64, Ordering::Relaxed);
        self.parsing.fetch_add(parsing.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Which part of the time that files took was spent on opening them, from 0 to 1.
    pub fn opening_share(&self) -> f64 {
        let (opening, parsing) = (self.opening.load(Ordering::Relaxed), self.parsing.load(Ordering::Relaxed));
        opening as f64 / (opening + parsing).max(1) as f64
    }

    /// This input has yet to be made; or none, and the link can go on.
    pub fn wait_for(&self, path: Option<&str>) {
        let mut waiting_for = self.waiting_for.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if waiting_for.as_deref() != path {
            *waiting_for = path.map(str::to_string);
        }
    }

    /// What is happening, in at most `width` columns.
    fn line(&self, width: usize) -> String {
        let waiting_for = self.waiting_for.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let line: String = match self.read.load(Ordering::Relaxed) {
            read if waiting_for.is_some() => {
                let next = crate::text::visible(waiting_for.as_deref().unwrap_or_default());
                let start = format!("{read} of {} inputs, waiting for ", self.inputs);
                let next =
                    terminal::cut_start(&next.replace(['\n', '\t'], " "), width.saturating_sub(start.len()));
                start + &next
            }
            read if read < self.inputs => format!("reading inputs: {read} of {}", self.inputs),
            _ => format!("linking {} inputs", self.inputs),
        };
        line.chars().take(width).collect()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Updates the line until the work is done. Errors of the terminal are ignored.
    fn show(&self, screen: &mut dyn Write, width: &dyn Fn() -> usize, first: Duration) {
        let (mut pause, mut shown) = (first, false);
        let mut done = self.lock();
        while !*done {
            let waited = self.wake.wait_timeout(done, pause);
            let (guard, timeout) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
            done = guard;
            if timeout.timed_out() && !*done {
                // The last column stays free: some terminals go on to the next line when it is used.
                let _ = write!(screen, "{WIPE}{}", self.line(width().saturating_sub(1)));
                let _ = screen.flush();
                (pause, shown) = (NEXT, true);
            }
        }
        if shown {
            let _ = screen.write_all(WIPE.as_bytes());
            let _ = screen.flush();
        }
    }
}

/// Ends the display when it is dropped, also if the work panics.
struct Finish<'a>(&'a Progress);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        *self.0.lock() = true;
        self.0.wake.notify_all();
    }
}

/// Does the work; on a terminal another thread shows its progress meanwhile.
pub fn watch<R>(terminal: Terminal, progress: &Progress, work: impl FnOnce() -> R) -> R {
    let open = || std::fs::OpenOptions::new().write(true).open("/dev/tty").ok();
    let Some(mut screen) = terminal.can_rewrite.then(open).flatten() else { return work() };
    std::thread::scope(|scope| {
        let show = move || {
            let Ok(window) = screen.try_clone() else { return };
            progress.show(&mut screen, &|| terminal.width(&window), FIRST);
        };
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
            let shown = scope.spawn(|| progress.show(&mut terminal, &|| 80, Duration::from_millis(1)));
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
    fn the_line_fits_and_names_do_nothing_to_the_terminal() {
        let progress = Progress::new(10);
        progress.wait_for(Some(&format!("{}/\x1b[2Jlast\n.o", "directory".repeat(30))));
        let line = progress.line(50);
        assert!(line.starts_with("0 of 10 inputs, waiting for ..."), "{line}");
        assert_eq!(line.len(), 50);
        assert!(line.ends_with("\\x1b[2Jlast .o"), "{line}");
        assert_eq!(progress.line(9), "0 of 10 i");
    }

    #[test]
    fn a_short_link_shows_nothing() {
        let (progress, mut terminal) = (Progress::new(1), Vec::new());
        drop(Finish(&progress));
        progress.show(&mut terminal, &|| 80, Duration::from_millis(1));
        assert!(terminal.is_empty());
    }
}
