//! Runs every case under `tests/cases`, one trial per case.
//!
//! Wald links the kept objects in three ways (one thread, four threads, shuffled arrival), and each answer must be the kept
//! one. With LLVM 22's tools, the sources must also give the kept objects, and wasm-ld the kept answers. `WALD_BLESS=1`
//! rewrites `tests/kept` from wasm-ld, never from Wald. `WALD_BIN` names another linker.

use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use wald_tests::build;
use wald_tests::case::{self, Case};
use wald_tests::compare;
use wald_tests::engine;
use wald_tests::link::{link, Answer};
use wald_tests::tools::{self, Tools};
use wald_tests::validate::{code_metadata, validate};

/// What all trials share.
struct Setting {
    /// `tests/`
    root: PathBuf,
    /// Where links happen.
    scratch: PathBuf,
    wald: PathBuf,
    tools: Option<Tools>,
    bless: bool,
}

/// The way of linking that others are compared with if no answer is kept.
const WAYS_FIRST: &str = "as written, shuffled arrival";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let bless = env::var_os("WALD_BLESS").is_some();
    let tools = tools::find().map_err(|why| eprintln!("kept objects and answers only: {why}")).ok();
    if bless && tools.is_none() {
        eprintln!("blessing needs LLVM's tools");
        return ExitCode::FAILURE;
    }
    let wald = match (arguments.list, bless) {
        (false, false) => match tools::find_wald() {
            Ok(path) => path,
            Err(why) => {
                eprintln!("{why}");
                return ExitCode::FAILURE;
            }
        },
        _ => PathBuf::new(),
    };
    let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cases");
    let setting = Arc::new(Setting { root, scratch, wald, tools, bless });
    let cases = setting.root.join("cases");
    let no_code_generator = tools::no_code_generator().filter(|_| !bless);
    if let Some(why) = &no_code_generator {
        eprintln!("cases with bitcode are ignored: {why}");
    }
    let trials = case::find(&cases).into_iter().map(|path| {
        let setting = Arc::clone(&setting);
        let name = path.strip_prefix(&cases).unwrap_or(&path).with_extension("");
        let root = cases.clone();
        let has_bitcode =
            || Case::read(&root, &path).is_ok_and(|case| case.sources.iter().any(build::is_bitcode));
        let is_ignored = no_code_generator.is_some() && has_bitcode();
        let trial = Trial::test(name.to_string_lossy().replace('\\', "/"), move || {
            let case = Case::read(&root, &path)?;
            setting.run(&case).map_err(Failed::from)
        });
        trial.with_ignored_flag(is_ignored)
    });
    let trials = trials.collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

impl Setting {
    fn run(&self, case: &Case) -> Result<(), String> {
        let scratch = self.scratch.join(&case.name);
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
        let result = match self.bless {
            true => self.bless(case, &scratch),
            false => self.test(case, &scratch),
        };
        if result.is_ok() {
            let _ = fs::remove_dir_all(&scratch);
        }
        result
    }

    fn kept(&self, case: &Case) -> PathBuf {
        self.root.join("kept").join(&case.name)
    }

    /// Builds the inputs, links them with wasm-ld, and keeps both.
    fn bless(&self, case: &Case, scratch: &Path) -> Result<(), String> {
        let tools = self.tools.as_ref().ok_or("blessing needs LLVM's tools")?;
        let kept = self.kept(case);
        let inputs = scratch.join("in");
        fs::create_dir_all(&inputs).map_err(|e| e.to_string())?;
        build::from_sources(case, tools, &inputs)?;
        let _ = fs::remove_dir_all(&kept);
        for file in build::files_to_keep(case, &inputs) {
            build::copy(&inputs.join(&file), &kept.join("in").join(&file))?;
        }
        let mut answers = Vec::new();
        for (index, arguments) in case.links.iter().enumerate() {
            let answer = link(&tools.wasm_ld, arguments, &[], &inputs, &scratch.join("wasm-ld"))?;
            let answer = answer.without_crash_report();
            write_answer(&kept, index + 1, &answer)?;
            answers.push(answer);
        }
        // Last, so that a doubtful answer can be looked at.
        for (index, answer) in answers.iter().enumerate() {
            if answer.crashed() && case.differs.is_none() {
                return Err(format!("link {}: wasm-ld crashes, and the case doesn't say so", index + 1));
            }
            if !case.has_own_output(index + 1) {
                self.check_output(case, index + 1, answer)?;
            }
        }
        Ok(())
    }

