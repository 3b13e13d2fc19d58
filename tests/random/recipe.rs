//! One random link: which files, in which form, with which options.

use crate::archive::{self, Form};
use crate::options;
use crate::pool::{PoolFile, Target, TargetPool};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use wald_tests::random::Random;

/// How many objects a link has at most because others need them.
const CLOSURE: usize = 14;

/// A part of the command line that reduction takes away or keeps as a whole.
#[derive(Clone)]
pub enum Part {
    /// An option with its value.
    Option(Vec<String>),
    /// Files in one of the forms in which a linker takes them.
    Files(Holder, Vec<Arc<PoolFile>>),
    /// A text file, and how the command line names it.
    Text(String, String, Vec<String>),
}

/// The form in which files are given.
#[derive(Clone)]
pub enum Holder {
    /// Each by its name.
    Plain,
    /// Between `--start-lib` and `--end-lib`.
    Lib,
    /// In an archive of this path.
    Archive(String, Form),
    /// In an archive that is searched as `-l NAME`.
    Searched(String, Form),
    /// In an archive of which all members are linked.
    Whole(String, Form),
}

impl Part {
    /// True for a library that is linked at run time.
    pub fn is_shared_library(&self) -> bool {
        matches!(self, Part::Files(_, files) if files.iter().any(|file| file.name.ends_with(".so")))
    }
}

/// One link.
#[derive(Clone)]
pub struct Recipe {
    /// What the command line consists of, in order.
    pub parts: Vec<Part>,
    /// All arguments are in a response file.
    pub response: bool,
}

impl Recipe {
    /// Makes one up from what a target has.
    pub fn random(target: &Target, pool: &TargetPool, random: &mut Random) -> Recipe {
        let mut parts = Vec::new();
        if random.chance(99) {
            parts.extend(target.link.iter().map(|option| Part::Option(vec![option.to_string()])));
        }
        if random.chance(75) {
            let policy = random.pick(&[
                "--allow-undefined",
                "--unresolved-symbols=import-dynamic",
                "--unresolved-symbols=ignore-all",
                "--import-undefined",
                "--warn-unresolved-symbols",
            ]);
            parts.push(Part::Option(vec![policy.into()]));
        }
        let files = closure(pool, random);
        let has_entry = files.iter().any(|file| file.defines.contains("_start"));
        if !has_entry && random.chance(93) {
            parts.push(Part::Option(vec!["--no-entry".into()]));
        }
        let mut files = holders(files, random);
        if random.chance(25) {
            files.extend(shared_libraries(pool, random));
        }
        if random.chance(12) {
            files.push(stub_library(random));
        }
        if random.chance(6) {
            files.push(undefined_file(random));
        }
        parts.extend(files);
        for option in options::random(random) {
            let needs_pic = ["--shared", "--pie"].contains(&option[0].as_str());
            if needs_pic && !target.machine.pic && random.chance(80) {
                continue;
            }
            // Most options apply everywhere, some only to what follows them.
            let place = if random.chance(30) { random.below(parts.len() + 1) } else { 0 };
            if option[0] == "--compress-relocations" && random.chance(90) {
                parts.insert(place, Part::Option(vec!["--strip-debug".into()]));
            }
            parts.insert(place, Part::Option(option));
        }
        if random.chance(99) {
            parts.push(Part::Option(vec!["-o".into(), "out.wasm".into()]));
        }
        Recipe { parts, response: random.chance(4) }
    }

    /// Adds what only bitcode makes use of.
    pub fn add_options_for_bitcode(&mut self, random: &mut Random) {
        for option in options::for_bitcode(random) {
            self.parts.insert(0, Part::Option(option));
        }
    }

    /// Whether one of the inputs, or a member of one, is LLVM bitcode.
    pub fn has_bitcode(&self) -> bool {
        let is_bitcode = |file: &Arc<PoolFile>| file.bytes.starts_with(b"BC\xc0\xde");
        self.parts.iter().any(|part| matches!(part, Part::Files(_, files) if files.iter().any(is_bitcode)))
    }

