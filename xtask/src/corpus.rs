//! `cargo xtask corpus`: builds the real link jobs.
//!
//! A job is a folder with `link.rsp`, the arguments that a compiler driver gave to its linker, and copies of all inputs.
//! The scripts that build them from package registries are not part of this repository; their folder and the cache folder
//! can be named in the environment.

use crate::arguments::Arguments;
use crate::large_jobs;
use crate::lto_jobs;
use crate::workspace::{self, run as run_program, shown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask corpus [JOB…]

Builds the link jobs, or the named ones, unless they are already built. The scripts take sources from crates.io and the
compiler's libraries from Debian.

  --again     also rebuild jobs that are built
  --large     also build the large jobs, which take three gigabytes
  --lto       also build the jobs of bitcode: JOB-flto and JOB-thin, the same programs compiled for link-time optimization
  --list      only list which jobs are built

ENVIRONMENT
  WALD_CORPUS          the folder of the jobs (default target/corpus)
  WALD_CORPUS_SCRIPTS  the folder of the scripts (default ../shared/corpus next to the checkout)
";

/// The scripts and the jobs that each one builds.
pub const SCRIPTS: &[(&str, &[&str])] = &[
    ("hello.sh", &["hello-c", "hello-cxx"]),
    ("lua.sh", &["lua", "lua-g"]),
    ("zstd.sh", &["zstd", "zstd-g"]),
    ("sqlite.sh", &["sqlite", "sqlite-g"]),
    ("quickjs.sh", &["quickjs", "quickjs-g"]),
    ("rust-cli.sh", &["rust-cli-dbg", "rust-cli-rel"]),
    ("synth.sh", &["synth-1k", "synth-1k-g", "synth-10k"]),
];

/// Jobs of position-independent objects, each with what it has of a job of [`PIC_SCRIPT`]. What they lack is looked for by
/// a loader, so they need no entry and no libc: the packaged one is not position-independent.
const PIC: &[(&str, [&str; 2])] = &[
    ("lua-pic", ["lua/in/main.o", "lua/L0/liblua.a"]),
    ("lua-pic-g", ["lua-g/in/main-g.o", "lua-g/L0/liblua-g.a"]),
];
const PIC_SCRIPT: &str = "lua.sh";
const PIC_ARGUMENTS: &str =
    "-m wasm32 --no-entry --export-dynamic in/main.o --whole-archive in/liblua.a --no-whole-archive \
                             --experimental-pic --unresolved-symbols=import-dynamic -o out.wasm";

const TOOLS: &[&str] = &["clang-22", "clang++-22", "wasm-ld-22", "llvm-ar-22", "llvm-config-22", "python3"];

/// The folder of the jobs.
pub fn folder() -> PathBuf {
    match std::env::var_os("WALD_CORPUS") {
        Some(folder) => folder.into(),
        None => workspace::root().join("target/corpus"),
    }
}

/// The folder of the scripts.
pub fn scripts() -> PathBuf {
    match std::env::var_os("WALD_CORPUS_SCRIPTS") {
        Some(folder) => folder.into(),
        None => workspace::root().join("../shared/corpus"),
    }
}

/// Whether a job is built.
pub fn is_built(job: &str) -> bool {
    folder().join(job).join("link.rsp").is_file()
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let (again, list) = (args.flag("again"), args.flag("list"));
    let (large, lto) = (args.flag("large"), args.flag("lto"));
    let wanted = args.words()?;
    if let Some(unknown) = wanted.iter().find(|job| !is_known(job)) {
        return Err(format!("there is no job '{unknown}'; the jobs are {}", all_jobs().join(", ")));
    }
    if list {
        for job in all_jobs() {
            println!("{job:20} {}", if is_built(&job) { "built" } else { "not built" });
        }
        return Ok(());
    }
    let is_needed =
        |job: &str| (wanted.is_empty() || wanted.iter().any(|name| name == job)) && (again || !is_built(job));
    for (script, jobs) in SCRIPTS {
        if jobs.iter().any(|job| is_needed(job)) {
            build(script, &folder(), None)?;
        }
    }
    for group in lto_jobs::groups() {
        let is_wanted = |job: &String| (lto || wanted.contains(job)) && (again || !is_built(job));
        if group.jobs().iter().any(is_wanted) {
            group.build(&folder(), build)?;
        }
    }
    if PIC.iter().any(|(job, _)| is_needed(job)) {
        build_pic()?;
    }
    for job in large_jobs::JOBS.iter().filter(|job| large || wanted.iter().any(|name| name == **job)) {
        if again || !is_built(job) {
            check_tools()?;
            large_jobs::build(job, &folder())?;
        }
    }
    println!("The jobs are in {}", shown(&folder()));
    Ok(())
}

/// Builds one job unless it exists.
pub fn ensure(job: &str) -> Result<PathBuf, String> {
    let of_bitcode = lto_jobs::groups().into_iter().find(|group| group.jobs().iter().any(|name| name == job));
    if !is_built(job) && large_jobs::JOBS.contains(&job) {
        large_jobs::build(job, &folder())?;
    } else if let Some(group) = of_bitcode {
        if !is_built(job) {
            group.build(&folder(), build)?;
        }
    } else if !is_built(job) {
        let script = SCRIPTS.iter().find(|(_, jobs)| jobs.contains(&job));
        build(script.map_or("", |(script, _)| script), &folder(), None)?;
    }
    Ok(folder().join(job))
}

/// Builds the jobs of a script in a folder, with a variable of the environment that changes what compilers do.
fn build(script: &str, folder: &Path, variable: Option<(&str, &str)>) -> Result<(), String> {
    let path = scripts().join(script);
    if !path.is_file() {
        return Err(format!(
            "{} is missing: set WALD_CORPUS_SCRIPTS to the folder of the corpus scripts, or WALD_CORPUS to a folder of \
             jobs that are built",
            shown(&path)
        ));
    }
    check_tools()?;
    println!("building by {script}");
    workspace::create_folder(folder)?;
    let path = path.canonicalize().map_err(|error| format!("{}: {error}", shown(&path)))?;
    let mut command = Command::new("bash");
    command.arg(path).arg(folder);
    command.envs(variable);
    run_program(&mut command)
}

fn check_tools() -> Result<(), String> {
    let missing: Vec<&str> =
        TOOLS.iter().copied().filter(|tool| workspace::find_program(tool).is_none()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("missing: {} (cargo xtask test installs them on Debian)", missing.join(", "))),
    }
}

