//! What may help about a name that an option has: `--entry` and `--export`.

use std::slice;

use wald_demangle::Demangler;

use super::survey::{Relation, Similar};
use super::{Hints, Name, Wanted};
use crate::diagnostics::{Diagnostic, Fix, Help, Note};
use crate::index::{NameId, SymbolId};
use crate::object::ObjectSymbol;
use crate::places::{self, File, Place};
use crate::symbols::Resolution;

/// The entry of a command, which is the default.
const START: &str = "_start";
/// The entry of a library that is kept in memory.
const INITIALIZE: &str = "_initialize";
/// What clang and rustc name a program's `main`. crt1.o calls it.
const MAINS: [&str; 4] = ["main", "__main_void", "__original_main", "__main_argc_argv"];

/// What may help.
#[derive(Default)]
pub struct Advice {
    /// Where similar names are defined.
    pub notes: Vec<Note>,
    /// What to do, the most likely first.
    pub helps: Vec<Help>,
}

impl Advice {
    /// Adds it to a diagnostic.
    pub fn add_to(self, diagnostic: &mut Diagnostic) {
        diagnostic.notes.extend(self.notes);
        diagnostic.helps.extend(self.helps);
    }
}

impl Hints<'_> {
    /// What may help about the name that an option has.
    pub fn about_argument(&self, option: &str, name: &str) -> Advice {
        let wanted = Wanted { symbol: name.as_bytes().to_vec(), locations: Vec::new() };
        let names = [Name::new(&mut Demangler::new(), &wanted.symbol)];
        let mut advice = Advice::default();
        advice.helps.extend(self.find_static(slice::from_ref(&wanted)).remove(&0));
        let mut similar: Vec<Similar> = self.similar(&names).into_iter().flatten().collect();
        if similar.is_empty() && !names[0].is_mangled() {
            similar.extend(self.function_of_rust(name));
        }
        for similar in similar {
            advice.notes.extend(self.definition(self.table.named[similar.position]));
            advice.helps.push(self.about_similar(option, &names[0], &similar));
        }
        advice
    }

    /// What may help about an export that nothing defines.
    pub fn about_export(&self, name: &str) -> Advice {
        let mut advice = self.about_argument("--export", name);
        if advice.helps.is_empty() {
            let to = format!("--export-if-defined={name}");
            let text = format!("no file of the link defines {name}: define it, or write {to}");
            let fix = Fix::ReplaceArgument { from: format!("--export={name}").into(), to: to.into() };
            advice.helps.push(Help::new(text).with_fix(fix));
        }
        advice
    }

    /// The function of this name at the top of a Rust crate, whose symbol is a mangled name.
    fn function_of_rust(&self, name: &str) -> Option<Similar> {
        let texts = self.interners.names.snapshot();
        let needle = format!("{}{name}", name.len()).into_bytes();
        let mut demangler = Demangler::new();
        (0..self.table.named.len()).find_map(|position| {
            let id = self.table.named[position];
            let symbol = texts.text(self.table.get(id).name.0);
            let may_be = is_of_rust(symbol)
                && symbol.windows(needle.len()).any(|part| part == needle)
                && self.is_definition(id);
            let found = may_be.then(|| Name::new(&mut demangler, symbol))?;
            let is_it = found.base.split_once("::").is_some_and(|(_, function)| function == name);
            is_it.then_some(Similar { relation: Relation::OtherLanguage, position, name: found })
        })
    }

    /// What may help about an entry that nothing defines.
    pub fn about_entry(&self, name: &str) -> Advice {
        let mut advice = self.about_argument("--entry", name);
        let is_default = name == START;
        let main = MAINS.iter().find_map(|main| self.defined(main)).filter(|_| is_default);
        if let Some(id) = main {
            match self.definition(id) {
                Some(note) => advice.notes.push(note),
                None => advice.notes.push(Note::new(format!("{} defines main", self.file(id)))),
            }
            let help = Help::new("link with clang: it adds crt1.o, whose _start calls main");
            advice.helps.insert(0, help.with_fix(Fix::UseDriver { driver: "clang".into() }));
        }
        let other = if is_default { INITIALIZE } else { START };
        if let Some(id) = self.defined(other).filter(|_| advice.helps.is_empty()) {
            advice.notes.extend(self.definition(id));
            let file = self.file(id);
            advice.helps.push(match is_default {
                true => {
                    Help::new(format!("{file} defines {other}, the entry of a library: add --entry={other}"))
                        .with_fix(Fix::AddArgument { argument: format!("--entry={other}").into() })
                }
                false => Help::new(format!("{file} defines {other}, the default: remove --entry={name}"))
                    .with_fix(Fix::RemoveArgument { argument: format!("--entry={name}").into() }),
            });
        }
        if advice.helps.is_empty() {
            let help = Help::new(format!(
                "define {name}; or for a module without an entry, add --no-entry, and --export=NAME for each function that the host calls"
            ));
            advice.helps.push(help.with_fix(Fix::AddArgument { argument: "--no-entry".into() }));
        }
        advice
    }

    /// What to do about a name that is similar to an option's.
    fn about_similar(&self, option: &str, name: &Name, similar: &Similar) -> Help {
        let to = format!("{option}={}", String::from_utf8_lossy(&similar.name.symbol));
        let is_close =
            matches!(similar.relation, Relation::Spelling | Relation::Distance(_) | Relation::Prefix);
        let file = self.file(self.table.named[similar.position]);
        let mut help = if is_close {
            Help::new(format!("did you mean {to}, which {file} defines?"))
        } else if !similar.name.is_mangled() {
            Help::new(format!("{file} defines C {}: write {to}", similar.name.text))
        } else if is_of_rust(&similar.name.symbol) && !name.is_mangled() {
            let base = &similar.name.base;
            Help::new(format!("{file} defines Rust {base}: mark it #[no_mangle], or write {to}"))
        } else {
            let about = self.about(name, similar, &Wanted { symbol: Vec::new(), locations: Vec::new() });
            Help::new(format!("{}, or write {to}", about.text.to_escaped()))
        };
        let from = String::from_utf8_lossy(&name.symbol);
        help.fix = Some(match option == "--entry" && from == START {
            // It need not be on the command line.
            true => Fix::AddArgument { argument: to.into() },
            false => Fix::ReplaceArgument { from: format!("{option}={from}").into(), to: to.into() },
        });
        help
    }

    /// The symbol of this name, if a file defines it.
    fn defined(&self, name: &str) -> Option<SymbolId> {
        let name = NameId(self.interners.names.find(name.as_bytes())?);
        self.table.find(name).filter(|&id| self.is_definition(id))
    }

    /// Names the line that defines a symbol. `None` if it is not known.
    fn definition(&self, id: SymbolId) -> Option<Note> {
        let symbol = self.table.get(id);
        if symbol.resolution == Resolution::Lazy {
            // Whether a member that is not linked has been parsed depends on when it came, and on earlier links.
            return None;
        }
        let candidate = *self.files.get(symbol.file?.at())?;
        let (object, path) = (candidate.parsed()?, candidate.display());
        let name = self.interners.names.with(symbol.name.0, <[u8]>::to_vec);
        // The table does not know the index of what is not linked.
        let is_it = |own: &ObjectSymbol| own.is_defined() && own.name_in(object) == &name[..];
        let index = u32::try_from(object.symbols.iter().position(is_it)?).ok()?;
        let file = File { object, path: &path, candidate: Some(candidate) };
        let place = Place::of_definition(object, index);
        let described = places::describe(&file, &[place], self.options.demangle).pop()?;
        let source = described.location.source.as_ref()?;
        let shown = match MAINS.contains(&&*String::from_utf8_lossy(&name)) {
            true => "main".to_string(),
            false => self.shown(&name),
        };
        let text = format!("{source:#} defines {shown}");
        Some(Note::new(text).with_locations(vec![described.location]))
    }
}

/// Whether rustc made a mangled name.
fn is_of_rust(symbol: &[u8]) -> bool {
    // Older names end with a hash of sixteen digits.
    let hash = symbol.len().checked_sub(20).map(|start| &symbol[start..]);
    let is_hash = |hash: &[u8]| {
        hash.starts_with(b"17h") && hash.ends_with(b"E") && hash[3..19].iter().all(u8::is_ascii_hexdigit)
    };
    symbol.starts_with(b"_R") || symbol.starts_with(b"_ZN") && hash.is_some_and(is_hash)
}

#[cfg(test)]
mod tests {
    use super::is_of_rust;

    #[test]
    fn names_of_rust_are_recognized() {
        assert!(
            is_of_rust(b"_RNvCs1234_4util5parse") && is_of_rust(b"_ZN4util8checksum17h0123456789abcdefE")
        );
        assert!(!is_of_rust(b"_ZN4util8checksumEv") && !is_of_rust(b"_Z4areaii") && !is_of_rust(b""));
    }
}
