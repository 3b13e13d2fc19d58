//! `cargo xtask arrivals`: checks that inputs give the same bytes and messages in any order of arrival, from several threads,
//! with links prepared in between.

use crate::arguments::Arguments;
use crate::corpus;
use crate::library_job::{LibraryJob, Random};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use wald::{LinkResult, Message};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask arrivals [JOB…] [--rounds N]

Links each job of the corpus (default: all that are built) once in order, and then N times (default 100) while two threads
provide the inputs in random order and a third prepares the link at random times. Bytes and messages must be the same
every time. A release build is faster: cargo run --release -p xtask -- arrivals

ENVIRONMENT
  WALD_CORPUS  the folder of the jobs (default target/corpus)
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let rounds = args.number("rounds")?.unwrap_or(100).max(1);
    for job in corpus::select(&args.words()?)? {
        let start = Instant::now();
        let read = LibraryJob::read(&job)?;
        let expected = read.link(2);
        for round in 0..rounds {
            let found = arrive(&read, round as u64);
            if let Some(difference) = difference(&expected, &found) {
                return Err(format!("{job}, round {round}: {difference}"));
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{job}: {} inputs, {rounds} orders of arrival, the same bytes ({seconds:.0} s)",
            read.inputs.len()
        );
    }
    Ok(())
}

/// What differs, in words.
pub fn difference(expected: &LinkResult, found: &LinkResult) -> Option<String> {
    // Inputs have other ids in each linker, so the texts are compared.
    let said = |result: &LinkResult| -> (Vec<String>, Vec<Message>) {
        (result.diagnostics.iter().map(ToString::to_string).collect(), result.messages.clone())
    };
    if said(expected) != said(found) {
        return Some("other diagnostics".into());
    }
    match (&expected.module, &found.module) {
        (Ok(expected), Ok(found)) => (expected != found).then(|| "other bytes".into()),
        (Err(_), Err(_)) => None,
        _ => Some("one link failed".into()),
    }
}

/// Links with inputs that arrive in an order of its own for each seed.
fn arrive(job: &LibraryJob, seed: u64) -> LinkResult {
    let mut random = Random::new(seed);
    let mut linker = job.linker(1 + random.below(3));
    let ids: Vec<_> = job.inputs.iter().map(|(input, _)| linker.declare_input(input.clone())).collect();
    // Every third time nearly in order, as a build does it.
    let order = match seed % 3 {
        0 => nearly_in_order(&mut random, ids.len()),
        _ => random.order(ids.len()),
    };
    let next = AtomicUsize::new(0);
    let moments: Vec<usize> = (0..4).map(|_| random.below(ids.len() + 1)).collect();
    std::thread::scope(|scope| {
        let (linker, ids, order, next, moments) = (&linker, &ids, &order, &next, &moments);
        for _ in 0..2 {
            scope.spawn(move || {
                while let Some(&position) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    linker.provide(ids[position], job.inputs[position].1.clone()).expect("it is declared");
                }
            });
        }
        scope.spawn(move || {
            for &moment in moments {
                while next.load(Ordering::Relaxed) < moment {
                    std::thread::yield_now();
                }
                linker.prepare();
            }
        });
    });
    linker.finish()
}

/// The numbers below `count`, each at most a few places from its own.
pub fn nearly_in_order(random: &mut Random, count: usize) -> Vec<usize> {
    const FAR: usize = 8;
    let mut keys: Vec<(usize, usize)> =
        (0..count).map(|position| (position + random.below(FAR), position)).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, position)| position).collect()
}
