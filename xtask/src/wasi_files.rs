//! The files of the WASI host: a folder that is only in memory, and open descriptors.

use std::collections::BTreeMap;

/// An error number of WASI preview 1.
pub type Errno = i32;

/// Bad file descriptor.
pub const BADF: Errno = 8;
/// File exists.
pub const EXIST: Errno = 20;
/// A pointer outside the memory.
pub const FAULT: Errno = 21;
/// Invalid argument.
pub const INVAL: Errno = 28;
/// Is a directory.
pub const ISDIR: Errno = 31;
/// The file does not exist.
pub const NOENT: Errno = 44;
/// Not supported.
pub const NOSYS: Errno = 52;
/// Cannot be sought.
pub const SPIPE: Errno = 70;

/// `path_open`'s flag: create the file if it does not exist.
pub const CREATE: i32 = 1;
/// `path_open`'s flag: a directory is wanted.
pub const DIRECTORY: i32 = 2;
/// `path_open`'s flag: fail if the file exists.
pub const EXCLUSIVE: i32 = 4;
/// `path_open`'s flag: empty it.
pub const TRUNCATE: i32 = 8;
/// `path_open`'s descriptor flag: always write at the end.
pub const APPEND: i32 = 1;

/// The descriptor of the one folder that is open from the start.
pub const PREOPENED: i32 = 3;

/// What a descriptor refers to.
#[derive(Clone, Debug)]
pub enum Open {
    /// Standard input.
    Input,
    /// Standard output or standard error.
    Output,
    /// The folder.
    Folder,
    /// A file, the position in it, and whether writes go to its end.
    File {
        /// Name in the folder.
        name: String,
        /// Bytes from its start.
        position: u64,
        /// Opened for appending.
        append: bool,
    },
}

/// Files by name, and what is open.
#[derive(Debug)]
pub struct Files {
    /// The folder's files.
    pub files: BTreeMap<String, Vec<u8>>,
    open: BTreeMap<i32, Open>,
}

/// The maximum size of a file: a runaway program ends with an error, not with the machine's memory.
const LIMIT: usize = 1 << 28;

