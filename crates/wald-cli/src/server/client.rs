//! The client's side: hands a link over, and prints what it gets.

use super::folder::{folder_key, program_key, Folder, Names};
use super::start::{self, Behind};
use super::wire::{confirm, Frame, LinkRequest, Request, ENDS, STARTS};
use super::{peer, Mode};
use crate::job::Session;
use crate::option_table::Opt;
use crate::parse::Arguments;
use crate::render::Renderer;
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long a server may take to greet. After that this process links faster by itself.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long it may take if there must be one: on a busy machine, even a process that has nothing to do may not run for a while.
const LONG_PATIENCE: Duration = Duration::from_secs(10);
/// How long a server that was just started may take until it has read all inputs, if there must be one.
const START: Duration = Duration::from_secs(600);

/// How long a started server may take to listen until another one is started. If there are two, one of them ends.
const AGAIN: Duration = Duration::from_millis(500);

/// So many servers may die during one link, if there must be one.
const MOST_BREAKS: usize = 5;
/// So many times a server may say that it ends.
const MOST_DECLINES: usize = 50;

/// What came of asking for a server.
pub enum Outcome {
    /// The server has linked. The exit code.
    Done(u8),
    /// This process has to link. After that, it starts a server with what is here, if there is none.
    Alone(Option<Box<Behind>>),
    /// There must be a server, and there is none, for this reason.
    Refused(String),
}

/// Why a server did not link.
enum Failure {
    /// Nobody listens.
    NoServer,
    /// The server refuses, or cannot do this, for this reason.
    Declined(String),
    /// What was agreed on does not happen.
    Broken(io::Error),
}

