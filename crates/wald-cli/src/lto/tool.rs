//! Finds the tool that generates code: `llvm-lto2` of the LLVM that the user's compiler came with.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The names of LLVM's tool, the best first. Distributions add the version.
const NAMES: [&str; 2] = ["llvm-lto2-22", "llvm-lto2"];
/// Compilers beside which the tool may be.
const COMPILERS: [&str; 4] = ["clang-22", "clang", "wasm-ld-22", "wasm-ld"];
/// Programs that tell where LLVM's tools are.
const CONFIGS: [&str; 2] = ["llvm-config-22", "llvm-config"];

/// What the search for the tool depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// `--lto-tool`.
    option: Option<PathBuf>,
    /// The name by which this program was called.
    program: PathBuf,
    /// `WALD_LTO_TOOL` of the environment.
    variable: Option<OsString>,
    /// `PATH` of the environment.
    path: OsString,
}

impl Search {
    /// A search for the tool, unless `--lto-tool` names it.
    pub fn new(option: Option<PathBuf>) -> Self {
        Search { option, ..Search::default() }
    }

    /// Notes how this program was started.
    pub fn start_at(&mut self, program: &OsStr, environment: &dyn Fn(&str) -> Option<OsString>) {
        self.program = program.into();
        self.variable = environment("WALD_LTO_TOOL").filter(|path| !path.is_empty());
        self.path = environment("PATH").unwrap_or_default();
    }

    /// Whether the tool was named, and is a linker.
    pub fn names_linker(&self) -> bool {
        self.named().is_some_and(is_linker)
    }

    fn named(&self) -> Option<&Path> {
        self.option.as_deref().or(self.variable.as_ref().map(Path::new))
    }

    /// The tool's path. `None` if there is none.
    pub fn find(&self) -> Option<PathBuf> {
        if let Some(path) = self.named() {
            return Some(path.into());
        }
        let folders: Vec<PathBuf> = std::env::split_paths(&self.path).collect();
        let in_path = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        // Beside the linker whose name this program has.
        let called = match self.program.components().count() {
            0 | 1 => self.program.to_str().and_then(in_path),
            _ => Some(self.program.clone()),
        };
        called
            .and_then(|program| beside(&program))
            .or_else(|| NAMES.iter().find_map(|name| in_path(name)))
            .or_else(|| {
                COMPILERS.iter().filter_map(|name| in_path(name)).find_map(|program| beside(&program))
            })
            .or_else(|| CONFIGS.iter().filter_map(|name| in_path(name)).find_map(|program| ask(&program)))
    }
}

/// The tool in the folder of a program, or of the program that it is a link to.
fn beside(program: &Path) -> Option<PathBuf> {
    let folders = [program.parent().map(Path::to_path_buf), real_folder(program)];
    folders.into_iter().flatten().find_map(|folder| in_folder(&folder))
}

/// Whether a tool is a linker, by its name.
pub fn is_linker(tool: &Path) -> bool {
    let name = tool.file_name().map(crate::text::from_os).unwrap_or_default();
    ["lld", "wasm-ld"].iter().any(|part| name.contains(part))
}

/// The folder of the program that a link leads to.
fn real_folder(program: &Path) -> Option<PathBuf> {
    program.canonicalize().ok()?.parent().map(Path::to_path_buf)
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Asks `llvm-config` for the folder of LLVM's tools.
fn ask(config: &Path) -> Option<PathBuf> {
    let output = Command::new(config).arg("--bindir").stdin(Stdio::null()).output().ok()?;
    in_folder(Path::new(std::str::from_utf8(&output.stdout).ok()?.trim()))
}

/// The version that a tool says it is, such as `22.1.8`.
pub fn version(tool: &Path) -> Option<String> {
    let output = Command::new(tool).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("version"));
    words.nth(1).map(str::to_string)
}
