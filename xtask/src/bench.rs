//! `cargo xtask bench`: what a link costs with Wald, with wasm-ld, and what merely copying costs.

use crate::arguments::Arguments;
use crate::bench_growth;
use crate::bench_guard;
use crate::bench_pipeline;
use crate::bench_relink;
use crate::corpus;
use crate::job;
use crate::measure::{measure, Cost};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask bench [JOB…] [--runs N]
       cargo xtask bench pipeline [JOB…] [--runs N] [--build-ms N]
       cargo xtask bench relink [JOB…] [--runs N]
       cargo xtask bench growth [JOB…] [--runs N] [--factor N]
       cargo xtask bench guard [--bless]

Measures whole processes on the real link jobs (default: all that are built): Wald's release build, wasm-ld-22, and
the floor, which is `cat` of all inputs to /dev/null and `cp` of the output. They take turns; one round goes before and
is not counted. Shown are medians, and behind ± half the distance between the quartiles.

  --runs N          counted rounds (default 5)
  --job-args ARG    another argument for both linkers, may be repeated (--job-args=--strip-debug)
  --update-readme   put the table into README.md

`bench pipeline` plays a build: `wald --await-inputs --ready-fd=0` starts first and is told of one input after the other,
and what is measured is the time from the last one until the output has its name. Beside it, in turns: Wald and wasm-ld-22
started after the last input, and writing the finished module's bytes to a new file. Inputs come in three orders: as from
a parallel build (each at most a few places from its own), at random, and with the first one last, which is the worst
case. They come evenly over the build, the last sixteen 20 ms apart.

  --build-ms N      how long a build takes (default: 2 ms an input, at least 1500)

`bench relink` edits one object after the other: its last function gets a `nop`, so that all code behind it moves. A kept
linker of the library, which had time to prepare, links again, and a new one; `wald --watch` links again, by its own count,
and Wald and wasm-ld-22 are started anew. They take turns, and all must write the same bytes.

`bench growth` makes links that are large in one respect each (many symbols, options, sections, one long function), at three
sizes that double, and shows the least CPU time of the runs (default 3) of Wald and wasm-ld-22. `growth` is the time at the
largest size divided by twice that at the middle one: 1 is linear. `ratio` is Wald's time divided by wasm-ld's. The command
fails if a growth is above 1.2 or a ratio above 1, except for times too short to tell. JOB is a part of a job's name.

  --factor N        multiplies all sizes

`bench guard` counts the instructions (valgrind) of three links that it makes, and fails if one takes more than 3 % more than
xtask/src/bench_guard.txt says.

  --bless           put the new numbers into that file

ENVIRONMENT
  WALD_BIN     another linker in Wald's place
  WALD_CORPUS  the folder of the jobs (default target/corpus)
";

/// The lines of README.md that enclose the table.
const BEGIN: &str = "<!-- bench: written by cargo xtask bench --update-readme -->";
const END: &str = "<!-- end of bench -->";

const HEAD: &str = "\
| job | in MB | out MB | wald ms | wasm-ld ms | floor ms | wall ratio | CPU ms | wasm-ld CPU ms | CPU ratio | peak MB | \
wasm-ld peak MB | peak ratio |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// The programs that take turns.
struct Contest {
    wald: PathBuf,
    wasm_ld: PathBuf,
    options: Vec<String>,
    output: PathBuf,
}

/// Every counted run of one program.
struct Runs(Vec<Cost>);

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if args.first().is_some_and(|word| word == "pipeline") {
        return bench_pipeline::run(Arguments::new(&args[1..]));
    }
    if args.first().is_some_and(|word| word == "growth") {
        return bench_growth::run(Arguments::new(&args[1..]));
    }
    if args.first().is_some_and(|word| word == "guard") {
        return bench_guard::run(Arguments::new(&args[1..]));
    }
    if args.first().is_some_and(|word| word == "relink") {
        return bench_relink::run(Arguments::new(&args[1..]));
    }
    let mut args = Arguments::new(args);
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let update = args.flag("update-readme");
    let options = args.values("job-args")?;
    let jobs = corpus::select(&args.words()?)?;
    let folder = workspace::root().join("target/bench");
    workspace::create_folder(&folder)?;
    check_null_device()?;
    let wald = workspace::wald_to_measure()?;
    let contest = Contest { wald, wasm_ld: workspace::wasm_ld()?, options, output: folder.join("out.wasm") };
    let mut table = String::from(HEAD);
    print!("{HEAD}");
    for job in &jobs {
        let row = contest.row(job, runs)?;
        print!("{row}");
        table += &row;
    }
    let note = conditions(runs);
    println!("\n{note}");
    if update {
        update_readme(&workspace::root().join("README.md"), &format!("{table}\n{note}"))?;
    }
    Ok(())
}

/// A tool run as root can have replaced the device by a file; then `cat` would measure a disk.
#[cfg(unix)]
fn check_null_device() -> Result<(), String> {
    use std::os::unix::fs::FileTypeExt;
    let is_device =
        std::fs::metadata("/dev/null").is_ok_and(|metadata| metadata.file_type().is_char_device());
    is_device.then_some(()).ok_or_else(|| "/dev/null is not a device".to_string())
}

