//! Files with code for other processors: ELF, Mach-O, COFF and PE.

use super::answer::{extension, starts_with, Foreign, TARGET};
use super::machine;
use std::borrow::Cow;

/// What a file is, if it has code for another processor.
pub fn recognize(bytes: &[u8], name: &str) -> Option<Foreign> {
    let what = elf(bytes).or_else(|| macho(bytes)).or_else(|| pe(bytes)).or_else(|| coff(bytes))?;
    let help = match what.code {
        Held::Objects => compile_help(name),
        Held::Program => format!("pass the objects that it was linked from, compiled with {TARGET}"),
        Held::NoCode => "leave it out: a module for WebAssembly has nothing in its place".into(),
    };
    Some(Foreign::new(what.kind, starts_with(bytes, 4), help))
}

/// What is in a file.
enum Held {
    Objects,
    Program,
    NoCode,
}

struct Kind {
    kind: Cow<'static, str>,
    code: Held,
}

fn kind(kind: impl Into<Cow<'static, str>>, code: Held) -> Option<Kind> {
    Some(Kind { kind: kind.into(), code })
}

/// How to get the same for WebAssembly.
fn compile_help(name: &str) -> String {
    const HOST: [&str; 5] = ["/usr/lib", "/lib", "/usr/local/lib", "/opt/homebrew", "C:/Windows"];
    if HOST.iter().any(|folder| name.starts_with(folder)) {
        return "it is of this computer's system: name the sysroot of the WASI SDK with --sysroot and -L"
            .into();
    }
    match &*extension(name) {
        "rlib" | "rmeta" => "build the crate for WebAssembly: cargo build --target wasm32-wasip1".into(),
        "obj" | "lib" => {
            format!("compile it for WebAssembly with clang {TARGET}, and not with cl or clang-cl")
        }
        _ if name.contains(".rcgu.") => {
            "build the crate for WebAssembly: cargo build --target wasm32-wasip1".into()
        }
        _ => format!("compile it for WebAssembly: clang {TARGET}"),
    }
}

