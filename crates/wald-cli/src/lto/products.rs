//! What remains of code generation when options ask for it: the files that wasm-ld writes, under its names.

use super::command::letters;
use super::options::{LtoSettings, Replacement};
use super::workspace::Workspace;
use crate::text::{from_path, to_path};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use wald::code_generator::{BitcodeModule, CodeGeneration, CodeSource, GeneratedObject};

/// The number of the task that compiles all modules that are not thin.
pub const REGULAR_TASK: usize = 0;

/// The index that LLVM 22 writes for a module that is not linked: a summary of nothing, with the flag that tells whoever would compile
/// the module to make an empty object of it.
const NOT_LINKED: [u8; 136] = *include_bytes!("not_linked.thinlto.bc");

/// A file that cannot be written.
pub type Failure = (PathBuf, io::Error);

/// The modules that are compiled on their own, in the order of their tasks, which follow the others.
pub fn thin_modules(job: &CodeGeneration<'_>) -> Vec<usize> {
    let modules = job.modules.iter().enumerate();
    modules.filter(|(_, module)| module.table.is_thin).map(|(position, _)| position).collect()
}

/// The name of a module in indexes, and in the names of their files.
pub fn module_name(settings: &LtoSettings, name: &str) -> String {
    if !settings.index_only || settings.suffix.old.is_empty() {
        return name.into();
    }
    // `--thinlto-object-suffix-replace` changes the name of the file, also if that is a member: `lib.a(m.o at 60)`.
    let member = name.strip_suffix(')').and_then(|name| Some((name.rfind('(')?, name.rfind(" at ")?)));
    match member {
        Some((open, at)) if open < at => {
            format!(
                "{}{}{}",
                &name[..=open],
                replace_suffix(&name[open + 1..at], &settings.suffix),
                &name[at..]
            )
        }
        _ => replace_suffix(name, &settings.suffix),
    }
}

fn replace_suffix(path: &str, Replacement { old, new }: &Replacement) -> String {
    path.strip_suffix(&old[..]).map_or(path.into(), |stem| format!("{stem}{new}"))
}

fn replace_prefix(path: &str, old: &str, new: &str) -> String {
    path.strip_prefix(old).map_or(path.into(), |rest| format!("{new}{rest}"))
}

/// Copies the intermediate files of `--save-temps`.
pub fn save_temps(
    settings: &LtoSettings,
    job: &CodeGeneration<'_>,
    workspace: &Workspace,
    objects: &[GeneratedObject],
) -> Result<(), Failure> {
    let output = from_path(job.output);
    let thin = thin_modules(job);
    let renamed = workspace.renamed(job.modules.iter().map(|module| module.name.clone()));
    write(&to_path(&format!("{output}.resolution.txt")), &resolutions(&job.modules))?;
    for (name, path) in workspace.outputs().map_err(|error| (workspace.output(), error))? {
        // `TASK.STEP`, `index.bc` and the like. The objects have no step.
        let Some((first, rest)) = name.split_once('.') else { continue };
        if settings.partitions > 1 && name == "0.5.precodegen.bc" {
            continue;
        }
        let module = match first.parse::<usize>() {
            Ok(task) => task.checked_sub(REGULAR_TASK + 1).and_then(|thin_task| thin.get(thin_task)),
            Err(_) => None,
        };
        let target = match (module, first) {
            (Some(&module), _) => format!("{}.{rest}", job.modules[module].name),
            (None, "resolution") => continue,
            (None, _) => format!("{output}.{name}"),
        };
        let bytes = fs::read(&path).map_err(|error| (path.clone(), error))?;
        let bytes = match &name[..] {
            "index.bc" => renamed.index(bytes),
            "index.dot" => renamed.graph(&bytes),
            _ => bytes,
        };
        write(&to_path(&target), &bytes)?;
    }
    for number in (0..settings.partitions).take_while(|_| settings.partitions > 1) {
        let part = workspace.part(&number.to_string());
        if part.is_file() {
            copy(&part, &to_path(&format!("{output}.{number}.5.precodegen.bc")))?;
        }
    }
    objects.iter().try_for_each(|object| write(&job.object_path(object), &object.bytes))
}

