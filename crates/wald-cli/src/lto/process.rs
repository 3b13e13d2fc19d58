//! Runs a tool to its end: what it writes is collected, and signals that would end this process end the tool first.

use crate::child_group::{ChildGroup, Pauses, PATIENCE};
use crate::signals::{self, Forwarding};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use wald::CancelToken;

/// How often a running tool is asked whether it is still wanted.
const PERIOD: Duration = Duration::from_millis(20);

/// What came of a tool.
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard error and output.
    pub text: Vec<u8>,
    /// The signal that this process got meanwhile.
    pub signal: Option<i32>,
}

/// Runs a tool. If `cancel` is cancelled, it is killed.
pub fn run(command: &mut Command, cancel: &CancelToken) -> io::Result<Ended> {
    // Dropped last: no signal ends this process while the tool runs.
    let forwarding = Forwarding::begin();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    signals::forward_to(child.id());
    let text = collect(&mut child, cancel);
    let status = child.wait()?;
    Ok(Ended { status, text, signal: forwarding.end() })
}

/// Runs a program that starts other processes. They are all ended if `cancel` is cancelled, if this process gets a signal, and if the
/// program fails. They have twice the usual time: the program may have to wait for its own children. What they write goes to `log`: a process that outlives the program may keep a pipe open.
pub fn run_group(command: &mut Command, log: &Path, cancel: &CancelToken) -> io::Result<Ended> {
    let forwarding = Forwarding::begin_group();
    let file = File::create(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut group = ChildGroup::start(command)?;
    signals::forward_to_group(group.id());
    let mut pauses = Pauses::new();
    let status = loop {
        if let Some(status) = group.try_wait()? {
            break status;
        }
        if cancel.is_cancelled() {
            group.end(2 * PATIENCE);
        } else if forwarding.received().is_some() {
            group.expect_end(2 * PATIENCE);
        }
        pauses.pause();
    };
    Ok(Ended { status, text: fs::read(log)?, signal: forwarding.end() })
}

/// Collects what the tool writes until it closes both streams, which it does at its end.
fn collect(child: &mut Child, cancel: &CancelToken) -> Vec<u8> {
    let (sender, receiver) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|s| Box::new(s) as _), child.stderr.take().map(|s| Box::new(s) as _)];
    std::thread::scope(|scope| {
        for mut stream in streams.into_iter().flatten() {
            let sender = sender.clone();
            scope.spawn(move || {
                let mut bytes = Vec::new();
                // What was read before an error is still worth showing.
                let _ = stream.read_to_end(&mut bytes);
                let _ = sender.send(bytes);
            });
        }
        drop(sender);
        let mut text = Vec::new();
        loop {
            match receiver.recv_timeout(PERIOD) {
                Ok(bytes) => text.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => return text,
                Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => _ = child.kill(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    })
}
