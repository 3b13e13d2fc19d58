//! From the command line to the inputs of the link: what they are, where libraries are found, who reads them.
//!
//! All inputs are declared first, in order; that fixes their place in the link. Then worker threads take one file after the
//! other, read it and hand it over, which parses it on that thread. A file that is named several times is read once. One that
//! cannot be read is reported in its place and the others go on.

use crate::clock::Instant;
use crate::configure::Settings;
use crate::library_search::LibrarySearch;
use crate::line::Line;
use crate::mapped_file;
use crate::missing_file;
use crate::option_table::Opt;
use crate::parse::{Argument, Arguments};
use crate::progress::Progress;
use crate::reproduce::Reproduce;
use crate::sight::{see, Sight};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use wald::diagnostics::{Code, Diagnostic, Location, Severity};
use wald::{Bytes, FileKind, FileProvider, InputDescription, InputId, Linker};

/// An input and its file.
struct Declared {
    id: InputId,
    path: String,
    /// It was found as a library.
    is_library: bool,
    /// All members are linked.
    is_whole: bool,
    /// It is linked only where something refers to it.
    is_lazy: bool,
    /// A shared library may be linked in its place.
    is_dynamic: bool,
}

impl Declared {
    /// What the link knows of it before it is read.
    fn key(&self) -> (&str, [bool; 4]) {
        (&self.path, [self.is_library, self.is_whole, self.is_lazy, self.is_dynamic])
    }
}

/// Where a file of a command line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is new.
    New,
    /// It was this file.
    Same(usize),
    /// It was this file under another name. The linker has its bytes.
    Renamed(usize),
}

/// Every declared input.
#[derive(Default)]
pub struct Inputs {
    list: Vec<Declared>,
    /// What the command says about inputs: the number of inputs before it, and the line.
    notices: Vec<(usize, Line)>,
    has_mistakes: bool,
    /// The files: for each the places in the list that name it, in order of the first one.
    files: Vec<Vec<usize>>,
    /// By path. As a string, because a path is hashed by its components.
    by_path: HashMap<OsString, usize>,
}

impl Inputs {
    /// Whether the command line names no input at all, and nothing else about inputs is wrong.
    pub fn are_missing(&self) -> bool {
        self.list.is_empty() && !self.has_mistakes
    }

    /// Whether something that should be an input is none: a library that was not found.
    pub fn have_mistakes(&self) -> bool {
        self.has_mistakes
    }

    /// What the command says about inputs.
    pub fn notices(&self) -> impl Iterator<Item = &Line> {
        self.notices.iter().map(|(_, line)| line)
    }

    /// The inputs in order, each with the notices before it. At the end, `None` with those behind the last.
    pub fn with_notices(&self) -> impl Iterator<Item = (Option<InputId>, impl Iterator<Item = &Line>)> {
        let ids = self.list.iter().map(|input| Some(input.id)).chain([None]);
        let mut rest = &self.notices[..];
        ids.enumerate().map(move |(position, id)| {
            let count = rest.iter().take_while(|(before, _)| *before <= position).count();
            let here;
            (here, rest) = rest.split_at(count);
            (id, here.iter().map(|(_, line)| line))
        })
    }

    /// Adds what is said behind the inputs so far.
    pub fn add_notice(&mut self, line: Line) {
        self.notices.push((self.list.len(), line));
    }

    /// The archives of which all members are linked.
    pub fn whole_archives(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter(|input| input.is_whole).map(|input| input.path.as_str())
    }

    /// How many files there are. Paths that differ by `.` only are of one file.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// The path of a file, as it is named first.
    pub fn path(&self, file: usize) -> &str {
        &self.list[self.files[file][0]].path
    }

    /// The file that a path names, if it is one of the inputs.
    pub fn file(&self, path: &str) -> Option<usize> {
        self.by_path.get(simple(path).as_os_str()).copied()
    }

