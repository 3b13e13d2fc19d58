//! What a link is asked to do: one plain value, resolved before the link starts.
//!
//! The library reads no command line. `wald-cli` turns wasm-ld's arguments into [`Options`]; a compiler that
//! embeds Wald fills the fields it needs and takes the rest from [`Options::default`], which is what
//! `wasm-ld` does when it is given no option at all.

use hashbrown::HashSet;

/// What to do about a symbol that is referenced and defined nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnresolvedPolicy {
    /// Every undefined symbol is an error (the default).
    #[default]
    ReportError,
    /// Every undefined symbol is a warning; calls to it trap.
    Warn,
    /// Undefined symbols pass without a word; calls to them trap, their addresses are null.
    Ignore,
    /// Undefined symbols become imports that a dynamic linker resolves (PIC only).
    ImportDynamic,
}

/// Which build id goes into the output.
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/BuildId.md>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BuildId {
    /// No `build_id` section.
    #[default]
    None,
    /// A 16-byte id from a fast hash of the output (`--build-id`, `--build-id=fast`).
    Fast,
    /// SHA-1 of the output (`--build-id=sha1`, `--build-id=tree`).
    Sha1,
    /// Sixteen random bytes (`--build-id=uuid`).
    Uuid,
    /// The given bytes (`--build-id=0x…`).
    Hex(Vec<u8>),
}

/// What kind of module is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputKind {
    /// A program at fixed addresses.
    #[default]
    Executable,
    /// `-pie`: a program that the loader puts somewhere.
    Pie,
    /// `-shared`: a library for programs that run already.
    Shared,
    /// `-r`: an object again.
    Relocatable,
}

/// Module and field name of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportName {
    /// The module that is imported from, `env` for instance.
    pub module: String,
    /// The field's name in that module.
    pub field: String,
}

/// How the command wants symbol references to be renamed: `--wrap=sym`.
pub type WrapName = String;

/// Everything that steers a link. Sizes and addresses are bytes.
///
/// The fields carry the names of wasm-ld's options; where a field is an `Option`, `None` means that the
/// option was not given and that the link decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// `-o`: the output's path. Its base name is the module's name in the name section.
    pub output: String,
    /// What kind of module is made. [`Options::set_output_kind`] also sets what follows from it.
    pub output_kind: OutputKind,
    /// `--emit-relocs`: the output keeps its symbol table and its relocations.
    pub emit_relocs: bool,
    /// `--rpath`: where the libraries of a shared module are looked for at run time.
    pub rpaths: Vec<String>,
    /// `--no-shlib-sigcheck` clears it: whether functions of shared libraries must have the signature with which they
    /// are called.
    pub check_shared_signatures: bool,
    /// `--soname`: overrides the module's name in the name section.
    pub soname: Option<String>,
    /// `-m wasm64`/`-mwasm64` gives `Some(true)`, `-m wasm32` gives `Some(false)`. `None`: the first object tells.
    pub is64: Option<bool>,
    /// `--entry`: the function that the host calls; empty with `--no-entry`.
    pub entry: String,
    /// `--export`: exported, and an error where it is not defined. In command line order.
    pub exports: Vec<String>,
    /// `--export-if-defined`: exported where it is defined.
    pub exports_if_defined: Vec<String>,
    /// `--export-all`.
    pub export_all: bool,
    /// `--export-dynamic`.
    pub export_dynamic: bool,
    /// `-u`/`--undefined`: referenced, so that an archive member that defines it is extracted.
    pub undefined: Vec<String>,
    /// `-y`/`--trace-symbol`.
    pub trace_symbols: Vec<String>,
    /// `--wrap`.
    pub wrap: Vec<WrapName>,
    /// Names that may stay undefined and become imports: the lines of `--allow-undefined-file` and of an
    /// archive's `.imports` file.
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
    /// `-O`: 0 merges no strings; see the guide for what each level does.
    pub optimize: u32,
    /// `--compress-relocations`: LEB operands of the code section take as few bytes as they need.
    pub compress_relocations: bool,
    /// `--compact-imports`: imports of one module say its name once.
    pub compact_imports: bool,
    /// `--merge-code-metadata`: the objects' `metadata.code.*` sections of one name become one section before the code.
    pub merge_code_metadata: bool,
    /// `--strip-debug` (implied by `--strip-all`).
    pub strip_debug: bool,
    /// `--strip-all`.
    pub strip_all: bool,
    /// `--keep-section`: kept in spite of `--strip-all`.
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
    /// `--cooperative-threading`: threads take turns in one instance. The stack pointer and the base of thread-local
    /// data are reached through functions, and each thread has its block of thread-local data.
    pub cooperative_threading: bool,
    /// `--import-table`.
    pub import_table: bool,
    /// `--export-table`.
    pub export_table: bool,
    /// `--growable-table`.
    pub growable_table: bool,
    /// `--table-base`: index of the first function in the indirect function table. `None`: 1.
    pub table_base: Option<u64>,
    /// `--stack-first` (default) or `--no-stack-first`.
    pub stack_first: bool,
    /// `-z stack-size=`. `None`: 64 KiB.
    pub stack_size: Option<u64>,
    /// `--global-base`: address of the first static datum. `None`: after the stack, or 1024 with `--no-stack-first`.
    pub global_base: Option<u64>,
    /// `--initial-heap`; 0 where it is not given.
    pub initial_heap: u64,
    /// `--initial-memory`; 0 where it is not given.
    pub initial_memory: u64,
    /// `--max-memory`; 0 where it is not given.
    pub max_memory: u64,
    /// `--no-growable-memory`.
    pub no_growable_memory: bool,
    /// `--page-size`.
    pub page_size: u64,
    /// `--check-features` (default) or `--no-check-features`.
    pub check_features: bool,
    /// `--features`: what the output's target features are, instead of the union of the inputs'.
    pub features: Option<Vec<String>>,
    /// `--extra-features`: added to what the inputs use.
    pub extra_features: Vec<String>,
    /// `-Bsymbolic`.
    pub bsymbolic: bool,
    /// `--noinhibit-exec`: duplicate symbols are warnings.
    pub noinhibit_exec: bool,
    /// `--fatal-warnings`: a warning ends the link where an error would.
    pub fatal_warnings: bool,
    /// `-t`/`--trace`: a message for every file that becomes part of the link.
    pub trace: bool,
    /// `--verbose`: messages about what the link does.
    pub verbose: bool,
    /// `--Map`/`--print-map`: make a link map ([`Output::map`](crate::Output::map)).
    pub want_map: bool,
    /// `--why-extract`: say why members were extracted, in one
    /// [message](crate::diagnostics::Code::WhyExtract).
    pub want_why_extract: bool,
    /// Record what each thread does, for `--time-trace`.
    pub want_trace_events: bool,
    /// `--threads`: how many threads the link may use, in a pool of its own. `None`: the pool of the calling thread,
    /// rayon's global one if it has no other.
    pub threads: Option<usize>,
    /// The link gives no memory back: for a process that ends after it, which the system cleans up faster. Not for
    /// linkers that link more than once.
    pub leave_memory: bool,
}

