//! The command's code generator: starts `llvm-lto2`, and collects its objects.

use super::cache::{self, Policy, Share};
use super::commas::Commas;
use super::distributed::Backends;
use super::kept_objects::KeptObjects;
use super::options::{Distributor, LtoSettings};
use super::process::{self, Ended};
use super::products::{self, Failure, REGULAR_TASK};
use super::workspace::Workspace;
use super::{command, other_linker, parts, said, symbol_dump, tool};
use crate::signals;
use crate::text::{error_text, from_path, to_path};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use wald::code_generator::{
    BitcodeTable, CodeGeneration, CodeGenerator, CodeSource, GeneratedCode, GeneratedObject,
};
use wald::diagnostics::{Code, Diagnostic, Help, Location};
use wald::{Bytes, CancelToken, Text};

/// Generates code by LLVM's tool.
pub struct Generator {
    settings: LtoSettings,
    tool: OnceLock<Option<PathBuf>>,
    /// The objects of the last generation, if there will be more of them.
    kept: Option<Mutex<KeptObjects>>,
    /// One tool runs at a time: signals go to that one.
    running: Mutex<()>,
    /// Nobody has asked for the link yet, so no file may be written for it.
    is_paused: AtomicBool,
    /// The last link has bitcode.
    is_needed: AtomicBool,
}

type Problems = Vec<Diagnostic>;

/// What a run of the tool left.
struct Run {
    workspace: Workspace,
    ended: Ended,
    objects: Vec<GeneratedObject>,
    /// What the distributor wrote to its standard streams.
    distributor_text: Vec<u8>,
}

impl Generator {
    /// A generator that looks for the tool when it needs it.
    pub fn new(settings: LtoSettings) -> Self {
        let (is_paused, is_needed) = (AtomicBool::new(false), AtomicBool::new(false));
        Generator {
            settings,
            tool: OnceLock::new(),
            kept: None,
            running: Mutex::new(()),
            is_paused,
            is_needed,
        }
    }

    /// Makes links with bitcode fail until this is called again with `false`.
    pub fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// Whether any link so far had bitcode.
    pub fn is_needed(&self) -> bool {
        self.is_needed.load(Ordering::Relaxed)
    }

    /// A generator for many links: it compiles only thin modules again that changed.
    pub fn for_many_links(settings: LtoSettings) -> Self {
        // What the tool says or writes beside objects, it says and writes only of modules that it compiles.
        let keeps = settings.writes_only_objects();
        Generator { kept: keeps.then(Mutex::default), ..Generator::new(settings) }
    }

    /// The objects of the last generation.
    fn kept(&self) -> Option<MutexGuard<'_, KeptObjects>> {
        self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The tool. `module` is what it is needed for.
    fn tool(&self, module: &str) -> Result<&Path, Box<Diagnostic>> {
        let find = || self.settings.tool.find();
        self.tool.get_or_init(find).as_deref().ok_or_else(|| Box::new(no_tool(module)))
    }

    /// Runs a program. A signal meanwhile ends this process, after the workspace was removed.
    fn run(
        &self,
        workspace: Workspace,
        mut command: Command,
        cancel: &CancelToken,
    ) -> Result<(Workspace, Ended), Problems> {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = process::run(&mut command, cancel)
            .map_err(|error| vec![cannot_start(&command, &error).with_help(CHOICE)])?;
        Self::unless_signalled(workspace, ended)
    }

    /// A signal that came while a program ran ends this process, after the workspace was removed.
    fn unless_signalled(workspace: Workspace, ended: Ended) -> Result<(Workspace, Ended), Problems> {
        if let Some(signal) = ended.signal {
            drop(workspace);
            signals::raise(signal);
            return Err(vec![failure(format!("ended by signal {signal}"))]);
        }
        Ok((workspace, ended))
    }

    /// Runs a program that must succeed.
    fn run_well(
        &self,
        job: &CodeGeneration<'_>,
        workspace: Workspace,
        command: Command,
    ) -> Result<(Workspace, Ended), Problems> {
        let program = PathBuf::from(command.get_program());
        let (workspace, ended) = self.run(workspace, command, &job.cancel)?;
        match ended.status.success() {
            true => Ok((workspace, ended)),
            false => Err(self.complaints(job, &program, &workspace, &ended)),
        }
    }

