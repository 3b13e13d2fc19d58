//! What a link is asked to do: a plain value, complete before the link starts.
//!
//! The library reads no command line. `wald-cli` turns wasm-ld's arguments into [`Options`]. A compiler that embeds Wald sets the
//! fields it needs and takes the rest from [`Options::default`], which matches `wasm-ld` without options.

use crate::text::Text;
pub use crate::version_script::{DynamicList, ScriptError, VersionScript};
use hashbrown::HashSet;
use std::path::PathBuf;

/// How to treat undefined symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnresolvedPolicy {
    /// Every undefined symbol is an error (the default).
    #[default]
    ReportError,
    /// Every undefined symbol is a warning. Calls to it trap; the address of undefined data is 0.
    Warn,
    /// Undefined symbols are not reported. Calls to them trap; the address of undefined data is 0.
    Ignore,
    /// Undefined symbols become imports that a dynamic linker resolves. For position-independent code only.
    ImportDynamic,
}

/// What to do about functions whose definition has another signature than some of their callers use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureMismatch {
    /// A warning, and the calls trap (the default).
    #[default]
    Warn,
    /// An error.
    Error,
    /// Calls whose arguments and result convert without loss reach the definition, and a note tells which. Others trap, with the
    /// warning. An object (`-r`) is linked as with `Warn`.
    Adapt,
}

/// The build ID of the output.
///
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/BuildId.md>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildId {
    /// No `build_id` section.
    #[default]
    None,
    /// A 16-byte ID from a fast hash of the output (`--build-id`, `--build-id=fast`).
    Fast,
    /// SHA-1 of the output (`--build-id=sha1`, `--build-id=tree`).
    Sha1,
    /// Sixteen random bytes (`--build-id=uuid`).
    Uuid,
    /// The given bytes (`--build-id=0x…`).
    Hex(Vec<u8>),
}

/// The kind of module to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputKind {
    /// A program with fixed addresses.
    #[default]
    Executable,
    /// `-pie`: a position-independent program. The loader chooses its addresses.
    Pie,
    /// `-shared`: a shared library.
    Shared,
    /// `-r`: an object.
    Relocatable,
}

/// The width of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// No `-m` option was given: 32 bits. An object with 64 bits is an error that names the option.
    #[default]
    Unspecified,
    /// `-m wasm32`: 32 bits.
    Wasm32,
    /// `-m wasm64`: 64 bits.
    Wasm64,
}

/// Module and field name of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportName {
    /// The module, such as `env`.
    pub module: String,
    /// The name in that module.
    pub field: String,
}

/// What `--defsym` says that a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefsymValue {
    /// The same as another symbol.
    Symbol(String),
    /// An address in the memory.
    Number(u64),
}

/// A name that is defined without an input (`--defsym`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defsym {
    /// The name.
    pub name: String,
    /// What it means.
    pub value: DefsymValue,
}

impl Defsym {
    /// Gives `name` a meaning.
    pub fn new(name: impl Into<String>, value: DefsymValue) -> Self {
        Defsym { name: name.into(), value }
    }

    /// Reads `NAME=SYMBOL` or `NAME=NUMBER`. The number is decimal, or hexadecimal after `0x`. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=')?;
        let is_symbol = |text: &str| {
            !text.is_empty()
                && !text.starts_with(|c: char| c.is_ascii_digit() || "+-(=".contains(c))
                && !text.contains(|c: char| c.is_whitespace() || "+-*/()&|".contains(c))
        };
        let value = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
            Some(digits) => DefsymValue::Number(u64::from_str_radix(digits, 16).ok()?),
            None if value.starts_with(|c: char| c.is_ascii_digit()) => {
                DefsymValue::Number(value.parse().ok()?)
            }
            None if is_symbol(value) => DefsymValue::Symbol(value.to_string()),
            None => return None,
        };
        is_symbol(name).then(|| Defsym::new(name, value))
    }
}

impl std::fmt::Display for Defsym {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            DefsymValue::Symbol(target) => write!(f, "{}={target}", self.name),
            DefsymValue::Number(number) => write!(f, "{}={number:#x}", self.name),
        }
    }
}

/// The format of the link map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapFormat {
    /// wasm-ld's text.
    #[default]
    WasmLd,
    /// JSON, which `docs/report.md` of the repository describes.
    Json,
}

