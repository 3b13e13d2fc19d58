//! The jobs of distributed ThinLTO, as LLVM's [DTLTO](https://llvm.org/docs/DTLTO.html) describes them in JSON.

use crate::text::to_path;
use serde_json::Value;
use std::path::Path;

/// A job: one run of a compiler.
#[derive(Debug, PartialEq)]
pub struct Job {
    /// The command line.
    pub command: Vec<String>,
    /// All files that it reads. The first one is the module.
    pub inputs: Vec<String>,
    /// The files that it writes.
    pub outputs: Vec<String>,
}

/// How jobs are run.
pub struct Plan<'a> {
    /// What messages start with.
    pub program: &'a str,
    /// How many jobs may run at the same time.
    pub parallel: usize,
    /// The beginning of each command line. Empty if jobs are run as they are.
    pub wrapper: &'a [String],
    /// An empty folder for temporary files.
    pub folder: &'a Path,
}

/// Why not all jobs succeeded.
#[derive(Debug)]
pub enum Failure {
    /// A signal came. All processes that were started have ended.
    Signal(i32),
    /// This went wrong.
    Message(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Failure::Message(message)
    }
}

impl Job {
    /// The name of the module.
    pub fn name(&self) -> &str {
        &self.inputs[0]
    }

    /// The command line that starts with a wrapper. `{inputs}` and `{outputs}` in it become the files, separated by commas.
    pub fn wrapped(&self, wrapper: &[String]) -> Vec<String> {
        let (inputs, outputs) = (self.inputs.join(","), self.outputs.join(","));
        let words =
            wrapper.iter().map(|word| word.replace("{inputs}", &inputs).replace("{outputs}", &outputs));
        words.chain(self.command.iter().cloned()).collect()
    }

    /// The note that the wrapper failed.
    pub fn fallback_note(&self, plan: &Plan<'_>, reason: &str) -> String {
        let Plan { program, wrapper, .. } = plan;
        format!("{program}: note: {}: {} failed{reason}; running the job without it", self.name(), wrapper[0])
    }

    /// The first output that does not exist or is empty. clang leaves an empty object, and its exit code is 0, if a module that it
    /// needs is missing.
    pub fn missing_output(&self) -> Option<&str> {
        let is_written = |path: &str| std::fs::metadata(to_path(path)).is_ok_and(|file| file.len() > 0);
        self.outputs.iter().map(String::as_str).find(|path| !is_written(path))
    }

    /// Removes the outputs of a run that failed, or of an earlier link.
    pub fn remove_outputs(&self) {
        for path in &self.outputs {
            let _ = std::fs::remove_file(to_path(path));
        }
    }
}

/// Reads the file.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Vec<Job>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let common = file.get("common").ok_or("'common' is missing")?;
    let (arguments, shared) = (texts(common, "common", "args")?, texts(common, "common", "inputs")?);
    let jobs = file.get("jobs").and_then(Value::as_array).ok_or("'jobs' is not an array")?;
    let job = |(number, job): (usize, &Value)| {
        let owner = format!("job {number}");
        let mut command = arguments.clone();
        command.extend(texts(job, &owner, "args")?);
        let mut inputs = texts(job, &owner, "inputs")?;
        let outputs = texts(job, &owner, "outputs")?;
        if command.is_empty() || inputs.is_empty() || outputs.is_empty() {
            return Err(format!("{owner} has no arguments, no inputs or no outputs"));
        }
        inputs.extend(shared.iter().cloned());
        Ok(Job { command, inputs, outputs })
    };
    jobs.iter().enumerate().map(job).collect()
}

/// An array of strings.
fn texts(value: &Value, owner: &str, key: &str) -> Result<Vec<String>, String> {
    let list = value.get(key).and_then(Value::as_array);
    let texts = list.and_then(|list| list.iter().map(|text| text.as_str().map(str::to_string)).collect());
    texts.ok_or_else(|| format!("'{key}' of {owner} is not an array of strings"))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two jobs with odd names.
    pub const TWO_JOBS: &str = r#"{
        "common": {"linker_output": "x", "args": ["clang", "-O2"], "inputs": ["a.prof"]},
        "jobs": [
            {"args": ["a b.o", "-o", "a$.n"], "inputs": ["a b.o", "a:i"], "outputs": ["a$.n"]},
            {"args": ["", "it's"], "inputs": ["c.o"], "outputs": ["c.n"]}
        ]
    }"#;

    #[test]
    fn common_arguments_come_first() {
        let jobs = read(TWO_JOBS).unwrap();
        assert_eq!(jobs[0].command, ["clang", "-O2", "a b.o", "-o", "a$.n"]);
        assert_eq!(jobs[0].inputs, ["a b.o", "a:i", "a.prof"]);
        let wrapper = ["w".to_string(), "--in={inputs}".into(), "--out={outputs}".into()];
        let wrapped = jobs[1].wrapped(&wrapper);
        assert_eq!(wrapped, ["w", "--in=c.o,a.prof", "--out=c.n", "clang", "-O2", "", "it's"]);
    }

    #[test]
    fn wrong_files() {
        for (text, message) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("{}", "'common' is missing"),
            (r#"{"common": {"args": [1]}}"#, "'args' of common is not an array of strings"),
            (r#"{"common": {"args": [], "inputs": []}}"#, "'jobs' is not an array"),
            (
                r#"{"common": {"args": ["c"], "inputs": []}, "jobs": [{"args": [], "inputs": [], "outputs": ["o"]}]}"#,
                "job 0 has no arguments, no inputs or no outputs",
            ),
        ] {
            assert_eq!(read(text), Err(message.into()), "{text}");
        }
    }
}
