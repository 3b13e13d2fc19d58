//! `cargo xtask bench scale`: what links of growing size cost, and how much of a link one thread does alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::bench_growth::{jobs, Link};
use crate::corpus;
use crate::job;
use crate::measure::{measure, Cost};
use crate::workspace;

/// Numbers of objects.
const OBJECTS: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
/// By how much the cost of an object may grow from the third size to the last.
const MOST_GROWTH: f64 = 1.5;

/// Jobs of `bench growth` that are large in one respect: name, size, what is counted.
const OTHERS: [(&str, usize, &str); 5] = [
    ("functions", 1_000_000, "symbol"),
    ("one function's calls", 10_000_000, "relocation"),
    ("members of an archive", 100_000, "member"),
    ("lazy symbols", 1_000_000, "symbol"),
    ("comdats", 100_000, "group"),
];

/// The jobs whose phases are looked at, if they are built.
const PHASES_OF: [&str; 2] = ["synth-10k", "large-archives"];

/// The command's state.
struct Scale {
    wald: PathBuf,
    wasm_ld: PathBuf,
    runs: usize,
}

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(3).max(1);
    let large = args.flag("large");
    if let Some(word) = args.words()?.first() {
        return Err(format!("unknown argument {word}"));
    }
    let scale = Scale { wald: workspace::wald_to_measure()?, wasm_ld: workspace::wasm_ld()?, runs };
    println!("| link | in MB | out MB | wald ms | CPU ms | ms/MB in | µs each | wasm-ld ms | ratio |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut per_object = Vec::new();
    for count in OBJECTS {
        per_object.push(scale.generated("objects", count, "object")?);
    }
    for (name, count, what) in OTHERS {
        scale.generated(name, count, what)?;
    }
    for job in ["large-cxx", "large-archives"].into_iter().filter(|job| large && corpus::is_built(job)) {
        let folder = corpus::folder().join(job);
        scale.show(job, &folder, None, |linker, output| job::command(linker, &folder, &[], output))?;
    }
    for job in PHASES_OF.into_iter().filter(|job| corpus::is_built(job)) {
        scale.phases(job)?;
    }
    let growth = per_object[4] / per_object[2];
    println!("\nAn object of 100,000 costs {growth:.2} times as much as one of 10,000.");
    match growth <= MOST_GROWTH {
        true => Ok(()),
        false => Err(format!("more than {MOST_GROWTH} times")),
    }
}

impl Scale {
    /// Makes a job of `bench growth` and shows it. Returns what each thing costs.
    fn generated(&self, name: &str, count: usize, what: &str) -> Result<f64, String> {
        let job = jobs().find(|job| job.name == name).ok_or_else(|| format!("there is no job {name}"))?;
        let folder = workspace::root().join("target/bench/scale");
        let mut link = Link::new(&folder)?;
        (job.make)(&mut link, count)?;
        link.complete(&mut Command::new("true"))?;
        let title = format!("{name}: {count}");
        let each = self.show(&title, &folder, Some((count, what)), |linker, output| {
            let mut command = Command::new(linker);
            command.current_dir(&folder).arg("@arguments").arg("-o").arg(output);
            command
        });
        let _ = std::fs::remove_dir_all(&folder);
        each
    }

    /// Measures a link and shows a line about it. Returns the wall time for each thing that is counted.
    fn show(
        &self,
        title: &str,
        folder: &Path,
        counted: Option<(usize, &str)>,
        command: impl Fn(&Path, &Path) -> Command,
    ) -> Result<f64, String> {
        let output = workspace::root().join("target/bench/scale.wasm");
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let inputs: u64 = folder_size(folder);
        // The first round brings the files into the page cache.
        let mut costs = Vec::new();
        for round in 0..=self.runs {
            let cost = measure(&mut command(&self.wald, &output))?;
            costs.extend((round > 0).then_some(cost));
        }
        let written = length(&output);
        let other = measure(&mut command(&self.wasm_ld, &output))?;
        let _ = std::fs::remove_file(&output);
        let wall = median(&costs, |cost| cost.wall.as_secs_f64() * 1e3);
        let cpu = median(&costs, |cost| cost.cpu.as_secs_f64() * 1e3);
        let megabytes = inputs as f64 / 1e6;
        let each = counted.map_or(0.0, |(count, _)| wall * 1e3 / count as f64);
        println!(
            "| {title} | {megabytes:.1} | {:.1} | {wall:.0} | {cpu:.0} | {:.2} | {} | {:.0} | {:.2} |",
            written as f64 / 1e6,
            wall / megabytes.max(1e-9),
            counted.map_or(String::new(), |(_, what)| format!("{each:.2} a {what}")),
            other.wall.as_secs_f64() * 1e3,
            wall / (other.wall.as_secs_f64() * 1e3),
        );
        Ok(each)
    }

