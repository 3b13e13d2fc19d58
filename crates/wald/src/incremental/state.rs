//! What a linker keeps between its calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::inputs::{DeclaredInputs, InputVersion};
use super::policy;
use super::renewal::Renewal;
use super::speculation::Speculation;
use super::surroundings::Surroundings;
use crate::cancel::CancelToken;
use crate::input::{Candidate, ParsedInput};
use crate::object::Interners;
use crate::options::Options;
use crate::resolve::prefetch_members;
use crate::threads::with_threads;

/// See the [module](super).
#[derive(Default)]
pub struct State {
    /// What was resolved, marked and merged so far. The lock is held across parallel work, which may run any other job of the
    /// thread pool on this thread. So nothing may wait for it: `prepare` only tries, and a link excludes all other calls.
    speculation: Mutex<Option<Speculation>>,
    renewal: Renewal,
}

impl State {
    /// Continues with the inputs that are available. Does nothing while another call does it. Long work ends early when `stop`
    /// is cancelled.
    pub fn prepare(&self, around: Surroundings<'_>, inputs: &DeclaredInputs<'_>, stop: &CancelToken) {
        let Ok(mut speculation) = self.speculation.try_lock() else { return };
        let before_gap = inputs.before_gap();
        let earlier = speculation.take();
        let next = with_threads(around.threads, || advance(around, earlier, before_gap, inputs, stop));
        *speculation = Some(next);
    }

    /// About how large the module of so many inputs will be, if most were linked speculatively. `None` while another call prepares.
    pub fn expected_size(&self, options: &Options, declared: usize) -> Option<u64> {
        let speculation = self.speculation.try_lock().ok()?;
        let size = speculation.as_ref()?.expected_size(options)?;
        let inputs = speculation.as_ref()?.speculated_inputs() as u64;
        Some(size.saturating_mul(declared as u64) / inputs.max(1))
    }

    /// The earlier work, continued to all inputs. All must be available.
    pub fn complete(&self, around: Surroundings<'_>, inputs: &DeclaredInputs<'_>) -> Speculation {
        let (versions, files) = inputs.before_gap();
        let earlier = lock(&self.speculation).take();
        Speculation::advance(around, earlier, &versions, &files)
    }

    /// Keeps what the next link can use.
    pub fn keep(&self, speculation: Speculation) {
        *lock(&self.speculation) = Some(speculation);
    }

    /// Drops what was kept.
    pub fn forget(&mut self) {
        *self.speculation.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether names of inputs that are gone are worth freeing.
    pub fn is_renewal_due(&mut self, interners: &Interners) -> bool {
        self.renewal.is_due(interners)
    }

    /// Frees names of inputs that are gone. The next link then resolves again.
    pub fn free_names<'i>(
        &mut self,
        interners: &mut Interners,
        inputs: impl Iterator<Item = &'i mut ParsedInput>,
    ) {
        self.forget();
        self.renewal.renew(interners, inputs);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn advance(
    around: Surroundings<'_>,
    earlier: Option<Speculation>,
    (versions, files): (Vec<InputVersion>, Vec<&Candidate>),
    inputs: &DeclaredInputs<'_>,
    stop: &CancelToken,
) -> Speculation {
    let Surroundings { options, interners, timer, .. } = around;
    if earlier.is_none() {
        prefetch_members(interners, &inputs.available().1, timer);
    }
    let mut next = match earlier {
        Some(earlier) if earlier.inputs() == versions => earlier,
        earlier => Speculation::advance(around, earlier, &versions, &files),
    };
    // Speculative marks say more.
    if next.speculated_inputs() == 0 {
        next.mark(options);
    }
    speculate(around, &mut next, inputs, stop);
    next
}

/// Links speculatively when most inputs are available, as if the missing ones were empty.
fn speculate(
    around: Surroundings<'_>,
    next: &mut Speculation,
    inputs: &DeclaredInputs<'_>,
    stop: &CancelToken,
) {
    let Surroundings { options, interners, timer, .. } = around;
    let (available, files) = inputs.available();
    let declared = inputs.count();
    if !policy::is_worth_speculating(available, declared) || stop.is_cancelled() {
        return;
    }
    if next.inputs().len() == declared {
        // Nothing is missing.
        next.mark(options);
        return next.prepare_objects(options, stop);
    }
    if !policy::is_worth_speculating_again(next.speculated_inputs(), available, declared) {
        return;
    }
    prefetch_members(interners, &files, timer);
    next.speculate(around, &files, available, stop);
    next.prepare_objects(options, stop);
    next.merge_strings(options, stop);
}
