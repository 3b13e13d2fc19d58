//! An output on its way, for a process without a file system: it becomes a file of the table when it is committed.

use crate::files;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A new file that is not in the table yet.
pub struct Temporary {
    output: PathBuf,
    bytes: Vec<u8>,
}

impl Temporary {
    /// A new file that will replace `output`, which may not exist yet.
    pub fn create(output: &Path) -> io::Result<Temporary> {
        Ok(Temporary { output: output.into(), bytes: Vec::new() })
    }

    /// Nobody makes outputs ahead here.
    pub fn create_nameless(_: &Path) -> Option<Temporary> {
        None
    }

    /// Never called.
    pub fn write_ahead(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nothing.
    pub fn size_ahead(&self) -> u64 {
        0
    }

    /// Nothing was made ahead.
    pub fn begin(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    /// There are no times.
    pub fn touch(&self) -> io::Result<()> {
        Ok(())
    }

    /// The file that it will replace.
    pub fn target(&self) -> &Path {
        &self.output
    }

    /// What was written.
    pub fn contents(&self) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    /// Gives it its name.
    pub fn commit(self) -> io::Result<()> {
        files::write(&self.output, self.bytes.into());
        Ok(())
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
