//! [`Linker`]: inputs are declared in order and provided in any order from any thread. The thread that provides an
//! input parses it.

use std::sync::{Arc, OnceLock};

use crate::architecture;
use crate::bytes::Bytes;
use crate::cancel::CancelToken;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure, Location, Severity};
use crate::incremental::{DeclaredInput, DeclaredInputs, State, Surroundings};
use crate::index::InputId;
use crate::input::{
    parse_input, take_object, FileProvider, InputDescription, Joined, ParseContext, ParsedInput,
};
use crate::link;
use crate::object::Interners;
use crate::options::Options;
use crate::result::{LinkResult, Output, Sink};
use crate::threads::with_threads;
use crate::timing::Timer;
use crate::unit::{Unit, UnitError};

/// A link that is being fed: [`Linker::declare_input`] gives each input its place, [`Linker::provide`] hands
/// over its bytes, [`Linker::link`](crate::Linker::link) links.
///
/// A linker can be kept: after [`Linker::replace`], [`Linker::remove`] or another declaration, the next link
/// parses only what changed and gives the bytes that a fresh link would give.
///
/// Nothing is global: any number of linkers may be at work in one process. Dropping one frees all that it held; a link
/// that runs is ended by [`Linker::set_cancel_token`].
pub struct Linker {
    pub(crate) options: Options,
    pub(crate) interners: Interners,
    pub(crate) timer: Timer,
    /// By [`InputId`]; `None` where it was removed.
    inputs: Vec<Option<Box<Input>>>,
    /// The inputs that take part, in the order of the command line.
    order: Vec<InputId>,
    files: Option<Arc<dyn FileProvider>>,
    /// What was done before the link, or kept of the last one.
    incremental: State,
    cancel: CancelToken,
}

struct Input {
    description: InputDescription,
    parsed: OnceLock<ParsedInput>,
    /// Counts replacements.
    version: u32,
}

impl Linker {
    /// A linker without inputs.
    pub fn new(options: Options) -> Self {
        let timer = Timer::new(options.want_trace_events);
        let interners = Interners::default();
        let (inputs, order, incremental) = (Vec::new(), Vec::new(), State::default());
        let cancel = CancelToken::new();
        Linker { options, interners, timer, inputs, order, files: None, incremental, cancel }
    }

    /// Gives the links from now on a token by which another thread can end them: they then fail at the end of the phase
    /// that they are in, with [`Code::Cancelled`]. With a fresh token the linker links again.
    pub fn set_cancel_token(&mut self, token: CancelToken) {
        self.cancel = token;
    }

