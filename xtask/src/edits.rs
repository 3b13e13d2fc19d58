//! `cargo xtask edits`: checks that a kept linker after random edits gives the result of a new one.

use crate::arguments::Arguments;
use crate::arrivals::difference;
use crate::bench_relink::with_nop;
use crate::corpus;
use crate::library_job::{LibraryJob, Random};
use std::time::{Duration, Instant};
use wald::InputId;
use wald::{Bytes, Linker};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask edits [JOB…] [--edits N]

Keeps a linker for each job of the corpus (default: all that are built) and edits its inputs N times (default 100). An edit
changes a byte of an input, makes a function longer, or restores, replaces, removes or adds an input. After each edit, the kept
linker and a new one must give the same bytes and messages. A release build is faster: cargo run --release -p xtask -- edits

ENVIRONMENT
  WALD_CORPUS  the folder of the jobs (default target/corpus)
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let edits = args.number("edits")?.unwrap_or(100).max(1);
    let jobs = corpus::select(&args.words()?)?;
    for (seed, job) in jobs.iter().enumerate() {
        let summary = Session::new(LibraryJob::read(job)?, seed as u64).run(edits);
        println!("{job}: {}", summary.map_err(|problem| format!("{job}, {problem}"))?);
    }
    println!("{} edits in all", edits * jobs.len());
    Ok(())
}

/// A kept link, and what its inputs are now.
struct Session {
    linker: Linker,
    /// The inputs' ids in the kept link. Those that were removed have none.
    ids: Vec<Option<InputId>>,
    now: LibraryJob,
    originals: Vec<Bytes>,
    random: Random,
}

impl Session {
    fn new(job: LibraryJob, seed: u64) -> Self {
        let mut linker = job.linker(2);
        let mut ids = Vec::new();
        for (input, bytes) in &job.inputs {
            let id = linker.declare_input(input.clone());
            linker.provide(id, bytes.clone()).expect("it is declared");
            ids.push(Some(id));
        }
        let originals = job.inputs.iter().map(|(_, bytes)| bytes.clone()).collect();
        Session { linker, ids, now: job, originals, random: Random::new(seed) }
    }

    fn run(mut self, edits: usize) -> Result<String, String> {
        let (mut kept_time, mut fresh_time) = (Vec::new(), Vec::new());
        let (mut linked, mut reused) = (0, 0);
        for number in 0..edits {
            let edit = self.edit();
            let start = Instant::now();
            let kept = self.linker.link();
            let between = Instant::now();
            let fresh = self.fresh();
            if let Some(difference) = difference(&fresh, &kept) {
                return Err(format!("edit {number} ({edit}): {difference}"));
            }
            if kept.module.is_ok() {
                linked += 1;
                // A link from the last layout has nothing to settle.
                reused += usize::from(kept.timing.phases.iter().all(|(phase, _)| *phase != "settle"));
                kept_time.push(between - start);
                fresh_time.push(between.elapsed());
            }
        }
        let (kept, fresh) = (median(&mut kept_time), median(&mut fresh_time));
        let ratio = kept.as_secs_f64() / fresh.as_secs_f64().max(1e-9);
        Ok(format!(
            "{edits} edits, {linked} of them linked ({reused} from the last layout), the same bytes; relink {:.1} ms, link from nothing {:.1} ms, ratio \
             {ratio:.2}",
            kept.as_secs_f64() * 1e3,
            fresh.as_secs_f64() * 1e3
        ))
    }

    fn fresh(&self) -> wald::LinkResult {
        let mut linker = self.now.linker(2);
        for ((input, bytes), _) in self.now.inputs.iter().zip(&self.ids).filter(|(_, id)| id.is_some()) {
            let id = linker.declare_input(input.clone());
            linker.provide(id, bytes.clone()).expect("it is declared");
        }
        linker.finish()
    }

    /// Makes one change; what was done, in words.
    fn edit(&mut self) -> String {
        let position = self.random.below(self.ids.len());
        let path = self.now.inputs[position].0.path.clone();
        let Some(id) = self.ids[position] else {
            self.add(position);
            return format!("{} added again", path.display());
        };
        // What was broken is mended first, mostly, so that most links succeed.
        let broken = (0..self.ids.len()).find(|&at| self.is_changed(at) || self.ids[at].is_none());
        if self.random.below(3) == 0 {
            if let Some(longer) = with_nop(&self.now.inputs[position].1) {
                self.put(position, Bytes::from(longer));
                return format!("{} with a longer function", path.display());
            }
        }
        match (self.random.below(10), broken) {
            (0..=6, Some(broken)) if self.ids[broken].is_none() => {
                self.add(broken);
                "an input added again".into()
            }
            (0..=6, Some(broken)) => {
                self.put(broken, self.originals[broken].clone());
                "an input put back".into()
            }
            (7, _) => {
                self.linker.remove(id).expect("it is declared");
                self.ids[position] = None;
                format!("{} removed", path.display())
            }
            (8, _) => {
                let other = self.random.below(self.ids.len());
                self.put(position, self.originals[other].clone());
                format!("{} replaced by another input", path.display())
            }
            _ => {
                let mut bytes = self.now.inputs[position].1.to_vec();
                let at = self.random.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.random.below(8);
                }
                self.put(position, Bytes::from(bytes));
                format!("{} changed at {at}", path.display())
            }
        }
    }

    fn is_changed(&self, position: usize) -> bool {
        let (now, original) = (&self.now.inputs[position].1, &self.originals[position]);
        !std::ptr::eq::<[u8]>(&**now, &**original)
    }

    fn put(&mut self, position: usize, bytes: Bytes) {
        if let Some(id) = self.ids[position] {
            self.linker.replace(id).expect("it is declared");
            if self.random.below(3) == 0 {
                self.linker.prepare();
            }
            self.linker.provide(id, bytes.clone()).expect("it is declared");
        }
        self.now.inputs[position].1 = bytes;
    }

    /// Adds an input that was removed, with its original bytes.
    fn add(&mut self, position: usize) {
        let (input, bytes) = (self.now.inputs[position].0.clone(), self.originals[position].clone());
        let next = self.ids[position..].iter().find_map(|id| *id);
        let id = match next {
            Some(next) => self.linker.declare_input_before(next, input).expect("it is declared"),
            None => self.linker.declare_input(input),
        };
        self.linker.provide(id, bytes.clone()).expect("it is declared");
        self.ids[position] = Some(id);
        self.now.inputs[position].1 = bytes;
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
