//! Objects that are malformed in one place each: what is said, and where.

use super::*;
use crate::bytes::Bytes;
use crate::parse_error::ParseError;

/// Puts an object together: sections as id and contents.
fn object(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    for (id, contents) in sections {
        out.extend([*id, contents.len() as u8]);
        out.extend_from_slice(contents);
    }
    out
}

/// A custom section's contents.
fn custom(name: &str, contents: &[u8]) -> Vec<u8> {
    [&[name.len() as u8], name.as_bytes(), contents].concat()
}

/// A linking section with one subsection.
fn linking(id: u8, contents: &[u8]) -> Vec<u8> {
    custom("linking", &[&[2, id, contents.len() as u8], contents].concat())
}

fn parse(bytes: &[u8]) -> Result<Object, ParseError> {
    Object::parse(Bytes::from(bytes.to_vec()), &Interners::default())
}

/// The error, and the bytes at its offset.
fn error(bytes: &[u8]) -> (String, usize) {
    match parse(bytes) {
        Ok(_) => panic!("it was taken: {bytes:x?}"),
        Err(error) => (error.to_string(), error.offset as usize),
    }
}

const TYPES: (u8, &[u8]) = (1, &[1, 0x60, 0, 0]);
const FUNCTIONS: (u8, &[u8]) = (3, &[1, 0]);
const CODE: (u8, &[u8]) = (10, &[1, 8, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b]);

#[test]
fn headers() {
    assert_eq!(error(b"\0asm"), ("missing version number".into(), 4));
    assert_eq!(error(b"\0asm\x0d\0\x01\0"), ("invalid version number: 65549".into(), 4));
    assert_eq!(error(b"\0as"), ("invalid magic number".into(), 0));
    assert_eq!(error(&object(&[])), ("not a relocatable wasm file".into(), 0));
}

#[test]
fn sections_out_of_order_or_doubled() {
    let linking = linking(8, &[0]);
    let reloc = custom("reloc.TYPE", &[0, 0]);
    for sections in [
        &[(3, &[0][..]), TYPES][..],
        &[TYPES, TYPES],
        &[(0, &linking), (0, &linking)],
        &[(0, &linking), TYPES],
        &[TYPES, (0, &reloc), (0, &linking)],
        &[(12, &[0]), (13, &[0])],
    ] {
        assert!(error(&object(sections)).0.starts_with("out of order section type: "), "{sections:x?}");
    }
    assert!(parse(&object(&[TYPES, (13, &[0]), (12, &[0]), (0, &linking)])).is_ok());
    assert_eq!(error(&object(&[(32, &[0])])), ("invalid section type: 32".into(), 10));
    assert_eq!(error(&object(&[(3, &[0, 0])])), ("function section ended prematurely".into(), 11));
}

#[test]
fn types_and_limits_that_no_module_can_have() {
    let cases: [(u8, &[u8], &str); 13] = [
        (1, &[1, 0x60, 1, 0x2a, 0], "invalid value type: 0x2a"),
        (1, &[1, 0x60, 1, 0x63, 5, 0], "invalid value type: 0x63"),
        (1, &[1, 0x60, 0x81, 0, 0x7f, 0], "padded count in a signature"),
        (4, &[1, 0x7f, 0, 0], "invalid table element type"),
        (4, &[1, 0x70, 1, 5, 4], "invalid table limits"),
        (4, &[1, 0x70, 0, 0xff, 0xff, 0xff, 0xff, 0x7f], "invalid table limits"),
        (4, &[1, 0x70, 3, 0, 1], "invalid table limits"),
        (6, &[1, 0x7f, 2, 0x41, 0, 0x0b], "invalid global mutability"),
        (6, &[1, 0x7f, 0, 0x42, 0, 0x0b], "initial value of a global is not of its type"),
        (6, &[1, 0x7f, 0, 0x41, 0, 0x6a, 0x0b], "initial value of a global is not of its type"),
        (6, &[1, 0x7f, 0, 0x23, 0, 0x0b], "initial value of a global is not of its type"),
        (
            6,
            &[1, 0x7f, 0, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b],
            "LEB128 number is too big for its place",
        ),
        (6, &[1, 0x7f, 0, 0x05], "invalid opcode in init_expr: 5"),
    ];
    for (id, contents, message) in cases {
        assert_eq!(error(&object(&[(id, contents)])).0, message, "{contents:x?}");
    }
    let sum = [1, 0x7e, 0, 0x42, 1, 0x42, 2, 0x7c, 0x0b];
    assert!(parse(&object(&[(6, &sum), (0, &linking(8, &[0]))])).is_ok());
}

