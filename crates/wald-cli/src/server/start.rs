//! Starts a server that outlives this process and has nothing of it but its command line, its environment and its folder.

use super::folder::Names;
use super::peer;
use super::wire::LinkRequest;
use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

/// Tells a process that it is a server, and where its files are.
pub const VARIABLE: &str = "WALD_SERVER_PROCESS";

/// What a new server needs.
pub struct Behind {
    /// Its files.
    pub names: Names,
    /// The command line that it begins with.
    pub request: LinkRequest,
}

/// Starts a server for the next link. This link does not fail if the server cannot be started.
pub fn start_behind(behind: &Behind) {
    let _ = start(&behind.names, &behind.request);
}

/// Starts a server.
pub fn start(names: &Names, request: &LinkRequest) -> io::Result<()> {
    // One that runs holds the lock. Two that start at once are told apart by it as well.
    let own = names.request.with_extension(format!("request-{}", std::process::id()));
    std::fs::write(&own, request.to_bytes())?;
    std::fs::rename(&own, &names.request)?;
    peer::keep_descriptors()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.env(VARIABLE, &names.socket);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&names.log)?);
    command.spawn().map(|_| ())
}
