//! What every phase of a link can read: the options, the interners, and a few names.

use hashbrown::HashSet;

use crate::bit_set::BitSet;
use crate::diagnostics::Diagnostics;
use crate::display::display_name;
use crate::generation::Generation;
use crate::index::NameId;
use crate::library_provider::LibraryProvider;
use crate::messages::MessageKind;
use crate::names::Snapshot;
use crate::object::Interners;
use crate::options::Options;

/// All names and signatures of a link. Nothing can be interned while it exists, and no phase that sees it has the interners.
pub struct Interned<'a> {
    /// The names.
    pub names: Snapshot<'a>,
    /// The signatures.
    pub signatures: Snapshot<'a>,
}

/// The context of one link.
pub struct Context<'a> {
    /// The options of the link.
    pub options: &'a Options,
    /// Names and signatures.
    pub interners: &'a Interners,
    /// Finds libraries that could have been used.
    pub libraries: Option<&'a dyn LibraryProvider>,
    /// How code is generated from bitcode.
    pub generation: Generation<'a>,
    /// Names that may stay undefined (`--allow-undefined-file`).
    pub allowed_undefined: BitSet,
    /// `env`: the module of imports without a module name.
    pub env: NameId,
    /// The names of `--trace-symbol`.
    traced: HashSet<&'a [u8]>,
}

impl<'a> Context<'a> {
    /// The context of a link with these options.
    pub fn new(options: &'a Options, interners: &'a Interners, generation: Generation<'a>) -> Self {
        let name = |text: &[u8]| NameId(interners.names.intern(text));
        let mut allowed_undefined = BitSet::default();
        for symbol in options.allowed_undefined.iter().map(|symbol| name(symbol.as_bytes())) {
            allowed_undefined.grow(symbol.at() + 1, false);
            allowed_undefined.insert(symbol.at());
        }
        let traced = options.trace_symbols.iter().map(|symbol| symbol.as_bytes()).collect();
        Context {
            options,
            interners,
            libraries: None,
            generation,
            allowed_undefined,
            env: name(b"env"),
            traced,
        }
    }

    /// Ends the phases that can intern.
    pub fn freeze(self) -> Interned<'a> {
        let Interners { names, signatures, .. } = self.interners;
        Interned { names: names.snapshot(), signatures: signatures.snapshot() }
    }

    /// The id of a name.
    pub fn name(&self, text: &[u8]) -> NameId {
        NameId(self.interners.names.intern(text))
    }

    /// A name as messages print it.
    pub fn display(&self, name: NameId) -> String {
        self.interners.names.with(name.0, |text| display_name(text, self.options.demangle))
    }

    /// Reports that the linker defines a symbol, if `--trace-symbol` names it. For symbols that are defined after resolution: nothing may
    /// have referred to them.
    pub fn trace_definition(&self, name: &[u8], diagnostics: &mut Diagnostics) {
        if self.traced.contains(name) {
            let message = format!("<internal>: definition of {}", String::from_utf8_lossy(name));
            diagnostics.say(MessageKind::TraceSymbol, message);
        }
    }

    /// Whether `--allow-undefined-file` lists the name.
    pub fn may_stay_undefined(&self, name: NameId) -> bool {
        self.allowed_undefined.contains_checked(name.at())
    }
}
