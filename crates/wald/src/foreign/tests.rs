//! Tests with the first bytes of foreign files.

use super::*;

fn what(bytes: &[u8], name: &str) -> String {
    recognize(bytes, name).what.into_owned()
}

/// The first bytes with numbers of 16 bits at some offsets, little-endian.
fn header(start: &[u8], size: usize, halves: &[(usize, u16)]) -> Vec<u8> {
    let mut bytes = start.to_vec();
    bytes.resize(size, 0);
    halves.iter().for_each(|&(at, value)| bytes[at..at + 2].copy_from_slice(&value.to_le_bytes()));
    bytes
}

#[test]
fn native_code() {
    let elf = |form, machine| header(b"\x7fELF\x02\x01\x01", 64, &[(16, form), (18, machine)]);
    assert_eq!(what(&elf(1, 62), "a.o"), "an ELF object for x86-64");
    assert_eq!(what(&elf(3, 183), "a.so"), "an ELF shared library or program for AArch64");
    assert_eq!(what(&elf(2, 999), "a"), "an ELF program for machine 999");
    let mut big = header(b"\x7fELF\x01\x02\x01", 52, &[]);
    (big[17], big[19]) = (1, 20);
    assert_eq!(what(&big, "a.o"), "an ELF object for PowerPC");
    assert_eq!(what(b"\x7fELF\x02", "a.o"), "the start of an ELF file");
    let macho = header(b"\xcf\xfa\xed\xfe\x0c\0\0\x01", 32, &[(12, 1)]);
    assert_eq!(what(&macho, "a.o"), "a Mach-O object for AArch64");
    let mut fat = header(b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07", 48, &[]);
    fat[28..32].copy_from_slice(&0x0100_000cu32.to_be_bytes());
    assert_eq!(what(&fat, "a.o"), "a universal Mach-O file for x86-64 and AArch64");
    assert_eq!(what(b"\xca\xfe\xba\xbe\0\0\0\x41\0\0", "A.class"), "a Java class");
    assert_eq!(what(&header(b"\x64\x86", 100, &[(2, 2)]), "a.obj"), "a COFF object for x86-64");
    // The table of sections would be longer than the file.
    assert!(!what(&header(b"\x64\x86", 30, &[(2, 2)]), "a.obj").contains("COFF"));
    assert_eq!(
        what(&header(b"\0\0\xff\xff\0\0\x64\x86", 40, &[]), "a.dll"),
        "a member of a Windows import library for x86-64"
    );
    let mut pe = header(b"MZ", 0x100, &[(0x3c, 0x80)]);
    pe[0x80..0x86].copy_from_slice(b"PE\0\0\x4c\x01");
    assert_eq!(what(&pe, "a.exe"), "a Windows program for x86");
    pe[0x80 + 4 + 19] = 0x20;
    assert_eq!(what(&pe, "a.dll"), "a Windows library (DLL) for x86");
    let resource = [0, 0, 0, 0, 0x20, 0, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0];
    assert_eq!(what(&resource, "a.res"), "a compiled Windows resource");
}

#[test]
fn help_depends_on_the_language_and_the_place() {
    let elf = header(b"\x7fELF\x02\x01\x01", 64, &[(16, 1), (18, 62)]);
    let help = |name| recognize(&elf, name).help;
    assert!(help("a.o").contains("clang --target=wasm32-wasi"));
    assert!(help("libfoo.rlib").contains("cargo build --target wasm32-wasip1"));
    assert!(help("/usr/lib/libz.a").contains("sysroot"));
}

#[test]
fn text_and_stand_ins() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 4242\n";
    let found = recognize(pointer, "a.a");
    assert_eq!(
        (&*found.what, &*found.help),
        ("a Git LFS pointer to a file of 4242 bytes", "fetch the file: git lfs pull")
    );
    for (text, name, expected) in [
        ("/annex/objects/SHA256E-s1--2.a\n", "a.a", "a pointer of git-annex"),
        ("<!DOCTYPE html>\n<title>404", "a.a", "an HTML page"),
        ("; ModuleID = 'a.c'\n", "a.ll", "LLVM IR in text form"),
        ("  ;; x\n(; y ;) (module)", "a.wat", "WebAssembly text"),
        ("(component)", "a.wat", "the text of a component"),
        ("{ \"a\": 1 }", "a.json", "JSON"),
        ("int f(void);", "a.c", "C source text"),
        ("// f\nint f();", "a.cc", "C++ source text"),
        ("fn main() {}", "main.rs", "Rust source text"),
        ("# liba.la - a libtool library file\n", "liba.la", "a file of libtool"),
        ("GROUP ( libc.so.6 )", "libc.so", "a linker script"),
        ("no object", "a.txt", "text"),
    ] {
        assert_eq!(what(text.as_bytes(), name), expected);
    }
    assert_eq!(recognize(b"\tone\x20two\nthree", "x").because, "its first line is `one two`");
    assert!(recognize(&b"long ".repeat(9999), "x").because.ends_with("long…`"));
    // Escape sequences are not shown.
    assert!(!recognize(b"\x1b[2Jtext", "x").because.contains('\x1b'));
}

