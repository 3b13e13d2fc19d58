//! What a client and a server say to each other.
//!
//! A message is a byte that says what it is, the length of its contents, and its contents. After the server's greeting the client sends
//! one request. The server answers with frames until [`Frame::Exit`] or [`Frame::Decline`]. The client confirms each text that it was to
//! write, and each [`Frame::Flush`], with an error number or 0. So a server knows that its client is still there when it gives the
//! output its name.

use std::io::{self, ErrorKind, Read, Write};

/// No message is longer: what claims to be is not from us.
const LONGEST: u32 = 1 << 30;

/// The answer of a server that has not read its inputs yet.
pub const STARTS: &str = "the server reads its inputs";
/// Why servers decline that end then: another one may link.
pub const ENDS: [&str; 3] =
    ["the server is another program", "the server is outdated", "the server has failed"];

/// A message of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// The first one: which program this is.
    Hello(Vec<u8>),
    /// Bytes for standard output (1) or standard error (2).
    Text(u8, Vec<u8>),
    /// All texts must be written by now.
    Flush(u8),
    /// The link is over.
    Exit(u8),
    /// The server cannot do it, for this reason.
    Decline(String),
    /// The answer to a question.
    Answer(String),
}

const HELLO: u8 = b'H';
const TEXT: [u8; 2] = [b'O', b'E'];
const FLUSH: [u8; 2] = [b'F', b'f'];
const EXIT: u8 = b'X';
const DECLINE: u8 = b'D';
const ANSWER: u8 = b'A';

impl Frame {
    /// Sends it.
    pub fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        match self {
            Frame::Hello(program) => send(stream, HELLO, program),
            Frame::Text(number, bytes) => send(stream, TEXT[usize::from(*number == 2)], bytes),
            Frame::Flush(number) => send(stream, FLUSH[usize::from(*number == 2)], &[]),
            Frame::Exit(code) => send(stream, EXIT, &[*code]),
            Frame::Decline(reason) => send(stream, DECLINE, reason.as_bytes()),
            Frame::Answer(text) => send(stream, ANSWER, text.as_bytes()),
        }
    }

    /// Waits for the next one.
    pub fn receive(stream: &mut impl Read) -> io::Result<Frame> {
        let (kind, contents) = receive(stream)?;
        let text = |contents: Vec<u8>| String::from_utf8(contents).map_err(|_| unexpected());
        Ok(match kind {
            HELLO => Frame::Hello(contents),
            kind if TEXT.contains(&kind) => Frame::Text(if kind == TEXT[0] { 1 } else { 2 }, contents),
            kind if FLUSH.contains(&kind) => Frame::Flush(if kind == FLUSH[0] { 1 } else { 2 }),
            EXIT => Frame::Exit(*contents.first().ok_or_else(unexpected)?),
            DECLINE => Frame::Decline(text(contents)?),
            ANSWER => Frame::Answer(text(contents)?),
            _ => return Err(unexpected()),
        })
    }
}

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// A link.
    Link(LinkRequest),
    /// How the server is.
    Status,
    /// The server's end.
    Stop,
}

/// A command line and the process that it was given to. Strings are bytes of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkRequest {
    /// What identifies the client's program.
    pub program: Vec<u8>,
    /// The name by which it was called.
    pub called: Vec<u8>,
    /// The path of the working directory.
    pub directory: Vec<u8>,
    /// What identifies the working directory.
    pub directory_file: Vec<u8>,
    /// The permissions that new files do not get.
    pub umask: u32,
    /// Whether standard output and standard error are terminals.
    pub is_terminal: [bool; 2],
    /// The arguments, with response files expanded.
    pub arguments: Vec<Vec<u8>>,
    /// The environment: names and values in turns.
    pub environment: Vec<Vec<u8>>,
}

const LINK: u8 = b'L';
const STATUS: u8 = b'S';
const STOP: u8 = b'Q';

impl Request {
    /// Sends it.
    pub fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        match self {
            Request::Link(link) => send(stream, LINK, &link.to_bytes()),
            Request::Status => send(stream, STATUS, &[]),
            Request::Stop => send(stream, STOP, &[]),
        }
    }

    /// Waits for it.
    pub fn receive(stream: &mut impl Read) -> io::Result<Request> {
        let (kind, contents) = receive(stream)?;
        match kind {
            LINK => LinkRequest::from_bytes(&contents).map(Request::Link).ok_or_else(unexpected),
            STATUS => Ok(Request::Status),
            STOP => Ok(Request::Stop),
            _ => Err(unexpected()),
        }
    }
}

