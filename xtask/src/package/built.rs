//! Builds what packages contain: the command with its man page and completions, and the shared library.

use super::files::Files;
use super::needs::{self, Needs};
use crate::workspace::{self, shown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of all packages.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Shell, and its file below `share` without its ending. Shells load a file by the command's name.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "bash-completion/completions/"),
    ("fish", "fish/vendor_completions.d/"),
    ("zsh", "zsh/site-functions/_"),
];

/// The names that compilers look for. Debian's clang asks for the one with LLVM's version first.
pub const NAMES: [&str; 2] = ["wasm-ld", "wasm-ld-22"];

/// The `wald` command.
pub struct BuiltCommand {
    /// The program, without debug information.
    pub program: Vec<u8>,
    /// The debug information, as a file for debuggers. `None` if `objcopy` is not installed.
    pub debug: Option<Vec<u8>>,
    /// The page for `man`.
    pub man_page: Vec<u8>,
    /// What shells read: shell and text.
    completions: Vec<(&'static str, Vec<u8>)>,
}

/// Everything that packages contain.
pub struct Built {
    /// The command.
    pub command: BuiltCommand,
    /// The shared library for C, without debug information.
    pub library: Vec<u8>,
    /// What both need of the system. `None` for other systems than Linux, and if it cannot be found out.
    pub needs: Option<Needs>,
}

/// Builds the command. `profile` is a profile of cargo.
pub fn command(profile: &str) -> Result<BuiltCommand, String> {
    let folder = Folder::new()?;
    let program = folder.0.join(program("wald"));
    copy(&workspace::build_wald(profile)?, &program)?;
    let mut texts = Vec::new();
    let shells = COMPLETIONS.iter().map(|(shell, _)| format!("--print-completions={shell}"));
    for option in std::iter::once("--print-man-page".into()).chain(shells) {
        let output = Command::new(&program).arg(&option).output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("wald {option} failed"));
        }
        texts.push(output.stdout);
    }
    let debug = split_debug(&program)?;
    let mut texts = texts.into_iter();
    Ok(BuiltCommand {
        program: workspace::read(&program)?,
        debug,
        man_page: texts.next().unwrap_or_default(),
        completions: COMPLETIONS.iter().map(|(shell, _)| *shell).zip(texts).collect(),
    })
}

/// Builds everything.
pub fn everything(profile: &str) -> Result<Built, String> {
    let command = command(profile)?;
    workspace::run(&mut workspace::cargo(&[
        "build",
        "--quiet",
        "--package",
        "wald-capi",
        "--profile",
        profile,
    ]))?;
    let output = workspace::target().join(if profile == "dev" { "debug" } else { profile });
    let folder = Folder::new()?;
    let library = folder.0.join(library_name());
    copy(&output.join(library_name()), &library)?;
    split_debug(&library)?;
    let program = folder.0.join("wald");
    workspace::write(&program, &command.program)?;
    let needs = if cfg!(target_os = "linux") { needs::of(&[&program, &library])? } else { None };
    Ok(Built { command, library: workspace::read(&library)?, needs })
}

impl BuiltCommand {
    /// The command as it is installed below a folder such as `/usr/local`, under all its names.
    pub fn files(&self) -> Files {
        let mut files = Files::default();
        files.add_program(&format!("bin/{}", program("wald")), self.program.clone());
        for name in NAMES {
            files.add_link(&format!("bin/{}", program(name)), &program("wald"));
        }
        files.add("share/man/man1/wald.1", self.man_page.clone());
        files.and(self.completion_files(&NAMES))
    }

    /// The debug information, where debuggers look for it.
    pub fn debug_files(&self) -> Files {
        let mut files = Files::default();
        if let Some(debug) = &self.debug {
            files.add(&format!("bin/.debug/{}.debug", program("wald")), debug.clone());
        }
        files
    }

    /// The completions for `wald` and for other names of it.
    pub fn completion_files(&self, names: &[&str]) -> Files {
        let mut files = Files::default();
        for ((shell, text), (_, path)) in self.completions.iter().zip(COMPLETIONS) {
            let ending = if *shell == "fish" { ".fish" } else { "" };
            files.add(&format!("share/{path}wald{ending}"), text.clone());
            // zsh's file says itself for which commands it is.
            for name in names.iter().filter(|_| *shell != "zsh") {
                files.add(&format!("share/{path}{name}{ending}"), text.clone());
            }
        }
        files
    }
}

/// A program's file name.
pub fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// The file name of the shared library for C, as cargo builds it.
pub fn library_name() -> String {
    format!("{}wald_c{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// What removes debug information from a file, if it is installed: for Linux, where debuggers find it in another file.
pub fn objcopy() -> Option<PathBuf> {
    let names = ["llvm-objcopy-22", "llvm-objcopy", "objcopy"];
    names.into_iter().filter(|_| cfg!(target_os = "linux")).find_map(workspace::find_program)
}

/// Removes the debug information from a file, and returns it.
fn split_debug(file: &Path) -> Result<Option<Vec<u8>>, String> {
    let Some(objcopy) = objcopy() else { return Ok(None) };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let debug = file.with_file_name(format!("{name}.debug"));
    workspace::run(Command::new(&objcopy).arg("--only-keep-debug").arg(file).arg(&debug))?;
    let link = format!("--add-gnu-debuglink={}", debug.display());
    // A shared library keeps the names that it exports: they are in another table.
    workspace::run(Command::new(&objcopy).args(["--strip-all", &link]).arg(file))?;
    workspace::read(&debug).map(Some)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", shown(from)))
}

/// A folder of this process that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = workspace::target().join(format!("package-parts/{}-{count}", std::process::id()));
        workspace::create_folder(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
