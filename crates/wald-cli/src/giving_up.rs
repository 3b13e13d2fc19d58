//! What `--await-inputs` says of inputs that do not come.

use crate::build_process::End;

/// Why no input is awaited any more.
#[derive(Clone, Copy)]
pub enum Reason {
    /// None came for too long.
    Late,
    /// The build has ended.
    Build(End),
}

/// What an input lacks.
#[derive(Clone, Copy)]
pub enum Lacking {
    /// It is not there.
    All,
    /// It was there before the start, and was not written since.
    New,
    /// It is there and changes.
    Quiet,
}

impl Reason {
    /// The error for an input; `seconds` is how long the next input may take.
    pub fn message(self, path: &str, lacking: Lacking, seconds: f64) -> String {
        let what = match (self, lacking) {
            (Reason::Build(End::Gone), _) => "the build ended before it was complete".to_string(),
            (Reason::Build(End::AtRest), _) => {
                "the build runs nothing any more that could write it".to_string()
            }
            (Reason::Late, Lacking::All) => format!("did not come within {seconds} seconds"),
            (Reason::Late, Lacking::Quiet) => format!("was still changing after {seconds} seconds"),
            (Reason::Late, Lacking::New) => {
                format!("was there before the start, and was not written within {seconds} seconds")
            }
        };
        format!("{path}: {what}")
    }
}

/// What is said once while inputs are missing, of which `path` is the first. `counts` are those that are read, missing, and all.
pub fn notes(path: &str, counts: (usize, usize, usize), is_from_before: bool) -> Vec<String> {
    let (read, missing, all) = counts;
    let more = match missing - 1 {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let mut notes = vec![format!("{read} of {all} inputs are read; waiting for {path}{more}")];
    if is_from_before {
        let rule = "it counts when it is written again, or if it is newer than the file of --await-newer";
        notes.push(format!("{path} was there before the start: {rule}"));
    }
    notes
}
