//! Which file or descriptor a path after `-o`, or of a report, means.
//!
//! Symbolic links are followed, so that what they point to is replaced and never the link. A link into `/proc/self/fd`,
//! as `/dev/stdout` is one, means the open descriptor itself. docs/guide.md has the whole table.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;

/// `ENOENT`.
const NO_SUCH_FILE: i32 = 2;

/// Where bytes go.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    StandardOutput,
    /// An open descriptor of this process.
    Descriptor(u32),
    /// Exists and is not a regular file: a device, a FIFO. It is written to as it is.
    Special(PathBuf),
    /// A regular file, or none yet: it is replaced as a whole. No symbolic link is left in the last component.
    Regular(PathBuf),
}

/// Finds out what `path` means; `-` is standard output.
///
/// # Errors
/// It is a directory, or a path that cannot be followed.
pub fn resolve(path: &str) -> io::Result<Target> {
    if path == "-" {
        return Ok(Target::StandardOutput);
    }
    if path.is_empty() {
        return Err(io::Error::from_raw_os_error(NO_SUCH_FILE));
    }
    let names_directory = path.ends_with('/');
    let path = crate::text::to_path(path).into_owned();
    if cfg!(all(target_family = "wasm", target_os = "unknown")) {
        // Files are a table in memory, without folders.
        return Ok(Target::Regular(path));
    }
    match std::fs::metadata(&path) {
        Err(error) if names_directory => Err(error),
        Ok(metadata) if metadata.is_dir() => Err(crate::mapped_file::is_a_directory()),
        Ok(metadata) => follow(path, Some(&metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => follow(path, None),
        Err(error) => Err(error),
    }
}

/// Follows symbolic links in the last component. `metadata` is that of the file they point to.
fn follow(mut path: PathBuf, metadata: Option<&Metadata>) -> io::Result<Target> {
    for _ in 0..=MOST_LINKS {
        let is_link = std::fs::symlink_metadata(&path).is_ok_and(|link| link.file_type().is_symlink());
        if !is_link {
            return Ok(match metadata {
                Some(metadata) if !metadata.is_file() => Target::Special(path),
                _ => Target::Regular(path),
            });
        }
        let parent = parent_of(&path);
        if let Some(magic) = in_proc(&parent, &path) {
            return Ok(magic);
        }
        path = parent.join(std::fs::read_link(&path)?);
    }
    // Another process changes the links meanwhile.
    Err(io::Error::other("Too many levels of symbolic links"))
}

/// The directory that contains `path`.
pub fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => ".".into(),
    }
}

/// A link in `/proc` does not contain the path of its target, so it cannot be followed by hand.
fn in_proc(parent: &Path, path: &Path) -> Option<Target> {
    let parent = parent.canonicalize().ok()?;
    let is_own = Path::new("/proc/self/fd").canonicalize().is_ok_and(|own| own == parent);
    let number = || path.file_name()?.to_str()?.parse().ok();
    match number() {
        Some(1) if is_own => Some(Target::StandardOutput),
        Some(number) if is_own => Some(Target::Descriptor(number)),
        _ if parent.starts_with("/proc") && parent != Path::new("/proc") => {
            Some(Target::Special(path.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_what_they_mean() {
        let directory = std::env::temp_dir().join(format!("wald-target-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("sub")).unwrap();
        let path = |name: &str| directory.join(name);
        let target = |name: &str| resolve(path(name).to_str().unwrap());
        std::fs::write(path("file"), "").unwrap();
        for (link, to) in [
            ("to-file", "file"),
            ("chain", "to-file"),
            ("sub/up", "../chain"),
            ("dangling", "new"),
            ("nowhere", "no/new"),
            ("loop", "loop"),
            ("null", "/dev/null"),
            ("to-directory", "sub"),
        ] {
            symlink(to, path(link)).unwrap();
        }
        assert_eq!(target("file").unwrap(), Target::Regular(path("file")));
        assert_eq!(target("new").unwrap(), Target::Regular(path("new")));
        assert_eq!(target("chain").unwrap(), Target::Regular(path("file")));
        assert_eq!(target("sub/up").unwrap(), Target::Regular(path("sub/../file")));
        assert_eq!(target("dangling").unwrap(), Target::Regular(path("new")));
        assert_eq!(target("nowhere").unwrap(), Target::Regular(path("no/new")));
        assert_eq!(target("null").unwrap(), Target::Special("/dev/null".into()));
        assert_eq!(crate::error_text(&target("loop").unwrap_err()), "Too many levels of symbolic links");
        assert_eq!(crate::error_text(&target("to-directory").unwrap_err()), "Is a directory");
        assert_eq!(crate::error_text(&target("file/x").unwrap_err()), "Not a directory");
        #[cfg(target_os = "linux")]
        {
            symlink("/proc/self/fd/1", path("stdout")).unwrap();
            symlink("stdout", path("chain-to-stdout")).unwrap();
            symlink("/proc/self/fd/2", path("stderr")).unwrap();
            assert_eq!(target("chain-to-stdout").unwrap(), Target::StandardOutput);
            assert_eq!(target("stderr").unwrap(), Target::Descriptor(2));
            assert_eq!(resolve("/dev/fd/1").unwrap(), Target::StandardOutput);
        }
        for nothing in ["", path("absent/").to_str().unwrap()] {
            assert_eq!(resolve(nothing).unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(resolve("-").unwrap(), Target::StandardOutput);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
