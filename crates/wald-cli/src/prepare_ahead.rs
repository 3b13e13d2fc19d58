//! Prepares a link on a thread of its own while its inputs are awaited.

use crate::output_file::Place;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;
use std::time::{Duration, Instant};
use wald::{CancelToken, Linker};

/// If at most this many inputs are missing, each new one is worth another preparation.
const FEW: usize = 16;
/// So many times the link is prepared before only few are missing.
const STEPS: usize = 8;

/// When the link is prepared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    OnTheWay,
    NearTheEnd,
    /// Few were missing, and one of them is now complete.
    OneMore,
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

    /// Starts the thread. Without it nothing is prepared, and all is done at the end.
    pub fn begin<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        linker: &'scope Linker,
        place: &'scope mut Place,
    ) {
        let (send, steps) = mpsc::channel();
        let complete = CancelToken::new();
        (self.steps, self.complete) = (Some(send), complete.clone());
        let work = move || prepare_each(linker, &steps, &complete, place);
        let _ = std::thread::Builder::new().spawn_scoped(scope, work);
    }

    /// One of `count` inputs was read. Lets the link be prepared, if there is enough to prepare.
    pub fn input_came(&mut self, count: usize, missing: usize) {
        let read = count - missing;
        let new = read.saturating_sub(self.prepared);
        let step = (count / STEPS).max(FEW);
        let step = match missing {
            0 => return,
            _ if new >= step && missing > step => Step::OnTheWay,
            few if few <= FEW => Step::OneMore,
            _ if missing <= step && new >= missing => Step::NearTheEnd,
            _ => return,
        };
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

/// Prepares whenever that is worth it. Near the end it makes room for the module.
fn prepare_each(linker: &Linker, steps: &Receiver<Step>, complete: &CancelToken, place: &mut Place) {
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