    /// Has the distributor compile the thin modules. Returns their objects, and what the distributor wrote.
    fn distribute(
        &self,
        distributor: &Distributor,
        tool: &Path,
        job: &CodeGeneration<'_>,
        mut workspace: Workspace,
    ) -> Result<(Workspace, Vec<GeneratedObject>, Vec<u8>), Problems> {
        let backends =
            Backends::new(&self.settings, distributor, tool, job, &workspace).map_err(in_folder)?;
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Vec::new();
        for &step in backends.steps() {
            let mut command = backends.command(&workspace, step).map_err(in_folder)?;
            let ended = process::run_group(&mut command, &workspace.log(), &job.cancel)
                .map_err(|error| vec![cannot_start(&command, &error).with_help(DISTRIBUTOR)])?;
            let (same, ended) = Self::unless_signalled(workspace, ended)?;
            workspace = same;
            let missing = backends.missing(&workspace, step);
            if !ended.status.success() || !missing.is_empty() {
                return Err(vec![not_compiled(job, &distributor.program, &missing, &ended)]);
            }
            text.extend(ended.text);
        }
        let commas = Commas::new(&job.modules);
        let mut objects = Vec::new();
        for (task, (module, bytes)) in backends.objects(&workspace).into_iter().enumerate() {
            let bytes = Bytes::from(commas.show(bytes.map_err(in_folder)?));
            objects.push(GeneratedObject::new(REGULAR_TASK + 1 + task, CodeSource::Module(module), bytes));
        }
        Ok((workspace, objects, text))
    }

    /// What a program says that failed.
    fn complaints(
        &self,
        job: &CodeGeneration<'_>,
        program: &Path,
        workspace: &Workspace,
        ended: &Ended,
    ) -> Problems {
        if let Some(problem) = said::option_error(&ended.text, program) {
            return vec![problem];
        }
        let text = self.with_own_paths(&ended.text);
        let mut problems = said::read(&text, &self.settings, true).errors(&failed_module(job, workspace));
        // A signal ended it.
        let has_died = ended.status.code().is_none();
        if problems.is_empty() || has_died {
            let message = format!("{} failed ({})", from_path(program), ended.status);
            problems.push(failure(message));
        }
        if let Some(last) = problems.last_mut() {
            let help = newer_module(job, program).or((has_died).then(|| CHOICE.into()));
            last.helps = help.into_iter().map(Help::new).collect();
        }
        problems
    }

    /// The tool's text with the cache as the command line names it: the tool works in another folder.
    fn with_own_paths(&self, text: &[u8]) -> Vec<u8> {
        let Some((own, absolute)) =
            self.settings.cache.as_ref().and_then(|own| Some((own, std::path::absolute(own).ok()?)))
        else {
            return text.to_vec();
        };
        let text = crate::text::from_bytes(text).replace(&from_path(&absolute), &from_path(own));
        crate::text::to_bytes(&text).into_owned()
    }

    /// Generates all objects, with static addresses or position-independent.
    fn generate_as(&self, tool: &Path, job: &CodeGeneration<'_>, is_static: bool) -> Result<Run, Problems> {
        let settings = &self.settings;
        let rename = |name: &str| products::module_name(settings, name);
        let workspace = Workspace::with_modules(&job.modules, rename).map_err(in_folder)?;
        let own_cache = self.kept.is_some().then(|| workspace.cache());
        if let Some(kept) = self.kept() {
            kept.restore(&workspace).map_err(in_folder)?;
        }
        let cache = own_cache.as_deref().or(settings.cache.as_deref());
        let command =
            command::generate(tool, settings, job, is_static, cache, &workspace).map_err(in_folder)?;
        let (workspace, ended) = self.run_well(job, workspace, command)?;
        if let Some(mut kept) = self.kept() {
            match ended.text.is_empty() {
                true => kept.keep(&workspace).map_err(in_folder)?,
                // The next link must say it again.
                false => kept.forget(),
            }
        }
        let mut objects = objects(job, &workspace).map_err(in_folder)?;
        if let Some(distributor) = &settings.distributor {
            let (workspace, thin, distributor_text) = self.distribute(distributor, tool, job, workspace)?;
            objects.retain(|object| object.source == CodeSource::Merged);
            objects.extend(thin);
            return Ok(Run { workspace, ended, objects, distributor_text });
        }
        if let Some(cache) = &settings.cache {
            let contents = cache::Contents::of(cache);
            // LLVM has no names for objects that went through the cache, also if they were just put into it.
            for object in objects.iter_mut().filter(|object| object.task != REGULAR_TASK) {
                if contents.has(&object.bytes) {
                    object.source = CodeSource::Cache;
                }
            }
        }
        Ok(Run { workspace, ended, objects, distributor_text: Vec::new() })
    }

