//! Options of linkers for ELF that build systems pass out of habit.
//!
//! They ask for nothing that WebAssembly has. wasm-ld refuses them, and so does Wald unless `--elf-options` says otherwise.

use crate::option_table::Opt;
use wald::diagnostics::{Fix, Help};

/// What becomes of these options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// They are unknown arguments.
    #[default]
    Error,
    /// One warning lists them.
    Warn,
    /// Nothing is said.
    Ignore,
}

impl Habit {
    /// What `--elf-options=VALUE` says. `None` for any other value.
    pub fn of(value: &str) -> Option<Self> {
        match value {
            "error" => Some(Habit::Error),
            "warn" => Some(Habit::Warn),
            "ignore" => Some(Habit::Ignore),
            _ => None,
        }
    }

    /// The last `--elf-options` of arguments that are not parsed yet. It decides how they are parsed.
    pub fn of_arguments(arguments: &[String]) -> Self {
        let values = arguments.iter().filter_map(|argument| argument.strip_prefix("--elf-options="));
        values.filter_map(Habit::of).next_back().unwrap_or_default()
    }
}

/// How an option takes its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// `--name=value` or `--name value`.
    Value,
    /// `--name=value` or `--name`.
    Maybe,
}

/// The options by name, without dashes. Those of one letter have one dash, all others have one or two.
const TABLE: &[(&str, Takes)] = &[
    ("(", Takes::Nothing),
    (")", Takes::Nothing),
    ("Bgroup", Takes::Nothing),
    ("Bno-symbolic", Takes::Nothing),
    ("Bsymbolic-functions", Takes::Nothing),
    ("Bsymbolic-non-weak", Takes::Nothing),
    ("Bsymbolic-non-weak-functions", Takes::Nothing),
    ("EB", Takes::Nothing),
    ("EL", Takes::Nothing),
    ("Qy", Takes::Nothing),
    ("X", Takes::Nothing),
    ("accept-unknown-input-arch", Takes::Nothing),
    ("add-needed", Takes::Nothing),
    ("allow-shlib-undefined", Takes::Nothing),
    ("apply-dynamic-relocs", Takes::Nothing),
    ("as-needed", Takes::Nothing),
    ("audit", Takes::Value),
    ("be8", Takes::Nothing),
    ("call-graph-profile-sort", Takes::Maybe),
    ("check-sections", Takes::Nothing),
    ("compress-debug-sections", Takes::Value),
    ("copy-dt-needed-entries", Takes::Nothing),
    ("cref", Takes::Nothing),
    ("ctf-variables", Takes::Nothing),
    ("d", Takes::Nothing),
    ("dc", Takes::Nothing),
    ("define-common", Takes::Nothing),
    ("depaudit", Takes::Value),
    ("disable-new-dtags", Takes::Nothing),
    ("discard-all", Takes::Nothing),
    ("discard-locals", Takes::Nothing),
    ("discard-none", Takes::Nothing),
    ("dp", Takes::Nothing),
    ("dynamic-linker", Takes::Value),
    ("eh-frame-hdr", Takes::Nothing),
    ("enable-new-dtags", Takes::Nothing),
    ("exclude-libs", Takes::Value),
    ("execute-only", Takes::Nothing),
    ("fix-cortex-a53-835769", Takes::Nothing),
    ("fix-cortex-a53-843419", Takes::Nothing),
    ("fix-cortex-a8", Takes::Nothing),
    ("gdb-index", Takes::Nothing),
    ("gnu-unique", Takes::Nothing),
    ("hash-size", Takes::Value),
    ("hash-style", Takes::Value),
    ("icf", Takes::Value),
    ("ld-generated-unwind-info", Takes::Nothing),
    ("long-plt", Takes::Nothing),
    ("merge-exidx-entries", Takes::Nothing),
    ("mmap-output-file", Takes::Nothing),
    ("nmagic", Takes::Nothing),
    ("no-accept-unknown-input-arch", Takes::Nothing),
    ("no-add-needed", Takes::Nothing),
    ("no-allow-shlib-undefined", Takes::Nothing),
    ("no-apply-dynamic-relocs", Takes::Nothing),
    ("no-as-needed", Takes::Nothing),
    ("no-call-graph-profile-sort", Takes::Nothing),
    ("no-check-sections", Takes::Nothing),
    ("no-copy-dt-needed-entries", Takes::Nothing),
    ("no-ctf-variables", Takes::Nothing),
    ("no-define-common", Takes::Nothing),
    ("no-dynamic-linker", Takes::Nothing),
    ("no-eh-frame-hdr", Takes::Nothing),
    ("no-gdb-index", Takes::Nothing),
    ("no-gnu-unique", Takes::Nothing),
    ("no-icf", Takes::Nothing),
    ("no-keep-memory", Takes::Nothing),
    ("no-ld-generated-unwind-info", Takes::Nothing),
    ("no-merge-exidx-entries", Takes::Nothing),
    ("no-mmap-output-file", Takes::Nothing),
    ("no-nmagic", Takes::Nothing),
    ("no-omagic", Takes::Nothing),
    ("no-relax", Takes::Nothing),
    ("no-rosegment", Takes::Nothing),
    ("no-threads", Takes::Nothing),
    ("no-undefined", Takes::Nothing),
    ("no-undefined-version", Takes::Nothing),
    ("no-use-android-relr-tags", Takes::Nothing),
    ("no-warn-backrefs", Takes::Nothing),
    ("no-warn-common", Takes::Nothing),
    ("no-warn-execstack", Takes::Nothing),
    ("no-warn-mismatch", Takes::Nothing),
    ("no-warn-rwx-segments", Takes::Nothing),
    ("no-warn-search-mismatch", Takes::Nothing),
    ("no-warn-symbol-ordering", Takes::Nothing),
    ("omagic", Takes::Nothing),
    ("pack-dyn-relocs", Takes::Value),
    ("package-metadata", Takes::Value),
    ("plugin", Takes::Value),
    ("plugin-opt", Takes::Value),
    ("pop-state", Takes::Nothing),
    ("push-state", Takes::Nothing),
    ("reduce-memory-overheads", Takes::Nothing),
    ("relax", Takes::Nothing),
    ("rosegment", Takes::Nothing),
    ("rpath-link", Takes::Value),
    ("secure-plt", Takes::Nothing),
    ("sort-common", Takes::Maybe),
    ("sort-section", Takes::Value),
    ("spare-dynamic-tags", Takes::Value),
    ("start-group", Takes::Nothing),
    ("end-group", Takes::Nothing),
    ("stats", Takes::Nothing),
    ("stub-group-size", Takes::Value),
    ("sysroot", Takes::Value),
    ("target1-rel", Takes::Nothing),
    ("thread-count", Takes::Value),
    ("traditional-format", Takes::Nothing),
    ("undefined-version", Takes::Nothing),
    ("use-android-relr-tags", Takes::Nothing),
    ("warn-alternate-em", Takes::Nothing),
    ("warn-backrefs", Takes::Nothing),
    ("warn-common", Takes::Nothing),
    ("warn-constructors", Takes::Nothing),
    ("warn-execstack", Takes::Nothing),
    ("warn-ifunc-textrel", Takes::Nothing),
    ("warn-once", Takes::Nothing),
    ("warn-rwx-segments", Takes::Nothing),
    ("warn-section-align", Takes::Nothing),
    ("warn-shared-textrel", Takes::Nothing),
    ("warn-symbol-ordering", Takes::Nothing),
    ("warn-textrel", Takes::Nothing),
    ("x", Takes::Nothing),
];

