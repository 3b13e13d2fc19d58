//! From the parsed arguments to the linked module: declares the inputs, reads them, links, and keeps what is said in order.

use crate::checks::{self, Checks};
use crate::clock::Instant;
use crate::configure::Settings;
use crate::line::Line;
use crate::option_table::Opt;
use crate::other_libraries::OtherLibraries;
use crate::parse::Arguments;
use crate::post_link::Transform;
use crate::progress::{self, Progress};
use crate::read_files::ReadFiles;
use crate::render::Renderer;
use crate::reproduce::Reproduce;
use crate::sight::Sight;
use crate::stopwatch::Stopwatch;
use crate::temporary::Temporary;
use crate::terminal::Terminal;
use crate::text::to_path;
use crate::transcript::Transcript;
use crate::{await_inputs, hints, inputs, lto, output_file, outputs, verbose_link};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use wald::diagnostics::{Code, Diagnostic, Location, Severity};
use wald::options::Options;
use wald::{LinkResult, Linker, MessageKind, Text};

/// What a link takes over from [`Host`](crate::Host).
#[derive(Clone, Copy)]
pub struct Session<'a> {
    pub clock: &'a Stopwatch,
    /// The name by which this program was called.
    pub called: &'a OsStr,
    pub shuffle: Option<u64>,
    pub ends_process: bool,
    pub terminal: Terminal,
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// What is made of a module before it is written.
    pub transform: Option<&'a Transform>,
}

impl<'a> Session<'a> {
    /// What is made of the module of this link: nothing, if it is not linked to the end.
    pub fn transform(&self, settings: &Settings) -> Option<&'a Transform> {
        let is_final = !settings.shared && !settings.relocatable && !settings.index_only;
        self.transform.filter(|_| is_final)
    }
}

/// Shows what a link says, and writes the map if it fails after the map was made. If the report of extracted members cannot be
/// written, only those lines follow that wasm-ld still writes, and no map.
pub fn show(linked: &Linked, arguments: &Arguments, settings: &Settings, out: &mut Renderer) {
    let mut is_complete = true;
    for line in &linked.lines {
        if !is_complete && !outputs::follows_failed_report(line) {
            break;
        }
        match line {
            Line::Diagnostic(diagnostic) => out.add(diagnostic),
            Line::Message(kind, text) => out.add_message(*kind, text),
            Line::Extractions(report) => {
                if let Some(path) = &settings.why_extract {
                    is_complete &= outputs::write_why_extract(path, &format!("{report:#}"), out);
                }
                if arguments.has(Opt::VerboseLink) {
                    verbose_link::extractions(report)
                        .for_each(|text| out.add_message(MessageKind::Verbose, &text));
                }
            }
        }
    }
    out.write_pending();
    if let Some(LinkResult { module: Err(_), map: Some(map), .. }) =
        linked.result.as_ref().filter(|_| is_complete)
    {
        outputs::write_map_of_failed_link(&map.to_escaped(), settings, out);
    }
}

/// All that a link needs.
pub struct Job<'a> {
    pub arguments: &'a Arguments,
    pub options: Options,
    pub settings: &'a Settings,
    pub reproduce: Option<&'a Arc<Reproduce>>,
    /// What is wrong with options.
    pub diagnostics: Vec<Diagnostic>,
}

/// A job whose inputs are declared and not read.
pub struct Declared {
    pub linker: Linker,
    pub inputs: inputs::Inputs,
    pub transcript: Transcript,
    /// The names in `--allow-undefined-file`.
    pub allowed_undefined: Vec<String>,
    /// The identity of that file.
    pub sights: Vec<Sight>,
    /// The new output file, if it is a regular one.
    pub output: Option<Temporary>,
}

/// What came of a job.
pub struct Linked {
    /// What is to be said, in order.
    pub lines: Vec<Line>,
    /// The library's result, without what is in `lines`. `None` if the library had nothing to link.
    pub result: Option<LinkResult<()>>,
}

impl Linked {
    /// Whether something in it but the module may contain names of inputs.
    pub fn may_name_inputs(&self) -> bool {
        let in_result = |result: &LinkResult<()>| {
            result.map.is_some()
                || result.extractions.is_some()
                || result.report.is_some()
                || !result.messages.is_empty()
        };
        !self.lines.is_empty() || self.result.as_ref().is_some_and(in_result)
    }
}

/// Declares the inputs, and checks the options if their values are right.
pub fn declare(job: Job, members: inputs::Members, out: &Renderer) -> Declared {
    let Job { arguments, mut options, settings, reproduce, diagnostics } = job;
    let failed = has_error(&diagnostics);
    let mut checks = Checks::default();
    if !failed {
        checks = checks::check(arguments, &options, settings, reproduce.map(|reproduce| &**reproduce));
        options.version_script = std::mem::take(&mut checks.version_script);
        options.dynamic_list = std::mem::take(&mut checks.dynamic_list);
        checks.diagnostics.extend(hints::notes(arguments, &options));
        checks.diagnostics.iter_mut().for_each(|diagnostic| out.promote(diagnostic));
    }
    let lists_members = arguments.has(Opt::VerboseLink);
    let transcript = Transcript {
        options: diagnostics.into_iter().map(Line::from).collect(),
        checks: checks.diagnostics.into_iter().map(Line::from).collect(),
        lists_members,
        shows_trace: options.trace,
    };
    options.trace |= lists_members;
    let mut linker = Linker::new(options);
    linker.set_threads(settings.threads);
    linker.set_record_events(settings.time_trace.is_some());
    let copies = members.copies;
    linker.set_file_provider(Arc::new(members));
    // A process in an engine can start no compiler.
    if !cfg!(target_family = "wasm") {
        let generator = match copies {
            true => lto::Generator::for_many_links(settings.lto.clone()),
            false => lto::Generator::new(settings.lto.clone()),
        };
        linker.set_code_generator(Arc::new(generator));
    }
    linker.set_library_provider(Arc::new(OtherLibraries { folders: settings.search_paths.clone(), copies }));
    let mut inputs = inputs::declare(&mut linker, arguments, settings);
    if lists_members {
        verbose_link::inputs(arguments, &inputs).into_iter().for_each(|line| inputs.add_notice(line));
    }
    let Checks { allowed_undefined, sights, output, .. } = checks;
    Declared { linker, inputs, transcript, allowed_undefined, sights, output }
}

