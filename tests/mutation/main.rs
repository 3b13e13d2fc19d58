//! Links thousands of damaged inputs: for any bytes, the result is a valid module or an error.
//!
//! Every kept object and archive is mutated (see [`mutate`]) and linked in process, together with the other inputs of
//! its case and with options from a small set. Found are: panics, links that take more than five seconds, links that
//! hold more than a gibibyte, failures without an error, modules that wasmparser refuses, and prepared links that differ from
//! fresh ones; code bodies are not looked at, since a linker copies them. Which mutant has which number never changes, so
//! that a finding can be looked at again:
//!
//! ```text
//! cargo test -p wald-tests --test mutation                          # 300,000 mutants
//! WALD_MUTANTS=1000000 cargo test --release -p wald-tests --test mutation
//! WALD_MUTANTS=4711..4712 cargo test -p wald-tests --test mutation   # one mutant; its files are written to the target directory
//! ```

mod allocation;
mod corpus;
mod mutate;
mod outcome;
mod tables;

use corpus::{Corpus, Group};
use libtest_mimic::{Arguments, Failed, Trial};
use mutate::Mutator;
use std::collections::BTreeSet;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wald::diagnostics::Diagnostic;
use wald::options::{Options, UnresolvedPolicy};
use wald::InputId;
use wald::{Bytes, InputDescription, LinkResult, Linker};
use wald_tests::random::Random;

/// How many mutants are linked when nothing else is asked for.
const MUTANTS: u64 = 300_000;
/// How long one link may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many findings are shown in full.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![Trial::test("mutation/damaged_inputs", || damaged_inputs().map_err(Failed::from))];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The mutants that `WALD_MUTANTS` asks for: a count, or a range of numbers.
fn wanted() -> Result<Range<u64>, String> {
    let Ok(text) = std::env::var("WALD_MUTANTS") else { return Ok(0..MUTANTS) };
    let number = |text: &str| text.parse().map_err(|e| format!("WALD_MUTANTS={text}: {e}"));
    match text.split_once("..") {
        Some((start, end)) => Ok(number(start)?..number(end)?),
        None => Ok(0..number(&text)?),
    }
}

/// What one worker is doing, for the watchdog.
#[derive(Default)]
struct Worker {
    /// The mutant's number plus one, or 0.
    mutant: AtomicU64,
    /// When it began, in milliseconds.
    since: AtomicU64,
}

fn damaged_inputs() -> Result<(), String> {
    let range = wanted()?;
    let corpus = Corpus::read()?;
    let next = AtomicU64::new(range.start);
    let findings: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());
    let counts = outcome::Counts::default();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let workers: Arc<Vec<Worker>> = Arc::new((0..threads).map(|_| Worker::default()).collect());
    let done = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let watchdog = watch(Arc::clone(&workers), Arc::clone(&done), start);
    outcome::keep_panics_quiet();
    let work = |worker: &Worker| {
        // Each link has one thread, so that what it allocates can be counted; the links run side by side.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| e.to_string())?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= range.end {
                return Ok(());
            }
            worker.since.store(start.elapsed().as_millis() as u64, Ordering::Relaxed);
            worker.mutant.store(number + 1, Ordering::Relaxed);
            let mutant = Mutant::new(&corpus, number);
            let finding = pool.install(|| mutant.try_out(number, &counts));
            worker.mutant.store(0, Ordering::Relaxed);
            if let Err(what) = finding {
                if range.end - range.start == 1 {
                    mutant.write_files()?;
                }
                let text = format!("mutant {number} ({}): {what}", mutant.describe());
                findings.lock().unwrap_or_else(|e| e.into_inner()).push((number, text));
            }
        }
    };
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let started: Vec<_> = workers.iter().map(|worker| scope.spawn(move || work(worker))).collect();
        started.into_iter().map(|thread| thread.join().unwrap_or(Err("a worker died".into()))).collect()
    });
    done.store(true, Ordering::Relaxed);
    watchdog.thread().unpark();
    let _ = watchdog.join();
    results.into_iter().collect::<Result<Vec<()>, String>>()?;
    println!("{} mutants in {:.1} s: {counts}", range.end - range.start, start.elapsed().as_secs_f64());
    let mut findings = findings.into_inner().unwrap_or_else(|e| e.into_inner());
    if findings.is_empty() {
        return Ok(());
    }
    findings.sort();
    // One of each kind: what is said, without numbers and names.
    let mut kinds = BTreeSet::new();
    let all = findings.len();
    findings.retain(|(_, text)| {
        let kind = text.rsplit_once("): ").map_or(text.as_str(), |(_, kind)| kind);
        let kind = kind.split(" (at offset").next().unwrap_or_default();
        let kind: String = kind.chars().filter(|c| !c.is_ascii_digit()).collect();
        kinds.insert(kind.split('`').next().unwrap_or_default().to_string())
    });
    let shown: Vec<&str> = findings.iter().take(SHOWN).map(|(_, text)| text.as_str()).collect();
    Err(format!("{all} findings, one of each kind:\n{}", shown.join("\n")))
}