/// The options of a link. Sizes and addresses are in bytes.
///
/// Most fields are named after an option of wasm-ld. `None` means that the option was not given, and the link decides.
///
/// New fields may be added, so a value is made from [`Options::default`]:
///
/// ```
/// let mut options = wald::options::Options::default();
/// options.output = "app.wasm".into();
/// options.export_all = true;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `-o`: the output's path. Its base name is the module's name in the name section.
    pub output: PathBuf,
    /// The kind of module to write. [`Options::set_output_kind`] also sets the defaults that depend on it.
    pub output_kind: OutputKind,
    /// `--emit-relocs`: the output keeps the symbol table and the relocations.
    pub emit_relocs: bool,
    /// `--rpath`: where the module's shared libraries are searched at run time.
    pub rpaths: Vec<Text>,
    /// Whether functions of shared libraries must have the signature with which they are called. `--no-shlib-sigcheck`
    /// clears it.
    pub check_shared_signatures: bool,
    /// `--soname`: the module's name in the name section, instead of the output's base name.
    pub soname: Option<Text>,
    /// `-m`: the width of addresses. Every object must have it.
    pub architecture: Architecture,
    /// `--entry`: the entry function. `None` with `--no-entry`.
    pub entry: Option<String>,
    /// `--export`: symbols to export, in command-line order. An undefined one is an error.
    pub exports: Vec<String>,
    /// `--export-if-defined`: symbols to export if they are defined.
    pub exports_if_defined: Vec<String>,
    /// `--export-all`.
    pub export_all: bool,
    /// `--export-dynamic`.
    pub export_dynamic: bool,
    /// `-u`/`--undefined`: symbols to refer to, so that the archive members that define them are linked.
    pub undefined: Vec<String>,
    /// `-y`/`--trace-symbol`.
    pub trace_symbols: Vec<String>,
    /// `--wrap`.
    pub wrap: Vec<String>,
    /// `--defsym`: names that are defined as another symbol or as an address. The last definition of a name counts, and replaces
    /// those of objects. Archive members are not linked for these names.
    pub defsyms: Vec<Defsym>,
    /// `--version-script`: symbols that it makes local are exported only if [`exports`](Self::exports),
    /// [`exports_if_defined`](Self::exports_if_defined) or [`entry`](Self::entry) names them.
    pub version_script: VersionScript,
    /// `--dynamic-list`: symbols to export if they are defined and not hidden.
    pub dynamic_list: DynamicList,
    /// Symbols that may stay undefined and become imports: the lines of `--allow-undefined-file` and of an archive's `.imports`
    /// file.
    pub allowed_undefined: Vec<String>,
    /// `--unresolved-symbols`, `--warn-unresolved-symbols`, `--allow-undefined`.
    pub unresolved_symbols: UnresolvedPolicy,
    /// `--import-undefined`, `--allow-undefined`: undefined functions become imports.
    pub import_undefined: bool,
    /// `--allow-multiple-definition`.
    pub allow_multiple_definition: bool,
    /// `--gc-sections` (default) or `--no-gc-sections`.
    pub gc_sections: bool,
    /// `--print-gc-sections`: a message for every removed input section.
    pub print_gc_sections: bool,
    /// `--merge-data-segments` (default) or `--no-merge-data-segments`.
    pub merge_data_segments: bool,
    /// `-O`. At 0, strings are not merged. From 1 on, equal strings and tails of strings are.
    pub optimize: u32,
    /// `--compress-relocations`: relocated LEB128 operands of code take as few bytes as possible.
    pub compress_relocations: bool,
    /// `--compact-imports`: imports of one module share its name.
    pub compact_imports: bool,
    /// `--merge-code-metadata`: the objects' `metadata.code.*` sections of one name become one section before the code.
    pub merge_code_metadata: bool,
    /// `--strip-debug` (implied by `--strip-all`).
    pub strip_debug: bool,
    /// `--strip-all`.
    pub strip_all: bool,
    /// `--keep-section`: custom sections that `--strip-all` keeps.
    pub keep_sections: Vec<String>,
    /// `--build-id`.
    pub build_id: BuildId,
    /// `--demangle` (default) or `--no-demangle`: names in the name section and in messages.
    pub demangle: bool,
    /// `--import-memory[=module,name]`.
    pub import_memory: Option<ImportName>,
    /// `--export-memory[=name]`. `None`: exported as `memory` unless it is imported.
    pub export_memory: Option<String>,
    /// `--shared-memory`.
    pub shared_memory: bool,
    /// `--cooperative-threading`: threads take turns in one instance. Functions access the stack pointer and the base of
    /// thread-local data, of which each thread has its own block.
    pub cooperative_threading: bool,
    /// `--import-table`.
    pub import_table: bool,
    /// `--export-table`.
    pub export_table: bool,
    /// `--growable-table`.
    pub growable_table: bool,
    /// `--table-base`: the index of the first function in the indirect function table. `None` means 1.
    pub table_base: Option<u64>,
    /// `--stack-first` (default) or `--no-stack-first`.
    pub stack_first: bool,
    /// `-z stack-size=`. `None` means 64 KiB.
    pub stack_size: Option<u64>,
    /// `--global-base`: the address of static data. `None` means after the stack, or 1024 with `--no-stack-first`.
    pub global_base: Option<u64>,
    /// `--initial-heap`; 0 if not given.
    pub initial_heap: u64,
    /// `--initial-memory`; 0 if not given.
    pub initial_memory: u64,
    /// `--max-memory`; 0 if not given.
    pub max_memory: u64,
    /// `--no-growable-memory`.
    pub no_growable_memory: bool,
    /// `--page-size`.
    pub page_size: u64,
    /// `--check-features` (default) or `--no-check-features`.
    pub check_features: bool,
    /// `--features`: the output's target features, instead of the union of the inputs'.
    pub features: Option<Vec<String>>,
    /// `--extra-features`: features added to those of the inputs.
    pub extra_features: Vec<String>,
    /// `-Bsymbolic`.
    pub bsymbolic: bool,
    /// `--warn-odr`: warn of inline functions and data that differ between objects.
    pub warn_odr: bool,
    /// `--signature-mismatch`: what to do about calls with another signature than the function's definition has.
    pub signature_mismatch: SignatureMismatch,
    /// `--producers-linker`: the `producers` section names Wald among the tools.
    pub producers_linker: bool,
    /// `--noinhibit-exec`: duplicate symbols are warnings.
    pub noinhibit_exec: bool,
    /// `--fatal-warnings`: warnings are errors.
    pub fatal_warnings: bool,
    /// `-t`/`--trace`: a message for every linked file.
    pub trace: bool,
    /// `--verbose`: messages about what the link does.
    pub verbose: bool,
    /// `--Map`/`--print-map`: write a link map ([`LinkResult::map`](crate::LinkResult::map)).
    pub want_map: bool,
    /// `--map-format`: the format of the map.
    pub map_format: MapFormat,
    /// `--why-extract`: report why archive members were linked
    /// ([`LinkResult::extractions`](crate::LinkResult::extractions)).
    pub want_why_extract: bool,
    /// Report what the module is made of, and why ([`LinkResult::report`](crate::LinkResult::report)). It changes nothing about the
    /// module, and takes time.
    pub want_report: bool,
    /// Explain why these are in the module, or why not ([`Report::explanations`](crate::report::Report::explanations)): symbols as objects
    /// spell them or demangled, files, archives, archive members. `*` and `?` match anything.
    pub explain_symbols: Vec<String>,
    /// `--thinlto-index-only`: the link ends when the code generator is done, and its module is empty.
    pub index_only: bool,
}

