//! What a link needs of a bitcode file.

use super::{File, SymbolTable, Unknown, Visibility};
use crate::bytes::Bytes;
use crate::code_generator::{BitcodeSymbol, BitcodeTable};
use crate::parse_error::ParseError;

/// Reads the symbols that other files see.
///
/// # Errors
/// If the bytes are malformed, or if only LLVM can tell the symbols.
pub fn read_link_table(bytes: &Bytes) -> Result<BitcodeTable, ParseError> {
    let file = super::parse(bytes, None)?;
    let table = match &file.symbol_table {
        Ok(table) => table,
        Err(unknown) => return Err(ParseError::text(0, unknown.describe())),
    };
    Ok(BitcodeTable {
        producer: String::from_utf8_lossy(file.text(table.producer)).into_owned(),
        target_triple: String::from_utf8_lossy(file.text(table.target_triple)).into_owned(),
        is_thin: file.is_thin(),
        comdats: table.comdats.iter().map(|comdat| file.text(comdat.name).to_vec()).collect(),
        symbols: symbols(&file, table),
    })
}

/// Adds to symbols from elsewhere what the file says about its modules.
pub fn complete_link_table(bytes: &Bytes, table: BitcodeTable) -> BitcodeTable {
    let Ok(file) = super::parse(bytes, None) else { return table };
    BitcodeTable { is_thin: file.is_thin(), ..table }
}

/// Whether the file was compiled to be position-independent. Of files with several modules, which are made for ThinLTO with split
/// units, the first one decides. It takes longer than everything else.
pub fn is_position_independent(bytes: &Bytes) -> bool {
    let Ok(file) = super::parse(bytes, None) else { return false };
    file.modules.first().and_then(|module| file.pic_level(module).ok()).is_some_and(|level| level > 0)
}

fn symbols(file: &File, table: &SymbolTable) -> Vec<BitcodeSymbol> {
    // Others are LLVM's own, such as `llvm.used`, or local.
    let seen = table.symbols.iter().filter(|symbol| symbol.is_global() && !symbol.is_format_specific());
    let symbols = seen.map(|symbol| BitcodeSymbol {
        name: file.text(symbol.name).to_vec(),
        is_undefined: symbol.is_undefined(),
        is_weak: symbol.is_weak(),
        is_function: symbol.is_executable(),
        is_hidden: symbol.visibility() != Visibility::Default,
        comdat: symbol.comdat,
    });
    symbols.collect()
}

impl Unknown {
    fn describe(&self) -> String {
        match self {
            Unknown::NoTable => "bitcode without a symbol table".into(),
            Unknown::Version(version) => format!("symbol table of bitcode has the unknown version {version}"),
            Unknown::Producer => "symbol table of bitcode is of another version of LLVM".into(),
            Unknown::ModuleCount => "symbol table of bitcode is not of all its modules".into(),
        }
    }
}
