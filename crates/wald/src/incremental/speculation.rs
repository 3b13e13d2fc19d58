//! What can be linked before the last input arrives, and what a kept linker knows of its last link.
//!
//! Resolution visits the files in declared order, so it can start with the inputs up to the first gap. What these keep alive
//! stays alive, whatever follows. The link adds the remaining inputs. Its result is the same as without this preparation.

use std::sync::Arc;

use rayon::prelude::*;
use wald_demangle::Demangler;

use super::head_start::{EarlierMarks, EarlierStrings, HeadStart};
use super::inputs::InputVersion;
use super::prepare_object::prepare;
use super::speculative_marks::SpeculativeMarks;
use super::string_pools::{Pools, Source};
use super::surroundings::Surroundings;
use crate::cancel::CancelToken;
use crate::chunks::Chunks;
use crate::display::display_name_with;
use crate::index::{FileId, ObjectId};
use crate::input::Candidate;
use crate::mark_live::Marks;
use crate::object::{InputSection, Object};
use crate::options::Options;
use crate::resolve::{self, Folded};
use crate::symbols::LinkedObject;

/// The first inputs, resolved and marked.
#[derive(Clone)]
pub struct Speculation {
    inputs: Vec<InputVersion>,
    folded: Folded,
    /// The number of inputs that they include.
    marks: Option<(Marks, usize)>,
    speculative: Option<SpeculativeMarks>,
    strings: Arc<Pools>,
    /// What was replaced since the last link. `None` if there was no link, or if its layout is no longer valid.
    replacements: Option<Vec<Replacement>>,
}

/// An object that was put in the place of one with the same interface and shape.
#[derive(Clone)]
pub struct Replacement {
    /// Whose file it is.
    pub file: FileId,
    /// The object.
    pub object: Arc<Object>,
    /// Its path.
    pub path: String,
    /// Whether functions refer to the same symbols.
    pub keeps_references: bool,
    /// Whether the strings of its debug sections are the same.
    pub keeps_strings: bool,
}

impl Speculation {
    /// The inputs that were added.
    pub fn inputs(&self) -> &[InputVersion] {
        &self.inputs
    }

    /// Continues with `inputs`, which contain `files`. Reuses earlier results that are still valid.
    pub fn advance(
        around: Surroundings<'_>,
        earlier: Option<Speculation>,
        inputs: &[InputVersion],
        files: &[&Candidate],
    ) -> Speculation {
        let Surroundings { options, interners, timer, .. } = around;
        let speculative = earlier.as_ref().and_then(|earlier| earlier.speculative.clone());
        let strings = earlier.as_ref().map_or_else(Arc::default, |earlier| earlier.strings.clone());
        let earlier = earlier.and_then(|earlier| earlier.update(inputs, files));
        // Another input may change everything.
        let replacements = earlier
            .as_ref()
            .filter(|earlier| earlier.inputs.len() == inputs.len())
            .and_then(|earlier| earlier.replacements.clone());
        let (folded, marks) = earlier.map_or((None, None), |earlier| (Some(earlier.folded), earlier.marks));
        let folded = resolve::fold(options, interners, files, folded, timer);
        Speculation { inputs: inputs.to_vec(), folded, marks, speculative, strings, replacements }
    }

    /// What was replaced since the last link, if its layout is still valid. From here on, replacements count from the present link.
    pub fn begin_link(&mut self) -> Option<Vec<Replacement>> {
        self.replacements.replace(Vec::new())
    }

    /// Marks what the inputs so far keep alive.
    pub fn mark(&mut self, options: &Options) {
        // Wrapped symbols are only swapped when all files are resolved.
        let known = self.marks.as_ref().map(|&(_, inputs)| inputs);
        if self.folded.has_bitcode() {
            // What generated objects refer to is open.
            self.marks = None;
        } else if options.gc_sections
            && !options.changes_resolved_symbols()
            && known != Some(self.inputs.len())
        {
            let earlier = self.marks.take().map(|(marks, _)| marks);
            let chunks = Chunks::new(&self.folded.table);
            let marks = Marks::advance(options, &self.folded.table, &chunks, earlier);
            self.marks = Some((marks, self.inputs.len()));
        }
    }

    /// Marks what will probably be live, from the files of all available inputs: the first ones, and those after a gap. Keeps the
    /// earlier marks if `stop` is cancelled meanwhile.
    pub fn speculate(
        &mut self,
        around: Surroundings<'_>,
        files: &[&Candidate],
        inputs: usize,
        stop: &CancelToken,
    ) {
        let Surroundings { options, interners, timer, .. } = around;
        if options.gc_sections && !options.changes_resolved_symbols() && !stop.is_cancelled() {
            let folded = resolve::fold(options, interners, files, Some(self.folded.clone()), timer);
            if stop.is_cancelled() {
                return;
            }
            if folded.has_bitcode() {
                self.speculative = None;
                return;
            }
            let marks = self.marks.as_ref().map(|(marks, _)| marks.clone());
            self.speculative = Some(SpeculativeMarks::new(options, folded.table, inputs, marks));
        }
    }

