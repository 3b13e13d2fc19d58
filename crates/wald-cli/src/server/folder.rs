//! The folder in which a user's servers have their sockets, and the names there.
//!
//! It belongs to the user, and nobody else can open it. So whoever listens there is the user.

use super::peer::user;
use crate::identity::Identity;
use std::ffi::OsStr;
use std::fs::{DirBuilder, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The longest path that a socket can have on all systems, with the end of a path that is made longer here.
const LONGEST: usize = 100;

/// A folder that is the user's own.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// The files of one server.
#[derive(Clone, Debug)]
pub struct Names {
    /// The socket.
    pub socket: PathBuf,
    /// Locked as long as the server runs.
    pub lock: PathBuf,
    /// The command line with which a new server begins.
    pub request: PathBuf,
    /// What it says about itself.
    pub log: PathBuf,
}

impl Folder {
    /// The user's folder, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made, or is not the user's alone.
    pub fn open(variable: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> io::Result<Folder> {
        let user = user();
        let name = format!("wald-{}-{user}", env!("CARGO_PKG_VERSION"));
        let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let places = [runtime, Some(std::env::temp_dir()), Some("/tmp".into())];
        let mut problem = io::Error::from(ErrorKind::NotFound);
        for place in places.into_iter().flatten().filter(|place| place.is_absolute()) {
            let path = place.join(&name);
            if path.as_os_str().len() + "/0123456789abcdef.socket".len() > LONGEST {
                continue;
            }
            match own(&path, user) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    /// A folder that was opened by [`Folder::open`] before.
    pub fn at(path: &Path) -> Folder {
        Folder(path.into())
    }

    /// The files of the server for an output. Any name would be right: a server checks what it is asked for.
    pub fn names(&self, directory: &OsStr, output: &str) -> Names {
        // The hash is the same in all processes of one version.
        let mut hasher = DefaultHasher::new();
        (directory, output).hash(&mut hasher);
        self.names_of(&format!("{:016x}", hasher.finish()))
    }

    fn names_of(&self, key: &str) -> Names {
        let path = |extension: &str| self.0.join(format!("{key}.{extension}"));
        Names { socket: path("socket"), lock: path("lock"), request: path("request"), log: path("log") }
    }

    /// The files of all servers, in order.
    pub fn servers(&self) -> Vec<Names> {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut keys: Vec<String> = entries
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".socket")?.to_string()))
            .collect();
        keys.sort();
        keys.iter().map(|key| self.names_of(key)).collect()
    }
}

/// Makes the folder, or checks that it is the user's alone.
fn own(path: &Path, user: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // A link could lead into somebody else's folder.
    let found = std::fs::symlink_metadata(path)?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::PermissionDenied, format!("{} is not yours alone", path.display())))
}

/// What identifies a file to another process.
pub fn file_key(found: &Metadata) -> Vec<u8> {
    format!("{:?}", Identity::from(found)).into_bytes()
}

/// What identifies this program, and the files that its paths mean: in a container, they may mean others.
pub fn program_key() -> io::Result<Vec<u8>> {
    let mut key = file_key(&std::fs::metadata(std::env::current_exe()?)?);
    key.extend(folder_key(Path::new("/"))?);
    // Systems without it have no such containers.
    let namespace = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
    key.extend(namespace.into_os_string().into_encoded_bytes());
    Ok(key)
}

/// What identifies a folder: what is in it may change.
pub fn folder_key(path: &Path) -> io::Result<Vec<u8>> {
    let found = std::fs::metadata(path)?;
    Ok(format!("{}:{}", found.dev(), found.ino()).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_that_others_can_open_is_refused() {
        let place = std::env::temp_dir().join(format!("wald-folder-{}", std::process::id()));
        std::fs::create_dir(&place).expect("a new folder");
        let path = place.join("own");
        own(&path, user()).expect("it is made");
        own(&path, user()).expect("it is ours");
        assert!(own(&path, user() + 1).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).expect("ours");
        assert!(own(&path, user()).is_err());
        std::os::unix::fs::symlink(std::env::temp_dir(), place.join("link")).expect("a link");
        assert!(own(&place.join("link"), user()).is_err());
        std::fs::remove_dir_all(&place).expect("ours");
    }
}
