//! Checks that wasm-ld makes after it has read all inputs without an error: contradictions between options, and whether output
//! files can be written.

use crate::configure::Settings;
use crate::inputs::{cannot_open, names_in};
use crate::lto;
use crate::mapped_file;
use crate::option_table::Opt;
use crate::output_file;
use crate::parse::Arguments;
use crate::reproduce::Reproduce;
use crate::sight::{see, Sight};
use crate::temporary::Temporary;
use crate::text::from_path;
use wald::diagnostics::{Code, Diagnostic, Severity};
use wald::options::{DynamicList, Options, UnresolvedPolicy, VersionScript};
use wald::Text;

/// The results of all checks.
#[derive(Default)]
pub struct Checks {
    /// Errors and warnings, in wasm-ld's order.
    pub diagnostics: Vec<Diagnostic>,
    /// The names in `--allow-undefined-file`.
    pub allowed_undefined: Vec<String>,
    /// `--version-script`.
    pub version_script: VersionScript,
    /// `--dynamic-list` and its relatives.
    pub dynamic_list: DynamicList,
    /// The identities of the files that options name.
    pub sights: Vec<Sight>,
    /// The new output file, if it is a regular one.
    pub output: Option<Temporary>,
}

impl Checks {
    fn error(&mut self, message: impl Into<Text>) {
        self.diagnostics.push(Diagnostic::error(Code::Options, message));
    }

    fn error_if(&mut self, wrong: bool, message: &str) {
        if wrong {
            self.error(message);
        }
    }

    fn warn_if(&mut self, odd: bool, message: &str) {
        if odd {
            self.diagnostics.push(Diagnostic::warning(Code::Options, message));
        }
    }