impl LinkRequest {
    /// All fields as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let flags = [u8::from(self.is_terminal[0]), u8::from(self.is_terminal[1])];
        let fields = [&self.program[..], &self.called, &self.directory, &self.directory_file, &flags];
        fields.iter().for_each(|field| put(&mut bytes, field));
        put(&mut bytes, &self.umask.to_le_bytes());
        for list in [&self.arguments, &self.environment] {
            bytes.extend_from_slice(&(list.len() as u32).to_le_bytes());
            list.iter().for_each(|item| put(&mut bytes, item));
        }
        bytes
    }

    /// Reads what [`LinkRequest::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<LinkRequest> {
        let mut rest = bytes;
        let mut request = LinkRequest {
            program: take(&mut rest)?,
            called: take(&mut rest)?,
            directory: take(&mut rest)?,
            directory_file: take(&mut rest)?,
            ..LinkRequest::default()
        };
        if let [out, err] = take(&mut rest)?[..] {
            request.is_terminal = [out != 0, err != 0];
        }
        request.umask = u32::from_le_bytes(take(&mut rest)?.try_into().ok()?);
        for list in [&mut request.arguments, &mut request.environment] {
            let count = take_number(&mut rest)?;
            for _ in 0..count {
                list.push(take(&mut rest)?);
            }
        }
        rest.is_empty().then_some(request)
    }
}

fn put(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
    bytes.extend_from_slice(field);
}

fn take_number(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn take(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = take_number(rest)? as usize;
    let (field, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(field.to_vec())
}

fn send(stream: &mut impl Write, kind: u8, contents: &[u8]) -> io::Result<()> {
    let length = u32::try_from(contents.len()).ok().filter(|&length| length <= LONGEST);
    let length = length.ok_or(ErrorKind::InvalidInput)?;
    // One call where the contents are short: the other side wakes once.
    let mut message = Vec::with_capacity(contents.len() + 5);
    message.push(kind);
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(contents);
    stream.write_all(&message)
}

fn receive(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 5];
    stream.read_exact(&mut header)?;
    let [kind, length @ ..] = header;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(unexpected());
    }
    // Memory is taken as bytes come, whatever the length claims.
    let mut contents = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut contents)?;
    match contents.len() == length as usize {
        true => Ok((kind, contents)),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// Confirms a text or a flush.
pub fn confirm(stream: &mut impl Write, result: &io::Result<()>) -> io::Result<()> {
    let number = match result {
        Ok(()) => 0,
        // `EIO`, if the system has no number for it.
        Err(error) => error.raw_os_error().unwrap_or(5),
    };
    stream.write_all(&number.to_le_bytes())
}

/// Waits for the confirmation.
pub fn confirmed(stream: &mut impl Read) -> io::Result<()> {
    let mut number = [0; 4];
    stream.read_exact(&mut number)?;
    match i32::from_le_bytes(number) {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}

fn unexpected() -> io::Error {
    ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let frames = [
            Frame::Hello(b"wald".to_vec()),
            Frame::Text(1, b"a\n\xff".to_vec()),
            Frame::Text(2, Vec::new()),
            Frame::Flush(1),
            Frame::Flush(2),
            Frame::Exit(1),
            Frame::Decline("busy".into()),
            Frame::Answer("{}".into()),
        ];
        let mut stream = Vec::new();
        frames.iter().for_each(|frame| frame.send(&mut stream).expect("memory takes all"));
        let mut rest = &stream[..];
        for frame in frames {
            assert_eq!(Frame::receive(&mut rest).expect("it is there"), frame);
        }
        let link = LinkRequest {
            program: b"1:2".to_vec(),
            called: b"wasm-ld".to_vec(),
            directory: b"/d\xff".to_vec(),
            directory_file: b"3".to_vec(),
            umask: 0o027,
            is_terminal: [false, true],
            arguments: vec![b"a.o".to_vec(), b"".to_vec()],
            environment: vec![b"A".to_vec(), b"B=C".to_vec()],
        };
        for request in [Request::Link(link), Request::Status, Request::Stop] {
            let mut stream = Vec::new();
            request.send(&mut stream).expect("memory takes all");
            assert_eq!(Request::receive(&mut &stream[..]).expect("it is there"), request);
            // No part of it is taken for the whole.
            for end in 0..stream.len() {
                assert!(Request::receive(&mut &stream[..end]).is_err());
            }
        }
        let (mut stream, refused) = (Vec::new(), Err(io::Error::from_raw_os_error(28)));
        confirm(&mut stream, &Ok(())).and_then(|()| confirm(&mut stream, &refused)).expect("memory");
        let mut rest = &stream[..];
        assert!(confirmed(&mut rest).is_ok());
        assert_eq!(confirmed(&mut rest).expect_err("it failed").raw_os_error(), Some(28));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        for bytes in
            [&b"GET / HTTP/1.1\r\n"[..], &[b'L', 255, 255, 255, 255], &[b'L', 4, 0, 0, 0, 9, 9, 9, 9]]
        {
            assert!(Request::receive(&mut &bytes[..]).is_err());
            assert!(Frame::receive(&mut &bytes[..]).is_err());
        }
    }
}
