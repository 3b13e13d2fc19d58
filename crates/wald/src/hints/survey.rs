//! Looks through all names that the link knows for those that may have been meant.
//!
//! Millions of names are compared with each wanted one, so cheap comparisons come first: length, and the set of letters. Only what
//! is left is demangled and gets an edit distance.

use rayon::prelude::*;
use wald_demangle::Demangler;

use super::name::{is_mangled, Name};
use crate::display::display_name_with;

/// How a name is related to the wanted one. The closest relation is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The same function in another language: one of both names is mangled.
    OtherLanguage,
    /// The same path, but another hash: rustc has compiled the crate in another way.
    OtherHash,
    /// The same function with other parameters.
    Overload,
    /// The same but for case and underscores.
    Spelling,
    /// So many edits turn one into the other.
    Distance(u8),
    /// The same function, further in or further out: a namespace or class is missing.
    Scope,
    /// One of both has a prefix.
    Prefix,
}

/// A name that may have been meant.
#[derive(Clone, Debug)]
pub struct Similar {
    /// How it is related.
    pub relation: Relation,
    /// Its position among the known names.
    pub position: usize,
    /// The name.
    pub name: Name,
}

/// No more of one wanted name's relatives are kept.
const MOST: usize = 2;
/// Names that are shorter have too many neighbours.
const SHORTEST: usize = 4;
/// Nobody misspells longer names, but generators make many of them.
const LONGEST: usize = 512;

/// For each wanted name, the closest of `count` known names. `known` gives the text of a name by its position; `None` if it is not to be
/// considered.
pub fn survey<'n>(
    wanted: &[Name],
    count: usize,
    known: impl Fn(usize) -> Option<&'n [u8]> + Sync,
) -> Vec<Vec<Similar>> {
    let probes: Vec<Probe<'_>> = wanted.iter().map(Probe::new).collect();
    let fewest = probes.iter().map(|probe| probe.shortest()).min().unwrap_or(0);
    let blocks = (0..count).into_par_iter().fold(
        || (Demangler::new(), Vec::new()),
        |(mut demangler, mut found), position| {
            if let Some(name) = known(position).filter(|name| name.len() >= fewest && name.len() <= LONGEST) {
                let known = (letters_of(name), is_mangled(name));
                for (number, probe) in probes.iter().enumerate() {
                    if let Some(relation) = probe.compare(&mut demangler, name, known) {
                        found.push((number, relation, position));
                    }
                }
            }
            (demangler, found)
        },
    );
    let mut found: Vec<(usize, Relation, usize)> = blocks.map(|(_, found)| found).flatten().collect();
    found.sort_unstable();
    let mut similar = vec![Vec::new(); wanted.len()];
    let mut demangler = Demangler::new();
    for (number, relation, position) in found {
        let list: &mut Vec<Similar> = &mut similar[number];
        // Something of a worse relation is not what was meant.
        let fits = list.first().is_none_or(|first| first.relation == relation) && list.len() < MOST;
        if let (true, Some(name)) = (fits, known(position)) {
            list.push(Similar { relation, position, name: Name::new(&mut demangler, name) });
        }
    }
    similar
}

/// A wanted name with what comparisons need of it.
struct Probe<'n> {
    name: &'n Name,
    letters: u64,
    is_mangled: bool,
    /// How many edits are a typing error in a name of this length.
    edits: usize,
    /// Without underscores and in lower case; empty if the name is mangled.
    folded: Vec<u8>,
    /// What a mangled name contains whose last part is this one's: its length and its text.
    needle: Vec<u8>,
}

impl<'n> Probe<'n> {
    fn new(name: &'n Name) -> Self {
        let symbol = &name.symbol[..];
        let part = name.last_part();
        let needle = format!("{}{part}", part.len()).into_bytes();
        let folded = if name.is_mangled() { Vec::new() } else { fold(symbol) };
        let edits = match name.base.len() {
            0..SHORTEST => 0,
            SHORTEST..8 => 1,
            8..16 => 2,
            _ => 3,
        };
        Probe { name, letters: letters_of(symbol), is_mangled: name.is_mangled(), edits, folded, needle }
    }

