//! The server's side: one process for one output, which takes requests one after the other and works ahead in between.

use super::ahead::Basis;
use super::folder::{file_key, folder_key, program_key, Folder, Names};
use super::kept::{Kept, Turn};
use super::remote::RemoteStream;
use super::status::{Counts, Status};
use super::wire::{Frame, LinkRequest, Request, ENDS, STARTS};
use super::{control, peer};
use crate::temporary;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use wald::CancelToken;

/// A server that nobody needs for so long ends.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How often a server looks whether it is still of use.
const LOOK: Duration = Duration::from_secs(20);
/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(2);
/// A link ahead that was begun is waited for, but not for much longer than links take.
const LEAST_WAIT: Duration = Duration::from_millis(30);

/// A command line that a server links.
pub struct Served<'a> {
    /// The name by which the client was called.
    pub called: &'a OsStr,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether its standard output and standard error are terminals.
    pub is_terminal: [bool; 2],
    /// Its standard output.
    pub stdout: &'a mut dyn Write,
    /// Its standard error.
    pub stderr: &'a mut dyn Write,
    /// The kept link.
    pub turn: &'a Turn,
}

/// Does what a command line says. Returns the exit code.
pub type Serve = fn(Served<'_>) -> i32;

/// What all threads know.
struct Shared {
    serve: Serve,
    kept: Mutex<Option<Kept>>,
    status: Mutex<Status>,
    /// How many clients wait for a link.
    waiting: AtomicUsize,
    /// Why the first command line cannot be linked here.
    declined: Mutex<Option<String>>,
    /// Ends work ahead.
    work_ahead: Mutex<CancelToken>,
    /// The files of the link ahead that has begun last, until a client has looked at them.
    basis: Mutex<Option<Basis>>,
    /// How long a link takes.
    usual: Mutex<Duration>,
    is_ended: AtomicBool,
}

/// What the main thread hears of.
enum News {
    /// A client wants a link.
    Link(UnixStream, LinkRequest),
    /// The inputs are read.
    Loaded,
    /// The server is to end.
    End,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a server whose socket is `socket`, until it is of no use any more. `serve` is the command.
///
/// # Errors
/// It cannot begin. Another one that runs is no error.
pub fn run(socket: &Path, serve: Serve) -> io::Result<()> {
    peer::detach();
    let names = Names::beside(socket);
    // Locked until this process ends, however it ends.
    let Some(lock_file) = lock_alone(&names.lock)? else { return Ok(()) };
    let request = LinkRequest::from_bytes(&std::fs::read(&names.request)?);
    let request = request.ok_or(io::ErrorKind::InvalidData)?;
    let _ = std::fs::remove_file(&names.request);
    let _ = std::fs::remove_file(&names.socket);
    let listener = UnixListener::bind(&names.socket)?;
    let own_socket = file_key(&std::fs::symlink_metadata(&names.socket)?);
    enter(&request);
    temporary::keep_replaced();
    let shared = Arc::new(Shared::new(&request, &names, serve));
    let (news, heard) = mpsc::channel();
    let (for_listener, for_worker) = (shared.clone(), shared.clone());
    let (first, for_end) = (request.clone(), news.clone());
    std::thread::Builder::new().spawn(move || listen(&listener, &for_listener, &news))?;
    std::thread::Builder::new().spawn(move || work_ahead(&for_worker, &first, &for_end))?;
    let server = Server { program: request.program, directory_file: request.directory_file, names };
    server.serve(&shared, &heard);
    shared.is_ended.store(true, Ordering::Relaxed);
    let is_own =
        std::fs::symlink_metadata(&server.names.socket).is_ok_and(|found| file_key(&found) == own_socket);
    if is_own {
        let _ = std::fs::remove_file(&server.names.socket);
        // Of another one that found this one here, and ended.
        let _ = std::fs::remove_file(&server.names.request);
        if std::fs::metadata(&server.names.log).is_ok_and(|found| found.len() == 0) {
            let _ = std::fs::remove_file(&server.names.log);
        }
        if has_name(&lock_file, &server.names.lock) {
            let _ = std::fs::remove_file(&server.names.lock);
        }
    }
    Ok(())
}

/// Opens and locks a file. `None` if another process has locked it.
fn lock_alone(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = File::create(path)?;
        if !peer::lock(&file) {
            return Ok(None);
        }
        // One that ended in between has removed its file.
        if has_name(&file, path) {
            return Ok(Some(file));
        }
    }
}

/// Whether a path still names an open file.
fn has_name(file: &File, path: &Path) -> bool {
    let found = (file.metadata(), std::fs::symlink_metadata(path));
    matches!(found, (Ok(own), Ok(named)) if (own.dev(), own.ino()) == (named.dev(), named.ino()))
}

impl Names {
    /// The files of the server with this socket.
    fn beside(socket: &Path) -> Names {
        let path = |extension: &str| socket.with_extension(extension);
        Names { socket: socket.into(), lock: path("lock"), request: path("request"), log: path("log") }
    }
}

/// Makes this process like that of a client. No other thread may work meanwhile.
fn enter(request: &LinkRequest) {
    peer::set_umask(request.umask);
    let own: HashMap<OsString, OsString> = std::env::vars_os().collect();
    let pairs = request.environment.chunks_exact(2);
    let wanted: HashMap<OsString, OsString> = pairs
        .map(|pair| (OsString::from_vec(pair[0].clone()), OsString::from_vec(pair[1].clone())))
        .collect();
    for name in own.keys().filter(|&name| !wanted.contains_key(name)) {
        std::env::remove_var(name);
    }
    for (name, value) in wanted.iter().filter(|&(name, value)| own.get(name) != Some(value)) {
        std::env::set_var(name, value);
    }
}

/// Takes connections. Each is greeted at once, also while a link is going on.
fn listen(listener: &UnixListener, shared: &Arc<Shared>, news: &Sender<News>) {
    for stream in listener.incoming() {
        let (Ok(stream), shared, news) = (stream, shared.clone(), news.clone()) else { continue };
        if !peer::is_own(&stream) {
            continue;
        }
        // Without a thread the client waits in vain, and links by itself.
        let _ = std::thread::Builder::new().spawn(move || _ = receive(stream, &shared, &news));
    }
}

fn receive(mut stream: UnixStream, shared: &Shared, news: &Sender<News>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Frame::Hello(env!("CARGO_PKG_VERSION").into()).send(&mut stream)?;
    match Request::receive(&mut stream)? {
        Request::Status => Frame::Answer(lock(&shared.status).to_json().to_string()).send(&mut stream),
        Request::Stop => {
            Frame::Answer(String::new()).send(&mut stream)?;
            lock(&shared.work_ahead).cancel();
            let _ = news.send(News::End);
            Ok(())
        }
        Request::Link(request) => {
            stream.set_read_timeout(None)?;
            stream.set_write_timeout(None)?;
            shared.waiting.fetch_add(1, Ordering::SeqCst);
            let _ = news.send(News::Link(stream, request));
            Ok(())
        }
    }
}

/// Reads the inputs of the first command line, and from then on what changes.
fn work_ahead(shared: &Shared, first: &LinkRequest, news: &Sender<News>) {
    peer::lower_priority();
    {
        let mut kept = lock(&shared.kept);
        let declined = link(shared.serve, &mut kept, first, None, CancelToken::new()).err();
        if declined.is_none() && kept.is_none() {
            // There is nothing to link.
            let _ = news.send(News::End);
            return;
        }
        let is_of_use = declined.is_none();
        *lock(&shared.declined) = declined;
        lock(&shared.status).is_starting = false;
        if !is_of_use {
            return;
        }
        let _ = news.send(News::Loaded);
    }
    while !shared.is_ended.load(Ordering::Relaxed) {
        let mut pause = Duration::from_millis(20);
        let mut queue = None;
        if shared.waiting.load(Ordering::SeqCst) == 0 {
            if let Ok(mut kept) = shared.kept.try_lock() {
                let stop = CancelToken::new();
                *lock(&shared.work_ahead) = stop.clone();
                if let Some(kept) = &mut *kept {
                    queue = kept.queue();
                    pause = kept.look_ahead(&stop, |basis| *lock(&shared.basis) = Some(basis));
                    *lock(&shared.basis) = None;
                    *lock(&shared.usual) = kept.took();
                    lock(&shared.status).counts = kept.counts;
                }
            }
        }
        match queue {
            Some(queue) => _ = queue.wait(pause),
            None => std::thread::sleep(pause),
        }
    }
}

/// What identifies this server, and its files.
struct Server {
    program: Vec<u8>,
    directory_file: Vec<u8>,
    names: Names,
}

impl Server {
    /// Links whenever a client asks.
    fn serve(&self, shared: &Shared, heard: &Receiver<News>) {
        let mut last_use = Instant::now();
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(News::Link(mut stream, request)) => {
                    let declined =
                        self.why_not(&request).or_else(|| self.link(shared, &mut stream, &request).err());
                    shared.waiting.fetch_sub(1, Ordering::SeqCst);
                    last_use = Instant::now();
                    temporary::close_replaced();
                    match declined {
                        None => {
                            if self.exceeds_budget() {
                                return;
                            }
                        }
                        Some(Declined { reason, ends }) => {
                            let _ = Frame::Decline(reason).send(&mut stream);
                            if ends {
                                return;
                            }
                        }
                    }
                }
                Ok(News::Loaded) if self.exceeds_budget() => return,
                Ok(News::Loaded) => {}
                Ok(News::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let is_of_no_use = lock(&shared.declined).is_some();
                    if is_of_no_use || last_use.elapsed() >= IDLE || self.is_outdated() {
                        return;
                    }
                }
            }
        }
    }

    /// Why this process is not the right one for a request.
    fn why_not(&self, request: &LinkRequest) -> Option<Declined> {
        if request.program != self.program {
            return Some(Declined { reason: ENDS[0].into(), ends: true });
        }
        let is_here = request.directory_file == self.directory_file && !self.is_outdated();
        (!is_here).then(|| Declined { reason: ENDS[1].into(), ends: true })
    }

    /// Whether this program was replaced, or its folders are gone.
    fn is_outdated(&self) -> bool {
        let is_current = program_key().is_ok_and(|key| key == self.program)
            && folder_key(Path::new(".")).is_ok_and(|key| key == self.directory_file)
            && std::env::current_dir()
                .is_ok_and(|path| folder_key(&path).is_ok_and(|key| key == self.directory_file))
            && self.names.socket.exists();
        !is_current
    }

    /// Links for a client.
    fn link(&self, shared: &Shared, stream: &mut UnixStream, request: &LinkRequest) -> Result<(), Declined> {
        let start = Instant::now();
        if lock(&shared.status).is_starting {
            return Err(Declined { reason: STARTS.into(), ends: false });
        }
        // Its inputs can be read only once. Who waits for this server hears of it.
        if let Some(reason) = lock(&shared.declined).clone() {
            return Err(Declined { reason, ends: true });
        }
        let broken = || Declined { reason: ENDS[2].into(), ends: true };
        let mut kept = wait_for(shared).ok_or_else(broken)?;
        enter(request);
        let cancel = CancelToken::new();
        let is_done = AtomicBool::new(false);
        let outcome = std::thread::scope(|scope| {
            let (client, cancel, is_done) = (&*stream, &cancel, &is_done);
            let watch = move || {
                while !is_done.load(Ordering::Relaxed) {
                    if peer::has_hung_up(client, Duration::from_millis(20)) {
                        cancel.cancel();
                        return;
                    }
                }
            };
            // Without a thread the client's end is noticed when the output gets its name.
            let _ = std::thread::Builder::new().spawn_scoped(scope, watch);
            let outcome = link(shared.serve, &mut kept, request, Some(client), cancel.clone());
            is_done.store(true, Ordering::Relaxed);
            // Before the client ends: whoever started it may ask.
            shared.note_link(start.elapsed(), kept.as_ref());
            if let Ok(code) = outcome {
                let mut client = client;
                let _ = Frame::Exit(code).send(&mut client);
            }
            outcome
        });
        outcome.map(|_| ()).map_err(|reason| Declined { reason, ends: true })
    }

    /// Whether this server is to end, because all together have too much memory and no other one is left.
    fn exceeds_budget(&self) -> bool {
        let Some(folder) = self.names.socket.parent().map(Folder::at) else { return false };
        control::keep_within(budget(), &folder, u64::from(std::process::id()))
    }
}