/// How options with many forms begin, with their dashes.
const STARTS: &[&str] = &["-flto", "-plugin-opt=", "--plugin-opt=", "-G"];

/// Values of `-z`, without what follows `=`.
const Z_VALUES: &[&str] = &[
    "bti-report",
    "cet-report",
    "combreloc",
    "common-page-size",
    "copyreloc",
    "dead-reloc-in-nonalloc",
    "defs",
    "execstack",
    "force-bti",
    "force-ibt",
    "global",
    "hazardplt",
    "ibt",
    "ibtplt",
    "ifunc-noplt",
    "initfirst",
    "interpose",
    "keep-text-section-prefix",
    "lazy",
    "loadfltr",
    "max-page-size",
    "memory-seal",
    "nocombreloc",
    "nocopyreloc",
    "nodefaultlib",
    "nodelete",
    "nodlopen",
    "nodump",
    "noexecstack",
    "nognustack",
    "nokeep-text-section-prefix",
    "nomemory-seal",
    "norelro",
    "nosectionheader",
    "noseparate-code",
    "nostart-stop-gc",
    "notext",
    "now",
    "nopack-relative-relocs",
    "origin",
    "pac-plt",
    "pack-relative-relocs",
    "rel",
    "rela",
    "relro",
    "retpolineplt",
    "rodynamic",
    "sectionheader",
    "separate-code",
    "separate-loadable-segments",
    "shstk",
    "start-stop-gc",
    "start-stop-visibility",
    "text",
    "wxneeded",
];

/// Whether an argument is one of these options, and whether the next argument is its value.
pub fn find(argument: &str) -> Option<bool> {
    if STARTS.iter().any(|start| argument.starts_with(start)) {
        return Some(false);
    }
    let one_dash = argument.strip_prefix('-')?;
    let long = one_dash.strip_prefix('-');
    let body = long.unwrap_or(one_dash);
    let (name, value) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (body, None),
    };
    if long.is_some() && name.len() == 1 {
        return None;
    }
    let (_, takes) = TABLE.iter().find(|(known, _)| *known == name)?;
    match (takes, value) {
        (Takes::Nothing | Takes::Maybe, None) => Some(false),
        (Takes::Value, None) => Some(true),
        (Takes::Nothing, Some(_)) => None,
        (Takes::Value | Takes::Maybe, Some(_)) => Some(false),
    }
}

/// Whether a value of `-z` is one of these options.
pub fn is_z_value(value: &str) -> bool {
    Z_VALUES.contains(&value.split('=').next().unwrap_or(value))
}

/// The help for a refused option.
pub fn help(argument: &str) -> Help {
    let argument = argument.split('=').next().unwrap_or(argument);
    Help::new(format!(
        "{argument} has no effect for WebAssembly; remove it, or accept the options of other linkers with --elf-options=warn"
    ))
    .with_fix(Fix::AddArgument { argument: "--elf-options=warn".into() })
}

/// Whether an option of wasm-ld's parser is known only with `--elf-options=warn` or `ignore`.
pub fn needs_habit(option: Opt) -> bool {
    matches!(
        option,
        Opt::VersionScript | Opt::DynamicList | Opt::ExportDynamicSymbol | Opt::ExportDynamicSymbolList
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_those_of_wasm_ld() {
        for (name, _) in TABLE {
            let known = crate::option_table::TABLE.iter().find(|row| row.name == *name);
            assert!(known.is_none(), "{name}");
        }
        assert!(Z_VALUES.iter().all(|value| !["muldefs", "stack-size"].contains(value)));
    }
}
