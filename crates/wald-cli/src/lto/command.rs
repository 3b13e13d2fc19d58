//! The arguments with which `llvm-lto2` generates the code that wasm-ld's own LLVM generates.

use super::commas;
use super::options::LtoSettings;
use super::workspace::Workspace;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use wald::code_generator::{BitcodeModule, BitcodeResolution, CodeGeneration, RelocationModel};

/// The command that generates all code of a job. `cache` is where the tool keeps objects.
pub fn generate(
    tool: &Path,
    settings: &LtoSettings,
    job: &CodeGeneration<'_>,
    is_static: bool,
    cache: Option<&Path>,
    workspace: &Workspace,
) -> io::Result<Command> {
    let arguments = workspace.arguments();
    let mut file = io::BufWriter::new(std::fs::File::create(&arguments)?);
    for name in &workspace.names {
        write_argument(&mut file, &crate::text::to_bytes(name))?;
    }
    for (module, name) in job.modules.iter().zip(&workspace.names) {
        write_resolutions(&mut file, module, name)?;
    }
    file.flush()?;
    let mut command = Command::new(tool);
    command.current_dir(&workspace.working_folder).arg("run").arg("-o").arg(workspace.output());
    command.args(common_flags(settings));
    if is_static {
        command.arg("--relocation-model=static");
    }
    let mut at = std::ffi::OsString::from("@");
    at.push(arguments);
    command.arg(at);
    if let Some(jobs) = &settings.jobs {
        command.arg(format!("--thinlto-threads={jobs}"));
    }
    if settings.save_temps {
        command.arg("--save-temps");
    } else if settings.partitions > 1 {
        command.arg("--select-save-temps=opt");
    } else if settings.object_path.is_some() {
        command.arg("--select-save-temps=preopt");
    }
    let only_indexes = settings.index_only || settings.distributor.is_some();
    if only_indexes {
        command.arg("--thinlto-distributed-indexes");
    } else if settings.emit_indexes {
        command.arg("--thinlto-emit-indexes");
    }
    if settings.emit_imports || settings.distributor.is_some() {
        command.arg("--thinlto-emit-imports");
    }
    if let Some(cache) = cache.filter(|_| !settings.index_only) {
        // The tool works in another folder.
        let cache = std::path::absolute(cache)?;
        let mut argument = std::ffi::OsString::from("--cache-dir=");
        argument.push(cache);
        command.arg(argument);
    }
    if settings.debug_pass_manager {
        command.arg("--debug-pass-manager");
    }
    command.args(llvm_arguments(settings));
    Ok(command)
}

/// What `-mllvm` passes on.
pub fn llvm_arguments(settings: &LtoSettings) -> impl Iterator<Item = PathBuf> + '_ {
    settings.llvm_arguments.iter().map(|argument| crate::text::to_path(argument).into_owned())
}

fn common_flags(settings: &LtoSettings) -> Vec<String> {
    vec![
        format!("-O{}", settings.optimization),
        format!("--cg-opt-level={}", settings.code_generation),
        // These two are wasm-ld's: they are part of the keys of the cache.
        "--function-sections".into(),
        "--data-sections".into(),
        "--vectorize-slp=false".into(),
    ]
}

/// For each object, by the module that it is made of, whether its addresses are static.
pub fn is_static(job: &CodeGeneration<'_>, module: Option<usize>) -> bool {
    let is_static = |module: &BitcodeModule<'_>| !module.is_position_independent;
    match (job.relocation_model, module) {
        (RelocationModel::FromModules, Some(module)) => is_static(&job.modules[module]),
        (RelocationModel::FromModules, None) => {
            job.modules.iter().filter(|module| !module.table.is_thin).any(is_static)
        }
        (model, _) => model == RelocationModel::Static,
    }
}

fn write_resolutions(file: &mut impl Write, module: &BitcodeModule<'_>, name: &str) -> io::Result<()> {
    let name = crate::text::to_bytes(name);
    for (symbol, resolution) in module.table.symbols.iter().zip(&module.resolutions) {
        let mut argument = b"-r=".to_vec();
        argument.extend_from_slice(&name);
        argument.push(b',');
        argument.extend_from_slice(&commas::hidden(&symbol.name));
        argument.push(b',');
        argument.extend_from_slice(letters(resolution).as_bytes());
        write_argument(file, &argument)?;
    }
    Ok(())
}

/// A resolution as LLVM's tools write it.
pub fn letters(resolution: &BitcodeResolution) -> String {
    let letters = [
        (resolution.prevailing, 'p'),
        (resolution.visible_to_regular_object, 'x'),
        (resolution.linker_redefined, 'r'),
    ];
    letters.into_iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| letter).collect()
}

/// Writes an argument to a response file.
fn write_argument(file: &mut impl Write, argument: &[u8]) -> io::Result<()> {
    let mut quoted = Vec::with_capacity(argument.len() + 3);
    quoted.push(b'"');
    for &byte in argument {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.extend_from_slice(b"\"\n");
    file.write_all(&quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted() {
        let mut file = Vec::new();
        write_argument(&mut file, br#"-r=a b.o,x"\y,p"#).expect("memory takes all");
        assert_eq!(file, b"\"-r=a b.o,x\\\"\\\\y,p\"\n");
    }
}