/// Why a client has to link by itself.
struct Declined {
    reason: String,
    /// This server is of no use.
    ends: bool,
}

/// Waits for work ahead that is about to end. `None` if it has panicked: nobody knows what state it left.
fn wait_for(shared: &Shared) -> Option<MutexGuard<'_, Option<Kept>>> {
    let start = Instant::now();
    loop {
        match shared.kept.try_lock() {
            Ok(kept) => return Some(kept),
            Err(TryLockError::Poisoned(_)) => return None,
            Err(TryLockError::WouldBlock) => {}
        }
        let usual = *lock(&shared.usual);
        let basis = lock(&shared.basis).take();
        if basis.is_some_and(|basis| basis.has_changed()) || start.elapsed() > LEAST_WAIT.max(usual) {
            lock(&shared.work_ahead).cancel();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Does what a command line asks for. Returns the exit code, or why it cannot be done here.
fn link(
    serve: Serve,
    kept: &mut Option<Kept>,
    request: &LinkRequest,
    client: Option<&UnixStream>,
    cancel: CancelToken,
) -> Result<u8, String> {
    let text = |bytes: &Vec<u8>| crate::text::from_bytes(bytes);
    let verify = std::env::var_os("WALD_SERVER_VERIFY").is_some_and(|value| value == "1");
    // Without a client, the inputs are only read.
    let (kept_now, only_load) = (RefCell::new(kept.take()), client.is_none());
    let turn = Turn { kept: kept_now, only_load, verify, cancel, declined: RefCell::default() };
    let code = serve(Served {
        called: OsStr::from_bytes(&request.called),
        arguments: request.arguments.iter().map(text).collect(),
        is_terminal: request.is_terminal,
        stdout: &mut BufWriter::new(RemoteStream::new(1, client)),
        stderr: &mut RemoteStream::new(2, client),
        turn: &turn,
    });
    *kept = turn.kept.into_inner();
    turn.declined.into_inner().map_or(Ok(code as u8), Err)
}

/// How much memory all servers may have: a quarter of the machine's, or what `WALD_SERVER_MEMORY` says in MB.
fn budget() -> u64 {
    let wanted = std::env::var("WALD_SERVER_MEMORY").ok().and_then(|text| text.parse::<u64>().ok());
    wanted.map_or_else(|| total_memory() / 4, |megabytes| megabytes << 20)
}

/// The machine's memory in bytes. Without a limit where the system does not say.
fn total_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes << 10)
}

