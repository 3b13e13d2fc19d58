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
    let mut linker = Linker::new(Options { threads, ..Options::default() });
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/objects");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
    paths.sort();
    for path in paths {
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        let path = path.display().to_string();
        let input = linker.declare_input(InputDescription { path, ..InputDescription::default() });
        linker.provide(input, bytes);
        linker.prepare();
    }
    assert!(linker.finish_into(&mut watch).output.is_ok());
    watch
}

#[test]
fn a_link_starts_no_thread_that_nobody_asked_for() {
    let before = threads();
    let here = std::thread::current().name().map(str::to_string);

    let alone = link(Some(1));
    assert_eq!(alone.threads, before);
    assert_eq!(alone.here, here);

    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).thread_name(|number| format!("mine-{number}"));
    let pool = pool.build().unwrap();
    let in_pool = pool.install(|| link(None));
    let started: Vec<_> = in_pool.threads.difference(&before).map(|(_, name)| name.as_str()).collect();
    assert_eq!(started.len(), 3);
    assert!(started.iter().all(|name| name.starts_with("mine-")), "{started:?}");
    assert!(in_pool.here.unwrap().starts_with("mine-"));
    assert!(in_pool.module == alone.module);

    let own = link(Some(2));
    assert!(own.threads.len() > before.len());
    assert!(own.module == alone.module);
}
