//! Builds the pool that links draw from: for each target some seventy objects, shared libraries, and outputs of `-r`.
//!
//! Sources follow from the pool's seed alone. What they become is kept in the target directory under a hash of the command
//! and the source, so that a second run with the same seed starts at once.

use crate::asm_source::{self, Machine};
use crate::world::{Source, World};
use crate::{c_source, cxx_source, ir_source, runtime};
use rayon::prelude::*;
use std::collections::hash_map::DefaultHasher;
use std::collections::BTreeSet;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use wald_tests::random::Random;
use wald_tests::tools::Tools;

/// How many files of each kind a target has.
const C_FILES: usize = 26;
/// C files that define what others do not.
const REST_FILES: usize = 3;
const CXX_FILES: usize = 16;
const ASM_FILES: usize = 18;
const IR_FILES: usize = 6;
const RELOCATABLE: usize = 6;
const SHARED: usize = 5;

/// What compilers are told about a target.
pub struct Target {
    /// For people.
    pub name: &'static str,
    triple: &'static str,
    clang: &'static [&'static str],
    /// What the assembler must know.
    pub machine: Machine,
    /// Options without which hardly any link succeeds.
    pub link: &'static [&'static str],
}

const fn machine(is_64: bool, pic: bool, has_tls: bool) -> Machine {
    Machine { is_64, pic, has_tls }
}

/// The targets.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "wasm32",
        triple: "wasm32-unknown-unknown",
        clang: &[],
        machine: machine(false, false, false),
        link: &[],
    },
    Target {
        name: "wasi",
        triple: "wasm32-wasip1",
        clang: &[],
        machine: machine(false, false, false),
        link: &[],
    },
    Target {
        name: "pic",
        triple: "wasm32-unknown-emscripten",
        clang: &["-fPIC"],
        machine: machine(false, true, false),
        link: &["--experimental-pic"],
    },
    Target {
        name: "threads",
        triple: "wasm32-unknown-unknown",
        clang: &["-pthread", "-matomics", "-mbulk-memory"],
        machine: machine(false, false, true),
        link: &["--shared-memory", "--max-memory=16777216"],
    },
    Target {
        name: "wasm64",
        triple: "wasm64-unknown-unknown",
        clang: &[],
        machine: machine(true, false, false),
        link: &["-mwasm64"],
    },
    Target {
        name: "pic64",
        triple: "wasm64-unknown-emscripten",
        clang: &["-fPIC", "-pthread"],
        machine: machine(true, true, true),
        link: &["-mwasm64", "--experimental-pic"],
    },
];

/// A file that a link may read.
pub struct PoolFile {
    /// `c07.o`
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Names that it defines.
    pub defines: BTreeSet<String>,
    /// Those of them that another file must not define strongly too.
    pub strong: BTreeSet<String>,
    /// Names that others must define.
    pub needs: BTreeSet<String>,
}

/// What there is for one target.
pub struct TargetPool {
    /// Objects, also outputs of `-r`.
    pub objects: Vec<Arc<PoolFile>>,
    /// Shared libraries; for other targets than position-independent ones those of the same width.
    pub shared: Vec<Arc<PoolFile>>,
}

/// The pool of one seed.
pub struct Pool {
    /// In the order of [`TARGETS`].
    pub targets: Vec<TargetPool>,
}

impl Pool {
    /// Builds the pool of `seed` in `directory`. With bitcode, it has the same sources.
    pub fn build(seed: u64, has_bitcode: bool, tools: &Tools, directory: &Path) -> Result<Pool, String> {
        let builder = Builder { tools, has_bitcode, directory: directory.to_path_buf() };
        fs::create_dir_all(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
        let mut targets = Vec::new();
        for (number, target) in TARGETS.iter().enumerate() {
            let random = Random::nth(seed, number as u64);
            targets.push(builder.target(target, random)?);
        }
        for (with, without) in [(2, [0, 1, 3]), (5, [4, 4, 4])] {
            for other in without {
                targets[other].shared = targets[with].shared.clone();
            }
        }
        Ok(Pool { targets })
    }
}

/// Sources of one target.
fn sources(target: &Target, random: &mut Random) -> Vec<Source> {
    let mut world = World::new(random);
    let mut sources = runtime::sources(target.machine.is_64);
    let has_tls = target.machine.has_tls;
    let own = |random: &mut Random| Random::new(random.next());
    for number in 0..C_FILES {
        sources.push(c_source::write(&mut world, own(random), number, has_tls));
    }
    let rest = C_FILES..C_FILES + REST_FILES;
    for number in 0..CXX_FILES {
        sources.push(cxx_source::write(&mut world, own(random), number, has_tls));
    }
    for number in 0..ASM_FILES {
        sources.push(asm_source::write(&mut world, own(random), number, target.machine));
    }
    for number in 0..IR_FILES {
        sources.push(ir_source::write(&mut world, own(random), number));
    }
    for number in rest {
        sources.push(c_source::write_rest(&mut world, own(random), number, has_tls));
    }
    sources
}

/// What a compiler makes of a source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Native,
    FullLto,
    ThinLto,
}