    fn test(&self, case: &Case, scratch: &Path) -> Result<(), String> {
        let kept = self.kept(case);
        let inputs = scratch.join("in");
        fs::create_dir_all(&inputs).map_err(|e| e.to_string())?;
        build::from_kept(case, &kept, &inputs)?;
        if let Some(tools) = &self.tools {
            let built = scratch.join("built");
            fs::create_dir_all(&built).map_err(|e| e.to_string())?;
            build::from_sources(case, tools, &built)?;
            same_inputs(&built, &inputs)?;
        }
        let results = (1..=case.links.len()).map(|number| self.test_link(case, number, &inputs, scratch));
        let failures: Vec<String> = results.filter_map(Result::err).collect();
        match failures.is_empty() {
            true => Ok(()),
            false => Err(failures.join("\n")),
        }
    }

    /// Compares one link with wasm-ld's answer, kept and live.
    fn test_link(&self, case: &Case, number: usize, inputs: &Path, scratch: &Path) -> Result<(), String> {
        let reference = read_answer(&self.kept(case), number)?;
        if let Some(tools) = &self.tools {
            let directory = scratch.join(format!("{number}-wasm-ld"));
            let live = link(&tools.wasm_ld, &case.links[number - 1], &[], inputs, &directory)?;
            compare::same(case, &live.without_crash_report(), &reference)
                .map_err(|e| format!("link {number}: wasm-ld's answer is no longer the kept one: {e}"))?;
        }
        let wald = self.test_wald(case, number, inputs, &reference, scratch)?;
        let has_own_output = case.has_own_output(number) && wald.code == 0;
        if !has_own_output {
            return self.check_output(case, number, &reference);
        }
        if !case.links_only_with_wald(number) {
            self.check_validity(case, number, &reference)?;
        }
        self.check_output(&Case { invalid_outputs: Vec::new(), ..case.clone() }, number, &wald)
    }

    /// Links with Wald in each way that must not matter. Gives one of the answers, which are the same.
    fn test_wald(
        &self,
        case: &Case,
        number: usize,
        inputs: &Path,
        reference: &Answer,
        scratch: &Path,
    ) -> Result<Answer, String> {
        let arguments = &case.links[number - 1];
        let with_threads = |count: &str| {
            let option = (!case.exact_arguments).then(|| format!("--threads={count}"));
            option.into_iter().chain(arguments.iter().cloned()).collect::<Vec<_>>()
        };
        let shuffle = |seed: &str| vec![("WALD_SHUFFLE_ARRIVAL", seed.to_string())];
        let ways = [
            (WAYS_FIRST, arguments.clone(), shuffle("1")),
            ("one thread", with_threads("1"), vec![]),
            ("four threads, shuffled arrival", with_threads("4"), shuffle("2")),
        ];
        let mut last = reference.clone();
        for (way, arguments, environment) in ways {
            let answer =
                link(&self.wald, &arguments, &environment, inputs, &scratch.join(format!("{number}-wald")))?;
            compare::wald_with_reference(case, number, &answer, reference)
                .map_err(|e| format!("link {number} ({way}): {e}"))?;
            if case.has_own_output(number) && way != WAYS_FIRST && answer.files != last.files {
                return Err(format!("link {number} ({way}): other bytes than as written"));
            }
            last = answer;
        }
        Ok(last)
    }

    /// Validates what was linked. wasm-ld's answer may be invalid if the case says so.
    fn check_validity(&self, case: &Case, number: usize, answer: &Answer) -> Result<(), String> {
        let Some((name, module)) = module_of(case, number, answer) else {
            return match case.invalid_outputs.contains(&number) {
                true => Err(format!("link {number} wrote nothing that could be invalid")),
                false => Ok(()),
            };
        };
        match (validate(module), case.invalid_outputs.contains(&number)) {
            (Err(e), false) => Err(format!("link {number}: {name}: {e}")),
            (Ok(()), true) => Err(format!("link {number}: {name} is valid after all")),
            _ => Ok(()),
        }
    }

