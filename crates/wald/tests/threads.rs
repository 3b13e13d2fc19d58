//! Which threads a link uses is the caller's choice. One test in a process of its own: it looks at all threads of it.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;

use wald::options::Options;
use wald::{Bytes, InputDescription, Linker, Sink};

/// Looks at the process while the link is at work.
#[derive(Default)]
struct Watch {
    module: Vec<u8>,
    threads: BTreeSet<(u32, String)>,
    here: Option<String>,
}

impl Sink for Watch {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        self.threads = threads();
        self.here = std::thread::current().name().map(str::to_string);
        self.module.place(size)
    }
}

/// All threads of this process: number and name.
fn threads() -> BTreeSet<(u32, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    tasks
        .filter_map(|task| {
            let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
            Some((task.file_name().to_str()?.parse().ok()?, name.trim().to_string()))
        })
        .collect()
}

fn link(threads: Option<usize>) -> Watch {
    let mut watch = Watch::default();
    let mut linker = Linker::new(Options::default());
    linker.set_threads(threads);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
    paths.sort();
    for path in paths {
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        let path = path.display().to_string();
        let input = linker.declare_input(InputDescription::new(path));
        linker.provide(input, bytes).unwrap();
    }
    // A pool of its own is made for each step, and ends when it has time for that.
    if threads.is_none() {
        linker.prepare();
    }
    assert!(linker.finish_into(&mut watch).module.is_ok());
    watch
}

/// Names of the threads that are there in addition.
fn started(now: &BTreeSet<(u32, String)>, before: &BTreeSet<(u32, String)>) -> Vec<String> {
    now.difference(before).map(|(_, name)| name.clone()).collect()
}

#[test]
fn a_link_starts_no_thread_that_nobody_asked_for() {
    let before = threads();

    // In the caller's pool.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).thread_name(|number| format!("mine-{number}"));
    let pool = pool.build().unwrap();
    // A thread has its name when it has run something.
    pool.broadcast(|_| ());
    let in_pool = pool.install(|| link(None));
    let mine = started(&in_pool.threads, &before);
    assert_eq!(mine.len(), 3);
    assert!(mine.iter().all(|name| name.starts_with("mine-")), "{mine:?}");
    assert!(in_pool.here.unwrap().starts_with("mine-"));

    // In pools of its own, which end with it and leave the calling thread as it was.
    let with_mine = threads();
    for number in [1, 2, 3] {
        let own = link(Some(number));
        assert_eq!(started(&own.threads, &with_mine).len(), number);
        assert!(own.module == in_pool.module);
        assert_eq!(rayon::current_thread_index(), None);
        let begin = std::time::Instant::now();
        while threads() != with_mine {
            assert!(begin.elapsed().as_secs() < 20, "threads stay: {:?}", threads());
            std::thread::yield_now();
        }
    }

    // Without any: the calling thread is the pool. A thread for the test, for it stays that way.
    let alone = std::thread::Builder::new().name("alone".into()).spawn(|| {
        let before = threads();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
        let alone = pool.install(|| link(None));
        assert_eq!(alone.here.as_deref(), Some("alone"));
        assert_eq!(alone.threads, before);
        alone.module
    });
    assert!(alone.unwrap().join().unwrap() == in_pool.module);
}