/// Compiles a script's sources anew and makes jobs of their own of the objects.
fn build_pic() -> Result<(), String> {
    let built = folder().join("build/pic");
    build(PIC_SCRIPT, &built, Some((lto_jobs::CLANG_OPTIONS, "#+-fPIC")))?;
    for (job, files) in PIC {
        let inputs = folder().join(job).join("in");
        workspace::create_folder(&inputs)?;
        for (file, name) in files.iter().zip(["main.o", "liblua.a"]) {
            let copied = std::fs::copy(built.join(file), inputs.join(name));
            copied.map_err(|error| format!("{}: {error}", shown(&built.join(file))))?;
        }
        let arguments: Vec<&str> = PIC_ARGUMENTS.split_whitespace().collect();
        workspace::write(&folder().join(job).join("link.rsp"), arguments.join("\n").as_bytes())?;
    }
    Ok(())
}

fn is_known(job: &str) -> bool {
    all_jobs().iter().any(|known| known == job)
}

fn all_jobs() -> Vec<String> {
    let pic = PIC.iter().map(|(job, _)| *job);
    let native = SCRIPTS.iter().flat_map(|(_, jobs)| jobs.iter().copied()).chain(pic);
    let native = native.chain(large_jobs::JOBS.iter().copied()).map(String::from);
    native.chain(lto_jobs::groups().iter().flat_map(lto_jobs::Group::jobs)).collect()
}

/// The built jobs that were asked for. If none was named, all but those of bitcode, whose links measure LLVM.
pub fn select(wanted: &[String]) -> Result<Vec<String>, String> {
    if let Some(missing) = wanted.iter().find(|job| !is_built(job)) {
        return Err(format!(
            "job '{missing}' is not in {} (cargo xtask corpus {missing} builds it)",
            shown(&folder())
        ));
    }
    if !wanted.is_empty() {
        return Ok(wanted.to_vec());
    }
    let mut jobs = all_jobs();
    // Jobs that somebody put there beside the known ones.
    let entries = std::fs::read_dir(folder()).into_iter().flatten().flatten();
    let mut others: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|job| !is_known(job))
        .collect();
    others.sort();
    jobs.extend(others);
    jobs.retain(|job| is_built(job) && !lto_jobs::is_bitcode(job));
    if jobs.is_empty() {
        return Err(format!("no job is built in {} (cargo xtask corpus builds them)", shown(&folder())));
    }
    Ok(jobs)
}

/// The jobs of bitcode that are built.
pub fn built_of_bitcode() -> Vec<String> {
    lto_jobs::groups().iter().flat_map(lto_jobs::Group::jobs).filter(|job| is_built(job)).collect()
}
