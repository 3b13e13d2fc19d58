//! Links thousands of random programs with Wald and with wasm-ld, and compares everything that they do.
//!
//! A [`pool`] of objects for six targets is built from random sources in C, C++, assembly and LLVM IR. Each link takes some of
//! them, packs them into archives and the like, adds random options ([`options`]), and is done by both linkers in two
//! equal directories. Exit code, both streams and every written file must be the same, unless one of the [`rules`] names the
//! entry of `docs/differences.md` for it. Modules are validated. A finding is [reduced](reduce) and kept:
//!
//! ```text
//! cargo test -p wald-tests --test random
//! WALD_RANDOM_LINKS=20000 WALD_RANDOM_SEED=7 cargo test -p wald-tests --test random
//! WALD_RANDOM_LINKS=4711..4712 WALD_RANDOM_SEED=7 cargo test -p wald-tests --test random   # one link
//! WALD_BIN=target/release/wald …                                                           # a faster linker
//! WALD_RANDOM_LTO=1 …                                                                      # with bitcode
//! ```
//!
//! With `WALD_RANDOM_LTO`, part of the objects are bitcode for full LTO or ThinLTO, and the options of link-time optimisation are
//! drawn often. Without LLVM 22 the test is skipped.

mod archive;
mod asm_source;
mod c_source;
mod cxx_source;
mod instructions;
mod ir_source;
mod judge;
mod options;
mod pool;
mod recipe;
mod reduce;
mod rules;
mod runtime;
mod world;

use judge::{judge, Finding, Linkers, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};
use pool::{Pool, TARGETS};
use recipe::Recipe;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::Instant;
use wald_tests::random::Random;
use wald_tests::tools::{self, Tools};

/// How many links a run makes if `WALD_RANDOM_LINKS` does not say it.
const LINKS: u64 = 1500;
/// The same with bitcode.
const LINKS_WITH_BITCODE: u64 = 500;
/// The seed if `WALD_RANDOM_SEED` does not say it.
const SEED: u64 = 22;
/// After so many links another pool is built.
const LINKS_OF_A_POOL: u64 = 4000;
/// How many findings of one kind are reduced.
const REDUCED: usize = 1;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("random_links", || random_links().map_err(Failed::from)),
        Trial::test("rules_have_entries", || rules_have_entries().map_err(Failed::from)),
        Trial::test("options_are_drawn", || options_are_drawn().map_err(Failed::from)),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A new option of wasm-ld must be drawn too.
fn options_are_drawn() -> Result<(), String> {
    let Ok(tools) = tools::find() else { return Ok(()) };
    let help = Command::new(&tools.wasm_ld).arg("--help").output().map_err(|e| e.to_string())?;
    let missing = options::not_drawn(&String::from_utf8_lossy(&help.stdout));
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("never drawn: {}", missing.join(" "))),
    }
}

/// Every rule has its entry.
fn rules_have_entries() -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md");
    let entries = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    match rules::RULES.iter().find(|rule| !entries.contains(&format!("## {}\n", rule.id))) {
        Some(rule) => Err(format!("docs/differences.md has no entry {}", rule.id)),
        None => Ok(()),
    }
}

/// Whether part of the objects are bitcode.
fn has_bitcode() -> bool {
    std::env::var_os("WALD_RANDOM_LTO").is_some()
}

/// What `WALD_RANDOM_LINKS` asks for: a count, or a range of numbers.
fn wanted() -> Result<Range<u64>, String> {
    let count = if has_bitcode() { LINKS_WITH_BITCODE } else { LINKS };
    let Ok(text) = std::env::var("WALD_RANDOM_LINKS") else { return Ok(0..count) };
    let number = |text: &str| text.parse().map_err(|e| format!("WALD_RANDOM_LINKS={text}: {e}"));
    match text.split_once("..") {
        Some((start, end)) => Ok(number(start)?..number(end)?),
        None => Ok(0..number(&text)?),
    }
}

fn seed() -> Result<u64, String> {
    match std::env::var("WALD_RANDOM_SEED") {
        Ok(text) => text.parse().map_err(|e| format!("WALD_RANDOM_SEED={text}: {e}")),
        Err(_) => Ok(SEED),
    }
}

fn random_links() -> Result<(), String> {
    let tools = match tools::find() {
        Ok(tools) => tools,
        Err(why) => {
            println!("random links are skipped: {why}");
            return Ok(());
        }
    };
    if let Some(why) = tools::no_code_generator().filter(|_| has_bitcode()) {
        println!("random links are skipped: {why}");
        return Ok(());
    }
    let range = wanted()?;
    let run = Run {
        has_bitcode: has_bitcode(),
        seed: seed()?,
        linkers: Linkers { wasm_ld: tools.wasm_ld.clone(), wald: tools::find_wald()? },
        scratch: Path::new(env!("CARGO_TARGET_TMPDIR")).join("random"),
        shows_each: range.end - range.start < 50,
        tools,
        counts: Mutex::default(),
        findings: Mutex::default(),
    };
    let start = Instant::now();
    let mut next = range.start;
    while next < range.end {
        let end = range.end.min((next / LINKS_OF_A_POOL + 1) * LINKS_OF_A_POOL);
        run.links_of_a_pool(next..end)?;
        next = end;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} links of seed {} in {seconds:.1} s", range.end - range.start, run.seed);
    run.report()
}

