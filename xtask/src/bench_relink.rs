//! `cargo xtask bench relink`: how long a link takes after one object has changed.

use crate::arguments::Arguments;
use crate::bench_times::Times;
use crate::corpus;
use crate::job;
use crate::library_job::{LibraryJob, Random};
use crate::workspace;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use wald::InputId;
use wald::{Bytes, Linker};
use wasmparser::{BinaryReader, Parser, Payload};

const HEAD: &str = "\
| job | inputs | out MB | kept linker ms | new linker ms | ratio | --watch ms | wald from nothing ms | ratio | wasm-ld ms | bare write ms | bar ms | kept / bar | --watch / bar |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// What a link after an edit may cost: this part of a link from nothing, and so many bare writes of the output.
const OF_COLD: f64 = 0.1;
const WRITES: f64 = 4.0;

/// Between an edit and the next one: preparing takes less.
const PAUSE: Duration = Duration::from_millis(1500);

/// How many links of `--watch` may have other reasons than an edit, and how long to wait for one.
const SPURIOUS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let with_phases = args.flag("phases");
    let jobs = corpus::select(&args.words()?)?;
    let wald = workspace::wald_to_measure()?;
    let folder = workspace::root().join("target/bench/relink");
    workspace::create_folder(&folder)?;
    let bench = Bench { wald, wasm_ld: workspace::wasm_ld()?, folder };
    let mut phases = String::new();
    print!("{HEAD}");
    for job in &jobs {
        println!("{}", bench.row(job, runs, &mut phases)?);
    }
    println!("\nMedians of {runs} edits. The module was wasm-ld's, byte for byte, after each. The bar is a tenth of wald from nothing and");
    println!("four bare writes of the output.");
    if with_phases {
        print!("{phases}");
    }
    Ok(())
}

struct Bench {
    wald: PathBuf,
    wasm_ld: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn row(&self, name: &str, runs: usize, phases: &mut String) -> Result<String, String> {
        let folder = self.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        copy(&corpus::folder().join(name), &folder).map_err(|error| format!("{name}: {error}"))?;
        std::env::set_current_dir(&folder).map_err(|error| error.to_string())?;
        let mut kept = Kept::new(LibraryJob::read_here(name)?);
        let watch = Watch::start(&self.wald, &folder)?;
        let mut times: [Times; 6] = Default::default();
        let mut of_phases = [PhaseTimes::default(), PhaseTimes::default()];
        let mut random = Random::new(0);
        let mut size = 0;
        for round in 0..=runs {
            let (position, object) = kept.edit(&mut random).ok_or("no object that can be edited")?;
            let path = kept.job.inputs[position].0.path.clone();
            std::fs::write("edited", &*object).map_err(|error| error.to_string())?;
            std::fs::rename("edited", &path).map_err(|error| format!("{}: {error}", path.display()))?;
            let mut watched = watch.linked()?;
            let read = || std::fs::read(watch.output()).map_err(|error| error.to_string());
            let mut module = read()?;
            std::thread::sleep(PAUSE);
            let (expected, peer) = self.fresh(&self.wasm_ld, &folder, name)?;
            let (cold, cold_time) = self.fresh(&self.wald, &folder, name)?;
            let (relink_phases, relink_time) = kept.relink(position, object)?;
            let (linked, link_phases, link_time) = kept.link()?;
            // It may have linked once more without the edit: because files were new, or another program looked at them.
            for _ in 0..SPURIOUS {
                if module != expected {
                    watched = watch.linked()?;
                    module = read()?;
                }
            }
            let modules = [
                ("--watch", &module),
                ("wald", &cold),
                ("a new linker", &linked),
                ("the kept linker", &kept.module),
            ];
            if let Some((who, _)) = modules.into_iter().find(|(_, module)| **module != expected) {
                return Err(format!(
                    "{name}, {} edited: {who} writes other bytes than wasm-ld",
                    path.display()
                ));
            }
            size = expected.len();
            // What is asked for the first time is not there yet.
            if round > 0 {
                let write = bare_write(&folder, &expected)?;
                let taken = [relink_time, link_time, watched, cold_time, peer, write];
                times.iter_mut().zip(taken).for_each(|(times, taken)| times.0.push(taken));
                of_phases[0].add(&relink_phases);
                of_phases[1].add(&link_phases);
            }
        }
        let [kept_time, new, watched, cold, peer, write] = &times;
        let bar = OF_COLD * cold.quartile(2) + WRITES * write.quartile(2);
        phases.push_str(&phase_table(name, &of_phases));
        Ok(format!(
            "| {name} | {} | {:.1} | {} | {} | {:.2} | {} | {} | {:.2} | {} | {} | {bar:.1} | {:.2} | {:.2} |",
            kept.job.inputs.len(),
            size as f64 / 1e6,
            kept_time.shown(),
            new.shown(),
            kept_time.quartile(2) / new.quartile(2),
            watched.shown(),
            cold.shown(),
            watched.quartile(2) / cold.quartile(2),
            peer.shown(),
            write.shown(),
            kept_time.quartile(2) / bar,
            watched.quartile(2) / bar,
        ))
    }