    /// The number of inputs in the last speculative link, or 0.
    pub fn speculated_inputs(&self) -> usize {
        self.speculative.as_ref().map_or(0, |speculative| speculative.inputs)
    }

    /// About how many bytes the last speculative link would write.
    pub fn expected_size(&self, options: &Options) -> Option<u64> {
        self.speculative.as_ref().map(|speculative| speculative.size(options))
    }

    /// Prepares objects: see [`Prepared`](crate::object::Prepared).
    pub fn prepare_objects(&self, options: &Options, stop: &CancelToken) {
        let prepare_linked = |linked: &LinkedObject, is_live: &dyn Fn(usize) -> bool| {
            if !stop.is_cancelled() {
                linked.object().prepared.get_or_init(|| {
                    let mut demangler = Demangler::new();
                    prepare(linked.object(), options.demangle, is_live, |name, names| {
                        names.extend_from_slice(&display_name_with(&mut demangler, name, options.demangle));
                    })
                });
            }
        };
        match (&self.speculative, &self.marks) {
            (Some(speculative), _) => {
                let objects: Vec<_> = speculative.objects().collect();
                objects.par_iter().for_each(|(linked, is_live)| prepare_linked(linked, is_live));
            }
            (None, Some((marks, _))) => {
                let chunks = Chunks::new(&self.folded.table);
                self.folded.table.objects.par_iter().enumerate().for_each(|(position, linked)| {
                    let id = ObjectId::new(position);
                    prepare_linked(linked, &|function| marks.is_function_live(&chunks, id, function));
                });
            }
            // Without garbage collection, everything is live.
            (None, None) => {
                self.folded.table.objects.par_iter().for_each(|linked| prepare_linked(linked, &|_| true))
            }
        }
    }

    /// Merges the strings of debug information.
    pub fn merge_strings(&self, options: &Options, stop: &CancelToken) {
        if stop.is_cancelled() {
            return;
        }
        let mut sources: Vec<(&[u8], Vec<Source>)> = Vec::new();
        for (linked, _) in self.speculative.iter().flat_map(SpeculativeMarks::objects) {
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
            if !stop.is_cancelled() {
                self.strings.prepare(name, sources, stop);
            }
        }
    }

    /// The results so far, for a link. `keep` says whether later links will reuse what it does.
    pub fn into_head_start(self, keep: bool) -> HeadStart {
        let is_settled = !self.folded.has_bitcode();
        let first = self.marks.filter(|_| is_settled).map(|(marks, _)| marks);
        let marks = EarlierMarks { first, speculative: self.speculative.filter(|_| is_settled) };
        HeadStart { folded: self.folded, marks, strings: EarlierStrings { pools: self.strings, keep } }
    }

    /// The strings that were merged, for a link.
    pub fn strings(&self, keep: bool) -> EarlierStrings {
        EarlierStrings { pools: self.strings.clone(), keep }
    }

    /// Adapts the results to `inputs`, whose first ones may have changed. `None` if too much has changed.
    fn update(mut self, inputs: &[InputVersion], files: &[&Candidate]) -> Option<Speculation> {
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
                if candidate.lazy || self.folded.has_diagnostics() {
                    return None;
                }
                let object = candidate.parsed()?;
                // An archive's member has other roots than an object.
                let known = self.folded.object(file).filter(|_| self.folded.is_live_from_start(file))?;
                if !object.has_interface_of(known) {
                    return None;
                }
                let path = candidate.display();
                // Only its path is another one.
                let is_same = std::ptr::eq(&**object, known);
                let keeps_data_references = is_same || object.has_data_references_of(known);
                let keeps_references =
                    is_same || keeps_data_references && object.has_code_references_of(known);
                if !keeps_references {
                    self.marks = None;
                }
                match &mut self.replacements {
                    Some(replacements)
                        if keeps_data_references && (is_same || object.has_shape_of(known)) =>
                    {
                        let (object, path) = (object.clone(), path.clone());
                        let keeps_strings = is_same || object.has_debug_strings_of(known);
                        replacements.push(Replacement {
                            file,
                            object,
                            path,
                            keeps_references,
                            keeps_strings,
                        });
                    }
                    replacements => *replacements = None,
                }
                if !self.folded.swap(file, object, path) {
                    return None;
                }
            }
            first_file += new.files;
        }
        Some(self)
    }
}
