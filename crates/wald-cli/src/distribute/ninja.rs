//! Runs jobs by `ninja`: writes a build file, and starts it.

use super::jobs::{Failure, Job, Plan};
use crate::child_group::{end_all, ChildGroup, Pauses};
use crate::signals::Forwarding;
use crate::text::{error_text, from_path, to_bytes};
use std::process::{Command, Stdio};

/// Runs all jobs.
pub fn run(jobs: &[Job], plan: &Plan<'_>) -> Result<(), Failure> {
    let forwarding = Forwarding::begin();
    let file = plan.folder.join("build.ninja");
    let text = build_file(jobs, plan)?;
    std::fs::write(&file, to_bytes(&text))
        .map_err(|error| format!("cannot write {}: {}", from_path(&file), error_text(&error)))?;
    jobs.iter().for_each(Job::remove_outputs);
    let mut command = Command::new("ninja");
    command.arg("--quiet").arg(format!("-j{}", plan.parallel)).arg("-f").arg(&file).stdin(Stdio::null());
    let cannot_start = |error| format!("cannot start ninja: {}", error_text(&error));
    let mut ninja = ChildGroup::start(&mut command).map_err(cannot_start)?;
    let mut pauses = Pauses::new();
    let status = loop {
        if let Some(signal) = forwarding.received() {
            end_all([ninja]);
            return Err(Failure::Signal(signal));
        }
        match ninja.try_wait().map_err(cannot_start)? {
            Some(status) => break status,
            None => pauses.pause(),
        }
    };
    if !status.success() {
        return Err(format!("ninja failed ({status})").into());
    }
    match jobs.iter().find_map(|job| Some((job, job.missing_output()?))) {
        Some((job, path)) => Err(format!("{}: the job did not write {path}", job.name()).into()),
        None => Ok(()),
    }
}

/// The build file.
fn build_file(jobs: &[Job], plan: &Plan<'_>) -> Result<String, String> {
    let mut text = format!("builddir = {}\n", value(&from_path(plan.folder))?);
    text += "rule job\n  command = $line\n  description = $in\n";
    for job in jobs {
        let paths = |paths: &[String]| {
            paths.iter().map(|name| path(name)).collect::<Result<Vec<_>, _>>().map(|names| names.join(" "))
        };
        let [outputs, inputs] = [paths(&job.outputs)?, paths(&job.inputs)?];
        text += &format!("build {outputs}: job {inputs}\n  line = {}\n", value(&line(job, plan))?);
    }
    Ok(text)
}

/// The shell's command line of a job.
fn line(job: &Job, plan: &Plan<'_>) -> String {
    let quoted = |words: &[String]| words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let (plain, outputs) = (quoted(&job.command), quoted(&job.outputs));
    if plan.wrapper.is_empty() {
        return plain;
    }
    let is_written: String = job.outputs.iter().map(|path| format!(" && test -s {}", quote(path))).collect();
    let (wrapped, note) = (quoted(&job.wrapped(plan.wrapper)), quote(&job.fallback_note(plan, "")));
    format!("{{ {wrapped}{is_written}; }} || {{ echo {note} >&2; rm -f {outputs}; {plain}; }}")
}

/// A word for a POSIX shell.
fn quote(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_=./+,:@%".contains(character);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A value of a variable.
fn value(text: &str) -> Result<String, String> {
    match text.contains('\n') {
        true => Err(format!("ninja cannot have line breaks in names: {text:?}")),
        false => Ok(text.replace('$', "$$")),
    }
}

/// A path in a list of them.
fn path(text: &str) -> Result<String, String> {
    value(text).map(|text| text.replace(' ', "$ ").replace(':', "$:").replace('|', "$|"))
}

#[cfg(test)]
mod tests {
    use super::super::jobs::{read, tests::TWO_JOBS};
    use super::*;
    use std::path::Path;

    #[test]
    fn names_are_quoted() {
        let jobs = read(TWO_JOBS).unwrap();
        let mut plan = Plan { program: "wald", parallel: 1, wrapper: &[], folder: Path::new("/t $") };
        assert_eq!(
            build_file(&jobs, &plan).unwrap(),
            "builddir = /t $$\nrule job\n  command = $line\n  description = $in\n\
             build a$$.n: job a$ b.o a$:i a.prof\n  line = clang -O2 'a b.o' -o 'a$$.n'\n\
             build c.n: job c.o a.prof\n  line = clang -O2 '' 'it'\\''s'\n"
        );
        let wrapper = ["icecc".to_string()];
        plan.wrapper = &wrapper;
        assert_eq!(
            line(&jobs[1], &plan),
            "{ icecc clang -O2 '' 'it'\\''s' && test -s c.n; } || { echo 'wald: note: c.o: icecc failed; running the job without it' >&2; \
             rm -f c.n; clang -O2 '' 'it'\\''s'; }"
        );
        assert!(value("a\nb").is_err());
    }
}