    /// What the linker knows the file by: one for each time that it is named.
    pub fn ids(&self, file: usize) -> impl Iterator<Item = InputId> + '_ {
        self.files[file].iter().map(|&place| self.list[place].id)
    }

    /// Whether `-l` found it.
    pub fn is_library(&self, file: usize) -> bool {
        self.files[file].iter().all(|&place| self.list[place].is_library)
    }

    /// Forgets what was read of a file, so that it can be read again.
    pub fn forget(&self, linker: &mut Linker, file: usize) {
        // Inputs are never removed, so the linker knows all of them. The same holds for what follows.
        self.ids(file).for_each(|id| _ = linker.replace(id));
    }

    /// The inputs' paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|declared| declared.path.as_str())
    }

    /// Gives a file another path, also in the linker. Returns whether the linker still has what it read.
    pub fn rename(&mut self, linker: &mut Linker, file: usize, path: &str) -> bool {
        self.by_path.remove(simple(self.path(file)).as_os_str());
        self.by_path.insert(simple(path).into_os_string(), file);
        let mut is_known = true;
        for &place in &self.files[file] {
            let input = &mut self.list[place];
            input.path = path.to_string();
            // Inputs are never removed without being forgotten here.
            is_known &= linker.rename(input.id, crate::text::to_path(path)).unwrap_or(false);
        }
        is_known
    }

    /// Takes over the inputs of another command line, which are declared in a linker of their own. What both have stays as it is, if it
    /// is in the same order. Returns `None` if nothing has changed, or else for each file where it comes from.
    pub fn become_like(
        &mut self,
        linker: &mut Linker,
        next: &Inputs,
        next_linker: &Linker,
    ) -> Option<Vec<Origin>> {
        self.notices.clone_from(&next.notices);
        self.has_mistakes = next.has_mistakes;
        if self.list.len() == next.list.len()
            && self.list.iter().zip(&next.list).all(|(own, next)| own.key() == next.key())
        {
            return None;
        }
        let origins = self.origins(next);
        let renamed = self.renamed(next, &origins);
        let mut is_kept = vec![false; self.list.len()];
        let places = || origins.iter().zip(&renamed).map(|(same, renamed)| same.or(*renamed));
        places().flatten().for_each(|place| is_kept[place] = true);
        // Ids of this linker are known to it: neither call can fail.
        for (own, _) in self.list.iter().zip(&is_kept).filter(|(_, is_kept)| !**is_kept) {
            let _ = linker.remove(own.id);
        }
        let mut ids: Vec<InputId> = Vec::with_capacity(next.list.len());
        let descriptions: Vec<&InputDescription> = next_linker.inputs().map(|(_, input)| input).collect();
        let mut is_provided = vec![false; next.list.len()];
        for (at, (origin, description)) in
            places().zip(descriptions).enumerate().collect::<Vec<_>>().into_iter().rev()
        {
            ids.push(match (origin, ids.last()) {
                (Some(place), _) => {
                    let id = self.list[place].id;
                    if renamed[at].is_some() {
                        is_provided[at] = linker.rename(id, &description.path).unwrap_or(false);
                    }
                    id
                }
                (None, None) => linker.declare_input(description.clone()),
                (None, Some(&after)) => match linker.declare_input_before(after, description.clone()) {
                    Ok(id) => id,
                    Err(_) => linker.declare_input(description.clone()),
                },
            });
        }
        let mut list = Vec::with_capacity(next.list.len());
        for (next, id) in next.list.iter().zip(ids.into_iter().rev()) {
            let Declared { is_library, is_whole, is_lazy, is_dynamic, .. } = *next;
            list.push(Declared { id, path: next.path.clone(), is_library, is_whole, is_lazy, is_dynamic });
        }
        let old = std::mem::take(self);
        (self.notices, self.has_mistakes) = (old.notices, old.has_mistakes);
        list.into_iter().for_each(|declared| self.add(declared));
        let old_file = |place: usize| old.by_path.get(simple(&old.list[place].path).as_os_str()).copied();
        // A file stays as it was read if every place that names it did.
        let file_origin = |places: &Vec<usize>| match (origins[places[0]], renamed[places[0]]) {
            (Some(place), _) if places.iter().all(|&place| origins[place].is_some()) => {
                old_file(place).map_or(Origin::New, Origin::Same)
            }
            (_, Some(place)) if is_provided[places[0]] => {
                old_file(place).map_or(Origin::New, Origin::Renamed)
            }
            _ => Origin::New,
        };
        Some(self.files.iter().map(file_origin).collect())
    }

    /// Inputs that probably have new names only: between inputs that stay, there were as many before. For each input of `next`, its
    /// place here.
    fn renamed(&self, next: &Inputs, origins: &[Option<usize>]) -> Vec<Option<usize>> {
        let mut renamed = vec![None; origins.len()];
        let is_once = |inputs: &Inputs, place: usize| {
            let file = inputs.by_path.get(simple(&inputs.list[place].path).as_os_str());
            file.is_some_and(|&file| inputs.files[file].len() == 1)
        };
        let (mut first_new, mut first_old) = (0, 0);
        for at in 0..=origins.len() {
            let anchor = match origins.get(at) {
                Some(None) => continue,
                Some(Some(place)) => *place,
                None => self.list.len(),
            };
            if at - first_new == anchor - first_old {
                for (new, old) in (first_new..at).zip(first_old..anchor) {
                    let same_flags = self.list[old].key().1 == next.list[new].key().1;
                    if same_flags && is_once(self, old) && is_once(next, new) {
                        renamed[new] = Some(old);
                    }
                }
            }
            (first_new, first_old) = (at + 1, anchor + 1);
        }
        renamed
    }

    /// For each input of `next`, the place of the same input here: the longest row of them whose order is the same.
    fn origins(&self, next: &Inputs) -> Vec<Option<usize>> {
        let mut places: HashMap<_, std::collections::VecDeque<usize>> = HashMap::new();
        for (place, own) in self.list.iter().enumerate() {
            places.entry(own.key()).or_default().push_back(place);
        }
        let same =
            next.list.iter().map(|next| places.get_mut(&next.key()).and_then(|places| places.pop_front()));
        let found: Vec<Option<usize>> = same.collect();
        // For each length of a row, the one that ends with the smallest place; and what precedes each element in its row.
        let (mut ends, mut before): (Vec<usize>, _) = (Vec::new(), vec![None; found.len()]);
        for (at, place) in found.iter().enumerate().filter(|(_, place)| place.is_some()) {
            let length = ends.partition_point(|&end| found[end] < *place);
            before[at] = length.checked_sub(1).map(|last| ends[last]);
            match ends.get_mut(length) {
                Some(end) => *end = at,
                None => ends.push(at),
            }
        }
        let mut origins = vec![None; found.len()];
        let mut next = ends.last().copied();
        while let Some(at) = next {
            origins[at] = found[at];
            next = before[at];
        }
        origins
    }

    fn add(&mut self, declared: Declared) {
        let next = self.files.len();
        let file = *self.by_path.entry(simple(&declared.path).into_os_string()).or_insert(next);
        if file == next {
            self.files.push(Vec::new());
        }
        self.files[file].push(self.list.len());
        self.list.push(declared);
    }
}

