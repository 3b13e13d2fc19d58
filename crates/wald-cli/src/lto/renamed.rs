//! Gives modules their own names in what LLVM wrote about them.
//!
//! The tool knows some modules by other names, of the same length: in a temporary folder, an absolute path must be a relative one.
//! Indexes have the names in LLVM's [bitstream](https://llvm.org/docs/BitCodeFormat.html), as records with the length in groups of 6
//! bits and then 7 or 8 bits for each character. Replacing a name by one of the same length moves nothing.

use std::collections::HashMap;

/// Names that are searched for by their first bits: the shortest length and four characters.
const KEY_BITS: usize = 34;

/// Names as the tool knows them, and as they are.
pub struct Renamed {
    /// By the first [`KEY_BITS`] of the record.
    patterns: HashMap<u64, Vec<Pattern>>,
    /// Whole lines of lists.
    lines: HashMap<Vec<u8>, Vec<u8>>,
}

struct Pattern {
    from: Vec<bool>,
    to: Vec<bool>,
}

impl Renamed {
    /// Pairs of names. Those of different lengths are left out.
    pub fn new(names: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        let mut renamed = Renamed { patterns: HashMap::new(), lines: HashMap::new() };
        for (from, to) in names {
            if from.len() != to.len() || from == to {
                continue;
            }
            let (from_bits, to_bits) = (record(&from), record(&to));
            if from_bits.len() == to_bits.len() && from_bits.len() >= KEY_BITS {
                let pattern = Pattern { from: from_bits, to: to_bits };
                renamed.patterns.entry(number(&pattern.from[..KEY_BITS])).or_default().push(pattern);
            }
            renamed.lines.insert(from, to);
        }
        renamed
    }

    /// An index with the names as they are.
    pub fn index(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.patterns.is_empty() {
            return bytes;
        }
        let count = bytes.len() * 8;
        let mut window = 0u64;
        for at in 0..count {
            window = (window >> 1) | (u64::from(bit(&bytes, at)) << (KEY_BITS - 1));
            let Some(start) = (at + 1).checked_sub(KEY_BITS) else { continue };
            let Some(patterns) = self.patterns.get(&window) else { continue };
            let is_here = |pattern: &&Pattern| {
                start + pattern.from.len() <= count
                    && (start..).zip(&pattern.from).all(|(at, &wanted)| bit(&bytes, at) == wanted)
            };
            if let Some(pattern) = patterns.iter().find(is_here) {
                for (at, &value) in (start..).zip(&pattern.to) {
                    let mask = 1 << (at % 8);
                    bytes[at / 8] = bytes[at / 8] & !mask | if value { mask } else { 0 };
                }
            }
        }
        bytes
    }

    /// A list of names with the names as they are.
    pub fn list(&self, bytes: &[u8]) -> Vec<u8> {
        Self::replace_lines(bytes, |line| Some(self.lines.get(line)?.clone()))
    }

    /// The picture of an index with the names as they are. It has each module in a comment, and without its folder as a label.
    pub fn graph(&self, bytes: &[u8]) -> Vec<u8> {
        const COMMENT: &[u8] = b"  // Module: ";
        const LABEL: [&[u8]; 2] = [b"    label = \"", b"\";"];
        let base = |path: &[u8]| path.rsplit(|&byte| byte == b'/').next().map(<[u8]>::to_vec);
        let labels: HashMap<_, _> = self.lines.iter().map(|(from, to)| (base(from), base(to))).collect();
        Self::replace_lines(bytes, |line| {
            if let Some(name) = line.strip_prefix(COMMENT) {
                return Some([COMMENT, self.lines.get(name)?].concat());
            }
            let label = line.strip_prefix(LABEL[0])?.strip_suffix(LABEL[1])?.to_vec();
            Some([LABEL[0], labels.get(&Some(label))?.as_ref()?, LABEL[1]].concat())
        })
    }

    fn replace_lines(bytes: &[u8], replace: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
        let lines = bytes.split(|&byte| byte == b'\n');
        lines.map(|line| replace(line).unwrap_or_else(|| line.to_vec())).collect::<Vec<_>>().join(&b'\n')
    }
}

/// The length and the characters of a record.
fn record(name: &[u8]) -> Vec<bool> {
    let width = if name.is_ascii() { 7 } else { 8 };
    let mut bits = Vec::with_capacity(12 + name.len() * width);
    let mut rest = name.len();
    loop {
        let group = rest & 31 | if rest > 31 { 32 } else { 0 };
        bits.extend((0..6).map(|place| group >> place & 1 == 1));
        rest >>= 5;
        if rest == 0 {
            break;
        }
    }
    bits.extend(name.iter().flat_map(|&byte| (0..width).map(move |place| byte >> place & 1 == 1)));
    bits
}

fn bit(bytes: &[u8], at: usize) -> bool {
    bytes[at / 8] >> (at % 8) & 1 == 1
}

/// Bits as a number, the lowest one first.
fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |number, &bit| number << 1 | u64::from(bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(bits: &[bool]) -> Vec<u8> {
        bits.chunks(8).map(|byte| number(byte) as u8).collect()
    }

    #[test]
    fn names_at_any_bit() {
        let long = [b"/d/".to_vec(), vec![b'x'; 40]].concat();
        for (from, to) in [
            (b".dir/a.o".to_vec(), b"/dir/a.o".to_vec()),
            (".dir/ü".into(), "/dir/ü".into()),
            ([b".d/".to_vec(), vec![b'x'; 40]].concat(), long),
        ] {
            let renamed = Renamed::new([(from.clone(), to.clone())]);
            for before in 0..9 {
                let around = |name: &[u8]| pack(&[vec![true; before], record(name), vec![true; 11]].concat());
                assert_eq!(renamed.index(around(&from)), around(&to), "{before}");
            }
            let other = pack(&record(&[&from[..], b"x"].concat()));
            assert_eq!(renamed.index(other.clone()), other, "another length");
        }
    }

    #[test]
    fn lists_and_names_of_other_lengths() {
        let renamed = Renamed::new([(b".a.o".to_vec(), b"/a.o".to_vec()), (b"b+".to_vec(), b"b".to_vec())]);
        assert_eq!(renamed.list(b".a.o\nb+\n.a.o.x\n"), b"/a.o\nb+\n.a.o.x\n");
        let renamed = Renamed::new([(b"d/a+b.o".to_vec(), b"d/a,b.o".to_vec())]);
        let graph = b"{\n  // Module: d/a+b.o\n    label = \"a+b.o\";\nd/a+b.o\n}\n";
        let named = b"{\n  // Module: d/a,b.o\n    label = \"a,b.o\";\nd/a+b.o\n}\n";
        assert_eq!(renamed.graph(graph), named);
    }
}