/// Declares the inputs, reads them, links. A file that was changed meanwhile is an error.
pub fn load_and_link(
    job: Job,
    response_files: Vec<Sight>,
    session: Session,
    place: &mut output_file::Place,
    out: &mut Renderer,
) -> Linked {
    let (settings, reproduce, failed) = (job.settings, job.reproduce, has_error(&job.diagnostics));
    let awaiting = settings.awaiting.as_ref().filter(|_| !failed);
    let threads =
        settings.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    // A file that was named as complete may be rewritten in place, and is then named again.
    let copies = awaiting.is_some();
    let members = inputs::Members { keep_mapped: session.ends_process, copies };
    let Declared { mut linker, inputs, transcript, allowed_undefined, sights, output } =
        declare(job, members, out);
    // It may take long until all inputs exist. A file with a name would stay in the folder all that time.
    place.set_new_file(output.filter(|_| awaiting.is_none()));
    let reproduce = reproduce.map(|reproduce| &**reproduce);
    let progress = &Progress::new(inputs.paths().count());
    let (shuffle, keep_mapped, ahead) = (session.shuffle, session.ends_process, false);
    let reading = inputs::Reading { threads, shuffle, keep_mapped, copies, ahead, reproduce, progress };
    let mut read = ReadFiles::default();
    read.add_all(response_files.into_iter().chain(sights));
    session.clock.lap("find");
    let mut linked = progress::watch(session.terminal, progress, || {
        // First, because changed options undo what was prepared.
        linker.options_mut().allowed_undefined.extend(allowed_undefined);
        if let Some(awaiting) = awaiting {
            return await_and_link(linker, &inputs, &transcript, &reading, awaiting, place, (session, out));
        }
        for taken in inputs::read_all(&linker, &inputs, &reading) {
            read.add(taken.sights);
            if !taken.allowed.is_empty() {
                linker.options_mut().allowed_undefined.extend(taken.allowed);
            }
        }
        let opening = progress.opening_share();
        session.clock.split([("open", opening), ("parse", 1.0 - opening)]);
        let linked = link(linker, &inputs, &transcript, |linker| linker.finish_into(place));
        session.clock.link(Instant::now());
        linked
    });
    let changed = read.changed_in_place(threads).into_iter().map(changed_while_linked);
    linked.lines.extend(changed.map(Line::from));
    if session.ends_process {
        // The system frees memory faster.
        std::mem::forget((inputs, transcript, read));
    }
    session.clock.lap("check");
    linked
}

/// Links, unless an error is known already. Then the inputs are only checked.
pub fn link<L: std::borrow::Borrow<Linker>>(
    linker: L,
    inputs: &inputs::Inputs,
    transcript: &Transcript,
    link: impl FnOnce(L) -> LinkResult<()>,
) -> Linked {
    if transcript.has_error(inputs) {
        let found = linker.borrow().check_inputs();
        return Linked { lines: transcript.without_link(inputs, found), result: None };
    }
    let mut result = link(linker);
    Linked { lines: transcript.with_link(inputs, &mut result), result: Some(result) }
}

/// Links when all inputs are complete; again, if some were not after all.
fn await_and_link(
    mut linker: Linker,
    inputs: &inputs::Inputs,
    transcript: &Transcript,
    reading: &inputs::Reading,
    awaiting: &crate::configure::Awaiting,
    place: &mut output_file::Place,
    (session, out): (Session, &mut Renderer),
) -> Linked {
    let own = linker.options().allowed_undefined.clone();
    let mut note = |message| {
        if !session.terminal.can_rewrite {
            out.show_note(message);
        }
    };
    let mut waiter = await_inputs::Waiter::new(inputs, reading, awaiting, place.before_module(), &mut note);
    loop {
        let mut allowed = waiter.read_all(&mut linker);
        if linker.options().allowed_undefined.len() != own.len() || !allowed.is_empty() {
            allowed.splice(..0, own.iter().cloned());
            linker.options_mut().allowed_undefined = allowed;
        }
        place.set_new_file(waiter.take_output());
        session.clock.lap("wait");
        let linked = waiter
            .look_during(|| link(&mut linker, inputs, transcript, |linker| linker.link_once_into(place)));
        let ended = Instant::now();
        if waiter.is_settled(&mut linker) {
            if reading.keep_mapped {
                // The process ends: the system frees its memory faster. And it closes the descriptors all at once: see
                // `open_files::close_in_background`.
                std::mem::forget((linker, waiter));
            }
            session.clock.link(ended);
            return linked;
        }
        // Only the last link counts as one.
        session.clock.lap("wait");
    }
}

fn changed_while_linked(path: String) -> Diagnostic {
    let message = format!("{path}: was changed while it was linked");
    Diagnostic::error(Code::Open, message)
        .with_location(Location::file(to_path(&path)))
        .with_help("link again when nobody writes to it any more")
}

/// An error about options.
pub fn option_error(message: impl Into<Text>) -> Diagnostic {
    Diagnostic::error(Code::Options, message)
}

/// Whether one of them is an error.
pub fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
