//! What happens in folders: which files were written to, closed after writing, or renamed into place.
//!
//! Linux reports them through inotify. On other systems, on network file systems, and if the system allows no more watches,
//! there are no events, and only looking at the files shows a change. A lost event costs time, never bytes.

use crate::clock::Instant;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::mpsc::{self, Sender, TryRecvError};
use std::time::Duration;

/// A watched folder.
pub type Watch = i32;

/// What was heard last about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // Events are heard on Linux only.
pub enum Last {
    /// Nothing that says whether it is complete.
    Nothing,
    /// It was written to, and not closed since.
    Written,
    /// Closed after writing.
    Closed,
    /// It got its name by a rename.
    Renamed,
}

/// What was heard about a name in a folder.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // Events are heard on Linux only.
pub struct Log {
    /// How many events.
    pub count: u64,
    /// What the last one means.
    pub last: Last,
    /// When the last one was heard, which is after it happened.
    pub at: Instant,
}

/// What one drain of the queue gave.
#[derive(Default)]
pub struct Heard {
    /// Names with news.
    pub names: Vec<(Watch, OsString)>,
    /// Events were lost: anything may have happened.
    pub is_incomplete: bool,
}

pub use system::{FolderEvents, Queue};

#[cfg(target_os = "linux")]
mod system {
    use super::*;
    use crate::open_files;
    use inotify::{EventMask, Inotify, WatchMask};
    use std::collections::HashMap;
    use std::os::fd::{AsFd, OwnedFd};

    /// The folders that are watched.
    pub struct FolderEvents {
        inotify: Option<Inotify>,
        /// Dropped after `inotify`, so that nobody waits until the kernel has closed it.
        _closer: Option<[OwnedFd; 2]>,
        logs: HashMap<Watch, Folder>,
        /// When events were lost.
        lost: Option<Instant>,
    }

    struct Folder {
        since: Instant,
        names: HashMap<OsString, Log>,
    }

    impl FolderEvents {
        /// Watches no folder yet.
        pub fn new() -> Self {
            let inotify = Inotify::init().ok();
            let _closer =
                inotify.as_ref().and_then(|inotify| open_files::close_in_background(inotify.as_fd()));
            FolderEvents { inotify, _closer, ..Self::deaf() }
        }

        /// Hears nothing.
        pub fn deaf() -> Self {
            FolderEvents { inotify: None, _closer: None, logs: HashMap::new(), lost: None }
        }

        /// Watches a folder. `None` if it does not exist or cannot be watched.
        pub fn watch(&mut self, folder: &Path) -> Option<Watch> {
            let mask = WatchMask::CREATE
                | WatchMask::MODIFY
                | WatchMask::ATTRIB
                | WatchMask::CLOSE_WRITE
                | WatchMask::MOVED_TO
                | WatchMask::MOVED_FROM
                | WatchMask::DELETE
                | WatchMask::DELETE_SELF
                | WatchMask::MOVE_SELF
                | WatchMask::ONLYDIR;
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let watch = self.inotify.as_mut()?.watches().add(folder, mask).ok()?.get_watch_descriptor_id();
            let new = || Folder { since: Instant::now(), names: HashMap::new() };
            self.logs.entry(watch).or_insert_with(new);
            Some(watch)
        }

        /// Takes the events since the last call.
        pub fn drain(&mut self) -> Heard {
            let mut heard = Heard::default();
            let Some(inotify) = &mut self.inotify else { return heard };
            let mut buffer = [0; 16 * 1024];
            // An error says that there is nothing more.
            while let Ok(events) = inotify.read_events(&mut buffer) {
                let now = Instant::now();
                for event in events {
                    let watch = event.wd.get_watch_descriptor_id();
                    if event.mask.contains(EventMask::Q_OVERFLOW) {
                        (self.lost, heard.is_incomplete) = (Some(now), true);
                        continue;
                    }
                    let gone = EventMask::IGNORED | EventMask::DELETE_SELF | EventMask::MOVE_SELF;
                    if event.mask.intersects(gone | EventMask::UNMOUNT) {
                        self.logs.remove(&watch);
                        (self.lost, heard.is_incomplete) = (Some(now), true);
                        continue;
                    }
                    let (Some(folder), Some(name)) = (self.logs.get_mut(&watch), event.name) else {
                        continue;
                    };
                    note(folder, name, event.mask, now);
                    heard.names.push((watch, name.to_os_string()));
                }
            }
            heard
        }

