//! Checks the values of LTO options as wasm-ld does. Wald reads no bitcode, so the options have no other effect.

use crate::option_table::Opt;
use crate::parse::Arguments;
use wald::diagnostics::{Code, Diagnostic};

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
    problems.into_iter().map(|problem| Diagnostic::error(Code::Options, problem)).collect()
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