    /// Where members of thin archives are read from. Without one, thin archives are an error.
    pub fn set_file_provider(&mut self, files: Arc<dyn FileProvider>) {
        self.files = Some(files);
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The options, for changes before the next link.
    pub fn options_mut(&mut self) -> &mut Options {
        self.incremental.forget();
        &mut self.options
    }

    /// Declares the next input. The order of declarations is the order of the command line: it decides what
    /// is linked and where it stands in the output.
    pub fn declare_input(&mut self, description: InputDescription) -> InputId {
        let id = self.push(description);
        self.order.push(id);
        id
    }

    /// Declares an input that stands before another one. Where that one was removed, it stands last.
    pub fn declare_input_before(&mut self, next: InputId, description: InputDescription) -> InputId {
        let id = self.push(description);
        let position = self.order.iter().position(|&known| known == next).unwrap_or(self.order.len());
        self.order.insert(position, id);
        id
    }

    fn push(&mut self, description: InputDescription) -> InputId {
        self.inputs.push(Some(Box::new(Input { description, parsed: OnceLock::new(), version: 0 })));
        InputId::new(self.inputs.len() - 1)
    }

    /// Hands over an input's bytes and parses them, here and now. May be called from any thread and in any
    /// order; a second call for the same input is ignored.
    pub fn provide(&self, id: InputId, bytes: Bytes) {
        let Some(input) = self.input(id) else { return };
        input.parsed.get_or_init(|| {
            let context = ParseContext { interners: &self.interners, files: self.files.as_deref() };
            self.timer.task(
                "parse",
                || input.description.path.clone(),
                || parse_input(&context, &input.description, bytes),
            )
        });
    }

    /// Hands over an input as a unit, as it is now: what is changed in the unit afterwards counts from the next
    /// [`Linker::replace`] and `provide_unit` on. Otherwise as [`Linker::provide`].
    pub fn provide_unit(&self, id: InputId, unit: &Unit) -> Result<(), UnitError> {
        let Some(input) = self.input(id) else { return Ok(()) };
        if input.parsed.get().is_none() {
            let object =
                self.timer.task("unit", || input.description.path.clone(), || unit.build(&self.interners))?;
            input.parsed.get_or_init(|| take_object(&input.description, object));
        }
        Ok(())
    }

    /// Forgets an input's bytes. New ones can be provided, and must be before the next link.
    pub fn replace(&mut self, id: InputId) {
        if let Some(input) = &mut self.inputs[id.at()] {
            input.parsed.take();
            input.version += 1;
            self.free_names();
        }
    }

    /// Takes an input out of the link, for good. What is said about it afterwards is ignored.
    pub fn remove(&mut self, id: InputId) {
        self.order.retain(|&known| known != id);
        self.inputs[id.at()] = None;
        self.free_names();
    }

    fn input(&self, id: InputId) -> Option<&Input> {
        self.inputs[id.at()].as_deref()
    }

    /// Those that take part, in order.
    fn inputs_in_order(&self) -> impl Iterator<Item = (InputId, &Input)> {
        self.order.iter().filter_map(|&id| Some((id, self.input(id)?)))
    }

    /// Frees names that died with inputs, once they are many. The next link then resolves anew.
    fn free_names(&mut self) {
        let inputs = self.inputs.iter_mut().flatten().filter_map(|input| input.parsed.get_mut());
        self.incremental.free_names(&mut self.interners, inputs);
    }

    /// Says that an input cannot be had. The link will fail with this diagnostic, in the input's place.
    pub fn fail_input(&self, id: InputId, diagnostic: Diagnostic) {
        let Some(input) = self.input(id) else { return };
        input.parsed.get_or_init(|| ParsedInput { diagnostics: vec![diagnostic], ..ParsedInput::default() });
    }

    /// The inputs that take part, in order.
    pub fn inputs(&self) -> impl Iterator<Item = (InputId, &InputDescription)> {
        self.inputs_in_order().map(|(id, input)| (id, &input.description))
    }

    /// How many inputs take part.
    pub fn input_count(&self) -> usize {
        self.order.len()
    }

    /// Whether an input is there, nothing is wrong with it, and it brings no file to link: an archive without members.
    pub fn is_empty_input(&self, id: InputId) -> bool {
        let parsed = self.input(id).and_then(|input| input.parsed.get());
        parsed.is_some_and(|parsed| {
            let is_wrong = parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
            !is_wrong && parsed.candidates.is_empty() && parsed.stub.is_none()
        })
    }

    /// Whether an error was found while an input was parsed, or it was said that it cannot be had.
    pub fn is_wrong_input(&self, id: InputId) -> bool {
        let parsed = self.input(id).and_then(|input| input.parsed.get());
        parsed.is_some_and(|parsed| {
            parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
        })
    }

    /// Uses the time until the next input comes: resolves symbols as far as inputs are there without a gap in their
    /// order, and parses the archive members that will be needed. When most inputs are there, also decodes relocations and
    /// merges debug information's strings, which takes memory. May be called at any time and from any thread; the
    /// result of the link does not depend on it, only how much is left to do at its end.
    pub fn prepare(&self) {
        self.prepare_until(&CancelToken::new());
    }

    /// The same, but it ends early when `stop` is cancelled: what takes long is then left out.
    pub fn prepare_until(&self, stop: &CancelToken) {
        if !self.cancel.is_cancelled() {
            self.incremental.prepare(self.surroundings(), &self.declared_inputs(), stop);
        }
    }

    /// About how large the output will be as far as links were prepared: for a [`Sink`](crate::Sink) that makes room
    /// early. 0 where nothing is known.
    pub fn prepared_size(&self) -> u64 {
        self.incremental.estimated_size(self.order.len())
    }

    fn declared_inputs(&self) -> DeclaredInputs<'_> {
        let inputs = self.inputs_in_order();
        let declared =
            inputs.map(|(id, Input { parsed, version, .. })| DeclaredInput { id, version: *version, parsed });
        DeclaredInputs(declared.collect())
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { options: &self.options, interners: &self.interners, timer: &self.timer }
    }