    fn has_error(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Makes all checks. Files are checked only if the options have no error.
pub fn check(
    arguments: &Arguments,
    options: &Options,
    settings: &Settings,
    reproduce: Option<&Reproduce>,
) -> Checks {
    let mut checks = Checks::default();
    check_options(&mut checks, arguments, options, settings);
    if !checks.has_error() {
        read_allowed_undefined(&mut checks, settings, reproduce);
        read_scripts(&mut checks, arguments, reproduce);
        check_output_files(&mut checks, options, settings);
    }
    checks
}

/// Errors about options that only a process of its own can have: others start programs, or wait for files.
pub fn needs_process(arguments: &Arguments) -> Vec<Diagnostic> {
    const OPTIONS: [(Opt, &str); 2] = [(Opt::Watch, "--watch"), (Opt::AwaitInputs, "--await-inputs")];
    let given = OPTIONS.iter().filter(|(option, _)| cfg!(target_family = "wasm") && arguments.has(*option));
    given
        .map(|(_, name)| Diagnostic::error(Code::Options, format!("{name}: not available in WebAssembly")))
        .collect()
}

fn check_options(checks: &mut Checks, arguments: &Arguments, options: &Options, settings: &Settings) {
    let has = |option| arguments.has(option);
    checks.error_if(
        options.compress_relocations && !options.strip_debug,
        "--compress-relocations is incompatible with output debug information. \
         Please pass --strip-debug or --strip-all",
    );
    checks.error_if(
        options.merge_code_metadata && (options.emit_relocs || settings.relocatable),
        "--merge-code-metadata may not be used with -r or --emit-relocs: it is for the last link",
    );
    checks.diagnostics.extend(lto::check_counts(arguments));
    checks.error_if(settings.shared && settings.pie, "-shared and -pie may not be used together");
    checks.error_if(options.output.as_os_str().is_empty() && !options.index_only, "no output file specified");
    checks.error_if(
        options.import_table && options.export_table,
        "--import-table and --export-table may not be used together",
    );
    if settings.relocatable {
        let entry_given = has(Opt::Entry) && options.entry.is_some();
        let gc_given = has(Opt::GcSections) && options.gc_sections;
        checks.error_if(entry_given, "entry point specified for relocatable output file");
        checks.error_if(gc_given, "-r and --gc-sections may not be used together");
        checks.error_if(
            options.compress_relocations,
            "-r -and --compress-relocations may not be used together",
        );
        checks.error_if(has(Opt::Undefined), "-r -and --undefined may not be used together");
        checks.error_if(settings.pie, "-r and -pie may not be used together");
        checks.error_if(options.shared_memory, "-r and --shared-memory may not be used together");
        checks.error_if(options.global_base.is_some(), "-r and --global-base may not by used together");
        // wasm-ld continues here and may crash.
        checks.error_if(settings.shared && !checks.has_error(), "-r and -shared may not be used together");
    }
    let unstable = |wanted: bool| wanted && !has(Opt::ExperimentalPic);
    checks.warn_if(unstable(settings.shared), "creating shared libraries, with -shared, is not yet stable");
    checks.warn_if(unstable(settings.pie), "creating PIEs, with -pie, is not yet stable");
    checks.warn_if(
        unstable(options.unresolved_symbols == UnresolvedPolicy::ImportDynamic),
        "dynamic imports are not yet stable (--unresolved-symbols=import-dynamic)",
    );
    checks.warn_if(
        options.bsymbolic && !settings.shared,
        "-Bsymbolic is only meaningful when combined with -shared",
    );
    if settings.shared || settings.pie {
        checks.error_if(options.global_base.is_some(), "--global-base may not be used with -shared/-pie");
        checks.error_if(options.table_base.is_some(), "--table-base may not be used with -shared/-pie");
    }
    // wasm-ld does not report this, and crashes if there is no other error.
    let is_both = settings.relocatable && settings.shared && !checks.has_error();
    checks.error_if(is_both, "-r and -shared may not be used together");
}

fn read_allowed_undefined(checks: &mut Checks, settings: &Settings, reproduce: Option<&Reproduce>) {
    let Some(path) = &settings.allow_undefined_file else { return };
    let read = || mapped_file::copy(&crate::text::to_path(path));
    match see(path, false, &mut checks.sights, read) {
        Ok(bytes) => {
            if let Some(reproduce) = reproduce {
                reproduce.add_last(path, &bytes);
            }
            checks.allowed_undefined = names_in(&bytes);
        }
        Err(error) => checks.diagnostics.push(cannot_open(path, &error)),
    }
}

/// Reads version scripts and dynamic lists.
fn read_scripts(checks: &mut Checks, arguments: &Arguments, reproduce: Option<&Reproduce>) {
    arguments.values(Opt::ExportDynamicSymbol).for_each(|pattern| checks.dynamic_list.add(pattern));
    let lists = [Opt::VersionScript, Opt::DynamicList, Opt::ExportDynamicSymbolList];
    for (option, path) in
        lists.iter().flat_map(|&option| arguments.values(option).map(move |path| (option, path)))
    {
        let read = || mapped_file::copy(&crate::text::to_path(path));
        let bytes = match see(path, false, &mut checks.sights, read) {
            Ok(bytes) => bytes,
            Err(error) => {
                checks.diagnostics.push(cannot_open(path, &error));
                continue;
            }
        };
        if let Some(reproduce) = reproduce {
            reproduce.add_last(path, &bytes);
        }
        let read = match option {
            Opt::VersionScript => {
                VersionScript::parse(&bytes).map(|script| checks.version_script.append(script))
            }
            _ => DynamicList::parse(&bytes).map(|list| checks.dynamic_list.append(list)),
        };
        if let Err(error) = read {
            checks.error(format!("{path}:{}: {}", error.line, error.message));
        }
    }
}

fn check_output_files(checks: &mut Checks, options: &Options, settings: &Settings) {
    let files = [("output", Some(from_path(&options.output))), ("map", settings.map_file.clone())];
    for (kind, path) in files {
        let Some(path) = path else { continue };
        match output_file::check_writable(&path) {
            Ok(file) if kind == "output" => checks.output = file,
            Ok(_) => {}
            Err(error) => {
                let reason = crate::text::error_text(&error);
                let message = format!("cannot open {kind} file {path}: {reason}");
                checks.diagnostics.push(Diagnostic::error(Code::Open, message));
            }
        }
    }
}
