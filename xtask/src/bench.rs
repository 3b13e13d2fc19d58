//! `cargo xtask bench`: what a link costs with Wald, with wasm-ld, and what merely copying costs.

use crate::arguments::Arguments;
use crate::bench_builds;
use crate::bench_component;
use crate::bench_failing;
use crate::bench_growth;
use crate::bench_guard;
use crate::bench_lto;
use crate::bench_pipeline;
use crate::bench_relink;
use crate::bench_report::{self, Measured, Runs};
use crate::bench_scale;
use crate::corpus;
use crate::job;
use crate::link_step;
use crate::measure::{measure, private_memory, Cost};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask bench [JOB…] [--runs N]
       cargo xtask bench scale [--runs N] [--large]
       cargo xtask bench pipeline [JOB…] [--runs N] [--build-ms N] [--apart-ms N] [--renames]
       cargo xtask bench relink [JOB…] [--runs N] [--phases]
       cargo xtask bench builds [PROJECT…] [--runs N] [--rebuilds N] [--update-docs]
       cargo xtask bench growth [JOB…] [--runs N] [--factor N]
       cargo xtask bench lto [JOB…] [--runs N] [--update-docs]
       cargo xtask bench failing [JOB…] [--runs N]
       cargo xtask bench component [JOB…] [--runs N]
       cargo xtask bench guard [--bless]

Measures whole processes on the real link jobs (default: all that are built): Wald's release build, wasm-ld-22, the
toolchain's rust-lld and `wild` if they are there, and the floor, which is `cat` of all inputs to /dev/null and `cp` of the
output. They take turns; one round goes before and is not counted. Shown are medians, and behind ± half the distance between
the quartiles. Private memory is without mapped files; it is that of another run, because looking at it takes time.

  --runs N          counted rounds (default 5)
  --peer NAME=PATH  another linker that takes its turn, may be repeated
  --variants        link each job also without debug information, and with one thread
  --output FILE     what the linkers write (default target/bench/out.wasm); its file system is measured too
  --json FILE       write every run's values to a file
  --job-args ARG    another argument for all linkers, may be repeated (--job-args=--no-gc-sections)
  --update-docs     put the table into docs/performance.md, a short one into README.md, and a picture into docs/speed.svg

`bench scale` generates links of 1,000 to 100,000 objects and others that are large in one respect, and shows what they cost for
each megabyte and for each thing that there are many of. It fails if 100,000 objects cost more than 1.5 times as much per object
as 10,000. Then it shows how much of each phase of two jobs one thread does alone, and what follows for 8 and 32 threads.

  --large           also the two large jobs (cargo xtask corpus --large)

`bench pipeline` plays a build: `wald --await-inputs --ready-fd=0` starts first and is told of one input after the other,
and what is measured is the time from the last one until the output has its name. Beside it, in turns: Wald and wasm-ld-22
started after the last input, and writing the finished module's bytes to a new file. Inputs come in three orders: as from
a parallel build (each at most a few places from its own), at random, and with the first one last, which is the worst
case. They come evenly over the build, the last sixteen 20 ms apart.

Then it plays a build that tells nobody: `wald --await-inputs` starts without any object, and the objects are renamed into
place in the order of the command line. What is measured is the time from the last rename until the process has ended,
beside whole links from nothing.

  --build-ms N      how long a build takes (default: 2 ms an input, at least 1500)
  --apart-ms N      from one rename to the next (default: 4)
  --renames         only the second part

`bench relink` edits one object after the other: its last function gets a `nop`, so that all code behind it moves. A kept
linker of the library, which had time to prepare, links again, and a new one; `wald --watch` links again, by its own count,
and Wald and wasm-ld-22 are started anew. They take turns, and all must write the same bytes. The bar for a link after an edit is a
tenth of a link from nothing and four bare writes of the output; a bare write is a new file with the module's bytes.

  --phases          also the times of the phases of the kept and the new linker

`bench builds` has make, ninja, CMake and cargo build unmodified projects: lua, cxx-100, cxx-1000 (generated C++ files) and
rust-cli (debug). It edits one file, builds, and notes how long the linker took from its start to its end; then it deletes all objects,
changes the common header, and notes the whole build's time as well. wasm-ld-22, Wald, and Wald with a link server take turns,
each in a folder of its own, and must write the same bytes. `ready` says how many of the served links had been made before they were
asked for. Projects whose tools or sources are missing are skipped.

  --runs N          edits of one file (default 7)
  --rebuilds N      builds from clean (default 3)
  --update-docs     put the rows into docs/performance.md; those of other projects stay

`bench growth` makes links that are large in one respect each (many symbols, options, sections, one long function), at three
sizes that double, and shows the least CPU time of the runs (default 3) of Wald and wasm-ld-22. `growth` is the time at the
largest size divided by twice that at the middle one: 1 is linear. `ratio` is Wald's time divided by wasm-ld's. The command
fails if a growth is above 1.2 or a ratio above 1, except for times too short to tell. JOB is a part of a job's name.

  --factor N        multiplies all sizes

`bench lto` links Lua and zstd, compiled with -flto and -flto=thin: without a cache, with an empty one, with a full one, and with one
that is full when one file was edited. Wald and wasm-ld-22 take turns, and must write the same bytes.

  --update-docs     put the table into docs/performance.md