impl Options {
    /// Sets the kind of module and wasm-ld's defaults for it.
    pub fn set_output_kind(&mut self, kind: OutputKind) {
        self.output_kind = kind;
        match kind {
            OutputKind::Executable => {}
            OutputKind::Pie => self.import_table = true,
            OutputKind::Shared => {
                self.import_table = true;
                self.export_dynamic = true;
                self.entry = Some("__wasm_call_ctors".into());
                self.import_memory = Some(ImportName { module: "env".into(), field: "memory".into() });
            }
            OutputKind::Relocatable => {
                self.import_table = true;
                self.entry = None;
                self.gc_sections = false;
                self.merge_data_segments = false;
            }
        }
    }

    /// Whether the loader chooses the addresses of data and functions, which are then relative to `__memory_base` and
    /// `__table_base`.
    pub(crate) fn is_position_independent(&self) -> bool {
        matches!(self.output_kind, OutputKind::Pie | OutputKind::Shared)
    }

    /// Whether there can be several threads, each with its own thread-local data.
    pub(crate) fn is_multithreaded(&self) -> bool {
        self.shared_memory || self.cooperative_threading
    }

    /// Whether the indirect function table is exported. With cooperative threads it is, because the host starts threads from it.
    pub(crate) fn exports_table(&self) -> bool {
        self.export_table || self.cooperative_threading && !self.import_table
    }

