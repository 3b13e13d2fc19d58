//! The options about bitcode: what they are, and what wasm-ld says of wrong values.

use super::tool::Search;
use crate::numbers::integer;
use crate::option_table::Opt;
use crate::parse::Arguments;
use crate::text::to_path;
use std::path::PathBuf;
use wald::diagnostics::{Code, Diagnostic};

/// How code is generated from bitcode, and what is kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LtoSettings {
    /// Where the program is that generates code.
    pub tool: Search,
    /// The command line for another linker, if that generates code.
    pub link_arguments: String,
    /// `--lto-O`.
    pub optimization: u32,
    /// `--lto-CGO`; by default it follows the optimization level.
    pub code_generation: u32,
    /// `--lto-partitions`.
    pub partitions: u32,
    /// `--thinlto-jobs`, or `--threads`.
    pub jobs: Option<String>,
    /// `--mllvm`.
    pub llvm_arguments: Vec<String>,
    /// `--lto-debug-pass-manager`.
    pub debug_pass_manager: bool,
    /// `--save-temps`.
    pub save_temps: bool,
    /// `--lto-obj-path`.
    pub object_path: Option<PathBuf>,
    /// `--thinlto-cache-dir`.
    pub cache: Option<PathBuf>,
    /// `--thinlto-cache-policy`.
    pub cache_policy: String,
    /// `--thinlto-index-only`: only indexes are written, and no code.
    pub index_only: bool,
    /// `--thinlto-index-only=FILE`: the file that lists the objects to come.
    pub index_list: Option<PathBuf>,
    /// `--thinlto-emit-index-files`.
    pub emit_indexes: bool,
    /// `--thinlto-emit-imports-files`.
    pub emit_imports: bool,
    /// `--thinlto-prefix-replace`.
    pub prefix: Replacement,
    /// The third part of `--thinlto-prefix-replace`, for the objects to come.
    pub object_prefix: Option<String>,
    /// `--thinlto-object-suffix-replace`.
    pub suffix: Replacement,
    /// `--thinlto-distributor`, unless only indexes are written.
    pub distributor: Option<Distributor>,
}

/// A program that has bitcode modules compiled elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distributor {
    /// `--thinlto-distributor`.
    pub program: String,
    /// `--thinlto-distributor-arg`.
    pub arguments: Vec<String>,
    /// `--thinlto-remote-compiler`.
    pub compiler: Option<String>,
    /// `--thinlto-remote-compiler-prepend-arg`.
    pub first_compiler_arguments: Vec<String>,
    /// `--thinlto-remote-compiler-arg`.
    pub last_compiler_arguments: Vec<String>,
}

impl Distributor {
    fn new(arguments: &Arguments) -> Option<Self> {
        let text =
            |option| arguments.last_value(option).filter(|value| !value.is_empty()).map(str::to_string);
        let list = |option| arguments.values(option).map(str::to_string).collect();
        Some(Distributor {
            program: text(Opt::ThinltoDistributor)?,
            arguments: list(Opt::ThinltoDistributorArg),
            compiler: text(Opt::ThinltoRemoteCompiler),
            first_compiler_arguments: list(Opt::ThinltoRemoteCompilerPrependArg),
            last_compiler_arguments: list(Opt::ThinltoRemoteCompilerArg),
        })
    }
}

/// A part of a path that is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacement {
    /// What is replaced.
    pub old: String,
    /// What takes its place.
    pub new: String,
}

