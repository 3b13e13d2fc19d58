//! Standard output and standard error, which remember that a write has failed.
//!
//! Many places print, and none of them can do anything about a full disk or a closed pipe. The first failure is kept here, and
//! the command asks for it before it writes the module and at its end.

use std::io::{self, Write};

/// A stream of the process.
pub struct Stream<'a> {
    inner: &'a mut dyn Write,
    /// The reason, until it is asked for.
    failure: Option<io::Error>,
    /// Nothing more is written: a buffer would repeat what has failed.
    has_failed: bool,
    /// How many bytes were written.
    written: u64,
    /// So many of the next bytes were written already.
    repeated: u64,
}

impl<'a> Stream<'a> {
    /// A stream that has not failed yet.
    pub fn new(inner: &'a mut dyn Write) -> Self {
        Stream { inner, failure: None, has_failed: false, written: 0, repeated: 0 }
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Leaves out the next bytes: they were written already, and come again.
    pub fn leave_out(&mut self, bytes: u64) {
        self.repeated = bytes;
    }

    /// The failure, if there was one and nobody has asked for it yet.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    fn attempt<T>(&mut self, work: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        if self.has_failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let result = work(&mut self.inner);
        if let Err(error) = &result {
            if error.kind() != io::ErrorKind::Interrupted {
                let number = error.raw_os_error();
                self.failure = Some(number.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error));
                self.has_failed = true;
            }
        }
        result
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.repeated > 0 {
            let count = bytes.len().min(usize::try_from(self.repeated).unwrap_or(usize::MAX));
            self.repeated -= count as u64;
            return Ok(count);
        }
        let count = self.attempt(|stream| stream.write(bytes))?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(|stream| stream.flush())
    }
}
