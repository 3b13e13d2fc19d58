//! Stub libraries: text files that say which symbols the environment supplies, and what each needs from the
//! program in return.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md>; the format is wasm-ld's.

use hashbrown::HashMap;

/// A stub library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StubLibrary {
    /// Its path, as messages show it.
    pub path: String,
    /// Symbols and their dependencies, each symbol once: its last line counts.
    pub symbols: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// The position of each symbol in `symbols`.
    positions: HashMap<Vec<u8>, usize>,
}

impl StubLibrary {
    /// The dependencies of a symbol, if the library has it.
    pub fn dependencies_of(&self, symbol: &[u8]) -> Option<&[Vec<u8>]> {
        self.positions.get(symbol).map(|&position| &self.symbols[position].1[..])
    }
}

/// Reads lines of the form `symbol: dependency, dependency`; `#` starts a comment line.
pub fn parse(path: &str, bytes: &[u8]) -> StubLibrary {
    let mut library = StubLibrary { path: path.to_string(), ..StubLibrary::default() };
    for line in bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let symbol = line[..colon].trim_ascii().to_vec();
        let rest = line.get(colon + 1..).unwrap_or_default().trim_ascii();
        let dependencies = match rest {
            [] => Vec::new(),
            rest => rest.split(|&byte| byte == b',').map(|name| name.trim_ascii().to_vec()).collect(),
        };
        match library.positions.get(&symbol) {
            Some(&position) => library.symbols[position].1 = dependencies,
            None => {
                library.positions.insert(symbol.clone(), library.symbols.len());
                library.symbols.push((symbol, dependencies));
            }
        }
    }
    library
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_and_without_dependencies() {
        let library = parse("x", b"#STUB\n# comment\n\n a : b , c\r\nd\ne:\na: z\n");
        let name = |text: &str| text.as_bytes().to_vec();
        let expected = vec![(name("a"), vec![name("z")]), (name("d"), vec![]), (name("e"), vec![])];
        assert_eq!(library.symbols, expected);
    }
}