/// `cat` and the device are Unix's.
#[cfg(not(unix))]
fn check_null_device() -> Result<(), String> {
    Err("measures on Unix only".into())
}

/// The sentence below the table.
fn conditions(runs: usize) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let reference = workspace::output_of("wasm-ld-22", &["--version"]).unwrap_or_default();
    format!(
        "Medians of {runs} runs taken in turns, whole processes, warm cache, {cores} cores, against {reference}. A ratio is \
         Wald's value divided by wasm-ld's: below 1 Wald needs less.\n"
    )
}

impl Contest {
    fn row(&self, job: &str, runs: usize) -> Result<String, String> {
        let folder = corpus::folder().join(job);
        let inputs = job::inputs(&folder);
        let kept = self.output.with_file_name("kept.wasm");
        let (mut wald, mut wasm_ld, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=runs {
            let theirs = measure(&mut self.link(&self.wasm_ld, &folder))?;
            if round == 0 {
                std::fs::copy(&self.output, &kept).map_err(|error| error.to_string())?;
            }
            let ours = measure(&mut self.link(&self.wald, &folder))?;
            let copied = measure(&mut copying(&folder, &inputs, &kept, &self.output))?;
            if round > 0 {
                wald.push(ours);
                wasm_ld.push(theirs);
                floor.push(copied);
            }
        }
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let size_in = inputs.iter().map(|path| length(path)).sum();
        Ok(row(job, size_in, length(&kept), &Runs(wald), &Runs(wasm_ld), &Runs(floor)))
    }

    fn link(&self, linker: &Path, folder: &Path) -> Command {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        job::command(linker, folder, &options, &self.output)
    }
}

/// The floor: every input is read, and the output is written.
fn copying(folder: &Path, inputs: &[PathBuf], from: &Path, to: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "cp \"$1\" \"$2\"; shift 2; cat \"$@\" >/dev/null", "floor"]).arg(from).arg(to);
    // Relative names, so that ten thousand of them fit.
    command.current_dir(folder).args(inputs.iter().map(|path| path.strip_prefix(folder).unwrap_or(path)));
    command
}

fn row(job: &str, size_in: u64, size_out: u64, wald: &Runs, wasm_ld: &Runs, floor: &Runs) -> String {
    let ratio =
        |value: fn(&Cost) -> f64| format!("{:.2}", wald.median(value) / wasm_ld.median(value).max(1e-9));
    let cells = [
        job.to_string(),
        format!("{:.1}", size_in as f64 / 1e6),
        format!("{:.1}", size_out as f64 / 1e6),
        wald.with_spread(wall),
        wasm_ld.with_spread(wall),
        format!("{:.1}", floor.median(wall)),
        ratio(wall),
        format!("{:.1}", wald.median(cpu)),
        format!("{:.1}", wasm_ld.median(cpu)),
        ratio(cpu),
        format!("{:.0}", wald.median(peak)),
        format!("{:.0}", wasm_ld.median(peak)),
        ratio(peak),
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn wall(cost: &Cost) -> f64 {
    milliseconds(cost.wall)
}

fn cpu(cost: &Cost) -> f64 {
    milliseconds(cost.cpu)
}

fn peak(cost: &Cost) -> f64 {
    cost.peak as f64 / 1e6
}

impl Runs {
    fn sorted(&self, value: fn(&Cost) -> f64) -> Vec<f64> {
        let mut values: Vec<f64> = self.0.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The value in the middle; of an even number, the mean of the two.
    fn median(&self, value: fn(&Cost) -> f64) -> f64 {
        let values = self.sorted(value);
        let middle = values.len() / 2;
        match values.len() {
            0 => 0.0,
            count if count % 2 == 1 => values[middle],
            _ => (values[middle - 1] + values[middle]) / 2.0,
        }
    }

    /// The median, and half the distance between the quartiles.
    fn with_spread(&self, value: fn(&Cost) -> f64) -> String {
        let values = self.sorted(value);
        let last = values.len().saturating_sub(1);
        let quartile = |quarters: usize| values.get((last * quarters + 2) / 4).copied().unwrap_or(0.0);
        format!("{:.1} ± {:.1}", self.median(value), (quartile(3) - quartile(1)) / 2.0)
    }
}

fn update_readme(path: &Path, table: &str) -> Result<(), String> {
    let text = String::from_utf8_lossy(&workspace::read(path)?).into_owned();
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        return Err("README.md has no marks for the table".into());
    };
    let new = format!("{}\n{table}{}", &text[..begin + BEGIN.len()], &text[end..]);
    workspace::write(path, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(milliseconds: &[u64]) -> Runs {
        let cost = |ms: &u64| Cost { wall: Duration::from_millis(*ms), cpu: Duration::ZERO, peak: 0 };
        Runs(milliseconds.iter().map(cost).collect())
    }

    #[test]
    fn medians_and_spreads() {
        assert_eq!(runs(&[9, 1, 5]).median(wall), 5.0);
        assert_eq!(runs(&[4, 2]).median(wall), 3.0);
        assert_eq!(runs(&[1, 2, 3, 4, 5]).with_spread(wall), "3.0 ± 1.0");
        assert_eq!(runs(&[7]).with_spread(wall), "7.0 ± 0.0");
    }
}
