//! Distributed ThinLTO: the jobs that compile the thin modules, described for a distributor.
//!
//! `llvm-lto2` writes an index for each module, with the list of the modules that it imports from. Then a job needs nothing but its
//! module, the index and these modules. Their paths are relative to the folder in which the distributor is started, unless they leave
//! it. The format is that of LLVM's [DTLTO](https://llvm.org/docs/DTLTO.html).
//!
//! `llvm-lto2` could start the distributor too. But it does not end it when it is ended, and passes on neither the code generation
//! level nor the relocation model.

use super::command;
use super::compiler::{self, Step};
use super::options::{Distributor, LtoSettings};
use super::workspace::Workspace;
use crate::text::{from_bytes, from_path, to_bytes, to_path};
use serde_json::{json, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use wald::code_generator::CodeGeneration;

/// What the distributor is to have compiled.
pub struct Backends<'a> {
    settings: &'a LtoSettings,
    distributor: &'a Distributor,
    compiler: String,
    /// The output's path, as a label.
    output: String,
    modules: Vec<Backend>,
}

/// A module.
struct Backend {
    /// Its number in [`CodeGeneration::modules`].
    module: usize,
    name: String,
    target: Vec<String>,
    /// The modules that it imports from.
    imports: Vec<String>,
    /// Where the distributor writes its optimized bitcode.
    bitcode: String,
    /// Where the distributor writes its object.
    object: String,
}

impl<'a> Backends<'a> {
    /// Reads what `llvm-lto2` wrote about the thin modules.
    pub fn new(
        settings: &'a LtoSettings,
        distributor: &'a Distributor,
        tool: &Path,
        job: &CodeGeneration<'_>,
        workspace: &Workspace,
    ) -> io::Result<Backends<'a>> {
        let compiler = match &distributor.compiler {
            Some(program) => absolute_program(program)?,
            None => compiler::default_compiler(tool),
        };
        let mut modules = Vec::new();
        for module in super::products::thin_modules(job) {
            let imports = from_bytes(&std::fs::read(workspace.beside(module, ".imports"))?);
            modules.push(Backend {
                module,
                name: workspace.names[module].clone(),
                target: compiler::module_arguments(
                    &job.modules[module].table.target_triple,
                    command::is_static(job, Some(module)),
                ),
                imports: imports.lines().map(str::to_string).collect(),
                bitcode: unused_name(workspace, module, ".opt.bc"),
                object: unused_name(workspace, module, ".native.o"),
            });
        }
        Ok(Backends { settings, distributor, compiler, output: from_path(job.output), modules })
    }

    /// The steps, each of which needs the distributor.
    pub fn steps(&self) -> &'static [Step] {
        if self.modules.is_empty() {
            return &[];
        }
        compiler::steps(self.settings)
    }

    /// The command that runs the jobs of a step.
    pub fn command(&self, workspace: &Workspace, step: Step) -> io::Result<Command> {
        let file = workspace.jobs();
        std::fs::write(&file, to_bytes(&self.describe(step)))?;
        let mut command = Command::new(&*to_path(&absolute_program(&self.distributor.program)?));
        command.current_dir(&workspace.working_folder);
        for argument in &self.distributor.arguments {
            let path = to_path(argument);
            match path.is_file() {
                true => command.arg(std::path::absolute(path)?),
                false => command.arg(&*path),
            };
        }
        command.arg(file);
        Ok(command)
    }

    /// The jobs of a step as JSON.
    fn describe(&self, step: Step) -> String {
        let common = compiler::common_arguments(self.settings, self.distributor, &self.compiler, step);
        let jobs: Vec<Value> = self.modules.iter().map(|module| module.describe(step)).collect();
        let common = json!({"linker_output": self.output, "args": common, "inputs": []});
        format!("{:#}\n", json!({"common": common, "jobs": jobs}))
    }

    /// For each module, its number and its object.
    pub fn objects(&self, workspace: &Workspace) -> Vec<(usize, io::Result<Vec<u8>>)> {
        let path = |backend: &Backend| workspace.working_folder.join(to_path(&backend.object));
        self.modules.iter().map(|backend| (backend.module, std::fs::read(path(backend)))).collect()
    }

    /// The modules for which a step did not write anything. clang leaves an empty file, and its exit code is 0, if a module that it
    /// needs is missing.
    pub fn missing(&self, workspace: &Workspace, step: Step) -> Vec<usize> {
        let is_written = |backend: &&Backend| {
            let path = workspace.working_folder.join(to_path(backend.output(step)));
            std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
        };
        self.modules.iter().filter(|backend| !is_written(backend)).map(|backend| backend.module).collect()
    }
}

impl Backend {
    fn output(&self, step: Step) -> &str {
        match step {
            Step::Optimize => &self.bitcode,
            Step::Whole | Step::Generate => &self.object,
        }
    }

    fn describe(&self, step: Step) -> Value {
        let index = format!("{}.thinlto.bc", self.name);
        let mut arguments = self.target.clone();
        // Distributors may rely on it that the second input is an index.
        let mut inputs = vec![self.name.clone(), index.clone()];
        if step == Step::Generate {
            arguments.push(self.bitcode.clone());
            inputs[0] = self.bitcode.clone();
        } else {
            arguments.extend([self.name.clone(), format!("-fthinlto-index={index}")]);
            inputs.extend(self.imports.iter().cloned());
        }
        let output = self.output(step).to_string();
        arguments.extend(["-o".to_string(), output.clone()]);
        json!({"args": arguments, "inputs": inputs, "outputs": [output]})
    }
}

/// The name of a file that does not exist yet, beside a module.
fn unused_name(workspace: &Workspace, module: usize, suffix: &str) -> String {
    let mut suffix = suffix.to_string();
    while workspace.beside(module, &suffix).exists() {
        suffix.insert(0, '+');
    }
    format!("{}{suffix}", workspace.names[module])
}

/// A program that is named by a path, for a process in another folder.
fn absolute_program(program: &str) -> io::Result<String> {
    let path: PathBuf = to_path(program).into_owned();
    match path.components().count() {
        0 | 1 => Ok(program.into()),
        _ => Ok(from_path(&std::path::absolute(path)?)),
    }
}