    /// Generates the code of the merged modules anew, where the tool does not do as wasm-ld does.
    fn compile_merged(&self, tool: &Path, job: &CodeGeneration<'_>, run: Run) -> Result<Run, Problems> {
        let settings = &self.settings;
        let Run { mut workspace, ended, mut objects, distributor_text } = run;
        let is_static = command::is_static(job, None);
        let has_merged = objects.iter().any(|object| object.task == REGULAR_TASK);
        let mut sources = Vec::new();
        if settings.partitions > 1 && has_merged {
            let split = parts::split(tool, settings, &workspace);
            (workspace, _) = self.run_well(job, workspace, split)?;
            sources.extend((0..settings.partitions).map(|number| workspace.part(&number.to_string())));
        } else if settings.object_path.is_some() && !has_merged {
            sources.push(workspace.output().with_extension("0.0.preopt.bc"));
        }
        if sources.is_empty() {
            return Ok(Run { workspace, ended, objects, distributor_text });
        }
        objects.retain(|object| object.task != REGULAR_TASK);
        objects.iter_mut().for_each(|object| object.task += sources.len() - 1);
        for (task, source) in sources.iter().enumerate().rev() {
            let target = workspace.part("object");
            let compile = parts::compile(tool, settings, is_static, source, &target);
            (workspace, _) = self.run_well(job, workspace, compile)?;
            let mut bytes = std::fs::read(&target).map_err(in_folder)?;
            if !has_merged {
                parts::add_memory64(&mut bytes).map_err(in_folder)?;
            }
            objects.insert(0, GeneratedObject::new(task, CodeSource::Merged, Bytes::from(bytes)));
        }
        Ok(Run { workspace, ended, objects, distributor_text })
    }

    /// Has another linker generate the code.
    fn ask_other_linker(&self, tool: &Path, job: &CodeGeneration<'_>) -> Result<GeneratedCode, Problems> {
        if let Some(option) = other_linker::unsupported(&self.settings) {
            let message = format!("{option} needs llvm-lto2, and --lto-tool names another linker");
            return Err(vec![failure(message)]);
        }
        let workspace = Workspace::new().map_err(in_folder)?;
        let command = other_linker::generate(tool, &self.settings, &workspace).map_err(in_folder)?;
        let (workspace, ended) = self.run(workspace, command, &job.cancel)?;
        let objects = other_linker::objects(&self.settings, job, &workspace).map_err(in_folder)?;
        let Some(objects) = objects else {
            return Err(self.complaints(job, tool, &workspace, &ended));
        };
        self.save(job, &workspace, &objects).map_err(cannot_save)?;
        Ok(GeneratedCode::new(objects, Vec::new()))
    }

    /// Writes what options ask for. Returns what there is to say about it.
    fn save(
        &self,
        job: &CodeGeneration<'_>,
        workspace: &Workspace,
        objects: &[GeneratedObject],
    ) -> Result<Vec<String>, Failure> {
        let settings = &self.settings;
        if settings.save_temps && !job.modules.is_empty() {
            let objects = if settings.index_only { &[] } else { objects };
            products::save_temps(settings, job, workspace, objects)?;
        }
        if settings.index_only || settings.emit_indexes {
            products::save_indexes(settings, job, workspace)?;
        }
        let tasks = settings.partitions as usize + products::thin_modules(job).len();
        if let Some(path) = &settings.object_path {
            products::save_objects(path, if settings.index_only { 1 } else { tasks }, objects)?;
        }
        let Some(cache) = settings.cache.as_ref().filter(|_| !settings.index_only) else {
            return Ok(Vec::new());
        };
        let of_cache = objects.iter().filter(|object| object.source != CodeSource::Merged);
        let bytes = of_cache.map(|object| object.bytes.len() as u64).sum();
        Ok(cache::prune(cache, &Policy::parse(&settings.cache_policy), &Share { tasks, bytes }))
    }
}

