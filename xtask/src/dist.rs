//! `cargo xtask dist`: what is installed.

use crate::workspace::{self, shown};
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask dist

Builds target/dist: bin/wald and bin/wasm-ld (a link to it), share/man/man1/wald.1, and the completions for bash, zsh
and fish where those shells look for them.
";

/// Shell, and its file below `share`.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "bash-completion/completions/wald"),
    ("zsh", "zsh/site-functions/_wald"),
    ("fish", "fish/vendor_completions.d/wald.fish"),
];

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let wald = workspace::build_wald("release")?;
    let dist = workspace::root().join("target/dist");
    let _ = std::fs::remove_dir_all(&dist);
    let binary = dist.join("bin/wald");
    workspace::create_folder(&dist.join("bin"))?;
    std::fs::copy(&wald, &binary).map_err(|error| format!("{}: {error}", shown(&binary)))?;
    link(&dist)?;
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
    println!("{} holds bin/wald, its man page and completions", shown(&dist));
    Ok(())
}

#[cfg(unix)]
fn link(dist: &std::path::Path) -> Result<(), String> {
    std::os::unix::fs::symlink("wald", dist.join("bin/wasm-ld"))
        .map_err(|error| format!("bin/wasm-ld: {error}"))
}
