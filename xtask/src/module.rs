//! The parts of a module, each with a name that a person understands: sections, and in them functions, segments,
//! imports, exports and the like.
//!
//! Only for explaining differences: what cannot be read is left out, and the rest still has its sections.

use std::collections::HashMap;
use std::ops::Range;
use wasmparser::{BinaryReader, KnownCustom, Name, Parser, Payload, TypeRef};

/// A section.
pub struct Section {
    /// `code`, `data`, or a custom section's own name.
    pub name: String,
    /// The whole section, with its id and size.
    pub whole: Range<usize>,
    /// What is in it, if that is known; in order.
    pub parts: Vec<Part>,
}

/// Something in a section.
pub struct Part {
    /// For instance `function 12 'main'`.
    pub label: String,
    /// Its bytes in the module.
    pub range: Range<usize>,
}

/// The names that the name section gives.
#[derive(Default)]
struct Names {
    functions: HashMap<u32, String>,
    globals: HashMap<u32, String>,
    segments: HashMap<u32, String>,
}

const SECTION_NAMES: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

/// Splits a module into its sections. The second value is the offset at which it could not be read on.
pub fn sections(module: &[u8]) -> (Vec<Section>, usize) {
    let names = names(module);
    let mut sections = Vec::new();
    let mut at = 8;
    while at < module.len() {
        let mut reader = BinaryReader::new(&module[at..], at);
        let (Ok(id), Ok(size)) = (reader.read_u8(), reader.read_var_u32()) else { break };
        let start = reader.original_position();
        let end = start + size as usize;
        if end > module.len() {
            break;
        }
        let name = match id {
            0 => custom_name(&module[start..end]),
            _ => SECTION_NAMES.get(usize::from(id)).unwrap_or(&"unknown").to_string(),
        };
        sections.push(Section { name, whole: at..end, parts: Vec::new() });
        at = end;
    }
    let imported = label_parts(module, &names, &mut sections);
    label_code(module, &names, imported, &mut sections);
    (sections, at)
}

fn custom_name(content: &[u8]) -> String {
    BinaryReader::new(content, 0).read_string().unwrap_or("custom section with a bad name").to_string()
}

fn names(module: &[u8]) -> Names {
    let mut names = Names::default();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(Payload::CustomSection(custom)) = payload else {
            if payload.is_err() {
                break;
            }
            continue;
        };
        let KnownCustom::Name(reader) = custom.as_known() else { continue };
        for subsection in reader.into_iter().flatten() {
            let (map, into) = match subsection {
                Name::Function(map) => (map, &mut names.functions),
                Name::Global(map) => (map, &mut names.globals),
                Name::Data(map) => (map, &mut names.segments),
                _ => continue,
            };
            into.extend(map.into_iter().flatten().map(|naming| (naming.index, naming.name.to_string())));
        }
    }
    names
}

/// Finds the parts of every section but the code section. Returns how many functions are imported.
fn label_parts(module: &[u8], names: &Names, sections: &mut [Section]) -> u32 {
    let (mut imported, mut imported_globals) = (0, 0);
    for payload in Parser::new(0).parse_all(module) {
        let Ok(payload) = payload else { break };
        let (section, parts) = match &payload {
            Payload::TypeSection(reader) => {
                (reader.range(), items(reader.clone(), |index, _| format!("type {index}")))
            }
            Payload::ImportSection(reader) => {
                let parts = items(reader.clone(), |index, import| {
                    imported += u32::from(matches!(import.ty, TypeRef::Func(_)));
                    imported_globals += u32::from(matches!(import.ty, TypeRef::Global(_)));
                    format!("import {index} '{}.{}'", import.module, import.name)
                });
                (reader.range(), parts)
            }
            Payload::FunctionSection(reader) => {
                let label = |index, _| named("the type of function", imported + index, &names.functions);
                (reader.range(), items(reader.clone(), label))
            }
            Payload::GlobalSection(reader) => {
                let label = |index, _| named("global", imported_globals + index, &names.globals);
                (reader.range(), items(reader.clone(), label))
            }
            Payload::ExportSection(reader) => (
                reader.range(),
                items(reader.clone(), |index, export| format!("export {index} '{}'", export.name)),
            ),
            Payload::ElementSection(reader) => {
                (reader.range(), items(reader.clone(), |index, _| format!("element segment {index}")))
            }
            Payload::DataSection(reader) => {
                (reader.range(), items(reader.clone(), |index, _| named("segment", index, &names.segments)))
            }
            Payload::CustomSection(custom) => match custom.as_known() {
                KnownCustom::Name(_) => {
                    (custom.data_offset()..custom.range().end, name_parts(module, custom))
                }
                _ => continue,
            },
            _ => continue,
        };
        if let Some(found) = sections.iter_mut().find(|found| found.whole.end == section.end) {
            found.parts = parts;
        }
    }
    imported
}

