//! The `wald` command as a function: wasm-ld's command line, in and out.
//!
//! [`run`] reads from top to bottom what the command does: program name, response files, arguments, options, inputs,
//! link, output. Everything it says goes through [`Host`], so tests call it in process.
#![warn(clippy::expect_used, clippy::unwrap_used)]
#![deny(unsafe_code)]
#![cfg_attr(
    target_family = "wasm",
    allow(dead_code, unused_imports, reason = "an engine has no files, processes and signals")
)]

mod arena;
mod await_inputs;
mod await_news;
mod awaited_file;
mod build_process;
mod checks;
mod child_group;
mod clock;
mod command_line;
mod component;
mod configure;
mod data;
mod distribute;
mod earlier_files;
mod elf_options;
pub mod embedded;
mod explain;
mod explain_symbol;
mod files;
mod folder_events;
mod giving_up;
mod help;
mod hints;
mod host;
mod hyperlinks;
mod identity;
mod in_parallel;
mod inputs;
mod job;
mod last_words;
mod library_search;
mod line;
mod lto;
mod mapped_file;
pub mod memory;
mod missing_file;
mod numbers;
mod observer;
mod open_files;
mod option_table;
mod other_libraries;
mod out_of_memory;
mod output_ahead;
mod output_file;
mod outputs;
mod parse;
mod post_link;
mod preparation;
mod process_time;
mod progress;
mod read_files;
mod ready_descriptor;
mod render;
mod report;
mod reproduce;
mod response_file;
mod run_build;
mod server;
pub mod signals;
mod sight;
mod standard_streams;
mod stop;
mod stopwatch;
mod stream;
mod tar;
mod target;
#[cfg_attr(all(target_family = "wasm", target_os = "unknown"), path = "temporary_in_memory.rs")]
mod temporary;
mod terminal;
mod text;
mod timing_report;
mod transcript;
mod truncated_input;
mod verbose_link;
mod watch;

pub use command_line::CommandLine;
use configure::Configuration;
#[doc(hidden)]
pub use help::guide as option_guide;
use host::program_name;
pub use host::{run_process, Host};
use job::{has_error, option_error, show, Job, Linked, Session};
use option_table::Opt;
use parse::Arguments;
pub use post_link::{Plan, PostLink, Syntax, Transform};
use render::Renderer;
use reproduce::Reproduce;
use response_file::Quoting;
use sight::Sight;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use stop::Stop;
use stopwatch::Stopwatch;
use terminal::Terminal;
use text::error_text;
use wald::diagnostics::{Code, Diagnostic};

/// What `--version` prints. Build systems look for the word LLD, and Meson takes the first number for LLD's version.
const VERSION: &str = concat!("LLD 22.1.8 (Wald ", env!("CARGO_PKG_VERSION"), ", compatible with wasm-ld)");

/// Runs the command. `args` begins with the program's name. The result is the exit code.
pub fn run(args: &[OsString], host: &mut Host) -> i32 {
    if let [program, option, command @ ..] = args {
        if option == "--run" && !command.is_empty() {
            return run_build(&program_name(&text::from_os(program)), command, host);
        }
        if option == "--thinlto-distribute" {
            return distribute::run(&program_name(&text::from_os(program)), command, host.stderr);
        }
    }
    #[cfg(unix)]
    if let Some(socket) = server::socket_of_server() {
        return be_server(&socket, host);
    }
    run_links(args, host, None)
}

/// Runs the command for a program that makes something else of each module before it is written. All else is as with [`run`]: messages,
/// exit code, signals, and an output that is replaced as a whole or not at all. A link server cannot link for it.
pub fn run_with_post_link(args: &[OsString], host: &mut Host, post_link: &dyn PostLink) -> i32 {
    run_links(args, host, Some(post_link))
}

