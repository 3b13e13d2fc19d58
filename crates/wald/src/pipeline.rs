//! Inputs on their way into the link: declared in order, handed over in any order from any thread, parsed at
//! once on the thread that hands them over.

use std::sync::{Arc, OnceLock};

use crate::bytes::Bytes;
use crate::diagnostics::{Code, Diagnostic, Location};
use crate::index::InputId;
use crate::input::{parse_input, FileProvider, InputDescription, ParseContext, ParsedInput};
use crate::object::Interners;
use crate::options::Options;
use crate::timing::Timer;

/// A link that is being fed: [`Linker::declare_input`] gives each input its place, [`Linker::provide`] hands
/// over its bytes, [`Linker::finish`](crate::Linker::finish) links.
///
/// Nothing is global: any number of linkers may be at work in one process. Dropping one cancels its link.
pub struct Linker {
    pub(crate) options: Options,
    pub(crate) interners: Interners,
    pub(crate) inputs: Vec<Input>,
    pub(crate) timer: Timer,
    files: Option<Arc<dyn FileProvider>>,
}

pub(crate) struct Input {
    pub description: InputDescription,
    pub parsed: OnceLock<ParsedInput>,
}

impl Linker {
    /// A linker without inputs.
    pub fn new(options: Options) -> Self {
        let timer = Timer::new(options.want_trace_events);
        Linker { options, interners: Interners::default(), inputs: Vec::new(), timer, files: None }
    }

    /// Where members of thin archives are read from. Without one, thin archives are an error.
    pub fn set_file_provider(&mut self, files: Arc<dyn FileProvider>) {
        self.files = Some(files);
    }

    /// The options, for changes before the link is finished.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Declares the next input. The order of declarations is the order of the command line: it decides what
    /// is linked and where it stands in the output.
    pub fn declare_input(&mut self, description: InputDescription) -> InputId {
        self.inputs.push(Input { description, parsed: OnceLock::new() });
        InputId::new(self.inputs.len() - 1)
    }

    /// Hands over an input's bytes and parses them, here and now. May be called from any thread and in any
    /// order; a second call for the same input is ignored.
    pub fn provide(&self, id: InputId, bytes: Bytes) {
        let input = &self.inputs[id.at()];
        input.parsed.get_or_init(|| {
            let context = ParseContext { interners: &self.interners, files: self.files.as_deref() };
            self.timer.task(
                "parse",
                || input.description.path.clone(),
                || parse_input(&context, &input.description, bytes),
            )
        });
    }

    /// Says that an input cannot be had. The link will fail with this diagnostic, in the input's place.
    pub fn fail_input(&self, id: InputId, diagnostic: Diagnostic) {
        let input = &self.inputs[id.at()];
        input.parsed.get_or_init(|| ParsedInput { diagnostics: vec![diagnostic], ..ParsedInput::default() });
    }

    /// How many inputs were declared.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// The options, the interners, and the inputs in declared order. One that never came is an error.
    pub(crate) fn into_parts(self) -> (Options, Interners, Vec<ParsedInput>, Timer) {
        let inputs = self.inputs.into_iter().map(|input| {
            let path = input.description.path;
            input.parsed.into_inner().unwrap_or_else(|| {
                let message = format!("{path}: was declared but never provided");
                let location = Location { path, ..Location::default() };
                let diagnostic = Diagnostic::error(Code::Open, message).at(location);
                ParsedInput { diagnostics: vec![diagnostic], ..ParsedInput::default() }
            })
        });
        (self.options, self.interners, inputs.collect(), self.timer)
    }
}
