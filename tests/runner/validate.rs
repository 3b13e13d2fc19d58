//! Checks a written module with wasmparser's validator.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wasmparser::{BinaryReader, BranchHintSectionReader, FunctionBody, Operator, Parser, Payload};
use wasmparser::{Validator, WasmFeatures};

/// A section of a module: its name and the range of its content.
#[derive(Debug)]
pub struct Section {
    /// A known section's name, or the custom section's own.
    pub name: String,
    /// The content, without the header.
    pub range: Range<usize>,
}

/// Validates `bytes` as a module, with every feature allowed.
pub fn validate(bytes: &[u8]) -> Result<(), String> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    validator.validate_all(bytes).map(|_| ()).map_err(|e| format!("invalid module: {e}"))
}

/// The sections of a module, as far as they can be read.
pub fn sections(bytes: &[u8]) -> Vec<Section> {
    const NAMES: [&str; 14] = [
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
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        if let Payload::CustomSection(reader) = &payload {
            found.push(Section { name: reader.name().to_string(), range: reader.range() });
        } else if let Some((id, range)) = payload.as_section() {
            let name = NAMES.get(usize::from(id)).unwrap_or(&"unknown").to_string();
            found.push(Section { name, range });
        }
    }
    found
}

/// Reads all sections of code metadata, which must be as the convention asks: in front of the code, one of a kind, functions and
/// offsets in ascending order, branch hints at branches.
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md>.
pub fn code_metadata(module: &[u8]) -> Result<String, String> {
    let wrong = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut found: BTreeMap<&str, BinaryReader> = BTreeMap::new();
    let mut order = Vec::new();
    let (mut imported, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(wrong)? {
            Payload::ImportSection(imports) => {
                let imports = imports.into_imports().filter_map(Result::ok);
                imported = imports.filter(|i| matches!(i.ty, wasmparser::TypeRef::Func(_))).count();
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            Payload::CustomSection(section) => {
                let Some(kind) = section.name().strip_prefix("metadata.code.") else { continue };
                if !bodies.is_empty() {
                    return Err(format!("metadata {kind} follow the code"));
                }
                let contents = BinaryReader::new(section.data(), section.data_offset());
                if found.insert(kind, contents).is_some() {
                    return Err(format!("metadata {kind} are there twice"));
                }
                order.push(kind);
            }
            _ => {}
        }
    }
    let mut texts = Vec::new();
    for kind in order {
        let mut functions = Vec::new();
        for (function, places) in read_functions(found[kind].clone()).map_err(wrong)? {
            let body = (function as usize).checked_sub(imported).and_then(|index| bodies.get(index));
            let body = body.ok_or(format!("metadata {kind} of function {function}, which has no body"))?;
            if kind == "branch_hint" {
                check_hints(body, &places).map_err(|error| format!("function {function}: {error}"))?;
            }
            let places = places.iter().map(|(offset, data)| {
                format!("{offset}={}", data.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            });
            functions.push((function, format!("{function}:{}", places.collect::<Vec<_>>().join(","))));
        }
        if functions.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(format!("functions of metadata {kind} are not in ascending order"));
        }
        if kind == "branch_hint" {
            let read = BranchHintSectionReader::new(found[kind].clone()).map_err(wrong)?;
            let count = read.into_iter().collect::<Result<Vec<_>, _>>().map_err(wrong)?.len();
            assert_eq!(count, functions.len(), "wasmparser reads the same");
        }
        let functions: Vec<String> = functions.into_iter().map(|(_, text)| text).collect();
        texts.push(format!("{kind} {}", functions.join(" ")));
    }
    Ok(texts.join("; "))
}

/// Offsets in a function's body, and what is said of them.
type Places<'a> = Vec<(u32, &'a [u8])>;

fn read_functions(mut reader: BinaryReader) -> wasmparser::Result<Vec<(u32, Places)>> {
    let mut functions = Vec::new();
    for _ in 0..reader.read_var_u32()? {
        let function = reader.read_var_u32()?;
        let mut places = Vec::new();
        for _ in 0..reader.read_var_u32()? {
            let offset = reader.read_var_u32()?;
            let size = reader.read_var_u32()? as usize;
            places.push((offset, reader.read_bytes(size)?));
        }
        functions.push((function, places));
    }
    match reader.eof() {
        true => Ok(functions),
        false => reader.read_bytes(usize::MAX).map(|_| functions),
    }
}

/// Each hint must be at an `if` or a `br_if`.
fn check_hints(body: &FunctionBody, places: &Places) -> Result<(), String> {
    let start = body.range().start;
    let mut branches = BTreeSet::new();
    let operators = body.get_operators_reader().map_err(|error| error.to_string())?;
    for operator in operators.into_iter_with_offsets() {
        let (operator, offset) = operator.map_err(|error| error.to_string())?;
        if matches!(operator, Operator::If { .. } | Operator::BrIf { .. }) {
            branches.insert(offset - start);
        }
    }
    match places.iter().find(|(offset, _)| !branches.contains(&(*offset as usize))) {
        Some((offset, _)) => Err(format!("there is no branch at offset {offset}")),
        None if places.windows(2).any(|pair| pair[0].0 >= pair[1].0) => Err("hints are not in order".into()),
        None => Ok(()),
    }
}
