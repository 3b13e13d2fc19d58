//! Names of symbols with commas. The tool splits its arguments at commas, so it gets names with another character in their place.

use wald::code_generator::BitcodeModule;

/// Stands for a comma. No compiler writes it.
const STAND_IN: u8 = 0x1f;

/// The names with commas of a job, longest first.
pub struct Commas(Vec<Vec<u8>>);

impl Commas {
    /// Finds the names. There are hardly ever any.
    pub fn new(modules: &[BitcodeModule<'_>]) -> Self {
        let names = modules.iter().flat_map(|module| &module.table.symbols).map(|symbol| &symbol.name);
        let mut names: Vec<Vec<u8>> = names.filter(|name| name.contains(&b',')).cloned().collect();
        names.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        names.dedup();
        Commas(names)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bitcode for the tool. Names are whole bytes in a bitcode file, in its table of strings.
    pub fn hide(&self, bitcode: &[u8]) -> Vec<u8> {
        self.0.iter().fold(bitcode.to_vec(), |bytes, name| replace(bytes, name, &hidden(name)))
    }

    /// What the tool made, with the names as they are.
    pub fn show(&self, object: Vec<u8>) -> Vec<u8> {
        self.0.iter().fold(object, |bytes, name| replace(bytes, &hidden(name), name))
    }
}

/// A name for the tool.
pub fn hidden(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if byte == b',' { STAND_IN } else { byte }).collect()
}

/// Replaces bytes by as many others.
fn replace(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut at = 0;
    while let Some(next) = bytes[at..].windows(from.len()).position(|window| window == from) {
        at += next;
        bytes[at..at + to.len()].copy_from_slice(to);
        at += to.len();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let commas = Commas(vec![b"a,b,c".to_vec(), b"a,b".to_vec()]);
        let hidden = commas.hide(b"xa,b,ca,bx,");
        assert_eq!(hidden, b"xa\x1fb\x1fca\x1fbx,");
        assert_eq!(commas.show(hidden), b"xa,b,ca,bx,");
    }
}