    /// No name that is shorter is similar.
    fn shortest(&self) -> usize {
        // A C name is a part of the C++ name; a prefix can be missing.
        self.name.last_part().len().min(self.name.symbol.len()).saturating_sub(self.edits).min(SHORTEST)
    }

    /// Compares with a name of which the letters are known, and whether it is mangled.
    fn compare(
        &self,
        demangler: &mut Demangler,
        other: &[u8],
        (letters, is_mangled): (u64, bool),
    ) -> Option<Relation> {
        let symbol = &self.name.symbol[..];
        if other == symbol || symbol.len() > LONGEST {
            return None;
        }
        match (self.is_mangled, is_mangled) {
            (false, false) => self.compare_plain(other, letters),
            (true, false) => (other == self.name.base.as_bytes()).then_some(Relation::OtherLanguage),
            (false, true) => {
                let may_be = contains(other, &self.needle);
                (may_be && Name::new(demangler, other).base == self.name.base)
                    .then_some(Relation::OtherLanguage)
            }
            (true, true) => self.compare_mangled(demangler, other, letters),
        }
    }

    fn compare_plain(&self, other: &[u8], letters: u64) -> Option<Relation> {
        let symbol = &self.name.symbol[..];
        let difference = symbol.len().abs_diff(other.len());
        if difference <= 8 && folds_to(other, &self.folded) {
            return Some(Relation::Spelling);
        }
        if difference <= self.edits && self.may_be_near(letters) {
            let distance = distance(symbol, other);
            if distance <= self.edits {
                return Some(Relation::Distance(distance as u8));
            }
        }
        let (long, short) = if symbol.len() > other.len() { (symbol, other) } else { (other, symbol) };
        let has_prefix =
            short.len() >= SHORTEST && long.strip_suffix(short).is_some_and(|rest| rest.ends_with(b"_"));
        has_prefix.then_some(Relation::Prefix)
    }

    fn compare_mangled(&self, demangler: &mut Demangler, other: &[u8], letters: u64) -> Option<Relation> {
        let wanted = self.name;
        // The length of a part is a part of the mangled name, and the parameters may differ too.
        let is_near =
            wanted.symbol.len().abs_diff(other.len()) <= self.edits + 2 && self.may_be_near(letters);
        let is_same_part = contains(other, &self.needle);
        if !is_near && !is_same_part {
            return None;
        }
        let other = Name::new(demangler, other);
        if !other.is_mangled() || other.text == wanted.text && other.symbol[..2] == wanted.symbol[..2] {
            return None;
        }
        if other.base == wanted.base {
            return Some(
                match wanted.parameters == other.parameters && wanted.qualifiers == other.qualifiers {
                    true => Relation::OtherHash,
                    false => Relation::Overload,
                },
            );
        }
        if wanted.parameters.is_some() != other.parameters.is_some() {
            // A function is no misspelled variable.
            return None;
        }
        let distance = distance(wanted.base.as_bytes(), other.base.as_bytes());
        if distance > 0 && distance <= self.edits {
            return Some(Relation::Distance(distance as u8));
        }
        let is_inside = is_inside(wanted.scope(), other.scope());
        let is_same = wanted.parameters.is_some()
            && wanted.parameters == other.parameters
            && wanted.last_part() == other.last_part();
        (is_same && is_inside).then_some(Relation::Scope)
    }

    /// Each edit changes at most two letters of the set. Digits count, so a mangled name may differ in two more.
    fn may_be_near(&self, letters: u64) -> bool {
        (self.letters ^ letters).count_ones() as usize <= 2 * self.edits + 4 * usize::from(self.is_mangled)
    }
}

/// Whether one scope is the other without its first or its last parts.
fn is_inside(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() > other.len() { (one, other) } else { (other, one) };
    short.is_empty()
        || long.strip_prefix(short).is_some_and(|after| after.starts_with("::"))
        || long.strip_suffix(short).is_some_and(|before| before.ends_with("::"))
}

/// The set of a name's bytes.
fn letters_of(name: &[u8]) -> u64 {
    name.iter().fold(0, |set, byte| set | 1 << (byte & 63))
}

