//! Throw-away stand-in for the library's `Linker`, so that `wald-cli` compiles while the real one is written.
//! Delete this file (and its two lines in `lib.rs`) when the branches meet.

use crate::diagnostics::{Diagnostic, LinkFailure, Severity};
use crate::options::Options;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A shared byte buffer.
#[derive(Clone)]
pub struct Bytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Bytes {
    /// Bytes that something else owns, a mapped file for instance.
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Bytes(Arc::new(owner))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_owner(bytes)
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// One input, as the command line declares it.
#[derive(Clone, Debug, Default)]
pub struct InputDescription {
    /// The path in messages.
    pub path: String,
    /// Between `--start-lib` and `--end-lib`.
    pub lazy: bool,
    /// After `--whole-archive`.
    pub whole_archive: bool,
}

/// A declared input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputId(usize);

/// Reads the members of thin archives.
pub trait FileProvider: Send + Sync {
    /// The bytes of the file at `path`.
    fn read(&self, path: &str) -> std::io::Result<Bytes>;
}

enum Entry {
    Report(Diagnostic),
    Input(Mutex<Option<Result<Bytes, Diagnostic>>>),
}

/// Collects inputs.
pub struct Linker {
    entries: Vec<Entry>,
    late: Vec<Diagnostic>,
    start: Instant,
}

impl Linker {
    /// A link without inputs.
    pub fn new(options: Options) -> Self {
        let _ = options;
        Linker { entries: Vec::new(), late: Vec::new(), start: Instant::now() }
    }

    /// Declares the next input of the command line.
    pub fn declare_input(&mut self, description: InputDescription) -> InputId {
        let _ = description;
        self.entries.push(Entry::Input(Mutex::new(None)));
        InputId(self.entries.len() - 1)
    }

    /// Records a diagnostic at this place in the order of inputs.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.entries.push(Entry::Report(diagnostic));
    }

    /// Records a diagnostic that is shown once all inputs are read, and only if they were read without an error.
    pub fn report_after_loading(&mut self, diagnostic: Diagnostic) {
        self.late.push(diagnostic);
    }

    /// More names that may stay undefined.
    pub fn allow_undefined(&mut self, names: Vec<String>) {
        let _ = names;
    }

    /// Gives an input's bytes.
    pub fn provide(&self, id: InputId, bytes: Bytes) {
        self.set(id, Ok(bytes));
    }

    /// Says why an input could not be read.
    pub fn fail_input(&self, id: InputId, diagnostic: Diagnostic) {
        self.set(id, Err(diagnostic));
    }

    fn set(&self, id: InputId, value: Result<Bytes, Diagnostic>) {
        if let Entry::Input(slot) = &self.entries[id.0] {
            *slot.lock().unwrap() = Some(value);
        }
    }

    /// Who reads thin archives' members.
    pub fn set_file_provider(&mut self, provider: Arc<dyn FileProvider>) {
        let _ = provider;
    }

    /// Links.
    pub fn finish(self) -> LinkResult {
        let mut diagnostics = crate::diagnostics::Diagnostics::new();
        for entry in self.entries {
            match entry {
                Entry::Report(diagnostic) => diagnostics.push(diagnostic),
                Entry::Input(slot) => match slot.into_inner().unwrap() {
                    Some(Err(diagnostic)) => diagnostics.push(diagnostic),
                    Some(Ok(_)) => {}
                    None => unreachable!("every input is provided or failed"),
                },
            }
        }
        if diagnostics.error_count() == 0 {
            diagnostics.extend(self.late);
        }
        let output = diagnostics.check().map(|()| Output {
            module: b"\0asm\x01\0\0\0".to_vec(),
            map: Some("    Addr      Off     Size Out     In      Symbol\n".into()),
            why_extract: Some("reference\textracted\tsymbol\n".into()),
        });
        let timing = Timing { phases: vec![("link", self.start.elapsed())], events: Vec::new() };
        let diagnostics = diagnostics.into_vec();
        debug_assert!(output.is_ok() || diagnostics.iter().any(|d| d.severity == Severity::Error));
        LinkResult { output, diagnostics, timing }
    }
}

/// What a link gives.
pub struct LinkResult {
    /// The module, or the proof that an error is in `diagnostics`.
    pub output: Result<Output, LinkFailure>,
    /// In the order in which they are shown.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the time went.
    pub timing: Timing,
}

/// A successful link's products.
pub struct Output {
    /// The module's bytes.
    pub module: Vec<u8>,
    /// The link map, where it was wanted.
    pub map: Option<String>,
    /// Why members were extracted, where it was wanted.
    pub why_extract: Option<String>,
}

/// Where the time went.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// Wall time of each phase.
    pub phases: Vec<(&'static str, Duration)>,
    /// What each thread did.
    pub events: Vec<TraceEvent>,
}

/// One stretch of work on one thread.
#[derive(Clone, Debug)]
pub struct TraceEvent {
    /// What was done.
    pub name: String,
    /// On which thread: a small number.
    pub thread: u32,
    /// Since the start of the link.
    pub start: Duration,
    /// How long it took.
    pub duration: Duration,
}