fn run_links(args: &[OsString], host: &mut Host, post_link: Option<&dyn PostLink>) -> i32 {
    let before = if host.ends_process { process_time::used() } else { Duration::ZERO };
    let clock = &Stopwatch::new(before);
    let called = args.first().map_or(OsStr::new("wald"), |name| name);
    let mut args: Vec<String> = args.iter().map(|arg| text::from_os(arg)).collect();
    let program = program_name(args.first().map_or("wald", String::as_str));
    if !args.is_empty() {
        args.remove(0);
    }
    let flavor = take_flavor(&mut args);
    let terminal = Terminal::new([host.stdout_is_terminal, host.stderr_is_terminal], host.environment);
    let mut renderer = Renderer::new(program.clone(), host.stdout, host.stderr);
    renderer.on_terminal = terminal.is_terminal;
    if let Err(complaint) = flavor {
        renderer.complain(&complaint);
        return 1;
    }
    let session = Session {
        clock,
        called,
        shuffle: host.shuffle,
        ends_process: host.ends_process,
        terminal,
        environment: host.environment,
        transform: None,
    };
    last_words::set_program(&program);
    link_until_done(&args, &program, session, post_link, &mut renderer)
}

/// Links, and again while a watched command line changes. Returns the exit code.
fn link_until_done(
    args: &[String],
    program: &str,
    session: Session,
    post_link: Option<&dyn PostLink>,
    renderer: &mut Renderer,
) -> i32 {
    let mut is_again = false;
    #[cfg(unix)]
    let mut behind = None;
    loop {
        let mut files = Vec::new();
        let read = read_arguments(args.to_vec(), session, post_link, &mut files, renderer);
        let Read { arguments, diagnostics, transform, answer } = read;
        let session = Session { transform: transform.as_deref(), ..session };
        if let Some(answer) = answer {
            renderer.show_all(&diagnostics);
            let _ = renderer.stdout.write_all(&text::to_bytes(&answer));
            break;
        }
        if arguments.has(Opt::Component) && post_link.is_none() {
            return component::link(args, session.environment, renderer);
        }
        #[cfg(unix)]
        if !is_again && post_link.is_none() {
            match ask_server(&arguments, &diagnostics, session, renderer) {
                Ok(code) => return code,
                Err(needed) => behind = needed,
            }
        }
        let load = |job: Job<'_>, place: &mut output_file::Place, out: &mut Renderer<'_>| {
            Ok(job::load_and_link(job, files.clone(), session, place, out))
        };
        let again = link(&arguments, diagnostics, &files, program, session, &load, renderer);
        match again {
            Err(Stop::Again) => {}
            // A watched command line that is wrong now will be put right.
            Err(Stop::Done) if is_again && !files.is_empty() && renderer.error_count() != 0 => {
                let _ = renderer.check_streams();
                watch::wait_for_change(&files);
            }
            _ => break,
        }
        renderer.begin_again();
        is_again = true;
        session.clock.restart();
    }
    renderer.finish();
    let _ = renderer.check_streams();
    let code = i32::from(renderer.error_count() != 0);
    #[cfg(unix)]
    if let Some(behind) = behind {
        server::start_behind(&behind);
    }
    code
}

/// Has a server link, if one is wanted and there. The result is the exit code. If this process has to link, it is what a new server
/// needs.
#[cfg(unix)]
fn ask_server(
    arguments: &Arguments,
    diagnostics: &[Diagnostic],
    session: Session,
    out: &mut Renderer,
) -> Result<i32, Option<Box<server::Behind>>> {
    let mode = match server::Mode::of(arguments, session.environment) {
        Ok(server::Mode::Off) => return Err(None),
        Ok(mode) if diagnostics.is_empty() && server::can_serve(arguments, session.environment) => mode,
        // What is wrong with the value is reported with the other options.
        _ => return Err(None),
    };
    match server::link(mode, arguments, session, out) {
        server::Outcome::Done(code) => Ok(i32::from(code)),
        server::Outcome::Alone(behind) => Err(behind),
        server::Outcome::Refused(reason) => {
            out.show(&option_error(format!("--server=require: {reason}")));
            out.finish();
            Ok(1)
        }
    }
}

/// This process is a server. Only its log says what goes wrong.
#[cfg(unix)]
fn be_server(socket: &Path, host: &mut Host) -> i32 {
    match server::run(socket, serve) {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(host.stderr, "cannot start: {error}");
            1
        }
    }
}