/// The resolutions, as LLVM writes them.
fn resolutions(modules: &[BitcodeModule<'_>]) -> Vec<u8> {
    let mut text = Vec::new();
    for BitcodeModule { name, table, resolutions, .. } in modules {
        let name = crate::text::to_bytes(name);
        text.extend_from_slice(&name);
        text.push(b'\n');
        for (symbol, resolution) in table.symbols.iter().zip(resolutions) {
            let letters = letters(resolution);
            let parts: [&[u8]; 6] = [b"-r=", &name, b",", &symbol.name, b",", letters.as_bytes()];
            text.extend(parts.concat());
            text.push(b'\n');
        }
    }
    text
}

/// Writes the indexes from which another process can compile each module, and the lists of modules that each imports from.
pub fn save_indexes(
    settings: &LtoSettings,
    job: &CodeGeneration<'_>,
    workspace: &Workspace,
) -> Result<(), Failure> {
    let LtoSettings { prefix: Replacement { old, new }, .. } = settings;
    for name in &job.lazy {
        let target = replace_prefix(&module_name(settings, name), old, new);
        write(&to_path(&format!("{target}.thinlto.bc")), &NOT_LINKED)?;
        if settings.emit_imports {
            write(&to_path(&format!("{target}.imports")), b"")?;
        }
    }
    let mut list = String::new();
    let names = job.modules.iter().map(|module| module_name(settings, &module.name));
    let renamed = workspace.renamed(names);
    for (position, module) in job.modules.iter().enumerate() {
        let name = module_name(settings, &module.name);
        let target = replace_prefix(&name, old, new);
        for (suffix, is_wanted) in [(".thinlto.bc", true), (".imports", settings.emit_imports)] {
            if !is_wanted {
                continue;
            }
            let target = PathBuf::from(to_path(&format!("{target}{suffix}")));
            if !module.table.is_thin {
                // Whoever waits for the files gets them.
                write(&to_path(&format!("{name}{suffix}")), b"")?;
                continue;
            }
            if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::create_dir_all(folder).map_err(|error| (target.clone(), error))?;
            }
            let written = fs::read(workspace.beside(position, suffix));
            let bytes = written.map_err(|error| (target.clone(), error))?;
            let is_index = suffix == ".thinlto.bc";
            write(&target, &if is_index { renamed.index(bytes) } else { renamed.list(&bytes) })?;
        }
        if module.table.is_thin {
            list += &replace_prefix(&name, old, settings.object_prefix.as_ref().unwrap_or(new));
            list.push('\n');
        }
    }
    match &settings.index_list {
        Some(path) => write(path, &crate::text::to_bytes(&list)),
        None => Ok(()),
    }
}

/// Writes the objects to the path of `--lto-obj-path`: the first one to that, others with their task's number behind it.
pub fn save_objects(path: &Path, tasks: usize, objects: &[GeneratedObject]) -> Result<(), Failure> {
    for task in 0..tasks {
        // wasm-ld does not keep what went through the cache.
        let mut kept = objects.iter().filter(|object| object.source != CodeSource::Cache);
        let bytes = kept.find(|object| object.task == task).map_or(&b""[..], |object| &object.bytes);
        let mut target = path.as_os_str().to_os_string();
        if task > 0 {
            target.push(task.to_string());
        }
        write(Path::new(&target), bytes)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| (path.into(), error))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::read(from).and_then(|bytes| fs::write(to, bytes)).map_err(|error| (to.into(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_indexes() {
        let suffix = Replacement { old: ".thin.o".into(), new: ".o".into() };
        let settings = LtoSettings { index_only: true, suffix, ..LtoSettings::default() };
        for (name, replaced) in [
            ("d/a.thin.o", "d/a.o"),
            ("d/a.o", "d/a.o"),
            ("l.a(m.thin.o at 60)", "l.a(m.o at 60)"),
            ("l(1).thin.o", "l(1).o"),
        ] {
            assert_eq!(module_name(&settings, name), replaced);
        }
        assert_eq!(module_name(&LtoSettings::default(), "a.thin.o"), "a.thin.o");
    }
}
