//! From the command line to the inputs of the link: what they are, where libraries are found, who reads them.
//!
//! All inputs are declared first, in order; that fixes their place in the link. Then worker threads take one after the
//! other, read it and hand it over, which parses it on that thread. A file that cannot be read is reported in its place
//! and the others go on.

use crate::configure::Settings;
use crate::mapped_file;
use crate::option_table::Opt;
use crate::parse::{Argument, Arguments};
use crate::progress::Progress;
use crate::reproduce::Reproduce;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use wald::diagnostics::{Code, Diagnostic, Location};
use wald::index::InputId;
use wald::input::InputDescription;
use wald::Linker;

/// An input and its file.
struct Declared {
    id: InputId,
    path: String,
    /// It was found as a library.
    is_library: bool,
}

/// Every declared input.
pub struct Inputs {
    list: Vec<Declared>,
    mistakes: bool,
}

impl Inputs {
    /// Whether the command line names no input at all, and nothing else about inputs is wrong.
    pub fn are_missing(&self) -> bool {
        self.list.is_empty() && !self.mistakes
    }

    /// Says that there is nothing to link where no input brings a file: all are archives without members. Asked when all
    /// are read; what is said stands behind what was said about them.
    pub fn report_emptiness(&self, linker: &mut Linker) {
        let Some(last) = self.list.last() else { return };
        if self.mistakes || !self.list.iter().all(|input| linker.is_empty_input(input.id)) {
            return;
        }
        let next = linker.inputs().map(|(id, _)| id).skip_while(|&id| id != last.id).nth(1);
        let id = match next {
            Some(next) => linker.declare_input_before(next, InputDescription::default()),
            None => linker.declare_input(InputDescription::default()),
        };
        linker.fail_input(id, Diagnostic::error(Code::Options, "no input files"));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The path of the one at this place in the order.
    pub fn path(&self, place: usize) -> &str {
        &self.list[place].path
    }

    /// By what the linker knows it.
    pub fn id(&self, place: usize) -> InputId {
        self.list[place].id
    }

    /// Whether `-l` found it.
    pub fn is_library(&self, place: usize) -> bool {
        self.list[place].is_library
    }

    /// The inputs' paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|declared| declared.path.as_str())
    }
}

/// Declares all inputs and reports what is wrong about them, each at its place in the order.
pub fn declare(linker: &mut Linker, arguments: &Arguments, settings: &Settings) -> Inputs {
    let mut inputs = Inputs { list: Vec::new(), mistakes: false };
    let mut dynamic = settings.shared || settings.pie;
    let (mut whole_archive, mut lazy) = (false, false);
    let verbose = arguments.has(Opt::Verbose);
    for argument in &arguments.list {
        let found = match argument {
            Argument::Input(path) => Ok(path.clone()),
            Argument::Unknown(_) => continue,
            Argument::Option { option, value, .. } => match option {
                Opt::Library => {
                    let name = value.as_deref().unwrap_or_default();
                    find_library(name, &settings.search_paths, dynamic)
                        .ok_or_else(|| format!("unable to find library -l{name}"))
                }
                Opt::StartLib if lazy => Err("nested --start-lib".into()),
                Opt::EndLib if !lazy => Err("stray --end-lib".into()),
                other => {
                    match other {
                        // An object can only take the place of others: wasm-ld ignores the option with `-r`.
                        Opt::Bdynamic => dynamic |= !settings.relocatable,
                        Opt::Bstatic => dynamic = false,
                        Opt::WholeArchive => whole_archive = true,
                        Opt::NoWholeArchive => whole_archive = false,
                        Opt::StartLib => lazy = true,
                        Opt::EndLib => lazy = false,
                        _ => {}
                    }
                    continue;
                }
            },
        };
        match found {
            Ok(path) => {
                if verbose {
                    report(linker, Diagnostic::message(Code::Verbose, format!("Loading: {path}")));
                }
                let id = linker.declare_input(InputDescription {
                    path: path.clone(),
                    lazy,
                    whole_archive,
                    dynamic,
                });
                let is_library = matches!(argument, Argument::Option { .. });
                inputs.list.push(Declared { id, path, is_library });
            }
            Err(message) => {
                inputs.mistakes = true;
                report(linker, Diagnostic::error(Code::Options, message));
            }
        }
    }
    inputs
}

/// Puts a diagnostic at this place in the order of inputs: as that of an input which cannot be had.
pub fn report(linker: &mut Linker, diagnostic: Diagnostic) {
    let id = linker.declare_input(InputDescription::default());
    linker.fail_input(id, diagnostic);
}

/// The file that `-l name` means: `libname.a` (or `.so`, after `-Bdynamic`) or, for `-l:name`, `name` itself, in the
/// first directory that has it.
fn find_library(name: &str, search_paths: &[String], dynamic: bool) -> Option<String> {
    let in_directory = |directory: &String, file: &str| {
        let separator = if directory.is_empty() || directory.ends_with('/') { "" } else { "/" };
        Some(format!("{directory}{separator}{file}")).filter(|path| crate::text::to_path(path).exists())
    };
    if let Some(file) = name.strip_prefix(':') {
        return search_paths.iter().find_map(|directory| in_directory(directory, file));
    }
    let (shared, archive) = (format!("lib{name}.so"), format!("lib{name}.a"));
    search_paths.iter().find_map(|directory| {
        Some(dynamic)
            .filter(|&dynamic| dynamic)
            .and_then(|_| in_directory(directory, &shared))
            .or_else(|| in_directory(directory, &archive))
    })
}

/// The permutation in which a shuffled run reads its inputs: any order must give the same output.
fn reading_order(count: usize, shuffle: Option<u64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if let Some(mut state) = shuffle {
        for upper in (1..count).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            order.swap(upper, (state >> 33) as usize % (upper + 1));
        }
    }
    order
}