/// What [`run`] does, for a client of a server. Its response files are expanded.
#[cfg(unix)]
fn serve(served: server::Served<'_>) -> i32 {
    let server::Served { called, arguments, is_terminal, stdout, stderr, turn } = served;
    let clock = &Stopwatch::new(Duration::ZERO);
    let program = program_name(&text::from_os(called));
    let environment = &|name: &str| std::env::var_os(name);
    let terminal = Terminal::new(is_terminal, environment);
    let mut renderer = Renderer::new(program.clone(), stdout, stderr);
    renderer.on_terminal = terminal.is_terminal;
    let transform = None;
    let session =
        Session { clock, called, shuffle: None, ends_process: false, terminal, environment, transform };
    let mut diagnostics = Vec::new();
    let arguments = parse::parse(arguments);
    set_up_renderer(&arguments, terminal, &mut renderer, &mut diagnostics);
    let load = |job: Job<'_>, place: &mut output_file::Place, out: &mut Renderer<'_>| {
        turn.link(job, session, place, out)
    };
    let _ = link(&arguments, diagnostics, &[], &program, session, &load, &mut renderer);
    renderer.finish();
    let _ = renderer.check_streams();
    i32::from(renderer.error_count() != 0)
}

/// `--run`: another command, in which wasm-ld is this program.
fn run_build(program: &str, command: &[OsString], host: &mut Host) -> i32 {
    run_build::run(command, host.environment).unwrap_or_else(|(message, code)| {
        let _ = host.stderr.write_all(&text::to_bytes(&format!("{program}: error: {message}\n")));
        code
    })
}

/// Takes `-flavor NAME` off the front, which is how `rust-lld` is called.
fn take_flavor(args: &mut Vec<String>) -> Result<(), String> {
    if args.first().map(String::as_str) != Some("-flavor") {
        return Ok(());
    }
    match args.get(1).map(String::as_str) {
        None => Err("missing arg value for '-flavor'".into()),
        Some(name) if ["wasm", "ld-wasm"].iter().any(|known| name.eq_ignore_ascii_case(known)) => {
            args.drain(..2);
            Ok(())
        }
        Some(other) => Err(format!("Unknown flavor: {other}")),
    }
}

/// A command line.
struct Read {
    arguments: Arguments,
    /// What is wrong so far.
    diagnostics: Vec<Diagnostic>,
    /// What is made of the module.
    transform: Option<Box<Transform>>,
    /// What is printed in place of a link.
    answer: Option<String>,
}

/// Expands response files, which are added to `files`, parses, and sets up how diagnostics are shown.
fn read_arguments(
    args: Vec<String>,
    session: Session,
    post_link: Option<&dyn PostLink>,
    files: &mut Vec<Sight>,
    renderer: &mut Renderer,
) -> Read {
    let mut diagnostics = Vec::new();
    let mut quoting = Quoting::default();
    // As in wasm-ld, --rsp-quoting has no effect inside a response file.
    let wanted = if args.iter().any(|arg| arg.contains("rsp-quoting")) {
        parse::parse(args.clone()).last_value(Opt::RspQuoting).map(str::to_string)
    } else {
        None
    };
    match wanted.as_deref() {
        None => {}
        Some("posix") => quoting = Quoting::Posix,
        Some("windows") => quoting = Quoting::Windows,
        Some(other) => diagnostics.push(option_error(format!("invalid response file quoting: {other}"))),
    }
    let (mut args, mut complaints) = response_file::expand_and_see(args, quoting, files);
    if let Some(flags) = (session.environment)("WALD_FLAGS").filter(|_| !is_question(&args)) {
        let flags = response_file::split(&text::from_os(&flags), quoting);
        let (flags, more) = response_file::expand_and_see(flags, quoting, files);
        args.splice(..0, flags);
        complaints.extend(more);
    }
    let plan = post_link.map(|post_link| post_link::plan(post_link, &mut args)).unwrap_or_default();
    let arguments = parse::parse(args);
    diagnostics.extend(plan.diagnostics);
    set_up_renderer(&arguments, session.terminal, renderer, &mut diagnostics);
    // Another program reads the command line again.
    let is_read_again = arguments.has(Opt::Component) && post_link.is_none();
    for complaint in complaints.iter().filter(|_| !is_read_again) {
        renderer.complain(complaint);
    }
    let help = plan.help.filter(|_| arguments.has(Opt::Help)).map(|help| help + &help::options());
    Read { arguments, diagnostics, transform: plan.transform, answer: help.or(plan.answer) }
}