    /// A link from nothing.
    fn fresh(&self, linker: &Path, folder: &Path, name: &str) -> Result<(Vec<u8>, f64), String> {
        let output = folder.join("fresh/out.wasm");
        workspace::create_folder(&folder.join("fresh"))?;
        let _ = std::fs::remove_file(&output);
        let start = Instant::now();
        let answer = job::link(linker, folder, &[], &output)?;
        let time = start.elapsed().as_secs_f64() * 1e3;
        Ok((answer.module.ok_or_else(|| format!("{name}: {}", answer.said))?, time))
    }
}

/// A linker that stays, and its inputs as they are now.
struct Kept {
    job: LibraryJob,
    linker: Linker,
    ids: Vec<InputId>,
    module: Vec<u8>,
}

impl Kept {
    fn new(job: LibraryJob) -> Self {
        let mut linker = job.linker(2);
        let ids = job.inputs.iter().map(|(input, bytes)| {
            let id = linker.declare_input(input.clone());
            linker.provide(id, bytes.clone()).expect("it is declared");
            id
        });
        let ids = ids.collect();
        Kept { job, linker, ids, module: Vec::new() }
    }

    /// Another version of an object, and its position.
    fn edit(&self, random: &mut Random) -> Option<(usize, Bytes)> {
        (0..10_000).find_map(|_| {
            let position = random.below(self.job.inputs.len());
            Some((position, Bytes::from(with_nop(&self.job.inputs[position].1)?)))
        })
    }

    /// Hands over an object and links. Preparing is not counted: it is what a linker does while nobody waits.
    fn relink(&mut self, position: usize, object: Bytes) -> Result<(Phases, f64), String> {
        self.job.inputs[position].1 = object.clone();
        self.linker.prepare();
        let start = Instant::now();
        self.linker.replace(self.ids[position]).expect("it is declared");
        self.linker.provide(self.ids[position], object).expect("it is declared");
        let result = self.linker.link_into(&mut self.module);
        let time = start.elapsed().as_secs_f64() * 1e3;
        result.module.map_err(|_| format!("{:?}", result.diagnostics))?;
        Ok((result.timing.phases, time))
    }

    /// The same by a new linker.
    fn link(&self) -> Result<(Vec<u8>, Phases, f64), String> {
        let start = Instant::now();
        let result = self.job.link(2);
        let time = start.elapsed().as_secs_f64() * 1e3;
        let module = result.module.map_err(|_| format!("{:?}", result.diagnostics))?;
        Ok((module, result.timing.phases, time))
    }
}

