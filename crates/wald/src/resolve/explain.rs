//! Notes and helps about what resolution reports: names that nothing defines, and symbols with two definitions or two signatures.

use super::add::Incoming;
use super::*;
use crate::diagnostics::{Location, Note};
use crate::format::relocation::RelocationType;
use crate::hints::Hints;
use crate::index::ObjectSymbolIndex;
use crate::object::ObjectSymbol;
use crate::places::{self, Described, File, Place};
use crate::symbols::Reference;

impl Resolver<'_> {
    /// Reports that nothing defines the entry.
    pub(super) fn unknown_entry(&mut self, name: &str) {
        let hints =
            Hints { options: self.options, interners: self.interners, table: self.table, files: self.files };
        let message = format!("entry symbol not defined (pass --no-entry to suppress): {name}");
        let mut diagnostic = Diagnostic::error(Code::UndefinedSymbol, message);
        hints.about_entry(name).add_to(&mut diagnostic);
        self.diagnostics.push(diagnostic);
    }

    /// Adds to an error about two definitions where both are, why the second file is linked, and what is probably wrong.
    pub(super) fn explain_duplicate(
        &self,
        id: SymbolId,
        incoming: &Incoming,
        error: Diagnostic,
    ) -> Diagnostic {
        let existing = self.table.get(id);
        let first = self.describe_symbol(existing.file, existing.index);
        let second = self.describe_symbol(incoming.file, incoming.index);
        let mut error = error;
        if let (Some(first), Some(second)) = (&first, &second) {
            error = error.with_location(second.location.clone());
            let sources = [first, second].map(|place| place.location.source.as_ref());
            if let [Some(one), Some(other)] = sources {
                let text = match one == other {
                    true => format!("both are defined at {one:#}"),
                    false => format!("defined at {one:#}, and at {other:#}"),
                };
                let locations = vec![first.location.clone(), second.location.clone()];
                error.notes.push(Note::new(text).with_locations(locations));
            }
            error = error.with_help(self.one_definition(existing.name, &first.location, &second.location));
        }
        let reason = self.reason.filter(|_| incoming.file.is_some_and(|file| self.files[file.at()].lazy));
        if let Some((referrer, symbol)) = reason {
            let (file, symbol) = (self.file_name(incoming.file), self.display(self.table.get(symbol).name));
            let referrer = match referrer {
                Some(referrer) => self.file_name(Some(referrer)),
                None => "an option".into(),
            };
            error = error.with_note(format!("{file} was linked because {referrer} refers to {symbol}"));
        }
        error
    }

    /// What to do about two definitions.
    fn one_definition(&self, name: NameId, first: &Location, second: &Location) -> String {
        let name = self.display(name);
        if first.path == second.path && first.member.is_none() && second.member.is_none() {
            return format!("{first} is linked twice: name it once");
        }
        match [first, second].map(|location| location.source.as_ref()) {
            [Some(one), Some(other)] if (&one.file, one.line) == (&other.file, other.line) => {
                let file = one.file.to_escaped();
                match is_source_file(&file) {
                    true => format!("{file} is compiled into both files: link one of them"),
                    false => format!("each file that includes {file} defines {name}: make it inline or static"),
                }
            }
            _ if matches!(&name[..], "main" | "__main_void" | "__original_main") => {
                "a program has one main function: link only one of the files, or rename one of the functions".into()
            }
            _ => format!(
                "keep one definition of {name}; if each file needs its own, make it static or give it another name"
            ),
        }
    }

    /// Where a file defines a symbol. `None` if the file is not an object.
    fn describe_symbol(&self, file: Option<FileId>, index: ObjectSymbolIndex) -> Option<Described> {
        let candidate = *self.files.get(file?.at())?;
        let object = candidate.parsed()?;
        let path = candidate.display();
        let file = File { object, path: &path, candidate: Some(candidate) };
        let place = Place::of_definition(object, index.0);
        places::describe(&file, &[place], self.options.demangle).pop()
    }

    /// Adds to an error about a symbol that is two kinds of thing where it is which.
    pub(super) fn explain_kinds(
        &self,
        id: SymbolId,
        kind: SymbolKind,
        file: Option<FileId>,
        error: Diagnostic,
    ) -> Diagnostic {
        let existing = self.table.get(id);
        let symbol = self.interners.names.with(existing.name.0, <[u8]>::to_vec);
        let first = self.describe_kind(existing.file, existing.kind, &symbol);
        let second = self.describe_kind(file, kind, &symbol);
        let (Some((first, is_first_defined)), Some((second, is_second_defined))) = (first, second) else {
            return error;
        };
        let how = |is_defined: bool, kind: SymbolKind, place: &Described| {
            let how = if is_defined { "defined" } else { "used" };
            // Of a definition, the line says enough.
            let text = match place.location.source.as_ref().filter(|_| is_defined) {
                Some(source) => format!("{source:#}"),
                None => place.text.clone(),
            };
            format!("{how} as a {} at {text}", kind_in_words(kind))
        };
        let text = format!(
            "{}, {}",
            how(is_first_defined, existing.kind, &first),
            how(is_second_defined, kind, &second)
        );
        let name = self.display(existing.name);
        let help = match (is_first_defined, is_second_defined) {
            (true, true) => format!("give one of them another name than {name}, or make it static"),
            (false, false) => format!("declare {name} once, in a header that both files include"),
            (is_first, _) => {
                let kind = kind_in_words(if is_first { existing.kind } else { kind });
                format!("declare {name} as a {kind}, once, in a header that both files include")
            }
        };
        // The wrong one is probably the declaration.
        let location = if is_second_defined && !is_first_defined { &first } else { &second }.location.clone();
        let note = Note::new(text).with_locations(vec![first.location, second.location]);
        error.with_location(location).with_note(note).with_help(help)
    }

    /// Where a file defines a symbol of this name and kind, or uses it first, and whether it defines it.
    fn describe_kind(
        &self,
        file: Option<FileId>,
        kind: SymbolKind,
        name: &[u8],
    ) -> Option<(Described, bool)> {
        let candidate = *self.files.get(file?.at())?;
        let object = candidate.parsed()?;
        let is_it = |own: &ObjectSymbol| own.kind == kind && own.name_in(object) == name;
        let index = u32::try_from(object.symbols.iter().position(is_it)?).ok()?;
        let is_defined = object.symbols[index as usize].is_defined();
        let place = match is_defined {
            true => Place::of_definition(object, index),
            false => Place::of_use(object, index),
        };
        let path = candidate.display();
        let file = File { object, path: &path, candidate: Some(candidate) };
        let described = places::describe(&file, &[place], self.options.demangle).pop()?;
        Some((described, is_defined))
    }

    /// Adds to the warning about a function that is called as `called`, a variant of it, where both are, how they differ, and
    /// what becomes of the call.
    pub(super) fn explain_mismatch(
        &self,
        called: SymbolId,
        defined: SymbolId,
        outcome: impl IntoIterator<Item = String>,
        warning: Diagnostic,
    ) -> Diagnostic {
        let (call, definition) = (self.find_call(called), self.table.get(defined));
        let definition = self.describe_symbol(definition.file, definition.index);
        let mut locations = Vec::new();
        let mut parts = Vec::new();
        if let Some(call) = &call {
            parts.push(format!("called at {}", call.text));
            locations.push(call.location.clone());
        }
        if let Some(definition) = &definition {
            let text = match &definition.location.source {
                Some(source) => format!("{source:#}"),
                None => definition.text.clone(),
            };
            parts.push(format!("defined at {text}"));
            locations.push(definition.location.clone());
        }
        let signature = |id: SymbolId| {
            let signature = self.table.get(id).signature?;
            Some(self.interners.signatures.with(signature.0, <[u8]>::to_vec))
        };
        let mut text = parts.join(", ");
        if let (Some(called), Some(defined)) = (signature(called), signature(defined)) {
            let difference = difference(&called, &defined);
            text = if text.is_empty() { difference } else { format!("{text}; {difference}") };
        }
        let name = self.display(self.table.get(defined).name);
        let warning = match call {
            Some(call) => warning.with_location(call.location),
            None => warning,
        };
        let warning = warning.with_note(Note::new(text).with_locations(locations));
        outcome.into_iter().fold(warning, Diagnostic::with_note).with_help(declare_once(&name))
    }

    /// The first call of a variant. Local functions and data are not asked: only a call makes a variant.
    fn find_call(&self, variant: SymbolId) -> Option<Described> {
        let is_it = |linked: &LinkedObject, index: u32| linked.reference(index) == Reference::Global(variant);
        for linked in &self.table.objects {
            let object = linked.object();
            if !(0..object.symbols.len() as u32).any(|index| is_it(linked, index)) {
                continue;
            }
            let calls = object.functions.iter().enumerate().flat_map(|(function, of)| {
                let relocations = object.relocations(of.relocations);
                let calls = relocations.filter(|entry| {
                    entry.kind == RelocationType::FunctionIndexLeb && is_it(linked, entry.index)
                });
                calls.map(move |entry| Place::Code { function, offset: entry.offset })
            });
            if let Some(place) = { calls }.next() {
                let file = File::linked(linked, self.files);
                return places::describe(&file, &[place], self.options.demangle).pop();
            }
        }
        None
    }
}