impl CodeGenerator for Generator {
    fn read_symbols(&self, name: &str, bitcode: &Bytes) -> Result<BitcodeTable, Box<Diagnostic>> {
        let tool = self.tool(name)?;
        let first = |mut problems: Problems| Box::new(problems.swap_remove(0));
        let workspace = Workspace::new().map_err(|error| first(in_folder(error)))?;
        let file = workspace.output();
        std::fs::write(&file, bitcode).map_err(|error| first(in_folder(error)))?;
        let mut command = Command::new(tool);
        command.arg("dump-symtab").arg(&file);
        let (_workspace, ended) = self.run(workspace, command, &CancelToken::new()).map_err(first)?;
        let text = String::from_utf8_lossy(&ended.text);
        match symbol_dump::parse(&text).filter(|_| ended.status.success()) {
            Some(table) => Ok(table),
            None => {
                // LLVM's words, as wasm-ld has them: without the file's name.
                let prefix = format!("llvm-lto2: {}: ", file.display());
                let message = text.trim().strip_prefix(&prefix).unwrap_or(text.trim());
                Err(Box::new(Diagnostic::error(Code::Parse, message).with_note(format!("it is {name}"))))
            }
        }
    }

    fn generate(&self, job: &CodeGeneration<'_>) -> Result<GeneratedCode, Problems> {
        self.is_needed.store(true, Ordering::Relaxed);
        if self.is_paused.load(Ordering::Relaxed) {
            return Err(vec![failure("no code is generated before it is asked for".into())]);
        }
        if let Some(argument) = self.settings.llvm_arguments.iter().find(|text| !text.starts_with('-')) {
            return Err(vec![said::not_an_option(argument)]);
        }
        if job.modules.is_empty() {
            let workspace = Workspace::new().map_err(in_folder)?;
            self.save(job, &workspace, &[]).map_err(cannot_save)?;
            return Ok(GeneratedCode::default());
        }
        let tool = self.tool(&job.modules[0].name).map_err(|diagnostic| vec![*diagnostic])?;
        if tool::is_linker(tool) {
            return self.ask_other_linker(tool, job);
        }
        let thin = products::thin_modules(job).into_iter().map(Some);
        let thin = thin.filter(|_| self.settings.distributor.is_none());
        let regular = job.modules.iter().any(|module| !module.table.is_thin).then_some(None);
        let mut models = thin.chain(regular).map(|module| command::is_static(job, module));
        let first = models.next().unwrap_or(true);
        let mut run = self.generate_as(tool, job, first)?;
        if models.any(|other| other != first) {
            // The tool has one model for all objects, so each object is taken from the run with its model.
            let other = self.generate_as(tool, job, !first)?;
            for (object, other) in run.objects.iter_mut().zip(other.objects) {
                let module = match other.source {
                    CodeSource::Module(module) => Some(module),
                    _ => None,
                };
                if command::is_static(job, module) != first {
                    *object = other;
                }
            }
        }
        if let Some(mut kept) = self.kept() {
            kept.end_generation();
        }
        let run = self.compile_merged(tool, job, run)?;
        let warnings = self.save(job, &run.workspace, &run.objects).map_err(cannot_save)?;
        let said = said::read(&run.ended.text, &self.settings, false);
        let objects = if self.settings.index_only { Vec::new() } else { run.objects };
        let mut code = GeneratedCode::new(objects, said.warnings(MERGED));
        code.lines = said.lines;
        let text = run.distributor_text;
        code.lines.extend(lines(&text).map(Text::from));
        code.lines.extend(warnings.into_iter().map(Text::from));
        code.remarks = said.remarks;
        Ok(code)
    }
}

fn cannot_save((path, error): Failure) -> Problems {
    let message = format!("cannot open {}: {}", from_path(&path), error_text(&error));
    vec![Diagnostic::error(Code::Open, message)]
}

