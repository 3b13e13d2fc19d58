//! The files of a package, in memory: what they are, and as a folder or an archive.
//!
//! Archives are reproducible: the files are sorted, belong to root, and all have the same time.

use crate::workspace;
use flate2::{write::GzEncoder, Compression};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::path::Path;

/// The time of every file, in seconds since 1970: the one that cargo gives the files of a published crate.
const TIME: u64 = 1_153_704_088;

/// A file of a package.
#[derive(Clone, PartialEq, Eq)]
pub enum File {
    /// A file that is only read.
    Plain(Vec<u8>),
    /// A file that can be run.
    Program(Vec<u8>),
    /// A symbolic link with this target.
    Link(String),
}

/// Files by their paths. Folders are implied.
#[derive(Clone, Default)]
pub struct Files(BTreeMap<String, File>);

impl Files {
    /// Adds a file.
    pub fn add(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), File::Plain(bytes.into()));
    }

    /// Adds a file that can be run.
    pub fn add_program(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), File::Program(bytes.into()));
    }

    /// Adds a symbolic link.
    pub fn add_link(&mut self, path: &str, target: &str) {
        self.0.insert(path.into(), File::Link(target.into()));
    }

    /// Adds the files of a folder, and of the folders in it, below `path`.
    pub fn add_folder(&mut self, path: &str, folder: &Path) -> Result<(), String> {
        let entries =
            std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", workspace::shown(folder)))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = format!("{path}/{name}");
            if entry.path().is_dir() {
                // What Python leaves beside modules that it has run.
                if name != "__pycache__" {
                    self.add_folder(&inner, &entry.path())?;
                }
            } else {
                self.add(&inner, workspace::read(&entry.path())?);
            }
        }
        Ok(())
    }

    /// The files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.0.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The same files below a folder, whose name ends with a slash.
    pub fn below(&self, folder: &str) -> Files {
        Files(self.0.iter().map(|(path, file)| (format!("{folder}{path}"), file.clone())).collect())
    }

    /// All files of both.
    pub fn and(mut self, others: Files) -> Files {
        self.0.extend(others.0);
        self
    }

    /// Writes the files into a folder.
    pub fn write_to(&self, folder: &Path) -> Result<(), String> {
        for (path, file) in self.iter() {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                workspace::create_folder(parent)?;
            }
            match file {
                File::Plain(bytes) => workspace::write(&path, bytes)?,
                File::Program(bytes) => {
                    workspace::write(&path, bytes)?;
                    make_executable(&path)?;
                }
                File::Link(target) => link(&path, target)?,
            }
        }
        Ok(())
    }

    /// The files as a compressed tar archive. `with_folders` adds an entry for each folder.
    pub fn tar_gz(&self, with_folders: bool) -> Result<Vec<u8>, String> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        if with_folders {
            let folders: BTreeSet<&str> = self.0.keys().flat_map(|path| folders_of(path)).collect();
            for folder in folders {
                let mut header = header(tar::EntryType::Directory, 0o755, 0);
                let added = archive.append_data(&mut header, format!("{folder}/"), std::io::empty());
                added.map_err(|error| format!("{folder}: {error}"))?;
            }
        }
        for (path, file) in self.iter() {
            let added = match file {
                File::Plain(bytes) => append(&mut archive, path, 0o644, bytes),
                File::Program(bytes) => append(&mut archive, path, 0o755, bytes),
                File::Link(target) => {
                    archive.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), path, target)
                }
            };
            added.map_err(|error| format!("{path}: {error}"))?;
        }
        let compressed = archive.into_inner().and_then(GzEncoder::finish);
        compressed.map_err(|error| error.to_string())
    }

    /// The files as a zip archive.
    pub fn zip(&self) -> Result<Vec<u8>, String> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let time = zip::DateTime::from_date_and_time(2006, 7, 24, 1, 21, 28);
        let time = time.map_err(|error| error.to_string())?;
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .last_modified_time(time);
        for (path, file) in self.iter() {
            let (mode, bytes) = match file {
                File::Plain(bytes) => (0o644, bytes),
                File::Program(bytes) => (0o755, bytes),
                File::Link(_) => return Err(format!("{path}: a link in a zip archive")),
            };
            let started = archive.start_file(path, options.unix_permissions(mode));
            started.map_err(|error| format!("{path}: {error}"))?;
            archive.write_all(bytes).map_err(|error| format!("{path}: {error}"))?;
        }
        Ok(archive.finish().map_err(|error| error.to_string())?.into_inner())
    }
}

fn append(
    archive: &mut tar::Builder<impl Write>,
    path: &str,
    mode: u32,
    bytes: &[u8],
) -> std::io::Result<()> {
    archive.append_data(&mut header(tar::EntryType::Regular, mode, bytes.len() as u64), path, bytes)
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(TIME);
    header
}

/// The folders above a path, from the outermost on.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).filter(|folder| !folder.is_empty())
}

/// The bytes compressed by gzip, without a name or time.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

/// The SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let changed = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755));
    changed.map_err(|error| format!("{}: {error}", workspace::shown(path)))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn link(path: &Path, target: &str) -> Result<(), String> {
    let made = std::os::unix::fs::symlink(target, path);
    made.map_err(|error| format!("{}: {error}", workspace::shown(path)))
}

/// Symbolic links need a privilege on Windows.
#[cfg(not(unix))]
fn link(path: &Path, target: &str) -> Result<(), String> {
    let copied = std::fs::copy(path.with_file_name(target), path);
    copied.map(|_| ()).map_err(|error| format!("{}: {error}", workspace::shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(order: &[usize]) -> Files {
        let mut files = Files::default();
        for number in order {
            files.add(&format!("a/b/{number}"), number.to_string());
        }
        files.add_program("a/program", "#!");
        files
    }

    #[test]
    fn archives_do_not_depend_on_the_order() {
        let (one, other) = (files(&[1, 2, 3]), files(&[3, 1, 2]));
        assert_eq!(one.tar_gz(true).unwrap(), other.tar_gz(true).unwrap());
        assert_eq!(one.zip().unwrap(), other.zip().unwrap());
        assert_ne!(one.tar_gz(true).unwrap(), files(&[1, 2]).tar_gz(true).unwrap());
    }

    #[test]
    fn folders_come_first_and_only_if_wanted() {
        let mut files = files(&[1]);
        files.add_link("a/link", "b/1");
        let entries = |with_folders| {
            let bytes = files.tar_gz(with_folders).unwrap();
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
            let entries = archive.entries().unwrap().map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (TIME, 0));
                (entry.path().unwrap().display().to_string(), header.mode().unwrap())
            });
            entries.collect::<Vec<_>>()
        };
        let named = |entries: &[(&str, u32)]| {
            entries.iter().map(|(path, mode)| (path.to_string(), *mode)).collect::<Vec<_>>()
        };
        let without = [("a/b/1", 0o644), ("a/link", 0o777), ("a/program", 0o755)];
        assert_eq!(entries(false), named(&without));
        assert_eq!(entries(true), named(&[&[("a/", 0o755), ("a/b/", 0o755)], &without[..]].concat()));
    }

    #[test]
    fn hashes_are_those_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&sha256(b"")), empty);
    }
}
