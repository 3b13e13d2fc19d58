//! A link job of the corpus for the library: its options, and its inputs with their bytes.

use crate::corpus;
use std::sync::Arc;
use wald::options::Options;
use wald::{Bytes, FileProvider, InputDescription, LinkResult, Linker};
use wald_cli::CommandLine;

/// A job.
pub struct LibraryJob {
    /// What the command line says.
    pub options: Options,
    /// In order.
    pub inputs: Vec<(InputDescription, Bytes)>,
}

/// Reads the members of thin archives.
struct Files;

impl FileProvider for Files {
    fn read(&self, path: &std::path::Path) -> std::io::Result<Bytes> {
        Ok(Bytes::from(std::fs::read(path)?))
    }
}

impl LibraryJob {
    /// Reads a job. Its paths are relative, so this process changes to its folder.
    pub fn read(job: &str) -> Result<LibraryJob, String> {
        let folder = corpus::folder().join(job);
        std::env::set_current_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        LibraryJob::read_here(job)
    }

    /// Reads the job in the working directory.
    pub fn read_here(job: &str) -> Result<LibraryJob, String> {
        let arguments = ["@link.rsp", "-o", "out.wasm"].map(str::to_string).to_vec();
        let read = CommandLine::read(arguments).map_err(|wrong| format!("{job}: {}", wrong.join("; ")))?;
        let mut inputs = Vec::new();
        for input in read.inputs {
            let bytes =
                std::fs::read(&input.path).map_err(|error| format!("{}: {error}", input.path.display()))?;
            inputs.push((input, Bytes::from(bytes)));
        }
        Ok(LibraryJob { options: read.options, inputs })
    }

    /// A linker for this many threads, without inputs.
    pub fn linker(&self, threads: usize) -> Linker {
        let mut linker = Linker::new(self.options.clone());
        linker.set_threads(Some(threads));
        linker.set_file_provider(Arc::new(Files));
        linker
    }

    /// A link from nothing, in order.
    pub fn link(&self, threads: usize) -> LinkResult {
        let mut linker = self.linker(threads);
        for (input, bytes) in &self.inputs {
            let id = linker.declare_input(input.clone());
            linker.provide(id, bytes.clone()).expect("it was just declared");
        }
        linker.finish()
    }
}

/// xorshift: the same sequence at every run with the same seed.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `below`, which is not 0.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }

    /// The numbers below `count`, mixed.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for upper in (1..count).rev() {
            order.swap(upper, self.below(upper + 1));
        }
        order
    }
}
