//! A child process with all processes that it starts: they are one process group, which signals reach as a whole.

use crate::clock::Instant;
use crate::signals::{self, GroupSignal};
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// How long a group may take to end after it was asked to.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The longest pause between two looks at a child.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A running child and its descendants. They are killed when this is dropped before the child has ended.
pub struct ChildGroup {
    child: Child,
    /// When the group is killed.
    deadline: Option<Instant>,
    has_ended: bool,
}

impl ChildGroup {
    /// Starts a child as the leader of a new group.
    pub fn start(command: &mut Command) -> io::Result<ChildGroup> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(ChildGroup { child: command.spawn()?, deadline: None, has_ended: false })
    }

    /// The child's process number, which is also the group's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the child ended. `None` if it is still running.
    ///
    /// If it failed, what it left behind is killed. After [`Self::end`], everything is killed if the time is up.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.kill();
        }
        let status = self.child.try_wait()?;
        if let Some(status) = status {
            self.has_ended = true;
            if !status.success() || self.deadline.is_some() {
                signals::send_to_group(self.id(), GroupSignal::Kill);
            }
        }
        Ok(status)
    }

    /// Asks all processes of the group to end in this time.
    pub fn end(&mut self, patience: Duration) {
        if self.deadline.is_none() {
            signals::send_to_group(self.id(), GroupSignal::Terminate);
            self.expect_end(patience);
        }
    }

    /// Gives a group that was asked to end this time.
    pub fn expect_end(&mut self, patience: Duration) {
        self.deadline.get_or_insert_with(|| Instant::now() + patience);
    }

    fn kill(&mut self) {
        signals::send_to_group(self.id(), GroupSignal::Kill);
        // Elsewhere there are no groups.
        let _ = self.child.kill();
    }
}

impl Drop for ChildGroup {
    fn drop(&mut self) {
        if !self.has_ended {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

/// Asks groups of processes to end, and waits until they have ended.
pub fn end_all(groups: impl IntoIterator<Item = ChildGroup>) {
    let mut groups: Vec<ChildGroup> = groups.into_iter().collect();
    groups.iter_mut().for_each(|group| group.end(PATIENCE));
    let mut pauses = Pauses::new();
    loop {
        groups.retain_mut(|group| matches!(group.try_wait(), Ok(None)));
        if groups.is_empty() {
            return;
        }
        pauses.pause();
    }
}

/// Pauses between looks at children: short ones first.
pub struct Pauses(Duration);

impl Pauses {
    /// Begins with a short pause.
    pub fn new() -> Self {
        Pauses(Duration::from_millis(1))
    }

    /// Sleeps.
    pub fn pause(&mut self) {
        std::thread::sleep(self.0);
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}