/// What a programmer calls a kind of symbol.
fn kind_in_words(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "function",
        SymbolKind::Data => "variable",
        SymbolKind::Global => "WebAssembly global",
        SymbolKind::Section => "section",
        SymbolKind::Tag => "tag",
        SymbolKind::Table => "table",
    }
}

/// The help about declarations of a function that do not agree with its definition.
pub(super) fn declare_once(name: &str) -> String {
    match name {
        "main" => "main has no parameters, or int and char **; it returns int".into(),
        _ => format!(
            "declare {name} once, with the prototype of its definition, in a header that both files include"
        ),
    }
}

/// How two signatures in binary form differ, in words.
fn difference(called: &[u8], defined: &[u8]) -> String {
    let (Some((called, called_results)), Some((defined, defined_results))) = (split(called), split(defined))
    else {
        return "the signatures differ".into();
    };
    let mut parts = Vec::new();
    if called.len() == defined.len() {
        let differ = called.iter().zip(defined).zip(1..).filter(|((called, defined), _)| called != defined);
        parts.extend(differ.map(|(_, number)| format!("parameter {number} differs")));
    } else {
        let plural = |list: &[u8]| if list.len() == 1 { "" } else { "s" };
        let (arguments, parameters) = (plural(called), plural(defined));
        parts.push(format!(
            "{} argument{arguments} for {} parameter{parameters}",
            called.len(),
            defined.len()
        ));
    }
    if called_results != defined_results {
        parts.push("the result differs".into());
    }
    parts.join(", ")
}

/// Parameters and results of a signature in binary form, with one byte per type.
fn split(signature: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&count, rest) = signature.split_first()?;
    let (parameters, rest) = rest.split_at_checked(usize::from(count))?;
    let (&count, results) = rest.split_first()?;
    (count < 0x80 && results.len() == usize::from(count)).then_some((parameters, results))
}

/// Whether a file is compiled by itself, and not included by others.
fn is_source_file(path: &str) -> bool {
    const SOURCES: [&str; 11] = ["c", "C", "cc", "cpp", "cxx", "c++", "m", "mm", "rs", "zig", "swift"];
    path.rsplit_once('.').is_some_and(|(_, extension)| SOURCES.contains(&extension))
}
