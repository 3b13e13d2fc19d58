//! `cargo xtask bench pipeline`: how long after a build's last object its link is done.

use crate::arguments::Arguments;
use crate::arrivals::nearly_in_order;
use crate::bench_renames;
use crate::bench_times::Times;
use crate::corpus;
use crate::job;
use crate::library_job::Random;
use crate::workspace;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wald_cli::CommandLine;

const HEAD: &str = "\
| job | inputs | out MB | in build order ms | at random ms | first one last ms | wald from nothing ms | wasm-ld ms | \
write ms | of wald | of wasm-ld |
|---|---|---|---|---|---|---|---|---|---|---|
";

/// The inputs at the end of a build that arrive one by one.
const LAST: usize = 16;
const LAST_APART: Duration = Duration::from_millis(20);
/// A build completes one input in this time, as if 32 processors needed 64 ms each.
const EACH_INPUT: Duration = Duration::from_millis(2);
const SHORTEST_BUILD: Duration = Duration::from_millis(1500);
/// How often the output is looked for.
const LOOK: Duration = Duration::from_micros(250);

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let build = args.number("build-ms")?.map(|number| Duration::from_millis(number as u64));
    let apart = Duration::from_millis(args.number("apart-ms")?.unwrap_or(4) as u64);
    let renames_only = args.flag("renames");
    let jobs = corpus::select(&args.words()?)?;
    let folder = workspace::root().join("target/bench");
    workspace::create_folder(&folder)?;
    let wald = workspace::wald_to_measure()?;
    let bench = Bench { wald, wasm_ld: workspace::wasm_ld()?, output: folder.join("out.wasm"), build };
    if !renames_only {
        print!("{HEAD}");
        for job in &jobs {
            println!("{}", bench.row(job, runs)?);
        }
        println!(
            "\nMedians of {runs} runs taken in turns. The last two columns are those of the build order.\n"
        );
    }
    print!("{}", bench_renames::HEAD);
    for job in &jobs {
        let copy = folder.join("renames");
        let build = bench_renames::Build { wald: &bench.wald, wasm_ld: &bench.wasm_ld, folder: copy, apart };
        println!("{}", build.row(&corpus::folder().join(job), job, runs)?);
    }
    println!("\nMedians of {runs} runs taken in turns. No descriptor: the objects are renamed into place.");
    Ok(())
}

struct Bench {
    wald: PathBuf,
    wasm_ld: PathBuf,
    output: PathBuf,
    /// How long a build takes.
    build: Option<Duration>,
}

impl Bench {
    fn row(&self, name: &str, runs: usize) -> Result<String, String> {
        let folder = corpus::folder().join(name);
        std::env::set_current_dir(&folder).map_err(|error| error.to_string())?;
        let arguments = ["@link.rsp", "-o", "out.wasm"].map(str::to_string).to_vec();
        let read = CommandLine::read(arguments).map_err(|wrong| wrong.join("; "))?;
        let paths: Vec<String> = read.inputs.iter().map(|input| input.path.display().to_string()).collect();
        let mut times: [Times; 6] = Default::default();
        let mut size = 0;
        for round in 0..=runs {
            let mut random = Random::new(round as u64);
            let orders = [
                nearly_in_order(&mut random, paths.len()),
                random.order(paths.len()),
                (1..paths.len()).chain([0]).collect(),
            ];
            let expected = self.fresh(&self.wasm_ld, &folder, name)?;
            let cold = self.fresh(&self.wald, &folder, name)?;
            size = expected.0.len();
            let mut taken = Vec::new();
            for order in &orders {
                let (module, time) = self.played(&folder, &paths, order)?;
                if module != expected.0 {
                    return Err(format!("{name}: other bytes than wasm-ld's"));
                }
                taken.push(time);
            }
            taken.extend([cold.1, expected.1, self.write(&expected.0)?]);
            if round > 0 {
                times.iter_mut().zip(taken).for_each(|(times, taken)| times.0.push(taken));
            }
        }
        let median = |at: usize| times[at].quartile(2);
        Ok(format!(
            "| {name} | {} | {:.1} | {} | {} | {} | {} | {} | {} | {:.2} | {:.3} |",
            paths.len(),
            size as f64 / 1e6,
            times[0].shown(),
            times[1].shown(),
            times[2].shown(),
            times[3].shown(),
            times[4].shown(),
            times[5].shown(),
            median(0) / median(3),
            median(0) / median(4),
        ))
    }

    /// A link that starts when all inputs exist.
    fn fresh(&self, linker: &Path, folder: &Path, name: &str) -> Result<(Vec<u8>, f64), String> {
        let _ = std::fs::remove_file(&self.output);
        let begin = Instant::now();
        let child = job::command(linker, folder, &[], &self.output).spawn();
        let time = self.finished(&mut child.map_err(|error| error.to_string())?, begin)?;
        let module = std::fs::read(&self.output).map_err(|error| format!("{name}: {error}"))?;
        Ok((module, time))
    }

    /// A link that starts with the build, and how long it takes after its end.
    fn played(&self, folder: &Path, paths: &[String], order: &[usize]) -> Result<(Vec<u8>, f64), String> {
        let _ = std::fs::remove_file(&self.output);
        let options = ["--await-inputs", "--ready-fd=0"];
        let mut command: Command = job::command(&self.wald, folder, &options, &self.output);
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut stdin = child.stdin.take().ok_or("no standard input")?;
        let many = order.len().saturating_sub(LAST);
        let build = self.build.unwrap_or(SHORTEST_BUILD.max(EACH_INPUT * order.len() as u32));
        let begin = Instant::now();
        let mut told = begin;
        for (number, &position) in order.iter().enumerate() {
            let due = match number.checked_sub(many) {
                None => begin + build.mul_f64(number as f64 / many as f64),
                Some(late) => begin + build + LAST_APART * late as u32,
            };
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                std::thread::sleep(wait);
            }
            told = Instant::now();
            writeln!(stdin, "{}", paths[position])
                .map_err(|error| format!("the linker ended early: {error}"))?;
        }
        let time = self.finished(&mut child, told)?;
        let module = std::fs::read(&self.output).map_err(|error| error.to_string())?;
        Ok((module, time))
    }

    /// Milliseconds from `begin` until the output has its name: all linkers write another file and rename it. Then waits for
    /// the linker's end.
    fn finished(&self, child: &mut Child, begin: Instant) -> Result<f64, String> {
        let mut ended = None;
        while !self.output.exists() && ended.is_none() {
            std::thread::sleep(LOOK);
            ended = child.try_wait().map_err(|error| error.to_string())?;
        }
        let time = begin.elapsed().as_secs_f64() * 1e3;
        let status = child.wait().map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(time),
            false => Err(format!("the linker failed ({status})")),
        }
    }

    fn write(&self, module: &[u8]) -> Result<f64, String> {
        let _ = std::fs::remove_file(&self.output);
        let start = Instant::now();
        std::fs::write(&self.output, module).map_err(|error| error.to_string())?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}