    /// Validates what was linked, and runs it if the case says so.
    fn check_output(&self, case: &Case, number: usize, answer: &Answer) -> Result<(), String> {
        let runs: Vec<_> = case.runs.iter().filter(|run| run.link == number).collect();
        let metadata: Vec<_> = case.code_metadata.iter().filter(|(link, _)| *link == number).collect();
        self.check_validity(case, number, answer)?;
        let Some((name, module)) = module_of(case, number, answer) else {
            return match runs.is_empty() && metadata.is_empty() {
                true => Ok(()),
                false => {
                    Err(format!("link {number} wrote nothing to look at; stderr: {}", text(&answer.stderr)))
                }
            };
        };
        for (_, expected) in metadata {
            let read = code_metadata(module).map_err(|e| format!("link {number}: {name}: {e}"))?;
            if *expected != read {
                return Err(format!("link {number}: {name} has the code metadata `{read}`"));
            }
        }
        let mut printed = String::new();
        for run in runs {
            printed.push_str(&engine::run(module, run).map_err(|e| format!("link {number}: {e}"))?);
        }
        let last = case.runs.iter().map(|run| run.link).max() == Some(number);
        match last && printed != case.run_stdout {
            true => Err(format!("link {number} printed {printed:?}, expected {:?}", case.run_stdout)),
            false => Ok(()),
        }
    }
}

/// The module that link `number` wrote: the file of `-o`, or the first of those that are modules.
fn module_of<'a>(case: &Case, number: usize, answer: &'a Answer) -> Option<(&'a String, &'a Vec<u8>)> {
    let arguments = &case.links[number - 1];
    let output = arguments.iter().position(|word| word == "-o").and_then(|at| arguments.get(at + 1));
    let output = output.and_then(|name| answer.files.get_key_value(name));
    output.into_iter().chain(&answer.files).find(|(_, content)| content.starts_with(b"\0asm"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The rebuilt inputs must be the kept ones.
fn same_inputs(built: &Path, kept: &Path) -> Result<(), String> {
    let (new, old) = (build::files_below(built), build::files_below(kept));
    if new != old {
        return Err(format!("the sources give {new:?}, kept are {old:?}: bless the case"));
    }
    for file in new {
        if fs::read(built.join(&file)).ok() != fs::read(kept.join(&file)).ok() {
            return Err(format!("{} is not what its source gives: bless the case", file.display()));
        }
    }
    Ok(())
}

/// Keeps an answer as `N.code`, `N.stderr`, `N.stdout` (if not empty) and `N.out/FILE`.
fn write_answer(kept: &Path, number: usize, answer: &Answer) -> Result<(), String> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    files.insert(format!("{number}.code"), format!("{}\n", answer.code).into_bytes());
    for (name, content) in [("stderr", &answer.stderr), ("stdout", &answer.stdout)] {
        if !content.is_empty() {
            files.insert(format!("{number}.{name}"), content.clone());
        }
    }
    for (name, content) in &answer.files {
        files.insert(format!("{number}.out/{name}"), content.clone());
    }
    for (name, content) in files {
        let path = kept.join(name);
        fs::create_dir_all(path.parent().unwrap_or(kept)).map_err(|e| e.to_string())?;
        fs::write(&path, content).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

fn read_answer(kept: &Path, number: usize) -> Result<Answer, String> {
    let code = fs::read_to_string(kept.join(format!("{number}.code")))
        .map_err(|_| format!("nothing is kept for link {number}: bless the case (WALD_BLESS=1)"))?;
    let stream = |name: &str| fs::read(kept.join(format!("{number}.{name}"))).unwrap_or_default();
    let directory = kept.join(format!("{number}.out"));
    let mut files = BTreeMap::new();
    for file in build::files_below(&directory) {
        let content = fs::read(directory.join(&file)).map_err(|e| e.to_string())?;
        files.insert(file.to_string_lossy().into_owned(), content);
    }
    let code = code.trim().parse().map_err(|_| "bad exit code kept")?;
    Ok(Answer { code, stdout: stream("stdout"), stderr: stream("stderr"), files })
}