    /// Shows how much of each phase one thread does alone: what does not get shorter by more threads.
    fn phases(&self, job: &str) -> Result<(), String> {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
        if threads == 1 {
            println!("\nOne thread cannot tell what several do.");
            return Ok(());
        }
        let folder = corpus::folder().join(job);
        let alone = self.phase_times(&folder, 1)?;
        let together = self.phase_times(&folder, threads)?;
        println!("\n{job}: 1 and {threads} threads, ms\n");
        println!("| phase | 1 thread | {threads} threads | alone | share | 8 threads | 32 threads |");
        println!("|---|---|---|---|---|---|---|");
        let mut sums = [0.0; 5];
        let mut lines = Vec::new();
        for (name, together) in &together {
            let alone = alone.iter().find(|(other, _)| other == name).map_or(*together, |(_, time)| *time);
            // What takes `together` on so many threads is `serial`, and the rest of `alone` divided by their number.
            let count = threads as f64;
            let serial = ((count * together - alone) / (count - 1.0)).clamp(0.0, *together);
            let projected = |threads: f64| serial + (alone - serial).max(0.0) / threads;
            let times = [alone, *together, serial, projected(8.0), projected(32.0)];
            sums.iter_mut().zip(times).for_each(|(sum, time)| *sum += time);
            lines.push((name.as_str(), times));
        }
        let total = sums[1].max(1e-9);
        for (name, [alone, together, serial, eight, many]) in lines.into_iter().chain([("all", sums)]) {
            println!(
                "| {name} | {alone:.1} | {together:.1} | {serial:.1} | {:.1} % | {eight:.1} | {many:.1} |",
                serial / total * 100.0
            );
        }
        Ok(())
    }

    /// The medians of what `--time` says.
    fn phase_times(&self, folder: &Path, threads: usize) -> Result<Vec<(String, f64)>, String> {
        let output = workspace::root().join("target/bench/scale.wasm");
        let option = format!("--threads={threads}");
        let mut all: Vec<(String, Vec<f64>)> = Vec::new();
        for round in 0..=self.runs {
            let mut command = job::command(&self.wald, folder, &["--time", &option], &output);
            let ran = command.output().map_err(|error| format!("wald cannot be started: {error}"))?;
            let report =
                String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
            for (name, time) in report.lines().filter_map(phase).filter(|_| round > 0) {
                match all.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, times)) => times.push(time),
                    None => all.push((name, vec![time])),
                }
            }
        }
        let _ = std::fs::remove_file(&output);
        let middle = |(name, mut times): (String, Vec<f64>)| {
            times.sort_by(f64::total_cmp);
            (name, times[times.len() / 2])
        };
        Ok(all.into_iter().map(middle).collect())
    }
}

/// The name and the time of a line of the report.
fn phase(line: &str) -> Option<(String, f64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.parse::<f64>().is_ok())?;
    let name = words[..at].join(" ");
    let is_phase = !name.is_empty() && name != "total" && words.get(at + 1)?.ends_with('%');
    is_phase.then(|| (name, words[at].parse().unwrap_or(0.0)))
}

fn median(costs: &[Cost], value: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn folder_size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_read() {
        assert_eq!(
            phase("mark live             21.557    0.6%  find what is used"),
            Some(("mark live".into(), 21.557))
        );
        assert_eq!(phase("total               3796.742  100.0%"), None);
        assert_eq!(phase("phase                     ms   share"), None);
    }
}