/// Ends the process when a link hangs: there is no other way to stop it.
fn watch(workers: Arc<Vec<Worker>>, done: Arc<AtomicBool>, start: Instant) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        while !done.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(250));
            let now = start.elapsed().as_millis() as u64;
            for worker in workers.iter() {
                let since = worker.since.load(Ordering::Relaxed);
                let mutant = worker.mutant.load(Ordering::Relaxed);
                if mutant != 0 && now.saturating_sub(since) > PATIENCE.as_millis() as u64 {
                    eprintln!("mutant {} hangs", mutant - 1);
                    std::process::exit(101);
                }
            }
        }
    })
}

/// The option sets that take turns.
const SETTINGS: [&str; 10] = [
    "default",
    "--no-entry",
    "--no-entry --no-gc-sections",
    "--no-entry --export-all --merge-code-metadata",
    "--no-entry --allow-undefined",
    "--no-entry --shared-memory",
    "--no-entry --compress-relocations --strip-debug --merge-code-metadata",
    "--no-entry --unresolved-symbols=import-dynamic --Map",
    "--no-entry --import-memory --import-table --noinhibit-exec",
    "--no-entry --no-gc-sections --export-all --allow-multiple-definition --no-merge-data-segments -O0 -r-style names",
];

fn options(setting: usize) -> Options {
    let mut options = Options::default();
    options.output = "out.wasm".into();
    // Features and undefined symbols end most links of mutants before layout; that is looked at by the first setting.
    if setting > 0 {
        options.entry = None;
        options.unresolved_symbols = UnresolvedPolicy::Ignore;
        options.check_features = setting % 2 == 0;
    }
    options.merge_code_metadata = matches!(setting, 3 | 6);
    match setting {
        2 => options.gc_sections = false,
        3 => options.export_all = true,
        4 => options.import_undefined = true,
        5 => {
            options.shared_memory = true;
            options.import_undefined = true;
        }
        6 => {
            options.compress_relocations = true;
            options.strip_debug = true;
        }
        7 => {
            options.unresolved_symbols = UnresolvedPolicy::ImportDynamic;
            options.want_map = true;
            options.want_why_extract = true;
            options.print_gc_sections = true;
        }
        8 => {
            options.import_memory =
                Some(wald::options::ImportName { module: "env".into(), field: "memory".into() });
            options.import_table = true;
            options.verbose = true;
        }
        9 => {
            options.gc_sections = false;
            options.export_all = true;
            options.allow_multiple_definition = true;
            options.merge_data_segments = false;
            options.optimize = 0;
            options.demangle = false;
        }
        _ => {}
    }
    options
}

/// A case's inputs, one of them damaged.
struct Mutant<'c> {
    group: &'c Group,
    setting: usize,
    /// Position of the damaged input in the group.
    position: usize,
    bytes: Vec<u8>,
    /// What was done to it.
    steps: Vec<String>,
}

impl<'c> Mutant<'c> {
    fn new(corpus: &'c Corpus, number: u64) -> Self {
        let mut random = Random::new(number);
        let group = &corpus.groups[random.below(corpus.groups.len())];
        let position = random.below(group.inputs.len());
        let setting = random.below(SETTINGS.len());
        let other = &corpus.groups[random.below(corpus.groups.len())].inputs;
        let other = &other[random.below(other.len())].bytes;
        let mut mutator = Mutator::new(group.inputs[position].bytes.to_vec(), other, random);
        mutator.run();
        let (bytes, steps) = mutator.finish();
        Mutant { group, setting, position, bytes, steps }
    }

