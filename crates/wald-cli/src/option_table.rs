//! The table of options: every option is defined here, once.
//!
//! The parser, `--help`, the man page, the shells' completions and the response file of `--reproduce` all read this
//! table. The set of options, their spellings and what kinds of value they take are wasm-ld's; the help texts are
//! our own. Options that only Wald has are at the end.

/// How an option takes its value.
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
}

/// With how many dashes an option may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dashes {
    /// `-x`.
    One,
    /// `--name`. Long names whose first letter is a short option that takes a value are like this.
    Two,
    /// `-name` and `--name`.
    Any,
}

/// Another spelling of an option.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// Name without dashes.
    pub name: &'static str,
    /// With how many dashes.
    pub dashes: Dashes,
    /// How this spelling takes a value.
    pub kind: Kind,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Which one it is.
    pub option: Opt,
    /// Name without dashes, `=` or value.
    pub name: &'static str,
    /// With how many dashes.
    pub dashes: Dashes,
    /// How it takes its value.
    pub kind: Kind,
    /// What the value is called in the help; for [`Kind::FlagOrEquals`] that of the form with a value.
    pub meta: &'static str,
    /// Its help text. Hidden from the help where it is empty.
    pub help: &'static str,
    /// Other spellings.
    pub aliases: &'static [Alias],
}

impl Spec {
    /// The dashes in which the help shows it.
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
    ($($option:ident $kind:ident $dashes:ident $name:literal $meta:literal [$($alias:expr),*] $help:literal;)*) => {
        /// Names an option of [`TABLE`].
        #[allow(missing_docs)] // The table says what each one is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Opt { $($option),* }

        /// Every option.
        pub const TABLE: &[Spec] = &[$(Spec {
            option: Opt::$option,
            name: $name,
            dashes: Dashes::$dashes,
            kind: Kind::$kind,
            meta: $meta,
            help: $help,
            aliases: &[$($alias),*],
        }),*];
    };
}

use Dashes::{Any, One};

