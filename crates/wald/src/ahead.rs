//! What can be linked before the last input is there, and what a kept linker knows of its last link.
//!
//! Resolution goes through the files in declared order, so it can go as far as inputs are there without a gap; and
//! what these keep alive among themselves stays alive whatever follows. Both are made while the compiler still
//! works, and nothing of the result depends on whether they were: the rest is added to what is there.

use crate::chunks::Chunks;
use crate::index::{FileId, InputId};
use crate::input::Candidate;
use crate::mark_live::Marks;
use crate::object::Interners;
use crate::options::Options;
use crate::resolve::{self, Folded};
use crate::timing::Timer;

/// An input as far as it matters whether it is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputVersion {
    /// The input.
    pub id: InputId,
    /// Counts its replacements.
    pub version: u32,
    /// How many files it brought.
    pub files: usize,
}

/// The first inputs, resolved and marked.
#[derive(Clone)]
pub struct Ahead {
    inputs: Vec<InputVersion>,
    folded: Folded,
    /// And how many of the inputs they know.
    marks: Option<(Marks, usize)>,
}

impl Ahead {
    /// How many inputs were added.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Goes on to `inputs`, which bring `files`. What was done before is used as far as it still holds.
    pub fn advance(
        options: &Options,
        interners: &Interners,
        earlier: Option<Ahead>,
        inputs: &[InputVersion],
        files: &[&Candidate],
        timer: &Timer,
    ) -> Ahead {
        let earlier = earlier.and_then(|ahead| ahead.update(inputs, files));
        let (folded, marks) = earlier.map_or((None, None), |ahead| (Some(ahead.folded), ahead.marks));
        let folded = resolve::fold(options, interners, files, folded, timer);
        Ahead { inputs: inputs.to_vec(), folded, marks }
    }

    /// Marks what is kept alive so far.
    pub fn mark(&mut self, options: &Options) {
        // Wrapped symbols change places when all files are there.
        let known = self.marks.as_ref().map(|&(_, inputs)| inputs);
        if options.gc_sections && options.wrap.is_empty() && known != Some(self.inputs.len()) {
            let earlier = self.marks.take().map(|(marks, _)| marks);
            let chunks = Chunks::new(&self.folded.table);
            let marks = Marks::advance(options, &self.folded.table, &chunks, earlier);
            self.marks = Some((marks, self.inputs.len()));
        }
    }

    /// How large the output of these inputs is, about; `None` where nothing was marked.
    pub fn output_size(&self) -> Option<u64> {
        let (marks, _) = self.marks.as_ref()?;
        Some(marks.bytes_of(&self.folded.table, &Chunks::new(&self.folded.table)))
    }

    /// What was made.
    pub fn into_parts(self) -> (Folded, Option<Marks>) {
        (self.folded, self.marks.map(|(marks, _)| marks))
    }

    /// Makes it fit for `inputs`, of which it may know the first ones in other versions. `None` where too much has
    /// changed.
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
