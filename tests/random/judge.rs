//! Runs both linkers and says what differs.

use crate::recipe::Recipe;
use crate::rules::{self, Difference};
use std::path::{Path, PathBuf};
use wald_tests::compare::{different_bytes, different_text, mask_build_id, only_adds_notes};
use wald_tests::link::{link, Answer};
use wald_tests::validate::{sections, validate};

/// The two linkers and their folder.
pub struct Linkers {
    /// The reference.
    pub wasm_ld: PathBuf,
    /// Ours.
    pub wald: PathBuf,
}

/// How a link went.
pub enum Verdict {
    /// Both wrote the same module.
    SameModule,
    /// Both failed in the same way: the first message.
    SameError(String),
    /// An entry of `docs/differences.md` names the difference.
    Excused(&'static str),
    /// They differ, or the module is invalid.
    Finding(Finding),
}

/// A difference.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What differs, without names and numbers: two findings of one kind are probably the same fault.
    pub kind: String,
    /// In full.
    pub text: String,
}

/// Links in `directory`, which then has the inputs, and both outputs beside them.
pub fn judge(recipe: &Recipe, linkers: &Linkers, directory: &Path) -> Result<Verdict, String> {
    let inputs = directory.join("in");
    recipe.write_inputs(&inputs)?;
    let arguments = recipe.arguments();
    let run = |linker: &Path, name: &str| link(linker, &arguments, &[], &inputs, &directory.join(name));
    let reference = run(&linkers.wasm_ld, "wasm-ld")?;
    let wald = run(&linkers.wald, "wald")?;
    let Some(mut finding) = compare(&reference, &wald, recipe) else {
        return Ok(match wald.code {
            0 => Verdict::SameModule,
            _ => Verdict::SameError(first_error(&shown(&wald.stderr))),
        });
    };
    let again = run(&linkers.wasm_ld, "wasm-ld-again")?;
    let unstable = reference.clone().without_crash_report() != again.without_crash_report();
    if let Some(id) = rules::excuse(&Difference { recipe, reference: &reference, wald: &wald }) {
        return Ok(Verdict::Excused(id));
    }
    if unstable {
        finding.kind.insert_str(0, "unstable: ");
        finding.text.push_str("\nanother run of wasm-ld gives another answer");
    }
    Ok(Verdict::Finding(finding))
}

/// The first difference, or what is wrong with a module that both write.
fn compare(reference: &Answer, wald: &Answer, recipe: &Recipe) -> Option<Finding> {
    let finding = |kind: String, text: String| Some(Finding { kind, text });
    let (said, says) = (shown(&reference.stderr), shown(&wald.stderr));
    if reference.code != wald.code || reference.crashed() {
        let difference = crash_place(&said).unwrap_or_else(|| first_words(&said, &says));
        let kind = format!("exit code {} for {}: {difference}", wald.code, reference.code);
        return finding(
            kind,
            format!("wasm-ld: exit code {}\n{said}wald: exit code {}\n{says}", reference.code, wald.code),
        );
    }
    if reference.stderr != wald.stderr && !only_adds_notes(&wald.stderr, &reference.stderr) {
        let kind = format!("stderr: {}", first_words(&said, &says));
        return finding(kind, different_text("stderr", &wald.stderr, &reference.stderr));
    }
    let is_random = recipe.has("build-id");
    let masked = |bytes: &[u8]| if is_random { mask_build_id(bytes) } else { bytes.to_vec() };
    if masked(&reference.stdout) != masked(&wald.stdout) {
        let kind = format!("stdout: {}", first_words(&shown(&reference.stdout), &shown(&wald.stdout)));
        return finding(kind, different_text("stdout", &wald.stdout, &reference.stdout));
    }
    for (name, expected) in &reference.files {
        let Some(got) = wald.files.get(name) else {
            return finding(format!("{name} is missing"), format!("{name} was not written"));
        };
        if masked(expected) != masked(got) {
            let kind = format!("{name}: {}", place_of_difference(expected, got));
            let mut text = different_bytes(name, got, expected);
            for (linker, bytes) in [("wasm-ld", expected), ("Wald", got)] {
                let wrong = validate(bytes).err().filter(|_| bytes.starts_with(b"\0asm"));
                text.extend(wrong.map(|error| format!("\n  of {linker}: {error}")));
            }
            return finding(kind, text);
        }
    }
    if let Some(name) = wald.files.keys().find(|name| !reference.files.contains_key(*name)) {
        return finding(format!("{name} is too much"), format!("{name} was written by Wald only"));
    }
    let invalid = rules::module(wald).and_then(|contents| validate(contents).err())?;
    let kind = format!("invalid: {}", template(invalid.split(" (at offset").next().unwrap_or_default()));
    finding(kind, format!("both write the same module, which is invalid: {invalid}"))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn first_error(stderr: &str) -> String {
    let error = stderr.lines().find(|line| line.contains("error: ")).unwrap_or_default();
    template(error).replace("wasm-ld: error: ", "")
}

/// The function in which wasm-ld crashes, from its stack dump.
fn crash_place(said: &str) -> Option<String> {
    let of_linker = |line: &str| Some(line[line.find(" lld::")? + 1..].split('(').next()?.to_string());
    said.contains("Stack dump:").then(|| said.lines().find_map(of_linker))?
}

/// The first line that differs, of both, without what is particular to it.
fn first_words(a: &str, b: &str) -> String {
    let mut a = a.lines();
    let mut b = b.lines();
    loop {
        let (left, right) = (a.next(), b.next());
        if left != right || left.is_none() {
            return format!("{} / {}", template(left.unwrap_or("-")), template(right.unwrap_or("-")));
        }
    }
}

/// Words without digits, dots and quotes, as messages have them.
fn template(line: &str) -> String {
    let plain =
        |word: &&str| word.trim_end_matches([':', ',']).chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let words: Vec<&str> = line.split(' ').filter(plain).take(8).collect();
    words.join(" ")
}

fn place_of_difference(expected: &[u8], got: &[u8]) -> String {
    if !expected.starts_with(b"\0asm") {
        return "text".into();
    }
    let (expected_sections, got_sections) = (sections(expected), sections(got));
    let names =
        |list: &[wald_tests::validate::Section]| list.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    if names(&expected_sections) != names(&got_sections) {
        return "other sections".into();
    }
    let pairs = expected_sections.iter().zip(&got_sections);
    let differ = |(a, b): &(&wald_tests::validate::Section, &wald_tests::validate::Section)| {
        expected.get(a.range.clone()) != got.get(b.range.clone())
    };
    let sections: Vec<&str> = pairs.filter(differ).map(|(a, _)| a.name.as_str()).collect();
    sections.join(" ")
}