/// What to do if a module is of a newer LLVM than the tool.
fn newer_module(job: &CodeGeneration<'_>, tool: &Path) -> Option<String> {
    let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let own = tool::version(tool)?;
    let newest = job.modules.iter().max_by_key(|module| major(&module.table.producer))?;
    let producer = &newest.table.producer;
    (major(producer)? > major(&own)?).then(|| {
        format!(
            "{} was written by LLVM {producer}, and {} is of LLVM {own}: {CHOICE}",
            newest.name,
            from_path(tool)
        )
    })
}

/// LLVM's name for the module that all others but the thin ones are merged into.
const MERGED: &str = "ld-temp.o";

/// The module whose code was being generated when the tool failed: the last one that it began. The merged one is the first.
fn failed_module(job: &CodeGeneration<'_>, workspace: &Workspace) -> String {
    let is_begun =
        |task: usize| workspace.output().with_extension((REGULAR_TASK + 1 + task).to_string()).exists();
    let thin = products::thin_modules(job);
    let failed = (0..thin.len()).rev().find(|&task| is_begun(task));
    failed.map_or(MERGED.into(), |task| job.modules[thin[task]].name.clone())
}

/// The objects that the tool wrote, in the order of their tasks.
fn objects(job: &CodeGeneration<'_>, workspace: &Workspace) -> io::Result<Vec<GeneratedObject>> {
    let thin = products::thin_modules(job);
    let commas = Commas::new(&job.modules);
    let mut objects = Vec::new();
    for (name, path) in workspace.outputs()? {
        let Ok(task) = name.parse::<usize>() else { continue };
        let source = match task.checked_sub(REGULAR_TASK + 1).and_then(|task| thin.get(task)) {
            Some(&module) => CodeSource::Module(module),
            None => CodeSource::Merged,
        };
        let bytes = Bytes::from(commas.show(std::fs::read(path)?));
        objects.push(GeneratedObject::new(task, source, bytes));
    }
    objects.sort_by_key(|object| object.task);
    Ok(objects)
}

/// The error that modules have no code.
fn not_compiled(job: &CodeGeneration<'_>, distributor: &str, missing: &[usize], ended: &Ended) -> Diagnostic {
    let mut message = match (missing.first(), missing.len()) {
        (Some(&module), 1) => format!("no object of {}: ", job.modules[module].name),
        (Some(&module), count) => {
            format!("no objects of {} and {} more modules: ", job.modules[module].name, count - 1)
        }
        (None, _) => String::new(),
    };
    message += &match ended.status.success() {
        true => format!("{distributor} did not write any"),
        false => format!("{distributor} failed ({})", ended.status),
    };
    let said: Vec<&[u8]> = lines(&ended.text).collect();
    let last = &said[said.len().saturating_sub(MAX_LINES)..];
    last.iter().fold(failure(message), |error, &line| error.with_note(Text::from(line)))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

fn cannot_start(command: &Command, error: &io::Error) -> Diagnostic {
    failure(format!("cannot start {}: {}", from_path(Path::new(command.get_program())), error_text(error)))
}

fn failure(message: String) -> Diagnostic {
    Diagnostic::error(Code::CodeGeneration, message)
}

/// How many of a failed distributor's last lines are shown.
const MAX_LINES: usize = 20;

/// How to choose a distributor.
const DISTRIBUTOR: &str =
    "--thinlto-distributor=PROGRAM names it; without the option, modules are compiled here";

/// How to choose a tool.
const CHOICE: &str = "name another one with --lto-tool=PATH or WALD_LTO_TOOL";

fn no_tool(module: &str) -> Diagnostic {
    failure(format!("{module}: LLVM bitcode needs llvm-lto2, which was not found"))
        .with_location(Location::file(to_path(module)))
        .with_help(
            "install LLVM's tools (Debian: llvm-22), name the tool or rustup's rust-lld with --lto-tool=PATH, or compile without -flto",
        )
}

fn in_folder(error: io::Error) -> Problems {
    let message = format!("cannot use a temporary folder: {}", error_text(&error));
    vec![Diagnostic::error(Code::Open, message).with_help("TMPDIR names the folder for temporary files")]
}
