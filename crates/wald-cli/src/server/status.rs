//! What a server says about itself.

use serde_json::{json, Value};
use std::time::Instant;

/// What a kept link did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// How many links were ready when they were asked for.
    pub ahead: u64,
    /// How many links were made before they were asked for.
    pub linked_ahead: u64,
    /// How many links were made of a part of the new files, and dropped.
    pub rehearsals: u64,
    /// How many files were read.
    pub read: u64,
    /// How many of them before a link was asked for.
    pub read_ahead: u64,
}

/// A server as it is now.
#[derive(Debug)]
pub struct Status {
    /// The working directory of its links.
    pub directory: String,
    /// The output.
    pub output: String,
    /// Where it writes what goes wrong.
    pub log: String,
    /// Its inputs are being read for the first time.
    pub is_starting: bool,
    /// How many links were asked for.
    pub links: u64,
    pub counts: Counts,
    /// How long the last one took.
    pub last_milliseconds: f64,
    /// When the last one was asked for.
    pub last_used: Instant,
}

impl Status {
    /// Everything as one JSON object.
    pub fn to_json(&self) -> Value {
        json!({
            "pid": std::process::id(),
            "directory": self.directory,
            "output": self.output,
            "log": self.log,
            "starting": self.is_starting,
            "links": self.links,
            "linked_ahead": self.counts.linked_ahead,
            "rehearsals": self.counts.rehearsals,
            "hits": self.counts.ahead,
            "files_read": self.counts.read,
            "files_read_ahead": self.counts.read_ahead,
            "last_ms": (self.last_milliseconds * 10.0).round() / 10.0,
            "idle_seconds": self.last_used.elapsed().as_secs(),
            "memory_bytes": memory(),
        })
    }
}

/// How much memory this process has, in bytes. 0 where the system does not say.
fn memory() -> u64 {
    const PAGE: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE
}

/// A line for people about each server.
pub fn for_people(servers: &[Value]) -> String {
    let mut text = String::new();
    let number = |server: &Value, key: &str| server[key].as_u64().unwrap_or(0);
    for server in servers {
        let (directory, output) =
            (server["directory"].as_str().unwrap_or("?"), server["output"].as_str().unwrap_or("?"));
        text += &format!(
            "{output} in {directory}\n  {}; {} links, {} of them ready when they were asked for, the last one in {:.1} ms\n",
            match server["starting"].as_bool() {
                Some(true) => "reads its inputs".to_string(),
                _ => format!("idle for {} s", number(server, "idle_seconds")),
            },
            number(server, "links"),
            number(server, "hits"),
            server["last_ms"].as_f64().unwrap_or(0.0),
        );
        text += &format!(
            "  {} files read, {} of them before a link asked; {} MB; process {}; log {}\n",
            number(server, "files_read"),
            number(server, "files_read_ahead"),
            number(server, "memory_bytes") >> 20,
            number(server, "pid"),
            server["log"].as_str().unwrap_or("?"),
        );
    }
    let memory: u64 = servers.iter().map(|server| number(server, "memory_bytes")).sum();
    text + &format!("{} links kept, {} MB\n", servers.len(), memory >> 20)
}
