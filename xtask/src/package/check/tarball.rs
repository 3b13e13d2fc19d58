//! The tarball, unpacked below `~/.local`.

use super::place::{ensure, Outcome, Place};
use super::readme;
use crate::package::built::{Built, NAMES, VERSION};
use crate::package::kind::Kind;
use crate::package::platform;
use crate::workspace;
use std::collections::BTreeMap;

pub fn check(place: &Place, built: &Built) -> Outcome {
    place.shell("sha256sum --check *.sha256", &[], &[])?;
    place.shell(&readme::line(Kind::Tarball)?, &[], &[])?;
    let prefix = place.home.join(".local");
    let bin = prefix.join("bin");
    for name in ["wald"].iter().chain(&NAMES) {
        place.links(name, &[], std::slice::from_ref(&bin))?;
    }
    let installed = |path: &str| workspace::read(&prefix.join(path));
    ensure(installed("share/man/man1/wald.1")?.starts_with(b".TH"), "no man page")?;
    installed("share/bash-completion/completions/wasm-ld-22")?;
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "README.md"] {
        installed(&format!("share/doc/wald/{name}"))?;
    }
    if built.command.debug.is_some() {
        place.shell("tar -xzf wald-debug-*.tar.gz -C ~/.local --strip-components=1", &[], &[])?;
        ensure(installed("bin/.debug/wald.debug")?.starts_with(b"\x7fELF"), "no debug information")?;
    }
    binstall(place)?;
    Ok(None)
}

/// What `cargo binstall` downloads and takes out of it is what we build.
fn binstall(place: &Place) -> Result<(), String> {
    let manifest = workspace::read(&workspace::root().join("crates/wald-cli/Cargo.toml"))?;
    let manifest = String::from_utf8_lossy(&manifest).into_owned();
    let table = manifest.split("[package.metadata.binstall]\n").nth(1).unwrap_or_default();
    let lines = table.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(" = "));
    let values: BTreeMap<&str, &str> = lines.map(|(key, value)| (key, value.trim_matches('"'))).collect();
    let triple = platform::triple()?;
    let value = |key: &str| {
        let text = values.get(key).copied().unwrap_or_default();
        text.replace("{ version }", VERSION)
            .replace("{ target }", &triple)
            .replace("{ bin }", "wald")
            .replace("{ binary-ext }", std::env::consts::EXE_SUFFIX)
    };
    let (url, program) = (value("pkg-url"), value("bin-dir"));
    ensure(url.starts_with(&format!("{{ repo }}/releases/download/v{VERSION}/")), &url)?;
    ensure(value("pkg-fmt") == "tgz", "pkg-fmt is not tgz")?;
    let archive = url.rsplit('/').next().unwrap_or_default();
    place.shell(&format!("tar -xzf {archive} -C \"$TMPDIR\" {program}"), &[], &[])?;
    ensure(place.temporary.join(&program).is_file(), &format!("{archive} has no {program}"))
}
