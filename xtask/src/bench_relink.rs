//! `cargo xtask bench relink`: how long a link takes after one object has changed.

use crate::arguments::Arguments;
use crate::bench_times::Times;
use crate::corpus;
use crate::job;
use crate::library_job::{LibraryJob, Random};
use crate::workspace;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};
use wald::InputId;
use wald::{Bytes, Linker};
use wasmparser::{BinaryReader, Parser, Payload};

const HEAD: &str = "\
| job | inputs | out MB | kept linker ms | new linker ms | ratio | --watch ms | wald from nothing ms | ratio | wasm-ld ms |
|---|---|---|---|---|---|---|---|---|---|
";

/// Between an edit and the next one: preparing takes less.
const PAUSE: Duration = Duration::from_millis(1500);

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let jobs = corpus::select(&args.words()?)?;
    let wald = workspace::wald_to_measure()?;
    let folder = workspace::root().join("target/bench/relink");
    workspace::create_folder(&folder)?;
    let bench = Bench { wald, wasm_ld: workspace::wasm_ld()?, folder };
    print!("{HEAD}");
    for job in &jobs {
        println!("{}", bench.row(job, runs)?);
    }
    println!("\nMedians of {runs} edits. The module was wasm-ld's, byte for byte, after each.");
    Ok(())
}

struct Bench {
    wald: PathBuf,
    wasm_ld: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn row(&self, name: &str, runs: usize) -> Result<String, String> {
        let folder = self.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        copy(&corpus::folder().join(name), &folder).map_err(|error| format!("{name}: {error}"))?;
        std::env::set_current_dir(&folder).map_err(|error| error.to_string())?;
        let mut kept = Kept::new(LibraryJob::read_here(name)?);
        let mut watch = Watch::start(&self.wald, &folder)?;
        let mut times: [Times; 5] = Default::default();
        let mut random = Random::new(0);
        let mut size = 0;
        for round in 0..=runs {
            let (position, object) = kept.edit(&mut random).ok_or("no object that can be edited")?;
            let path = kept.job.inputs[position].0.path.clone();
            std::fs::write("edited", &*object).map_err(|error| error.to_string())?;
            std::fs::rename("edited", &path).map_err(|error| format!("{}: {error}", path.display()))?;
            let watched = watch.linked()?;
            let module = std::fs::read(watch.output()).map_err(|error| error.to_string())?;
            std::thread::sleep(PAUSE);
            let (expected, peer) = self.fresh(&self.wasm_ld, &folder, name)?;
            let (cold, cold_time) = self.fresh(&self.wald, &folder, name)?;
            let relink_time = kept.relink(position, object)?;
            let (linked, link_time) = kept.link()?;
            if [&module, &cold, &linked, &kept.module].iter().any(|found| **found != expected) {
                return Err(format!("{name}, {} edited: other bytes than wasm-ld's", path.display()));
            }
            size = expected.len();
            // What is asked for the first time is not there yet.
            if round > 0 {
                let taken = [relink_time, link_time, watched, cold_time, peer];
                times.iter_mut().zip(taken).for_each(|(times, taken)| times.0.push(taken));
            }
        }
        let [kept_time, new, watched, cold, peer] = &times;
        Ok(format!(
            "| {name} | {} | {:.1} | {} | {} | {:.2} | {} | {} | {:.2} | {} |",
            kept.job.inputs.len(),
            size as f64 / 1e6,
            kept_time.shown(),
            new.shown(),
            kept_time.quartile(2) / new.quartile(2),
            watched.shown(),
            cold.shown(),
            watched.quartile(2) / cold.quartile(2),
            peer.shown(),
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
    fn relink(&mut self, position: usize, object: Bytes) -> Result<f64, String> {
        self.job.inputs[position].1 = object.clone();
        self.linker.prepare();
        let start = Instant::now();
        self.linker.replace(self.ids[position]).expect("it is declared");
        self.linker.provide(self.ids[position], object).expect("it is declared");
        let result = self.linker.link_into(&mut self.module);
        let time = start.elapsed().as_secs_f64() * 1e3;
        result.module.map_err(|_| format!("{:?}", result.diagnostics))?;
        Ok(time)
    }

    /// The same by a new linker.
    fn link(&self) -> Result<(Vec<u8>, f64), String> {
        let start = Instant::now();
        let result = self.job.link(2);
        let time = start.elapsed().as_secs_f64() * 1e3;
        Ok((result.module.map_err(|_| format!("{:?}", result.diagnostics))?, time))
    }
}

/// `wald --watch` at work. It ends with this value.
struct Watch {
    child: Child,
    lines: BufReader<ChildStderr>,
    output: PathBuf,
}

impl Watch {
    fn start(wald: &Path, folder: &Path) -> Result<Self, String> {
        workspace::create_folder(&folder.join("watched"))?;
        let output = folder.join("watched/out.wasm");
        let mut command = job::command(wald, folder, &["--watch"], &output);
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let lines = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut watch = Watch { child, lines, output };
        watch.linked()?;
        std::thread::sleep(PAUSE);
        Ok(watch)
    }

    /// Waits for the next link, and gives back how long it took, by its own words: from when it saw the change.
    fn linked(&mut self) -> Result<f64, String> {
        let mut line = String::new();
        self.lines.read_line(&mut line).map_err(|error| error.to_string())?;
        let time = line.trim_end().strip_suffix(" ms").and_then(|line| line.rsplit_once(": linked in "));
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
fn with_nop(object: &[u8]) -> Option<Vec<u8>> {
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
