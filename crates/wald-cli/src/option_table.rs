//! The table of options: every option is defined here, once.
//!
//! The parser, `--help`, the man page, shell completions, the guide's option tables and the response file of `--reproduce`
//! all read this table. The set of options, their spellings and the kinds of values they take are wasm-ld's; the texts
//! are our own. Each group notes which of its options only Wald has.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `--name`.
    Flag,
    /// `--name=value` only.
    Equals,
    /// `--name=value` or `--name value`.
    EqualsOrSeparate,
    /// `--name=value` with any dashes, and `-name value` with one dash only (wasm-ld has one such option).
    EqualsOrSeparateOneDash,
    /// `--name` or `--name=value`.
    FlagOrEquals,
    /// `--namevalue`, no separator.
    Joined,
    /// `-nvalue` or `-n value`.
    JoinedOrSeparate,
    /// `--name value...`, as the first argument: the rest is another program's command line.
    Rest,
}

/// How many dashes an option may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dashes {
    /// `-x`.
    One,
    /// `--name`: long names that start with the letter of a short option that takes a value.
    Two,
    /// `-name` and `--name`.
    Any,
}

/// Another spelling of an option.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// Name without dashes.
    pub name: &'static str,
    /// How many dashes it may have.
    pub dashes: Dashes,
    /// How this spelling takes a value.
    pub kind: Kind,
}

/// A group of options, as `--help`, the man page and the guide show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// A note about its options, in Markdown, for the guide only. May be empty.
    pub note: &'static str,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Identifies the option.
    pub option: Opt,
    /// Its group.
    pub group: Group,
    /// Name without dashes, `=` or value.
    pub name: &'static str,
    /// How many dashes it may have.
    pub dashes: Dashes,
    /// How it takes its value.
    pub kind: Kind,
    /// The name of the value in the help; empty for flags.
    pub meta: &'static str,
    /// Its help text: one sentence without a period.
    pub help: &'static str,
    /// Further sentences for the man page and the guide; may be empty.
    pub detail: &'static str,
    /// Other spellings.
    pub aliases: &'static [Alias],
}

impl Spec {
    /// The dashes that the help shows.
    pub fn shown_dashes(&self) -> &'static str {
        match self.dashes {
            Dashes::One => "-",
            Dashes::Two | Dashes::Any => "--",
        }
    }
}

const fn flag(name: &'static str, dashes: Dashes) -> Alias {
    Alias { name, dashes, kind: Kind::Flag }
}

const fn short_value(name: &'static str) -> Alias {
    Alias { name, dashes: Dashes::One, kind: Kind::JoinedOrSeparate }
}

macro_rules! options {
    ($(
        group $title:literal $note:literal {
            $($option:ident $kind:ident $dashes:ident $name:literal $meta:literal [$($alias:expr),*]
                $help:literal $($detail:literal)?;)*
        }
    )*) => {
        /// Names an option of [`TABLE`].
        #[allow(missing_docs)] // The table describes each option.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Opt { $($($option,)*)* }

        /// Every option, group by group.
        pub const TABLE: &[Spec] = &[$($(Spec {
            option: Opt::$option,
            group: Group { title: $title, note: $note },
            name: $name,
            dashes: Dashes::$dashes,
            kind: Kind::$kind,
            meta: $meta,
            help: $help,
            detail: concat!($($detail)?),
            aliases: &[$($alias),*],
        },)*)*];
    };
}

use Dashes::{Any, One};

