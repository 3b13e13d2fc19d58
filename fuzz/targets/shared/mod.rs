//! What the targets that link have in common.

use wald::diagnostics::Severity;
use wald::options::{Options, UnresolvedPolicy};
use wald::{Bytes, InputDescription, LinkResult, Linker, Sink};
use wasmparser::{Parser, Validator, WasmFeatures};

/// Separates two inputs.
const NEXT: &[u8] = b"--NEXT--";

/// A link: a byte that chooses options, then inputs.
pub struct Case<'d> {
    /// Options as a bit set: see [`Case::arguments`].
    pub bits: u8,
    /// The inputs' bytes.
    pub inputs: Vec<&'d [u8]>,
}

impl<'d> Case<'d> {
    /// Takes the data apart.
    pub fn new(data: &'d [u8]) -> Option<Self> {
        let (&bits, mut rest) = data.split_first()?;
        let mut inputs = Vec::new();
        while let Some(at) = rest.windows(NEXT.len()).position(|window| window == NEXT) {
            inputs.push(&rest[..at]);
            rest = &rest[at + NEXT.len()..];
        }
        inputs.push(rest);
        Some(Case { bits, inputs })
    }

    fn has(&self, bit: u8) -> bool {
        self.bits & 1 << bit != 0
    }

    /// The options for Wald.
    pub fn options(&self) -> Options {
        let mut options = Options::default();
        options.output = "out.wasm".into();
        options.entry = None;
        options.gc_sections = !self.has(0);
        options.export_all = self.has(1);
        options.compress_relocations = self.has(2);
        options.strip_debug = self.has(2);
        options.shared_memory = self.has(3);
        options.check_features = !self.has(3);
        options.merge_data_segments = !self.has(4);
        options.allow_multiple_definition = self.has(5);
        options.import_undefined = self.has(6);
        if self.has(6) {
            options.unresolved_symbols = UnresolvedPolicy::Ignore;
        }
        options
    }

    /// The same for the command line.
    #[allow(dead_code)]
    pub fn arguments(&self) -> Vec<&'static str> {
        let all: [(u8, &[&str]); 7] = [
            (0, &["--no-gc-sections"]),
            (1, &["--export-all"]),
            (2, &["--compress-relocations", "--strip-debug"]),
            (3, &["--shared-memory", "--no-check-features"]),
            (4, &["--no-merge-data-segments"]),
            (5, &["--allow-multiple-definition"]),
            (6, &["--allow-undefined"]),
        ];
        let chosen = all.iter().filter(|(bit, _)| self.has(*bit));
        chosen.flat_map(|(_, arguments)| *arguments).copied().chain(["--no-entry"]).collect()
    }

    /// Links with Wald. The module, unless there were errors.
    pub fn link(&self) -> Option<Vec<u8>> {
        let mut linker = Linker::new(self.options());
        for (position, input) in self.inputs.iter().enumerate() {
            let mut description = InputDescription::new(format!("{position}.o"));
            description.whole_archive = self.has(7);
            description.dynamic = true;
            let id = linker.declare_input(description);
            linker.provide(id, Bytes::from(input.to_vec())).expect("it was just declared");
        }
        let mut module = Limited(Vec::new());
        let LinkResult { module: result, diagnostics, .. } = linker.finish_into(&mut module);
        let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        assert_eq!(failed, result.is_err(), "an error is what makes a link fail");
        result.ok().map(|()| module.0)
    }
}

/// Takes modules up to [`LARGEST`]: a few bytes of input can ask for gigabytes of zeros.
struct Limited(Vec<u8>);

/// In bytes.
const LARGEST: usize = 256 << 20;

impl Sink for Limited {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        if size <= LARGEST {
            self.0.place(size)
        } else {
            None
        }
    }
}

/// Validates all of a module but its functions' bodies, which a linker copies as they are.
#[allow(dead_code)]
pub fn validate(module: &[u8]) {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    for payload in Parser::new(0).parse_all(module) {
        let result = payload.and_then(|payload| validator.payload(&payload).map(|_| ()));
        if let Err(error) = result {
            panic!("invalid module: {error}");
        }
    }
}
