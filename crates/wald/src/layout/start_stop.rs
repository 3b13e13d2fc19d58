//! Symbols that layout defines: bounds of segments, and what `--export` names only now.

use super::memory::Memory;
use super::segments::Segments;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::SymbolKind;
use crate::index::NameId;
use crate::options::UnresolvedPolicy;
use crate::program::{Adder, Additions, Program};
use crate::symbols::{Synthetic, SyntheticData};

/// Defines `__start_NAME` and `__stop_NAME` of segments whose name is a C identifier, and the flag by which
/// threads agree on who initialises memory; then checks that everything that must be exported exists.
pub fn define(
    context: &Context<'_>,
    program: Program<'_>,
    segments: &Segments,
    memory: &Memory,
    diagnostics: &mut Diagnostics,
) -> (Additions, Vec<(String, usize)>) {
    let (options, interners) = (context.options, context.interners);
    let exported = options.exported_linker_names();
    let mut adder = Adder::new(program);
    let mut define = |bytes: Vec<u8>, place: SyntheticData, always: bool| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let wanted = always || options.export_all || exported.contains(text.as_str());
        let name = NameId(interners.names.intern(&bytes));
        let synthetic = Synthetic::Data(place);
        let defined = adder.define_optional(name, wanted, SymbolKind::Data, synthetic);
        if defined.is_some() {
            context.trace_definition(&bytes, diagnostics);
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
    let find = |adder: &Adder<'_>, name: &str| {
        let id = interners.names.find(name.as_bytes()).and_then(|id| adder.program().find(NameId(id)));
        id.filter(|&id| adder.program().get(id).is_defined())
    };
    for name in options.exports.iter().chain(&options.exports_if_defined) {
        let id = find(&adder, name).filter(|&id| !adder.program().get(id).force_export);
        if let Some(id) = id {
            adder.change(id).force_export = true;
        }
    }
    let mut missing = Vec::new();
    for name in &options.exports {
        if find(&adder, name).is_some() {
            continue;
        }
        let (position, ..) = diagnostics.extent();
        let message = format!("symbol exported via --export not found: {name}");
        match options.unresolved_symbols {
            UnresolvedPolicy::ReportError => {
                diagnostics.push(Diagnostic::error(Code::UndefinedSymbol, message))
            }
            UnresolvedPolicy::Warn => diagnostics.push(Diagnostic::warning(Code::UndefinedSymbol, message)),
            UnresolvedPolicy::Ignore | UnresolvedPolicy::ImportDynamic => continue,
        }
        missing.push((name.clone(), position));
    }
    (adder.finish(), missing)
}

fn is_c_identifier(name: &[u8]) -> bool {
    let starts = name.first().is_some_and(|&byte| byte == b'_' || byte.is_ascii_alphabetic());
    starts && name.iter().all(|&byte| byte == b'_' || byte.is_ascii_alphanumeric())
}
