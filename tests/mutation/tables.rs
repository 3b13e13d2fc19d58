//! Takes the tables that a linker reads apart, changes one entry, and puts them together again. The result is
//! well-formed and wrong.

use wald::internals::leb128::{write_i64, write_u32, write_u64, Reader};
use wald::unit::RelocationType;
use wald_tests::random::Random;

/// Names that mean something to a linker.
const NAMES: [&str; 24] = [
    "_start",
    "main",
    "__main_argc_argv",
    "__wasm_call_ctors",
    "__wasm_call_dtors",
    "__wasm_init_tls",
    "__wasm_init_memory",
    "__wasm_apply_data_relocs",
    "__stack_pointer",
    "__tls_base",
    "__tls_size",
    "__tls_align",
    "__indirect_function_table",
    "__heap_base",
    "__heap_end",
    "__data_end",
    "__dso_handle",
    "__global_base",
    "__memory_base",
    "__table_base",
    "__start_x",
    "__stop_x",
    "_ZN1a1bEv",
    "",
];

/// Names of segments that are treated in a way of their own.
const SEGMENTS: [&str; 10] =
    [".tdata", ".tbss.a", ".bss", ".bss.x", ".data", ".rodata.str", ".init_array", "x", "__x", ""];

/// Numbers at the borders.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    3,
    5,
    127,
    128,
    65536,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// A number near `old`, small, or at a border.
fn number(random: &mut Random, old: u64) -> u64 {
    match random.below(4) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => random.below(8) as u64,
        _ => NUMBERS[random.below(NUMBERS.len())],
    }
}

/// Changes an entry of a `reloc.*` section.
pub fn relocations(contents: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut reader = Reader::new(contents);
    let (mut target, count) = (reader.u32().ok()?, reader.u32().ok()?);
    let mut entries = Vec::new();
    for _ in 0..count {
        let kind = RelocationType::from_number(u32::from(reader.byte().ok()?))?;
        let (offset, index) = (reader.u32().ok()?, reader.u32().ok()?);
        let addend = if kind.has_addend() { reader.i64().ok()? } else { 0 };
        entries.push((kind, offset, index, addend));
    }
    let position = random.below(entries.len());
    let (kind, offset, index, addend) = entries.get_mut(position)?;
    match random.below(8) {
        0..=3 => *kind = RelocationType::from_number(random.below(27) as u32)?,
        4 => *offset = number(random, u64::from(*offset)) as u32,
        5 => *index = number(random, u64::from(*index)) as u32,
        6 => *addend = number(random, *addend as u64) as i64,
        _ => target = number(random, u64::from(target)) as u32,
    }
    let mut out = Vec::new();
    write_u32(&mut out, target);
    write_u32(&mut out, count);
    for (kind, offset, index, addend) in entries {
        out.push(kind as u8);
        write_u32(&mut out, offset);
        write_u32(&mut out, index);
        if kind.has_addend() {
            write_i64(&mut out, addend);
        }
    }
    Some(out)
}

/// Changes an entry of a `linking` section's symbol table, segments, init functions or comdats.
pub fn linking(contents: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut reader = Reader::new(contents);
    let version = reader.u32().ok()?;
    let mut parts = Vec::new();
    while !reader.is_empty() {
        parts.push((reader.byte().ok()?, reader.string().ok()?.to_vec()));
    }
    let position = random.below(parts.len());
    let (id, part) = parts.get_mut(position)?;
    *part = match id {
        5 => segments(part, random)?,
        6 => init_functions(part, random)?,
        8 => symbols(part, random)?,
        _ => comdats(part, random)?,
    };
    let mut out = Vec::new();
    write_u32(&mut out, version);
    for (id, part) in parts {
        out.push(id);
        write_name(&mut out, &part);
    }
    Some(out)
}

fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    write_u64(out, name.len() as u64);
    out.extend_from_slice(name);
}

fn segments(part: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut reader = Reader::new(part);
    let count = reader.u32().ok()?;
    let changed = random.below(count as usize) as u32;
    let mut out = Vec::new();
    write_u32(&mut out, count);
    for position in 0..count {
        let mut name = reader.string().ok()?;
        let (mut alignment, mut flags) = (reader.u32().ok()?, reader.u32().ok()?);
        if position == changed {
            match random.below(3) {
                0 => name = SEGMENTS[random.below(SEGMENTS.len())].as_bytes(),
                1 => alignment = [0, 1, 4, 12, 16, 20, 24, 27, 30, 31, 32][random.below(11)],
                _ => flags = random.below(16) as u32,
            }
        }
        write_name(&mut out, name);
        write_u32(&mut out, alignment);
        write_u32(&mut out, flags);
    }
    Some(out)
}