impl LtoSettings {
    /// Reads the options, whose values were checked.
    pub fn new(arguments: &Arguments) -> Self {
        let number =
            |option, default| integer(arguments, option).ok().flatten().map_or(default, |n| n as u32);
        let text = |option| arguments.last_value(option).filter(|value| !value.is_empty());
        let path = |option| text(option).map(|value| to_path(value).into_owned());
        let replacement = |option| {
            let mut parts = arguments.last_value(option).unwrap_or_default().splitn(3, ';');
            let mut part = || parts.next().unwrap_or_default().to_string();
            (Replacement { old: part(), new: part() }, Some(part()).filter(|third| !third.is_empty()))
        };
        let index_only = arguments.has(Opt::ThinltoIndexOnly);
        let distributor = Distributor::new(arguments).filter(|_| !index_only);
        let (prefix, object_prefix) = replacement(Opt::ThinltoPrefixReplace);
        let optimization = number(Opt::LtoO, 2);
        let index_list = match arguments.last(&[Opt::ThinltoIndexOnly]) {
            Some((_, _, Some(list))) if !list.is_empty() => Some(to_path(list).into_owned()),
            _ => None,
        };
        LtoSettings {
            tool: Search::new(path(Opt::LtoTool)),
            link_arguments: String::new(),
            optimization,
            code_generation: number(Opt::LtoCgo, optimization.clamp(2, 3)),
            partitions: number(Opt::LtoPartitions, 1),
            jobs: text(Opt::ThinltoJobs).or_else(|| text(Opt::Threads)).map(str::to_string),
            llvm_arguments: arguments.values(Opt::Mllvm).map(str::to_string).collect(),
            debug_pass_manager: arguments.has(Opt::LtoDebugPassManager),
            save_temps: arguments.has(Opt::SaveTemps),
            object_path: path(Opt::LtoObjPath),
            // LLVM does not tell the keys under which its cache has the objects of modules.
            cache: path(Opt::ThinltoCacheDir).filter(|_| distributor.is_none()),
            cache_policy: text(Opt::ThinltoCachePolicy).unwrap_or_default().to_string(),
            index_only,
            index_list,
            emit_indexes: arguments.has(Opt::ThinltoEmitIndexFiles),
            emit_imports: arguments.has(Opt::ThinltoEmitImportsFiles),
            prefix,
            object_prefix,
            suffix: replacement(Opt::ThinltoObjectSuffixReplace).0,
            distributor,
        }
    }

    /// Whether nothing is asked for but objects, and LLVM is to keep none of them.
    pub fn writes_only_objects(&self) -> bool {
        let writes = self.save_temps || self.index_only || self.emit_indexes || self.emit_imports;
        let says = self.debug_pass_manager || !self.llvm_arguments.is_empty();
        let keeps = self.cache.is_some() || self.object_path.is_some();
        !(writes || says || keeps || self.distributor.is_some())
    }
}

/// Checks `key=value` pairs that are separated by colons. Returns the first problem in LLVM's words.
pub fn check_cache_policy(policy: &str) -> Result<(), String> {
    if policy.is_empty() {
        return Ok(());
    }
    policy.split(':').try_for_each(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "prune_interval" | "prune_after" => check_duration(value),
            "cache_size" => check_percentage(value),
            "cache_size_bytes" => {
                let digits = value.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']).unwrap_or(value);
                check_integer(digits).map(|_| ())
            }
            "cache_size_files" => check_integer(value).map(|_| ()),
            _ => Err(format!("Unknown key: '{key}'")),
        }
    })
}

fn check_integer(text: &str) -> Result<u64, String> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits_only).ok_or_else(|| format!("'{text}' not an integer"))
}

fn check_duration(text: &str) -> Result<(), String> {
    let Some(last) = text.chars().next_back() else { return Err("Duration must not be empty".into()) };
    check_integer(&text[..text.len() - last.len_utf8()])?;
    match last {
        's' | 'm' | 'h' => Ok(()),
        _ => Err(format!("'{text}' must end with one of 's', 'm' or 'h'")),
    }
}

fn check_percentage(text: &str) -> Result<(), String> {
    let Some(number) = text.strip_suffix('%') else { return Err(format!("'{text}' must be a percentage")) };
    match check_integer(number)? {
        0..=100 => Ok(()),
        _ => Err(format!("'{number}' must be between 0 and 100")),
    }
}

