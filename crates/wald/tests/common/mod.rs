//! What several tests of the library need.

use wald::diagnostics::Diagnostic;
use wald::{ExtractionReport, LinkResult, Message};

/// What a link says, without the ids of inputs, which are different in each linker.
pub fn said<M>(result: &LinkResult<M>) -> (Vec<Diagnostic>, Vec<Message>, Option<ExtractionReport>) {
    let without_id = |diagnostic: &Diagnostic| {
        let mut diagnostic = diagnostic.clone();
        diagnostic.input = None;
        diagnostic
    };
    let diagnostics: Vec<Diagnostic> = result.diagnostics.iter().map(without_id).collect();
    (diagnostics, result.messages.clone(), result.extractions.clone())
}