impl Options {
    /// Makes another kind of module, with the defaults that wasm-ld has for it.
    pub fn set_output_kind(&mut self, kind: OutputKind) {
        self.output_kind = kind;
        match kind {
            OutputKind::Executable => {}
            OutputKind::Pie => self.import_table = true,
            OutputKind::Shared => {
                self.import_table = true;
                self.export_dynamic = true;
                self.entry = "__wasm_call_ctors".into();
                self.import_memory = Some(ImportName { module: "env".into(), field: "memory".into() });
            }
            OutputKind::Relocatable => {
                self.import_table = true;
                self.entry = String::new();
                self.gc_sections = false;
                self.merge_data_segments = false;
            }
        }
    }

    /// Whether the loader decides where the module's data and functions go: their addresses are relative to
    /// `__memory_base` and `__table_base`.
    pub fn is_position_independent(&self) -> bool {
        matches!(self.output_kind, OutputKind::Pie | OutputKind::Shared)
    }

    /// Whether there may be several threads, each with thread-local data of its own.
    pub fn is_multithreaded(&self) -> bool {
        self.shared_memory || self.cooperative_threading
    }

    /// Whether the indirect function table is exported: also where it is from there that a host starts threads.
    pub fn exports_table(&self) -> bool {
        self.export_table || self.cooperative_threading && !self.import_table
    }

    /// Whether a shared library is made.
    pub fn is_shared(&self) -> bool {
        self.output_kind == OutputKind::Shared
    }

    /// Whether an object is made.
    pub fn is_relocatable(&self) -> bool {
        self.output_kind == OutputKind::Relocatable
    }

    /// Whether the output has a symbol table and relocations.
    pub fn keeps_relocations(&self) -> bool {
        self.emit_relocs || self.is_relocatable()
    }

    /// Whether code metadata is merged: an output with relocations keeps it as it is.
    pub fn merges_code_metadata(&self) -> bool {
        self.merge_code_metadata && !self.keeps_relocations()
    }

    /// Drops what is no longer needed, unless memory is left to the system.
    pub fn release<T>(&self, value: T) {
        if self.leave_memory {
            std::mem::forget(value);
        }
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
            is64: None,
            entry: "_start".into(),
            exports: Vec::new(),
            exports_if_defined: Vec::new(),
            export_all: false,
            export_dynamic: false,
            undefined: Vec::new(),
            trace_symbols: Vec::new(),
            wrap: Vec::new(),
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
            noinhibit_exec: false,
            fatal_warnings: false,
            trace: false,
            verbose: false,
            want_map: false,
            want_why_extract: false,
            want_trace_events: false,
            threads: None,
            leave_memory: false,
        }
    }
}

impl Options {
    /// The names that `--export` and `--export-if-defined` give that may be symbols which only the linker makes: those
    /// that start with two underscores.
    pub fn exported_linker_names(&self) -> HashSet<&str> {
        let names = self.exports.iter().chain(&self.exports_if_defined).map(String::as_str);
        names.filter(|name| name.starts_with("__")).collect()
    }

    /// Whether `--export` or `--export-if-defined` names the symbol.
    pub fn exports_by_name(&self, name: &str) -> bool {
        self.exports.iter().chain(&self.exports_if_defined).any(|exported| exported == name)
    }
}
