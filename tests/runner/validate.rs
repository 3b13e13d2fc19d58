//! Checks a written module with wasmparser's validator.

use std::ops::Range;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// A section of a module: its name and where its content lies.
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
