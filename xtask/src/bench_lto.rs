//! `cargo xtask bench lto`: links of bitcode, with and without a cache, and after an edit of one file.

use crate::arguments::Arguments;
use crate::bench_report::{self, cpu, wall, Runs, LTO_TABLE};
use crate::corpus;
use crate::explain::first_difference;
use crate::job;
use crate::measure::measure;
use crate::workspace::{self, run as run_program, shown};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HEAD: &str = "\
| job | cache | wald ms | CPU ms | wasm-ld-22 ms | CPU ms | wall | CPU |
|---|---|---|---|---|---|---|---|
";

/// The jobs: each with the archive and the member that are edited, if it has a cache.
const JOBS: [(&str, Option<(&str, &str)>); 4] = [
    ("lua-flto", None),
    ("lua-thin", Some(("L0/liblua.a", "lstrlib.o"))),
    ("zstd-flto", None),
    ("zstd-thin", Some(("L0/libzstd.a", "zstd_fast.o"))),
];

/// What is in the cache when a link starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cache {
    None,
    Empty,
    Full,
    /// Everything but what follows from an edit of one file.
    Edited,
}

impl Cache {
    fn name(self) -> &'static str {
        match self {
            Cache::None => "none",
            Cache::Empty => "empty",
            Cache::Full => "full",
            Cache::Edited => "full, one file edited",
        }
    }
}

struct Bench {
    /// Wald and wasm-ld.
    linkers: [PathBuf; 2],
    folder: PathBuf,
    runs: usize,
}

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(5).max(1);
    let update = args.flag("update-docs");
    let wanted = args.words()?;
    let folder = workspace::root().join("target/bench/lto");
    workspace::create_folder(&folder)?;
    let linkers = [workspace::wald_to_measure()?, workspace::wasm_ld()?];
    let bench = Bench { linkers, folder, runs };
    let mut table = HEAD.to_string();
    print!("{HEAD}");
    for (job, edit) in
        JOBS.iter().filter(|(job, _)| wanted.is_empty() || wanted.iter().any(|name| name == job))
    {
        let folder = corpus::ensure(job)?;
        let mut states = vec![Cache::None];
        let mut edited = folder.clone();
        if let Some((archive, member)) = edit {
            states.extend([Cache::Empty, Cache::Full, Cache::Edited]);
            edited = bench.edit(&folder, archive, member)?;
        }
        for state in states {
            let row =
                bench.row(job, state, if state == Cache::Edited { &edited } else { &folder }, &folder)?;
            print!("{row}");
            table += &row;
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let reference = workspace::output_of("wasm-ld-22", &["--version"]).unwrap_or_default();
    let note = format!("\nMedians of {runs} runs taken in turns, whole processes with those that they start, {cores} cores, {reference}.\n");
    print!("{note}");
    match update {
        true => {
            bench_report::replace(&workspace::root().join("docs/performance.md"), LTO_TABLE, &(table + &note))
        }
        false => Ok(()),
    }
}

impl Bench {
    fn row(&self, job: &str, state: Cache, folder: &Path, unedited: &Path) -> Result<String, String> {
        for linker in 0..self.linkers.len() {
            remove(&self.cache(linker, "full"))?;
            if matches!(state, Cache::Full | Cache::Edited) {
                measure(&mut self.link(linker, unedited, Some("full")))?;
            }
        }
        let mut runs = [Runs(Vec::new()), Runs(Vec::new())];
        for round in 0..=self.runs {
            for (linker, runs) in runs.iter_mut().enumerate() {
                remove(&self.cache(linker, "now"))?;
                if matches!(state, Cache::Full | Cache::Edited) {
                    copy(&self.cache(linker, "full"), &self.cache(linker, "now"))?;
                }
                let cache = (state != Cache::None).then_some("now");
                let cost = measure(&mut self.link(linker, folder, cache))?;
                runs.0.extend((round > 0).then_some(cost));
                if round == 0 {
                    let kept = self.folder.join(format!("{linker}.wasm"));
                    fs::rename(self.output(), &kept).map_err(|error| format!("{}: {error}", shown(&kept)))?;
                }
            }
        }
        let modules = [0, 1].map(|linker| workspace::read(&self.folder.join(format!("{linker}.wasm"))));
        let [ours, theirs] = modules;
        if let Some(difference) = first_difference(&ours?, &theirs?) {
            return Err(format!("{job}, cache: {}: {difference}", state.name()));
        }
        let [ours, theirs] = &runs;
        Ok(format!(
            "| {job} | {} | {} | {:.0} | {} | {:.0} | {:.2} | {:.2} |\n",
            state.name(),
            ours.with_spread(wall),
            ours.median(cpu),
            theirs.with_spread(wall),
            theirs.median(cpu),
            ours.median(wall) / theirs.median(wall).max(1e-9),
            ours.median(cpu) / theirs.median(cpu).max(1e-9),
        ))
    }

    fn output(&self) -> PathBuf {
        self.folder.join("out.wasm")
    }

    /// Each linker has its own caches.
    fn cache(&self, linker: usize, name: &str) -> PathBuf {
        self.folder.join(format!("cache-{linker}-{name}"))
    }

    fn link(&self, linker: usize, folder: &Path, cache: Option<&str>) -> Command {
        let option = cache.map(|name| format!("--thinlto-cache-dir={}", self.cache(linker, name).display()));
        let options: Vec<&str> = option.iter().map(String::as_str).collect();
        job::command(&self.linkers[linker], folder, &options, &self.output())
    }

    /// A copy of a job in which one function of an archive's member does something more.
    fn edit(&self, job: &Path, archive: &str, member: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join("edited");
        remove(&folder)?;
        copy(job, &folder)?;
        let work = self.folder.join("edit");
        remove(&work)?;
        workspace::create_folder(&work)?;
        let archive = folder.join(archive);
        let tool = |name: &str| {
            let mut command = Command::new(name);
            command.current_dir(&work);
            command
        };
        run_program(tool("llvm-ar-22").arg("x").arg(&archive).arg(member))?;
        run_program(tool("llvm-dis-22").arg(member).args(["-o", "member.ll"]))?;
        let text = String::from_utf8_lossy(&workspace::read(&work.join("member.ll"))?).into_owned();
        workspace::write(&work.join("member.ll"), with_nop(&text).ok_or("no function returns")?)?;
        run_program(tool("opt-22").args(["-module-summary", "-module-hash", "member.ll", "-o", member]))?;
        run_program(tool("llvm-ar-22").arg("r").arg(&archive).arg(member))?;
        Ok(folder)
    }
}

/// LLVM's assembly with an instruction more before the last return.
fn with_nop(text: &str) -> Option<String> {
    let at = text.rfind("\n  ret ")?;
    Some(format!("{}\n  call void asm sideeffect \"nop\", \"\"(){}", &text[..at], &text[at..]))
}

fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_dir_all(path) {
        Err(error) if path.exists() => Err(format!("{}: {error}", shown(path))),
        _ => Ok(()),
    }
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    workspace::create_folder(to)?;
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target)?,
            false => {
                fs::copy(&path, &target).map_err(|error| format!("{}: {error}", shown(&path)))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_changes_the_last_function() {
        let text = "define i32 @f() {\n  ret i32 1\n}\ndefine void @g() {\n  ret void\n}\n";
        let edited = with_nop(text).unwrap();
        assert!(
            edited.ends_with("@g() {\n  call void asm sideeffect \"nop\", \"\"()\n  ret void\n}\n"),
            "{edited}"
        );
        assert!(with_nop("declare void @f()\n").is_none());
    }
}