        /// What was heard about a file.
        pub fn log(&self, watch: Watch, name: &OsStr) -> Option<Log> {
            self.logs.get(&watch)?.names.get(name).copied()
        }

        /// Whether the folder is watched.
        pub fn is_watched(&self, watch: Watch) -> bool {
            self.logs.contains_key(&watch)
        }

        /// Whether the file would have been heard of if it had changed since then, and was not.
        pub fn is_silent_since(&self, watch: Watch, name: &OsStr, then: Instant) -> bool {
            let Some(folder) = self.logs.get(&watch) else { return false };
            folder.since <= then
                && self.lost.is_none_or(|lost| lost < then)
                && folder.names.get(name).is_none_or(|log| log.at < then)
        }

        /// What another thread can wait on with [`wait`].
        pub fn queue(&self) -> Option<Queue> {
            Some(Queue(self.inotify.as_ref()?.as_fd().try_clone_to_owned().ok()?))
        }
    }

    fn note(folder: &mut Folder, name: &OsStr, mask: EventMask, now: Instant) {
        let last = if mask.contains(EventMask::MOVED_TO) {
            Last::Renamed
        } else if mask.contains(EventMask::CLOSE_WRITE) {
            Last::Closed
        } else if mask.intersects(EventMask::MODIFY) {
            Last::Written
        } else {
            Last::Nothing
        };
        // Most names are those of other files: no copy for a name that is known.
        if !folder.names.contains_key(name) {
            folder.names.insert(name.to_os_string(), Log { count: 0, last: Last::Nothing, at: now });
        }
        if let Some(log) = folder.names.get_mut(name) {
            (log.count, log.at) = (log.count + 1, now);
            // Other times or permissions say nothing about the bytes.
            if !mask.contains(EventMask::ATTRIB) {
                log.last = last;
            }
        }
    }

    /// The queue of events.
    pub struct Queue(OwnedFd);

    impl Queue {
        /// Waits for events. `false` if the time ran out first.
        pub fn wait(&self, timeout: Duration) -> bool {
            open_files::wait_readable(&self.0, timeout)
        }
    }
}

impl Queue {
    /// Starts a thread that calls `news` when there are events, and then waits for the answer that they were looked at. It ends
    /// soon after `news` returns `false` or nobody can answer any more.
    pub fn tell(self, news: impl Fn() -> bool + Send + 'static) -> Option<Sender<()>> {
        let (looked, wait) = mpsc::channel();
        let work = move || loop {
            match self.wait(Duration::from_millis(500)) {
                true if !news() || wait.recv().is_err() => return,
                false if matches!(wait.try_recv(), Err(TryRecvError::Disconnected)) => return,
                _ => {}
            }
        };
        std::thread::Builder::new().spawn(work).ok().map(|_| looked)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::*;

    /// Nothing is heard.
    pub struct FolderEvents;

    impl FolderEvents {
        /// Watches no folder.
        pub fn new() -> Self {
            FolderEvents
        }

        /// Hears nothing.
        pub fn deaf() -> Self {
            FolderEvents
        }

        /// None.
        pub fn watch(&mut self, _: &Path) -> Option<Watch> {
            None
        }

        /// Nothing.
        pub fn drain(&mut self) -> Heard {
            Heard::default()
        }

        /// None.
        pub fn log(&self, _: Watch, _: &OsStr) -> Option<Log> {
            None
        }

        /// It is not.
        pub fn is_watched(&self, _: Watch) -> bool {
            false
        }

        /// It would not have been heard of.
        pub fn is_silent_since(&self, _: Watch, _: &OsStr, _: Instant) -> bool {
            false
        }

        /// None.
        pub fn queue(&self) -> Option<Queue> {
            None
        }
    }

    /// None.
    pub enum Queue {}

    impl Queue {
        /// Never.
        pub fn wait(&self, _: Duration) -> bool {
            match *self {}
        }
    }
}