/// A path without detours by `.`, so that `./a.o` and `a.o` are the same.
pub fn simple(path: &str) -> PathBuf {
    let host_path = crate::text::to_path(path);
    // Nearly all paths are like this.
    if !(path.starts_with("./") || path.contains("/.") || path.contains("//") || path.ends_with('/')) {
        return host_path.into_owned();
    }
    host_path.components().filter(|component| *component != std::path::Component::CurDir).collect()
}

/// Declares all inputs and reports what is wrong about them, each at its place in the order.
pub fn declare(linker: &mut Linker, arguments: &Arguments, settings: &Settings) -> Inputs {
    let mut inputs = Inputs::default();
    let mut dynamic = settings.shared || settings.pie;
    let (mut whole_archive, mut lazy) = (false, false);
    let verbose = arguments.has(Opt::Verbose);
    let wrong = |message: &str| Diagnostic::error(Code::Options, message);
    let mut libraries = LibrarySearch::new(&settings.search_paths);
    for argument in &arguments.list {
        let found = match argument {
            Argument::Input(path) => Ok(path.clone()),
            Argument::Unknown(_) | Argument::ElfOption { .. } => continue,
            Argument::Option { option, text, value } => match option {
                Opt::Library => {
                    let name = value.of(text).unwrap_or_default();
                    libraries.find(name, dynamic).ok_or_else(|| libraries.not_found(name))
                }
                Opt::StartLib if lazy => Err(wrong("nested --start-lib")),
                Opt::EndLib if !lazy => Err(wrong("stray --end-lib")),
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
                    inputs.add_notice(Line::verbose(format!("Loading: {path}")));
                }
                let mut description = InputDescription::new(crate::text::to_path(&path));
                (description.lazy, description.whole_archive) = (lazy, whole_archive);
                description.dynamic = dynamic;
                let id = linker.declare_input(description);
                let is_library = matches!(argument, Argument::Option { .. });
                inputs.add(Declared {
                    id,
                    path,
                    is_library,
                    is_whole: whole_archive,
                    is_lazy: lazy,
                    is_dynamic: dynamic,
                });
            }
            Err(error) => {
                inputs.has_mistakes = true;
                inputs.add_notice(error.into());
            }
        }
    }
    inputs
}

