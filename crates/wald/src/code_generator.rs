//! What a link asks of LLVM when LLVM bitcode is among its inputs.
//!
//! Wald has no LLVM. It reads the symbol tables of bitcode and resolves symbols; a [`CodeGenerator`] makes objects of the bitcode.

use std::path::{Path, PathBuf};

use crate::bytes::Bytes;
use crate::cancel::CancelToken;
use crate::diagnostics::{Code, Diagnostic};
use crate::format::SymbolKind;
use crate::text::{escape_path, unescape_path, Text};

/// Compiles LLVM bitcode (link-time optimization). Set with [`Linker::set_code_generator`](crate::Linker::set_code_generator).
///
/// The `wald` command has one that starts LLVM's own tool. A compiler that contains LLVM implements this trait with LLVM's `lto::LTO`:
/// [`CodeGeneration`] has what `LTO::add` needs.
pub trait CodeGenerator: Send + Sync {
    /// Reads the symbol table of a bitcode file. A link asks only if the file has no table that Wald can read, for example because
    /// another version of LLVM wrote it. By default, such a file is an error.
    ///
    /// # Errors
    /// A diagnostic about the file.
    fn read_symbols(&self, name: &str, bitcode: &Bytes) -> Result<BitcodeTable, Box<Diagnostic>> {
        let _ = bitcode;
        let message = format!("{name}: LLVM bitcode without a symbol table of this version");
        Err(Box::new(Diagnostic::error(Code::Parse, message)))
    }

    /// Optimizes all modules together and generates objects.
    ///
    /// # Errors
    /// What LLVM reports. At least one diagnostic must be an error.
    fn generate(&self, job: &CodeGeneration<'_>) -> Result<GeneratedCode, Vec<Diagnostic>>;
}

/// All bitcode of a link, with what LLVM must know of the other inputs.
#[derive(Debug)]
#[non_exhaustive]
pub struct CodeGeneration<'a> {
    /// The modules in the order in which they were loaded. LLVM must add them in this order.
    pub modules: Vec<BitcodeModule<'a>>,
    /// The names of modules that are not linked, because nothing needs them.
    pub lazy: Vec<&'a str>,
    /// The output's path.
    pub output: &'a Path,
    /// How code refers to addresses.
    pub relocation_model: RelocationModel,
    /// Ends the link. A generator stops as soon as it can when this is cancelled.
    pub cancel: CancelToken,
}

/// How generated code refers to addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelocationModel {
    /// Addresses are known when the module is linked.
    Static,
    /// The loader chooses addresses.
    PositionIndependent,
    /// As the modules were compiled, for `-r`. What is merged is position-independent if all its modules are.
    FromModules,
}

/// A bitcode module and what became of its symbols.
#[derive(Debug)]
#[non_exhaustive]
pub struct BitcodeModule<'a> {
    /// A name that no other module has: the path, or `archive(member at OFFSET)`. Escaped as [`Text::to_escaped`](crate::Text::to_escaped)
    /// does.
    pub name: String,
    /// The bitcode.
    pub bytes: &'a Bytes,
    /// Its symbols.
    pub table: &'a BitcodeTable,
    /// Whether it was compiled to be position-independent. Only known for [`RelocationModel::FromModules`].
    pub is_position_independent: bool,
    /// For each symbol of `table`, what it was resolved to.
    pub resolutions: Vec<BitcodeResolution>,
}

/// What a symbol of a bitcode module was resolved to. The fields are those of LLVM's `lto::SymbolResolution`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BitcodeResolution {
    /// The module's definition is the one that is linked.
    pub prevailing: bool,
    /// Code outside of the bitcode modules can refer to it, so it must be kept.
    pub visible_to_regular_object: bool,
    /// `--wrap` gives it another meaning, so it must not be inlined.
    pub linker_redefined: bool,
}

/// The symbol table of a bitcode file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BitcodeTable {
    /// The version of the LLVM that wrote it, such as `22.1.8`. Empty if that is not known.
    pub producer: String,
    /// The target, for example `wasm32-unknown-unknown`.
    pub target_triple: String,
    /// Whether it has a summary for ThinLTO. Other modules are merged into one.
    pub is_thin: bool,
    /// The names of the COMDAT groups.
    pub comdats: Vec<Vec<u8>>,
    /// The symbols that other files see, in the file's order.
    pub symbols: Vec<BitcodeSymbol>,
}

/// A symbol of a bitcode file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BitcodeSymbol {
    /// The name, as objects have it.
    pub name: Vec<u8>,
    /// Whether the file only refers to it.
    pub is_undefined: bool,
    /// Whether it is weak.
    pub is_weak: bool,
    /// Whether it is a function, not data.
    pub is_function: bool,
    /// Whether other modules do not see it.
    pub is_hidden: bool,
    /// Its COMDAT group: an index into [`BitcodeTable::comdats`].
    pub comdat: Option<u32>,
}

