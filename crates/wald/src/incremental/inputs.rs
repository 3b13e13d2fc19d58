//! The inputs, as work before the link sees them.

use std::sync::OnceLock;

use crate::input::{Candidate, ParsedInput};
use crate::input_id::InputId;

/// Identifies the contents of an input, to notice changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputVersion {
    /// The input.
    pub id: InputId,
    /// Counts its replacements.
    pub version: u32,
    /// The number of files in it.
    pub files: usize,
}

/// A declared input, which may become available at any time.
pub struct DeclaredInput<'a> {
    /// The input.
    pub id: InputId,
    /// Counts its replacements.
    pub version: u32,
    /// Its contents, if it is available.
    pub parsed: &'a OnceLock<ParsedInput>,
}

/// All declared inputs, in order.
pub struct DeclaredInputs<'a>(pub Vec<DeclaredInput<'a>>);

impl<'a> DeclaredInputs<'a> {
    /// The number of declared inputs.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The inputs before the first one that is not available, and their files.
    pub fn before_gap(&self) -> (Vec<InputVersion>, Vec<&'a Candidate>) {
        let (mut inputs, mut files) = (Vec::new(), Vec::new());
        for &DeclaredInput { id, version, parsed } in &self.0 {
            let Some(parsed) = parsed.get() else { break };
            inputs.push(InputVersion { id, version, files: parsed.candidates.len() });
            files.extend(&parsed.candidates);
        }
        (inputs, files)
    }

    /// The number of available inputs, and their files.
    pub fn available(&self) -> (usize, Vec<&'a Candidate>) {
        let parsed: Vec<&ParsedInput> = self.0.iter().filter_map(|input| input.parsed.get()).collect();
        (parsed.len(), parsed.iter().flat_map(|parsed| &parsed.candidates).collect())
    }
}