options! {
    group "Inputs and libraries"
    "Inputs are linked in command-line order. An archive member is linked when a symbol that it defines is needed and \
     not yet defined, so earlier inputs win between definitions of equal strength." {
    Library JoinedOrSeparate One "l" "name" [Alias { name: "library", dashes: Any, kind: Kind::EqualsOrSeparate }]
        "Link lib<name>.a from the library search path"
        "After `--Bdynamic`, lib<name>.so is preferred. `-l:<file>` looks for that file name.";
    LibraryPath JoinedOrSeparate One "L" "dir"
        [Alias { name: "library-path", dashes: Any, kind: Kind::EqualsOrSeparate }]
        "Add a directory to the library search path";
    Bdynamic Flag Any "Bdynamic" "" [flag("dy", Any), flag("call_shared", Any)]
        "Let -l find shared libraries from here on";
    Bstatic Flag Any "Bstatic" "" [flag("dn", Any), flag("non_shared", Any), flag("static", Any)]
        "Let -l find only archives from here on (default)";
    WholeArchive Flag Any "whole-archive" "" []
        "Link every archive member from here on, needed or not";
    NoWholeArchive Flag Any "no-whole-archive" "" []
        "Link only needed archive members from here on (default)";
    StartLib Flag Any "start-lib" "" []
        "Treat objects like archive members from here on";
    EndLib Flag Any "end-lib" "" []
        "End the group that --start-lib started";
    Undefined EqualsOrSeparate Any "undefined" "symbol" [short_value("u")]
        "Refer to the symbol, so that the archive member that defines it is linked";
    Emulation JoinedOrSeparate One "m" "wasm32|wasm64" []
        "Link for 32-bit (default) or 64-bit memory"
        "64-bit objects without `-m wasm64` are an error.";
    RspQuoting EqualsOrSeparate Any "rsp-quoting" "posix|windows" []
        "How response files (@<file>) quote their arguments"
        "Has no effect inside a response file.";
    }

    group "Output"
    "`--compact-imports`, `--merge-code-metadata` and `--producers-linker` are Wald's own." {
    Output JoinedOrSeparate One "o" "path" []
        "Write the output to this file; - is standard output"
        "The base name is also the module's name in the name section.";
    Relocatable Flag Any "relocatable" "" [flag("r", One)]
        "Combine the inputs into one relocatable object";
    Shared Flag Any "shared" "" []
        "Write a shared library"
        "See [DynamicLinking.md](https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md).";
    Pie Flag Any "pie" "" []
        "Write a position-independent executable";
    NoPie Flag Any "no-pie" "" []
        "Write an executable with fixed addresses (default)";
    ExperimentalPic Flag Two "experimental-pic" "" []
        "Do not warn that position-independent output is not stable yet";
    EmitRelocs Flag Any "emit-relocs" "" []
        "Also write the relocations into the output";
    Soname EqualsOrSeparate Any "soname" "name" []
        "The module's name in the name section, instead of the output's base name";
    Rpath EqualsOrSeparate Any "rpath" "path" []
        "Record where a module's shared libraries are searched at run time";
    BuildId FlagOrEquals Any "build-id" "fast|sha1|uuid|0xHEX" []
        "Write a build ID: a hash of the output (default: fast), random, or these bytes";
    CompactImports Flag Two "compact-imports" "" []
        "Use the encoding of the compact import section proposal, if that is shorter";
    MergeCodeMetadata Flag Two "merge-code-metadata" "" []
        "Merge branch hints and other code metadata into one section before the code";
    ProducersLinker Flag Two "producers-linker" "" []
        "Name Wald and its version in the producers section"
        "wasm-ld does not name itself. See [ProducersSection.md](https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md).";
    CompressRelocations Flag Any "compress-relocations" "" []
        "Write relocated numbers in code with as few bytes as possible"
        "An error together with debug information, which would no longer match the code.";
    Optimize JoinedOrSeparate One "O" "level" []
        "Optimization level (default: 1)"
        "0 keeps every string. 1 and above merge equal strings, and strings that are the end of another one.";
    MergeDataSegments Flag Two "merge-data-segments" "" []
        "Let data of one kind share an output segment (default)";
    NoMergeDataSegments Flag Two "no-merge-data-segments" "" []
        "Write each input data section to a segment of its own name";
    StripDebug Flag Any "strip-debug" "" [flag("S", One)]
        "Leave out debug information";
    StripAll Flag Any "strip-all" "" [flag("s", One)]
        "Leave out debug information, names and other custom sections";
    KeepSection EqualsOrSeparate Any "keep-section" "name" []
        "Keep this custom section despite --strip-all";
    }

    group "Entry, exports and garbage collection"
    "" {
    Entry EqualsOrSeparate Any "entry" "symbol" [short_value("e")]
        "The entry function (default: _start)";
    NoEntry Flag Two "no-entry" "" []
        "The module has no entry function";
    Export EqualsOrSeparate Any "export" "symbol" []
        "Export the symbol; an error if it is not defined";
    ExportIfDefined EqualsOrSeparate Any "export-if-defined" "symbol" []
        "Export the symbol if it is defined";
    ExportAll Flag Two "export-all" "" []
        "Export every symbol"
        "Usually combined with `--no-gc-sections`.";
    ExportDynamic Flag Any "export-dynamic" "" [flag("E", One)]
        "Export every symbol of default visibility";
    NoExportDynamic Flag Any "no-export-dynamic" "" []
        "Export only symbols that are marked for export (default)";
    GcSections Flag Any "gc-sections" "" []
        "Leave out unreferenced functions and data (default)"
        "Roots are the entry, exports, constructors and retained segments.";
    NoGcSections Flag Any "no-gc-sections" "" []
        "Keep all functions and data";
    PrintGcSections Flag Any "print-gc-sections" "" []
        "List the functions and data that were left out"
        "`--verbose` adds their sizes and the sums.";
    NoPrintGcSections Flag Any "no-print-gc-sections" "" []
        "Do not list what was left out (default)";
    }

    group "Symbols"
    "A call to an undefined function that is neither an error nor an import traps. The address of undefined data is 0. `--defsym`, \
     `--signature-mismatch` and `--warn-odr` are Wald's own." {
    AllowUndefined Flag Any "allow-undefined" "" []
        "Undefined symbols are not errors; undefined functions become imports";
    AllowUndefinedFile EqualsOrSeparateOneDash Any "allow-undefined-file" "file" []
        "The symbols that this file lists may stay undefined"
        "One symbol per line. A line that starts with `#` is a comment.";
    ImportUndefined Flag Any "import-undefined" "" []
        "Undefined functions become imports";
    UnresolvedSymbols EqualsOrSeparate Any "unresolved-symbols" "report-all|ignore-all|import-dynamic" []
        "How to treat undefined symbols (default: report-all)";
    WarnUnresolvedSymbols Flag Any "warn-unresolved-symbols" "" []
        "Undefined symbols are warnings";
    ErrorUnresolvedSymbols Flag Any "error-unresolved-symbols" "" []
        "Undefined symbols are errors (default)";
    AllowMultipleDefinition Flag Any "allow-multiple-definition" "" []
        "Use the first of several definitions of a symbol without an error"
        "`-z muldefs` means the same.";
    NoAllowMultipleDefinition Flag Any "no-allow-multiple-definition" "" []
        "Several definitions of a symbol are an error (default)";
    NoinhibitExec Flag Any "noinhibit-exec" "" []
        "Several definitions of a symbol are a warning";
    Wrap EqualsOrSeparate Any "wrap" "symbol" []
        "Resolve <symbol> to __wrap_<symbol>, and __real_<symbol> to <symbol>";
    Defsym EqualsOrSeparate Any "defsym" "name=symbol|number" []
        "Define a symbol as another symbol, or as an address"
        "Replaces a definition in an object; archive members are not linked for the name. Not with `-r`; addresses not with `-shared` and \
         `-pie`.";
    TraceSymbol EqualsOrSeparate Any "trace-symbol" "symbol" [short_value("y")]
        "Report where the symbol is defined and referenced";
    Bsymbolic Flag Any "Bsymbolic" "" []
        "Bind a shared library's references to its own symbols at link time"
        "A warning without `--shared`.";
    NoShlibSigcheck Flag Two "no-shlib-sigcheck" "" []
        "Do not check the signatures of functions that shared libraries define";
    SignatureMismatch Equals Two "signature-mismatch" "warn|error|adapt" []
        "What to do about calls with another signature than the function's definition has (default: warn)"
        "`warn`: the calls trap. `adapt`: calls that convert without loss reach the definition, and a note tells which. \
         See [functions with another signature](#functions-with-another-signature).";
    WarnOdr Flag Two "warn-odr" "" []
        "Warn of inline functions and data that differ between objects"
        "All copies but the first one are dropped. Code that was compiled with other options or macros then changes its meaning.";
    Demangle Flag Any "demangle" "" []
        "Demangle C++, Rust and D names in messages and in the name section (default)";
    NoDemangle Flag Any "no-demangle" "" []
        "Do not demangle symbol names";
    }

    group "Memory"
    "Sizes and addresses are decimal numbers of bytes; only `-z stack-size=` also takes hexadecimal ones (`0x…`). \
     `--cooperative-threading` is an option of LLVM 23." {
    Z JoinedOrSeparate One "z" "option" []
        "stack-size=<bytes>: the size of the stack (default: 65536)"
        "`-z muldefs` means `--allow-multiple-definition`. Other values are a warning.";
    StackFirst Flag Any "stack-first" "" []
        "Place the stack below static data, so that an overflow traps (default)";
    NoStackFirst Flag Any "no-stack-first" "" []
        "Place the stack above static data";
    GlobalBase Equals Two "global-base" "address" []
        "The address of the first static data";
    InitialMemory Equals Two "initial-memory" "bytes" [flag("i", One)]
        "The initial size of the memory";
    InitialHeap Equals Two "initial-heap" "bytes" []
        "The initial size of the heap";
    MaxMemory Equals Two "max-memory" "bytes" []
        "The maximum size of the memory";
    NoGrowableMemory Flag Two "no-growable-memory" "" []
        "The memory cannot grow";
    PageSize Equals Two "page-size" "bytes" []
        "The memory's page size: 65536 (default), or 1 as in the custom page sizes proposal";
    ImportMemory FlagOrEquals Two "import-memory" "module,name" []
        "Import the memory (default: env,memory)";
    ExportMemory FlagOrEquals Two "export-memory" "name" []
        "Export the memory (default name: memory)";
    SharedMemory Flag Two "shared-memory" "" []
        "Share the memory between threads"
        "Data segments become passive; the first thread copies them into memory.";
    CooperativeThreading Flag Two "cooperative-threading" "" []
        "Threads take turns in one instance"
        "Code accesses the stack and thread-local data of the current thread through `__wasm_get_stack_pointer`, \
         `__wasm_set_stack_pointer`, `__wasm_get_tls_base` and `__wasm_set_tls_base`, which a library defines. \
         `__init_stack_pointer` and `__init_tls_base` are those of the first thread. The table is exported. Only for \
         executables with fixed addresses.";
    }

    group "Function table"
    "" {
    ImportTable Flag Two "import-table" "" []
        "Import the indirect function table";
    ExportTable Flag Two "export-table" "" []
        "Export the indirect function table";
    GrowableTable Flag Two "growable-table" "" []
        "The indirect function table has no maximum size";
    TableBase Equals Two "table-base" "index" []
        "The index of the first function in the indirect function table (default: 1)"
        "Index 0 is the null pointer.";
    }

    group "Target features"
    "" {
    CheckFeatures Flag Two "check-features" "" []
        "Objects with contradicting target features are an error (default)";
    NoCheckFeatures Flag Two "no-check-features" "" []
        "Do not compare the target features of objects";
    Features Equals Any "features" "list" []
        "Use these comma-separated target features instead of those of the objects";
    ExtraFeatures Equals Any "extra-features" "list" []
        "Add these comma-separated target features to those of the objects";
    }

    group "Habits of other linkers"
    "These are Wald's own. See [options of linkers for ELF](#options-of-linkers-for-elf). `-soname` and `-rpath` are always known." {
    ElfOptions Equals Two "elf-options" "error|warn|ignore" []
        "What to do about options that only linkers for ELF have (default: error)"
        "`warn` and `ignore` accept those that change nothing for WebAssembly, such as `--as-needed` and `-z relro`, and honour the \
         following ones. `warn` lists the others in one warning.";
    VersionScript EqualsOrSeparate Any "version-script" "file" []
        "With --elf-options=warn or ignore: do not export what this version script makes local"
        "Symbols that `--export`, `--export-if-defined` and `--entry` name are exported all the same.";
    DynamicList EqualsOrSeparate Any "dynamic-list" "file" []
        "With --elf-options=warn or ignore: export the symbols that this list contains, if they are defined and not hidden";
    ExportDynamicSymbol EqualsOrSeparate Any "export-dynamic-symbol" "pattern" []
        "With --elf-options=warn or ignore: as if a dynamic list contained this name or pattern";
    ExportDynamicSymbolList EqualsOrSeparate Any "export-dynamic-symbol-list" "file" []
        "With --elf-options=warn or ignore: the same as --dynamic-list";
    }

    group "Messages and reports"
    "`--explain-symbol`, `--explain-format`, `--report`, `--report-diff`, `--map-format`, `--verbose-link`, `--time`, `--time-trace`, \
     `--diagnostics-format`, `--hyperlinks`, `--no-notes`, `--explain`, `--warn-odr` and `--signature-mismatch` are Wald's own. See \
     [Reports](#reports). The output never depends on `--threads`." {
    Trace Flag Any "trace" "" [flag("t", One)]
        "Print the names of the files that are linked";
    PrintMap Flag Any "print-map" "" [flag("M", One)]
        "Write a link map to standard output";
    Map EqualsOrSeparate Any "Map" "file" []
        "Write a link map to this file"
        "It lists the address, offset, size and origin of each part of the output.";
    WhyExtract Equals Two "why-extract" "file" []
        "Write which reference caused each archive member to be linked; - is standard output";
    MapFormat Equals Two "map-format" "wasm-ld|json" []
        "The format of the link map (default: wasm-ld)";
    ExplainSymbol EqualsOrSeparate Two "explain-symbol" "name" [Alias { name: "why-live", dashes: Dashes::Two, kind: Kind::EqualsOrSeparate }]
        "Print the size of a symbol, file or archive member, and why it is linked or not"
        "Symbols may be demangled, without parameters, or contain `*` and `?`. The answers go to standard output.";
    ExplainFormat Equals Two "explain-format" "text|json" []
        "The format of the answers to --explain-symbol (default: text)";
    Report Equals Two "report" "file.html|file.json" []
        "Write what the output is made of, and why: a page, or JSON";
    ReportDiff Equals Two "report-diff" "old.json" []
        "With --report=<file.html>: show what has changed since this report";
    VerboseLink Flag Two "verbose-link" "" []
        "Print the command line, the inputs, and why each archive member was linked"
        "The command line is quoted for a POSIX shell, with response files expanded and `WALD_FLAGS` included. `-l` is resolved.";
    Reproduce EqualsOrSeparate Two "reproduce" "file.tar" []
        "Pack the command line and all inputs into a tar file"
        "The environment variable `LLD_REPRODUCE` does the same.";
    Time Flag Two "time" "" []
        "Print how long each phase of the link took"
        "From the start of the process until the outputs are written. Inputs are opened and parsed by several threads at \
         once; the time that passes is divided in proportion to what each costs. Only the end of the process, when the \
         system frees its memory, is missing.";
    TimeTrace Equals Two "time-trace" "file.json" []
        "Write a timeline of all threads, for ui.perfetto.dev and chrome://tracing";
    Verbose Flag Any "verbose" "" []
        "Print what the link does";
    ColorDiagnostics FlagOrEquals Any "color-diagnostics" "auto|always|never" []
        "Use color in messages (default: auto; without a value: always)"
        "`auto` means a terminal, and heeds `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb`.";
    NoColorDiagnostics Flag Any "no-color-diagnostics" "" []
        "Do not use color in messages";
    DiagnosticsFormat Equals Two "diagnostics-format" "human|json|sarif" []
        "Print errors, warnings and notes as text (default), JSON objects or a SARIF document"
        "Standard error has one object per line, or one document. See [diagnostics as data](diagnostics.md#diagnostics-as-data).";
    Hyperlinks Equals Two "hyperlinks" "auto|always|never" []
        "Link the paths in messages to their files (default: auto)"
        "`auto` means a terminal that is known to show links. It heeds `NO_HYPERLINKS`, `FORCE_HYPERLINK` and `TERM=dumb`.";
    NoNotes Flag Two "no-notes" "" []
        "Print only what wasm-ld would print: no notes, and no lines that explain messages";
    Explain EqualsOrSeparate Two "explain" "code" []
        "Explain a diagnostic such as W0004, and exit"
        "Several codes are separated by blanks or commas. `all` lists the codes.";
    ErrorLimit EqualsOrSeparate Two "error-limit" "number" []
        "Stop after this many errors (default: 20; 0: no limit)";
    FatalWarnings Flag Any "fatal-warnings" "" []
        "Treat warnings as errors";
    NoFatalWarnings Flag Any "no-fatal-warnings" "" []
        "Do not treat warnings as errors (default)";
    Threads EqualsOrSeparate Any "threads" "number" []
        "The number of threads to use (default: as many as the machine has)";
    Help Flag Any "help" "" [flag("h", One)]
        "Print this help and exit";
    Version Flag Any "version" "" []
        "Print the version and exit";
    ShortVersion Flag One "v" "" [flag("V", One)]
        "Print the version, and go on if there are inputs";
    }

    group "Linking during a build"
    "These are Wald's own. See [Linking while the compiler works](#linking-while-the-compiler-works)." {
    AwaitInputs Flag Two "await-inputs" "" []
        "Start before all inputs exist, and read each one when it is complete";
    ReadyFd Equals Two "ready-fd" "number" []
        "With --await-inputs: a file descriptor; each line is the path of a complete input";
    ReadyEof Equals Two "ready-eof" "complete|error" []
        "With --ready-fd: whether inputs not named at its end are complete or an error (default: error)";
    AwaitNewer Equals Two "await-newer" "file" []
        "With --await-inputs: inputs that are there at the start count if they are newer than this file";
    AwaitTimeout Equals Two "await-timeout" "seconds" []
        "With --await-inputs: fail if no input comes for so long (default: 600; 0: wait for as long as it takes)";
    Watch Flag Two "watch" "" []
        "Keep running, and link again whenever an input changes";
    Server Equals Two "server" "auto|off|require" []
        "Let a process link that keeps the inputs in memory between links (default: off, or what WALD_SERVER says)";
    ServerStatus FlagOrEquals Two "server-status" "json" []
        "Print which links are kept in memory, and exit";
    ServerStop Flag Two "server-stop" "" []
        "End the processes that keep links in memory, and exit";
    }

    group "Link-time optimization"
    "Code is generated from LLVM bitcode (`-flto`) by `llvm-lto2`, a tool of LLVM. `--lto-tool`, `--thinlto-distribute`, \
     `--thinlto-distributor` and the options that start like it, and `--thinlto-remote-compiler` and those that start like it are \
     Wald's own. Except for the first two, they are options of LLD for other targets. See \
     [distributed ThinLTO](distributed-thinlto.md)." {
    LtoTool Equals Two "lto-tool" "path" []
        "The tool that generates code from bitcode"
        "By default `$WALD_LTO_TOOL`, or the `llvm-lto2` (also `llvm-lto2-22`) beside the linker of this name, in `PATH`, beside \
         `clang`, or where `llvm-config` says that LLVM's tools are.";
    Mllvm EqualsOrSeparate Any "mllvm" "option" []
        "An option for LLVM";
    LtoO Joined Two "lto-O" "level" []
        "The optimization level for bitcode";
    LtoCgo Joined Two "lto-CGO" "level" []
        "The code generation level for bitcode";
    LtoPartitions Equals Two "lto-partitions" "number" []
        "The number of partitions for parallel code generation";
    LtoDebugPassManager Flag Two "lto-debug-pass-manager" "" []
        "Trace the passes over bitcode";
    LtoObjPath Equals Two "lto-obj-path" "path" []
        "Where objects generated from bitcode are kept";
    DisableVerify Flag Any "disable-verify" "" []
        "Do not verify bitcode";
    SaveTemps Flag Any "save-temps" "" []
        "Keep the intermediate files of bitcode inputs";
    ThinltoCacheDir Equals Two "thinlto-cache-dir" "dir" []
        "Where code generated from bitcode is kept for the next link";
    ThinltoCachePolicy EqualsOrSeparate Two "thinlto-cache-policy" "policy" []
        "When files of --thinlto-cache-dir are removed";
    ThinltoDistributor Equals Two "thinlto-distributor" "program" []
        "Have this program compile the bitcode modules (only Wald has this for WebAssembly)"
        "It gets the path of a file with the jobs as its last argument. `wald --thinlto-distribute` is one.";
    ThinltoDistributorArg Equals Two "thinlto-distributor-arg" "arg" []
        "With --thinlto-distributor: an argument for the program"
        "The program works in a temporary folder. If the argument names an existing file, the program gets its absolute path.";
    ThinltoRemoteCompiler Equals Two "thinlto-remote-compiler" "program" []
        "With --thinlto-distributor: the compiler (default: the clang beside llvm-lto2)";
    ThinltoRemoteCompilerArg Equals Two "thinlto-remote-compiler-arg" "arg" []
        "With --thinlto-distributor: an argument for the compiler, after the others";
    ThinltoRemoteCompilerPrependArg Equals Two "thinlto-remote-compiler-prepend-arg" "arg" []
        "With --thinlto-distributor: an argument for the compiler, before the others";
    ThinltoDistribute Rest Two "thinlto-distribute" "how" []
        "A distributor: run the jobs that a linker describes; the first argument"
        "`ninja` or `command`, `-j<number>`, the words of a wrapper such as `icecc`, and the file with the jobs. A job whose wrapper \
         fails is run without it. In the wrapper, `{inputs}` and `{outputs}` become a job's files.";
    ThinltoJobs Equals Two "thinlto-jobs" "number" []
        "The number of threads for bitcode (default: --threads)";
    ThinltoEmitImportsFiles Flag Two "thinlto-emit-imports-files" "" []
        "Write the list of modules that each bitcode module imports from";
    ThinltoEmitIndexFiles Flag Two "thinlto-emit-index-files" "" []
        "Write a summary index for each bitcode module";
    ThinltoIndexOnly FlagOrEquals Two "thinlto-index-only" "file" []
        "Write only the index files, and do not link";
    ThinltoObjectSuffixReplace Equals Two "thinlto-object-suffix-replace" "old;new" []
        "Replace the suffix of bitcode file names in index files";
    ThinltoPrefixReplace Equals Two "thinlto-prefix-replace" "old;new" []
        "Replace the prefix of paths of index files";
    }

    group "Installation"
    "These are Wald's own." {
    Component Flag Two "component" "" []
        "Make a component of the module, as wasm-component-ld does"
        "This and all else is done by `wald-component-ld`, which is beside this program or in `PATH` and has \
         [more options](clients/wasip2.md).";
    Run Rest Two "run" "command" []
        "Run a build in which wasm-ld is this program; the first argument"
        "For this build, a temporary folder with all names of wasm-ld (also `wasm-ld-22` and the like) is the first one in \
         `PATH` and `COMPILER_PATH`. The exit code is the command's.";
    PrintManPage Flag Two "print-man-page" "" []
        "Print the man page and exit";
    PrintCompletions Equals Two "print-completions" "bash|zsh|fish" []
        "Print a completion script and exit";
    }
}

/// The row of an option.
pub fn spec(option: Opt) -> &'static Spec {
    &TABLE[option as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_where_their_option_says() {
        for row in TABLE {
            assert_eq!(spec(row.option).name, row.name);
        }
    }

    #[test]
    fn no_spelling_occurs_twice() {
        let mut names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        names.extend(TABLE.iter().flat_map(|row| row.aliases.iter().map(|alias| alias.name)));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn options_with_a_value_say_what_it_is_called() {
        for row in TABLE {
            assert_eq!(row.meta.is_empty(), row.kind == Kind::Flag, "{}", row.name);
        }
    }
}
