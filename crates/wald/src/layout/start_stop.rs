//! Symbols that layout defines: bounds of segments, and what `--export` names only now.

use hashbrown::HashSet;

use super::memory::Memory;
use super::segments::Segments;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::SymbolKind;
use crate::index::NameId;
use crate::mark_live::Liveness;
use crate::options::UnresolvedPolicy;
use crate::resolve::special::force_exports;
use crate::symbols::{SymbolTable, Synthetic, SyntheticData};

/// Defines `__start_NAME` and `__stop_NAME` of segments whose name is a C identifier, and the flag by which
/// threads agree on who initialises memory; then checks that everything that must be exported exists.
pub fn define(
    context: &Context<'_>,
    segments: &Segments,
    memory: &Memory,
    symbols: &mut SymbolTable,
    live: &mut Liveness,
    diagnostics: &mut Diagnostics,
) {
    let (options, interners) = (context.options, context.interners);
    let exported = options.exported_linker_names();
    let traced: HashSet<&str> =
        options.trace_symbols.iter().map(String::as_str).filter(|name| name.starts_with("__")).collect();
    let mut define = |name: Vec<u8>, place: SyntheticData, always: bool| {
        let text = String::from_utf8_lossy(&name).into_owned();
        let wanted = always || options.export_all || exported.contains(text.as_str());
        let name = NameId(interners.names.intern(&name));
        let synthetic = Synthetic::Data(place);
        if let Some(id) = symbols.define_optional(name, wanted, SymbolKind::Data, synthetic) {
            live.symbols.grow(id.at() + 1, false);
            live.symbols.insert(id.at());
            if traced.contains(text.as_str()) {
                let message = format!("<internal>: definition of {text}");
                diagnostics.push(Diagnostic::message(Code::TraceSymbol, message));
            }
        }
    };
    if memory.init_flag.is_some() {
        define(b"__wasm_init_memory_flag".to_vec(), SyntheticData::InitMemoryFlag, true);
    }
    let list = if options.is_relocatable() { &[] } else { &segments.list[..] };
    for (position, segment) in list.iter().enumerate() {
        if is_c_identifier(&segment.name) {
            let number = position as u32;
            define([b"__start_", &segment.name[..]].concat(), SyntheticData::SegmentStart(number), false);
            define([b"__stop_", &segment.name[..]].concat(), SyntheticData::SegmentStop(number), false);
        }
    }
    force_exports(options, interners, symbols);
    for name in &options.exports {
        let id = interners.names.find(name.as_bytes()).and_then(|id| symbols.find(NameId(id)));
        if id.is_some_and(|id| symbols.get(id).is_defined()) {
            continue;
        }
        let message = format!("symbol exported via --export not found: {name}");
        match options.unresolved_symbols {
            UnresolvedPolicy::ReportError => {
                diagnostics.push(Diagnostic::error(Code::UndefinedSymbol, message))
            }
            UnresolvedPolicy::Warn => diagnostics.push(Diagnostic::warning(Code::UndefinedSymbol, message)),
            UnresolvedPolicy::Ignore | UnresolvedPolicy::ImportDynamic => {}
        }
    }
}

fn is_c_identifier(name: &[u8]) -> bool {
    let starts = name.first().is_some_and(|&byte| byte == b'_' || byte.is_ascii_alphabetic());
    starts && name.iter().all(|&byte| byte == b'_' || byte.is_ascii_alphanumeric())
}