/// `--thinlto-object-suffix-replace=old;new` and `--thinlto-prefix-replace=old;new[;object]`.
pub fn check_replacements(arguments: &Arguments) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let options = [
        (Opt::ThinltoObjectSuffixReplace, "--thinlto-object-suffix-replace="),
        (Opt::ThinltoPrefixReplace, "--thinlto-prefix-replace="),
    ];
    for (option, name) in options {
        if let Some(value) = arguments.last_value(option).filter(|value| !value.contains(';')) {
            problems.push(format!("{name} expects 'old;new' format, but got {value}"));
        }
    }
    if arguments.has(Opt::ThinltoEmitIndexFiles) && !arguments.has(Opt::ThinltoIndexOnly) {
        let given = options.iter().find(|(option, _)| arguments.has(*option));
        problems.extend(given.map(|(_, name)| {
            format!("{} is not supported with --thinlto-emit-index-files", name.trim_end_matches('='))
        }));
    }
    let has_object_directory =
        arguments.last_value(Opt::ThinltoPrefixReplace).is_some_and(|value| value.matches(';').count() > 1);
    let has_index_file = matches!(arguments.last(&[Opt::ThinltoIndexOnly]), Some((_, _, Some(_))));
    if has_object_directory && !has_index_file {
        problems.push(
            "--thinlto-prefix-replace=old_dir;new_dir;obj_dir must be used with --thinlto-index-only=".into(),
        );
    }
    let mut diagnostics: Vec<Diagnostic> =
        problems.into_iter().map(|problem| Diagnostic::error(Code::Options, problem)).collect();
    let is_given = |option| arguments.last_value(option).is_some_and(|value| !value.is_empty());
    if is_given(Opt::ThinltoDistributor) && is_given(Opt::ThinltoCacheDir) {
        let message = "--thinlto-cache-dir has no effect with --thinlto-distributor";
        diagnostics.push(Diagnostic::warning(Code::Options, message));
    }
    diagnostics
}

/// `--lto-partitions` and `--thinlto-jobs`, which wasm-ld checks only after it has read the inputs.
pub fn check_counts(arguments: &Arguments) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let Ok(Some(0)) = crate::numbers::integer(arguments, Opt::LtoPartitions) {
        let message = "--lto-partitions: number of threads must be > 0";
        problems.push(Diagnostic::error(Code::Options, message));
    }
    // --threads is the default for --thinlto-jobs, even in a base that --thinlto-jobs does not accept.
    let jobs = arguments.last_value(Opt::ThinltoJobs).or_else(|| arguments.last_value(Opt::Threads));
    if let Some(jobs) = jobs {
        let is_count = jobs.bytes().all(|byte| byte.is_ascii_digit()) && jobs.parse::<u32>().is_ok();
        if !jobs.is_empty() && jobs != "all" && !is_count {
            let message = format!("--thinlto-jobs: invalid job count: {jobs}");
            problems.push(Diagnostic::error(Code::Options, message));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_policies() {
        for good in ["", "prune_interval=3s", "cache_size=50%:cache_size_bytes=2g:cache_size_files=3"] {
            assert_eq!(check_cache_policy(good), Ok(()), "{good}");
        }
        let bad = [
            ("foo", "Unknown key: 'foo'"),
            (":", "Unknown key: ''"),
            ("prune_interval=3", "'' not an integer"),
            ("prune_after=5d", "'5d' must end with one of 's', 'm' or 'h'"),
            ("prune_after=", "Duration must not be empty"),
            ("cache_size=2", "'2' must be a percentage"),
            ("cache_size=200%", "'200' must be between 0 and 100"),
            ("cache_size_bytes=2x", "'2x' not an integer"),
        ];
        for (policy, message) in bad {
            assert_eq!(check_cache_policy(policy), Err(message.into()), "{policy}");
        }
    }
}
