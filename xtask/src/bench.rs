//! `cargo xtask bench`: what a link costs with Wald, with wasm-ld, and what merely copying costs.

use crate::arguments::Arguments;
use crate::bench_growth;
use crate::bench_guard;
use crate::bench_pipeline;
use crate::bench_relink;
use crate::corpus;
use crate::job;
use crate::measure::{measure, private_memory, Cost};
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
is not counted. Shown are medians, and behind ± half the distance between the quartiles. Private memory is without mapped
files; it is that of another run, because looking at it takes time.

  --runs N          counted rounds (default 5)
  --peer NAME=PATH  another linker that takes its turn, may be repeated
  --json FILE       write every run's values to a file
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
| job | in MB | out MB | floor ms | program | wall ms | / floor | CPU ms | private MB | page faults | wall of wald | CPU | private |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// A program that links.
struct Program {
    name: String,
    path: PathBuf,
}

/// The programs that take turns, and how.
struct Contest {
    /// Wald comes first.
    programs: Vec<Program>,
    options: Vec<String>,
    output: PathBuf,
    runs: usize,
}

/// Every counted run of one program.
struct Runs(Vec<Cost>);

/// What was measured of one job.
struct Measured {
    job: String,
    size_in: u64,
    size_out: u64,
    floor: Runs,
    /// By program. `None` if it does not link the job.
    programs: Vec<Option<(Runs, u64)>>,
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let rest = || Arguments::new(&args[1..]);
    match args.first().map(String::as_str) {
        Some("pipeline") => return bench_pipeline::run(rest()),
        Some("growth") => return bench_growth::run(rest()),
        Some("guard") => return bench_guard::run(rest()),
        Some("relink") => return bench_relink::run(rest()),
        _ => {}
    }
    let mut args = Arguments::new(args);
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let update = args.flag("update-readme");
    let options = args.values("job-args")?;
    let json = args.values("json")?.pop();
    let peers = args.values("peer")?;
    let jobs = corpus::select(&args.words()?)?;
    let folder = workspace::root().join("target/bench");
    workspace::create_folder(&folder)?;
    check_null_device()?;
    let mut programs = vec![
        Program { name: "wald".into(), path: workspace::wald_to_measure()? },
        Program { name: "wasm-ld-22".into(), path: workspace::wasm_ld()? },
    ];
    for peer in &peers {
        let (name, path) = peer.split_once('=').ok_or_else(|| format!("--peer {peer}: not NAME=PATH"))?;
        programs.push(Program { name: name.into(), path: path.into() });
    }
    let contest = Contest { programs, options, output: folder.join("out.wasm"), runs };
    let mut all = Vec::new();
    print!("{HEAD}");
    for job in &jobs {
        let measured = contest.measure(job)?;
        print!("{}", contest.rows(&measured));
        all.push(measured);
    }
    let note = conditions(runs);
    println!("\n{note}");
    if let Some(path) = json {
        workspace::write(Path::new(&path), contest.json(&all))?;
    }
    if update {
        let table: String = all.iter().map(|measured| contest.rows(measured)).collect();
        update_readme(&workspace::root().join("README.md"), &format!("{HEAD}{table}\n{note}"))?;
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
        "Medians of {runs} runs taken in turns, whole processes, warm cache, {cores} cores, against {reference}. The last three columns \
         are Wald's value divided by the program's: below 1 Wald needs less.\n"
    )
}

