//! The numbers of tables in a module.

use wasmparser::{ElementKind, ExternalKind, Operator, Parser, Payload};

/// Exports, and the instructions of all functions.
pub type Uses = (Vec<(String, ExternalKind, u32)>, Vec<String>);

/// The table of the active element segment. The linkers write at most one.
pub fn of_elements(module: &[u8]) -> Option<u32> {
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

/// What exports and code say, with `renumber` applied to every table's number.
pub fn uses(module: &[u8], renumber: impl Fn(u32) -> u32) -> wasmparser::Result<Uses> {
    let (mut exports, mut code) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ExportSection(list) => {
                for export in list {
                    let export = export?;
                    let is_table = export.kind == ExternalKind::Table;
                    let index = if is_table { renumber(export.index) } else { export.index };
                    exports.push((export.name.to_string(), export.kind, index));
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    code.push(format!("{:?}", renumbered(operator?, &renumber)));
                }
            }
            _ => {}
        }
    }
    Ok((exports, code))
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
