//! `--server-status` and `--server-stop`, and the limit on the memory of all servers together.

use super::folder::{Folder, Names};
use super::peer;
use super::status::for_people;
use super::wire::{Frame, Request};
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a server may take to end.
const END: Duration = Duration::from_secs(5);

type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What all servers say, for people or as JSON.
pub fn status(as_json: bool, variable: Variables) -> io::Result<String> {
    let servers = ask_all(&Folder::open(variable)?);
    let servers: Vec<Value> = servers.into_iter().map(|(_, status)| status).collect();
    Ok(match as_json {
        true => format!("{}\n", Value::Array(servers)),
        false => for_people(&servers),
    })
}

/// Ends all servers. Says how many.
pub fn stop(variable: Variables) -> io::Result<String> {
    let mut count = 0;
    for names in Folder::open(variable)?.servers() {
        count += usize::from(stop_one(&names));
    }
    Ok(format!("{count} links dropped\n"))
}

/// Ends the servers that were not used for longest, until all together have at most so many bytes. Returns whether this one, which
/// was used just now, is to end as well.
pub fn keep_within(budget: u64, folder: &Folder, own: u64) -> bool {
    let number = |status: &Value, key: &str| status[key].as_u64().unwrap_or(0);
    let mut servers = ask_all(folder);
    let mut total: u64 = servers.iter().map(|(_, status)| number(status, "memory_bytes")).sum();
    servers.retain(|(_, status)| number(status, "pid") != own);
    servers.sort_by_key(|(_, status)| number(status, "idle_seconds"));
    while total > budget {
        let Some((names, status)) = servers.pop() else { return true };
        stop_one(&names);
        total = total.saturating_sub(number(&status, "memory_bytes"));
    }
    false
}

fn ask_all(folder: &Folder) -> Vec<(Names, Value)> {
    let answer = |names: Names| {
        let text = ask(&names, &Request::Status).ok()?;
        Some((names, serde_json::from_str(&text).ok()?))
    };
    folder.servers().into_iter().filter_map(answer).collect()
}

/// Ends a server, and waits until its socket is gone. Removes what one left that was killed. `false` if there was none.
fn stop_one(names: &Names) -> bool {
    match ask(names, &Request::Stop) {
        Ok(_) => {
            let start = Instant::now();
            while names.socket.exists() && start.elapsed() < END {
                std::thread::sleep(Duration::from_millis(2));
            }
            true
        }
        Err(error) => {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                let _ = std::fs::remove_file(&names.socket);
            }
            false
        }
    }
}

fn ask(names: &Names, request: &Request) -> io::Result<String> {
    let mut stream = UnixStream::connect(&names.socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if !peer::is_own(&stream) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Frame::receive(&mut stream)?;
    request.send(&mut stream)?;
    match Frame::receive(&mut stream)? {
        Frame::Answer(text) => Ok(text),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
