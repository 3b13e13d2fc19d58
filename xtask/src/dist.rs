//! `cargo xtask dist`: what is installed.

use crate::package::built;
use crate::package::files::Files;
use crate::workspace::{self, shown};
use std::path::Path;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask dist

Builds target/dist: bin/wald without debug information, which is in bin/.debug (if objcopy is installed), the names bin/wasm-ld and bin/wasm-ld-22 (links to it),
share/man/man1/wald.1, and the completions for bash, zsh and fish where those shells look for them. For programs in C:
include/wald.h, lib/libwald.a with lib/pkgconfig/wald.pc, and lib/shared/libwald.so with lib/pkgconfig/wald-shared.pc.
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let has_objcopy = built::objcopy().is_some();
    let command = built::command(if has_objcopy { "profiling" } else { "release" })?;
    if !has_objcopy {
        println!("without objcopy, no debug information is installed");
    }
    let dist = workspace::root().join("target/dist");
    let _ = std::fs::remove_dir_all(&dist);
    command.files().and(command.debug_files()).write_to(&dist)?;
    c_library(&dist)?;
    println!("{} holds bin/wald, its man page and completions, and the library for C", shown(&dist));
    Ok(())
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
    let mut files = Files::default();
    files.add("include/wald.h", workspace::read(&source.join("include/wald.h"))?);
    files.add("lib/libwald.a", workspace::read(archive)?);
    let mut packages = vec!["wald.pc"];
    if let Some(shared) = shared {
        files.add_program("lib/libwald.so.0", workspace::read(shared)?);
        files.add_link("lib/shared/libwald.so", "../libwald.so.0");
        packages.push("wald-shared.pc");
    }
    for package in packages {
        let text = workspace::read(&source.join(format!("{package}.in")))?;
        let text = String::from_utf8_lossy(&text).replace("@VERSION@", env!("CARGO_PKG_VERSION"));
        files.add(&format!("lib/pkgconfig/{package}"), text);
    }
    files.write_to(dist)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

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
