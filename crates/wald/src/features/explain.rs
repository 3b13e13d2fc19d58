//! Says which objects have a feature and which lack it, and how they should be compiled.

use crate::diagnostics::{Diagnostic, Fix, Help, Note};
use crate::index::ObjectId;
use crate::input::Candidate;
use crate::object::Object;
use crate::options::Options;
use crate::places::{self, File, Place};
use crate::program::Program;
use crate::recompile::{self, Flag};

/// So many thread-local variables are named.
const MOST_VARIABLES: usize = 3;

/// What threads need.
const THREADS: Flag<'_> = Flag {
    clang: "-pthread",
    or: ", or at least with -matomics -mbulk-memory",
    rustc: "-C target-feature=+atomics,+bulk-memory",
    and: ", and the standard library with -Z build-std",
};

/// Features that clang has a flag for.
const OF_CLANG: [&str; 18] = [
    "atomics",
    "bulk-memory",
    "bulk-memory-opt",
    "call-indirect-overlong",
    "exception-handling",
    "extended-const",
    "fp16",
    "gc",
    "multimemory",
    "multivalue",
    "mutable-globals",
    "nontrapping-fptoint",
    "reference-types",
    "relaxed-simd",
    "sign-ext",
    "simd128",
    "tail-call",
    "wide-arithmetic",
];

/// What errors about features are explained with.
#[derive(Clone, Copy)]
pub(super) struct Explanation<'a> {
    pub(super) options: &'a Options,
    pub(super) program: Program<'a>,
    /// All files.
    pub(super) files: &'a [&'a Candidate],
}

impl<'a> Explanation<'a> {
    /// Explains that objects cannot be part of a program with threads.
    pub(super) fn not_for_threads(self, mut error: Diagnostic) -> Diagnostic {
        let offenders = self.objects(|object| states(object, b'-', b"shared-mem"));
        error.location = offenders.first().map(File::location);
        error.helps = recompile::with_flag(&offenders, THREADS);
        error.with_note(recompile::note("compiled without 'atomics' or 'bulk-memory':", &offenders))
    }

    /// Explains that a feature is missing, one of `all` that are. The first error has helps for all.
    pub(super) fn missing(
        self,
        error: Diagnostic,
        all: &[&str],
        feature: &str,
        is_first: bool,
    ) -> Diagnostic {
        let offenders = self.objects(|object| !states(object, b'+', feature.as_bytes()));
        let mut error = error;
        error.location = offenders.first().map(File::location);
        if !offenders.is_empty() {
            let text = format!("compiled without '{feature}':");
            error = error.with_note(recompile::note(&text, &offenders));
        }
        if self.options.features.is_some() && offenders.is_empty() && is_first {
            error.helps.push(allow(all.iter().copied()));
        } else if is_first {
            error.helps = match all.contains(&"atomics") {
                true => recompile::with_flag(&offenders, THREADS),
                false => self.with_feature(&offenders, feature, true),
            };
        }
        error
    }

    /// Explains that `--features` does not have a feature that objects use: the one at a position among all that are not allowed.
    pub(super) fn not_allowed(
        self,
        error: Diagnostic,
        feature: &[u8],
        (number, all): (usize, &[&(&[u8], String)]),
    ) -> Diagnostic {
        let users = self.objects(|object| states(object, b'+', feature));
        let mut error = error;
        error.location = users.first().map(File::location);
        if users.len() > 1 {
            error.notes.push(recompile::note("used by", &users));
        }
        error.helps = self.with_feature(&users, &String::from_utf8_lossy(feature), false);
        if number == 0 {
            let names: Vec<_> = all.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
            error.helps.push(allow(names.iter().map(|name| &**name)));
        }
        error
    }

    /// Explains that some objects use a feature that others disallow.
    pub(super) fn disallowed(self, error: Diagnostic, feature: &[u8]) -> Diagnostic {
        let users = self.objects(|object| states(object, b'+', feature));
        let others = self.objects(|object| states(object, b'-', feature));
        let name = String::from_utf8_lossy(feature);
        let mut error = error;
        error.location = users.first().map(File::location);
        error.notes.push(recompile::note("used by", &users));
        error.notes.push(recompile::note("disallowed by", &others));
        error.helps = self.with_feature(&others, &name, true);
        error.helps.extend(self.with_feature(&users, &name, false));
        error
    }

    /// Says that objects should be compiled with a feature, or without it.
    fn with_feature(self, files: &[File<'_>], feature: &str, is_wanted: bool) -> Vec<Help> {
        if !OF_CLANG.contains(&feature) {
            return Vec::new();
        }
        let (no, sign) = if is_wanted { ("", '+') } else { ("no-", '-') };
        let (clang, rustc) = (format!("-m{no}{feature}"), format!("-C target-feature={sign}{feature}"));
        recompile::with_flag(files, Flag { clang: &clang, or: "", rustc: &rustc, and: "" })
    }

    /// The objects of which this is true.
    fn objects(self, is_it: impl Fn(&Object) -> bool) -> Vec<File<'a>> {
        let objects = self.program.objects.iter().filter(|linked| is_it(linked.object()));
        objects.map(|linked| File::linked(linked, self.files)).collect()
    }

    /// Names the first thread-local variables. `None` if there is none.
    pub(super) fn thread_local(self) -> Option<Note> {
        let Program { chunks, live, .. } = self.program;
        let mut found = Vec::new();
        let mut more = 0;
        for (position, linked) in self.program.objects.iter().enumerate() {
            let object = linked.object();
            let is_live = |segment: u32| {
                let flat = chunks.segments.of(ObjectId::new(position), segment as usize);
                live.segments.contains(flat)
            };
            let variables = object.symbols.iter().filter(|symbol| {
                symbol.flags.is_tls() && symbol.lies_in_segment() && is_live(symbol.element)
            });
            let places: Vec<Place> = variables
                .map(|symbol| Place::Data {
                    segment: symbol.element as usize,
                    offset: u32::try_from(symbol.offset).unwrap_or(u32::MAX),
                })
                .collect();
            let first = &places[..places.len().min(MOST_VARIABLES - found.len())];
            more += places.len() - first.len();
            let file = File::linked(linked, self.files);
            found.extend(places::describe(&file, first, self.options.demangle));
        }
        let mut texts: Vec<String> = found.iter().map(|place| place.text.clone()).collect();
        if more > 0 {
            texts.push(format!("and {more} more"));
        }
        let locations = found.into_iter().map(|place| place.location).collect();
        let text = format!("thread-local: {}", texts.join("; "));
        (!texts.is_empty()).then(|| Note::new(text).with_locations(locations))
    }
}

/// Whether an object's `target_features` section has a line.
fn states(object: &Object, prefix: u8, name: &[u8]) -> bool {
    let mut features = object.features.iter().flatten();
    features
        .any(|feature| (feature.prefix == b'-') == (prefix == b'-') && feature.name.of(&object.bytes) == name)
}

/// Says which option allows features in spite of `--features`.
fn allow<'n>(features: impl Iterator<Item = &'n str>) -> Help {
    let argument = format!("--extra-features={}", features.collect::<Vec<_>>().join(","));
    Help::new(format!("add {argument}")).with_fix(Fix::AddArgument { argument: argument.into() })
}