impl Files {
    /// Standard input, output and error, and the folder, are open.
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        let open = BTreeMap::from([
            (0, Open::Input),
            (1, Open::Output),
            (2, Open::Output),
            (PREOPENED, Open::Folder),
        ]);
        Files { files, open }
    }

    /// What `fd` refers to.
    pub fn get(&self, fd: i32) -> Result<&Open, Errno> {
        self.open.get(&fd).ok_or(BADF)
    }

    /// Opens a file of the folder.
    pub fn open(&mut self, name: &str, flags: i32, descriptor_flags: i32) -> Result<i32, Errno> {
        let name = normal(name);
        let what = if name.is_empty() {
            Open::Folder
        } else {
            if flags & DIRECTORY != 0 {
                return Err(NOENT);
            }
            match self.files.get_mut(&name) {
                Some(_) if flags & EXCLUSIVE != 0 => return Err(EXIST),
                Some(file) if flags & TRUNCATE != 0 => file.clear(),
                Some(_) => {}
                None if flags & CREATE != 0 => {
                    self.files.insert(name.clone(), Vec::new());
                }
                None => return Err(NOENT),
            }
            Open::File { name, position: 0, append: descriptor_flags & APPEND != 0 }
        };
        let fd = (PREOPENED + 1..).find(|fd| !self.open.contains_key(fd)).ok_or(BADF)?;
        self.open.insert(fd, what);
        Ok(fd)
    }

    /// Closes a descriptor.
    pub fn close(&mut self, fd: i32) -> Result<(), Errno> {
        self.open.remove(&fd).map(|_| ()).ok_or(BADF)
    }

    /// At most `length` bytes from the position on. Standard input is empty.
    pub fn read(&mut self, fd: i32, length: usize) -> Result<Vec<u8>, Errno> {
        match self.open.get_mut(&fd).ok_or(BADF)? {
            Open::Input => Ok(Vec::new()),
            Open::Output => Err(BADF),
            Open::Folder => Err(ISDIR),
            Open::File { name, position, .. } => {
                let file = self.files.get(name).ok_or(NOENT)?;
                let start = file.len().min(*position as usize);
                let end = file.len().min(start.saturating_add(length));
                *position = end as u64;
                Ok(file[start..end].to_vec())
            }
        }
    }

    /// Writes to a file.
    pub fn write(&mut self, fd: i32, bytes: &[u8]) -> Result<(), Errno> {
        let Open::File { name, position, append } = self.open.get_mut(&fd).ok_or(BADF)? else {
            return Err(BADF);
        };
        let file = self.files.get_mut(name).ok_or(NOENT)?;
        let start = if *append { file.len() } else { *position as usize };
        let end = start.checked_add(bytes.len()).filter(|&end| end <= LIMIT).ok_or(INVAL)?;
        if file.len() < end {
            file.resize(end, 0);
        }
        file[start..end].copy_from_slice(bytes);
        *position = end as u64;
        Ok(())
    }

    /// Moves the position: from the start (0), from the current position (1), from the end (2).
    pub fn seek(&mut self, fd: i32, offset: i64, whence: i32) -> Result<u64, Errno> {
        match self.open.get_mut(&fd).ok_or(BADF)? {
            Open::File { name, position, .. } => {
                let from = match whence {
                    0 => 0,
                    1 => *position as i64,
                    2 => self.files.get(name).map_or(0, Vec::len) as i64,
                    _ => return Err(INVAL),
                };
                let to = from.checked_add(offset).filter(|&to| to >= 0).ok_or(INVAL)?;
                *position = to as u64;
                Ok(*position)
            }
            _ => Err(SPIPE),
        }
    }

    /// The size and WASI's file type number (4 is a regular file, 3 a directory, 2 a character device).
    pub fn stat(&self, fd: i32) -> Result<(u64, u8), Errno> {
        Ok(match self.get(fd)? {
            Open::Input | Open::Output => (0, 2),
            Open::Folder => (0, 3),
            Open::File { name, .. } => (self.files.get(name).map_or(0, Vec::len) as u64, 4),
        })
    }

    /// As [`Files::stat`], for a path.
    pub fn stat_path(&self, name: &str) -> Result<(u64, u8), Errno> {
        let name = normal(name);
        if name.is_empty() {
            return Ok((0, 3));
        }
        self.files.get(&name).map(|file| (file.len() as u64, 4)).ok_or(NOENT)
    }

    /// Removes a file.
    pub fn unlink(&mut self, name: &str) -> Result<(), Errno> {
        self.files.remove(&normal(name)).map(|_| ()).ok_or(NOENT)
    }
}

/// A path without `.` and empty parts.
fn normal(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_and_read_back() {
        let mut files = Files::new(BTreeMap::new());
        assert_eq!(files.open("a.txt", 0, 0), Err(NOENT));
        let fd = files.open("./a.txt", CREATE, 0).unwrap();
        files.write(fd, b"hello").unwrap();
        assert_eq!(files.seek(fd, -4, 2), Ok(1));
        assert_eq!(files.read(fd, 3).unwrap(), b"ell");
        assert_eq!(files.seek(fd, -9, 1), Err(INVAL));
        assert_eq!(files.stat_path("a.txt"), Ok((5, 4)));
        files.close(fd).unwrap();
        assert_eq!(files.read(fd, 1), Err(BADF));
        let fd = files.open("a.txt", 0, APPEND).unwrap();
        files.write(fd, b"!").unwrap();
        assert_eq!(files.files["a.txt"], b"hello!");
        assert_eq!(files.seek(fd, i64::MAX, 0).and_then(|_| files.seek(fd, i64::MAX, 1)), Err(INVAL));
        assert_eq!(files.read(1, 1), Err(BADF));
        assert_eq!(files.open("a.txt", CREATE | EXCLUSIVE, 0), Err(EXIST));
        files.unlink("a.txt").unwrap();
        assert_eq!(files.stat_path("a.txt"), Err(NOENT));
    }
}