    /// For one link.
    pub(crate) fn new_diagnostics(&self) -> Diagnostics {
        Diagnostics::new(self.options.fatal_warnings).with_cancel_token(self.cancel.clone())
    }

    /// Puts the inputs together in the order of the command line. One that never came is an error.
    pub(crate) fn join(&self, diagnostics: &mut Diagnostics) -> Joined<'_> {
        let mut joined = Joined::default();
        for (_, Input { description, parsed, .. }) in self.inputs_in_order() {
            let Some(parsed) = parsed.get() else {
                let message = format!("{}: was declared but never provided", description.path);
                let location = Location { path: description.path.clone(), ..Location::default() };
                diagnostics.push(Diagnostic::error(Code::Open, message).at(location));
                continue;
            };
            diagnostics.extend(parsed.diagnostics.iter().cloned());
            // One object of the wrong width says enough: the others would only repeat it.
            if architecture::check(&self.options, &parsed.candidates, diagnostics).is_err() {
                break;
            }
            joined.files.extend(&parsed.candidates);
            joined.stubs.extend(&parsed.stub);
        }
        joined
    }

    /// Joins the inputs in declared order and links them, on as many threads as [`Options::threads`] says.
    pub fn finish_into(self, sink: &mut dyn Sink) -> LinkResult<()> {
        let result = self.join_and_link(false, sink);
        if self.options.leave_memory {
            std::mem::forget(self);
        }
        result
    }

    /// The same as [`Linker::finish_into`], but the linker can be used again: see [`Linker`].
    pub fn link_into(&mut self, sink: &mut dyn Sink) -> LinkResult<()> {
        self.join_and_link(true, sink)
    }

    pub(crate) fn link_joined(
        &self,
        keep: bool,
        sink: &mut dyn Sink,
        diagnostics: &mut Diagnostics,
    ) -> Result<Output<()>, LinkFailure> {
        let timer = &self.timer;
        let inputs = timer.phase("join", || self.join(diagnostics));
        diagnostics.check()?;
        let mut speculation = timer
            .phase("resolve", || self.incremental.complete(self.surroundings(), &self.declared_inputs()));
        if keep {
            timer.phase("keep", || {
                speculation.mark(&self.options);
                self.incremental.keep(speculation.clone());
            });
        }
        let context = Context::new(&self.options, &self.interners);
        link::link(context, &inputs, speculation.into_head_start(), timer, sink, diagnostics)
    }

    /// [`Linker::finish_into`] a vector.
    pub fn finish(self) -> LinkResult {
        let mut module = Vec::new();
        self.finish_into(&mut module).with_module(module)
    }

    /// The same as [`Linker::link_into`], for a link after which another one is possible but not likely: it keeps nothing for
    /// the next one except the parsed inputs.
    pub fn link_once_into(&mut self, sink: &mut dyn Sink) -> LinkResult<()> {
        self.join_and_link(false, sink)
    }

    /// Links in the threads of the options, and measures it.
    pub(crate) fn join_and_link(&self, keep: bool, sink: &mut dyn Sink) -> LinkResult<()> {
        self.timer.begin_link(self.options.want_trace_events);
        let (output, diagnostics) = with_threads(self.options.threads, || {
            self.timer.lap("threads");
            let mut diagnostics = self.new_diagnostics();
            let output = self.link_joined(keep, sink, &mut diagnostics);
            (output, diagnostics.into_vec())
        });
        self.timer.lap("clean up");
        LinkResult { output, diagnostics, timing: self.timer.take() }
    }

    /// [`Linker::link_into`] a vector.
    pub fn link(&mut self) -> LinkResult {
        let mut module = Vec::new();
        self.link_into(&mut module).with_module(module)
    }
}
