//! What the instructions and exports of a module refer to.

use wasmparser::{ElementKind, ExternalKind, Operator, Parser, Payload};

/// A name, a kind and an index.
pub type Export = (String, ExternalKind, u32);

/// The table of the active element segment. The linkers write at most one.
pub fn table_of_elements(module: &[u8]) -> Option<u32> {
    let payloads = Parser::new(0).parse_all(module).filter_map(Result::ok);
    let segments = payloads.flat_map(|payload| match payload {
        Payload::ElementSection(segments) => segments.into_iter().filter_map(Result::ok).collect(),
        _ => Vec::new(),
    });
    let mut tables = segments.filter_map(|segment| match segment.kind {
        ElementKind::Active { table_index, .. } => Some(table_index.unwrap_or(0)),
        _ => None,
    });
    tables.next()
}

/// All exports, with `renumber` applied to the numbers of tables.
pub fn exports(module: &[u8], renumber: impl Fn(u32) -> u32) -> wasmparser::Result<Vec<Export>> {
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ExportSection(list) = payload? else { continue };
        for export in list {
            let export = export?;
            let is_table = export.kind == ExternalKind::Table;
            let index = if is_table { renumber(export.index) } else { export.index };
            exports.push((export.name.to_string(), export.kind, index));
        }
    }
    Ok(exports)
}

/// The instructions of each function, with `renumber` applied to the numbers of tables. Without constants if these may be addresses.
pub fn functions(
    module: &[u8],
    has_constants: bool,
    renumber: impl Fn(u32) -> u32,
) -> wasmparser::Result<Vec<String>> {
    let mut functions = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CodeSectionEntry(body) = payload? else { continue };
        let mut text = String::new();
        for local in body.get_locals_reader()? {
            text += &format!("{:?}\n", local?);
        }
        for operator in body.get_operators_reader()? {
            text += &match operator? {
                Operator::I32Const { .. } | Operator::I64Const { .. } if !has_constants => "const\n".into(),
                operator => format!("{:?}\n", renumbered(operator, &renumber)),
            };
        }
        functions.push(text);
    }
    Ok(functions)
}

fn renumbered<'a>(mut operator: Operator<'a>, renumber: impl Fn(u32) -> u32) -> Operator<'a> {
    match &mut operator {
        Operator::CallIndirect { table_index: table, .. }
        | Operator::ReturnCallIndirect { table_index: table, .. }
        | Operator::TableInit { table, .. }
        | Operator::TableGet { table }
        | Operator::TableSet { table }
        | Operator::TableSize { table }
        | Operator::TableGrow { table }
        | Operator::TableFill { table } => *table = renumber(*table),
        Operator::TableCopy { dst_table, src_table } => {
            (*dst_table, *src_table) = (renumber(*dst_table), renumber(*src_table));
        }
        _ => {}
    }
    operator
}