    /// The command line without a response file.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.parts.iter().any(|part| matches!(part, Part::Files(Holder::Searched(..), _))) {
            words.push("-Llib".to_string());
        }
        for part in &self.parts {
            match part {
                Part::Option(option) => words.extend(option.iter().cloned()),
                Part::Text(_, _, arguments) => words.extend(arguments.iter().cloned()),
                Part::Files(holder, files) => {
                    let names = files.iter().map(|file| file.name.clone());
                    match holder {
                        Holder::Plain => words.extend(names),
                        Holder::Lib => {
                            words.push("--start-lib".into());
                            words.extend(names);
                            words.push("--end-lib".into());
                        }
                        Holder::Archive(path, _) => words.push(path.clone()),
                        Holder::Searched(name, _) => words.push(format!("-l{name}")),
                        Holder::Whole(path, _) => words.extend([
                            "--whole-archive".into(),
                            path.clone(),
                            "--no-whole-archive".into(),
                        ]),
                    }
                }
            }
        }
        words
    }

    /// The arguments for the linker.
    pub fn arguments(&self) -> Vec<String> {
        if self.response {
            vec!["@arguments.rsp".into()]
        } else {
            self.words()
        }
    }

    /// True if one of the arguments is `option`, or it with a value.
    pub fn has(&self, option: &str) -> bool {
        let plain = |word: &str| word.trim_start_matches('-').split('=').next() == Some(option);
        self.words().iter().any(|word| word.starts_with('-') && plain(word))
    }

    /// The files that it reads.
    pub fn inputs(&self) -> BTreeMap<String, Vec<u8>> {
        let mut inputs = BTreeMap::new();
        for part in &self.parts {
            match part {
                Part::Option(_) => {}
                Part::Text(name, contents, _) => {
                    drop(inputs.insert(name.clone(), contents.clone().into_bytes()))
                }
                Part::Files(holder, files) => {
                    let mut archive = |path: &str, form: Form| {
                        let folder =
                            path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                        let thin = |file: &PoolFile| {
                            if form == Form::Thin {
                                format!("m/{}", file.name)
                            } else {
                                file.name.clone()
                            }
                        };
                        let names: Vec<String> = files.iter().map(|file| thin(file)).collect();
                        let members: Vec<(&str, &[u8])> = names
                            .iter()
                            .zip(files)
                            .map(|(name, file)| (name.as_str(), &file.bytes[..]))
                            .collect();
                        if form == Form::Thin {
                            for (name, bytes) in &members {
                                inputs.insert(format!("{folder}{name}"), bytes.to_vec());
                            }
                        }
                        inputs.insert(path.to_string(), archive::write(form, &members));
                    };
                    match holder {
                        Holder::Plain | Holder::Lib => {
                            inputs.extend(files.iter().map(|file| (file.name.clone(), file.bytes.clone())))
                        }
                        Holder::Archive(path, form) | Holder::Whole(path, form) => archive(path, *form),
                        Holder::Searched(name, form) => archive(&format!("lib/lib{name}.a"), *form),
                    }
                }
            }
        }
        if self.response {
            let words: Vec<String> = self.words().iter().map(|word| quoted(word)).collect();
            inputs.insert("arguments.rsp".into(), format!("{}\n", words.join(" ")).into_bytes());
        }
        inputs
    }

    /// Writes the inputs to a new directory.
    pub fn write_inputs(&self, directory: &Path) -> Result<(), String> {
        let _ = fs::remove_dir_all(directory);
        fs::create_dir_all(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
        for (name, contents) in self.inputs() {
            let path = directory.join(&name);
            if let Some(parent) = path.parent().filter(|_| name.contains('/')) {
                fs::create_dir_all(parent).map_err(|e| format!("{name}: {e}"))?;
            }
            fs::write(&path, contents).map_err(|e| format!("{name}: {e}"))?;
        }
        Ok(())
    }

    /// The command line for a shell.
    pub fn command(&self) -> String {
        let words: Vec<String> = self.arguments().iter().map(|word| quoted(word)).collect();
        words.join(" ")
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,@+:%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{word}'"),
    }
}

