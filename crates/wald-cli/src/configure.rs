//! Turns arguments into the link's [`Options`] and the command's own settings.
//!
//! Errors in values are reported in the order in which wasm-ld reads its options, not in command-line order. Like wasm-ld,
//! the command opens the inputs despite most errors, so one run reports all of them.

use crate::elf_options::{self, Habit};
use crate::identity::Identity;
use crate::lto::LtoSettings;
use crate::numbers::{self, integer};
use crate::option_table::Opt;
use crate::parse::Arguments;
use crate::report::Format;
use crate::text::{error_text, to_path};
use std::time::Duration;
use wald::diagnostics::{Code, Diagnostic};
use wald::options::{
    Architecture, BuildId, Defsym, ImportName, MapFormat, Options, OutputKind, SignatureMismatch,
    UnresolvedPolicy,
};
use wald::Text;

/// How long to wait for the next input. Compiling a file can take minutes; without a limit a build with one job, in which the
/// linker keeps the compiler from starting, would never end.
const AWAIT_TIMEOUT: Duration = Duration::from_secs(600);

/// The settings that the library does not need.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `--Map=FILE`.
    pub map_file: Option<String>,
    /// `--print-map`, and `--Map=-`.
    pub print_map: bool,
    /// `--why-extract=FILE`.
    pub why_extract: Option<String>,
    /// `--report=FILE`.
    pub report: Option<(String, Format)>,
    /// `--report-diff=FILE`.
    pub report_diff: Option<String>,
    /// `--explain-format=json`.
    pub explains_as_json: bool,
    /// `--allow-undefined-file=FILE`.
    pub allow_undefined_file: Option<String>,
    /// `-L`.
    pub search_paths: Vec<String>,
    /// `--time`.
    pub time: bool,
    /// `--time-trace=FILE`.
    pub time_trace: Option<String>,
    /// `--thinlto-index-only`: no output is written.
    pub index_only: bool,
    /// `-r`.
    pub relocatable: bool,
    /// `--shared`.
    pub shared: bool,
    /// `--pie`.
    pub pie: bool,
    /// `--await-inputs`.
    pub awaiting: Option<Awaiting>,
    /// `--threads`; `None` for as many as the machine has.
    pub threads: Option<usize>,
    /// `--watch`.
    pub watch: bool,
    /// How code is generated from bitcode.
    pub lto: LtoSettings,
}

/// How inputs are awaited.
#[derive(Clone, Debug, Default)]
pub struct Awaiting {
    /// The descriptor that says which inputs are complete.
    pub ready_fd: Option<u32>,
    /// When that descriptor is closed, all inputs are complete.
    pub end_is_complete: bool,
    /// How long to wait for the next input. `None` for as long as it takes.
    pub timeout: Option<Duration>,
    /// Files that were there before the start count if they are newer than this one.
    pub newer_than: Option<Identity>,
}

/// The meaning of the whole command line.
pub struct Configuration {
    /// For the library.
    pub options: Options,
    /// For the command.
    pub settings: Settings,
    /// Errors and warnings, in wasm-ld's order.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether one of them stops wasm-ld at once.
    pub fatal: bool,
}

/// Reads the values of all options. [`z_warnings`] already reported unknown `-z` values.
pub fn configure(arguments: &Arguments) -> Configuration {
    let mut reader = Reader { arguments, diagnostics: Vec::new() };
    let mut options = Options::default();
    let (mut fatal, mut threads) = (false, None);
    reader.lto_levels();
    options.optimize = reader.integer(Opt::Optimize).map_or(1, |level| level as u32);
    if let Some(policy) = arguments.last_value(Opt::ThinltoCachePolicy) {
        if let Err(problem) = crate::lto::check_cache_policy(policy) {
            reader.error(format!("--thinlto-cache-policy: invalid cache policy: {problem}"));
            fatal = true;
        }
    }
    if !fatal {
        reader.diagnostics.extend(crate::lto::check_replacements(arguments));
        set_kind(&mut options, arguments);
        set_flags(&mut options, arguments);
        set_lists(&mut options, arguments);
        reader.definitions();
        reader.policies(&mut options);
        reader.sizes(&mut options);
        reader.machine(&mut options);
        threads = reader.threads();
        reader.contradictions(&mut options);
    }
    let mut settings = Settings { threads, awaiting: reader.awaiting(), ..settings(arguments) };
    reader.reports(&mut options, &mut settings);
    let diagnostics = reader.diagnostics;
    Configuration { options, settings, diagnostics, fatal }
}

