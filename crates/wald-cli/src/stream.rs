//! Standard output and standard error, which remember that a write has failed.
//!
//! What is printed comes from many places that cannot do anything about a full disk or a closed pipe. The first failure is
//! kept here, and the command asks for it before it writes the module and at its end.

use std::io::{self, Write};

/// A stream of the process.
pub struct Stream<'a> {
    inner: &'a mut dyn Write,
    failure: Option<io::Error>,
}

impl<'a> Stream<'a> {
    /// A stream that has not failed yet.
    pub fn new(inner: &'a mut dyn Write) -> Self {
        Stream { inner, failure: None }
    }

    /// The first failure since the last call.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            if self.failure.is_none() && error.kind() != io::ErrorKind::Interrupted {
                let number = error.raw_os_error();
                self.failure = Some(number.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error));
            }
        }
        result
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.remember(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.remember(flushed)
    }
}
