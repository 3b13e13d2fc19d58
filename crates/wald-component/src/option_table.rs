//! The options that the linker does not have. The parser, `--help` and the test of the README read this table.

/// The version of wasm-component-ld whose bytes the output has.
pub const COMPATIBLE: &str = "0.5.30";

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    /// `--wasi-adapter`.
    WasiAdapter,
    /// `--adapt`.
    Adapt,
    /// `--component-type`.
    ComponentType,
    /// `--string-encoding`.
    StringEncoding,
    /// `--skip-wit-component`.
    Skip,
    /// `--validate-component`.
    Validate,
    /// `--merge-imports-based-on-semver`.
    Merge,
    /// `--reject-legacy-names`.
    RejectLegacyNames,
    /// `--realloc-via-memory-grow`.
    ReallocViaMemoryGrow,
    /// `--return-call-ref`.
    ReturnCallRef,
    /// `--append-lld-flag`.
    AppendLldFlag,
    /// `--wasm-ld-path`.
    WasmLdPath,
}

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `--name`.
    None,
    /// `--name`, `--name=true` or `--name=false`.
    Switch,
    /// `--name=value` or `--name value`.
    Required(&'static str),
}

/// What there is to know about an option.
pub struct Row {
    /// Which one.
    pub option: Opt,
    /// Its name without dashes.
    pub name: &'static str,
    /// Whether it has a value, and what that is called.
    pub value: Value,
    /// What it does.
    pub help: &'static str,
}

const fn row(option: Opt, name: &'static str, value: Value, help: &'static str) -> Row {
    Row { option, name, value, help }
}

/// All options.
pub const TABLE: &[Row] = &[
    row(
        Opt::WasiAdapter,
        "wasi-adapter",
        Value::Required("command|reactor|proxy|none"),
        "Adapter for imports from wasi_snapshot_preview1 (default: command if the module exports _start, or else reactor)",
    ),
    row(
        Opt::Adapt,
        "adapt",
        Value::Required("[name=]file"),
        "Add an adapter for imports from <name>, by default the file's name up to the first dot",
    ),
    row(
        Opt::ComponentType,
        "component-type",
        Value::Required("file"),
        "Add the world of a WIT file or folder to those in the inputs",
    ),
    row(
        Opt::StringEncoding,
        "string-encoding",
        Value::Required("utf8|utf16|compact-utf16"),
        "Encoding of strings for the worlds of --component-type (default: utf8)",
    ),
    row(Opt::Skip, "skip-wit-component", Value::None, "Write the core module and make no component of it"),
    row(Opt::Validate, "validate-component", Value::Switch, "Validate the component (default: false)"),
    row(
        Opt::Merge,
        "merge-imports-based-on-semver",
        Value::Switch,
        "Make one import of compatible versions of an interface (default: true)",
    ),
    row(
        Opt::RejectLegacyNames,
        "reject-legacy-names",
        Value::None,
        "Accept only the specification's names for imports and exports of the module",
    ),
    row(
        Opt::ReallocViaMemoryGrow,
        "realloc-via-memory-grow",
        Value::None,
        "Let adapters allocate by memory.grow and not by cabi_realloc",
    ),
    row(Opt::ReturnCallRef, "return-call-ref", Value::None, "Use return_call_ref in the component's own code"),
    row(
        Opt::AppendLldFlag,
        "append-lld-flag",
        Value::Required("argument"),
        "Pass an argument to the linker, after all others",
    ),
    row(
        Opt::WasmLdPath,
        "wasm-ld-path",
        Value::Required("file"),
        "Accepted without an effect, because clang passes it: no other linker is started",
    ),
];

/// The option of this name.
pub fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// What `--help` prints above the linker's options.
pub fn help(program: &str) -> String {
    const COLUMN: usize = 28;
    const WIDTH: usize = 80;
    let mut text = format!(
        "Wald for components: a linker for WebAssembly that replaces wasm-component-ld\n\n\
         USAGE: {program} [options] file...\n\nComponents:\n"
    );
    for row in TABLE {
        let form = match row.value {
            Value::None => format!("  --{}", row.name),
            Value::Switch => format!("  --{}=<true|false>, --{0}", row.name),
            Value::Required(meta) => format!("  --{}=<{meta}>", row.name),
        };
        let mut line = form;
        if line.len() + 2 <= COLUMN {
            line = format!("{line:COLUMN$}");
        } else {
            text += &(line + "\n");
            line = " ".repeat(COLUMN);
        }
        for word in row.help.split(' ') {
            if line.len() + 1 + word.len() > WIDTH {
                text += &(line.trim_end().to_string() + "\n");
                line = " ".repeat(COLUMN);
            }
            if !line.ends_with(' ') {
                line.push(' ');
            }
            line += word;
        }
        text += &(line + "\n");
    }
    text + "\nThe linker's options follow, which wald has, too. -v is --verbose here.\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_terminal_and_has_every_option() {
        let help = help("wald-component-ld");
        for line in help.lines() {
            assert!(line.len() <= 80 && !line.ends_with(' '), "{line}");
        }
        assert!(TABLE.iter().all(|row| help.contains(&format!("  --{}", row.name))));
        assert!(
            help.contains("\n                            Pass an argument to the linker, after all others\n")
        );
    }

    #[test]
    fn the_readme_has_every_option() {
        let readme = include_str!("../README.md");
        for row in TABLE {
            assert!(readme.contains(&format!("`--{}", row.name)), "{}", row.name);
        }
    }
}
