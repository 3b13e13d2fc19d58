//! The package for Debian: an `ar` archive of a version, a tarball with the control files, and one with what is installed.

use super::built::{Built, NAMES, VERSION};
use super::files::{gzip, File, Files};
use super::platform;
use crate::workspace;
use std::path::{Path, PathBuf};

/// Writes the package into a folder.
pub fn build(built: &Built, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let architecture = platform::host()?.debian.ok_or("packages for Debian are built on Linux")?;
    let installed = installed(built)?;
    let control = control(built, architecture, &installed)?;
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", control.below("./").tar_gz(true)?),
        ("data.tar.gz", installed.below("./").tar_gz(true)?),
    ];
    let path = folder.join(format!("wald_{VERSION}_{architecture}.deb"));
    workspace::write(&path, ar(&members))?;
    Ok(vec![path])
}

fn source(name: &str) -> Result<String, String> {
    let bytes = workspace::read(&workspace::root().join("packages/debian").join(name))?;
    Ok(String::from_utf8_lossy(&bytes).replace("@VERSION@", VERSION))
}

/// What is installed. The names of wasm-ld are not files of the package: its scripts register them.
fn installed(built: &Built) -> Result<Files, String> {
    let mut files = Files::default();
    files.add_program("bin/wald", built.command.program.clone());
    files.add("share/man/man1/wald.1.gz", gzip(&built.command.man_page)?);
    // A folder for `clang -B` and `PATH`, whatever other linkers are installed.
    for name in NAMES {
        files.add_link(&format!("libexec/wald/{name}"), "../../bin/wald");
    }
    for name in ["README.md", "CHANGELOG.md"] {
        let text = workspace::read(&workspace::root().join(name))?;
        files.add(&format!("share/doc/wald/{name}.gz"), gzip(&text)?);
    }
    files.add("share/doc/wald/changelog.gz", gzip(source("changelog")?.as_bytes())?);
    files.add("share/lintian/overrides/wald", source("lintian-overrides")?);
    let mit = workspace::read(&workspace::root().join("LICENSE-MIT"))?;
    let copyright = source("copyright")?.replace("@MIT@", &paragraphs(&String::from_utf8_lossy(&mit)));
    files.add("share/doc/wald/copyright", copyright);
    let completions = built.command.completion_files(&[]);
    // Debian's folder for zsh has another name.
    let mut renamed = Files::default();
    for (path, file) in completions.iter() {
        let path = path.replace("zsh/site-functions", "zsh/vendor-completions");
        if let File::Plain(bytes) = file {
            renamed.add(&path, bytes.clone());
        }
    }
    Ok(files.and(renamed).below("usr/"))
}

/// A licence as a field of a control file: after its title and copyright, indented, with a dot in empty lines.
fn paragraphs(text: &str) -> String {
    let start = text.find("Permission").unwrap_or(0);
    let lines =
        text[start..].lines().map(|line| if line.is_empty() { " .".into() } else { format!(" {line}") });
    lines.collect::<Vec<_>>().join("\n")
}

fn control(built: &Built, architecture: &str, installed: &Files) -> Result<Files, String> {
    let bytes = |file: &File| match file {
        File::Plain(bytes) | File::Program(bytes) => bytes.len(),
        File::Link(_) => 0,
    };
    let size: usize = installed.iter().map(|(_, file)| bytes(file).div_ceil(1024)).sum();
    let needs = built.needs.as_ref().ok_or("objdump is not installed: the dependencies are not known")?;
    let mut depends = format!("libc6 (>= {}.{})", needs.glibc.0, needs.glibc.1);
    if needs.libraries.iter().any(|library| library == "libgcc_s.so.1") {
        depends += ", libgcc-s1 (>= 4.2)";
    }
    let text = source("control")?
        .replace("@ARCHITECTURE@", architecture)
        .replace("@SIZE@", &size.to_string())
        .replace("@DEPENDS@", &depends);
    let mut files = Files::default();
    files.add("control", text);
    for script in ["postinst", "prerm"] {
        files.add_program(script, source(script)?);
    }
    Ok(files)
}

/// The archive that `dpkg` reads.
fn ar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, member) in members {
        bytes.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, member.len()).bytes(),
        );
        bytes.extend(member);
        if member.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
