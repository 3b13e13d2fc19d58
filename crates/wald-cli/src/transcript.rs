//! Everything that a run says, in the order in which it is shown: what is wrong with options, with inputs, with both
//! together, and what the link says. The command's own lines have their places between those of the library.

use crate::inputs::Inputs;
use crate::line::Line;
use crate::verbose_link;
use wald::diagnostics::{Code, Diagnostic, Stage};
use wald::{ExtractionReport, LinkResult, Message};

/// What is known before the library links.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// About options. An error there does not keep inputs from being read, so that one run shows all that is wrong.
    pub options: Vec<Line>,
    /// What was checked after the options and before the link. Of no interest if an input is wrong.
    pub checks: Vec<Line>,
    /// `--verbose-link`: archive members that are linked through `--whole-archive` are listed.
    pub lists_members: bool,
    /// `--trace`, which `--verbose-link` turns on to hear of members.
    pub shows_trace: bool,
}

impl Transcript {
    /// Whether the library need not link.
    pub fn has_error(&self, inputs: &Inputs) -> bool {
        let mut own = self.options.iter().chain(&self.checks).chain(inputs.notices());
        own.any(Line::is_error)
    }

    /// Everything in order, if the library did not link: `found` is what is wrong with its inputs.
    pub fn without_link(&self, inputs: &Inputs, found: Vec<Diagnostic>) -> Vec<Line> {
        let mut lines = self.options.clone();
        let has_option_error = lines.iter().any(Line::is_error);
        let is_complete = add_inputs(&mut lines, inputs, found.into_iter(), has_option_error);
        if is_complete && !lines.iter().skip(self.options.len()).any(Line::is_error) {
            lines.extend(self.checks.iter().cloned());
        }
        lines
    }

    /// Everything in order. Takes the diagnostics, messages and extractions out of the result.
    pub fn with_link(&self, inputs: &Inputs, result: &mut LinkResult<()>) -> Vec<Line> {
        let diagnostics = std::mem::take(&mut result.diagnostics);
        let of_inputs = diagnostics.iter().take_while(|diagnostic| diagnostic.stage == Stage::Input).count();
        let mut lines = self.options.clone();
        lines.reserve(diagnostics.len() + self.checks.len());
        let mut diagnostics = diagnostics.into_iter();
        let found = diagnostics.by_ref().take(of_inputs);
        let is_complete = add_inputs(&mut lines, inputs, found, false);
        if !is_complete || lines.iter().any(Line::is_error) {
            return lines;
        }
        lines.extend(self.checks.iter().cloned());
        let mut messages = std::mem::take(&mut result.messages).into_iter().peekable();
        let mut extractions = result.extractions.take();
        let mut said = 0;
        for (position, diagnostic) in (of_inputs..).zip(diagnostics.map(Some).chain([None])) {
            let is_last = diagnostic.is_none();
            let precedes = |message: &Message| is_last || message.position <= position;
            loop {
                let is_here = |report: &mut ExtractionReport| {
                    (is_last || report.position <= position) && report.message_position <= said
                };
                if let Some(report) = extractions.take_if(is_here) {
                    lines.push(Line::Extractions(report));
                }
                let Some(message) = messages.next_if(precedes) else { break };
                said += 1;
                lines.push(Line::Message(message.kind, message.text.to_escaped().into_owned()));
            }
            lines.extend(diagnostic.map(Line::from));
        }
        if self.lists_members {
            verbose_link::list_whole_archives(inputs, &mut lines, self.shows_trace);
        }
        lines
    }
}

/// Adds what is wrong with inputs, each at its place, and the command's notices between them. Returns whether all inputs were
/// looked at: an object of another width ends everything.
fn add_inputs(
    lines: &mut Vec<Line>,
    inputs: &Inputs,
    found: impl Iterator<Item = Diagnostic>,
    has_option_error: bool,
) -> bool {
    let mut found = found.peekable();
    for (id, notices) in inputs.with_notices() {
        lines.extend(notices.cloned());
        while let Some(diagnostic) = found.next_if(|diagnostic| id.is_some() && diagnostic.input == id) {
            let ends = diagnostic.code == Code::Options;
            lines.push(diagnostic.into());
            if ends {
                return false;
            }
        }
    }
    // What is left is about all inputs together: there are none.
    let is_known = inputs.have_mistakes() || has_option_error && inputs.are_missing();
    lines.extend(found.filter(|_| !is_known).map(Line::from));
    true
}
