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
                let mut known = Known::new(name, &mut demangler);
                for (number, probe) in probes.iter().enumerate() {
                    if let Some(relation) = probe.compare(&mut known) {
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

/// A known name with what comparisons need of it. It is demangled once, if one of them needs it.
struct Known<'n, 'd> {
    symbol: &'n [u8],
    letters: u64,
    /// The identifiers of a mangled name, which have their lengths before them.
    parts: Vec<&'n [u8]>,
    demangler: &'d mut Demangler,
    name: Option<Name>,
}

impl<'n, 'd> Known<'n, 'd> {
    fn new(symbol: &'n [u8], demangler: &'d mut Demangler) -> Self {
        let parts = if is_mangled(symbol) { parts(symbol).collect() } else { Vec::new() };
        Known { symbol, letters: letters_of(symbol), parts, demangler, name: None }
    }

    fn name(&mut self) -> &Name {
        self.name.get_or_insert_with(|| Name::new(self.demangler, self.symbol))
    }
}

/// All that follows a number and is as long as it says.
fn parts(symbol: &[u8]) -> impl Iterator<Item = &[u8]> {
    const DIGITS: usize = 3;
    let starts =
        (1..symbol.len()).filter(|&at| symbol[at].is_ascii_digit() && !symbol[at - 1].is_ascii_digit());
    starts.filter_map(|start| {
        let rest = &symbol[start..];
        let digits = rest.iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        let length = rest[..digits].iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        rest.get(digits..digits + length)
    })
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
    /// The last part, which similar mangled names contain.
    part: &'n [u8],
}

impl<'n> Probe<'n> {
    fn new(name: &'n Name) -> Self {
        let symbol = &name.symbol[..];
        let part = name.last_part().as_bytes();
        let folded = if name.is_mangled() { Vec::new() } else { fold(symbol) };
        let edits = match name.base.len() {
            0..SHORTEST => 0,
            SHORTEST..8 => 1,
            8..16 => 2,
            _ => 3,
        };
        Probe { name, letters: letters_of(symbol), is_mangled: name.is_mangled(), edits, folded, part }
    }

    /// No name that is shorter is similar.
    fn shortest(&self) -> usize {
        // A C name is a part of the C++ name; a prefix can be missing.
        self.name.last_part().len().min(self.name.symbol.len()).saturating_sub(self.edits).min(SHORTEST)
    }

    /// How a known name is related to the wanted one.
    fn compare(&self, known: &mut Known) -> Option<Relation> {
        let (symbol, other) = (&self.name.symbol[..], known.symbol);
        if other == symbol || symbol.len() > LONGEST {
            return None;
        }
        match (self.is_mangled, is_mangled(other)) {
            (false, false) => self.compare_plain(other, known.letters),
            (true, false) => (other == self.name.base.as_bytes()).then_some(Relation::OtherLanguage),
            (false, true) => {
                let may_be = known.parts.contains(&self.part);
                (may_be && known.name().base == self.name.base).then_some(Relation::OtherLanguage)
            }
            (true, true) => self.compare_mangled(known),
        }
    }

    fn compare_plain(&self, other: &[u8], letters: u64) -> Option<Relation> {
        let symbol = &self.name.symbol[..];
        let difference = symbol.len().abs_diff(other.len());
        if difference <= 8 && folds_to(other, &self.folded) {
            return Some(Relation::Spelling);
        }
        if difference <= self.edits && self.may_be_near(letters) {
            if let Some(distance) = distance(symbol, other, self.edits) {
                return Some(Relation::Distance(distance as u8));
            }
        }
        let (long, short) = if symbol.len() > other.len() { (symbol, other) } else { (other, symbol) };
        let has_prefix =
            short.len() >= SHORTEST && long.strip_suffix(short).is_some_and(|rest| rest.ends_with(b"_"));
        has_prefix.then_some(Relation::Prefix)
    }

    fn compare_mangled(&self, known: &mut Known) -> Option<Relation> {
        let (wanted, other) = (self.name, known.symbol);
        // The length of a part is a part of the mangled name, and the parameters may differ too.
        let is_near =
            wanted.symbol.len().abs_diff(other.len()) <= self.edits + 2 && self.may_be_near(known.letters);
        let is_same_part = known.parts.contains(&self.part);
        if !is_near && !is_same_part {
            return None;
        }
        let other = known.name();
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
        if let Some(distance) = distance(wanted.base.as_bytes(), other.base.as_bytes(), self.edits) {
            return Some(Relation::Distance(distance as u8));
        }
        let is_same = wanted.parameters.is_some()
            && wanted.parameters == other.parameters
            && wanted.last_part() == other.last_part()
            && is_inside(wanted.scope(), other.scope());
        is_same.then_some(Relation::Scope)
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

/// How many edits (inserted, deleted, replaced or swapped letters) turn `a` into `b`. `None` if more than `limit`. Only the cells near
/// the diagonal of the table are computed, because demangled names can be very long.
fn distance(a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - suffix], &b[..b.len() - suffix]);
    let too_many = limit + 1;
    // Rows of the table: distances of the first `i` letters of `a` to the first `j` of `b`. Those of `above` are of no letters at first.
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let (mut before, mut row) = (vec![too_many; b.len() + 1], vec![too_many; b.len() + 1]);
    for i in 1..=a.len() {
        let (first, last) = (i.saturating_sub(limit).max(1), (i + limit).min(b.len()));
        row[first - 1] = if first == 1 { i.min(too_many) } else { too_many };
        for j in first..=last {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        if let Some(behind) = row.get_mut(last + 1) {
            *behind = too_many;
        }
        if row[first - 1..=last].iter().all(|&distance| distance > limit) {
            return None;
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut row);
    }
    above.last().copied().filter(|&distance| distance <= limit)
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
    fn distances_up_to_a_limit_are_those_without_one() {
        let words = [
            "", "a", "ab", "ba", "abc", "acb", "abcdef", "abdcef", "bcdefg", "xabcdefy", "badcfe", "abcabc",
            "acbacb",
        ];
        for (a, b) in words.iter().flat_map(|a| words.iter().map(move |b| (*a, *b))) {
            let real = strsim::osa_distance(a, b);
            for limit in 0..=4 {
                let expected = (real <= limit).then_some(real);
                assert_eq!(distance(a.as_bytes(), b.as_bytes(), limit), expected, "{a} {b} {limit}");
            }
        }
        // With the whole table, this would be ten thousand million cells.
        let middle = "m".repeat(100_000);
        let (a, b) = (format!("a{middle}b"), format!("c{middle}d"));
        assert_eq!(distance(a.as_bytes(), b.as_bytes(), 2), Some(2));
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