fn settings(arguments: &Arguments) -> Settings {
    let text = |option| arguments.last_value(option).map(str::to_string);
    let mut map_file = text(Opt::Map);
    let print_map = arguments.has(Opt::PrintMap) || map_file.as_deref() == Some("-");
    if print_map {
        map_file = None;
    }
    Settings {
        map_file: map_file.filter(|path| !path.is_empty()),
        print_map,
        why_extract: text(Opt::WhyExtract).filter(|path| !path.is_empty()),
        report: None,
        report_diff: None,
        explains_as_json: false,
        allow_undefined_file: text(Opt::AllowUndefinedFile),
        search_paths: arguments.values(Opt::LibraryPath).map(str::to_string).collect(),
        time: arguments.has(Opt::Time),
        time_trace: text(Opt::TimeTrace),
        index_only: arguments.has(Opt::ThinltoIndexOnly),
        relocatable: arguments.has(Opt::Relocatable),
        shared: arguments.has(Opt::Shared),
        pie: arguments.is_on(Opt::Pie, Opt::NoPie, false),
        awaiting: None,
        threads: None,
        watch: arguments.has(Opt::Watch),
        lto: LtoSettings::new(arguments),
    }
}

/// Sets the kind of module, which changes the defaults of other options. Contradictions are reported later.
fn set_kind(options: &mut Options, arguments: &Arguments) {
    if arguments.has(Opt::Relocatable) {
        options.set_output_kind(OutputKind::Relocatable);
    } else if arguments.has(Opt::Shared) {
        options.set_output_kind(OutputKind::Shared);
    } else if arguments.is_on(Opt::Pie, Opt::NoPie, false) {
        options.set_output_kind(OutputKind::Pie);
    }
}

