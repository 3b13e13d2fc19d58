//! `cargo xtask dist`: what is installed.

use crate::workspace::{self, shown};
use std::path::Path;
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask dist

Builds target/dist: bin/wald without debug information, which is in bin/.debug (if objcopy is installed), the names bin/wasm-ld and bin/wasm-ld-22 (links to it),
share/man/man1/wald.1, and the completions for bash, zsh and fish where those shells look for them. For programs in C:
include/wald.h, lib/libwald.a with lib/pkgconfig/wald.pc, and lib/shared/libwald.so with lib/pkgconfig/wald-shared.pc.
";

/// Shell, and its file below `share`.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "bash-completion/completions/wald"),
    // bash loads a file by the command's name.
    ("bash", "bash-completion/completions/wasm-ld"),
    ("bash", "bash-completion/completions/wasm-ld-22"),
    ("zsh", "zsh/site-functions/_wald"),
    ("fish", "fish/vendor_completions.d/wald.fish"),
    // So does fish.
    ("fish", "fish/vendor_completions.d/wasm-ld.fish"),
    ("fish", "fish/vendor_completions.d/wasm-ld-22.fish"),
];

/// The names that compilers look for. Debian's clang asks for the one with LLVM's version first.
const NAMES: &[&str] = &["wasm-ld", "wasm-ld-22"];

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let objcopy =
        ["llvm-objcopy-22", "llvm-objcopy", "objcopy"].into_iter().find_map(workspace::find_program);
    let objcopy = objcopy.filter(|_| cfg!(target_os = "linux"));
    let wald = workspace::build_wald(if objcopy.is_some() { "profiling" } else { "release" })?;
    let dist = workspace::root().join("target/dist");
    let _ = std::fs::remove_dir_all(&dist);
    let binary = dist.join("bin").join(program("wald"));
    workspace::create_folder(&dist.join("bin"))?;
    std::fs::copy(&wald, &binary).map_err(|error| format!("{}: {error}", shown(&binary)))?;
    match objcopy {
        Some(objcopy) => split_debug(&objcopy, &binary)?,
        None => println!("without objcopy, no debug information is installed"),
    }
    for name in NAMES {
        link(&dist.join("bin").join(program(name)), &program("wald"))?;
    }
    let mut texts = vec![("--print-man-page".to_string(), "man/man1/wald.1")];
    texts.extend(COMPLETIONS.iter().map(|(shell, file)| (format!("--print-completions={shell}"), *file)));
    for (option, file) in texts {
        let path = dist.join("share").join(file);
        if let Some(folder) = path.parent() {
            workspace::create_folder(folder)?;
        }
        let output = Command::new(&binary).arg(&option).output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("wald {option} failed"));
        }
        workspace::write(&path, output.stdout)?;
    }
    c_library(&dist)?;
    println!("{} holds bin/wald, its man page and completions, and the library for C", shown(&dist));
    Ok(())
}

/// Moves the debug information of a program to a file where debuggers and profilers look for it.
fn split_debug(objcopy: &Path, binary: &Path) -> Result<(), String> {
    let folder = binary.with_file_name(".debug");
    workspace::create_folder(&folder)?;
    let debug = folder.join("wald.debug");
    workspace::run(Command::new(objcopy).arg("--only-keep-debug").arg(binary).arg(&debug))?;
    let link = format!("--add-gnu-debuglink={}", debug.display());
    workspace::run(Command::new(objcopy).args(["--strip-all", &link]).arg(binary))
}

/// Builds the library for C and installs it.
fn c_library(dist: &Path) -> Result<(), String> {
    workspace::run(&mut workspace::cargo(&[
        "build",
        "--quiet",
        "--package",
        "wald-capi",
        "--profile",
        "release",
    ]))?;
    let built = workspace::target().join("release");
    // Elsewhere shared libraries have other names.
    let shared = cfg!(target_os = "linux").then(|| built.join("libwald_c.so"));
    install_library(dist, &built.join("libwald_c.a"), shared.as_deref())
}