/// Whether the arguments ask for something to be printed, and not for a link: build systems look at the answer.
fn is_question(args: &[String]) -> bool {
    let arguments = parse::parse(args.to_vec());
    let asks = [Opt::Help, Opt::Explain, Opt::Version, Opt::PrintManPage, Opt::PrintCompletions];
    asks.iter().any(|&option| arguments.has(option))
        || (arguments.has(Opt::ShortVersion) && !arguments.has_input())
}

/// Reads the options about diagnostics themselves, and complains about arguments that are none.
fn set_up_renderer(
    arguments: &Arguments,
    terminal: Terminal,
    renderer: &mut Renderer,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let color = arguments.last(&[Opt::ColorDiagnostics, Opt::NoColorDiagnostics]);
    match color {
        None | Some((Opt::ColorDiagnostics, _, Some("auto"))) => renderer.color = terminal.has_color,
        Some((Opt::ColorDiagnostics, _, None | Some("always"))) => renderer.color = true,
        Some((_, _, None | Some("never"))) => renderer.color = false,
        Some((_, _, Some(value))) => {
            diagnostics.push(option_error(format!("unknown option: --color-diagnostics={value}")));
        }
    }
    set_up_form(arguments, terminal, renderer, diagnostics);
    if let Some(option) = &arguments.missing_value {
        diagnostics.push(option_error(format!("{option}: missing argument")));
    }
    diagnostics.extend(arguments.unknown().enumerate().map(hints::unknown_argument));
    renderer.fatal_warnings = arguments.is_on(Opt::FatalWarnings, Opt::NoFatalWarnings, false);
    match numbers::integer(arguments, Opt::ErrorLimit) {
        Ok(limit) => renderer.error_limit = limit.map_or(render::DEFAULT_LIMIT, |limit| limit as u64),
        Err(message) => diagnostics.push(option_error(message)),
    }
    renderer.early_errors = diagnostics.len() as u64;
    diagnostics.extend(configure::z_warnings(arguments));
    diagnostics.extend(hints::elf_options(arguments));
    for diagnostic in diagnostics {
        renderer.promote(diagnostic);
    }
}

/// Reads in which form diagnostics are shown.
fn set_up_form(
    arguments: &Arguments,
    terminal: Terminal,
    renderer: &mut Renderer,
    diagnostics: &mut Vec<Diagnostic>,
) {
    renderer.only_wasm_ld = arguments.has(Opt::NoNotes);
    let format = arguments.last_value(Opt::DiagnosticsFormat).unwrap_or("human");
    match data::Format::find(format) {
        Some(format) => renderer.format = format,
        None => diagnostics.push(option_error(format!("unknown option: --diagnostics-format={format}"))),
    }
    match arguments.last_value(Opt::Hyperlinks) {
        None | Some("auto") => renderer.hyperlinks = terminal.has_hyperlinks,
        Some("always") => renderer.hyperlinks = true,
        Some("never") => renderer.hyperlinks = false,
        Some(value) => diagnostics.push(option_error(format!("unknown option: --hyperlinks={value}"))),
    }
}

