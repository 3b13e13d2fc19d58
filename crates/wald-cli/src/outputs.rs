//! Writing what a link produces: the reports, then the module.
//!
//! All of them are staged first, and only when every one is complete, and everything that was printed has arrived, they get
//! their names. If one of them cannot be written, none is.

use crate::configure::Settings;
use crate::explain_symbol;
use crate::files;
use crate::line::Line;
use crate::output_file::{self, Staged};
use crate::render::Renderer;
use crate::report;
use crate::stop::Stop;
use crate::stopwatch::Stopwatch;
use crate::text::{error_text, to_bytes, to_path};
use crate::timing_report;
use std::io::{self, Write};
use wald::diagnostics::{Code, Diagnostic, Note};
use wald::timing::Timing;
use wald::{LinkResult, MessageKind};

/// Writes all outputs of a link. `stage_module` stages the module, which goes to `path`.
pub fn write(
    path: &str,
    result: &LinkResult<()>,
    settings: &Settings,
    out: &mut Renderer,
    stage_module: impl FnOnce(&mut dyn Write) -> io::Result<Staged>,
) -> Result<(), Stop> {
    if settings.index_only {
        return Err(Stop::Done);
    }
    print_explanations(settings, result, out);
    let mut staged = Vec::new();
    if let (Some(path), Some(text)) = (map_path(settings), &result.map) {
        let text = text.to_escaped();
        let text = out.text_for(path, &text);
        staged
            .push((format!("map file {path}"), output_file::stage(path, &to_bytes(&text), &mut out.stdout)));
    }
    if let (Some((path, format)), Some(report)) = (&settings.report, &result.report) {
        let earlier = read_earlier_report(settings, out)?;
        let text = report::render(report, *format, earlier.as_deref());
        let text = out.text_for(path, &text);
        staged.push((
            format!("--report= file {path}"),
            output_file::stage(path, text.as_bytes(), &mut out.stdout),
        ));
    }
    if let Some(path) = &settings.time_trace {
        let text = timing_report::chrome_trace(&result.timing, out.program());
        staged.push((
            format!("--time-trace= file {path}"),
            output_file::stage(path, text.as_bytes(), &mut out.stdout),
        ));
    }
    if staged.iter().all(|(_, staged)| staged.is_ok()) {
        // The module is last. If a report has the same path, the module replaces it.
        staged.push((format!("output file {path}"), stage_module(&mut out.stdout)));
    }
    let mut complete = Vec::new();
    for (what, staged) in staged {
        complete.push((what.clone(), staged.map_err(|error| cannot_open(&what, &error, Vec::new(), out))?));
    }
    out.check_streams()?;
    let mut written = Vec::new();
    for (what, staged) in complete {
        staged.commit().map_err(|error| cannot_open(&what, &error, std::mem::take(&mut written), out))?;
        written.push(what);
    }
    Ok(())
}

/// The report that `--report-diff` names.
fn read_earlier_report(settings: &Settings, out: &mut Renderer) -> Result<Option<String>, Stop> {
    let Some(path) = &settings.report_diff else { return Ok(None) };
    let message = match files::read_to_string(&to_path(path)) {
        Ok(text) if report::is_report(&text) => return Ok(Some(text)),
        Ok(_) => format!("--report-diff: {path} is not a report of --report=<file.json>"),
        Err(error) => format!("--report-diff: cannot open {path}: {}", error_text(&error)),
    };
    out.show_error(Code::Open, message);
    Err(Stop::Done)
}

/// Prints the answers to `--explain-symbol`.
fn print_explanations(settings: &Settings, result: &LinkResult<()>, out: &mut Renderer) {
    let Some(report) = result.report.as_ref().filter(|report| !report.explanations.is_empty()) else {
        return;
    };
    let text = match settings.explains_as_json {
        true => report.explanations_to_json(),
        false => explain_symbol::text(report),
    };
    let text = out.text_for("-", &text);
    // A failure is remembered by the stream.
    let _ = out.stdout.write_all(text.as_bytes());
}

/// Reports an output that cannot be written, and which ones are new already.
fn cannot_open(what: &str, error: &io::Error, written: Vec<String>, out: &mut Renderer) -> Stop {
    let message = format!("cannot open {what}: {}", error_text(error));
    let mut diagnostic = Diagnostic::error(Code::Open, message);
    diagnostic.notes.extend(written.into_iter().map(|what| Note::new(format!("{what} was written"))));
    out.show(&diagnostic);
    // If it went to standard output, that is said now.
    out.stdout.take_failure();
    Stop::Done
}

fn map_path(settings: &Settings) -> Option<&str> {
    if settings.print_map {
        Some("-")
    } else {
        settings.map_file.as_deref()
    }
}

/// Writes the map of a link that failed after it was made.
pub fn write_map_of_failed_link(text: &str, settings: &Settings, out: &mut Renderer) {
    let Some(path) = map_path(settings) else { return };
    let text = out.text_for(path, text);
    if let Err(error) = output_file::write(path, &to_bytes(&text), &mut out.stdout) {
        cannot_open(&format!("map file {path}"), &error, Vec::new(), out);
    }
}

/// Writes the report of extracted members, whether or not the link succeeds: it may tell why it did not. Returns whether it
/// could be written.
pub fn write_why_extract(path: &str, text: &str, out: &mut Renderer) -> bool {
    let text = out.text_for(path, text);
    let written = output_file::write(path, &to_bytes(&text), &mut out.stdout);
    if let Err(error) = &written {
        cannot_open(&format!("--why-extract= file {path}"), error, Vec::new(), out);
    }
    written.is_ok()
}

/// Whether wasm-ld still says this after it failed to write the report of extracted members. Before it ends, it defines its
/// optional symbols and compares signatures.
pub fn follows_failed_report(line: &Line) -> bool {
    const OPTIONAL: [&str; 11] = [
        "__dso_handle",
        "__data_end",
        "__stack_low",
        "__stack_high",
        "__global_base",
        "__heap_base",
        "__heap_end",
        "__memory_base",
        "__table_base",
        "__wasm_first_page_end",
        "__tls_base",
    ];
    match line {
        Line::Message(MessageKind::TraceSymbol, text) => text
            .strip_prefix("<internal>: definition of ")
            .is_some_and(|name| OPTIONAL.contains(&name) || name.starts_with("signature_mismatch:")),
        // A mismatch that only Wald finds is found later, and says how the function is called.
        Line::Diagnostic(diagnostic) if diagnostic.code == Code::SymbolType => {
            let message = &diagnostic.message;
            message.starts_with("function signature mismatch") && !message.contains("\n>>> called as ")
        }
        _ => false,
    }
}

/// Prints the table of `--time`.
pub fn report_timing(settings: &Settings, timing: &Timing, clock: &Stopwatch, out: &mut Renderer) {
    if settings.time {
        // A failure is remembered by the stream.
        let _ = out
            .stderr
            .write_all(timing_report::table(&clock.parts(&timing.phases), clock.elapsed()).as_bytes());
    }
}
