//! Reads what `llvm-lto2 dump-symtab` writes about a bitcode file.

use wald::code_generator::{BitcodeSymbol, BitcodeTable};

/// The symbol table of one file. `None` if the text is not such a dump.
pub fn parse(text: &str) -> Option<BitcodeTable> {
    let mut table = BitcodeTable::default();
    let mut has_triple = false;
    for line in text.lines() {
        if let Some(triple) = line.strip_prefix("target triple: ") {
            table.target_triple = triple.into();
            has_triple = true;
        } else if let Some(symbol) = symbol(line) {
            table.symbols.push(symbol);
        } else if let Some(details) = line.strip_prefix("         ") {
            if let Some(comdat) = comdat(details) {
                let known = table.comdats.iter().position(|name| *name == comdat.as_bytes());
                let index = known.unwrap_or_else(|| {
                    table.comdats.push(comdat.as_bytes().to_vec());
                    table.comdats.len() - 1
                });
                if let Some(symbol) = table.symbols.last_mut() {
                    symbol.comdat = Some(index as u32);
                }
            }
        }
    }
    has_triple.then_some(table)
}

/// A line such as `D--W---X _start`: visibility, then a letter or a dash for each property.
fn symbol(line: &str) -> Option<BitcodeSymbol> {
    const PROPERTIES: &str = "UCWIOTX";
    let (flags, name) = line.split_at_checked(9)?;
    let mut letters = flags.strip_suffix(' ')?.chars();
    let visibility = letters.next()?;
    if !"DHP".contains(visibility) {
        return None;
    }
    let mut symbol = BitcodeSymbol::default();
    symbol.name = name.as_bytes().to_vec();
    symbol.is_hidden = visibility != 'D';
    for (letter, property) in letters.zip(PROPERTIES.chars()) {
        if letter != '-' && letter != property {
            return None;
        }
        match letter {
            'U' => symbol.is_undefined = true,
            'W' => symbol.is_weak = true,
            'X' => symbol.is_function = true,
            _ => {}
        }
    }
    Some(symbol)
}

fn comdat(details: &str) -> Option<&str> {
    // The kind of selection, then the name.
    details.strip_prefix("comdat ")?.split_once(' ').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_dump() {
        let text = "version: 3\nproducer: 22.1.8\ntarget triple: wasm32-wasi\nsource filename: c.ll\n\
            D--W---X f\n         comdat any grp\nP------X a b\nDU-W---X uw\nH------- hid\n         section foo\n\n";
        let table = parse(text).expect("it is a dump");
        let [f, a, uw, hid] = &table.symbols[..] else { panic!("{table:?}") };
        assert_eq!(
            (table.target_triple.as_str(), &table.comdats[..]),
            ("wasm32-wasi", &[b"grp".to_vec()][..])
        );
        assert_eq!((f.is_weak, f.is_function, f.comdat, f.is_undefined), (true, true, Some(0), false));
        assert_eq!((&a.name[..], a.is_hidden, a.comdat), (&b"a b"[..], true, None));
        assert_eq!((uw.is_undefined, uw.is_weak, uw.is_hidden), (true, true, false));
        assert_eq!((hid.is_hidden, hid.is_function), (true, false));
        assert!(parse("llvm-lto2: error").is_none());
    }
}
