//! The tarball of a release: the command for one platform. Its debug information is in a tarball of its own.
//!
//! `cargo binstall` and the action `setup-wald` download it, so crates/wald-cli/Cargo.toml and packages/setup-wald/setup.sh know its name
//! and its layout.

use super::built::{Built, VERSION};
use super::files::{hex, sha256, Files};
use super::platform;
use crate::workspace;
use std::path::{Path, PathBuf};

/// Writes the tarballs and their checksums into a folder.
pub fn build(built: &Built, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let triple = platform::triple()?;
    let name = format!("wald-{VERSION}-{triple}");
    let files = built.command.files().and(documents("share/doc/wald/")?);
    let mut written = archive(&files.below(&format!("{name}/")), folder, &name)?;
    if built.command.debug.is_some() {
        // Unpacked in the same folder, it is where debuggers look.
        let files = built.command.debug_files().below(&format!("{name}/"));
        written.extend(archive(&files, folder, &format!("wald-debug-{VERSION}-{triple}"))?);
    }
    Ok(written)
}

/// The documents that every package contains.
pub fn documents(folder: &str) -> Result<Files, String> {
    let mut files = Files::default();
    for name in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        files.add(&format!("{folder}{name}"), workspace::read(&workspace::root().join(name))?);
    }
    Ok(files)
}

/// Writes an archive, and the file that `sha256sum --check` reads.
fn archive(files: &Files, folder: &Path, name: &str) -> Result<Vec<PathBuf>, String> {
    let name = format!("{name}.tar.gz");
    let bytes = files.tar_gz(false)?;
    let (path, checksum) = (folder.join(&name), folder.join(format!("{name}.sha256")));
    workspace::write(&path, &bytes)?;
    workspace::write(&checksum, format!("{}  {name}\n", hex(&sha256(&bytes))))?;
    Ok(vec![path, checksum])
}