impl Contest {
    fn measure(&self, job: &str) -> Result<Measured, String> {
        let folder = corpus::folder().join(job);
        let inputs = job::inputs(&folder);
        let kept = self.output.with_file_name("kept.wasm");
        let mut runs: Vec<Option<Vec<Cost>>> = self.programs.iter().map(|_| Some(Vec::new())).collect();
        let mut floor = Vec::new();
        for round in 0..=self.runs {
            for (number, program) in self.programs.iter().enumerate() {
                let Some(costs) = &mut runs[number] else { continue };
                match measure(&mut self.link(&program.path, &folder)) {
                    Ok(cost) if round > 0 => costs.push(cost),
                    Ok(_) if number == 0 => {
                        std::fs::copy(&self.output, &kept).map_err(|error| error.to_string())?;
                    }
                    Ok(_) => {}
                    // Not every peer links every job.
                    Err(_) if number > 1 => runs[number] = None,
                    Err(error) => return Err(error),
                }
            }
            let copied = measure(&mut copying(&folder, &inputs, &kept, &self.output))?;
            floor.extend((round > 0).then_some(copied));
        }
        let with_memory = |(costs, program): (Option<Vec<Cost>>, &Program)| -> Result<_, String> {
            let Some(costs) = costs else { return Ok(None) };
            let private = private_memory(&mut self.link(&program.path, &folder))?;
            Ok(Some((Runs(costs), private.unwrap_or(0))))
        };
        let programs = runs.into_iter().zip(&self.programs).map(with_memory).collect::<Result<_, _>>()?;
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let size_in = inputs.iter().map(|path| length(path)).sum();
        Ok(Measured { job: job.to_string(), size_in, size_out: length(&kept), floor: Runs(floor), programs })
    }

    fn link(&self, linker: &Path, folder: &Path) -> Command {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        job::command(linker, folder, &options, &self.output)
    }

    /// The rows of a job: one for each program.
    fn rows(&self, measured: &Measured) -> String {
        let Measured { job, size_in, size_out, floor, programs } = measured;
        let floor = floor.median(wall);
        let own = programs.first().and_then(Option::as_ref);
        let mut rows = String::new();
        for (number, (program, costs)) in self.programs.iter().zip(programs).enumerate() {
            let Some((runs, private)) = costs else {
                rows += &format!("| {job} | | | | {} | does not link it | | | | | | | |\n", program.name);
                continue;
            };
            let ratio = |own: f64, value: f64| format!("{:.2}", own / value.max(1e-9));
            let mut cells = vec![
                job.clone(),
                format!("{:.1}", *size_in as f64 / 1e6),
                format!("{:.1}", *size_out as f64 / 1e6),
                format!("{floor:.1}"),
                program.name.clone(),
                runs.with_spread(wall),
                ratio(runs.median(wall), floor),
                format!("{:.1}", runs.median(cpu)),
                format!("{:.0}", *private as f64 / 1e6),
                format!("{:.0}", runs.median(faults)),
            ];
            match own {
                Some((own, own_private)) if number > 0 => cells.extend([
                    ratio(own.median(wall), runs.median(wall)),
                    ratio(own.median(cpu), runs.median(cpu)),
                    ratio(*own_private as f64, *private as f64),
                ]),
                _ => cells.extend(["", "", ""].map(String::from)),
            }
            rows += &format!("| {} |\n", cells.join(" | "));
        }
        rows
    }

    /// Every run, as a list of objects: job, program, and a list of values for each measure.
    fn json(&self, all: &[Measured]) -> String {
        let mut list = Vec::new();
        for Measured { job, size_in, size_out, floor, programs } in all {
            let mut add = |program: &str, runs: &Runs, private: u64| {
                let values = |value: fn(&Cost) -> f64| runs.0.iter().map(value).collect::<Vec<_>>();
                list.push(serde_json::json!({
                    "job": job, "program": program, "bytes_in": size_in, "bytes_out": size_out,
                    "wall_ms": values(wall), "cpu_ms": values(cpu), "page_faults": values(faults),
                    "peak_mb": values(peak), "private_bytes": private,
                }));
            };
            add("floor", floor, 0);
            for (program, costs) in self.programs.iter().zip(programs) {
                if let Some((runs, private)) = costs {
                    add(&program.name, runs, *private);
                }
            }
        }
        format!("{:#}\n", serde_json::Value::from(list))
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

fn faults(cost: &Cost) -> f64 {
    cost.faults as f64
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
        let cost =
            |ms: &u64| Cost { wall: Duration::from_millis(*ms), cpu: Duration::ZERO, peak: 0, faults: 0 };
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
