//! The client's standard streams, as the server sees them.

use super::wire::{confirmed, Frame};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// Standard output (1) or standard error (2) of a client. Without one, everything is dropped.
pub struct RemoteStream<'a> {
    number: u8,
    client: Option<&'a UnixStream>,
}

impl<'a> RemoteStream<'a> {
    /// A stream of this client.
    pub fn new(number: u8, client: Option<&'a UnixStream>) -> Self {
        RemoteStream { number, client }
    }

    /// Sends a frame and waits for what the client says about it.
    fn ask(&self, frame: &Frame) -> io::Result<()> {
        let Some(mut client) = self.client else { return Ok(()) };
        frame.send(&mut client)?;
        confirmed(&mut client)
    }
}

impl Write for RemoteStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const MOST: usize = 1 << 20;
        let part = &bytes[..bytes.len().min(MOST)];
        self.ask(&Frame::Text(self.number, part.to_vec()))?;
        Ok(part.len())
    }

    /// Fails if the client is gone: before the output gets its name, both streams are flushed.
    fn flush(&mut self) -> io::Result<()> {
        self.ask(&Frame::Flush(self.number))
    }
}