    /// Whether the link makes a report.
    pub(crate) fn makes_report(&self) -> bool {
        self.want_report || !self.explain_symbols.is_empty()
    }

    /// Whether it must be known why archive members are linked.
    pub(crate) fn notes_extractions(&self) -> bool {
        self.want_why_extract || self.makes_report()
    }

    /// Whether the output is a shared library.
    pub(crate) fn is_shared(&self) -> bool {
        self.output_kind == OutputKind::Shared
    }

    /// Whether the output is an object.
    pub(crate) fn is_relocatable(&self) -> bool {
        self.output_kind == OutputKind::Relocatable
    }

    /// Whether the output has a symbol table and relocations.
    pub(crate) fn keeps_relocations(&self) -> bool {
        self.emit_relocs || self.is_relocatable()
    }

    /// Whether code metadata is merged. An output with relocations keeps it unchanged.
    pub(crate) fn merges_code_metadata(&self) -> bool {
        self.merge_code_metadata && !self.keeps_relocations()
    }

    /// Whether calls with another signature are adapted to the definition. Those of an object are not: the link that makes a module
    /// of it can still decide.
    pub(crate) fn adapts_calls(&self) -> bool {
        self.signature_mismatch == SignatureMismatch::Adapt && !self.is_relocatable()
    }

    /// Whether options change references or exports after all files are resolved, so that nothing can be marked live before.
    pub(crate) fn changes_resolved_symbols(&self) -> bool {
        !self.wrap.is_empty()
            || !self.defsyms.is_empty()
            || !self.version_script.is_empty()
            || !self.dynamic_list.is_empty()
    }

    /// Whether addresses have 64 bits.
    pub(crate) fn is64(&self) -> bool {
        self.architecture == Architecture::Wasm64
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            output: "a.out".into(),
            output_kind: OutputKind::Executable,
            emit_relocs: false,
            rpaths: Vec::new(),
            check_shared_signatures: true,
            soname: None,
            architecture: Architecture::Unspecified,
            entry: Some("_start".into()),
            exports: Vec::new(),
            exports_if_defined: Vec::new(),
            export_all: false,
            export_dynamic: false,
            undefined: Vec::new(),
            trace_symbols: Vec::new(),
            wrap: Vec::new(),
            defsyms: Vec::new(),
            version_script: VersionScript::default(),
            dynamic_list: DynamicList::default(),
            allowed_undefined: Vec::new(),
            unresolved_symbols: UnresolvedPolicy::ReportError,
            import_undefined: false,
            allow_multiple_definition: false,
            gc_sections: true,
            print_gc_sections: false,
            merge_data_segments: true,
            optimize: 1,
            compress_relocations: false,
            compact_imports: false,
            merge_code_metadata: false,
            strip_debug: false,
            strip_all: false,
            keep_sections: Vec::new(),
            build_id: BuildId::None,
            demangle: true,
            import_memory: None,
            export_memory: None,
            shared_memory: false,
            cooperative_threading: false,
            import_table: false,
            export_table: false,
            growable_table: false,
            table_base: None,
            stack_first: true,
            stack_size: None,
            global_base: None,
            initial_heap: 0,
            initial_memory: 0,
            max_memory: 0,
            no_growable_memory: false,
            page_size: 65536,
            check_features: true,
            features: None,
            extra_features: Vec::new(),
            bsymbolic: false,
            warn_odr: false,
            signature_mismatch: SignatureMismatch::default(),
            producers_linker: false,
            noinhibit_exec: false,
            fatal_warnings: false,
            trace: false,
            verbose: false,
            want_map: false,
            map_format: MapFormat::default(),
            want_why_extract: false,
            want_report: false,
            explain_symbols: Vec::new(),
            index_only: false,
        }
    }
}

impl Options {
    /// The names in `--export` and `--export-if-defined` that can be the linker's own symbols: those that start with two
    /// underscores.
    pub(crate) fn exported_linker_names(&self) -> HashSet<&str> {
        let names = self.exports.iter().chain(&self.exports_if_defined).map(String::as_str);
        names.filter(|name| name.starts_with("__")).collect()
    }

    /// Whether `--export` or `--export-if-defined` names the symbol.
    pub(crate) fn exports_by_name(&self, name: &str) -> bool {
        self.exports.iter().chain(&self.exports_if_defined).any(|exported| exported == name)
    }
}
