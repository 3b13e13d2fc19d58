//! Demangles the names in a file, one per line, several times, and prints names per second. Does the same in
//! turns with `llvm-cxxfilt-22` if it is installed, or with the program named second. That program reads the names from
//! standard input and writes the texts to a file.
//!
//! `cargo run --release -p wald-demangle --example bench -- names.txt [llvm-cxxfilt]`

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(path) = args.next() else {
        eprintln!("usage: bench <file of names> [<llvm-cxxfilt>]");
        std::process::exit(2);
    };
    let filter = args.next().unwrap_or_else(|| "llvm-cxxfilt-22".to_string());
    let text = std::fs::read(&path)?;
    let names: Vec<&[u8]> = text.split(|&b| b == b'\n').filter(|name| !name.is_empty()).collect();

    let mut demangler = wald_demangle::Demangler::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let bytes: usize = names.iter().map(|name| demangler.demangle(name).map_or(0, <[u8]>::len)).sum();
        ours.push(start.elapsed());
        std::hint::black_box(bytes);
        theirs.extend(run_filter(&filter, &path)?);
    }
    let ours = report("wald-demangle", &mut ours, names.len());
    if theirs.is_empty() {
        println!("{filter} is not there to compare with");
    } else {
        let theirs = report(&filter, &mut theirs, names.len());
        println!("ratio of the medians: {:.1}", theirs.as_secs_f64() / ours.as_secs_f64());
    }
    Ok(())
}

/// How long the filter takes for the file; `None` if it is not installed.
fn run_filter(filter: &str, path: &str) -> std::io::Result<Option<Duration>> {
    let start = Instant::now();
    let command = Command::new(filter).stdin(File::open(path)?).stdout(Stdio::null()).status();
    Ok(command.ok().filter(|status| status.success()).map(|_| start.elapsed()))
}

/// Prints the median of the rounds and their range, and returns the median.
fn report(what: &str, times: &mut [Duration], names: usize) -> Duration {
    times.sort();
    let median = times[times.len() / 2];
    println!(
        "{what}: {names} names in {median:.1?} ({:.1?} to {:.1?}), {:.0} names/s",
        times[0],
        times[times.len() - 1],
        names as f64 / median.as_secs_f64()
    );
    median
}