/// What a link measured of its phases.
type Phases = Vec<(&'static str, Duration)>;

/// The times of each phase, in the order of the phases.
#[derive(Default)]
struct PhaseTimes(Vec<(&'static str, Times)>);

impl PhaseTimes {
    fn add(&mut self, phases: &Phases) {
        for &(name, time) in phases {
            let known = self.0.iter().position(|(known, _)| *known == name);
            let position = known.unwrap_or_else(|| {
                self.0.push((name, Times::default()));
                self.0.len() - 1
            });
            self.0[position].1 .0.push(time.as_secs_f64() * 1e3);
        }
    }

    fn of(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| *known == name).map_or(0.0, |(_, times)| times.quartile(2))
    }
}

/// Where the time of kept and new linkers goes.
fn phase_table(name: &str, [kept, new]: &[PhaseTimes; 2]) -> String {
    let mut table = format!("\n| {name} | kept linker ms | new linker ms |\n|---|---|---|\n");
    let names =
        kept.0.iter().chain(new.0.iter().filter(|(name, _)| kept.0.iter().all(|(known, _)| known != name)));
    for (phase, _) in names {
        table.push_str(&format!("| {phase} | {:.2} | {:.2} |\n", kept.of(phase), new.of(phase)));
    }
    table
}

/// How long it takes to write the module to a file that is not there yet.
fn bare_write(folder: &Path, module: &[u8]) -> Result<f64, String> {
    let output = folder.join("fresh/bare.wasm");
    let _ = std::fs::remove_file(&output);
    let start = Instant::now();
    std::fs::write(&output, module).map_err(|error| error.to_string())?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// `wald --watch` at work. It ends with this value.
struct Watch {
    child: Child,
    lines: Receiver<String>,
    output: PathBuf,
}

impl Watch {
    fn start(wald: &Path, folder: &Path) -> Result<Self, String> {
        workspace::create_folder(&folder.join("watched"))?;
        let output = folder.join("watched/out.wasm");
        let mut command = job::command(wald, folder, &["--watch"], &output);
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let watch = Watch { child, lines: receiver, output };
        watch.linked()?;
        std::thread::sleep(PAUSE);
        Ok(watch)
    }

    /// Waits for the next link, and gives back how long it took, by its own words: from when it saw the change.
    fn linked(&self) -> Result<f64, String> {
        let line = self.lines.recv_timeout(PATIENCE).map_err(|error| format!("--watch: {error}"))?;
        let time =
            line.rsplit_once(": linked in ").and_then(|(what, rest)| Some((what, rest.split_once(" ms")?.0)));
        time.and_then(|(_, time)| time.parse().ok()).ok_or_else(|| format!("--watch said: {line}"))
    }

    fn output(&self) -> &Path {
        &self.output
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The object with one more instruction in its last function, a `nop` at the end. `None` if it has no function.
pub fn with_nop(object: &[u8]) -> Option<Vec<u8>> {
    let (mut section, mut last) = (0..0, 0..0);
    for payload in Parser::new(0).parse_all(object) {
        match payload.ok()? {
            Payload::CodeSectionStart { range, .. } => section = range,
            Payload::CodeSectionEntry(body) => last = body.range(),
            _ => {}
        }
    }
    // Sizes are padded numbers of five bytes, which LLVM writes so that it can fill them in later.
    let longer = |at: usize, size: usize, object: &mut Vec<u8>| {
        let known = BinaryReader::new(object.get(at..at + 5)?, 0).read_var_u32().ok()?;
        (known as usize == size).then_some(())?;
        (0..5).for_each(|byte| {
            let bits = ((size + 1) >> (7 * byte)) as u8 & 0x7f;
            object[at + byte] = if byte < 4 { bits | 0x80 } else { bits };
        });
        Some(())
    };
    let mut object = object.to_vec();
    longer(section.start.checked_sub(5)?, section.len(), &mut object)?;
    // A function's size takes as many bytes as it needs: there, only one that does not grow is edited.
    let size = BinaryReader::new(object.get(last.start.checked_sub(1)?..)?, 0).read_var_u32().ok()? as usize;
    if size == last.len() && size < 0x7f {
        object[last.start - 1] += 1;
    } else {
        longer(last.start.checked_sub(5)?, last.len(), &mut object)?;
    }
    object.insert(last.end - 1, 1);
    Some(object)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            std::fs::copy(&path, &to)?;
        }
    }
    Ok(())
}
