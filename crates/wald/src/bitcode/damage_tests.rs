//! Malformed files: what is wrong, and at which offset.

use super::tests::{bytes, read, start_of_table};
use super::*;
use crate::parse_error::ErrorKind;

#[test]
fn malformed_files() {
    let error = |bytes: &[u8]| {
        let error = read(bytes).unwrap_err();
        (error.kind.clone(), error.offset)
    };
    let malformed = |what, offset| (ErrorKind::Malformed(what), offset);
    assert_eq!(error(b""), (ErrorKind::UnexpectedEnd, 0));
    assert_eq!(error(b"BC\xc0\xde"), malformed("bitcode file without a module", 4));
    assert_eq!(error(b"BC\xc0\xdf"), malformed("bitcode does not start with its magic number", 0));
    assert_eq!(error(b"BC\xc0\xde\0"), malformed("size of bitcode is not a multiple of 4", 5));
    let table = start_of_table(bytes("mixed"));
    let damaged_twice = |changes: [(usize, u32); 2]| {
        let mut bytes = bytes("mixed").to_vec();
        for (at, value) in changes {
            bytes[table + at..][..4].copy_from_slice(&value.to_le_bytes());
        }
        let (kind, offset) = error(&bytes);
        (kind.to_string(), offset as usize - table)
    };
    let damaged = |at, value| damaged_twice([(at, value); 2]);
    let text = "text of a bitcode symbol table is not in the string table";
    assert_eq!(damaged(4, u32::MAX), (text.into(), 4));
    assert_eq!(damaged(48, u32::MAX), (text.into(), 44));
    assert_eq!(damaged(32, u32::MAX), ("unexpected end of data".into(), 28));
    let adjacent = "modules of a bitcode symbol table are not adjacent";
    assert_eq!(damaged(76, 1), (adjacent.into(), 76));
    assert_eq!(damaged(80, 14), (adjacent.into(), 76));
    assert_eq!(damaged(84, 1), (adjacent.into(), 76));
    let left = "symbols of a bitcode symbol table belong to no module";
    assert_eq!(damaged(80, 12), (left.into(), 88));
    assert_eq!(damaged(40, 3), (left.into(), 88));
    // Two of the four uncommons belong to the first eleven symbols.
    assert_eq!(damaged_twice([(80, 11), (40, 2)]), (left.into(), 88));
    assert_eq!(damaged(96, 5), ("unknown kind of comdat in a bitcode symbol table".into(), 96));
    // The first symbol follows the two comdats. It becomes a member of a third one, or common.
    assert_eq!(damaged(112 + 16, 2), ("unknown comdat in a bitcode symbol table".into(), 128));
    assert_eq!(
        damaged(112 + 20, 1 << 5),
        ("common symbol without size in a bitcode symbol table".into(), 76)
    );
}

/// A stream with these fields: value and width in bits.
fn stream(fields: &[(u64, u32)]) -> Vec<u8> {
    let bits = fields.iter().flat_map(|&(value, width)| (0..width).map(move |bit| value >> bit & 1));
    let bits: Vec<u64> = bits.collect();
    let byte = |bits: &[u64]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | bit as u8);
    let mut stream = [&MAGIC[..], &bits.chunks(8).map(byte).collect::<Vec<_>>()].concat();
    // Not yet the end for LLVM.
    stream.resize(stream.len().next_multiple_of(4) + 12, 0);
    stream
}