/// A few objects, and most of what they need.
fn closure(pool: &TargetPool, random: &mut Random) -> Vec<Arc<PoolFile>> {
    let mut chosen: Vec<Arc<PoolFile>> = Vec::new();
    let mut names = BTreeSet::new();
    let careless = random.chance(6);
    let mut strong: BTreeSet<String> = BTreeSet::new();
    let mut add = |chosen: &mut Vec<Arc<PoolFile>>, file: &Arc<PoolFile>| {
        if (careless || strong.is_disjoint(&file.strong)) && names.insert(file.name.clone()) {
            strong.extend(file.strong.iter().cloned());
            chosen.push(Arc::clone(file));
        }
    };
    for _ in 0..1 + random.below(4) {
        add(&mut chosen, &pool.objects[random.below(pool.objects.len())]);
    }
    let limit = random.pick(&[0, 4, CLOSURE, CLOSURE, CLOSURE]);
    let mut next = 0;
    while next < chosen.len() && chosen.len() < limit {
        let file = Arc::clone(&chosen[next]);
        next += 1;
        for name in &file.needs {
            let defined = chosen.iter().any(|other| other.defines.contains(name));
            if defined || !random.chance(90) {
                continue;
            }
            if name == "rt" {
                pool.objects
                    .iter()
                    .filter(|other| other.defines.contains("rt"))
                    .for_each(|other| add(&mut chosen, other));
                continue;
            }
            let candidates: Vec<_> =
                pool.objects.iter().filter(|other| other.defines.contains(name)).collect();
            if !candidates.is_empty() {
                add(&mut chosen, candidates[random.below(candidates.len())]);
            }
        }
    }
    chosen
}

/// Puts files into archives and the like.
fn holders(files: Vec<Arc<PoolFile>>, random: &mut Random) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = files.into_iter();
    parts.extend(rest.next().map(|file| Part::Files(Holder::Plain, vec![file])));
    let mut rest: Vec<_> = rest.collect();
    let mut number = 0;
    while !rest.is_empty() {
        let count = 1 + random.below(rest.len().min(5));
        let taken: Vec<_> = rest.drain(..count).collect();
        let form = Form::random(random);
        number += 1;
        let holder = match random.below(12) {
            0..=5 => Holder::Plain,
            6 => Holder::Lib,
            7 => Holder::Searched(format!("n{number}"), form),
            8 => Holder::Whole(format!("whole{number}.a"), form),
            9 => Holder::Archive(format!("deep/er/a name{number}.a"), form),
            _ => Holder::Archive(format!("lib{number}.a"), form),
        };
        match holder {
            // Each for itself, so that reduction can take single ones.
            Holder::Plain => {
                parts.extend(taken.into_iter().map(|file| Part::Files(Holder::Plain, vec![file])))
            }
            holder => parts.push(Part::Files(holder, taken)),
        }
    }
    if random.chance(15) && parts.len() > 1 {
        let part = parts.remove(random.below(parts.len()));
        parts.push(part);
    }
    parts
}

fn shared_libraries(pool: &TargetPool, random: &mut Random) -> Vec<Part> {
    let mut parts = Vec::new();
    if random.chance(85) {
        parts.push(Part::Option(vec!["-Bdynamic".into()]));
    }
    for _ in 0..1 + random.below(2) {
        if !pool.shared.is_empty() {
            let file = &pool.shared[random.below(pool.shared.len())];
            parts.push(Part::Files(Holder::Plain, vec![Arc::clone(file)]));
        }
    }
    parts
}

fn stub_library(random: &mut Random) -> Part {
    let mut text = "#STUB\n".to_string();
    for _ in 0..1 + random.below(6) {
        text.push_str(&options::symbol(random));
        for number in 0..random.below(3) {
            text.push_str(if number == 0 { ": " } else { "," });
            text.push_str(&options::symbol(random));
        }
        text.push('\n');
    }
    Part::Text("stub.so".into(), text, vec!["stub.so".into()])
}

fn undefined_file(random: &mut Random) -> Part {
    let names: Vec<String> = (0..1 + random.below(5)).map(|_| options::symbol(random)).collect();
    let text = format!("# allowed\n{}\n", names.join("\n"));
    Part::Text("allowed.txt".into(), text, vec!["--allow-undefined-file=allowed.txt".into()])
}