/// Each item of a section with its range.
fn items<'a, T: wasmparser::FromReader<'a>>(
    reader: wasmparser::SectionLimited<'a, T>,
    mut label: impl FnMut(u32, T) -> String,
) -> Vec<Part> {
    let end = reader.range().end;
    let mut parts: Vec<Part> = Vec::new();
    for (index, item) in reader.into_iter_with_offsets().enumerate() {
        let Ok((offset, item)) = item else { break };
        if let Some(last) = parts.last_mut() {
            last.range.end = offset;
        }
        parts.push(Part { label: label(index as u32, item), range: offset..end });
    }
    parts
}

/// The entries of the name section: `the name of function 3 'main'`.
fn name_parts(module: &[u8], custom: &wasmparser::CustomSectionReader) -> Vec<Part> {
    const KINDS: [&str; 12] = [
        "module",
        "function",
        "local",
        "label",
        "type",
        "table",
        "memory",
        "global",
        "element segment",
        "segment",
        "field",
        "tag",
    ];
    let mut parts = Vec::new();
    let mut reader =
        BinaryReader::new(&module[custom.data_offset()..custom.range().end], custom.data_offset());
    while let (Ok(id), Ok(size)) = (reader.read_u8(), reader.read_var_u32()) {
        let start = reader.original_position();
        let Ok(content) = reader.read_bytes(size as usize) else { break };
        let kind = KINDS.get(usize::from(id)).unwrap_or(&"unknown");
        if id == 0 {
            parts.push(Part { label: "the module's name".into(), range: start..start + content.len() });
            continue;
        }
        let mut map = BinaryReader::new(content, start);
        let count = map.read_var_u32().unwrap_or(0);
        for _ in 0..count {
            let begin = map.original_position();
            let (Ok(index), Ok(name)) = (map.read_var_u32(), map.read_string()) else { break };
            let label = format!("the name of {kind} {index} '{name}'");
            parts.push(Part { label, range: begin..map.original_position() });
        }
    }
    parts
}

fn label_code(module: &[u8], names: &Names, imported: u32, sections: &mut [Section]) {
    let Some(code) = sections.iter_mut().find(|section| section.name == "code") else { return };
    let mut reader = BinaryReader::new(&module[code.whole.clone()], code.whole.start);
    let header = (reader.read_u8(), reader.read_var_u32(), reader.read_var_u32());
    let (Ok(_), Ok(_), Ok(count)) = header else { return };
    for index in 0..count {
        let start = reader.original_position();
        let Ok(size) = reader.read_var_u32() else { return };
        if reader.read_bytes(size as usize).is_err() {
            return;
        }
        let label = named("function", imported + index, &names.functions);
        code.parts.push(Part { label, range: start..reader.original_position() });
    }
}

fn named(kind: &str, index: u32, names: &HashMap<u32, String>) -> String {
    match names.get(&index) {
        Some(name) => format!("{kind} {index} '{name}'"),
        None => format!("{kind} {index}"),
    }
}