#[test]
fn malformed_blocks_and_abbreviations() {
    const LITERAL: &[(u64, u32)] = &[(1, 1), (7, 8)];
    const ARRAY: &[(u64, u32)] = &[(0, 1), (3, 3)];
    const CHARACTER: &[(u64, u32)] = &[(0, 1), (4, 3)];
    const BLOB: &[(u64, u32)] = &[(0, 1), (5, 3)];
    let error = |fields: &[(u64, u32)]| read(&stream(fields)).unwrap_err().to_string();
    let abbreviation = |operands: &[&[(u64, u32)]]| {
        error(&[&[(2, 2), (operands.len() as u64, 5)], &operands.concat()[..]].concat())
    };
    let after = "end of a block in bitcode without its start";
    let position = "abbreviation in bitcode has an array or blob at a wrong position";
    let count = "abbreviation in bitcode has no operands or too many";
    let encoding = "unknown encoding in an abbreviation in bitcode";
    let wide = "field of an abbreviation in bitcode is too wide";
    assert_eq!(abbreviation(&[LITERAL, ARRAY, CHARACTER]), after);
    assert_eq!(abbreviation(&[LITERAL, CHARACTER, BLOB]), after);
    assert_eq!(abbreviation(&[]), count);
    assert_eq!(error(&[(2, 2), (1 << 4 | 1, 5), (4, 5), (0, 1)]), count);
    assert_eq!(abbreviation(&[ARRAY, CHARACTER]), position);
    assert_eq!(abbreviation(&[BLOB]), position);
    assert_eq!(abbreviation(&[LITERAL, ARRAY]), position);
    assert_eq!(abbreviation(&[LITERAL, ARRAY, LITERAL]), position);
    assert_eq!(abbreviation(&[LITERAL, ARRAY, CHARACTER, CHARACTER]), position);
    assert_eq!(abbreviation(&[LITERAL, ARRAY, BLOB]), position);
    for kind in [0, 6, 7] {
        assert_eq!(abbreviation(&[&[(0, 1), (kind, 3)]]), encoding);
    }
    assert_eq!(abbreviation(&[&[(0, 1), (1, 3), (1 << 4 | 1, 5), (2, 5)]]), wide);
    // A block: id, width of its abbreviations, and after 32 bits the number of its words.
    let block = |width, words| error(&[(1, 2), (8, 8), (width, 4), (0, 18), (words, 32)]);
    assert_eq!(block(0, 1), "block in bitcode has abbreviations of an invalid width");
    assert_eq!(block(3, 4), "unexpected end of data");
    // A record of the largest length, and a number that does not end.
    assert_eq!(error(&[(3, 2), (1, 6), (63, 6), (63, 6), (31, 6)]), "unexpected end of data");
    assert_eq!(error(&[&[(3, 2), (1, 6)], &[(63, 6); 14][..]].concat()), "number in bitcode is too long");
    assert_eq!(
        error(&[&[(3, 2), (1, 6)], &[(63, 6); 7][..], &[(1, 6)]].concat()),
        "number in bitcode is too large"
    );
}

/// Asks everything about a file. Returns whether there was an answer to all.
fn ask(bytes: &[u8]) -> bool {
    let Ok(file) = read(bytes) else { return false };
    let levels: Result<Vec<_>, _> = file.modules.iter().map(|module| file.pic_level(module)).collect();
    let Ok(table) = &file.symbol_table else { return false };
    for symbols in &table.modules {
        for symbol in &table.symbols[symbols.clone()] {
            let comdat = symbol.comdat.map(|comdat| table.comdats[comdat as usize].name);
            let section = symbol.uncommon.map(|uncommon| table.uncommons[uncommon as usize].section);
            for text in [symbol.name, symbol.ir_name].into_iter().chain(comdat).chain(section) {
                assert_eq!(file.text(text).is_empty(), text.is_empty());
            }
        }
    }
    levels.is_ok()
}

#[test]
fn damaged_files_are_read_or_rejected() {
    let (mut read, mut rejected) = (0, 0);
    // The other files have nothing new, and each takes half a second.
    for name in ["mixed", "split", "debug", "assembly", "no_table"] {
        let bytes = bytes(name);
        assert_eq!(ask(bytes), name != "no_table", "{name}");
        let mut count = |bytes: &[u8]| match ask(bytes) {
            true => read += 1,
            false => rejected += 1,
        };
        (0..bytes.len()).for_each(|len| count(&bytes[..len]));
        let mut bytes = bytes.to_vec();
        for at in 0..bytes.len() {
            for mask in (0..8).map(|bit| 1 << bit) {
                bytes[at] ^= mask;
                count(&bytes);
                bytes[at] ^= mask;
            }
        }
    }
    assert!(read > 30_000 && rejected > 30_000, "{read} read, {rejected} rejected");
}