/// Header, libraries and what pkg-config reads.
///
/// A linker takes `libwald.so` if it finds it beside `libwald.a`, also after `pkg-config --static`. The link `libwald.so` is
/// therefore in a folder of its own, and only wald-shared.pc names that folder.
fn install_library(dist: &Path, archive: &Path, shared: Option<&Path>) -> Result<(), String> {
    let source = workspace::root().join("crates/wald-capi");
    for folder in ["include", "lib/pkgconfig", "lib/shared"] {
        workspace::create_folder(&dist.join(folder))?;
    }
    let copy = |from: &Path, to: &str| match std::fs::copy(from, dist.join(to)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{}: {error}", shown(from))),
    };
    copy(&source.join("include/wald.h"), "include/wald.h")?;
    copy(archive, "lib/libwald.a")?;
    let mut packages = vec!["wald.pc"];
    if let Some(shared) = shared {
        copy(shared, "lib/libwald.so.0")?;
        link(&dist.join("lib/shared/libwald.so"), "../libwald.so.0")?;
        packages.push("wald-shared.pc");
    }
    for package in packages {
        let text = workspace::read(&source.join(format!("{package}.in")))?;
        let text = String::from_utf8_lossy(&text).replace("@VERSION@", env!("CARGO_PKG_VERSION"));
        workspace::write(&dist.join("lib/pkgconfig").join(package), text)?;
    }
    Ok(())
}

/// A program's file name.
fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// Makes `path` another name of `target`, which is beside it.
#[cfg(unix)]
fn link(path: &Path, target: &str) -> Result<(), String> {
    std::os::unix::fs::symlink(target, path).map_err(|error| format!("{}: {error}", shown(path)))
}

/// Symbolic links need a privilege on Windows.
#[cfg(not(unix))]
fn link(path: &Path, target: &str) -> Result<(), String> {
    let copied = std::fs::copy(path.with_file_name(target), path);
    copied.map(|_| ()).map_err(|error| format!("{}: {error}", shown(path)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn run(command: &mut Command) -> String {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Two libraries whose function says which one it is take the place of the real ones.
    #[test]
    fn pkg_config_gives_the_library_that_was_asked_for() {
        if ["cc", "pkg-config"].iter().any(|name| Command::new(name).arg("--version").output().is_err()) {
            println!("skipped pkg_config_gives_the_library_that_was_asked_for: cc or pkg-config is missing");
            return;
        }
        let folder = std::env::temp_dir().join(format!("wald-dist-{}", std::process::id()));
        let (dist, text) =
            (folder.join("dist"), |path: &str| folder.join(path).to_str().unwrap().to_string());
        workspace::create_folder(&folder).unwrap();
        std::fs::write(text("static.c"), "int which(void) { return 1; }").unwrap();
        std::fs::write(text("shared.c"), "int which(void) { return 2; }").unwrap();
        std::fs::write(
            text("main.c"),
            "#include <wald.h>\nint which(void); int main(void) { return which(); }",
        )
        .unwrap();
        run(Command::new("cc").args(["-c", &text("static.c"), "-o", &text("static.o")]));
        run(Command::new("ar").args(["rc", &text("static.a"), &text("static.o")]));
        let soname = "-Wl,-soname,libwald.so.0";
        run(Command::new("cc").args([
            "-shared",
            "-fPIC",
            soname,
            &text("shared.c"),
            "-o",
            &text("shared.so"),
        ]));
        install_library(&dist, Path::new(&text("static.a")), Some(Path::new(&text("shared.so")))).unwrap();
        let library = dist.join("lib");
        let build = |arguments: &[&str]| {
            let mut command = Command::new("pkg-config");
            let flags = run(command
                .args(["--cflags", "--libs"])
                .args(arguments)
                .env("PKG_CONFIG_PATH", library.join("pkgconfig")));
            run(Command::new("cc")
                .arg(text("main.c"))
                .args(["-o", &text("main")])
                .args(flags.split_whitespace()));
            let status = Command::new(text("main")).env("LD_LIBRARY_PATH", &library).status().unwrap();
            status.code()
        };
        let found = [&["wald"][..], &["--static", "wald"], &["wald-shared"]].map(build);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, [Some(1), Some(1), Some(2)]);
    }
}