fn elf(bytes: &[u8]) -> Option<Kind> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let half = |at: usize| {
        let pair = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if bytes[5] == 2 { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    let Some((form, number)) = bytes.get(5).and_then(|_| half(16).zip(half(18))) else {
        return kind("the start of an ELF file", Held::Objects);
    };
    let machine = machine::of_elf(number);
    match form {
        1 => kind(format!("an ELF object for {machine}"), Held::Objects),
        2 => kind(format!("an ELF program for {machine}"), Held::Program),
        3 => kind(format!("an ELF shared library or program for {machine}"), Held::Program),
        4 => kind(format!("an ELF core dump of {machine}"), Held::NoCode),
        _ => kind(format!("an ELF file for {machine}"), Held::Objects),
    }
}

fn macho(bytes: &[u8]) -> Option<Kind> {
    let first = u32::from_le_bytes(*bytes.first_chunk()?);
    let is_big = match first {
        0xfeed_face | 0xfeed_facf => false,
        0xcefa_edfe | 0xcffa_edfe => true,
        0xbeba_feca | 0xbfba_feca => return fat(bytes),
        _ => return None,
    };
    let word = |at: usize| {
        let word = *bytes.get(at..)?.first_chunk()?;
        Some(if is_big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    };
    let Some((number, form)) = word(4).zip(word(12)) else {
        return kind("the start of a Mach-O file", Held::Objects);
    };
    let machine = machine::of_macho(number);
    match form {
        1 => kind(format!("a Mach-O object for {machine}"), Held::Objects),
        2 => kind(format!("a Mach-O program for {machine}"), Held::Program),
        6 | 8 | 9 => kind(format!("a Mach-O library for {machine}"), Held::Program),
        _ => kind(format!("a Mach-O file for {machine}"), Held::Objects),
    }
}

/// A file with code for several processors. A Java class has the same magic number, and then its version: never below 45.
fn fat(bytes: &[u8]) -> Option<Kind> {
    let word = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let count = word(4).filter(|count| (1..45).contains(count))?;
    let size = if bytes[3] == 0xbf { 32 } else { 20 };
    let machines = (0..count as usize).map_while(|number| word(8 + number * size)).map(machine::of_macho);
    let machines: Vec<String> = machines.collect();
    kind(format!("a universal Mach-O file for {}", machines.join(" and ")), Held::Objects)
}

fn pe(bytes: &[u8]) -> Option<Kind> {
    if !bytes.starts_with(b"MZ") {
        return None;
    }
    let start = u32::from_le_bytes(*bytes.get(0x3c..)?.first_chunk()?) as usize;
    let header = bytes.get(start..)?.strip_prefix(b"PE\0\0")?;
    let half = |at: usize| Some(u16::from_le_bytes(*header.get(at..)?.first_chunk()?));
    let machine = machine::of_coff(half(0)?).unwrap_or("an unknown processor");
    let is_library = half(18).is_some_and(|flags| flags & 0x2000 != 0);
    let what = if is_library { "library (DLL)" } else { "program" };
    kind(format!("a Windows {what} for {machine}"), Held::Program)
}

fn coff(bytes: &[u8]) -> Option<Kind> {
    const RESOURCE: [u8; 16] = [0, 0, 0, 0, 0x20, 0, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0];
    if bytes.starts_with(&RESOURCE) {
        return kind("a compiled Windows resource", Held::NoCode);
    }
    let half = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if (half(0)?, half(2)?) == (0, 0xffff) {
        let machine = machine::of_coff(half(6)?)?;
        return match half(4)? {
            0 => kind(format!("a member of a Windows import library for {machine}"), Held::NoCode),
            1 => kind(format!("an object of MSVC's link-time code generation for {machine}"), Held::Objects),
            _ => kind(format!("a COFF object for {machine}"), Held::Objects),
        };
    }
    let machine = machine::of_coff(half(0)?)?;
    // There is no magic number: the header must make sense. Its tables follow it, and an object has no optional header.
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let sections = usize::from(half(2)?);
    let has_sense = half(16)? == 0 && word(8)? <= bytes.len() && 20 + sections * 40 <= bytes.len();
    if !has_sense {
        return None;
    }
    let is_resource = sections != 0 && bytes.get(20..25) == Some(b".rsrc");
    match is_resource {
        true => kind(format!("a Windows resource for {machine}"), Held::NoCode),
        false => kind(format!("a COFF object for {machine}"), Held::Objects),
    }
}

/// LLVM's message about a member that is not a module and has no bitcode. ELF, Mach-O and COFF objects could contain some.
pub fn no_bitcode(bytes: &[u8]) -> String {
    const UNKNOWN: &str = "The file was not recognized as a valid object file";
    const WITHOUT: &str = "Bitcode section not found in object file";
    let message = match bytes {
        [0x7f, b'E', b'L', b'F', ..] => return no_bitcode_in_elf(bytes).unwrap_or_else(|| UNKNOWN.into()),
        [0xce, 0xfa, 0xed, 0xfe, ..] if bytes.len() >= 28 => WITHOUT,
        [0xcf, 0xfa, 0xed, 0xfe, ..] if bytes.len() >= 32 => WITHOUT,
        [0x64, 0x86, ..] | [0x4c, 0x01, ..] | [0x64, 0xaa, ..] | [0xc4, 0x01, ..] => WITHOUT,
        _ => UNKNOWN,
    };
    message.into()
}

/// LLVM's message about an ELF file without bitcode. `None` if the file is not relocatable.
fn no_bitcode_in_elf(bytes: &[u8]) -> Option<String> {
    let (class, order) = (*bytes.get(4)?, *bytes.get(5)?);
    let kind = [*bytes.get(16)?, *bytes.get(17)?];
    if kind != if order == 2 { [0, 1] } else { [1, 0] } {
        return None;
    }
    let header = match class {
        1 => 52,
        2 => 64,
        _ => return Some("Invalid ELF class".into()),
    };
    let size = bytes.len();
    Some(match order {
        1 | 2 if size < header => {
            format!("invalid buffer: the size ({size}) is smaller than an ELF header ({header})")
        }
        1 | 2 => "Bitcode section not found in object file".into(),
        _ => "Invalid ELF data".into(),
    })
}
