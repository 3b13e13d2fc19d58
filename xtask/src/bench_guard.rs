//! `cargo xtask bench guard`: how many instructions three links take, compared with the numbers in `bench_guard.txt`.
//!
//! Unlike times, instructions hardly differ from run to run, so that a rise of a few percent is seen. The links are made here, and so are
//! the same everywhere. The numbers depend on the compiler and on the C library: bless them again when one of these changes.

use crate::arguments::Arguments;
use crate::bench_growth::{jobs, Link};
use crate::workspace;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

/// The jobs of `bench growth` that are measured, with their sizes: functions and calls, many objects, and strings.
const GUARDED: &[(&str, usize)] = &[("functions", 20_000), ("objects", 1_000), ("short strings", 50_000)];

/// A rise by more percent than this is an error.
const MOST_PERCENT: f64 = 3.0;

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let bless = args.flag("bless");
    if let Some(word) = args.words()?.first() {
        return Err(format!("unknown argument {word}"));
    }
    if workspace::find_program("valgrind").is_none() {
        return Err("valgrind is not installed".into());
    }
    let wald = workspace::wald_to_measure()?;
    let known = workspace::read(&file())?;
    let known = String::from_utf8_lossy(&known).into_owned();
    let (mut new, mut worse) = (String::new(), Vec::new());
    println!("| job | size | instructions | known | change |\n|---|---|---|---|---|");
    for &(name, size) in GUARDED {
        let job = jobs().find(|job| job.name == name).ok_or_else(|| format!("there is no job {name}"))?;
        let mut link = Link::new(&workspace::root().join("target/bench/guard"))?;
        (job.make)(&mut link, size)?;
        let counted = count(&link, &wald)?;
        let line = known.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let before: Option<u64> = line.and_then(|number| number.parse().ok());
        let percent = before.map(|before| (counted as f64 / before as f64 - 1.0) * 100.0);
        let change = percent.map_or("new".to_string(), |percent| format!("{percent:+.2} %"));
        println!("| {name} | {size} | {counted} | {} | {change} |", before.unwrap_or(0));
        let _ = writeln!(new, "{name}: {counted}");
        if percent.is_none_or(|percent| percent > MOST_PERCENT) {
            worse.push(name);
        }
    }
    let _ = std::fs::remove_dir_all(workspace::root().join("target/bench/guard"));
    if bless {
        return workspace::write(&file(), new);
    }
    match &worse[..] {
        [] => Ok(()),
        worse => Err(format!(
            "more than {MOST_PERCENT} % more instructions, or no number to compare with: {} (`cargo xtask bench guard --bless` \
             takes the new numbers)",
            worse.join(", ")
        )),
    }
}

fn file() -> PathBuf {
    workspace::root().join("xtask/src/bench_guard.txt")
}

/// The instructions of a link on one thread.
fn count(link: &Link, wald: &std::path::Path) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(wald).arg("--threads=1");
    let output = link.complete(&mut command)?.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("the link failed: {said}"));
    }
    let number = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    number.and_then(|number| number.trim().parse().ok()).ok_or_else(|| format!("valgrind says: {said}"))
}