/// How reading is done.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// At most so many threads.
    pub threads: usize,
    /// Seed of the order in which inputs are read, for tests.
    pub shuffle: Option<u64>,
    /// Mapped inputs stay until the process ends.
    pub keep_mapped: bool,
    /// Files are not mapped, because they may change.
    pub copies: bool,
    /// There is time: what will be needed is brought into memory.
    pub ahead: bool,
    /// Where copies of the inputs go.
    pub reproduce: Option<&'a Reproduce>,
    /// Is told of each input.
    pub progress: &'a Progress,
}

/// Reads every input and hands it to the linker. Gives back the names that archives' `.imports` files allow to stay
/// undefined.
pub fn read_all(linker: &Linker, inputs: &Inputs, reading: &Reading) -> Vec<String> {
    // With --reproduce one thread, so that the copies are in the order of the command line.
    let copies_in_order = reading.reproduce.is_some();
    let order = reading_order(inputs.list.len(), reading.shuffle.filter(|_| !copies_in_order));
    let next = AtomicUsize::new(0);
    let allowed: Mutex<Vec<(usize, Vec<String>)>> = Mutex::new(Vec::new());
    let work = || {
        // Relaxed: the counter gives out places, and nothing else is read through it.
        while let Some(&place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let names = read_one(linker, &inputs.list[place], reading);
            reading.progress.input_read();
            if !names.is_empty() {
                allowed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((place, names));
            }
        }
    };
    let threads = if copies_in_order { 1 } else { reading.threads.min(inputs.list.len()).max(1) };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system gives no more threads, the ones we have do the work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut allowed = allowed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    allowed.sort_unstable_by_key(|(place, _)| *place);
    allowed.into_iter().flat_map(|(_, names)| names).collect()
}

/// As [`read_all`] for the input at one place.
pub fn read_place(linker: &Linker, inputs: &Inputs, place: usize, reading: &Reading) -> Vec<String> {
    read_one(linker, &inputs.list[place], reading)
}

/// Reads one input; the result is the names in the `.imports` file that an archive may have beside it.
fn read_one(linker: &Linker, input: &Declared, reading: &Reading) -> Vec<String> {
    let path = crate::text::to_path(&input.path);
    let bytes = if reading.copies {
        mapped_file::copy(&path)
    } else {
        mapped_file::read(&path, reading.keep_mapped, reading.ahead)
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            linker.fail_input(input.id, cannot_open(&input.path, &error));
            return Vec::new();
        }
    };
    if let Some(reproduce) = reading.reproduce {
        reproduce.add_file(&input.path, &bytes);
    }
    let is_archive = bytes.starts_with(b"!<arch>\n") || bytes.starts_with(b"!<thin>\n");
    let beside = crate::text::to_path(&input.path).with_extension("imports");
    let names = match is_archive.then(|| std::fs::read(&beside)) {
        None => Vec::new(),
        Some(Ok(bytes)) => names_in(&bytes),
        Some(Err(error)) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Some(Err(error)) => {
            linker.fail_input(input.id, cannot_open(&beside.to_string_lossy(), &error));
            return Vec::new();
        }
    };
    linker.provide(input.id, bytes);
    names
}

/// The names in a list of symbols, one a line; empty lines and those that begin with `#` are none.
pub fn names_in(bytes: &[u8]) -> Vec<String> {
    let text = crate::text::from_bytes(bytes);
    text.split('\n')
        .map(|line| line.trim_matches([' ', '\t', '\x0b', '\x0c', '\r']))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_string)
        .collect()
}

/// How wasm-ld words it.
pub fn cannot_open(path: &str, error: &std::io::Error) -> Diagnostic {
    let message = format!("cannot open {path}: {}", crate::error_text(error));
    Diagnostic::error(Code::Open, message).at(Location { path: path.into(), ..Location::default() })
}

/// Reads the members of thin archives.
#[derive(Clone)]
pub struct Members {
    /// As in [`Reading`].
    pub keep_mapped: bool,
    /// For `--watch`: what was read. Such files are copied into memory, because they may change.
    pub watched: Option<std::sync::Arc<Mutex<Vec<String>>>>,
}

impl Members {
    /// What was read since this was asked last.
    pub fn take_paths(&self) -> Vec<String> {
        let Some(watched) = &self.watched else { return Vec::new() };
        std::mem::take(&mut watched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl wald::input::FileProvider for Members {
    fn read(&self, path: &str) -> std::io::Result<wald::bytes::Bytes> {
        if let Some(watched) = &self.watched {
            watched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(path.to_string());
            return mapped_file::copy(&crate::text::to_path(path));
        }
        mapped_file::read(&crate::text::to_path(path), self.keep_mapped, false)
    }
}

/// How long ago a file was changed; `None` where its time says nothing because it is in the future. A time that is only just
/// in the future is now: files' times and the clock are not read alike.
pub fn age_of(modified: Option<SystemTime>) -> Option<Duration> {
    const SLACK: Duration = Duration::from_secs(1);
    match modified?.elapsed() {
        Ok(age) => Some(age),
        Err(ahead) if ahead.duration() < SLACK => Some(Duration::ZERO),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names() {
        assert_eq!(names_in(b"# x\nfoo\n\n  bar # y\n a:b\r\n\tbaz"), ["foo", "bar # y", "a:b", "baz"]);
    }

    #[test]
    fn shuffled_orders_hold_every_input_once() {
        let mut order = reading_order(100, Some(7));
        assert_ne!(order, reading_order(100, None));
        order.sort_unstable();
        assert_eq!(order, reading_order(100, None));
    }
}
