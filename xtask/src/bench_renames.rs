//! The second part of `cargo xtask bench pipeline`: a build that renames its objects into place and tells nobody.
//!
//! Everything is measured from outside: from the last rename to the end of the process.

use crate::bench_times::Times;
use crate::job;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};
use wald_cli::CommandLine;

/// The head of the table.
pub const HEAD: &str = "\
| job | objects | after the last rename ms | wald from nothing ms | wasm-ld ms | of wald | of wasm-ld |
|---|---|---|---|---|---|---|
";

/// How a build is played.
pub struct Build<'a> {
    /// The linkers.
    pub wald: &'a Path,
    /// What Wald is compared with.
    pub wasm_ld: &'a Path,
    /// Where the copy of the job goes.
    pub folder: PathBuf,
    /// From one rename to the next.
    pub apart: Duration,
}

impl Build<'_> {
    /// Plays the build of a job, and makes its row of the table.
    pub fn row(&self, job: &Path, name: &str, runs: usize) -> Result<String, String> {
        let objects = self.copy(job)?;
        let output = self.folder.join("out.wasm");
        let mut times: [Times; 3] = Default::default();
        for round in 0..=runs {
            let expected = self.whole(self.wasm_ld, &output)?;
            let cold = self.whole(self.wald, &output)?;
            let played = self.played(&objects, &output)?;
            if played.0 != expected.0 || cold.0 != expected.0 {
                return Err(format!("{name}: other bytes than wasm-ld's"));
            }
            if round > 0 {
                let taken = [played.1, cold.1, expected.1];
                times.iter_mut().zip(taken).for_each(|(times, taken)| times.0.push(taken));
            }
        }
        std::fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())?;
        let [after, cold, wasm_ld] = &times;
        Ok(format!(
            "| {name} | {} | {} | {} | {} | {:.2} | {:.3} |",
            objects.len(),
            after.shown(),
            cold.shown(),
            wasm_ld.shown(),
            after.quartile(2) / cold.quartile(2),
            after.quartile(2) / wasm_ld.quartile(2),
        ))
    }

    /// Copies the job. Returns its objects, in the order of the command line.
    fn copy(&self, job: &Path) -> Result<Vec<String>, String> {
        let _ = std::fs::remove_dir_all(&self.folder);
        let copy = |from: &Path, to: &Path| -> std::io::Result<()> {
            std::fs::create_dir_all(to.parent().unwrap_or(to))?;
            std::fs::copy(from, to).map(drop)
        };
        for file in job::inputs(job).into_iter().chain([job.join("link.rsp")]) {
            let to = self.folder.join(file.strip_prefix(job).unwrap_or(&file));
            copy(&file, &to).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        std::fs::create_dir_all(self.folder.join("made")).map_err(|error| error.to_string())?;
        std::env::set_current_dir(&self.folder).map_err(|error| error.to_string())?;
        let arguments = ["@link.rsp", "-o", "out.wasm"].map(str::to_string).to_vec();
        let read = CommandLine::read(arguments).map_err(|wrong| wrong.join("; "))?;
        let paths = read.inputs.iter().map(|input| input.path.display().to_string());
        Ok(paths.filter(|path| path.ends_with(".o")).collect())
    }

    /// A link that starts when all inputs exist.
    fn whole(&self, linker: &Path, output: &Path) -> Result<(Vec<u8>, f64), String> {
        let _ = std::fs::remove_file(output);
        let begin = Instant::now();
        let child = job::command(linker, &self.folder, &[], output).spawn();
        finished(child.map_err(|error| error.to_string())?, begin, output)
    }

    /// A link that starts before all objects.
    fn played(&self, objects: &[String], output: &Path) -> Result<(Vec<u8>, f64), String> {
        let _ = std::fs::remove_file(output);
        let made: Vec<(PathBuf, PathBuf)> = objects
            .iter()
            .enumerate()
            .map(|(number, path)| (self.folder.join("made").join(number.to_string()), self.folder.join(path)))
            .collect();
        let rename = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(|error| error.to_string());
        for (made, path) in &made {
            rename(path, made)?;
        }
        let child = job::command(self.wald, &self.folder, &["--await-inputs"], output).spawn();
        let child = child.map_err(|error| error.to_string())?;
        // The first compilers take longer than that.
        let begin = Instant::now() + Duration::from_millis(200);
        let mut last = begin;
        for (number, (made, path)) in made.iter().enumerate() {
            let due = begin + self.apart * number as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            last = Instant::now();
            rename(made, path)?;
        }
        finished(child, last, output)
    }
}

/// The module, and the milliseconds from `begin` until the process has ended.
fn finished(mut child: Child, begin: Instant, output: &Path) -> Result<(Vec<u8>, f64), String> {
    let status = child.wait().map_err(|error| error.to_string())?;
    let time = begin.elapsed().as_secs_f64() * 1e3;
    if !status.success() {
        return Err(format!("the linker failed ({status})"));
    }
    let module = std::fs::read(output).map_err(|error| error.to_string())?;
    Ok((module, time))
}
