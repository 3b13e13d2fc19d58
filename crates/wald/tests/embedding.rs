//! What a program that embeds the linker relies on: links at the same time do not know of each other, and a link can be
//! ended from outside.

use std::sync::Mutex;
use std::time::Duration;

use wald::diagnostics::Code;
use wald::options::{BuildId, Options};
use wald::{Bytes, CancelToken, InputDescription, Linker, Sink};

/// The demo's objects and its archive.
fn files() -> Vec<(String, Bytes)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|e| e == "o" || e == "a"));
    let mut files: Vec<_> =
        files.map(|path| (path.display().to_string(), Bytes::from(std::fs::read(&path).unwrap()))).collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// Different jobs: which options, how many of the files.
fn linker(job: usize) -> Linker {
    let files = files();
    let mut options = Options::default();
    options.output = format!("{job}.wasm").into();
    options.gc_sections = job % 2 == 0;
    options.strip_all = job % 3 == 0;
    let mut linker = Linker::new(options);
    linker.set_threads([None, Some(1), Some(2)][job % 3]);
    // Some jobs fail: they have not all files.
    let count = files.len() - job % 4 / 3;
    for (path, bytes) in files.into_iter().take(count) {
        let input = linker.declare_input(InputDescription::new(path));
        linker.provide(input, bytes).unwrap();
    }
    linker
}

type Answer = (Option<Vec<u8>>, Vec<String>);

fn answer(linker: Linker) -> Answer {
    let result = linker.finish();
    let messages = result.diagnostics.into_iter().map(|diagnostic| diagnostic.message.to_string());
    (result.module.ok(), messages.collect())
}

#[test]
fn links_at_the_same_time_do_not_know_of_each_other() {
    let alone: Vec<Answer> = (0..12).map(|job| answer(linker(job))).collect();
    assert!(alone.iter().any(|(module, _)| module.is_none()));
    assert!(alone.iter().filter(|(module, _)| module.is_some()).count() > 6);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let alone = &alone;
            scope.spawn(move || {
                for round in 0..8 {
                    let job = (thread * 5 + round * 7) % alone.len();
                    assert!(answer(linker(job)) == alone[job], "job {job}");
                }
            });
        }
    });
}

/// A sink that takes parts.
#[derive(Default)]
struct Parts {
    size: u64,
    memory: Vec<u8>,
    parts: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Sink for Parts {
    fn takes_parts(&mut self, size: u64) -> bool {
        self.size = size;
        true
    }

    fn write_at(&self, offset: u64, part: &[u8]) {
        self.parts.lock().unwrap().push((offset, part.to_vec()));
    }

    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        self.memory.place(size)
    }
}

#[test]
fn parts_add_up_to_the_module() {
    for build_id in [BuildId::None, BuildId::Hex(vec![1, 2]), BuildId::Fast, BuildId::Sha1] {
        for job in [0, 1] {
            let mut linker = linker(job);
            linker.options_mut().build_id = build_id.clone();
            let Ok(expected) = linker.link().module else { continue };
            let mut sink = Parts::default();
            assert!(linker.link_into(&mut sink).module.is_ok());
            let mut module = sink.memory;
            let mut parts = sink.parts.into_inner().unwrap();
            // The hash of a part cannot be known before all others are.
            assert_eq!(parts.is_empty(), matches!(build_id, BuildId::Fast | BuildId::Sha1));
            parts.sort();
            for (offset, part) in parts {
                assert_eq!(offset, module.len() as u64);
                module.extend(part);
                assert_eq!(sink.size, expected.len() as u64);
            }
            assert!(module == expected);
        }
    }
}

/// A sink that must not be asked.
struct Untouched;

impl Sink for Untouched {
    fn place(&mut self, _: usize) -> Option<&mut [u8]> {
        panic!("a cancelled link has nothing to write")
    }
}

#[test]
fn a_cancelled_link_writes_nothing_and_can_be_repeated() {
    let expected = linker(0).link().module.unwrap();
    let mut linker = linker(0);
    let token = CancelToken::new();
    linker.set_cancel_token(token.clone());
    token.cancel();
    linker.prepare();
    let result = linker.link_into(&mut Untouched);
    assert!(result.module.is_err());
    let [diagnostic] = &result.diagnostics[..] else { panic!("one diagnostic") };
    assert_eq!((diagnostic.code, &*diagnostic.message), (Code::Cancelled, "the link was cancelled"));

    linker.set_cancel_token(CancelToken::new());
    assert!(linker.link().module.unwrap() == expected);
}

#[test]
fn a_link_is_cancelled_at_any_time() {
    let mut linker = linker(0);
    let expected = linker.link().module.unwrap();
    let (mut finished, mut cancelled) = (0, 0);
    for round in 0..400u64 {
        let token = CancelToken::new();
        linker.set_cancel_token(token.clone());
        // Resolution begins anew.
        linker.options_mut();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(round % 40 * 50));
                token.cancel();
            });
            let result = linker.link();
            match result.module {
                Ok(module) => {
                    assert!(module == expected);
                    finished += 1;
                }
                Err(_) => {
                    assert_eq!(result.diagnostics.last().unwrap().code, Code::Cancelled);
                    cancelled += 1;
                }
            }
        });
    }
    println!("{finished} finished, {cancelled} cancelled");
    assert!(cancelled > 0);
    linker.set_cancel_token(CancelToken::new());
    assert!(linker.link().module.unwrap() == expected);
}

#[test]
fn a_dropped_linker_gives_its_inputs_back() {
    struct Counted {
        bytes: Vec<u8>,
        _alive: std::sync::Arc<()>,
    }
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    let alive = std::sync::Arc::new(());
    let mut linker = Linker::new(Options::default());
    for (path, bytes) in files() {
        let input = linker.declare_input(InputDescription::new(path));
        linker
            .provide(input, Bytes::from_owner(Counted { bytes: bytes.to_vec(), _alive: alive.clone() }))
            .unwrap();
    }
    let result = linker.link();
    linker.prepare();
    assert!(result.module.is_ok() && std::sync::Arc::strong_count(&alive) > 1);
    drop((linker, result));
    assert_eq!(std::sync::Arc::strong_count(&alive), 1);
}
