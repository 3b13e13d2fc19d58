//! `--server`: links that stay in memory, so that the next ordinary link command has little left to do.
//!
//! Each kept link has a process of its own, because a link depends on its process: working directory, umask, environment. Together,
//! these processes are the user's server. They share a [`folder`] that nobody else can open, with a socket for each output.
//!
//! - The command is a [`client`]: it hands over its arguments and what it is called from, and prints what it gets. If there is no
//!   server, or anything goes wrong, it links by itself, and [starts](start) a server behind it.
//! - A server is a [`keeper`]: it takes requests, one after the other. Before a request comes, it reads what the compiler has written,
//!   and links ahead.
//! - A [`kept`] link reads and links [`ahead`] of requests, and follows objects that the compiler gives [`new_names`]. It never trusts
//!   what it was told or has heard: at each request it looks at every input.

#[cfg(unix)]
mod ahead;
#[cfg(unix)]
mod changes;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod control;
#[cfg(unix)]
mod folder;
#[cfg(unix)]
mod keeper;
#[cfg(unix)]
mod kept;
#[cfg(unix)]
mod new_names;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
mod remote;
#[cfg(unix)]
mod start;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod wire;

use crate::option_table::Opt;
use crate::parse::Arguments;
use std::ffi::OsString;

#[cfg(unix)]
pub use client::{link, Outcome};
#[cfg(unix)]
pub use keeper::{run, socket_of_server, Served};
#[cfg(unix)]
pub use start::{start_behind, Behind};

/// Whether links are done by a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    #[default]
    Off,
    /// If there is one. If not, one is started for the next link.
    Auto,
    /// Always: it is an error if that is not possible.
    Require,
}

impl Mode {
    /// What `--server` says, or `WALD_SERVER`.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn of(arguments: &Arguments, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Mode, String> {
        let (name, value) = match arguments.last_value(Opt::Server) {
            Some(value) => ("--server", value.to_string()),
            None => match variable("WALD_SERVER").filter(|value| !value.is_empty()) {
                Some(value) => ("WALD_SERVER", crate::text::from_os(&value)),
                None => return Ok(Mode::Off),
            },
        };
        match &value[..] {
            "off" => Ok(Mode::Off),
            "auto" => Ok(Mode::Auto),
            "require" => Ok(Mode::Require),
            _ => Err(format!("{name}: expected auto, off or require, but got '{value}'")),
        }
    }
}

/// Whether a server can do it. What is left is not a link, belongs to this process alone, or waits for others.
pub fn can_serve(arguments: &Arguments, variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
    const OWN: [Opt; 13] = [
        Opt::AwaitInputs,
        Opt::Help,
        Opt::PrintCompletions,
        Opt::PrintManPage,
        Opt::ReadyFd,
        Opt::Reproduce,
        Opt::Run,
        Opt::ServerStatus,
        Opt::ServerStop,
        Opt::ShortVersion,
        Opt::ThinltoDistribute,
        Opt::Version,
        Opt::Watch,
    ];
    let is_elsewhere = |text: &str| text.contains("/dev/") || text.contains("/proc/");
    cfg!(unix)
        && !OWN.iter().any(|&option| arguments.has(option))
        && variable("LLD_REPRODUCE").is_none()
        // Descriptors of the client, and files that say something else to each process.
        && !arguments.words().any(is_elsewhere)
}

/// What `--server-status` and `--server-stop` ask for, if one of them is there.
pub fn answer(
    arguments: &Arguments,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Option<std::io::Result<String>> {
    #[cfg(unix)]
    let (status, stop) = (control::status, control::stop);
    #[cfg(not(unix))]
    let (status, stop) =
        (|_, _| Err(std::io::ErrorKind::Unsupported.into()), |_| Err(std::io::ErrorKind::Unsupported.into()));
    match arguments.last(&[Opt::ServerStatus, Opt::ServerStop])? {
        (Opt::ServerStop, ..) => Some(stop(variable)),
        (_, _, None) => Some(status(false, variable)),
        (_, _, Some("json")) => Some(status(true, variable)),
        (_, text, _) => {
            let message = format!("{text}: expected json");
            Some(Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message)))
        }
    }
}