    fn describe(&self) -> String {
        let Mutant { group, position, setting, steps, .. } = self;
        format!(
            "{}, {}, {}: {}",
            group.case,
            group.inputs[*position].path,
            SETTINGS[*setting],
            steps.join(", ")
        )
    }

    /// Writes the inputs to a folder, to be examined.
    fn write_files(&self) -> Result<(), String> {
        let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutant");
        let _ = std::fs::remove_dir_all(&directory);
        for (position, input) in self.group.inputs.iter().enumerate() {
            let path = directory.join(&input.path);
            let bytes: &[u8] = if position == self.position { &self.bytes } else { &input.bytes };
            let parent = path.parent().unwrap_or(&directory);
            std::fs::create_dir_all(parent).map_err(|e| format!("{}: {e}", parent.display()))?;
            std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        println!("the inputs are in {}", directory.display());
        Ok(())
    }

    /// Links, and says what is wrong with how that went. Every eighth mutant also goes through a linker that is prepared
    /// while inputs are missing, and must give the same.
    fn try_out(&self, number: u64, counts: &outcome::Counts) -> Result<(), String> {
        outcome::observe(number, counts, || {
            let (mut linker, ids) = self.linker(number);
            for (position, &id) in ids.iter().enumerate() {
                linker.provide(id, self.bytes_of(position)).unwrap();
            }
            let fresh = linker.link();
            if number % 8 == 0 {
                self.prepare_and_compare(number / 8, &fresh, number);
            }
            fresh
        })
    }

    /// A linker that knows of all inputs and has none.
    fn linker(&self, number: u64) -> (Linker, Vec<InputId>) {
        let mut linker = Linker::new(options(self.setting));
        linker.set_file_provider(Arc::new(self.group.files()));
        let declare = |input: &corpus::Input| {
            let mut description = InputDescription::new(&input.path);
            description.lazy = input.lazy;
            description.whole_archive = input.whole_archive || number % 5 == 0;
            description.dynamic = true;
            linker.declare_input(description)
        };
        let ids = self.group.inputs.iter().map(declare).collect();
        (linker, ids)
    }

    fn bytes_of(&self, position: usize) -> Bytes {
        match position == self.position {
            true => Bytes::from(self.bytes.clone()),
            false => self.group.inputs[position].bytes.clone(),
        }
    }

    /// `turn` decides which input is provided last, and how often the linker prepares. The linker is kept, and links again after
    /// one input was replaced by itself.
    fn prepare_and_compare(&self, turn: u64, fresh: &LinkResult, number: u64) {
        let (mut linker, ids) = self.linker(number);
        let last = turn as usize % ids.len();
        for position in (0..ids.len()).filter(|&position| position != last) {
            linker.provide(ids[position], self.bytes_of(position)).unwrap();
            if turn % 3 == 0 {
                linker.prepare();
            }
        }
        linker.prepare();
        linker.provide(ids[last], self.bytes_of(last)).unwrap();
        if turn % 2 == 0 {
            // Also with few inputs, everything that can be prepared is, now that all are there.
            linker.prepare();
        }
        compare(&linker.link(), fresh);
        linker.replace(ids[last]).unwrap();
        linker.prepare();
        linker.provide(ids[last], self.bytes_of(last)).unwrap();
        compare(&linker.link(), fresh);
    }
}

/// What differs is a finding like any panic.
fn compare(found: &LinkResult, fresh: &LinkResult) {
    // Inputs have other ids in each linker.
    let without_id = |diagnostic: &Diagnostic| {
        let mut diagnostic = diagnostic.clone();
        diagnostic.input = None;
        diagnostic
    };
    let said = |result: &LinkResult| result.diagnostics.iter().map(without_id).collect::<Vec<_>>();
    assert!(said(found) == said(fresh), "a prepared link says something else");
    assert!(found.messages == fresh.messages, "a prepared link has other messages");
    assert!(found.extractions == fresh.extractions, "a prepared link extracts something else");
    assert!(found.module == fresh.module, "a prepared link gives other bytes");
}