struct Builder<'t> {
    tools: &'t Tools,
    has_bitcode: bool,
    directory: PathBuf,
}

impl Builder<'_> {
    fn target(&self, target: &Target, mut random: Random) -> Result<TargetPool, String> {
        let mut of_kinds = random.clone();
        let sources = sources(target, &mut random);
        let kind = |source: Source| {
            let drawn =
                of_kinds.pick(&[Kind::Native, Kind::FullLto, Kind::FullLto, Kind::ThinLto, Kind::ThinLto]);
            let is_native = !self.has_bitcode || source.file.ends_with(".s");
            (source, if is_native { Kind::Native } else { drawn })
        };
        let sources: Vec<(Source, Kind)> = sources.into_iter().map(kind).collect();
        let built: Vec<Result<PoolFile, String>> =
            sources.into_par_iter().map(|(source, kind)| self.compile(target, source, kind)).collect();
        let count = built.len();
        let (objects, failures): (Vec<_>, Vec<_>) = built.into_iter().partition(Result::is_ok);
        let mut objects: Vec<Arc<PoolFile>> = objects.into_iter().flatten().map(Arc::new).collect();
        let failures: Vec<String> = failures.into_iter().filter_map(Result::err).collect();
        // Some random sources do not compile. If many do not, the generator is wrong.
        if std::env::var_os("WALD_RANDOM_SOURCES").is_some() {
            failures.iter().for_each(|failure| eprintln!("{failure}"));
        }
        if failures.len() * 10 > count {
            return Err(format!("{} of {count} sources are refused:\n{}", failures.len(), failures[0]));
        }
        let jobs = |random: &mut Random, kind: &str, count: usize| {
            (0..count).map(|number| Combined::new(&objects, kind, number, random)).collect::<Vec<_>>()
        };
        let relocatable = jobs(&mut random, "r", RELOCATABLE);
        let shared = if target.machine.pic { jobs(&mut random, "lib", SHARED) } else { vec![] };
        let link = |job: Combined| self.combine(target, job).map(Arc::new);
        let relocatable: Vec<_> = relocatable.into_par_iter().filter_map(link).collect();
        let shared = shared.into_par_iter().filter_map(link).collect();
        objects.extend(relocatable);
        Ok(TargetPool { objects, shared })
    }

    fn compile(&self, target: &Target, source: Source, kind: Kind) -> Result<PoolFile, String> {
        let (stem, ending) = source.file.rsplit_once('.').unwrap_or((&source.file, ""));
        let mut arguments: Vec<String> = Vec::new();
        let tool = match ending {
            "s" => {
                arguments.extend(["-filetype=obj".into(), format!("-triple={}", target.triple)]);
                "llvm-mc"
            }
            "ll" if kind != Kind::Native => {
                arguments.push(format!("-mtriple={}", target.triple));
                if kind == Kind::ThinLto {
                    arguments.extend(["-module-summary".into(), "-module-hash".into()]);
                }
                "opt"
            }
            "ll" => {
                arguments.extend(["-filetype=obj".into(), format!("-mtriple={}", target.triple)]);
                if target.machine.pic {
                    arguments.push("-relocation-model=pic".into());
                }
                "llc"
            }
            _ => {
                arguments.extend(["-c".into(), "-w".into(), format!("--target={}", target.triple)]);
                arguments.extend(target.clang.iter().map(|flag| flag.to_string()));
                match kind {
                    Kind::Native => {}
                    Kind::FullLto => arguments.push("-flto".into()),
                    Kind::ThinLto => arguments.push("-flto=thin".into()),
                }
                if ending == "cc" {
                    "clang++"
                } else {
                    "clang"
                }
            }
        };
        arguments.extend(source.flags.iter().cloned());
        let name = format!("{stem}.o");
        // An output of `-r` that has the file defines all of it once more.
        let strong = source.strong.iter().cloned().chain([name.clone()]).collect();
        let bytes = self.cached(tool, &arguments, &source.file, source.text.as_bytes(), &name)?;
        Ok(PoolFile { name, bytes, defines: source.defines, strong, needs: source.needs })
    }

    /// Runs a compiler in a directory of its own, or takes what it gave the last time.
    fn cached(
        &self,
        tool: &str,
        arguments: &[String],
        file: &str,
        text: &[u8],
        output: &str,
    ) -> Result<Vec<u8>, String> {
        let mut hasher = DefaultHasher::new();
        (tool, arguments, file, text).hash(&mut hasher);
        let directory = self.directory.join(format!("{:016x}", hasher.finish()));
        let result = directory.join(output);
        if let Ok(bytes) = fs::read(&result) {
            return Ok(bytes);
        }
        let wrong = |e: std::io::Error| format!("{}: {e}", directory.display());
        fs::create_dir_all(&directory).map_err(wrong)?;
        fs::write(directory.join(file), text).map_err(wrong)?;
        let mut command = Command::new(self.tools.directory.join(tool));
        command.args(arguments).args([file, "-o", "unfinished"]).current_dir(&directory).stdin(Stdio::null());
        let done = command.output().map_err(|e| format!("{tool}: {e}"))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            return Err(format!("{}: {}", directory.join(file).display(), said.trim()));
        }
        fs::rename(directory.join("unfinished"), &result).map_err(wrong)?;
        fs::read(&result).map_err(wrong)
    }

    /// Links objects to an input for other links. `None` if wasm-ld refuses them.
    fn combine(&self, target: &Target, job: Combined) -> Option<PoolFile> {
        let mut hasher = DefaultHasher::new();
        job.options.hash(&mut hasher);
        job.parts.iter().for_each(|part| part.bytes.hash(&mut hasher));
        (&job.name, target.name).hash(&mut hasher);
        let directory = self.directory.join(format!("{:016x}", hasher.finish()));
        let result = directory.join(&job.name);
        if !result.exists() {
            fs::create_dir_all(&directory).ok()?;
            for part in &job.parts {
                fs::write(directory.join(&part.name), &part.bytes).ok()?;
            }
            let mut command = Command::new(&self.tools.wasm_ld);
            command.args(target.link).args(&job.options).args(job.parts.iter().map(|part| &part.name));
            command.args(["-o", &job.name]).current_dir(&directory);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().ok()?;
        }
        let bytes = fs::read(&result).ok()?;
        let union = |names: fn(&PoolFile) -> &BTreeSet<String>| -> BTreeSet<String> {
            job.parts.iter().flat_map(|part| names(part).iter().cloned()).collect()
        };
        let defines = union(|file| &file.defines);
        let strong = union(|file| &file.strong);
        let needs = union(|file| &file.needs).difference(&defines).cloned().collect();
        Some(PoolFile { name: job.name, bytes, defines, strong, needs })
    }
}

/// Objects that become one file.
struct Combined {
    name: String,
    parts: Vec<Arc<PoolFile>>,
    options: Vec<String>,
}

impl Combined {
    fn new(objects: &[Arc<PoolFile>], kind: &str, number: usize, random: &mut Random) -> Combined {
        let mut parts: Vec<Arc<PoolFile>> = Vec::new();
        for _ in 0..1 + random.below(4) {
            let part = &objects[random.below(objects.len())];
            if parts.iter().all(|other| other.name != part.name) {
                parts.push(Arc::clone(part));
            }
        }
        let (name, mut options) = match kind {
            "r" => (format!("r{number}.o"), vec!["-r".to_string()]),
            _ => {
                let options = ["-shared", "--unresolved-symbols=import-dynamic", "--no-check-features"];
                (format!("lib{number}.so"), options.map(String::from).to_vec())
            }
        };
        for (percent, option) in
            [(15, "--no-gc-sections"), (10, "--export-all"), (15, "--strip-debug"), (10, "-Bsymbolic")]
        {
            if random.chance(percent) {
                options.push(option.into());
            }
        }
        options.push("--allow-multiple-definition".into());
        Combined { name, parts, options }
    }
}