/// What all threads share.
struct Run {
    seed: u64,
    has_bitcode: bool,
    tools: Tools,
    linkers: Linkers,
    scratch: PathBuf,
    /// Few links are wanted, and every command line is printed.
    shows_each: bool,
    counts: Mutex<BTreeMap<String, u64>>,
    /// By kind: how many, and the text of the first ones.
    findings: Mutex<BTreeMap<String, (usize, String)>>,
}

impl Run {
    fn links_of_a_pool(&self, range: Range<u64>) -> Result<(), String> {
        let number = range.start / LINKS_OF_A_POOL;
        let pool_seed = Random::nth(self.seed, number).next();
        let start = Instant::now();
        let pool = Pool::build(pool_seed, self.has_bitcode, &self.tools, &self.scratch.join("pool"))?;
        let objects: usize = pool.targets.iter().map(|target| target.objects.len()).sum();
        println!("pool {number}: {objects} objects in {:.1} s", start.elapsed().as_secs_f64());
        let next = AtomicU64::new(range.start);
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let work = |worker: usize| loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= range.end {
                return Ok(());
            }
            self.link(number, &pool, &self.scratch.join(format!("worker{worker}")))?;
        };
        let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..threads).map(|worker| scope.spawn(move || work(worker))).collect();
            started.into_iter().map(|thread| thread.join().unwrap_or(Err("a worker died".into()))).collect()
        });
        results.into_iter().collect()
    }

    /// Link `number`. `Err` is trouble with files, not a finding.
    fn link(&self, number: u64, pool: &Pool, directory: &Path) -> Result<(), String> {
        let mut random = Random::nth(self.seed, 1_000_000 + number);
        let target = random.below(TARGETS.len());
        let mut recipe = Recipe::random(&TARGETS[target], &pool.targets[target], &mut random);
        if self.has_bitcode {
            recipe.add_options_for_bitcode(&mut random);
        }
        let verdict = judge(&recipe, &self.linkers, directory).map_err(|e| format!("link {number}: {e}"))?;
        let count = match &verdict {
            Verdict::SameModule => "the same module".to_string(),
            Verdict::SameError(error) => format!("the same error: {error}"),
            Verdict::Excused(id) => id.to_string(),
            Verdict::Finding(_) => "findings".into(),
        };
        if self.shows_each {
            println!("link {number}, {}: {count}\n  wasm-ld {}", TARGETS[target].name, recipe.command());
        }
        *lock(&self.counts).entry(count).or_default() += 1;
        if let Verdict::Finding(finding) = verdict {
            self.keep(number, TARGETS[target].name, &recipe, finding, directory)?;
        }
        Ok(())
    }

    /// Counts a finding. The first ones of a kind are reduced and written down.
    fn keep(
        &self,
        number: u64,
        target: &str,
        recipe: &Recipe,
        finding: Finding,
        directory: &Path,
    ) -> Result<(), String> {
        let seen = {
            let mut findings = lock(&self.findings);
            let entry = findings.entry(finding.kind.clone()).or_default();
            entry.0 += 1;
            entry.0
        };
        if seen > REDUCED {
            return Ok(());
        }
        let kind = finding.kind.clone();
        let (small, shown) = reduce::reduce(recipe, finding, &self.linkers, directory);
        let kept = self.scratch.join("findings").join(format!("{}-{number}", self.seed));
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir_all(&kept).map_err(|e| format!("{}: {e}", kept.display()))?;
        recipe.write_inputs(&kept.join("whole"))?;
        small.write_inputs(&kept.join("reduced"))?;
        let write =
            |name: &str, text: String| fs::write(kept.join(name), text).map_err(|e| format!("{name}: {e}"));
        write("whole/command", format!("wasm-ld {}\n", recipe.command()))?;
        write("reduced/command", format!("wasm-ld {}\n", small.command()))?;
        let text = format!(
            "link {number} of seed {}, {target}: {kind}\n  again: {}WALD_RANDOM_SEED={} WALD_RANDOM_LINKS={number}..{} cargo test -p wald-tests \
             --test random\n  reduced, in {}: wasm-ld {}\n{}\n",
            self.seed,
            if self.has_bitcode { "WALD_RANDOM_LTO=1 " } else { "" },
            self.seed,
            number + 1,
            kept.join("reduced").display(),
            small.command(),
            shown.text
        );
        write("finding", text.clone())?;
        println!("{text}");
        if let Some(entry) = lock(&self.findings).get_mut(&kind) {
            entry.1 = text;
        }
        Ok(())
    }

    fn report(self) -> Result<(), String> {
        let counts = self.counts.into_inner().unwrap_or_else(|e| e.into_inner());
        let mut sorted: Vec<_> = counts.iter().collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (what, count) in sorted {
            println!("  {count:6} {what}");
        }
        for rule in rules::RULES.iter().filter(|rule| !counts.contains_key(rule.id)) {
            println!("  the rule for {} was not needed", rule.id);
        }
        let findings = self.findings.into_inner().unwrap_or_else(|e| e.into_inner());
        if findings.is_empty() {
            return Ok(());
        }
        let list: Vec<String> =
            findings.iter().map(|(kind, (count, text))| format!("{count} times {kind}\n{text}")).collect();
        Err(format!("differences that no entry names:\n{}", list.join("\n")))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}