/// Has a server link, if there is one.
pub fn link(mode: Mode, arguments: &Arguments, session: Session, out: &mut Renderer) -> Outcome {
    let prepared = Folder::open(session.environment).and_then(|folder| {
        let request = request(arguments, session)?;
        let directory = std::ffi::OsString::from_vec(request.directory.clone());
        let output = arguments.last_value(Opt::Output).unwrap_or_default();
        Ok((folder.names(&directory, output), request))
    });
    let (names, request) = match prepared {
        Ok(prepared) => prepared,
        Err(error) if mode == Mode::Require => return Outcome::Refused(crate::text::error_text(&error)),
        Err(_) => return Outcome::Alone(None),
    };
    let start = Instant::now();
    let mut started: Option<Instant> = None;
    let (mut breaks, mut declines) = (0, 0);
    let patience = if mode == Mode::Require { LONG_PATIENCE } else { PATIENCE };
    loop {
        let failure = match converse(&names, patience, &request, out) {
            Ok(code) => return Outcome::Done(code),
            Err(failure) => failure,
        };
        // Whoever links now says the same again.
        let said = [out.stdout.written(), out.stderr.written()];
        if mode == Mode::Auto {
            let outcome = alone(failure, Behind { names, request }, arguments, out);
            out.stdout.leave_out(said[0]);
            out.stderr.leave_out(said[1]);
            return outcome;
        }
        out.stdout.leave_out(said[0]);
        out.stderr.leave_out(said[1]);
        match failure {
            // It reads its inputs.
            Failure::Declined(reason) if reason == STARTS && start.elapsed() < START => {}
            Failure::Declined(reason) if ENDS.contains(&&*reason) && declines < MOST_DECLINES => {
                declines += 1
            }
            Failure::NoServer if start.elapsed() >= START => {
                return Outcome::Refused("it did not start".into())
            }
            // It has not begun to listen.
            Failure::NoServer if started.is_some_and(|at| at.elapsed() < AGAIN) => {}
            // One that was just killed may still have the lock: then the new one has taken it for a server that runs, and has ended.
            Failure::NoServer => {
                started = Some(Instant::now());
                if let Err(error) = start::start(&names, &request) {
                    let reason = format!("it cannot be started: {}", crate::text::error_text(&error));
                    return Outcome::Refused(reason);
                }
            }
            Failure::Declined(reason) => return Outcome::Refused(reason),
            // What a socket says when its time is over.
            Failure::Broken(error) if error.kind() == ErrorKind::WouldBlock => {
                return Outcome::Refused("it does not answer".into())
            }
            // It has died. There will be another one.
            Failure::Broken(_) if breaks < MOST_BREAKS => (breaks, started) = (breaks + 1, None),
            Failure::Broken(error) => return Outcome::Refused(crate::text::error_text(&error)),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// This process links.
fn alone(failure: Failure, behind: Behind, arguments: &Arguments, out: &mut Renderer) -> Outcome {
    let (reason, is_free) = match failure {
        Failure::NoServer => return Outcome::Alone(Some(Box::new(behind))),
        Failure::Declined(reason) => (reason, false),
        Failure::Broken(error) => (crate::text::error_text(&error), true),
    };
    if arguments.has(Opt::Verbose) {
        out.show_note(format!("linked without a server: {reason}"));
    }
    Outcome::Alone(is_free.then(|| Box::new(behind)))
}

/// Describes this process.
fn request(arguments: &Arguments, session: Session) -> io::Result<LinkRequest> {
    let directory = std::env::current_dir()?;
    let umask = peer::set_umask(0o077);
    peer::set_umask(umask);
    let bytes = |text: &str| crate::text::to_bytes(text).into_owned();
    let environment = std::env::vars_os().flat_map(|(name, value)| [name.into_vec(), value.into_vec()]);
    Ok(LinkRequest {
        program: program_key()?,
        called: session.called.to_os_string().into_vec(),
        directory_file: folder_key(&directory)?,
        directory: directory.into_os_string().into_vec(),
        umask,
        is_terminal: session.terminal.is_terminal,
        arguments: arguments.words().map(bytes).collect(),
        environment: environment.collect(),
    })
}

/// Asks the server, and does what it says.
fn converse(
    names: &Names,
    patience: Duration,
    request: &LinkRequest,
    out: &mut Renderer,
) -> Result<u8, Failure> {
    let stream = &mut connect(names, patience)?;
    Request::Link(request.clone()).send(stream).map_err(Failure::Broken)?;
    loop {
        match Frame::receive(stream).map_err(Failure::Broken)? {
            Frame::Text(number, bytes) => {
                let screen: &mut dyn Write = if number == 1 { &mut out.stdout } else { &mut out.stderr };
                let result = screen.write_all(&bytes);
                confirm(stream, &result).map_err(Failure::Broken)?;
            }
            Frame::Flush(number) => {
                let result = if number == 1 { out.stdout.flush() } else { out.stderr.flush() };
                confirm(stream, &result).map_err(Failure::Broken)?;
            }
            Frame::Exit(code) => return Ok(code),
            Frame::Decline(reason) => return Err(Failure::Declined(reason)),
            Frame::Hello(_) | Frame::Answer(_) => return Err(Failure::Broken(ErrorKind::InvalidData.into())),
        }
    }
}

/// Connects to a server and waits for its greeting, but not for long.
fn connect(names: &Names, patience: Duration) -> Result<UnixStream, Failure> {
    let mut stream = match UnixStream::connect(&names.socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(Failure::NoServer)
        }
        Err(error) => return Err(Failure::Broken(error)),
    };
    if !peer::is_own(&stream) {
        return Err(Failure::Declined("it is another user's".into()));
    }
    let hello = stream.set_read_timeout(Some(patience)).and_then(|()| Frame::receive(&mut stream));
    match hello {
        Ok(Frame::Hello(_)) => {}
        Ok(_) => return Err(Failure::Broken(ErrorKind::InvalidData.into())),
        Err(error) => return Err(Failure::Broken(error)),
    }
    stream.set_read_timeout(None).map_err(Failure::Broken)?;
    Ok(stream)
}
