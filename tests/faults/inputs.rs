//! Inputs that are torn, slow, replaced, skewed in time or vanish while `--await-inputs` and `--watch` look at them.
//!
//! Each round compares with a link from nothing of the final files: exit code 0 must mean the same bytes. `WALD_FAULT_ROUNDS` sets
//! how many rounds there are in all, `WALD_FAULT_SEED` the first seed.

#![cfg(target_os = "linux")]

mod await_rounds;
mod project;
mod watch_rounds;
mod writer;

use await_rounds::End;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

/// Most of a round is waiting.
const AT_ONCE: usize = 8;
/// So many edits are made while one command watches.
const EDITS: usize = 10;

fn number(variable: &str, default: usize) -> usize {
    let set = std::env::var(variable).ok();
    set.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: not a number: {text}")))
}

/// Runs `round` for each number below `count`, several at a time. Returns the failures.
fn run_all(count: usize, round: impl Fn(u64) -> Result<(), String> + Sync) -> Vec<String> {
    project::wald();
    let (next, wrong, seed) = (AtomicUsize::new(0), Mutex::new(Vec::new()), number("WALD_FAULT_SEED", 1));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                if let Err(error) = round((seed + number) as u64) {
                    wrong.lock().unwrap().push(error);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

#[test]
fn awaited_inputs_give_the_module_of_their_final_bytes() {
    let count = number("WALD_FAULT_ROUNDS", 500) * 4 / 5;
    let ends = Mutex::new([0; 3]);
    let wrong = run_all(count, |seed| {
        let end = await_rounds::run(seed)?;
        let at = [End::Linked, End::Failed, End::Refused].iter().position(|&known| known == end);
        ends.lock().unwrap()[at.unwrap_or_default()] += 1;
        Ok(())
    });
    let [linked, failed, refused] = ends.into_inner().unwrap();
    println!("{count} await rounds: {linked} linked, {failed} failed as they must, {refused} refused");
    assert!(wrong.is_empty(), "{} of {count} rounds went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    // The rounds are worth something only if most of them link.
    assert!(linked * 2 > count && failed > 0, "{linked} linked, {failed} failed");
}

#[test]
fn watched_inputs_give_the_module_of_complete_files() {
    let sessions = (number("WALD_FAULT_ROUNDS", 500) / 5).div_ceil(EDITS);
    let wrong = run_all(sessions, |seed| watch_rounds::run(seed, EDITS));
    println!("{} watch rounds", sessions * EDITS);
    assert!(wrong.is_empty(), "{} of {sessions} runs went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}
