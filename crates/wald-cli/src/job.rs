//! A link as the command was asked for it: what it needs, how its inputs are declared, and how what it says is shown.

use crate::checks::{self, Checks};
use crate::configure::Settings;
use crate::inputs;
use crate::option_table::Opt;
use crate::outputs;
use crate::parse::Arguments;
use crate::render::Renderer;
use crate::reproduce::Reproduce;
use crate::stopwatch::Stopwatch;
use crate::terminal::Terminal;
use crate::verbose_link;
use std::ffi::OsString;
use std::sync::Arc;
use wald::diagnostics::{Code, Diagnostic, Severity};
use wald::options::Options;
use wald::Linker;

/// What a link takes over from [`Host`](crate::Host).
#[derive(Clone, Copy)]
pub struct Way<'a> {
    pub clock: &'a Stopwatch,
    pub shuffle: Option<u64>,
    pub ends_process: bool,
    pub terminal: Terminal,
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Shows what a link has to say. Where the report of extracted members cannot be written, the link ends soon after: once it has
/// compared signatures.
pub fn show(diagnostics: &[Diagnostic], arguments: &Arguments, settings: &Settings, out: &mut Renderer) {
    let mut ends_early = false;
    for diagnostic in diagnostics {
        if ends_early && !diagnostic.message.starts_with("function signature mismatch") {
            break;
        }
        match (diagnostic.code, &settings.why_extract) {
            (Code::WhyExtract, path) => {
                if let Some(path) = path {
                    ends_early |= !outputs::write_why_extract(path, &diagnostic.message, out);
                }
                if arguments.has(Opt::VerboseLink) {
                    diagnostic.notes.iter().for_each(|all| out.show_all(&verbose_link::extractions(all)));
                }
            }
            (Code::LinkMap, _) => outputs::write_map(&diagnostic.message, settings, out),
            _ => out.add(diagnostic),
        }
    }
    out.write_pending();
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

/// Declares the inputs, and what is wrong so far in its places among them.
pub fn declare(
    job: Job,
    members: inputs::Members,
    way: Way,
    out: &Renderer,
) -> (Linker, inputs::Inputs, Checks) {
    let Job { arguments, options, settings, reproduce, diagnostics } = job;
    let mut linker = Linker::new(Options { leave_memory: way.ends_process, ..options.clone() });
    linker.set_file_provider(Arc::new(members));
    let failed = has_error(&diagnostics);
    for diagnostic in diagnostics {
        inputs::report(&mut linker, diagnostic);
    }
    let declared = inputs::declare(&mut linker, arguments, settings);
    if arguments.has(Opt::VerboseLink) {
        for line in verbose_link::inputs(arguments, declared.paths()) {
            inputs::report(&mut linker, line);
        }
    }
    if declared.are_missing() && !failed {
        inputs::report(&mut linker, option_error("no input files"));
    }
    let mut checks = Checks::default();
    if !failed {
        checks = checks::check(arguments, &options, settings, reproduce.map(|reproduce| &**reproduce));
        for diagnostic in &mut checks.diagnostics {
            out.promote(diagnostic);
            inputs::report(&mut linker, diagnostic.clone());
        }
    }
    (linker, declared, checks)
}

/// What is found out after loading is of no interest where an input could not be loaded. Then the link ended there, and
/// the list ends with it.
pub fn drop_unless_loaded(diagnostics: &mut Vec<Diagnostic>, after_loading: &[Diagnostic]) {
    if diagnostics.ends_with(after_loading) {
        let loading = diagnostics.len() - after_loading.len();
        if has_error(&diagnostics[..loading]) {
            diagnostics.truncate(loading);
        }
    }
}

/// An error about options.
pub fn option_error(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Options, message)
}

/// Whether one of them is an error.
pub fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