`bench failing` leaves the libraries out of each job, so that symbols are undefined, and shows what the failing link costs in comparison
with the good one: messages with source lines and similar names should not cost more than a tenth of a link.

`bench component` makes components of jobs that are programs for WASI, with wald-component-ld and with wasm-component-ld (of PATH), which
starts wasm-ld-22 or Wald. They must write the same bytes.

`bench guard` counts the instructions (valgrind) of three links that it makes, and fails if one takes more than 3 % more than
xtask/src/bench_guard.txt says.

  --bless           put the new numbers into that file

ENVIRONMENT
  WALD_BIN     another linker in Wald's place
  WALD_CORPUS  the folder of the jobs (default target/corpus)
";

/// A program that links.
struct Program {
    name: String,
    path: PathBuf,
}

/// What [`measure`](Contest::measure) links a job with, besides the job's own arguments: what the table says, and the argument.
const VARIANTS: [(&str, &str); 2] = [(", no debug", "--strip-debug"), (", 1 thread", "--threads=1")];

/// The programs that take turns, and how.
struct Contest {
    /// Wald comes first.
    programs: Vec<Program>,
    options: Vec<String>,
    output: PathBuf,
    runs: usize,
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let rest = || Arguments::new(&args[1..]);
    match args.first().map(String::as_str) {
        Some("builds") => return bench_builds::run(rest()),
        // What `bench builds` puts in the linker's place.
        Some("link-step") => return link_step::run(&args[1..]),
        Some("pipeline") => return bench_pipeline::run(rest()),
        Some("failing") => return bench_failing::run(rest()),
        Some("component") => return bench_component::run(rest()),
        Some("growth") => return bench_growth::run(rest()),
        Some("scale") => return bench_scale::run(rest()),
        Some("guard") => return bench_guard::run(rest()),
        Some("lto") => return bench_lto::run(rest()),
        Some("relink") => return bench_relink::run(rest()),
        _ => {}
    }
    let mut args = Arguments::new(args);
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let (update, variants) = (args.flag("update-docs"), args.flag("variants"));
    let output = args.values("output")?.pop();
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
    for (name, path) in [("rust-lld", workspace::rust_lld()), ("wild", workspace::find_program("wild"))] {
        let is_new = programs.iter().all(|program| program.name != name);
        programs.extend(path.filter(|_| is_new).map(|path| Program { name: name.into(), path }));
    }
    let names: Vec<String> = programs.iter().map(|program| program.name.clone()).collect();
    let output = output.map_or_else(|| folder.join("out.wasm"), PathBuf::from);
    let contest = Contest { programs, options, output, runs };
    let mut all = Vec::new();
    print!("{}", bench_report::head(&names));
    let shown: &[(&str, &str)] = if variants { &VARIANTS } else { &[] };
    for job in &jobs {
        for (what, argument) in [("", "")].iter().chain(shown) {
            let measured = contest.measure(job, what, argument)?;
            print!("{}", bench_report::row(&measured));
            all.push(measured);
        }
    }
    let note = conditions(runs, &contest.output);
    println!("\n{note}");
    if let Some(path) = json {
        workspace::write(Path::new(&path), bench_report::json(&names, &all))?;
    }
    if update {
        bench_report::update_docs(&names, &all, &note)?;
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
fn conditions(runs: usize, output: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let reference = workspace::output_of("wasm-ld-22", &["--version"]).unwrap_or_default();
    let folder = output.parent().unwrap_or(output).to_string_lossy().into_owned();
    // What the file system's driver calls itself: `stat` has one name for ext2 to ext4.
    let system =
        workspace::output_of("findmnt", &["--noheadings", "--output", "FSTYPE", "--target", &folder]);
    // What is mounted last is what is seen.
    let system =
        system.as_deref().and_then(|systems| systems.lines().last()).unwrap_or("an unknown file system");
    format!(
        "Medians of {runs} runs taken in turns, whole processes, warm cache, {cores} cores, {reference}, output on {system}. Ratios are \
         Wald's value divided by the program's: below 1 Wald needs less.\n"
    )
}

impl Contest {
    fn measure(&self, job: &str, what: &str, argument: &str) -> Result<Measured, String> {
        let folder = corpus::folder().join(job);
        let inputs = job::inputs(&folder);
        let kept = self.output.with_file_name("kept.wasm");
        let mut runs: Vec<Option<Vec<Cost>>> = self.programs.iter().map(|_| Some(Vec::new())).collect();
        let mut floor = Vec::new();
        for round in 0..=self.runs {
            for (number, program) in self.programs.iter().enumerate() {
                let Some(costs) = &mut runs[number] else { continue };
                match measure(&mut self.link(&program.path, &folder, argument)) {
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
            let private = private_memory(&mut self.link(&program.path, &folder, argument))?;
            Ok(Some((Runs(costs), private.unwrap_or(0))))
        };
        let programs = runs.into_iter().zip(&self.programs).map(with_memory).collect::<Result<_, _>>()?;
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let size_in = inputs.iter().map(|path| length(path)).sum();
        let job = format!("{job}{what}");
        Ok(Measured { job, size_in, size_out: length(&kept), floor: Runs(floor), programs })
    }

    fn link(&self, linker: &Path, folder: &Path, argument: &str) -> Command {
        let options = self.options.iter().map(String::as_str).chain([argument]);
        let options: Vec<&str> = options.filter(|option| !option.is_empty()).collect();
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