/// A list of pairs of numbers.
fn init_functions(part: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut reader = Reader::new(part);
    let mut numbers = Vec::new();
    while !reader.is_empty() {
        numbers.push(reader.u32().ok()?);
    }
    let changed = random.below(numbers.len());
    let slot = numbers.get_mut(changed)?;
    *slot = number(random, u64::from(*slot)) as u32;
    let mut out = Vec::new();
    numbers.into_iter().for_each(|number| write_u32(&mut out, number));
    Some(out)
}

fn comdats(part: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut reader = Reader::new(part);
    let mut out = Vec::new();
    let groups = reader.u32().ok()?;
    write_u32(&mut out, groups);
    for _ in 0..groups {
        let name = reader.string().ok()?;
        write_name(&mut out, if random.below(8) == 0 { b"c" } else { name });
        write_u32(&mut out, reader.u32().ok()?);
        let entries = reader.u32().ok()?;
        write_u32(&mut out, entries);
        for _ in 0..entries {
            let (kind, index) = (reader.u32().ok()?, reader.u32().ok()?);
            write_u32(&mut out, if random.below(8) == 0 { [0, 1, 5][random.below(3)] } else { kind });
            write_u32(
                &mut out,
                if random.below(4) == 0 { number(random, u64::from(index)) as u32 } else { index },
            );
        }
    }
    Some(out)
}

struct Symbol<'a> {
    kind: u8,
    flags: u32,
    name: Option<&'a [u8]>,
    /// Index, or segment, offset and size.
    numbers: Vec<u64>,
}

fn symbols(part: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    const UNDEFINED: u32 = 0x10;
    const EXPLICIT_NAME: u32 = 0x40;
    let mut reader = Reader::new(part);
    let count = reader.u32().ok()?;
    let mut list = Vec::new();
    for _ in 0..count {
        let (kind, flags) = (reader.byte().ok()?, reader.u32().ok()?);
        let mut symbol = Symbol { kind, flags, name: None, numbers: Vec::new() };
        if kind == 1 {
            symbol.name = Some(reader.string().ok()?);
        }
        let numbers = match (kind, flags & UNDEFINED != 0) {
            (1, true) => 0,
            (1, false) => 3,
            _ => 1,
        };
        for _ in 0..numbers {
            symbol.numbers.push(reader.u64().ok()?);
        }
        if !matches!(kind, 1 | 3) && (flags & UNDEFINED == 0 || flags & EXPLICIT_NAME != 0) {
            symbol.name = Some(reader.string().ok()?);
        }
        list.push(symbol);
    }
    let (changed, other) = (random.below(list.len()), random.below(list.len()));
    let other = list.get(other)?.name;
    let symbol = list.get_mut(changed)?;
    match random.below(6) {
        0 | 1 => symbol.flags ^= 1 << random.below(10),
        2 => symbol.name = symbol.name.and(Some(NAMES[random.below(NAMES.len())].as_bytes())),
        3 => symbol.name = symbol.name.and(other),
        4 => symbol.kind = random.below(6) as u8,
        _ => {
            let position = random.below(symbol.numbers.len());
            let slot = symbol.numbers.get_mut(position)?;
            *slot = number(random, *slot);
        }
    }
    let mut out = Vec::new();
    write_u32(&mut out, count);
    for Symbol { kind, flags, name, numbers } in list {
        // Written as the new kind and flags have it.
        let name = name.unwrap_or(b"unnamed");
        let number = |position: usize| numbers.get(position).copied().unwrap_or(0);
        out.push(kind);
        write_u32(&mut out, flags);
        if kind == 1 {
            write_name(&mut out, name);
            if flags & UNDEFINED == 0 {
                (0..3).for_each(|position| write_u64(&mut out, number(position)));
            }
            continue;
        }
        write_u64(&mut out, number(0));
        if kind != 3 && (flags & UNDEFINED == 0 || flags & EXPLICIT_NAME != 0) {
            write_name(&mut out, name);
        }
    }
    Some(out)
}
