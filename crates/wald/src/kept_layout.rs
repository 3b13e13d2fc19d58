//! The layout of a kept linker's last link. If every input that changed since has the shape of the old one, the next link goes on from
//! the layout and only writes: what it would decide is known.

use std::sync::{Mutex, PoisonError};

use crate::incremental::{EarlierStrings, HeadStart, Replacement};
use crate::index::{FileId, ObjectId};
use crate::layout::Decisions;
use crate::leftovers::Leftovers;
use crate::mark_live;
use crate::options::Options;
use crate::output::{KeptOutput, Plan, Replaced};
use crate::program::{Contents, Program};
use crate::scan_relocations::scan_objects;
use crate::symbols::Purpose;

/// A layout and the plan of its output.
pub struct KeptLayout {
    /// What is linked.
    pub contents: Contents,
    /// Where it is.
    pub decisions: Decisions,
    /// The output.
    pub plan: Plan,
    /// What was replaced since the plan was made.
    pub replaced: Replaced,
    /// The bytes of the output, if they are known.
    pub output: KeptOutput,
}

/// What a link begins with.
pub enum Start {
    /// Resolved inputs.
    Inputs(Box<HeadStart>),
    /// The layout of the last link, with replaced objects.
    Layout(Box<KeptLayout>, EarlierStrings),
}

/// What is in the output, and where.
pub struct LaidOut {
    /// What is linked.
    pub contents: Contents,
    /// Where it is. A link from nothing has not made the code of the linker's own functions yet.
    pub decisions: Decisions,
    /// Whether the layout stays valid if objects are replaced by others of the same shape.
    pub is_reusable: bool,
}

/// What a link leaves.
#[derive(Default)]
pub struct Linked {
    /// What can be dropped.
    pub leftovers: Leftovers,
    /// The layout, if a later link can go on from it.
    pub layout: Option<KeptLayout>,
}

impl Linked {
    /// Keeps the layout if it is reusable.
    pub fn new(laid_out: LaidOut, plan: Plan, output: KeptOutput) -> Self {
        let LaidOut { contents, decisions, is_reusable } = laid_out;
        let mut linked = Linked::default();
        match is_reusable {
            true => {
                let replaced = Replaced::default();
                linked.layout = Some(KeptLayout { contents, decisions, plan, replaced, output });
            }
            false => linked.leftovers.add((plan, decisions, contents)),
        }
        linked
    }
}

impl KeptLayout {
    /// Puts objects in the place of those with the same shape. Whether the layout stays valid: if code refers to other symbols, the same must
    /// be live, and the objects must ask for the same.
    pub fn replace(&mut self, options: &Options, replacements: Vec<Replacement>) -> bool {
        let object_of = |file: FileId| self.contents.symbols.object_of(file);
        let changed = replacements.iter().filter(|replacement| !replacement.keeps_references);
        let changed: Vec<ObjectId> = changed.filter_map(|replacement| object_of(replacement.file)).collect();
        let scans = |contents: &Contents| match changed.is_empty() {
            true => Vec::new(),
            false => scan_objects(options, contents.program_to_scan(), &changed),
        };
        let asked = scans(&self.contents);
        for Replacement { file, object, path, keeps_strings, .. } in replacements {
            let symbols = &mut self.contents.symbols;
            if let Some(id) = symbols.object_of(file) {
                let linked = &mut symbols.objects[id.at()];
                let is_same = std::sync::Arc::ptr_eq(linked.shared_object(), &object);
                linked.swap(object, path);
                // If only its path is another one, its part of the output is the same.
                if !is_same {
                    self.replaced.objects.push(id);
                    self.replaced.changes_strings |= !keeps_strings;
                }
            }
        }
        let Contents { symbols, chunks, live, .. } = &self.contents;
        changed.is_empty()
            || mark_live::mark_live(options, symbols, chunks, None) == *live && scans(&self.contents) == asked
    }
}

/// Whether the layout depends on more than interfaces, references and shapes: the linker makes code of relocations with their places
/// and addends.
pub fn depends_on_relocations(program: Program<'_>) -> bool {
    program
        .functions()
        .any(|function| matches!(function.purpose, Purpose::ApplyDataRelocs | Purpose::ApplyTlsRelocs))
}

/// Where a linker keeps the layout of its last link.
#[derive(Default)]
pub struct LayoutStore(Mutex<Option<KeptLayout>>);

impl LayoutStore {
    /// Takes the layout out.
    pub fn take(&self) -> Option<KeptLayout> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps a layout.
    pub fn put(&self, layout: Option<KeptLayout>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = layout;
    }
}
