//! `--watch`: stays after the link, and links again whenever an input has changed.
//!
//! The linker is kept, so that only inputs that changed are read and parsed again. Files are looked at again and again; one
//! that changed is taken when nobody has written to it for a moment, and one that is gone counts as gone when it stays away.
//! Inputs are copied into memory, never mapped, because they change. While nothing changes, the next link is prepared.

use crate::inputs::{self, Inputs, Members, Reading};
use crate::output_file::{Place, Staged};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use wald::{LinkResult, Linker};

/// How often files are looked at; less often where looking itself takes long.
const LOOK: Duration = Duration::from_millis(20);
/// A file that was not written to for so long is complete.
const QUIET: Duration = Duration::from_millis(25);
/// A file that has been away for so long is gone.
const GONE: Duration = Duration::from_millis(300);

/// What a file is known by; `None` where there is none.
type Stamp = Option<(u64, Option<SystemTime>)>;

fn stamp(path: &str) -> Stamp {
    let metadata = std::fs::metadata(Path::new(&*crate::text::to_path(path))).ok()?;
    Some((metadata.len(), metadata.modified().ok()))
}

/// A kept link and its files.
pub struct Watch<'a> {
    linker: Linker,
    inputs: &'a Inputs,
    reading: Reading<'a>,
    members: &'a Members,
    /// How each file looked when it was read.
    known: BTreeMap<String, Stamp>,
    /// How changed files looked at the last look.
    seen: BTreeMap<String, Stamp>,
    /// Since when files are away.
    away: BTreeMap<String, Instant>,
    /// The names that may stay undefined: those of the command line, and of each archive.
    allowed: (Vec<String>, BTreeMap<usize, Vec<String>>),
    /// Where the next module goes.
    place: Place,
    /// How large the last one was.
    size: usize,
}

impl<'a> Watch<'a> {
    /// A watch on a linker that has no input yet. `allowed` are the names that may stay undefined.
    pub fn new(
        linker: Linker,
        inputs: &'a Inputs,
        reading: Reading<'a>,
        members: &'a Members,
        allowed: Vec<String>,
    ) -> Self {
        let mut watch = Watch {
            linker,
            inputs,
            reading,
            members,
            known: BTreeMap::new(),
            seen: BTreeMap::new(),
            away: BTreeMap::new(),
            allowed: (allowed, BTreeMap::new()),
            place: Place::new("", false),
            size: 0,
        };
        watch.place = watch.new_place();
        for place in 0..inputs.len() {
            watch.read(place);
        }
        watch
    }

    /// Links what is there. The output's bytes are those of a link from nothing; [`Watch::write`] writes them.
    pub fn link(&mut self) -> LinkResult<()> {
        let names = self.allowed.1.values().flatten().chain(&self.allowed.0).cloned().collect();
        if self.linker.options().allowed_undefined != names {
            self.linker.options_mut().allowed_undefined = names;
        }
        let result = self.linker.link_into(&mut self.place);
        // Members of thin archives are files of their own, which the link read when it needed them.
        for path in self.members.take_paths() {
            let now = stamp(&path);
            self.known.entry(path).or_insert(now);
        }
        result
    }

    /// Stages the module of the last link, which succeeded.
    pub fn stage(&mut self, stdout: &mut dyn Write) -> io::Result<Staged> {
        let place = self.new_place();
        let place = std::mem::replace(&mut self.place, place);
        self.size = place.size();
        place.stage(stdout)
    }

    fn new_place(&self) -> Place {
        Place::new(&self.linker.options().output, false)
    }

    /// Waits until files have changed, and reads them again. Gives back their paths.
    pub fn wait(&mut self) -> Vec<String> {
        // There is time.
        self.linker.prepare();
        // The next module may be a little larger.
        self.place.prepare(self.size + self.size / 32);
        loop {
            let before = Instant::now();
            let changed = self.changed();
            if !changed.is_empty() {
                self.read_again(&changed);
                return changed;
            }
            std::thread::sleep(LOOK.max(before.elapsed() * 4));
        }
    }

    /// The files that have changed and are complete.
    fn changed(&mut self) -> Vec<String> {
        let mut changed = Vec::new();
        for (path, known) in &self.known {
            let now = stamp(path);
            if now.is_some() {
                self.away.remove(path);
            }
            let is_complete = match now {
                _ if now == *known => false,
                None => self.away.entry(path.clone()).or_insert_with(Instant::now).elapsed() >= GONE,
                // A time in the future says nothing.
                // A file that is just being cut has its new length a moment before its new time: two looks must agree.
                Some((_, modified)) => {
                    inputs::age_of(modified).is_none_or(|age| age >= QUIET)
                        && self.seen.insert(path.clone(), now) == Some(now)
                }
            };
            if is_complete {
                changed.push(path.clone());
            }
        }
        changed
    }

    fn read_again(&mut self, changed: &[String]) {
        let mut places: Vec<usize> = (0..self.inputs.len())
            .filter(|&place| changed.iter().any(|path| path == self.inputs.path(place)))
            .collect();
        if changed.iter().any(|path| !self.inputs.paths().any(|input| input == path)) {
            // A member changed: what a thin archive says of it may no longer be true.
            places = (0..self.inputs.len())
                .filter(|place| places.contains(place) || self.is_thin(*place))
                .collect();
            changed.iter().for_each(|path| _ = self.known.remove(path));
        }
        for place in places {
            self.linker.replace(self.inputs.id(place));
            self.read(place);
        }
    }

    fn is_thin(&self, place: usize) -> bool {
        let mut start = [0; 8];
        let file = std::fs::File::open(&*crate::text::to_path(self.inputs.path(place)));
        let read = file.and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
        read.is_ok() && start == *b"!<thin>\n"
    }

    fn read(&mut self, place: usize) {
        let path = self.inputs.path(place);
        // Before the bytes: a change while they are read is seen at the next look.
        self.known.insert(path.to_string(), stamp(path));
        let names = inputs::read_place(&self.linker, self.inputs, place, &self.reading);
        self.allowed.1.insert(place, names);
    }
}
