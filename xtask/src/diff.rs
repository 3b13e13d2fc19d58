//! `cargo xtask diff`: both linkers on the real link jobs, compared byte for byte.

use crate::arguments::Arguments;
use crate::corpus;
use crate::explain::first_difference;
use crate::job::{self, Answer};
use crate::lto_jobs;
use crate::workspace;
use std::path::{Path, PathBuf};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask diff [JOB…] [--variant NAME]…
       cargo xtask diff --lto [--variant NAME]…

Links each job (default: all that are built) with Wald's release build and with wasm-ld-22, and compares exit
codes, bytes and messages. Explains the first difference, and fails if there is one. Outputs of `-r` are linked again
by both and compared again.

  --variant NAME   only this variant, may be repeated; 'plain' is the unchanged job
  --lto            the jobs of bitcode that are built, which have variants of their own
  --keep           keep both modules of a difference in target/diff
  --list           the variants

ENVIRONMENT
  WALD_BIN     another linker in Wald's place
  WALD_CORPUS  the folder of the jobs (default target/corpus)
";

/// Name and added arguments.
pub type Variant = (&'static str, &'static [&'static str]);

/// The variants. wasm-ld refuses --compress-relocations beside debug info.
const VARIANTS: &[Variant] = &[
    ("plain", &[]),
    ("strip-debug", &["--strip-debug"]),
    ("no-gc-sections", &["--no-gc-sections"]),
    ("O0", &["-O0"]),
    ("O2", &["-O2"]),
    ("no-merge-data-segments", &["--no-merge-data-segments"]),
    ("export-all", &["--export-all"]),
    ("compress-relocations", &["--compress-relocations", "--strip-debug"]),
    ("emit-relocs", &["--emit-relocs"]),
    // Most jobs are not position-independent code. Then the errors are compared.
    ("pie", &["-pie", "--experimental-pic"]),
    ("shared", &["-shared", "--experimental-pic"]),
    (RELOCATABLE, &["-r", "--no-gc-sections"]),
];

/// The variants of jobs of bitcode. What the linker does with objects is the same as above, so only those are here that change what code
/// is generated, or what must survive.
pub const LTO_VARIANTS: &[Variant] = &[
    ("plain", &[]),
    ("lto-O0", &["--lto-O0"]),
    ("lto-O1", &["--lto-O1"]),
    ("lto-O3", &["--lto-O3"]),
    ("lto-CGO0", &["--lto-CGO0"]),
    ("partitions", &["--lto-partitions=3"]),
    ("one-job", &["--thinlto-jobs=1", "--threads=1"]),
    ("inline-more", &["-mllvm", "-inline-threshold=1000", "--no-gc-sections"]),
    ("export-all", &["--export-all"]),
    ("export-dynamic", &["--export-dynamic", "--strip-debug"]),
    ("emit-relocs", &["--emit-relocs"]),
    ("pie", &["-pie", "--experimental-pic", "--unresolved-symbols=import-dynamic"]),
    ("shared", &["-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic"]),
    (RELOCATABLE, &["-r", "--no-gc-sections"]),
];

/// The variant whose output is linked again, by both.
const RELOCATABLE: &str = "relocatable";

/// With which options.
const AGAIN: [&[&str]; 2] = [&[], &["-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic"]];

/// Both linkers, and where they write.
pub struct Linkers {
    wald: PathBuf,
    wasm_ld: PathBuf,
    output: PathBuf,
    keep: bool,
}

/// What came out of one comparison.
pub enum Outcome {
    /// The same bytes.
    Same,
    /// Both refused, with the same words.
    Refused,
    /// In words.
    Different(String),
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    if args.flag("list") {
        for (kind, variants) in [("", VARIANTS), ("\nof bitcode:\n", LTO_VARIANTS)] {
            print!("{kind}");
            variants.iter().for_each(|(name, options)| println!("{name:24} {}", options.join(" ")));
        }
        return Ok(());
    }
    let wanted = args.values("variant")?;
    let (keep, lto) = (args.flag("keep"), args.flag("lto"));
    let words = args.words()?;
    let jobs = if lto && words.is_empty() { corpus::built_of_bitcode() } else { corpus::select(&words)? };
    let (of_bitcode, native): (Vec<String>, Vec<String>) =
        jobs.into_iter().partition(|job| lto_jobs::is_bitcode(job));
    check_variants(&wanted)?;
    let folder = workspace::root().join("target/diff");
    workspace::create_folder(&folder)?;
    let wald = workspace::wald_to_measure()?;
    let linkers = Linkers { keep, ..Linkers::new(&wald, &folder.join("out.wasm"))? };
    let mut differences = 0;
    for (jobs, variants) in [(native, VARIANTS), (of_bitcode, LTO_VARIANTS)] {
        let is_wanted = |(name, _): &Variant| wanted.is_empty() || wanted.iter().any(|other| other == name);
        let variants: Vec<Variant> = variants.iter().copied().filter(is_wanted).collect();
        differences += linkers.compare_all(&jobs, &variants)?;
    }
    match differences {
        0 => Ok(()),
        1 => Err("1 link differs".into()),
        _ => Err(format!("{differences} links differ")),
    }
}

fn check_variants(wanted: &[String]) -> Result<(), String> {
    let is_known = |name: &String| VARIANTS.iter().chain(LTO_VARIANTS).any(|(known, _)| known == name);
    match wanted.iter().find(|name| !is_known(name)) {
        Some(name) => Err(format!("there is no variant '{name}' (--list lists them)")),
        None => Ok(()),
    }
}

impl Outcome {
    fn cell(&self) -> String {
        match self {
            Outcome::Same => "same".into(),
            Outcome::Refused => "refused".into(),
            Outcome::Different(_) => "DIFFERENT".into(),
        }
    }
}

impl Linkers {
    /// A Wald beside wasm-ld. They write to `output` in turns.
    pub fn new(wald: &Path, output: &Path) -> Result<Linkers, String> {
        Ok(Linkers { wald: wald.into(), wasm_ld: workspace::wasm_ld()?, output: output.into(), keep: false })
    }

    /// Prints the differences and a table. Returns the number of differences.
    fn compare_all(&self, jobs: &[String], variants: &[Variant]) -> Result<usize, String> {
        let mut table = Vec::new();
        let mut differences = 0;
        for job in jobs {
            let mut cells = vec![job.clone()];
            for &variant in variants {
                let outcome = self.compare(&corpus::folder().join(job), job, variant)?;
                cells.push(outcome.cell());
                if let Outcome::Different(text) = outcome {
                    differences += 1;
                    println!("{job}, {}: {text}", variant.0);
                }
            }
            table.push(cells);
        }
        if !table.is_empty() {
            print_table(variants, &table);
        }
        Ok(differences)
    }

    /// Links the job in a folder with both.
    pub fn compare(&self, folder: &Path, job: &str, (variant, options): Variant) -> Result<Outcome, String> {
        // Both write to the same path: its base name lands in the name section, and messages show it.
        let reference = job::link(&self.wasm_ld, folder, options, &self.output)?;
        let wald = job::link(&self.wald, folder, options, &self.output)?;
        let mut outcome = compare_answers(&wald, &reference);
        // Wald's object keeps the flags of segments (`segment-flags` in docs/differences.md), so its use is compared instead.
        if let (RELOCATABLE, Some(object), Some(_)) = (variant, &wald.module, &reference.module) {
            outcome = self.compare_again(object)?;
        }
        if self.keep && matches!(outcome, Outcome::Different(_)) {
            let beside = |name: &str| self.output.with_file_name(format!("{job}.{variant}.{name}.wasm"));
            keep_module(&beside("wald"), &wald)?;
            keep_module(&beside("wasm-ld"), &reference)?;
        }
        let _ = std::fs::remove_file(&self.output);
        Ok(outcome)
    }
}

impl Linkers {
    /// Links one object that is a whole program; and as a shared library, which is refused alike unless its code is
    /// position-independent.
    fn compare_again(&self, object: &[u8]) -> Result<Outcome, String> {
        let path = self.output.with_file_name("whole.o");
        workspace::write(&path, object)?;
        let mut outcome = Outcome::Refused;
        for options in AGAIN {
            let reference = job::link_object(&self.wasm_ld, &path, options, &self.output)?;
            let wald = job::link_object(&self.wald, &path, options, &self.output)?;
            match compare_answers(&wald, &reference) {
                Outcome::Same => outcome = Outcome::Same,
                Outcome::Refused => {}
                Outcome::Different(text) => {
                    return Ok(Outcome::Different(format!("linked again {}: {text}", options.join(" "))));
                }
            }
        }
        let _ = std::fs::remove_file(&path);
        Ok(outcome)
    }
}

fn keep_module(path: &Path, answer: &Answer) -> Result<(), String> {
    match &answer.module {
        Some(module) => workspace::write(path, module),
        None => Ok(()),
    }
}

/// Compares two answers. Behind wasm-ld's own lines Wald may add ones that begin with `note: ` or `help: `.
fn compare_answers(wald: &Answer, reference: &Answer) -> Outcome {
    let code = |answer: &Answer| answer.code.map_or("a signal".into(), |code| code.to_string());
    if wald.code != reference.code {
        return Outcome::Different(format!(
            "wald ends with {}, wasm-ld with {}\n  wald says:    {}\n  wasm-ld says: {}",
            code(wald),
            code(reference),
            wald.said.trim_end(),
            reference.said.trim_end()
        ));
    }
    let own = |line: &&str| !["note: ", "help: "].iter().any(|start| line.trim_start().starts_with(start));
    let (ours, theirs) = (wald.said.lines().filter(own), reference.said.lines());
    if !ours.clone().eq(theirs.clone()) {
        let at = ours.clone().zip(theirs.clone()).take_while(|(our, their)| our == their).count();
        let line =
            |mut lines: Box<dyn Iterator<Item = &str> + '_>| lines.nth(at).unwrap_or("(nothing)").to_string();
        return Outcome::Different(format!(
            "line {} of the messages differs\n  wald says:    {}\n  wasm-ld says: {}",
            at + 1,
            line(Box::new(ours)),
            line(Box::new(theirs))
        ));
    }
    match (&wald.module, &reference.module) {
        (None, None) => Outcome::Refused,
        (Some(ours), Some(theirs)) => match first_difference(ours, theirs) {
            None => Outcome::Same,
            Some(text) => Outcome::Different(text),
        },
        (Some(_), None) => Outcome::Different("only wald writes a module".into()),
        (None, Some(_)) => Outcome::Different("only wasm-ld writes a module".into()),
    }
}

fn print_table(variants: &[(&str, &[&str])], rows: &[Vec<String>]) {
    let head = std::iter::once("job").chain(variants.iter().map(|(name, _)| *name));
    println!("| {} |", head.collect::<Vec<_>>().join(" | "));
    println!("|{}", "---|".repeat(variants.len() + 1));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, module: Option<&[u8]>, said: &str) -> Answer {
        Answer { code: Some(code), module: module.map(<[u8]>::to_vec), said: said.into() }
    }

    fn text(outcome: Outcome) -> String {
        match outcome {
            Outcome::Different(text) => text,
            other => other.cell(),
        }
    }

    #[test]
    fn codes_messages_and_modules_are_compared() {
        let refused = answer(1, None, "wasm-ld: error: no\n");
        assert_eq!(text(compare_answers(&refused, &refused)), "refused");
        let with_help = answer(1, None, "wasm-ld: error: no\n    note: at\nhelp: do\n");
        assert_eq!(text(compare_answers(&with_help, &refused)), "refused");
        assert!(text(compare_answers(&refused, &with_help)).contains("line 2"));
        let linked = answer(0, Some(b"\0asm\x01\0\0\0"), "");
        assert_eq!(text(compare_answers(&linked, &linked)), "same");
        assert!(text(compare_answers(&linked, &refused)).contains("ends with 0, wasm-ld with 1"));
        assert!(text(compare_answers(&linked, &answer(0, None, ""))).contains("only wald"));
    }
}
