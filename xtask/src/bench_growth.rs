//! `cargo xtask bench growth`: how a link's CPU time grows with each thing that there can be many of.

mod inputs;
mod options;

use crate::arguments::Arguments;
use crate::measure::measure_any;
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use wald::leb128;
use wald::unit::Unit;

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

/// A link of any size.
pub struct Job {
    /// What grows.
    pub name: &'static str,
    /// The smallest size. The others are twice and four times as large.
    pub size: usize,
    /// Makes the link of a size.
    pub make: fn(&mut Link, usize) -> Result<(), String>,
}

/// A link: a folder of inputs, and a response file of arguments.
pub struct Link {
    folder: PathBuf,
    arguments: String,
}

impl Link {
    /// A link without inputs in an empty folder.
    pub fn new(folder: &Path) -> Result<Self, String> {
        // What another job left must not be found.
        let _ = std::fs::remove_dir_all(folder);
        workspace::create_folder(folder)?;
        Ok(Link { folder: folder.to_path_buf(), arguments: String::new() })
    }

    /// Adds an argument.
    pub fn argument(&mut self, argument: &str) {
        self.arguments += argument;
        self.arguments.push('\n');
    }

    /// Adds a file that is an input only if an argument says so.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), String> {
        workspace::write(&self.folder.join(name), bytes)
    }

    /// Adds a folder.
    pub fn folder(&self, name: &str) -> Result<(), String> {
        workspace::create_folder(&self.folder.join(name))
    }

    /// Adds an object that is an input.
    pub fn object(&mut self, name: &str, unit: &Unit) -> Result<(), String> {
        self.file(name, object(unit)?)?;
        self.argument(name);
        Ok(())
    }

    /// Makes an archive of objects, without a symbol table, which neither linker reads.
    pub fn archive(&self, name: &str, members: &[Vec<u8>]) -> Result<(), String> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (number, member) in members.iter().enumerate() {
            let name = format!("m{number}.o/");
            let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, member.len());
            bytes.extend(header.as_bytes());
            bytes.extend(member);
            if member.len() % 2 == 1 {
                bytes.push(b'\n');
            }
        }
        self.file(name, bytes)
    }

    /// Links it, and returns the CPU time. Some jobs are about links that fail.
    pub fn cost(&self, linker: &Path, runs: usize) -> Result<Duration, String> {
        workspace::write(&self.folder.join("arguments"), &self.arguments)?;
        let mut least = Duration::MAX;
        for _ in 0..runs {
            let mut command = Command::new(linker);
            command.current_dir(&self.folder).arg("@arguments").args(["-o", "out.wasm"]);
            least = least.min(measure_any(&mut command)?.1.cpu);
        }
        Ok(least)
    }
}

/// A unit as an object file's bytes.
pub fn object(unit: &Unit) -> Result<Vec<u8>, String> {
    unit.to_object().map_err(|error| error.to_string())
}

/// Appends a custom section to a module.
pub fn append_custom(module: &mut Vec<u8>, name: &str, contents: &[u8]) {
    let mut section = Vec::new();
    leb128::write_u32(&mut section, name.len() as u32);
    section.extend(name.as_bytes());
    section.extend(contents);
    module.push(0);
    leb128::write_u32(module, section.len() as u32);
    module.extend(section);
}
