//! Target features: what the output says it uses, and whether the inputs go together.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#target-features-section>.

mod explain;

use std::collections::BTreeSet;

use hashbrown::hash_map::{Entry, HashMap};
use rayon::prelude::*;

use self::explain::Explanation;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::index::{NameId, ObjectId};
use crate::input::Joined;
use crate::options::Options;
use crate::program::Program;
use crate::resolve::llvm_order::string_map_order;
use crate::symbols::LinkedObject;

/// The output's target features.
#[derive(Debug, Default)]
pub struct Features {
    /// Names, sorted.
    pub used: BTreeSet<Vec<u8>>,
}

impl Features {
    /// Whether the output may use the feature.
    pub fn has(&self, name: &str) -> bool {
        self.used.contains(name.as_bytes())
    }
}

/// A feature and the first file that states it, in the order of first appearance.
#[derive(Default)]
struct Stated<'a> {
    list: Vec<(&'a [u8], String)>,
    position: HashMap<&'a [u8], usize>,
}

impl<'a> Stated<'a> {
    fn insert(&mut self, name: &'a [u8], file: impl FnOnce() -> String) {
        if let Entry::Vacant(entry) = self.position.entry(name) {
            entry.insert(self.list.len());
            self.list.push((name, file()));
        }
    }

    fn find(&self, name: &[u8]) -> Option<&str> {
        self.position.get(name).map(|&position| self.list[position].1.as_str())
    }
}

/// Collects and checks the features of all objects that are linked, archive members included.
pub fn collect(
    options: &Options,
    inputs: &Joined<'_>,
    program: Program<'_>,
    diagnostics: &mut Diagnostics,
) -> Features {
    let mut features = Features::default();
    features.used.extend(options.extra_features.iter().map(|name| name.clone().into_bytes()));
    if options.is_position_independent() {
        features.used.insert(b"mutable-globals".to_vec());
    }
    if let Some(explicit) = &options.features {
        features.used.extend(explicit.iter().map(|name| name.clone().into_bytes()));
        if !options.check_features {
            return features;
        }
    }
    let (mut used, mut disallowed) = (Stated::default(), Stated::default());
    let mut seen: HashMap<NameId, ()> = HashMap::new();
    for (position, linked) in program.objects.iter().enumerate() {
        let properties = &linked.properties;
        // What an earlier object stated in the same words adds nothing.
        let new = properties.features.is_some_and(|text| seen.insert(text, ()).is_none());
        if new {
            let object = linked.object();
            for feature in object.features.iter().flatten() {
                let name = feature.name.of(&object.bytes);
                let list = if feature.prefix == b'-' { &mut disallowed } else { &mut used };
                list.insert(name, || file_name(program, position));
            }
        }
    }
    if options.features.is_none() {
        features.used.extend(used.list.iter().map(|(name, _)| name.to_vec()));
    }
    if options.check_features {
        let explanation = Explanation { options, program, files: &inputs.files };
        check(explanation, &features, &used, &disallowed, uses_tls(program), diagnostics);
    }
    features
}

/// Whether thread-local data are linked.
fn uses_tls(program: Program<'_>) -> bool {
    let has_live_tls = |(position, linked): (usize, &LinkedObject)| {
        let segments = &program.chunks.segments;
        let is_live = |index| program.live.segments.contains(segments.of(ObjectId::new(position), index));
        linked.properties.has_tls
            && linked
                .object()
                .segments
                .iter()
                .zip(0..)
                .any(|(segment, index)| segment.is_tls() && is_live(index))
    };
    program.objects.par_iter().enumerate().with_min_len(64).any(has_live_tls)
}

/// The name by which messages call an object: an archive member goes without its archive.
fn file_name(program: Program<'_>, position: usize) -> String {
    let path = &program.objects[position].path;
    match (path.rfind('('), path.ends_with(')')) {
        (Some(open), true) => path[open + 1..path.len() - 1].to_string(),
        _ => path.to_string(),
    }
}

fn check(
    explanation: Explanation<'_>,
    features: &Features,
    used: &Stated<'_>,
    disallowed: &Stated<'_>,
    tls_used: bool,
    diagnostics: &mut Diagnostics,
) {
    let Explanation { options, program, .. } = explanation;
    let error = |message: String| Diagnostic::error(Code::Features, message);
    if options.shared_memory {
        if let Some(file) = disallowed.find(b"shared-mem") {
            let error = error(format!(
                "--shared-memory is disallowed by {file} because it was not compiled with 'atomics' or \
                 'bulk-memory' features."
            ));
            diagnostics.push(explanation.not_for_threads(error));
        }
    }
    let missing = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().copied().filter(|name| !features.has(name)).collect()
    };
    let mut demand = |missing: &[&'static str], to: &str, is_first: bool| {
        for (number, feature) in missing.iter().enumerate() {
            let error = error(format!("'{feature}' feature must be used in order to use {to}"));
            let mut error = explanation.missing(error, missing, feature, is_first && number == 0);
            let variables = (tls_used && number == 0).then(|| explanation.thread_local());
            error.notes.extend(variables.flatten());
            diagnostics.push(error);
        }
    };
    if options.shared_memory {
        demand(&missing(&["atomics", "bulk-memory"]), "shared memory", true);
    }
    if tls_used {
        // Cooperative threads need no atomic operations, but copy a block for each.
        let needed =
            if options.cooperative_threading { &["bulk-memory"][..] } else { &["atomics", "bulk-memory"] };
        demand(&missing(needed), "thread-local storage", !options.shared_memory);
    }
    if options.features.is_some() {
        let order = string_map_order(used.list.iter().map(|(name, _)| *name));
        let refused = order.into_iter().map(|position| &used.list[position]);
        let refused: Vec<_> = refused.filter(|(name, _)| !features.used.contains(*name)).collect();
        for (number, (name, file)) in refused.iter().enumerate() {
            let text = String::from_utf8_lossy(name);
            let error = error(format!("Target feature '{text}' used by {file} is not allowed."));
            diagnostics.push(explanation.not_allowed(error, name, (number, &refused)));
        }
    }
    if disallowed.list.is_empty() {
        return;
    }
    // Most objects state the same, which is looked at once.
    let mut offends: HashMap<NameId, bool> = HashMap::new();
    let mut explained: HashMap<&[u8], ()> = HashMap::new();
    for (position, linked) in program.objects.iter().enumerate() {
        let Some(text) = linked.properties.features else { continue };
        let uses_disallowed = || {
            let object = linked.object();
            let mut used = object.features.iter().flatten().filter(|feature| feature.prefix != b'-');
            used.any(|feature| disallowed.find(feature.name.of(&object.bytes)).is_some())
        };
        if !*offends.entry(text).or_insert_with(uses_disallowed) {
            continue;
        }
        for feature in linked.object().features.iter().flatten().filter(|f| f.prefix != b'-') {
            let name = feature.name.of(&linked.object().bytes);
            if let Some(file) = disallowed.find(name) {
                let error = error(format!(
                    "Target feature '{}' used in {} is disallowed by {file}. Use --no-check-features to suppress.",
                    String::from_utf8_lossy(name),
                    file_name(program, position)
                ));
                let is_new = explained.insert(name, ()).is_none();
                diagnostics.push(if is_new { explanation.disallowed(error, name) } else { error });
            }
        }
    }
}