/// Sets options without a value, or whose values are always valid.
fn set_flags(options: &mut Options, arguments: &Arguments) {
    let on = |yes, no, default| arguments.is_on(yes, no, default);
    let text = |option| arguments.last_value(option).map(str::to_string);
    options.output = to_path(&text(Opt::Output).unwrap_or_default()).into_owned();
    options.index_only = arguments.has(Opt::ThinltoIndexOnly);
    options.soname = text(Opt::Soname).filter(|name| !name.is_empty()).map(Text::from);
    if let Some((option, _, value)) = arguments.last(&[Opt::Entry, Opt::NoEntry]) {
        // wasm-ld takes an empty name for none.
        let name = value.filter(|name| option == Opt::Entry && !name.is_empty());
        options.entry = name.map(str::to_string);
    }
    options.export_all = arguments.has(Opt::ExportAll);
    options.export_dynamic = on(Opt::ExportDynamic, Opt::NoExportDynamic, options.export_dynamic);
    let allow_multiple = on(Opt::AllowMultipleDefinition, Opt::NoAllowMultipleDefinition, false);
    options.allow_multiple_definition = allow_multiple || arguments.values(Opt::Z).any(|z| z == "muldefs");
    options.gc_sections = on(Opt::GcSections, Opt::NoGcSections, options.gc_sections);
    options.print_gc_sections = on(Opt::PrintGcSections, Opt::NoPrintGcSections, false);
    options.merge_data_segments =
        on(Opt::MergeDataSegments, Opt::NoMergeDataSegments, options.merge_data_segments);
    options.compress_relocations = arguments.has(Opt::CompressRelocations);
    options.compact_imports = arguments.has(Opt::CompactImports);
    options.merge_code_metadata = arguments.has(Opt::MergeCodeMetadata);
    options.strip_all = arguments.has(Opt::StripAll);
    options.strip_debug = options.strip_all || arguments.has(Opt::StripDebug);
    options.demangle = on(Opt::Demangle, Opt::NoDemangle, true);
    options.shared_memory = arguments.has(Opt::SharedMemory);
    options.cooperative_threading = arguments.has(Opt::CooperativeThreading);
    options.import_table |= arguments.has(Opt::ImportTable);
    options.emit_relocs = arguments.has(Opt::EmitRelocs);
    options.check_shared_signatures = !arguments.has(Opt::NoShlibSigcheck);
    options.export_table = arguments.has(Opt::ExportTable);
    options.growable_table = arguments.has(Opt::GrowableTable);
    options.stack_first = on(Opt::StackFirst, Opt::NoStackFirst, true);
    options.no_growable_memory = arguments.has(Opt::NoGrowableMemory);
    options.check_features = on(Opt::CheckFeatures, Opt::NoCheckFeatures, true);
    options.warn_odr = arguments.has(Opt::WarnOdr);
    options.producers_linker = arguments.has(Opt::ProducersLinker);
    options.noinhibit_exec = arguments.has(Opt::NoinhibitExec);
    options.fatal_warnings = on(Opt::FatalWarnings, Opt::NoFatalWarnings, false);
    options.bsymbolic = arguments.has(Opt::Bsymbolic);
    options.trace = arguments.has(Opt::Trace);
    options.verbose = arguments.has(Opt::Verbose);
    options.want_map = arguments.has(Opt::PrintMap) || arguments.has(Opt::Map);
    options.want_why_extract = arguments.has(Opt::WhyExtract) || arguments.has(Opt::VerboseLink);
}

/// Sets options that name symbols, sections or features.
fn set_lists(options: &mut Options, arguments: &Arguments) {
    let list = |option| arguments.values(option).map(str::to_string).collect::<Vec<_>>();
    // Like wasm-ld, ignore empty names between commas.
    let names = |text: &str| -> Vec<String> {
        text.split(',').filter(|name| !name.is_empty()).map(str::to_string).collect()
    };
    options.exports = list(Opt::Export);
    options.exports_if_defined = list(Opt::ExportIfDefined);
    options.undefined = list(Opt::Undefined);
    options.trace_symbols = list(Opt::TraceSymbol);
    options.wrap = list(Opt::Wrap);
    options.defsyms = arguments.values(Opt::Defsym).filter_map(Defsym::parse).collect();
    options.keep_sections = list(Opt::KeepSection);
    options.rpaths = list(Opt::Rpath).into_iter().map(Text::from).collect();
    options.features = arguments.last_value(Opt::Features).map(names);
    options.extra_features = arguments.last_value(Opt::ExtraFeatures).map(names).unwrap_or_default();
    if arguments.has(Opt::ImportMemory) {
        // The form with a name wins even if one without follows.
        let (module, field) = match arguments.explicit_values(Opt::ImportMemory).last() {
            None => ("env", "memory"),
            Some(value) => value.split_once(',').unwrap_or(("env", value)),
        };
        options.import_memory = Some(ImportName { module: module.into(), field: field.into() });
    }
    if arguments.has(Opt::ExportMemory) {
        // The form with a name wins even if one without follows.
        let name = arguments.explicit_values(Opt::ExportMemory).last();
        options.export_memory = Some(name.unwrap_or("memory").into());
    }
}