/// Whether reading or parsing an input found an error.
pub fn is_wrong(linker: &Linker, id: InputId) -> bool {
    let found = linker.diagnostics_of(id).unwrap_or_default();
    found.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
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

/// What reading a file gave.
#[derive(Default)]
pub struct Taken {
    /// Names that may stay undefined, from beside an archive.
    pub allowed: Vec<String>,
    /// The file, and what was read because of it: the list of names beside an archive, members of a thin one.
    pub sights: Vec<Sight>,
}

/// Reads every input and hands it to the linker. Gives back what was read, in order.
pub fn read_all(linker: &Linker, inputs: &Inputs, reading: &Reading) -> Vec<Taken> {
    // With --reproduce one thread, so that the copies are in the order of the command line.
    let copies_in_order = reading.reproduce.is_some();
    let order = reading_order(inputs.files.len(), reading.shuffle.filter(|_| !copies_in_order));
    let all = read_files(linker, inputs, &order, reading);
    all.into_iter().map(|(_, taken)| taken).collect()
}

/// Reads some files and hands them to the linker. Gives back what was read of each, in the order of files.
pub fn read_files(
    linker: &Linker,
    inputs: &Inputs,
    order: &[usize],
    reading: &Reading,
) -> Vec<(usize, Taken)> {
    let next = AtomicUsize::new(0);
    let all: Mutex<Vec<(usize, Taken)>> = Mutex::new(Vec::with_capacity(order.len()));
    let work = || {
        // Relaxed: the counter gives out files, and nothing else is read through it.
        while let Some(&file) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let taken = read_file(linker, inputs, file, reading);
            inputs.files[file].iter().for_each(|_| reading.progress.input_read());
            all.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((file, taken));
        }
    };
    let threads = if reading.reproduce.is_some() { 1 } else { reading.threads.min(order.len()).max(1) };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system gives no more threads, the ones we have do the work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut all = all.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    all.sort_unstable_by_key(|(file, _)| *file);
    all
}

thread_local! {
    /// The members of thin archives that this thread has read: parsing an archive reads them.
    static MEMBERS: RefCell<Vec<Sight>> = const { RefCell::new(Vec::new()) };
}

/// Reads one file and hands it over for each time that it is named.
pub fn read_file(linker: &Linker, inputs: &Inputs, file: usize, reading: &Reading) -> Taken {
    let path = inputs.path(file);
    let fail = |diagnostic: &dyn Fn(&str) -> Diagnostic| {
        for &place in &inputs.files[file] {
            let Declared { id, path, .. } = &inputs.list[place];
            let _ = linker.fail_input(*id, diagnostic(path));
        }
    };
    // Most files refer to no others.
    let mut taken = Taken { sights: Vec::with_capacity(1), ..Taken::default() };
    let start = Instant::now();
    let bytes = match read_path(path, reading, &mut taken.sights) {
        Ok(bytes) => bytes,
        Err(error) => {
            fail(&|path| cannot_open(path, &error));
            return taken;
        }
    };
    if let Some(reproduce) = reading.reproduce {
        reproduce.add_input(path, &bytes);
    }
    if wald::identify(&bytes) == FileKind::Archive {
        match read_names_beside(path, &mut taken.sights) {
            Ok(names) => taken.allowed = names,
            Err(diagnostic) => {
                fail(&|_| (*diagnostic).clone());
                return taken;
            }
        }
    }
    MEMBERS.with_borrow_mut(Vec::clear);
    let opened = Instant::now();
    inputs.ids(file).for_each(|id| _ = linker.provide(id, bytes.clone()));
    reading.progress.file_took(opened.duration_since(start), opened.elapsed());
    MEMBERS.with_borrow_mut(|members| {
        if let Some(reproduce) = reading.reproduce {
            members.iter().for_each(|member| reproduce.add_member(&member.path));
        }
        taken.sights.append(members);
    });
    taken
}

fn read_path(path: &str, reading: &Reading, sights: &mut Vec<Sight>) -> std::io::Result<Bytes> {
    let host_path = crate::text::to_path(path);
    see(path, false, sights, || match reading.copies {
        true => mapped_file::copy(&host_path),
        false => mapped_file::read(&host_path, reading.keep_mapped, reading.ahead),
    })
}

/// The names in the `.imports` file that an archive may have beside it.
fn read_names_beside(archive: &str, sights: &mut Vec<Sight>) -> Result<Vec<String>, Box<Diagnostic>> {
    let path = crate::text::from_os(crate::text::to_path(archive).with_extension("imports").as_os_str());
    let bytes = see(&path, true, sights, || mapped_file::copy(&crate::text::to_path(&path)));
    match bytes {
        Ok(bytes) => Ok(names_in(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Box::new(cannot_open(&path, &error))),
    }
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
    let message = format!("cannot open {path}: {}", crate::text::error_text(error));
    let diagnostic =
        Diagnostic::error(Code::Open, message).with_location(Location::file(crate::text::to_path(path)));
    match missing_file::help(path, error) {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

/// Reads the members of thin archives.
#[derive(Clone, Copy)]
pub struct Members {
    /// As in [`Reading`].
    pub keep_mapped: bool,
    /// As in [`Reading`].
    pub copies: bool,
}

impl FileProvider for Members {
    fn read(&self, path: &std::path::Path) -> std::io::Result<Bytes> {
        MEMBERS.with_borrow_mut(|members| {
            see(&crate::text::from_path(path), false, members, || match self.copies {
                true => mapped_file::copy(path),
                false => mapped_file::read(path, self.keep_mapped, false),
            })
        })
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