#[test]
fn symbols_that_point_nowhere() {
    let cases: [(&[u8], &str); 7] = [
        (&[1, 0, 0, 7, 1, b'f'], "invalid function symbol index"),
        (&[1, 1, 0, 1, b'd', 3, 0, 0], "invalid data segment index: 3"),
        (&[1, 2, 0x11, 0], "invalid global symbol index"),
        (&[1, 3, 0, 0], "section symbols must have local binding"),
        (&[1, 3, 2, 7], "invalid section symbol index"),
        (&[1, 9, 0, 0], "invalid symbol type: 9"),
        (&[2, 1, 0x10, 1, b'd', 1, 0x10, 1, b'd'], "duplicate symbol name d"),
    ];
    for (table, message) in cases {
        assert_eq!(error(&object(&[(0, &linking(8, table))])).0, message, "{table:x?}");
    }
    let imports = [1, 1, b'e', 1, b'g', 3, 0x7f, 0];
    let weak = linking(8, &[1, 2, 0x11, 0]);
    assert_eq!(error(&object(&[(2, &imports), (0, &weak)])).0, "undefined weak global symbol");
    // Counts that lie cost nothing.
    let many = linking(8, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(error(&object(&[(0, &many)])).0, "unexpected end of data");
}

#[test]
fn relocations_in_wrong_places() {
    let symbols = linking(8, &[2, 0, 0, 0, 1, b'f', 1, 0x10, 1, b'd']);
    let with = |reloc: &[u8]| {
        let reloc = custom("reloc.CODE", reloc);
        object(&[TYPES, FUNCTIONS, CODE, (0, &symbols), (0, &reloc)])
    };
    let parsed = parse(&with(&[2, 1, 0, 4, 0])).unwrap();
    assert_eq!(parsed.relocations(parsed.functions[0].relocations).count(), 1);
    assert!(parsed.calls_directly(0));
    let cases: [(&[u8], &str); 11] = [
        (&[2, 1, 8, 4, 0, 0], "R_WASM_FUNCTION_OFFSET_I32 has no meaning in code"),
        (&[2, 1, 0x7e, 4, 0], "invalid relocation type: 126"),
        (&[2, 1, 0, 4, 1], "invalid function relocation: d"),
        (&[2, 1, 0, 4, 9], "invalid function relocation: "),
        (&[2, 1, 3, 4, 0, 0], "invalid data relocation: f"),
        // The size in front of a body is the linker's to read.
        (&[2, 1, 0, 1, 0], "invalid relocation offset"),
        (&[2, 1, 0, 6, 0], "invalid relocation offset"),
        (&[2, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0], "invalid relocation offset"),
        (&[2, 2, 0, 4, 0, 0, 3, 0], "relocations not in offset order"),
        (&[2, 2, 0, 4, 0, 0, 4, 0], "relocations overlap"),
        (&[9, 1, 0, 4, 0], "invalid section index"),
    ];
    for (reloc, message) in cases {
        assert_eq!(error(&with(reloc)).0, message, "{reloc:x?}");
    }
    let reloc = custom("reloc.CODE", &[2, 0]);
    let twice = object(&[TYPES, FUNCTIONS, CODE, (0, &symbols), (0, &reloc), (0, &reloc)]);
    assert_eq!(error(&twice).0, "more than one reloc section for a section");
}

#[test]
fn every_truncation_is_an_error_or_an_object() {
    let symbols = linking(8, &[1, 0, 0, 0, 1, b'f']);
    let reloc = custom("reloc.CODE", &[2, 1, 0, 4, 0]);
    let whole = object(&[TYPES, FUNCTIONS, CODE, (0, &symbols), (0, &reloc)]);
    assert!(parse(&whole).is_ok());
    let cuts = (0..whole.len()).filter(|&end| parse(&whole[..end]).is_ok()).count();
    assert_eq!(cuts, 1, "only the whole relocation section can be missing");
}
