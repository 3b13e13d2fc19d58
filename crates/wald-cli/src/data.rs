//! Diagnostics as JSON objects, one per line, and as a SARIF 2.1.0 document. `docs/diagnostics.md` describes both.
//!
//! Text is UTF-8: a byte that is not is U+FFFD here. SARIF: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use serde_json::{json, Map, Value};
use std::path::Path;
use wald::diagnostics::{Code, Diagnostic, Fix, Help, Location, Severity, SourcePosition};
use wald::Text;

/// The form of what goes to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text, as wasm-ld prints it.
    #[default]
    Human,
    /// A JSON object per line.
    Json,
    /// One SARIF document at the end.
    Sarif,
}

impl Format {
    /// The form that a value of `--diagnostics-format` names.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "human" => Some(Format::Human),
            "json" => Some(Format::Json),
            "sarif" => Some(Format::Sarif),
            _ => None,
        }
    }
}

fn text(text: &Text) -> &str {
    text
}

/// A line that is not a diagnostic.
pub fn message(text: &str) -> Value {
    json!({ "type": "message", "text": &*Text::from(text) })
}

/// A diagnostic. With `--fatal-warnings` its severity is another one than it says.
pub fn diagnostic(program: &str, severity: Severity, of: &Diagnostic) -> Value {
    let label = label(severity);
    let mut rendered = format!("{program}: {label}: {}\n", text(&of.message));
    of.notes.iter().for_each(|note| rendered += &format!("    note: {}\n", text(&note.text)));
    of.helps.iter().for_each(|help| rendered += &format!("    help: {}\n", text(&help.text)));
    let notes = of.notes.iter().map(|note| {
        json!({ "text": text(&note.text), "locations": note.locations.iter().map(location).collect::<Vec<_>>() })
    });
    let helps = of.helps.iter().map(|help| json!({ "text": text(&help.text), "fix": fix(help) }));
    json!({
        "type": "diagnostic",
        "severity": label,
        "code": of.code.to_string(),
        "name": of.code.name(),
        "message": text(&of.message),
        "location": of.location.as_ref().map(location),
        "notes": notes.collect::<Vec<_>>(),
        "helps": helps.collect::<Vec<_>>(),
        "rendered": rendered,
    })
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        _ => "note",
    }
}

fn location(of: &Location) -> Value {
    let mut object = Map::new();
    object.insert("path".into(), of.path.to_string_lossy().into());
    if let Some(member) = &of.member {
        object.insert("member".into(), text(member).into());
    }
    if let Some(offset) = of.offset {
        object.insert("offset".into(), offset.into());
    }
    if let Some(symbol) = &of.symbol {
        object.insert("symbol".into(), symbol.as_str().into());
    }
    if let Some(source) = &of.source {
        object.insert("source".into(), position(source));
    }
    object.into()
}

fn position(of: &SourcePosition) -> Value {
    let mut object = Map::new();
    object.insert("file".into(), text(&of.file).into());
    object.insert("line".into(), of.line.into());
    if let Some(column) = of.column {
        object.insert("column".into(), column.into());
    }
    if let Some(function) = &of.function {
        object.insert("function".into(), function.as_str().into());
    }
    object.into()
}

fn fix(help: &Help) -> Value {
    let locations = |list: &[Location]| list.iter().map(location).collect::<Vec<_>>();
    match &help.fix {
        Some(Fix::AddArgument { argument }) => json!({ "kind": "add-argument", "argument": text(argument) }),
        Some(Fix::RemoveArgument { argument }) => {
            json!({ "kind": "remove-argument", "argument": text(argument) })
        }
        Some(Fix::ReplaceArgument { from, to }) => {
            json!({ "kind": "replace-argument", "from": text(from), "to": text(to) })
        }
        Some(Fix::ReplaceSymbol { from, to, locations: places }) => {
            json!({ "kind": "replace-symbol", "from": text(from), "to": text(to), "locations": locations(places) })
        }
        Some(Fix::AddCompilerFlag { flag, locations: places }) => {
            json!({ "kind": "add-compiler-flag", "flag": text(flag), "locations": locations(places) })
        }
        Some(Fix::UseDriver { driver }) => json!({ "kind": "use-driver", "driver": text(driver) }),
        _ => Value::Null,
    }
}

/// What a SARIF document will contain.
#[derive(Default)]
pub struct Sarif {
    results: Vec<Value>,
    messages: Vec<Value>,
    codes: Vec<Code>,
}

