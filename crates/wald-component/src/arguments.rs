//! Tells the options of this command from the linker's.

use crate::adapter::{name_of, Adapter};
use crate::option_table::{self, Opt, Row, Value};
use crate::options::{Options, StringEncoding, WasiAdapter};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use wald::diagnostics::{Code, Diagnostic};
use wald_cli::Syntax;

/// A command line.
#[derive(Default)]
pub struct Arguments {
    /// How the component is made.
    pub options: Options,
    /// The core module is the output.
    pub skip: bool,
    /// Only the version is wanted.
    pub version: bool,
    /// The linker's arguments.
    pub linker: Vec<OsString>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// Arguments for the end of the linker's.
    appended: Vec<OsString>,
}

/// Reads a command line without the program's name and without response files.
pub fn parse(words: Vec<OsString>, syntax: &Syntax) -> Arguments {
    let mut arguments = Arguments::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if let Some((row, value)) = own_option(&word) {
            let value = match row.value {
                Value::Required(_) => value.or_else(|| words.next()),
                // Also as an argument of its own, which wasm-component-ld takes.
                Value::Switch => value.or_else(|| words.next_if(|word| word == "true" || word == "false")),
                Value::None => value,
            };
            if let Err(message) = arguments.set(row, value) {
                arguments.diagnostics.push(Diagnostic::error(Code::Options, message));
            }
            continue;
        }
        match word.to_str() {
            Some("-v") => arguments.linker.push("--verbose".into()),
            Some("-h") => arguments.linker.push("--help".into()),
            Some("-V" | "--version") => arguments.version = true,
            _ => {
                let takes_next = syntax.takes_next(&word);
                arguments.linker.push(word);
                arguments.linker.extend(words.next_if(|_| takes_next));
            }
        }
    }
    arguments.linker.append(&mut arguments.appended);
    arguments
}

/// The option of this command that the word is, with the value after `=`.
fn own_option(word: &OsStr) -> Option<(&'static Row, Option<OsString>)> {
    let text = word.to_string_lossy();
    let body = text.strip_prefix("--")?;
    let name = body.split('=').next()?;
    let row = option_table::find(name)?;
    Some((row, value_after(word, "--".len() + name.len() + "=".len())))
}

/// What follows the first `start` bytes.
#[cfg(unix)]
fn value_after(word: &OsStr, start: usize) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt;
    word.as_bytes().get(start..).map(|bytes| OsStr::from_bytes(bytes).into())
}

/// What follows the first `start` bytes.
#[cfg(not(unix))]
fn value_after(word: &OsStr, start: usize) -> Option<OsString> {
    word.to_string_lossy().get(start..).map(OsString::from)
}

impl Arguments {
    /// Sets an option. An error is what is wrong with its value.
    fn set(&mut self, row: &Row, value: Option<OsString>) -> Result<(), String> {
        let name = row.name;
        match row.value {
            Value::None if value.is_some() => return Err(format!("--{name} takes no value")),
            Value::Required(_) if value.is_none() => return Err(format!("--{name}: missing argument")),
            _ => {}
        }
        let value = value.as_deref();
        let options = &mut self.options;
        match row.option {
            Opt::WasiAdapter => options.wasi_adapter = Some(choose(name, value, &WasiAdapter::NAMES)?),
            Opt::StringEncoding => options.string_encoding = choose(name, value, &StringEncoding::NAMES)?,
            Opt::Validate => options.validate = switch(name, value)?,
            Opt::Merge => options.merge_imports_based_on_semver = switch(name, value)?,
            Opt::RejectLegacyNames => options.reject_legacy_names = true,
            Opt::ReallocViaMemoryGrow => options.realloc_via_memory_grow = true,
            Opt::ReturnCallRef => options.return_call_ref = true,
            Opt::Skip => self.skip = true,
            Opt::Adapt => options.adapters.push(read_adapter(value.unwrap_or_default())?),
            Opt::ComponentType => options.component_types.extend(value.map(Into::into)),
            Opt::AppendLldFlag => self.appended.extend(value.map(OsString::from)),
            Opt::WasmLdPath => {}
        }
        Ok(())
    }
}

/// One of several values.
fn choose<T: Copy>(name: &str, value: Option<&OsStr>, values: &[(&str, T)]) -> Result<T, String> {
    let value = value.unwrap_or_default();
    let found = values.iter().find(|(known, _)| value == *known);
    found.map(|(_, found)| *found).ok_or_else(|| {
        let known: Vec<&str> = values.iter().map(|(known, _)| *known).collect();
        format!("--{name}: expected one of {}, but got '{}'", known.join(", "), value.to_string_lossy())
    })
}

fn switch(name: &str, value: Option<&OsStr>) -> Result<bool, String> {
    value.map_or(Ok(true), |value| choose(name, Some(value), &[("true", true), ("false", false)]))
}

/// The adapter of `--adapt=NAME=FILE` or `--adapt=FILE`.
fn read_adapter(value: &OsStr) -> Result<Adapter, String> {
    let (name, file) = match value.as_encoded_bytes().iter().position(|&byte| byte == b'=') {
        Some(end) => {
            let name = String::from_utf8_lossy(&value.as_encoded_bytes()[..end]).into_owned();
            (Some(name), value_after(value, end + 1).unwrap_or_default())
        }
        None => (name_of(Path::new(value)), value.into()),
    };
    let shown = file.to_string_lossy();
    let name = name.ok_or_else(|| format!("--adapt: '{shown}' has no file name"))?;
    let module = std::fs::read(&file)
        .map_err(|error| format!("--adapt: cannot open {shown}: {}", strerror(&error)))?;
    Adapter::new(name, module).map_err(|error| {
        let error = error.replace("<anon>", &shown).replace('\n', "\n>>> ");
        format!("--adapt: {shown} is neither a module nor one in text form\n>>> {error}")
    })
}

/// An error's text without `(os error 2)`.
fn strerror(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_string()
}
