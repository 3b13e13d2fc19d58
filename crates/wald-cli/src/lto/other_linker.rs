//! Another linker with LLVM inside generates the code: `--lto-tool=…/wasm-ld` or `…/rust-lld`, for machines without `llvm-lto2`.
//!
//! It gets the whole command line, because there is no other way to tell it what symbols were resolved to, and keeps the objects
//! (`--lto-obj-path`). Its own module is thrown away.

use super::options::LtoSettings;
use super::products;
use super::workspace::Workspace;
use crate::option_table::Opt;
use crate::parse::{canonical, Argument, Arguments};
use crate::response_file::{quoted, Quoting};
use crate::text::{from_os, to_bytes};
use std::io;
use std::path::Path;
use std::process::Command;
use wald::code_generator::{CodeGeneration, CodeSource, GeneratedObject};
use wald::Bytes;

/// The command line for the other linker as a response file, without what writes or prints more than a link.
pub fn arguments(arguments: &Arguments) -> String {
    let quote = |text: &str| quoted(text, Quoting::default());
    let mut text = String::new();
    for argument in &arguments.list {
        match argument {
            Argument::Input(path) => text += &quote(path),
            Argument::Option { option, text: written, value } if !is_left_out(*option) => {
                text += &canonical(*option, value.of(written), quote);
            }
            Argument::Option { .. } | Argument::Unknown(_) | Argument::ElfOption { .. } => continue,
        }
        text.push('\n');
    }
    text
}

fn is_left_out(option: Opt) -> bool {
    use Opt::*;
    let outputs = [Output, Map, PrintMap, WhyExtract, Reproduce, Time, TimeTrace, LtoObjPath, SaveTemps];
    let said = [Trace, TraceSymbol, PrintGcSections, Verbose, VerboseLink, FatalWarnings, Help, Version];
    let own = [AwaitInputs, ReadyFd, ReadyEof, AwaitTimeout, Watch, LtoTool, CompactImports, Run];
    let more = [MergeCodeMetadata, CooperativeThreading, ColorDiagnostics, NoColorDiagnostics, ShortVersion];
    outputs.contains(&option) || said.contains(&option) || own.contains(&option) || more.contains(&option)
}

/// What this linker cannot be asked for.
pub fn unsupported(settings: &LtoSettings) -> Option<&'static str> {
    let options = [
        (settings.save_temps, "--save-temps"),
        (settings.index_only, "--thinlto-index-only"),
        (settings.emit_indexes, "--thinlto-emit-index-files"),
    ];
    options.into_iter().find(|(is_given, _)| *is_given).map(|(_, name)| name)
}

/// The command that generates the objects.
pub fn generate(linker: &Path, settings: &LtoSettings, workspace: &Workspace) -> io::Result<Command> {
    let arguments = workspace.arguments();
    std::fs::write(&arguments, to_bytes(&settings.link_arguments))?;
    let mut command = Command::new(linker);
    if linker.file_name().map(from_os).is_some_and(|name| !name.contains("wasm-ld")) {
        command.args(["-flavor", "wasm"]);
    }
    let mut at = std::ffi::OsString::from("@");
    at.push(arguments);
    let mut objects = std::ffi::OsString::from("--lto-obj-path=");
    objects.push(workspace.output());
    command.arg(at).arg(objects).arg("-o").arg(workspace.part(""));
    Ok(command)
}

/// The objects that it wrote. `None` if it has not come that far. What else it says of the link, this linker says itself.
pub fn objects(
    settings: &LtoSettings,
    job: &CodeGeneration<'_>,
    workspace: &Workspace,
) -> io::Result<Option<Vec<GeneratedObject>>> {
    if !workspace.output().exists() {
        return Ok(None);
    }
    let thin = products::thin_modules(job);
    let merged = settings.partitions as usize;
    let has_merged = thin.len() < job.modules.len();
    let mut objects = Vec::new();
    for task in 0..merged + thin.len() {
        let source = match task.checked_sub(merged) {
            Some(position) => CodeSource::Module(thin[position]),
            // It makes an object of nothing.
            None if !has_merged => continue,
            None => CodeSource::Merged,
        };
        let path = match task {
            0 => workspace.output(),
            _ => workspace.numbered_output(task),
        };
        objects.push(GeneratedObject::new(task, source, Bytes::from(std::fs::read(path)?)));
    }
    Ok(Some(objects))
}