fn fold(name: &[u8]) -> Vec<u8> {
    name.iter().filter(|&&byte| byte != b'_').map(u8::to_ascii_lowercase).collect()
}

fn folds_to(name: &[u8], folded: &[u8]) -> bool {
    !folded.is_empty()
        && name.iter().filter(|&&byte| byte != b'_').map(u8::to_ascii_lowercase).eq(folded.iter().copied())
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    strsim::osa_distance(&String::from_utf8_lossy(a), &String::from_utf8_lossy(b))
}

/// Whether `needle` is in `text`.
fn contains(text: &[u8], needle: &[u8]) -> bool {
    let Some((&first, rest)) = needle.split_first() else { return false };
    (0..text.len().saturating_sub(rest.len())).any(|at| text[at] == first && text[at + 1..].starts_with(rest))
}

/// A name as messages show it.
pub fn shown(name: &[u8], demangle: bool) -> String {
    let mut demangler = Demangler::new();
    String::from_utf8_lossy(&display_name_with(&mut demangler, name, demangle)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(wanted: &str, known: &[&str]) -> Vec<(Relation, String)> {
        let wanted = [Name::new(&mut Demangler::new(), wanted.as_bytes())];
        let found = survey(&wanted, known.len(), |position| Some(known[position].as_bytes()));
        let [found] = &found[..] else { panic!("one name was wanted") };
        found.iter().map(|similar| (similar.relation, known[similar.position].to_string())).collect()
    }

    fn relation(wanted: &str, known: &str) -> Option<Relation> {
        find(wanted, &[known]).first().map(|(relation, _)| *relation)
    }

    #[test]
    fn the_closest_relation_is_found() {
        use Relation::*;
        assert_eq!(relation("compute_cheksum", "compute_checksum"), Some(Distance(1)));
        assert_eq!(relation("item", "items"), Some(Distance(1)));
        assert_eq!(relation("compute_cheksum", "compute_total"), None);
        assert_eq!(relation("computeChecksum", "compute_checksum"), Some(Spelling));
        assert_eq!(relation("_init_lib", "init_lib"), Some(Spelling));
        assert_eq!(relation("checksum", "lib_checksum"), Some(Prefix));
        assert_eq!(relation("clib_init", "_Z9clib_initv"), Some(OtherLanguage));
        assert_eq!(relation("_Z9clib_initv", "clib_init"), Some(OtherLanguage));
        assert_eq!(relation("_ZN1a4initEv", "init"), None);
        assert_eq!(relation("_Z4drawRK6Widgeti", "_Z4drawRK6Widgetl"), Some(Overload));
        assert_eq!(relation("_ZN1f3getEv", "_ZNK1f3getEv"), Some(Overload));
        assert_eq!(relation("_Z15compute_cheksumi", "_Z16compute_checksumi"), Some(Distance(1)));
        let rust = |hash: &str| format!("_ZN4util8checksum17h{hash}E");
        assert_eq!(relation(&rust("0123456789abcdef"), &rust("0123456789abcde0")), Some(OtherHash));
        assert_eq!(relation("_ZN5shape4drawEi", "_Z4drawi"), Some(Scope));
        assert_eq!(relation("_Z4drawi", "_ZN5shape4drawEi"), Some(Scope));
        assert_eq!(relation("_ZN5shape4drawEi", "_ZN2ui5shape4drawEi"), Some(Scope));
        assert_eq!(relation("_ZN5shape4drawEi", "_ZN6widget4drawEi"), None);
        assert_eq!(relation("_ZN5shape4drawEi", "_Z4drawl"), None);
        assert_eq!(relation("_ZN1A1kE", "_ZN1A1mEv"), None);
        assert_eq!(relation("abc", "abd"), None);
        assert_eq!(relation("same", "same"), None);
        let known = ["compute_checksums", "compute_checksun", "compute_checksum", "computechecksum_"];
        assert_eq!(find("compute_cheksum", &known), [(Distance(1), known[2].to_string())]);
        assert_eq!(find("abcdefgh", &["abcdefgx", "abcdefgy", "abcdefgz"]).len(), MOST);
    }
}