#[test]
fn packed_empty_and_unwritten() {
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"\x1f\x8b\x08\0", "data that gzip compressed"),
        (b"PK\x03\x04", "a zip file"),
        (b"\x28\xb5\x2f\xfd", "data that zstd compressed"),
        (b"rust\0\0\0\x09", "the metadata of a Rust crate"),
        (&[0; 40], "unwritten"),
        (b"!<arch>\n", "an archive"),
        (b"\x01\x02\xff", "of a kind that Wald does not know"),
    ] {
        assert_eq!(what(bytes, "x"), expected);
    }
    assert_eq!(recognize(&[0; 40], "x").because, "all its 40 bytes are zero");
}

#[test]
fn modules_that_are_not_objects() {
    const LINKED: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0";
    assert_eq!(unlinkable_module(LINKED).what, "a module that was already linked");
    assert_eq!(unlinkable_module(&LINKED[..8]).what, "an empty module");
    let stripped = [LINKED, b"\x02\x18\x01\x03env\x0f__linear_memory\x02\0\0"].concat();
    assert_eq!(unlinkable_module(&stripped).what, "an object from which a tool removed the symbols");
    assert_eq!(wrong_version(b"\0asm\x0d\0\x01\0").unwrap().what, "a component");
    assert!(wrong_version(b"\0asm\x02\0\0\0").unwrap().because.contains("is 2"));
    assert_eq!(wrong_version(LINKED), None);
}

#[test]
fn missing_ends() {
    let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x0a\x10\0";
    assert_eq!(
        cut_module(module).unwrap().because,
        "its code section at offset 0xe goes on after the end of the file; 15 of 32 bytes are missing"
    );
    assert_eq!(cut_module(&module[..14]), None);
    assert!(cut_module(&module[..15]).unwrap().because.contains("header of a section"));
    let padded = [&module[..14], &[b'\n'; 9]].concat();
    assert_eq!(cut_module(&padded).unwrap().what, "padded");
    let archive = format!("!<arch>\n{:<48}{:<10}`\nxy", "a.o/", 10);
    assert_eq!(cut_archive(archive.as_bytes(), 8).unwrap().because, "8 of at least 78 bytes are missing");
    assert_eq!(cut_archive(archive.replace("10  ", "2   ").as_bytes(), 8), None);
}

/// Nothing that a file can start with is a panic.
#[test]
fn any_bytes_are_answered() {
    let starts: [&[u8]; 12] = [
        b"\x7fELF\x02\x01",
        b"\xcf\xfa\xed\xfe",
        b"\xfe\xed\xfa\xce",
        b"\xca\xfe\xba\xbe\0\0\0\x2c",
        b"MZ",
        b"\x64\x86\xff\xff",
        b"\0\0\xff\xff",
        b"\0asm\x01\0\0\0",
        b"\0asm",
        b"!<arch>\n",
        b"(;",
        "é".as_bytes(),
    ];
    for start in starts {
        for size in start.len()..200 {
            for fill in [0, 0x0a, 0x80, 0xff] {
                let mut bytes = start.to_vec();
                bytes.resize(size, fill);
                let _ = (recognize(&bytes, "a.o"), unlinkable_module(&bytes), cut_module(&bytes));
                let _ = (wrong_version(&bytes), cut_archive(&bytes, 8), no_bitcode(&bytes));
            }
        }
    }
}
