//! Throw-away stand-in for the library's `Linker`, so that `wald-cli` compiles while the real one is written.
//! Delete this file (and its lines in `lib.rs`) when the branches meet; names and paths are those of the real one.

use crate::diagnostics::{Diagnostic, Diagnostics, LinkFailure};
use crate::options::Options;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Stand-in for `bytes`.
pub mod bytes {
    use std::sync::Arc;

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
}

/// Stand-in for `input`.
pub mod input {
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

    /// Reads the members of thin archives.
    pub trait FileProvider: Send + Sync {
        /// The bytes of the file at `path`.
        fn read(&self, path: &str) -> std::io::Result<crate::bytes::Bytes>;
    }
}

/// Stand-in for `index`.
pub mod index {
    /// A declared input.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct InputId(pub(crate) usize);
}

/// Stand-in for `timing`.
pub mod timing {
    use super::Duration;

    /// Where the time went.
    #[derive(Clone, Debug, Default)]
    pub struct Timing {
        /// Wall time of each phase.
        pub phases: Vec<(&'static str, Duration)>,
        /// What each thread did.
        pub events: Vec<Event>,
    }

    /// One stretch of work on one thread.
    #[derive(Clone, Debug)]
    pub struct Event {
        /// What was done.
        pub name: &'static str,
        /// What it was done to.
        pub detail: String,
        /// On which thread: a small number.
        pub thread: usize,
        /// Since the start of the link.
        pub start: Duration,
        /// How long it took.
        pub duration: Duration,
    }
}

/// Collects inputs.
pub struct Linker {
    options: Options,
    inputs: Vec<Mutex<Option<Result<bytes::Bytes, Diagnostic>>>>,
    start: Instant,
}

impl Linker {
    /// A link without inputs.
    pub fn new(options: Options) -> Self {
        Linker { options, inputs: Vec::new(), start: Instant::now() }
    }

    /// The options, for changes before the link is finished.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Declares the next input of the command line.
    pub fn declare_input(&mut self, description: input::InputDescription) -> index::InputId {
        let _ = description;
        self.inputs.push(Mutex::new(None));
        index::InputId(self.inputs.len() - 1)
    }

    /// Gives an input's bytes.
    pub fn provide(&self, id: index::InputId, bytes: bytes::Bytes) {
        *self.inputs[id.0].lock().unwrap() = Some(Ok(bytes));
    }

    /// Says why an input could not be read.
    pub fn fail_input(&self, id: index::InputId, diagnostic: Diagnostic) {
        *self.inputs[id.0].lock().unwrap() = Some(Err(diagnostic));
    }

    /// Who reads thin archives' members.
    pub fn set_file_provider(&mut self, provider: Arc<dyn input::FileProvider>) {
        let _ = provider;
    }

    /// Links.
    pub fn finish(self) -> LinkResult {
        let mut diagnostics = Diagnostics::new();
        for input in self.inputs {
            match input.into_inner().unwrap() {
                Some(Err(diagnostic)) => diagnostics.push(diagnostic),
                Some(Ok(_)) => {}
                None => unreachable!("every input is provided or failed"),
            }
        }
        let output = diagnostics.check().map(|()| Output {
            module: b"\0asm\x01\0\0\0".to_vec(),
            map: Some("    Addr      Off     Size Out     In      Symbol\n".into()),
            why_extract: Some("reference\textracted\tsymbol\n".into()),
        });
        let timing = timing::Timing { phases: vec![("link", self.start.elapsed())], events: Vec::new() };
        LinkResult { output, diagnostics: diagnostics.into_vec(), timing }
    }
}

/// What a link gives.
pub struct LinkResult {
    /// The module, or the proof that an error is in `diagnostics`.
    pub output: Result<Output, LinkFailure>,
    /// In the order in which they are shown.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the time went.
    pub timing: timing::Timing,
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
