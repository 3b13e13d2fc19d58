//! `--defsym`: names that the command line defines, as another symbol or as an address.
//!
//! What these names refer to is made needed before code is generated from bitcode. References are redirected once every file is
//! resolved, as with `--wrap`.

use super::add::Incoming;
use super::*;
use crate::options::{Defsym, DefsymValue};
use crate::symbols::SyntheticData;

/// A name that `--defsym` gives to another symbol.
#[derive(Clone, Copy)]
pub(super) struct NewName {
    /// The symbol of the name.
    pub(super) symbol: SymbolId,
    /// The name that it means.
    target_name: NameId,
    /// What references to the name are redirected to.
    target: SymbolId,
}

impl<'a> Resolver<'a> {
    /// Whether `--defsym` defines the name, so that no archive member has to.
    pub(super) fn is_defined_by_option(&self, name: NameId) -> bool {
        self.new_names.contains(&name)
    }

    /// Makes the symbols needed that `--defsym` gives other names.
    pub(super) fn refer_to_new_names(&mut self) -> Vec<NewName> {
        let options = self.options;
        if options.defsyms.is_empty() {
            return Vec::new();
        }
        if options.is_relocatable() {
            self.error(Code::Options, "-r and --defsym may not be used together".into());
            return Vec::new();
        }
        let mut new_names = Vec::new();
        for defsym in last_of_each(&options.defsyms) {
            match final_definition(&options.defsyms, defsym).map(|(_, last)| &last.value) {
                Err(message) => self.error(Code::Options, message),
                Ok(DefsymValue::Symbol(target)) => {
                    let name = self.name(defsym.name.as_bytes());
                    new_names.extend(self.refer_to_new_name(name, target));
                }
                Ok(DefsymValue::Number(_)) if options.is_position_independent() => {
                    let message = format!(
                        "--defsym={defsym}: an address may not be used with -shared/-pie, whose addresses are the loader's"
                    );
                    self.error(Code::Options, message);
                }
                Ok(DefsymValue::Number(_)) => {}
            }
        }
        new_names
    }

    fn refer_to_new_name(&mut self, name: NameId, target: &str) -> Option<NewName> {
        let target_name = self.name(target.as_bytes());
        let is_referenced = self.table.find(name).is_some_and(|id| self.table.get(id).used_in_regular_object);
        if !is_referenced && self.table.find(target_name).is_none() {
            // Linker-defined addresses are only made if something refers to them.
            let exports_it =
                self.options.export_all || self.options.exports.iter().any(|e| self.text(name) == *e);
            if !exports_it {
                return None;
            }
        }
        let (symbol, _) = self.insert(name);
        let kind = self.table.get(symbol).kind;
        let mut target = match self.table.find(target_name) {
            Some(found) if self.table.get(found).is_lazy() => {
                self.extract_symbol(found, |_| "--defsym".to_string());
                self.table.find(target_name).unwrap_or(found)
            }
            Some(found) => found,
            None if is_referenced => {
                let (id, _) = self.insert(target_name);
                let reference = *self.table.get(symbol);
                *self.table.get_mut(id) = Symbol { name: target_name, ..reference };
                id
            }
            None => {
                let message =
                    format!("--defsym: symbol not found: {target}", target = self.display(target_name));
                self.error(Code::UndefinedSymbol, message);
                return None;
            }
        };
        let found = self.table.get_mut(target);
        found.used_in_regular_object |= is_referenced;
        if is_referenced && found.kind != kind && !found.is_undefined() {
            let message = format!(
                "--defsym: symbol type mismatch: {} is used as {}, but {} is {}",
                self.display(name),
                with_article(kind),
                self.display(target_name),
                with_article(self.table.get(target).kind),
            );
            self.error(Code::SymbolType, message);
            return None;
        }
        if is_referenced && kind == SymbolKind::Function {
            // Calls with another signature than the definition has must not reach it.
            let reference = self.table.get(symbol);
            let incoming = Incoming {
                called_directly: reference.called_directly,
                ..Incoming::reference(target_name, reference.signature)
            };
            target = self.add_undefined_function(target, &incoming);
        }
        Some(NewName { symbol, target_name, target })
    }

    /// Redirects references, and gives the names their values.
    pub(super) fn apply_defsyms(&mut self, new_names: &[NewName]) {
        self.define_addresses();
        if new_names.is_empty() {
            return;
        }
        let map: HashMap<SymbolId, SymbolId> = new_names.iter().map(|new| (new.symbol, new.target)).collect();
        for object in 0..self.table.objects.len() {
            self.object_mut(object).rewrite(&map);
        }
        for new in new_names {
            let name = self.table.get(new.symbol).name;
            let target = self.table.find(new.target_name).unwrap_or(new.target);
            let meaning = *self.table.get(target);
            let symbol = self.table.get_mut(new.symbol);
            *symbol = match meaning.is_defined() && !meaning.is_shared() {
                // Like two names of one function in an object. Nothing refers to it any more, but it may be exported.
                true => Symbol { name, force_export: false, traced: symbol.traced, ..meaning },
                false => Symbol { used_in_regular_object: false, ..Symbol::new(name, meaning.kind) },
            };
        }
        if let (Some(_), Some(name)) = (self.table.well_known.entry, &self.options.entry) {
            let name = self.name(name.as_bytes());
            self.table.well_known.entry = self.table.find(name);
        }
    }

    fn define_addresses(&mut self) {
        let options = self.options;
        for defsym in last_of_each(&options.defsyms) {
            let Ok((position, Defsym { value: DefsymValue::Number(_), .. })) =
                final_definition(&options.defsyms, defsym)
            else {
                continue;
            };
            if options.is_relocatable() {
                continue;
            }
            let name = self.name(defsym.name.as_bytes());
            let (id, new) = self.insert(name);
            let symbol = self.table.get_mut(id);
            if !new && !symbol.is_lazy() && symbol.kind != SymbolKind::Data {
                let kind = with_article(symbol.kind);
                let message = format!(
                    "--defsym={defsym}: {} is {kind}, and a number is an address of data",
                    self.display(name)
                );
                self.error(Code::SymbolType, message);
                continue;
            }
            let place = SyntheticData::Number(position as u32);
            symbol.define(SymbolKind::Data, Synthetic::Data(place));
            symbol.flags = SymbolFlags(0);
        }
    }
}

/// The definitions that count: the last one of each name.
fn last_of_each(defsyms: &[Defsym]) -> impl Iterator<Item = &Defsym> {
    defsyms
        .iter()
        .enumerate()
        .filter(|(at, defsym)| defsyms[at + 1..].iter().all(|later| later.name != defsym.name))
        .map(|(_, defsym)| defsym)
}

/// The definition that a definition leads to if it names another one, and its position.
fn final_definition<'d>(defsyms: &'d [Defsym], first: &'d Defsym) -> Result<(usize, &'d Defsym), String> {
    let mut found = (0, first);
    for _ in 0..=defsyms.len() {
        let is_of = |name: &str| defsyms.iter().enumerate().rev().find(|(_, other)| other.name == *name);
        let next = match &found.1.value {
            DefsymValue::Symbol(target) => is_of(target),
            DefsymValue::Number(_) => return Ok(is_of(&found.1.name).unwrap_or(found)),
        };
        match next {
            Some(next) => found = next,
            None => return Ok(found),
        }
    }
    Err(format!("--defsym={first}: the definition leads back to itself"))
}

fn with_article(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "a function",
        SymbolKind::Data => "data",
        SymbolKind::Global => "a global",
        SymbolKind::Section => "a section",
        SymbolKind::Tag => "a tag",
        SymbolKind::Table => "a table",
    }
}