options! {
    // What goes in and comes out.
    Output JoinedOrSeparate One "o" "path" []
        "Write the module to this file ('-' for standard output)";
    Library JoinedOrSeparate One "l" "name" [Alias { name: "library", dashes: Any, kind: Kind::EqualsOrSeparate }]
        "Link libNAME.a from the library search path, or the file NAME itself for -l:NAME";
    LibraryPath JoinedOrSeparate One "L" "dir"
        [Alias { name: "library-path", dashes: Any, kind: Kind::EqualsOrSeparate }]
        "Add a directory to the library search path";
    Bdynamic Flag Any "Bdynamic" "" [flag("dy", Any), flag("call_shared", Any)]
        "From here on let -l find shared libraries too";
    Bstatic Flag Any "Bstatic" "" [flag("dn", Any), flag("non_shared", Any), flag("static", Any)]
        "From here on let -l find archives only (default)";
    WholeArchive Flag Any "whole-archive" "" []
        "From here on link every member of an archive, needed or not";
    NoWholeArchive Flag Any "no-whole-archive" "" []
        "From here on link only the members of an archive that are needed (default)";
    StartLib Flag Any "start-lib" "" []
        "From here on treat objects like members of an archive";
    EndLib Flag Any "end-lib" "" []
        "End what --start-lib began";
    Emulation JoinedOrSeparate One "m" "wasm32|wasm64" []
        "What to link for: 32-bit or 64-bit memory";
    Relocatable Flag Any "relocatable" "" [flag("r", One)]
        "Merge objects into one relocatable object";
    Shared Flag Any "shared" "" []
        "Make a shared library";
    Pie Flag Any "pie" "" []
        "Make a position independent executable";
    NoPie Flag Any "no-pie" "" []
        "Make an executable with fixed addresses (default)";
    ExperimentalPic Flag Two "experimental-pic" "" []
        "Do not warn that position independent output is not yet stable";
    EmitRelocs Flag Any "emit-relocs" "" []
        "Write the relocations into the output";
    Soname EqualsOrSeparate Any "soname" "name" []
        "The module's name in the name section, instead of the output file's";
    Rpath EqualsOrSeparate Any "rpath" "path" []
        "Where a shared module's libraries are looked for at run time";
    BuildId FlagOrEquals Any "build-id" "fast|sha1|uuid|0xHEX" []
        "Write a build id: a hash of the output, a random one, or these bytes";

    // Symbols.
    Entry EqualsOrSeparate Any "entry" "symbol" [short_value("e")]
        "The function at which the module starts (default: _start)";
    NoEntry Flag Two "no-entry" "" []
        "The module has no entry function";
    Undefined EqualsOrSeparate Any "undefined" "symbol" [short_value("u")]
        "Refer to the symbol, so that an archive member that defines it is linked";
    Export EqualsOrSeparate Any "export" "symbol" []
        "Export the symbol; an error where it is not defined";
    ExportIfDefined EqualsOrSeparate Any "export-if-defined" "symbol" []
        "Export the symbol where it is defined";
    ExportAll Flag Two "export-all" "" []
        "Export every symbol (goes well with --no-gc-sections)";
    ExportDynamic Flag Any "export-dynamic" "" [flag("E", One)]
        "Export every symbol of default visibility";
    NoExportDynamic Flag Any "no-export-dynamic" "" []
        "Export only what is marked so (default)";
    Wrap EqualsOrSeparate Any "wrap" "symbol" []
        "References to SYMBOL go to __wrap_SYMBOL, those to __real_SYMBOL to SYMBOL";
    TraceSymbol EqualsOrSeparate Any "trace-symbol" "symbol" [short_value("y")]
        "Say where the symbol is defined and referenced";
    AllowUndefined Flag Any "allow-undefined" "" []
        "Undefined symbols are no error; functions among them become imports";
    AllowUndefinedFile EqualsOrSeparateOneDash Any "allow-undefined-file" "file" []
        "The symbols that this file lists, one a line, may stay undefined";
    ImportUndefined Flag Any "import-undefined" "" []
        "Undefined functions become imports";
    UnresolvedSymbols EqualsOrSeparate Any "unresolved-symbols" "policy" []
        "What to do about undefined symbols: report-all, ignore-all or import-dynamic";
    WarnUnresolvedSymbols Flag Any "warn-unresolved-symbols" "" []
        "Undefined symbols are warnings";
    ErrorUnresolvedSymbols Flag Any "error-unresolved-symbols" "" []
        "Undefined symbols are errors (default)";
    AllowMultipleDefinition Flag Any "allow-multiple-definition" "" []
        "The first of several definitions of a symbol wins without an error";
    NoAllowMultipleDefinition Flag Any "no-allow-multiple-definition" "" []
        "Several definitions of a symbol are an error (default)";
    Bsymbolic Flag Any "Bsymbolic" "" []
        "A shared library's references to its own symbols are bound at link time";
    NoShlibSigcheck Flag Two "no-shlib-sigcheck" "" []
        "Do not check the signatures of functions that shared libraries define";
    Demangle Flag Any "demangle" "" []
        "Show C++, Rust and D names as people write them (default)";
    NoDemangle Flag Any "no-demangle" "" []
        "Show symbol names as they are in the objects";

    // Memory and table.
    ImportMemory FlagOrEquals Two "import-memory" "module,name" []
        "Import the memory (default: memory of env)";
    ExportMemory FlagOrEquals Two "export-memory" "name" []
        "Export the memory (default name: memory)";
    SharedMemory Flag Two "shared-memory" "" []
        "The memory is shared between threads";
    InitialMemory Equals Two "initial-memory" "bytes" [flag("i", One)]
        "Size of the memory at the start";
    InitialHeap Equals Two "initial-heap" "bytes" []
        "Room for the heap in the memory at the start";
    MaxMemory Equals Two "max-memory" "bytes" []
        "The size that the memory may grow to";
    NoGrowableMemory Flag Two "no-growable-memory" "" []
        "The memory keeps the size that it has at the start";
    PageSize Equals Two "page-size" "bytes" []
        "The memory's page size: 65536 (default) or 1";
    GlobalBase Equals Two "global-base" "address" []
        "Address of the first static datum";
    StackFirst Flag Any "stack-first" "" []
        "The stack is below static data, so that an overflow traps (default)";
    NoStackFirst Flag Any "no-stack-first" "" []
        "The stack is above static data";
    ImportTable Flag Two "import-table" "" []
        "Import the indirect function table";
    ExportTable Flag Two "export-table" "" []
        "Export the indirect function table";
    GrowableTable Flag Two "growable-table" "" []
        "The indirect function table may grow at run time";
    TableBase Equals Two "table-base" "index" []
        "Index of the first function in the indirect function table (default: 1)";
    Z JoinedOrSeparate One "z" "option" []
        "Further options: stack-size=BYTES";

    // What is kept, and how it is written.
    GcSections Flag Any "gc-sections" "" []
        "Leave out functions and data that nothing refers to (default)";
    NoGcSections Flag Any "no-gc-sections" "" []
        "Keep every function and datum";
    PrintGcSections Flag Any "print-gc-sections" "" []
        "List what was left out";
    NoPrintGcSections Flag Any "no-print-gc-sections" "" []
        "Do not list what was left out (default)";
    MergeDataSegments Flag Two "merge-data-segments" "" []
        "Data of the same kind share an output segment (default)";
    NoMergeDataSegments Flag Two "no-merge-data-segments" "" []
        "Every data segment stays by itself";
    Optimize JoinedOrSeparate One "O" "level" []
        "How hard to work on a small output: 0, 1 (default) or 2";
    CompressRelocations Flag Any "compress-relocations" "" []
        "Write the numbers in code with as few bytes as they need";
    StripDebug Flag Any "strip-debug" "" [flag("S", One)]
        "Leave out debug information";
    StripAll Flag Any "strip-all" "" [flag("s", One)]
        "Leave out debug information, names and other custom sections";
    KeepSection EqualsOrSeparate Any "keep-section" "name" []
        "Keep this custom section in spite of --strip-all";
    CheckFeatures Flag Two "check-features" "" []
        "Objects whose target features contradict are an error (default)";
    NoCheckFeatures Flag Two "no-check-features" "" []
        "Do not compare the objects' target features";
    Features Equals Any "features" "list" []
        "The output's target features, comma-separated, instead of those of the objects";
    ExtraFeatures Equals Any "extra-features" "list" []
        "Target features besides those of the objects, comma-separated";

    // What is said.
    Help Flag Any "help" "" []
        "Show this list and stop";
    Version Flag Any "version" "" []
        "Show the version and stop";
    ShortVersion Flag One "v" "" [flag("V", One)]
        "Show the version; go on where there are input files";
    Verbose Flag Any "verbose" "" []
        "Say what the link does";
    Trace Flag Any "trace" "" [flag("t", One)]
        "Name the files that become part of the output";
    PrintMap Flag Any "print-map" "" [flag("M", One)]
        "Write a link map to standard output";
    Map EqualsOrSeparate Any "Map" "file" []
        "Write a link map to this file";
    WhyExtract Equals Two "why-extract" "file" []
        "Write to this file which reference made which archive member part of the link";
    Reproduce EqualsOrSeparate Two "reproduce" "file.tar" []
        "Pack the command line and the input files";
    ColorDiagnostics FlagOrEquals Any "color-diagnostics" "auto|always|never" []
        "Colour in messages (default: auto; without a value: always)";
    NoColorDiagnostics Flag Any "no-color-diagnostics" "" []
        "No colour in messages";
    ErrorLimit EqualsOrSeparate Two "error-limit" "number" []
        "Stop after so many errors (default: 20; 0: never)";
    FatalWarnings Flag Any "fatal-warnings" "" []
        "Warnings are errors";
    NoFatalWarnings Flag Any "no-fatal-warnings" "" []
        "Warnings are warnings (default)";
    NoinhibitExec Flag Any "noinhibit-exec" "" []
        "Accepted for compatibility: wasm-ld knows it, it changes nothing";
    Threads EqualsOrSeparate Any "threads" "number" []
        "How many threads to use (default: as many as the machine runs at once)";
    RspQuoting EqualsOrSeparate Any "rsp-quoting" "posix|windows" []
        "How response files quote";

    // Bitcode and LLVM: they matter where an input is bitcode.
    Mllvm EqualsOrSeparate Any "mllvm" "option" []
        "An option for LLVM; accepted without effect";
    LtoO Joined Two "lto-O" "level" []
        "Optimisation level for bitcode inputs";
    LtoCgo Joined Two "lto-CGO" "level" []
        "Code generation level for bitcode inputs";
    LtoPartitions Equals Two "lto-partitions" "number" []
        "Into how many parts bitcode is split for code generation";
    LtoDebugPassManager Flag Two "lto-debug-pass-manager" "" []
        "Trace the passes over bitcode";
    LtoObjPath Equals Two "lto-obj-path" "path" [] "";
    DisableVerify Flag Any "disable-verify" "" [] "";
    SaveTemps Flag Any "save-temps" "" []
        "Keep the intermediate files of bitcode inputs";
    ThinltoCacheDir Equals Two "thinlto-cache-dir" "dir" []
        "Where code generated from bitcode is kept for the next link";
    ThinltoCachePolicy EqualsOrSeparate Two "thinlto-cache-policy" "policy" []
        "When the files of --thinlto-cache-dir are removed";
    ThinltoJobs Equals Two "thinlto-jobs" "number" []
        "How many threads work on bitcode (default: --threads)";
    ThinltoEmitImportsFiles Flag Two "thinlto-emit-imports-files" "" [] "";
    ThinltoEmitIndexFiles Flag Two "thinlto-emit-index-files" "" [] "";
    ThinltoIndexOnly FlagOrEquals Two "thinlto-index-only" "file" [] "";
    ThinltoObjectSuffixReplace Equals Two "thinlto-object-suffix-replace" "old;new" [] "";
    ThinltoPrefixReplace Equals Two "thinlto-prefix-replace" "old;new" [] "";

    // Wald's own.
    VerboseLink Flag Two "verbose-link" "" []
        "Show the command line and the inputs as the linker got them, and which archive members were extracted for what";
    CooperativeThreading Flag Two "cooperative-threading" "" []
        "Threads take turns in one instance: stack pointer and thread-local data are reached through functions";
    CompactImports Flag Two "compact-imports" "" []
        "Write imports in the form of the compact import section proposal, where that is shorter";
    MergeCodeMetadata Flag Two "merge-code-metadata" "" []
        "Merge branch hints and other code metadata of all inputs, and write them in front of the code";
    Time Flag Two "time" "" []
        "Show how long each phase of the link took";
    TimeTrace Equals Two "time-trace" "file.json" []
        "Write what each thread did when, for chrome://tracing and ui.perfetto.dev";
    AwaitInputs Flag Two "await-inputs" "" []
        "Start before all inputs exist, and take each one when it is complete";
    ReadyFd Equals Two "ready-fd" "number" []
        "With --await-inputs: a descriptor on which each line is the path of an input that is complete";
    ReadyEof Equals Two "ready-eof" "complete|error" []
        "With --ready-fd: whether its end means that all inputs are complete, or is an error while some are missing (default)";
    AwaitTimeout Equals Two "await-timeout" "seconds" []
        "With --await-inputs: fail when an input has not come by then";
    Watch Flag Two "watch" "" []
        "Stay, and link again whenever an input has changed";
    PrintManPage Flag Two "print-man-page" "" [] "";
    PrintCompletions Equals Two "print-completions" "bash|zsh|fish" [] "";
}

/// The table's row for an option.
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