impl BitcodeSymbol {
    /// What it is to the link.
    pub(crate) fn kind(&self) -> SymbolKind {
        match self.is_function {
            true => SymbolKind::Function,
            false => SymbolKind::Data,
        }
    }
}

/// What a code generator made.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GeneratedCode {
    /// The objects, in the order of LLVM's tasks.
    pub objects: Vec<GeneratedObject>,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Remarks that options for LLVM asked for: [`MessageKind::Remark`](crate::MessageKind::Remark).
    pub remarks: Vec<Text>,
    /// Lines that options for LLVM asked for: [`MessageKind::CodeGeneration`](crate::MessageKind::CodeGeneration).
    pub lines: Vec<Text>,
}

/// What an object was made of. It decides the object's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeSource {
    /// All modules that are not thin, merged.
    Merged,
    /// This thin module: an index into [`CodeGeneration::modules`].
    Module(usize),
    /// A thin module, but the object was in a cache, where LLVM keeps it without a name.
    Cache,
}

/// An object that a code generator made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GeneratedObject {
    /// The number of LLVM's task.
    pub task: usize,
    /// What it was made of.
    pub source: CodeSource,
    /// The object.
    pub bytes: Bytes,
}

impl GeneratedObject {
    /// An object that a task made.
    pub fn new(task: usize, source: CodeSource, bytes: Bytes) -> Self {
        GeneratedObject { task, source, bytes }
    }
}

impl GeneratedCode {
    /// The result of a generator.
    pub fn new(objects: Vec<GeneratedObject>, diagnostics: Vec<Diagnostic>) -> Self {
        GeneratedCode { objects, diagnostics, ..GeneratedCode::default() }
    }
}

impl CodeGeneration<'_> {
    /// The name of a generated object in messages and maps. With `--save-temps` wasm-ld writes it to a file of this name.
    pub fn object_path(&self, object: &GeneratedObject) -> PathBuf {
        let output = escape_path(self.output);
        let name = match object.source {
            CodeSource::Merged => {
                let task = if object.task == 0 { String::new() } else { format!(".{}", object.task) };
                return unescape_path(&format!("{output}.lto{task}.o"));
            }
            CodeSource::Module(module) => self.modules.get(module).map_or("", |module| &module.name),
            CodeSource::Cache => "",
        };
        let (folder, file) = split(name);
        // Members have no extension of their own: `d/a.a(m.o at 60)`.
        let stem = match name.ends_with(')') {
            true => file,
            false => file.rfind('.').filter(|&dot| dot > 0).map_or(file, |dot| &file[..dot]),
        };
        let path = format!("{folder}{}.lto.{stem}.o", split(&output).1);
        unescape_path(&without_dots(&path))
    }
}

/// A path's folder with its slash, and its last part.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// The path without `.`, and without `..` where a folder precedes it.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|&part| !matches!(part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." => _ = parts.pop(),
            ("..", None) if path.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(output: &str, module: Option<&str>, task: usize) -> String {
        let (bytes, table) = (Bytes::from(Vec::new()), BitcodeTable::default());
        let modules = module.map(|name| BitcodeModule {
            name: name.into(),
            bytes: &bytes,
            table: &table,
            is_position_independent: false,
            resolutions: Vec::new(),
        });
        let job = CodeGeneration {
            modules: modules.into_iter().collect(),
            lazy: Vec::new(),
            output: Path::new(output),
            relocation_model: RelocationModel::Static,
            cancel: CancelToken::new(),
        };
        let source = module.map_or(CodeSource::Merged, |_| CodeSource::Module(0));
        let object = GeneratedObject::new(task, source, bytes.clone());
        job.object_path(&object).display().to_string()
    }

    #[test]
    fn objects_are_named_as_wasm_ld_names_them() {
        for (output, module, task, name) in [
            ("x.wasm", None, 0, "x.wasm.lto.o"),
            ("out/x.wasm", None, 2, "out/x.wasm.lto.2.o"),
            ("out/x.wasm", Some("d/a.o"), 1, "d/x.wasm.lto.a.o"),
            ("x.wasm", Some("./d/../a.b.o"), 1, "x.wasm.lto.a.b.o"),
            ("x.wasm", Some("../a.o"), 1, "../x.wasm.lto.a.o"),
            ("x.wasm", Some("l/l.a(m.o at 60)"), 1, "l/x.wasm.lto.l.a(m.o at 60).o"),
            ("x.wasm", Some("/l/.hidden"), 1, "/l/x.wasm.lto..hidden.o"),
        ] {
            assert_eq!(name_of(output, module, task), name);
        }
    }
}
