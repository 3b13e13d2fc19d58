//! `wald --thinlto-distribute`: a distributor, which runs the jobs of distributed ThinLTO.
//!
//! A linker that distributes ThinLTO describes its jobs in a JSON file ([`jobs`]) and starts a distributor with that file as the last
//! argument. This one has [`ninja`] run the jobs, or [starts them itself](pool). Each job can be run through a wrapper such as
//! `icecc` or reclient's `rewrapper`. If that fails, the job is run without it.

mod jobs;
mod ninja;
mod pool;

use crate::run_build::Folder;
use crate::signals;
use crate::text::{error_text, from_os, to_bytes, to_path};
use jobs::Failure;
use std::ffi::OsString;
use std::io::{self, Write};

/// What is wrong with the arguments.
const USAGE: &str = "expected ninja or command, [-j<number>], [<wrapper>...], and the file with the jobs";

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
struct Request {
    engine: Engine,
    /// How many jobs may run at the same time.
    parallel: usize,
    /// The beginning of each command line.
    wrapper: Vec<String>,
    /// The file with the jobs.
    file: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    Ninja,
    Command,
}

/// Runs all jobs. Returns the exit code.
pub fn run(program: &str, arguments: &[OsString], stderr: &mut dyn Write) -> i32 {
    let arguments = arguments.iter().map(|argument| from_os(argument)).collect();
    match distribute(program, arguments, stderr) {
        Ok(()) => 0,
        Err(Failure::Signal(signal)) => {
            signals::raise(signal);
            128 + signal
        }
        Err(Failure::Message(message)) => {
            let text = format!("{program}: error: --thinlto-distribute: {message}\n");
            let _ = stderr.write_all(&to_bytes(&text));
            1
        }
    }
}

fn distribute(program: &str, arguments: Vec<String>, stderr: &mut dyn Write) -> Result<(), Failure> {
    let Request { engine, parallel, wrapper, file } = parse(arguments)?;
    let cannot = |what: &str, error: io::Error| format!("cannot {what}: {}", error_text(&error));
    let bytes = std::fs::read(to_path(&file)).map_err(|error| cannot(&format!("open {file}"), error))?;
    let jobs =
        jobs::read(&crate::text::from_bytes(&bytes)).map_err(|problem| format!("{file}: {problem}"))?;
    let folder = Folder::new("wald-distribute").map_err(|error| cannot("use a temporary folder", error))?;
    let plan = jobs::Plan { program, parallel, wrapper: &wrapper, folder: &folder.0 };
    match engine {
        Engine::Ninja => ninja::run(&jobs, &plan),
        Engine::Command => pool::run(&jobs, &plan, stderr),
    }
}

fn parse(arguments: Vec<String>) -> Result<Request, String> {
    let mut arguments = arguments.into_iter();
    let engine = match arguments.next().as_deref() {
        Some("ninja") => Engine::Ninja,
        Some("command") => Engine::Command,
        _ => return Err(USAGE.into()),
    };
    let mut rest: Vec<String> = arguments.collect();
    let mut parallel = std::thread::available_parallelism().map_or(1, |number| number.get());
    if let Some(number) = rest.first().and_then(|first| first.strip_prefix("-j")) {
        let number = number.parse().ok().filter(|&number| number > 0);
        parallel = number.ok_or_else(|| format!("invalid number of jobs: {}", rest[0]))?;
        rest.remove(0);
    }
    let file = rest.pop().ok_or(USAGE)?;
    Ok(Request { engine, parallel, wrapper: rest, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Request, String> {
        parse(arguments.iter().map(|argument| argument.to_string()).collect())
    }

    #[test]
    fn arguments() {
        let request = parsed(&["command", "-j3", "icecc", "-x", "jobs.json"]).unwrap();
        assert_eq!(
            request,
            Request {
                engine: Engine::Command,
                parallel: 3,
                wrapper: vec!["icecc".into(), "-x".into()],
                file: "jobs.json".into()
            }
        );
        let request = parsed(&["ninja", "jobs.json"]).unwrap();
        assert!(request.engine == Engine::Ninja && request.wrapper.is_empty() && request.parallel > 0);
        for wrong in [&[][..], &["make", "jobs.json"], &["ninja"], &["ninja", "-j2"]] {
            assert_eq!(parsed(wrong), Err(USAGE.into()), "{wrong:?}");
        }
        assert_eq!(parsed(&["ninja", "-j0", "x"]), Err("invalid number of jobs: -j0".into()));
    }
}