impl Shared {
    /// Nothing is read yet.
    fn new(request: &LinkRequest, names: &Names, serve: Serve) -> Self {
        let text = |bytes: &[u8]| crate::text::from_bytes(bytes);
        let arguments = crate::parse::parse(request.arguments.iter().map(|bytes| text(bytes)).collect());
        let output = arguments.last_value(crate::option_table::Opt::Output).unwrap_or("a.out");
        let status = Status {
            directory: text(&request.directory),
            output: output.into(),
            log: crate::text::from_path(&names.log),
            is_starting: true,
            links: 0,
            counts: Counts::default(),
            last_milliseconds: 0.0,
            last_used: Instant::now(),
        };
        Shared {
            serve,
            kept: Mutex::new(None),
            status: Mutex::new(status),
            waiting: AtomicUsize::new(0),
            declined: Mutex::new(None),
            work_ahead: Mutex::new(CancelToken::new()),
            basis: Mutex::new(None),
            usual: Mutex::new(Duration::ZERO),
            is_ended: AtomicBool::new(false),
        }
    }

    /// A link is over.
    fn note_link(&self, took: Duration, kept: Option<&Kept>) {
        let mut status = lock(&self.status);
        status.links += 1;
        status.last_used = Instant::now();
        status.last_milliseconds = took.as_secs_f64() * 1e3;
        if let Some(kept) = kept {
            status.counts = kept.counts;
            *lock(&self.usual) = kept.took();
        }
    }
}

/// The socket of a process that was started as a server.
pub fn socket_of_server() -> Option<PathBuf> {
    std::env::var_os(super::start::VARIABLE).map(PathBuf::from)
}
