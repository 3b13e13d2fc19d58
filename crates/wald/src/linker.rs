//! [`Linker`]: inputs are declared in order and provided in any order from any thread. The thread that provides an
//! input parses it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::architecture;
use crate::bytes::Bytes;
use crate::cancel::CancelToken;
use crate::code_generator::CodeGenerator;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure, Location, Recorded, Stage};
use crate::generation::{Generation, KeptCode};
use crate::incremental::{DeclaredInput, DeclaredInputs, State, Surroundings};
use crate::input::{
    parse_input, take_object, FileProvider, InputDescription, InputError, Joined, ParseContext, ParsedInput,
};
use crate::input_id::InputId;
use crate::kept_layout::{KeptLayout, LayoutStore, Linked, Start};
use crate::leftovers::Leftovers;
use crate::library_provider::LibraryProvider;
use crate::link;
use crate::object::Interners;
use crate::options::Options;
use crate::owner::Owner;
use crate::result::{LinkResult, Sink};
use crate::text::escape_path;
use crate::threads::with_threads;
use crate::timing::Timer;
use crate::unit::Unit;

/// wasm-ld's words.
const NO_INPUT_FILES: &str = "no input files";

/// Links inputs: [`Linker::declare_input`] fixes their order, [`Linker::provide`] brings their bytes, [`Linker::finish`] links.
///
/// A linker can be kept: [`Linker::link`] leaves it as it is, and after [`Linker::replace`], [`Linker::remove`] or another
/// declaration the next link parses only what changed. Its bytes are those of a link from nothing.
///
/// Linkers do not share inputs, names or results, so any number of them may work in one process. Dropping one frees its memory. A
/// [`LinkResult`] has memory of its own: see [`Leftovers`].
/// [`Linker::set_cancel_token`] ends a link that is running.
pub struct Linker {
    owner: Owner,
    options: Options,
    interners: Interners,
    timer: Timer,
    /// The number of threads; `None` for the caller's.
    threads: Option<usize>,
    /// By [`InputId`]; `None` if it was removed.
    inputs: Vec<Option<Box<Input>>>,
    /// The inputs of the next link, in declared order.
    order: Vec<InputId>,
    files: Option<Arc<dyn FileProvider>>,
    generator: Option<Arc<dyn CodeGenerator>>,
    libraries: Option<Arc<dyn LibraryProvider>>,
    /// What was generated from bitcode for the last link.
    kept_code: KeptCode,
    /// What was done before the link, or kept of the last one.
    incremental: State,
    /// The layout of the last link, if the next one may go on from it.
    layout: LayoutStore,
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
        Linker {
            owner: Owner::new(),
            options,
            interners: Interners::default(),
            timer: Timer::new(false),
            threads: None,
            inputs: Vec::new(),
            order: Vec::new(),
            files: None,
            generator: None,
            libraries: None,
            kept_code: KeptCode::default(),
            incremental: State::default(),
            layout: LayoutStore::default(),
            cancel: CancelToken::new(),
        }
    }

    /// Sets the number of threads. The linker then has a pool of its own while it works. By default it uses the rayon pool of the
    /// calling thread, or rayon's global pool.
    pub fn set_threads(&mut self, threads: Option<usize>) {
        self.threads = threads;
    }

    /// Sets whether [`Timing::events`](crate::timing::Timing::events) records each task of each thread. Off by default.
    pub fn set_record_events(&mut self, record: bool) {
        self.timer.set_record_events(record);
    }

    /// Sets the token that cancels later links. A cancelled link fails with [`Code::Cancelled`] at the end of its phase. With a new
    /// token the linker links again.
    pub fn set_cancel_token(&mut self, token: CancelToken) {
        self.cancel = token;
    }

    /// Sets who reads the members of thin archives. Without a provider, thin archives are an error.
    pub fn set_file_provider(&mut self, files: Arc<dyn FileProvider>) {
        self.files = Some(files);
    }

    /// Sets who finds libraries that the link could have used: if a symbol is undefined, a help says which of them defines it.
    pub fn set_library_provider(&mut self, libraries: Arc<dyn LibraryProvider>) {
        self.libraries = Some(libraries);
    }

    /// Sets who generates code from LLVM bitcode, before any input is provided. Without a generator, bitcode that is linked is an error.
    pub fn set_code_generator(&mut self, generator: Arc<dyn CodeGenerator>) {
        self.kept_code.forget();
        self.layout.put(None);
        self.generator = Some(generator);
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The options of the next link, to change them.
    pub fn options_mut(&mut self) -> &mut Options {
        self.incremental.forget();
        self.layout.put(None);
        self.kept_code.forget();
        &mut self.options
    }

    /// Declares the next input. The order of declarations is the order of a command line: it decides what is linked and
    /// in which order it is in the output.
    pub fn declare_input(&mut self, description: InputDescription) -> InputId {
        let id = self.push(description);
        self.order.push(id);
        id
    }

    /// Declares an input in front of another one.
    ///
    /// # Errors
    /// [`InputError::Unknown`] if the other one was removed or is another linker's.
    pub fn declare_input_before(
        &mut self,
        next: InputId,
        description: InputDescription,
    ) -> Result<InputId, InputError> {
        let position = self.order.iter().position(|&known| known == next).ok_or(InputError::Unknown)?;
        let id = self.push(description);
        self.order.insert(position, id);
        Ok(id)
    }

    fn push(&mut self, description: InputDescription) -> InputId {
        self.inputs.push(Some(Box::new(Input { description, parsed: OnceLock::new(), version: 0 })));
        InputId::new(self.owner, self.inputs.len() - 1)
    }

    /// Provides an input's bytes and parses them on this thread. What is wrong with them is a diagnostic of the link. May be
    /// called from any thread and in any order.
    ///
    /// # Errors
    /// [`InputError::Unknown`]; [`InputError::AlreadyProvided`] until [`Linker::replace`] is called.
    pub fn provide(&self, id: InputId, bytes: Bytes) -> Result<(), InputError> {
        let input = self.input(id)?;
        let parse = || {
            let context = ParseContext {
                interners: &self.interners,
                files: self.files.as_deref(),
                generator: self.generator.as_deref(),
            };
            let task = || parse_input(&context, &input.description, bytes);
            self.timer.task("parse", || input.description.path.display().to_string(), task)
        };
        input.provide(id, parse)
    }

    /// Provides an input as a unit, in its present state. Later changes of the unit count from the next [`Linker::replace`] and
    /// `provide_unit` on.
    ///
    /// # Errors
    /// As [`Linker::provide`]; [`InputError::Unit`] if the unit is not consistent, and the input is then still to be provided.
    pub fn provide_unit(&self, id: InputId, unit: &Unit) -> Result<(), InputError> {
        let input = self.input(id)?;
        if input.parsed.get().is_some() {
            return Err(InputError::AlreadyProvided);
        }
        let build = || unit.build(&self.interners);
        let object = self.timer.task("unit", || input.description.path.display().to_string(), build)?;
        input.provide(id, || take_object(&input.description, object))
    }

    /// Marks an input as unavailable. The link fails with this diagnostic, in the order of the inputs.
    ///
    /// # Errors
    /// As [`Linker::provide`].
    pub fn fail_input(&self, id: InputId, diagnostic: Diagnostic) -> Result<(), InputError> {
        let parsed = || ParsedInput { diagnostics: vec![diagnostic], ..ParsedInput::default() };
        self.input(id)?.provide(id, parsed)
    }

    /// Forgets an input's bytes. New ones must be provided before the next link.
    ///
    /// # Errors
    /// [`InputError::Unknown`].
    pub fn replace(&mut self, id: InputId) -> Result<(), InputError> {
        let input = self.input_mut(id)?.as_mut().ok_or(InputError::Unknown)?;
        input.parsed.take();
        input.version += 1;
        self.free_names();
        Ok(())
    }

    /// Gives an input another path, as compilers do that number their objects anew. Returns whether the input is still provided: an
    /// object that was is, with the same bytes. Everything else must be provided again.
    ///
    /// # Errors
    /// [`InputError::Unknown`].
    pub fn rename(&mut self, id: InputId, path: impl Into<PathBuf>) -> Result<bool, InputError> {
        let input = self.input_mut(id)?.as_mut().ok_or(InputError::Unknown)?;
        input.description.path = path.into();
        input.version += 1;
        if input.parsed.get_mut().is_some_and(|parsed| parsed.rename(&input.description)) {
            return Ok(true);
        }
        self.replace(id).map(|()| false)
    }

    /// Removes an input for good.
    ///
    /// # Errors
    /// [`InputError::Unknown`].
    pub fn remove(&mut self, id: InputId) -> Result<(), InputError> {
        self.input_mut(id)?.take().ok_or(InputError::Unknown)?;
        self.order.retain(|&known| known != id);
        self.free_names();
        Ok(())
    }

    fn input(&self, id: InputId) -> Result<&Input, InputError> {
        let input = id.position(self.owner).and_then(|position| self.inputs.get(position)?.as_deref());
        input.ok_or(InputError::Unknown)
    }

    fn input_mut(&mut self, id: InputId) -> Result<&mut Option<Box<Input>>, InputError> {
        let input = id.position(self.owner).and_then(|position| self.inputs.get_mut(position));
        input.ok_or(InputError::Unknown)
    }

    /// The inputs of the next link in declared order.
    fn inputs_in_order(&self) -> impl Iterator<Item = (InputId, &Input)> {
        self.order.iter().filter_map(|&id| Some((id, self.input(id).ok()?)))
    }

    /// Frees the names that only replaced and removed inputs used, if there are many. The next link then resolves all symbols again.
    fn free_names(&mut self) {
        if self.incremental.is_renewal_due(&self.interners) {
            self.layout.put(None);
            let inputs = self.inputs.iter_mut().flatten().filter_map(|input| input.parsed.get_mut());
            self.incremental.free_names(&mut self.interners, inputs);
        }
    }

    /// The inputs of the next link in declared order.
    pub fn inputs(&self) -> impl Iterator<Item = (InputId, &InputDescription)> {
        self.inputs_in_order().map(|(id, input)| (id, &input.description))
    }

    /// What reading and parsing an input found. Empty if the input is sound, or not provided yet. Archive members are parsed only
    /// when they are needed, so a link can find more.
    ///
    /// # Errors
    /// [`InputError::Unknown`].
    pub fn diagnostics_of(&self, id: InputId) -> Result<&[Diagnostic], InputError> {
        Ok(self.input(id)?.parsed.get().map_or(&[], |parsed| &parsed.diagnostics))
    }

    /// What is wrong with the inputs in declared order. A link begins with the same diagnostics, all of
    /// [`Stage::Input`](crate::diagnostics::Stage::Input).
    pub fn check_inputs(&self) -> Vec<Diagnostic> {
        let mut diagnostics = self.new_diagnostics();
        self.join(&mut diagnostics);
        diagnostics.into_parts().diagnostics
    }

    /// Does a part of the link before all inputs are provided. Resolves the symbols of the inputs before the first missing one, and
    /// parses the archive members that these symbols need. If most inputs are provided, it also decodes relocations and merges the
    /// strings of debug information, which takes memory. It may be called at any time and from any thread, and changes how long the
    /// link takes, never its result.
    pub fn prepare(&self) {
        self.prepare_until(&CancelToken::new());
    }

    /// As [`Linker::prepare`], but returns soon after `stop` is cancelled. What was done until then is kept.
    pub fn prepare_until(&self, stop: &CancelToken) {
        if !self.cancel.is_cancelled() {
            self.incremental.prepare(self.surroundings(), &self.declared_inputs(), stop);
        }
    }

    /// About how many bytes the module will have, if [`Linker::prepare`] has linked most inputs: for whoever makes room for it while
    /// the others are missing. It can be more or less.
    pub fn expected_size(&self) -> Option<u64> {
        self.incremental.expected_size(&self.options, self.inputs_in_order().count())
    }

    fn declared_inputs(&self) -> DeclaredInputs<'_> {
        let inputs = self.inputs_in_order();
        let declared =
            inputs.map(|(id, Input { parsed, version, .. })| DeclaredInput { id, version: *version, parsed });
        DeclaredInputs(declared.collect())
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            options: &self.options,
            interners: &self.interners,
            threads: self.threads,
            timer: &self.timer,
        }
    }

    fn new_diagnostics(&self) -> Diagnostics {
        Diagnostics::new(self.options.fatal_warnings).with_cancel_token(self.cancel.clone())
    }

    /// All inputs in declared order. It is an error if one was never provided, or if they contain no file at all.
    fn join(&self, diagnostics: &mut Diagnostics) -> Joined<'_> {
        let mut joined = Joined::default();
        for (id, Input { description, parsed, .. }) in self.inputs_in_order() {
            let Some(parsed) = parsed.get() else {
                let message = format!("{}: was declared but never provided", escape_path(&description.path));
                let diagnostic = Diagnostic::error(Code::Open, message);
                diagnostics.push(diagnostic.with_location(Location::file(&description.path)).of_input(id));
                continue;
            };
            diagnostics.extend(parsed.diagnostics.iter().cloned());
            // One object of the wrong width says enough: the others would only repeat it.
            if let Err(diagnostic) = architecture::check(&self.options, &parsed.candidates) {
                let inputs = self.inputs_in_order().filter_map(|(_, input)| input.parsed.get());
                let files = inputs.flat_map(|parsed| &parsed.candidates).collect();
                let diagnostic = architecture::explain(*diagnostic, &self.options, files);
                diagnostics.push(diagnostic.of_input(id));
                return joined;
            }
            joined.files.extend(&parsed.candidates);
            joined.stubs.extend(&parsed.stub);
        }
        if joined.files.is_empty() && joined.stubs.is_empty() && diagnostics.error_count() == 0 {
            diagnostics.push(Diagnostic::error(Code::Options, NO_INPUT_FILES).at_stage(Stage::Input));
        }
        joined
    }

    /// Links and returns the module's bytes.
    pub fn finish(self) -> LinkResult {
        let mut module = Vec::new();
        self.finish_into(&mut module).with_module(module)
    }

    /// Links into `sink`.
    pub fn finish_into(self, sink: &mut dyn Sink) -> LinkResult<()> {
        let mut result = self.join_and_link(false, sink);
        result.leftovers.add(self);
        result
    }

    /// Links, returns the module's bytes, and keeps what makes the next link faster.
    pub fn link(&mut self) -> LinkResult {
        let mut module = Vec::new();
        self.link_into(&mut module).with_module(module)
    }

    /// Links into `sink`, and keeps what makes the next link faster.
    pub fn link_into(&mut self, sink: &mut dyn Sink) -> LinkResult<()> {
        self.join_and_link(true, sink)
    }

    /// Links into `sink`, and keeps only the parsed inputs: for a link that is probably the last one.
    pub fn link_once_into(&mut self, sink: &mut dyn Sink) -> LinkResult<()> {
        self.join_and_link(false, sink)
    }

    fn join_and_link(&self, keep: bool, sink: &mut dyn Sink) -> LinkResult<()> {
        self.timer.begin_link();
        let (linked, recorded) = with_threads(self.threads, || {
            self.timer.lap("threads");
            let mut diagnostics = self.new_diagnostics();
            let linked = self.link_joined(keep, sink, &mut diagnostics);
            (linked, diagnostics.into_parts())
        });
        self.timer.lap("clean up");
        let Recorded { diagnostics, messages, extractions, map, report } = recorded;
        let (module, leftovers) = match linked {
            Ok(leftovers) => (Ok(()), leftovers),
            Err(failure) => (Err(failure), Leftovers::default()),
        };
        let timing = self.timer.take();
        LinkResult { module, map, extractions, report, messages, diagnostics, timing, leftovers }
    }

    fn link_joined(
        &self,
        keep: bool,
        sink: &mut dyn Sink,
        diagnostics: &mut Diagnostics,
    ) -> Result<Leftovers, LinkFailure> {
        let timer = &self.timer;
        let inputs = timer.phase("join", || self.join(diagnostics));
        diagnostics.check()?;
        let mut speculation = timer
            .phase("resolve", || self.incremental.complete(self.surroundings(), &self.declared_inputs()));
        let replacements = speculation.begin_link();
        let fit = |mut layout: KeptLayout, replacements| {
            layout.replace(&self.options, replacements).then_some(Box::new(layout))
        };
        let earlier = self.layout.take().zip(replacements);
        let earlier =
            earlier.and_then(|(layout, replacements)| timer.phase("replace", || fit(layout, replacements)));
        let start = match earlier {
            Some(layout) => {
                let strings = speculation.strings(keep);
                if keep {
                    self.incremental.keep(speculation);
                }
                Start::Layout(layout, strings)
            }
            None => {
                if keep {
                    timer.phase("keep", || {
                        speculation.mark(&self.options);
                        self.incremental.keep(speculation.clone());
                    });
                }
                Start::Inputs(Box::new(speculation.into_head_start(keep)))
            }
        };
        let generation = Generation {
            generator: self.generator.as_deref(),
            kept: keep.then_some(&self.kept_code),
            cancel: self.cancel.clone(),
            timer,
        };
        let mut context = Context::new(&self.options, &self.interners, generation);
        context.libraries = self.libraries.as_deref();
        let Linked { leftovers, layout } = link::link(context, &inputs, start, timer, sink, diagnostics)?;
        self.layout.put(layout);
        Ok(leftovers)
    }
}

impl Input {
    /// Takes what `parse` makes of this input, whose id is `id`, unless it was provided already.
    fn provide(&self, id: InputId, parse: impl FnOnce() -> ParsedInput) -> Result<(), InputError> {
        let mut is_new = false;
        self.parsed.get_or_init(|| {
            is_new = true;
            let mut parsed = parse();
            parsed.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.set_input(id));
            parsed
        });
        if is_new {
            Ok(())
        } else {
            Err(InputError::AlreadyProvided)
        }
    }
}