/// From the parsed arguments to the written output. `diagnostics` is what was wrong so far; it is shown here.
///
/// The inputs are read even if an option is wrong, so that one run shows all mistakes. The order in which they are shown is that of
/// the [`transcript`]. `load` reads the inputs and links.
fn link(
    arguments: &Arguments,
    mut diagnostics: Vec<Diagnostic>,
    response_files: &[Sight],
    program: &str,
    session: Session,
    load: &dyn Fn(Job, &mut output_file::Place, &mut Renderer) -> Result<Linked, Stop>,
    out: &mut Renderer,
) -> Result<(), Stop> {
    if let Some(text) = text_that_was_asked_for(arguments, program, session, &mut diagnostics) {
        out.show_all(&diagnostics);
        let _ = out.stdout.write_all(&text::to_bytes(&text));
        return Err(Stop::Done);
    }
    if arguments.has(Opt::Version) || arguments.has(Opt::ShortVersion) {
        let _ = writeln!(out.stdout, "{VERSION}");
    }
    let reproduce = begin_reproduce(arguments, session, &mut diagnostics);
    let Configuration { options, mut settings, diagnostics: wrong, fatal } = configure::configure(arguments);
    settings.lto.tool.start_at(session.called, session.environment);
    if settings.lto.tool.names_linker() {
        settings.lto.link_arguments = lto::link_arguments(arguments);
    }
    diagnostics.extend(wrong);
    // wasm-ld's -v without any plain input is a question, and needs no link.
    let only_a_question = arguments.has(Opt::ShortVersion) && !arguments.has_input();
    for (option, name) in [(Opt::Run, "--run"), (Opt::ThinltoDistribute, "--thinlto-distribute")] {
        if arguments.has(option) {
            diagnostics.push(option_error(format!("{name}: must be the first argument")));
        }
    }
    diagnostics.extend(checks::needs_process(arguments));
    if let Err(message) = server::Mode::of(arguments, session.environment) {
        diagnostics.push(option_error(message));
    }
    if fatal || arguments.has(Opt::Version) || only_a_question {
        out.show_all(&diagnostics);
        finish_reproduce(reproduce.as_deref(), out);
        return Err(Stop::Done);
    }
    let output_path = text::from_path(&options.output);
    let watch = settings.watch && !has_error(&diagnostics);
    let job = Job { arguments, options, settings: &settings, reproduce: reproduce.as_ref(), diagnostics };
    if watch {
        return watch::run(job, response_files.to_vec(), session, program, out);
    }
    let transform = session.transform(&settings);
    let mut place = output_file::Place::before(transform, &output_path, session.ends_process);
    session.clock.lap("arguments");
    let linked = load(job, &mut place, out)?;
    show(&linked, arguments, &settings, out);
    finish_reproduce(reproduce.as_deref(), out);
    let Linked { lines, result } = linked;
    let mut result = result.ok_or(Stop::Done)?;
    if session.ends_process {
        // The system frees memory faster.
        std::mem::forget((lines, std::mem::take(&mut result.leftovers)));
    }
    if result.module.is_err() || out.error_count() != 0 {
        return Err(Stop::Done);
    }
    if let Some(transform) = transform {
        place.transform(transform).map_err(|diagnostic| {
            out.show(&diagnostic);
            Stop::Done
        })?;
        session.clock.lap("component");
    }
    outputs::write(&output_path, &result, &settings, out, |stdout| place.stage(stdout))?;
    session.clock.lap("save");
    outputs::report_timing(&settings, &result.timing, session.clock, out);
    Ok(())
}

/// What `--help` and the hidden options that print something want. Nothing is linked then.
fn text_that_was_asked_for(
    arguments: &Arguments,
    program: &str,
    session: Session,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<String> {
    if arguments.has(Opt::Help) {
        return Some(help::help(program));
    }
    if let Some(answer) = server::answer(arguments, session.environment) {
        return Some(answer.unwrap_or_else(|error| {
            diagnostics.push(option_error(format!("no server can be asked: {}", error_text(&error))));
            String::new()
        }));
    }
    if arguments.has(Opt::PrintManPage) {
        return Some(help::man_page());
    }
    if let Some(codes) = arguments.last_value(Opt::Explain) {
        return Some(explain::pages(codes).unwrap_or_else(|code| {
            let message = format!("--explain: no diagnostic has the code '{code}'");
            diagnostics.push(option_error(message).with_help("--explain=all lists them"));
            String::new()
        }));
    }
    let shell = arguments.last_value(Opt::PrintCompletions)?;
    Some(help::completion_script(shell).unwrap_or_else(|| {
        let message = format!("--print-completions: expected bash, zsh or fish, but got '{shell}'");
        diagnostics.push(option_error(message));
        String::new()
    }))
}

fn begin_reproduce(
    arguments: &Arguments,
    session: Session,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<Reproduce>> {
    let variable = || (session.environment)("LLD_REPRODUCE").map(|path| text::from_os(&path));
    let path = &arguments.last_value(Opt::Reproduce).map(str::to_string).or_else(variable)?;
    match Reproduce::create(path, arguments, VERSION) {
        Ok(reproduce) => Some(Arc::new(reproduce)),
        Err(_) => {
            diagnostics.push(Diagnostic::error(Code::Open, format!("--reproduce: cannot open {path}")));
            None
        }
    }
}

fn finish_reproduce(reproduce: Option<&Reproduce>, out: &mut Renderer) {
    if let Some(Err(error)) = reproduce.map(Reproduce::finish) {
        out.show_error(Code::Open, format!("--reproduce: cannot write: {}", error_text(&error)));
    }
}