impl Sarif {
    /// Adds a diagnostic.
    pub fn add(&mut self, severity: Severity, of: &Diagnostic) {
        let index = self.codes.iter().position(|code| *code == of.code).unwrap_or(self.codes.len());
        if index == self.codes.len() {
            self.codes.push(of.code);
        }
        let mut message = text(&of.message).to_string();
        of.notes.iter().for_each(|note| message += &format!("\nnote: {}", text(&note.text)));
        of.helps.iter().for_each(|help| message += &format!("\nhelp: {}", text(&help.text)));
        let related = of.notes.iter().flat_map(|note| note.locations.iter().map(sarif_location));
        let fixes: Vec<Value> = of.helps.iter().map(fix).filter(|fix| !fix.is_null()).collect();
        self.results.push(json!({
            "ruleId": of.code.to_string(),
            "ruleIndex": index,
            "level": label(severity),
            "message": { "text": message },
            "locations": of.location.iter().map(sarif_location).collect::<Vec<_>>(),
            "relatedLocations": related.collect::<Vec<_>>(),
            "properties": { "location": of.location.as_ref().map(location), "fixes": fixes },
        }));
    }

    /// Adds a line that is not a diagnostic.
    pub fn add_message(&mut self, text: &str) {
        self.messages.push(json!({ "level": "none", "message": { "text": &*Text::from(text) } }));
    }

    /// The document.
    pub fn document(self, is_success: bool) -> Value {
        let rules = self.codes.iter().map(|code| {
            json!({ "id": code.to_string(), "name": code.name(), "shortDescription": { "text": code.title() } })
        });
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "wald",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules.collect::<Vec<_>>(),
                } },
                "invocations": [{
                    "executionSuccessful": is_success,
                    "toolExecutionNotifications": self.messages,
                }],
                "results": self.results,
            }],
        })
    }
}

/// A place in the source code, if it is known; otherwise in the input.
fn sarif_location(of: &Location) -> Value {
    let mut physical = Map::new();
    match (&of.source, of.offset) {
        (Some(source), _) => {
            physical.insert("artifactLocation".into(), json!({ "uri": uri(Path::new(text(&source.file))) }));
            let mut region = Map::new();
            region.insert("startLine".into(), source.line.max(1).into());
            if let Some(column) = source.column.filter(|&column| column > 0) {
                region.insert("startColumn".into(), column.into());
            }
            physical.insert("region".into(), region.into());
        }
        (None, offset) => {
            physical.insert("artifactLocation".into(), json!({ "uri": uri(&of.path) }));
            // An offset in a member is not one in the file.
            if let Some(offset) = offset.filter(|_| of.member.is_none()) {
                physical.insert("region".into(), json!({ "byteOffset": offset, "byteLength": 0 }));
            }
        }
    }
    let mut object = Map::new();
    object.insert("physicalLocation".into(), physical.into());
    let function = of.source.as_ref().and_then(|source| source.function.as_deref()).or(of.symbol.as_deref());
    if let Some(function) = function {
        object.insert("logicalLocations".into(), json!([{ "name": function }]));
    }
    object.into()
}

/// A path as a URI reference: relative paths stay relative.
pub fn uri(path: &Path) -> String {
    let mut uri = String::new();
    if path.is_absolute() {
        uri += "file://";
    }
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' | b'+' => {
                uri.push(char::from(byte));
            }
            byte => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Diagnostic {
        let mut place = Location::file("lib a.a");
        (place.member, place.symbol) = (Some("b.o".into()), Some("f".into()));
        place.source = Some(SourcePosition::new("src/b.c", 3));
        let fix = Fix::AddArgument { argument: "-lm".into() };
        Diagnostic::error(Code::UndefinedSymbol, "x")
            .with_location(place)
            .with_note("because")
            .with_help(Help::new("add -lm").with_fix(fix))
    }

    #[test]
    fn a_json_object_has_everything() {
        let value = diagnostic("p", Severity::Error, &example());
        assert_eq!(value["code"], "W0004");
        assert_eq!(value["location"]["member"], "b.o");
        assert_eq!(value["location"]["source"], json!({ "file": "src/b.c", "line": 3 }));
        assert_eq!(value["helps"][0]["fix"], json!({ "kind": "add-argument", "argument": "-lm" }));
        assert_eq!(value["rendered"], "p: error: x\n    note: because\n    help: add -lm\n");
    }

    #[test]
    fn a_sarif_document_names_rules_once_and_prefers_the_source() {
        let mut sarif = Sarif::default();
        sarif.add(Severity::Error, &example());
        sarif.add(Severity::Warning, &example());
        sarif.add_message("p: -- layout");
        let document = sarif.document(false);
        let run = &document["runs"][0];
        assert_eq!(document["version"], "2.1.0");
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
        assert_eq!(run["results"][1]["level"], "warning");
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place, &json!({ "artifactLocation": { "uri": "src/b.c" }, "region": { "startLine": 3 } }));
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri(Path::new("lib a/ü.o")), "lib%20a/%C3%BC.o");
        #[cfg(unix)]
        assert_eq!(uri(Path::new("/out/a.o")), "file:///out/a.o");
    }
}
