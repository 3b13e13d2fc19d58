//! Prepares a link on a thread of its own while its inputs are awaited.
//!
//! The functions before [`Preparation`] are the schedule.

use crate::clock::Instant;
use crate::output_ahead::OutputAhead;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;
use std::time::Duration;
use wald::{CancelToken, Linker};

/// If at most this many inputs are missing, the link is prepared after each one that arrives.
const FEW: usize = 16;
/// How often the link is prepared before that.
const STEPS: usize = 8;

/// Why the link is prepared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// An eighth of the inputs arrived.
    OnTheWay,
    /// An eighth is missing, or half of what was missing then arrived.
    NearTheEnd,
    /// Few are missing, and one of them arrived.
    OneMore,
}

/// The next step if `missing` of `count` inputs are missing and `new` arrived since the last one.
fn next_step(count: usize, missing: usize, new: usize) -> Option<Step> {
    let step = (count / STEPS).max(FEW);
    match missing {
        0 => None,
        _ if new >= step && missing > step => Some(Step::OnTheWay),
        few if few <= FEW => Some(Step::OneMore),
        _ if missing <= step && (new >= missing || missing + new > step) => Some(Step::NearTheEnd),
        _ => None,
    }
}

/// The thread that prepares, and when it last was told to.
pub struct Preparation {
    steps: Option<Sender<Step>>,
    /// Cancelled when all inputs are complete: from then on preparing would only hold up the link.
    complete: CancelToken,
    /// How many inputs were read when the link was last prepared.
    prepared: usize,
}

impl Preparation {
    /// Nothing is prepared.
    pub fn new() -> Self {
        Preparation { steps: None, complete: CancelToken::new(), prepared: 0 }
    }

    /// Starts the thread. Without it nothing is prepared, and all is done at the end. It also lets the file of the output be made.
    pub fn begin<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        linker: &'scope Linker,
        output: Option<&'scope OutputAhead>,
    ) {
        let (send, steps) = mpsc::channel();
        let complete = CancelToken::new();
        (self.steps, self.complete) = (Some(send), complete.clone());
        let work = move || {
            let make_output = || {
                let Some(output) = output.filter(|output| !output.has_begun()) else { return };
                let Some(size) = linker.expected_size().filter(|&size| output.begin(size)) else { return };
                let complete = complete.clone();
                // On a thread of its own: meanwhile the link is prepared again.
                let make = move || output.make(size, &complete);
                let _ = std::thread::Builder::new().spawn_scoped(scope, make);
            };
            prepare_each(linker, make_output, &steps, &complete);
        };
        let _ = std::thread::Builder::new().spawn_scoped(scope, work);
    }

    /// One of `count` inputs was read. Lets the link be prepared, if there is enough to prepare.
    pub fn input_came(&mut self, count: usize, missing: usize) {
        let read = count - missing;
        let new = read.saturating_sub(self.prepared);
        let Some(step) = next_step(count, missing, new) else { return };
        self.prepared = read;
        if let Some(steps) = &self.steps {
            let _ = steps.send(step);
        }
    }

    /// All inputs are complete: what takes long ends.
    pub fn cancel(&self) {
        self.complete.cancel();
    }

    /// Lets the thread end.
    pub fn end(&mut self) {
        self.cancel();
        self.steps = None;
    }
}

/// Prepares whenever that is worth it.
fn prepare_each(linker: &Linker, make_output: impl Fn(), steps: &Receiver<Step>, complete: &CancelToken) {
    // How long the last preparation near the end took.
    let mut took = Duration::ZERO;
    while let Ok(mut step) = steps.recv() {
        // Inputs arrive one by one. A pause that has lasted as long as preparing takes will probably last longer.
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
        make_output();
        took = match (step, start.elapsed()) {
            (Step::OnTheWay, _) => took,
            // There was next to nothing to prepare.
            (_, now) if now < took / 8 => took,
            (_, now) => now,
        };
    }
}
