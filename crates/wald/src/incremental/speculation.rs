//! What can be linked before the last input arrives, and what a kept linker knows of its last link.
//!
//! Resolution visits the files in declared order, so it can start with the inputs up to the first gap. What these keep alive
//! stays alive, whatever follows. The link adds the remaining inputs. Its result is the same as without this preparation.

use std::sync::Arc;

use rayon::prelude::*;
use wald_demangle::Demangler;

use crate::cancel::CancelToken;
use crate::chunks::Chunks;
use crate::index::{FileId, InputId, ObjectId};
use crate::input::Candidate;
use crate::mark_live::{Earlier, Guess, Marks};
use crate::merge_strings::{Pools, Source};
use crate::object::{InputSection, Interners, Prepared};
use crate::options::Options;
use crate::resolve::{self, display_name_with, Folded};
use crate::symbols::LinkedObject;
use crate::timing::Timer;

/// Identifies the contents of an input, to notice changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputVersion {
    /// The input.
    pub id: InputId,
    /// Counts its replacements.
    pub version: u32,
    /// The number of files in it.
    pub files: usize,
}

/// The first inputs, resolved and marked.
#[derive(Clone)]
pub struct Ahead {
    inputs: Vec<InputVersion>,
    folded: Folded,
    /// The number of inputs that they include.
    marks: Option<(Marks, usize)>,
    guess: Option<Guess>,
    strings: Arc<Pools>,
}

impl Ahead {
    /// The inputs that were added.
    pub fn inputs(&self) -> &[InputVersion] {
        &self.inputs
    }

    /// Continues with `inputs`, which contain `files`. Reuses earlier results that are still valid.
    pub fn advance(
        options: &Options,
        interners: &Interners,
        earlier: Option<Ahead>,
        inputs: &[InputVersion],
        files: &[&Candidate],
        timer: &Timer,
    ) -> Ahead {
        let guess = earlier.as_ref().and_then(|ahead| ahead.guess.clone());
        let strings = earlier.as_ref().map_or_else(Arc::default, |ahead| ahead.strings.clone());
        let earlier = earlier.and_then(|ahead| ahead.update(inputs, files));
        let (folded, marks) = earlier.map_or((None, None), |ahead| (Some(ahead.folded), ahead.marks));
        let folded = resolve::fold(options, interners, files, folded, timer);
        Ahead { inputs: inputs.to_vec(), folded, marks, guess, strings }
    }

    /// Marks what the inputs so far keep alive.
    pub fn mark(&mut self, options: &Options) {
        // Wrapped symbols are only swapped when all files are resolved.
        let known = self.marks.as_ref().map(|&(_, inputs)| inputs);
        if options.gc_sections && options.wrap.is_empty() && known != Some(self.inputs.len()) {
            let earlier = self.marks.take().map(|(marks, _)| marks);
            let chunks = Chunks::new(&self.folded.table);
            let marks = Marks::advance(options, &self.folded.table, &chunks, earlier);
            self.marks = Some((marks, self.inputs.len()));
        }
    }

    /// Guesses what will be live from all files that exist: those of the first inputs, and those after a gap.
    pub fn guess(
        &mut self,
        options: &Options,
        interners: &Interners,
        files: &[&Candidate],
        inputs: usize,
        timer: &Timer,
    ) {
        if options.gc_sections && options.wrap.is_empty() {
            let folded = resolve::fold(options, interners, files, Some(self.folded.clone()), timer);
            let marks = self.marks.as_ref().map(|(marks, _)| marks.clone());
            self.guess = Some(Guess::new(options, folded.table, (self.inputs.len(), inputs), marks));
        }
    }

    /// The number of inputs in the last guess.
    pub fn guessed(&self) -> usize {
        self.guess.as_ref().map_or(0, |guess| guess.inputs)
    }

    /// Prepares objects: see [`Prepared`].
    pub fn prepare_objects(&self, options: &Options, stop: &CancelToken) {
        let prepare = |linked: &LinkedObject, is_live: &dyn Fn(usize) -> bool| {
            if !stop.is_cancelled() {
                linked.object().prepared.get_or_init(|| {
                    let mut demangler = Demangler::new();
                    Prepared::new(linked.object(), options.demangle, is_live, |name, names| {
                        names.extend_from_slice(&display_name_with(&mut demangler, name, options.demangle));
                    })
                });
            }
        };
        match (&self.guess, &self.marks) {
            (Some(guess), _) => {
                let objects: Vec<_> = guess.objects().collect();
                objects.par_iter().for_each(|(linked, is_live)| prepare(linked, is_live));
            }
            (None, Some((marks, _))) => {
                let chunks = Chunks::new(&self.folded.table);
                self.folded.table.objects.par_iter().enumerate().for_each(|(position, linked)| {
                    let id = ObjectId::new(position);
                    prepare(linked, &|function| marks.is_function_live(&chunks, id, function));
                });
            }
            // Without garbage collection, everything is live.
            (None, None) => {
                self.folded.table.objects.par_iter().for_each(|linked| prepare(linked, &|_| true))
            }
        }
    }

    /// Merges the strings of debug information.
    pub fn merge_strings(&self, options: &Options) {
        let mut sources: Vec<(&[u8], Vec<Source>)> = Vec::new();
        for (linked, _) in self.guess.iter().flat_map(Guess::objects) {
            let object = linked.object();
            for (section, contents) in object.custom_sections.iter().enumerate() {
                let name = contents.name.of(&object.bytes);
                let unwanted = options.strip_debug || options.strip_all || contents.data.len == 0;
                if unwanted
                    || !InputSection::is_mergeable(options, name)
                    || linked.is_discarded(contents.comdat)
                {
                    continue;
                }
                let source = Source { object: linked.shared_object().clone(), section: section as u32 };
                match sources.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sources)) => sources.push(source),
                    None => sources.push((name, vec![source])),
                }
            }
        }
        for (name, sources) in sources {
            self.strings.merge(name, &sources);
        }
    }

    /// The estimated size of the output of the inputs that exist, and their number. `None` without a guess.
    pub fn output_size(&self) -> Option<(u64, usize)> {
        self.guess.as_ref().map(|guess| (guess.output_size(), guess.inputs))
    }

    /// The results so far.
    pub fn into_parts(self) -> (Folded, Earlier, Arc<Pools>) {
        let marks = self.marks.map(|(marks, _)| marks);
        (self.folded, Earlier { marks, guess: self.guess }, self.strings)
    }

    /// Adapts the results to `inputs`, whose first ones may have changed. `None` if too much has changed.
    fn update(mut self, inputs: &[InputVersion], files: &[&Candidate]) -> Option<Ahead> {
        if self.inputs.len() > inputs.len() {
            return None;
        }
        let mut first_file = 0;
        for (old, new) in self.inputs.iter().zip(inputs) {
            if old.id != new.id || old.files != new.files {
                return None;
            }
            if old != new {
                let file = FileId::new(first_file);
                let [candidate] = files.get(first_file..first_file + new.files)? else { return None };
                if candidate.lazy {
                    return None;
                }
                let object = candidate.parsed()?;
                let known = self.folded.object(file)?;
                if !object.has_interface_of(known) {
                    return None;
                }
                if !object.has_references_of(known) {
                    self.marks = None;
                }
                self.folded.swap(file, object);
            }
            first_file += new.files;
        }
        Some(self)
    }
}
