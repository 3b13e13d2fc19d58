//! `cargo xtask bench growth`: how a link's CPU time grows with each thing that there can be many of.

mod inputs;
mod job;
mod options;

use crate::arguments::Arguments;
use crate::workspace;
use std::time::Duration;

pub use job::{Job, Link};

/// Below this a time is mostly the start of a process.
const SHORT: Duration = Duration::from_millis(30);

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(3).max(1);
    let factor = args.number("factor")?.unwrap_or(1).max(1);
    let words = args.words()?;
    let folder = workspace::root().join("target/bench/growth");
    let linkers = [workspace::wald_to_measure()?, workspace::wasm_ld()?];
    let mut slow = Vec::new();
    println!("| what grows | sizes | wald ms | growth | wasm-ld ms | growth | ratio |");
    println!("|---|---|---|---|---|---|---|");
    for job in
        jobs().filter(|job| words.is_empty() || words.iter().any(|word| job.name.contains(word.as_str())))
    {
        let size = job.size * factor;
        let mut times = [[Duration::ZERO; 3]; 2];
        for step in 0..3 {
            let mut link = Link::new(&folder)?;
            (job.make)(&mut link, size << step)?;
            for (times, linker) in times.iter_mut().zip(&linkers) {
                times[step] = link.cost(linker, runs)?;
            }
        }
        let [wald, wasm_ld] = times;
        let ratio = wald[2].as_secs_f64() / wasm_ld[2].as_secs_f64();
        println!(
            "| {} | {size} to {} | {} | {:.2} | {} | {:.2} | {ratio:.2} |",
            job.name,
            size * 4,
            milliseconds(wald),
            growth(wald),
            milliseconds(wasm_ld),
            growth(wasm_ld)
        );
        let is_long = wald[2] >= SHORT;
        if is_long && (growth(wald) > 1.2 || ratio > 1.0) {
            slow.push(job.name);
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    match slow.as_slice() {
        [] => Ok(()),
        slow => Err(format!("worse than linear, or slower than wasm-ld: {}", slow.join(", "))),
    }
}

/// All jobs.
pub fn jobs() -> impl Iterator<Item = &'static Job> {
    inputs::JOBS.iter().chain(options::JOBS)
}

/// 1 if twice as much takes twice as long.
fn growth(times: [Duration; 3]) -> f64 {
    times[2].as_secs_f64() / (2.0 * times[1].as_secs_f64())
}

fn milliseconds(times: [Duration; 3]) -> String {
    times.map(|time| format!("{:.0}", time.as_secs_f64() * 1e3)).join(" ")
}
