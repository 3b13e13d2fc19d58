//! The build that started this process: whether it has gone, and whether it has come to rest.
//!
//! Processes are asked for, because a build that was killed tells nobody. `PR_SET_PDEATHSIG` would tell of the thread that
//! started us, which may end while its process goes on.

use crate::clock::Instant;
use std::time::Duration;

/// How often processes are asked for.
const LOOK: Duration = Duration::from_millis(200);
/// A build that runs nothing but us for this long, after it ran something else, will make no more inputs.
const REST: Duration = Duration::from_secs(30);

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process that started us has ended, or the one for which a shell did.
    Gone,
    /// It runs nothing else any more: a compiler failed, and it waits for us.
    AtRest,
}

/// The processes above this one.
pub struct BuildProcess {
    parent: u32,
    /// The parent; if that is a shell with one command, also its parent. If one ends, the build has.
    needed: Vec<system::Process>,
    /// Those of the same session.
    above: Vec<system::Process>,
    next_look: Instant,
    end: Option<End>,
    /// It was seen to run something else.
    has_worked: bool,
    /// When it was last seen to.
    last_work: Instant,
}

impl BuildProcess {
    /// Remembers the processes above this one.
    pub fn new() -> Self {
        let (needed, above) = system::processes_above();
        let (now, parent) = (Instant::now(), system::parent());
        BuildProcess { parent, needed, above, next_look: now, end: None, has_worked: false, last_work: now }
    }

    /// Something was made: the build has not come to rest.
    pub fn has_made_something(&mut self) {
        self.last_work = Instant::now();
    }

    /// Whether the build has ended. Asks now and then only.
    pub fn end(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.end.is_none() && now >= self.next_look {
            self.next_look = now + LOOK;
            self.end = self.look(now);
        }
        self.end
    }

    fn look(&mut self, now: Instant) -> Option<End> {
        if system::parent() != self.parent || !self.needed.iter().all(system::Process::is_running) {
            return Some(End::Gone);
        }
        if system::runs_others(&self.above) {
            (self.has_worked, self.last_work) = (true, now);
        }
        (self.has_worked && self.last_work.elapsed() >= REST).then_some(End::AtRest)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    /// A process, and when it started: ids are used again.
    #[derive(Clone, Copy)]
    pub struct Process {
        id: u32,
        start: u64,
    }

    struct Status {
        state: char,
        parent: u32,
        session: u32,
        start: u64,
    }

    fn status(id: u32) -> Option<Status> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name is in parentheses and may contain some.
        let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
        Some(Status {
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            // Field 6 of proc(5); the start is field 22.
            session: fields.nth(1)?.parse().ok()?,
            start: fields.nth(15)?.parse().ok()?,
        })
    }

    impl Process {
        /// Whether it has not ended.
        pub fn is_running(&self) -> bool {
            status(self.id)
                .is_some_and(|status| status.start == self.start && !matches!(status.state, 'Z' | 'X'))
        }
    }

    pub fn parent() -> u32 {
        std::os::unix::process::parent_id()
    }

    /// The processes above this one that it needs, and all of its session.
    pub fn processes_above() -> (Vec<Process>, Vec<Process>) {
        let (mut needed, mut above) = (Vec::new(), Vec::new());
        let Some(own) = status(std::process::id()) else { return (needed, above) };
        let (mut id, mut is_needed) = (own.parent, true);
        // The first process of the system, or of a container, is nobody's builder.
        while id > 1 {
            let Some(found) = status(id) else { break };
            let process = Process { id, start: found.start };
            if is_needed {
                needed.push(process);
                is_needed = is_shell_with_command(id);
            }
            if found.session != own.session {
                break;
            }
            above.push(process);
            id = found.parent;
        }
        (needed, above)
    }

    /// Whether a process is `sh -c COMMAND`, which build tools start.
    fn is_shell_with_command(id: u32) -> bool {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let mut words = line.split(|&byte| byte == 0);
        let is_shell = words.next().is_some_and(|program| program.ends_with(b"sh"));
        is_shell && words.next().is_some_and(|option| option.starts_with(b"-") && option.ends_with(b"c"))
    }

    /// Whether one of the processes has a child that is none of them and not this process. `true` if that cannot be known.
    pub fn runs_others(above: &[Process]) -> bool {
        let known = |id: u32| id == std::process::id() || above.iter().any(|process| process.id == id);
        above.is_empty()
            || above.iter().any(|process| children(process.id).is_none_or(|ids| !ids.into_iter().all(known)))
    }

    fn children(id: u32) -> Option<Vec<u32>> {
        let mut ids = Vec::new();
        for thread in fs::read_dir(format!("/proc/{id}/task")).ok()? {
            let text = fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
            ids.extend(text.split_ascii_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        Some(ids)
    }
}

/// Elsewhere only the end of the parent is noticed, on Unix.
#[cfg(not(target_os = "linux"))]
mod system {
    pub enum Process {}

    impl Process {
        pub fn is_running(&self) -> bool {
            match *self {}
        }
    }

    pub fn parent() -> u32 {
        #[cfg(unix)]
        return std::os::unix::process::parent_id();
        #[cfg(not(unix))]
        0
    }

    pub fn processes_above() -> (Vec<Process>, Vec<Process>) {
        (Vec::new(), Vec::new())
    }

    pub fn runs_others(_: &[Process]) -> bool {
        true
    }
}