/// Warnings about `-z` values that wasm-ld does not know.
pub fn z_warnings(arguments: &Arguments) -> impl Iterator<Item = Diagnostic> + '_ {
    let known = |z: &str| z == "muldefs" || z.starts_with("stack-size=");
    let is_accepted = |z: &str| arguments.habit != Habit::Error && elf_options::is_z_value(z);
    arguments.values(Opt::Z).filter(move |z| !known(z) && !is_accepted(z)).map(|z| {
        let warning = Diagnostic::warning(Code::Options, format!("unknown -z value: {z}"));
        match elf_options::is_z_value(z) {
            true => warning.with_help(elf_options::help(&format!("-z {z}"))),
            false => warning,
        }
    })
}

/// Reads values that can be invalid.
struct Reader<'a> {
    arguments: &'a Arguments,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, message: impl Into<Text>) {
        self.diagnostics.push(Diagnostic::error(Code::Options, message));
    }

    fn integer(&mut self, option: Opt) -> Option<i64> {
        integer(self.arguments, option).unwrap_or_else(|message| {
            self.error(message);
            None
        })
    }

    fn lto_levels(&mut self) {
        for (option, name) in [(Opt::LtoO, "optimization"), (Opt::LtoCgo, "codegen optimization")] {
            if let Some(level @ 4..) = self.integer(option).map(|level| level as u32) {
                self.error(format!("invalid {name} level for LTO: {level}"));
            }
        }
        self.integer(Opt::LtoPartitions);
    }

    fn definitions(&mut self) {
        for text in self.arguments.values(Opt::Defsym).filter(|text| Defsym::parse(text).is_none()) {
            let message = format!("--defsym: expected NAME=SYMBOL or NAME=NUMBER, but got '{text}'");
            self.error(message);
        }
        if let Some(value) = self.arguments.values(Opt::ElfOptions).find(|value| Habit::of(value).is_none()) {
            self.error(format!("--elf-options: expected warn, error or ignore, but got '{value}'"));
        }
    }

    fn policies(&mut self, options: &mut Options) {
        let warn = self.arguments.is_on(Opt::WarnUnresolvedSymbols, Opt::ErrorUnresolvedSymbols, false);
        let report = if warn { UnresolvedPolicy::Warn } else { UnresolvedPolicy::ReportError };
        options.unresolved_symbols = match self.arguments.last_value(Opt::UnresolvedSymbols) {
            None | Some("report-all") => report,
            Some("ignore-all") => UnresolvedPolicy::Ignore,
            Some("import-dynamic") => UnresolvedPolicy::ImportDynamic,
            Some(other) => {
                let message = format!("unknown --unresolved-symbols value: {other}");
                let help = "the values are report-all, ignore-all and import-dynamic";
                self.diagnostics.push(Diagnostic::error(Code::Options, message).with_help(help));
                report
            }
        };
        options.signature_mismatch = match self.arguments.last_value(Opt::SignatureMismatch) {
            None | Some("warn") => SignatureMismatch::Warn,
            Some("error") => SignatureMismatch::Error,
            Some("adapt") => SignatureMismatch::Adapt,
            Some(other) => {
                let message = format!("unknown --signature-mismatch value: {other}");
                let help = "the values are warn, error and adapt";
                self.diagnostics.push(Diagnostic::error(Code::Options, message).with_help(help));
                SignatureMismatch::Warn
            }
        };
        options.import_undefined = self.arguments.has(Opt::ImportUndefined);
        if self.arguments.has(Opt::AllowUndefined) {
            options.import_undefined = true;
            options.unresolved_symbols = UnresolvedPolicy::Ignore;
        }
    }

    fn sizes(&mut self, options: &mut Options) {
        // As in wasm-ld, zero means that the option was not given.
        let address = |number: Option<i64>| number.map(|number| number as u64).filter(|&number| number != 0);
        options.table_base = address(self.integer(Opt::TableBase));
        options.global_base = address(self.integer(Opt::GlobalBase));
        options.initial_heap = self.integer(Opt::InitialHeap).unwrap_or(0) as u64;
        options.initial_memory = self.integer(Opt::InitialMemory).unwrap_or(0) as u64;
        options.max_memory = self.integer(Opt::MaxMemory).unwrap_or(0) as u64;
        for z in self.arguments.values(Opt::Z) {
            let (name, value) = z.split_once('=').unwrap_or((z, ""));
            if name != "stack-size" {
                continue;
            }
            match numbers::any_base(value) {
                Some(size) => options.stack_size = Some(size),
                None => self.error(format!("invalid stack-size: {value}")),
            }
        }
        if let Some((_, _, Some(_))) = self.arguments.last(&[Opt::PageSize]) {
            let size = self.integer(Opt::PageSize).unwrap_or(0);
            if size == 1 || size == 65536 {
                options.page_size = size as u64;
            } else {
                self.error("--page_size=N must be either 1 or 65536");
            }
        }
        if options.no_growable_memory && options.max_memory != 0 {
            self.error("--max-memory is incompatible with --no-growable-memory");
        }
    }

    fn machine(&mut self, options: &mut Options) {
        match self.arguments.last_value(Opt::Emulation) {
            None => {}
            Some("wasm32") => options.architecture = Architecture::Wasm32,
            Some("wasm64") => options.architecture = Architecture::Wasm64,
            Some(other) => self.error(format!("invalid target architecture: {other}")),
        }
    }

    fn threads(&mut self) -> Option<usize> {
        let (_, text, value) = self.arguments.last(&[Opt::Threads])?;
        let value = value?;
        let count = numbers::any_base(value).and_then(|count| u32::try_from(count).ok());
        if let Some(count @ 1..) = count {
            return Some(count as usize);
        }
        let name = if text.contains('=') { "--threads" } else { text };
        self.error(format!("{name}: expected a positive integer, but got '{value}'"));
        None
    }

    /// Reports and their formats.
    fn reports(&mut self, options: &mut Options, settings: &mut Settings) {
        let arguments = self.arguments;
        options.explain_symbols = arguments.values(Opt::ExplainSymbol).map(str::to_string).collect();
        match arguments.last_value(Opt::ExplainFormat) {
            None | Some("text") => {}
            Some("json") => settings.explains_as_json = true,
            Some(other) => self.error(format!("--explain-format: expected text or json, but got '{other}'")),
        }
        match arguments.last_value(Opt::MapFormat) {
            None | Some("wasm-ld") => {}
            Some("json") => options.map_format = MapFormat::Json,
            Some(other) => self.error(format!("--map-format: expected wasm-ld or json, but got '{other}'")),
        }
        if let Some(path) = arguments.last_value(Opt::Report) {
            settings.report = Format::of_path(path).map(|format| (path.to_string(), format));
            options.want_report = settings.report.is_some();
            if settings.report.is_none() {
                self.error(format!(
                    "--report: expected a file that ends with .html or .json, but got '{path}'"
                ));
            }
        }
        settings.report_diff = arguments.last_value(Opt::ReportDiff).map(str::to_string);
        let is_page = matches!(settings.report, Some((_, Format::Html)));
        if settings.report_diff.is_some() && !is_page {
            self.error("--report-diff is only of use with --report=<file.html>");
        }
        if settings.index_only && (options.want_report || !options.explain_symbols.is_empty()) {
            self.error("--thinlto-index-only has no output to report on");
        }
    }

    /// How inputs are awaited. `None` without `--await-inputs`.
    fn awaiting(&mut self) -> Option<Awaiting> {
        let mut awaiting = Awaiting { timeout: Some(AWAIT_TIMEOUT), ..Awaiting::default() };
        if let Some(path) = self.arguments.last_value(Opt::AwaitNewer) {
            match std::fs::metadata(to_path(path)) {
                Ok(metadata) => awaiting.newer_than = Some(Identity::from(&metadata)),
                Err(error) => {
                    self.error(format!("--await-newer: cannot open {path}: {}", error_text(&error)));
                }
            }
        }
        if let Some(text) = self.arguments.last_value(Opt::ReadyFd) {
            awaiting.ready_fd = text.parse().ok();
            if awaiting.ready_fd.is_none() {
                self.error(format!("--ready-fd: expected a file descriptor, but got '{text}'"));
            }
        }
        if let Some(text) = self.arguments.last_value(Opt::AwaitTimeout) {
            match text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                Some(timeout) => awaiting.timeout = Some(timeout).filter(|timeout| !timeout.is_zero()),
                None => {
                    self.error(format!("--await-timeout: expected a number of seconds, but got '{text}'"));
                }
            }
        }
        match self.arguments.last_value(Opt::ReadyEof) {
            None | Some("error") => {}
            Some("complete") => awaiting.end_is_complete = true,
            Some(text) => self.error(format!("--ready-eof: expected complete or error, but got '{text}'")),
        }
        let awaits = self.arguments.has(Opt::AwaitInputs);
        if self.arguments.has(Opt::ReadyEof) && !self.arguments.has(Opt::ReadyFd) {
            self.error("--ready-eof is only of use with --ready-fd");
        }
        if self.arguments.has(Opt::AwaitNewer) && self.arguments.has(Opt::ReadyFd) {
            self.error("--await-newer and --ready-fd cannot be used together");
        }
        for (option, name) in [
            (Opt::ReadyFd, "--ready-fd"),
            (Opt::AwaitTimeout, "--await-timeout"),
            (Opt::AwaitNewer, "--await-newer"),
        ] {
            if !awaits && self.arguments.has(option) {
                self.error(format!("{name} is only of use with --await-inputs"));
            }
        }
        for (option, name) in [(Opt::AwaitInputs, "--await-inputs"), (Opt::Reproduce, "--reproduce")] {
            if self.arguments.has(Opt::Watch) && self.arguments.has(option) {
                self.error(format!("--watch and {name} cannot be used together"));
            }
        }
        awaits.then_some(awaiting)
    }

    /// Reports contradictions that wasm-ld detects before it reads inputs.
    fn contradictions(&mut self, options: &mut Options) {
        let has = |option| self.arguments.has(option);
        let pic = has(Opt::Shared) || self.arguments.is_on(Opt::Pie, Opt::NoPie, false);
        let relocatable = has(Opt::Relocatable);
        if options.cooperative_threading && options.shared_memory {
            self.error("--cooperative-threading is incompatible with --shared-memory");
        }
        if options.cooperative_threading && pic {
            self.error("--cooperative-threading is not supported with -shared/-pie");
        }
        self.build_id(options);
        if pic && options.export_table {
            self.error("-shared/-pie is incompatible with --export-table");
        }
        if relocatable && options.export_table {
            self.error("--relocatable is incompatible with --export-table");
        }
        if relocatable && options.growable_table {
            self.error("--relocatable is incompatible with --growable-table");
        }
        if self.arguments.has(Opt::Shared) && options.export_memory.is_some() {
            self.error("--export-memory is incompatible with --shared");
        }
    }

    fn build_id(&mut self, options: &mut Options) {
        let Some((_, _, value)) = self.arguments.last(&[Opt::BuildId]) else { return };
        options.build_id = match value {
            None | Some("fast") => BuildId::Fast,
            Some("none") => BuildId::None,
            Some("sha1" | "tree") => BuildId::Sha1,
            Some("uuid") => BuildId::Uuid,
            Some(other) => match other.strip_prefix("0x").map(numbers::hex_bytes) {
                Some(Ok(bytes)) => BuildId::Hex(bytes),
                Some(Err(pair)) => return self.error(format!("not a hexadecimal value: {pair}")),
                None => return self.error(format!("unknown --build-id style: {other}")),
            },
        };
    }
}
