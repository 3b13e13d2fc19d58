//! Sets options by name.

use std::ffi::c_char;
use std::path::PathBuf;

use wald::options::{
    Architecture, BuildId, Defsym, DynamicList, ImportName, MapFormat, Options, OutputKind,
    SignatureMismatch, UnresolvedPolicy, VersionScript,
};
use wald::Text;

use crate::border::{exclusive, free, give, optional_text, status, text, wald_status, Failure, Outcome};

/// What a link is asked to do.
#[allow(non_camel_case_types)]
pub struct wald_options(pub(crate) Options);

/// A value from C; `None` is NULL.
type Value<'a> = Option<&'a str>;

fn bad(what: &str) -> Failure {
    Failure(wald_status::BadValue, format!("not {what}"))
}

/// A field that can be set from a string.
trait Setting {
    fn set(&mut self, value: Value<'_>) -> Outcome;
}

impl Setting for bool {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            _ => return Err(bad("true or false")),
        };
        Ok(())
    }
}

macro_rules! texts {
    ($($text:ty)*) => {$(
        impl Setting for $text {
            fn set(&mut self, value: Value<'_>) -> Outcome {
                *self = value.ok_or_else(|| bad("a text"))?.into();
                Ok(())
            }
        }
    )*};
}

texts! { String Text PathBuf }

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Setting for $number {
            fn set(&mut self, value: Value<'_>) -> Outcome {
                let text = value.unwrap_or_default();
                let number = match text.strip_prefix("0x") {
                    Some(digits) => <$number>::from_str_radix(digits, 16),
                    None => text.parse(),
                };
                *self = number.map_err(|_| bad("a number that fits"))?;
                Ok(())
            }
        }
    )*};
}

numbers! { u32 u64 }

/// Each call adds one; NULL empties the list.
impl<T: Element> Setting for Vec<T> {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        match value {
            Some(text) => self.push(T::read(text)?),
            None => self.clear(),
        }
        Ok(())
    }
}

/// An element of a list.
trait Element: Sized {
    fn read(text: &str) -> Result<Self, Failure>;
}

impl Element for String {
    fn read(text: &str) -> Result<Self, Failure> {
        Ok(text.to_string())
    }
}

impl Element for Text {
    fn read(text: &str) -> Result<Self, Failure> {
        Ok(text.into())
    }
}

impl Element for Defsym {
    fn read(text: &str) -> Result<Self, Failure> {
        Defsym::parse(text).ok_or_else(|| bad("NAME=SYMBOL or NAME=NUMBER"))
    }
}

/// NULL resets the option.
impl<T: Setting + Default> Setting for Option<T> {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        if value.is_none() {
            *self = None;
            return Ok(());
        }
        // A list is extended, any other value is replaced.
        let mut next = self.take().unwrap_or_default();
        let result = next.set(value);
        *self = Some(next);
        result
    }
}

impl Setting for UnresolvedPolicy {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("report-all") => UnresolvedPolicy::ReportError,
            Some("warn") => UnresolvedPolicy::Warn,
            Some("ignore-all") => UnresolvedPolicy::Ignore,
            Some("import-dynamic") => UnresolvedPolicy::ImportDynamic,
            _ => return Err(bad("report-all, warn, ignore-all or import-dynamic")),
        };
        Ok(())
    }
}

impl Setting for SignatureMismatch {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("warn") => SignatureMismatch::Warn,
            Some("error") => SignatureMismatch::Error,
            Some("adapt") => SignatureMismatch::Adapt,
            _ => return Err(bad("warn, error or adapt")),
        };
        Ok(())
    }
}

impl Setting for Architecture {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("wasm32") => Architecture::Wasm32,
            Some("wasm64") => Architecture::Wasm64,
            None => Architecture::Unspecified,
            _ => return Err(bad("wasm32 or wasm64")),
        };
        Ok(())
    }
}

impl Setting for OutputKind {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("executable") => OutputKind::Executable,
            Some("pie") => OutputKind::Pie,
            Some("shared") => OutputKind::Shared,
            Some("relocatable") => OutputKind::Relocatable,
            _ => return Err(bad("executable, pie, shared or relocatable")),
        };
        Ok(())
    }
}

impl Setting for VersionScript {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        match value.map(|text| VersionScript::parse(text.as_bytes())) {
            None => *self = VersionScript::default(),
            Some(Ok(script)) => self.append(script),
            Some(Err(error)) => return Err(Failure(wald_status::BadValue, error.to_string())),
        }
        Ok(())
    }
}

impl Setting for DynamicList {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        match value.map(|text| DynamicList::parse(text.as_bytes())) {
            None => *self = DynamicList::default(),
            Some(Ok(list)) => self.append(list),
            Some(Err(error)) => return Err(Failure(wald_status::BadValue, error.to_string())),
        }
        Ok(())
    }
}

impl Setting for MapFormat {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("wasm-ld") => MapFormat::WasmLd,
            Some("json") => MapFormat::Json,
            _ => return Err(bad("wasm-ld or json")),
        };
        Ok(())
    }
}

impl Setting for BuildId {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        *self = match value {
            Some("none") => BuildId::None,
            Some("fast") => BuildId::Fast,
            Some("sha1" | "tree") => BuildId::Sha1,
            Some("uuid") => BuildId::Uuid,
            Some(text) => BuildId::Hex(hex(text).ok_or_else(|| bad("a build id"))?),
            None => return Err(bad("none, fast, sha1, uuid or 0x with an even number of digits")),
        };
        Ok(())
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() % 2 == 0 && digits.is_ascii())?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// `MODULE,FIELD`.
#[derive(Default)]
struct Names(Option<ImportName>);

impl Setting for Names {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        self.0 = match value.map(|text| text.split_once(',')) {
            None => None,
            Some(Some((module, field))) => {
                Some(ImportName { module: module.to_string(), field: field.to_string() })
            }
            Some(None) => return Err(bad("MODULE,FIELD")),
        };
        Ok(())
    }
}

impl Setting for Option<ImportName> {
    fn set(&mut self, value: Value<'_>) -> Outcome {
        let mut names = Names::default();
        names.set(value)?;
        *self = names.0;
        Ok(())
    }
}

/// A test compares the names with the fields of [`Options`].
macro_rules! fields {
    ($($name:ident)*) => {
        /// The names of all options.
        const NAMES: &[&str] = &[$(concat!(stringify!($name), "\0"),)*];

        fn set(options: &mut Options, name: &str, value: Value<'_>) -> Outcome {
            match name {
                $(stringify!($name) => options.$name.set(value),)*
                _ => Err(Failure(wald_status::UnknownOption, format!("no option is called {name}"))),
            }
        }
    };
}

fields! {
    output output_kind emit_relocs rpaths check_shared_signatures soname architecture entry exports exports_if_defined
    export_all export_dynamic undefined trace_symbols wrap defsyms version_script dynamic_list allowed_undefined unresolved_symbols import_undefined
    allow_multiple_definition gc_sections print_gc_sections merge_data_segments optimize compress_relocations
    compact_imports merge_code_metadata strip_debug strip_all keep_sections build_id demangle import_memory export_memory
    shared_memory cooperative_threading import_table export_table growable_table table_base stack_first stack_size
    global_base initial_heap initial_memory max_memory no_growable_memory page_size check_features features
    extra_features bsymbolic warn_odr signature_mismatch producers_linker noinhibit_exec fatal_warnings trace verbose want_map map_format want_why_extract
    want_report explain_symbols index_only
}

/// Creates options with wasm-ld's defaults. Free them with wald_options_free().
#[no_mangle]
pub extern "C" fn wald_options_new() -> *mut wald_options {
    give(wald_options(Options::default()))
}

/// Frees options; NULL is ignored.
///
/// # Safety
/// From wald_options_new(), and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_options_free(options: *mut wald_options) {
    // SAFETY: the caller's promise.
    unsafe { free(options) };
}

/// Sets an option. The names are the fields of the Rust library's `Options`, not those of wasm-ld's options;
/// wald_option_name() lists them. `-` may replace `_`. A value is a string:
///
/// - `true` or `false`, a name, or a number, in hexadecimal with `0x`.
/// - For a list, each call adds an element. NULL empties the list.
/// - NULL resets a value that is optional. `entry`: NULL means that the module has no entry.
/// - `architecture`: `wasm32` or `wasm64`. NULL means 32 bits; the error about an object with 64 bits then names the option.
/// - `unresolved_symbols`: `report-all`, `warn`, `ignore-all` or `import-dynamic`.
/// - `signature_mismatch`: `warn`, `error` or `adapt`.
/// - `map_format`: `wasm-ld` or `json`.
/// - `defsyms`: a list of `NAME=SYMBOL` and `NAME=NUMBER`.
/// - `version_script`, `dynamic_list`: the text of a version script or dynamic list. Each call adds one; NULL removes all.
/// - `output_kind`: `executable`, `pie`, `shared` or `relocatable`. Set it first: it changes the defaults of other options.
/// - `build_id`: `none`, `fast`, `sha1`, `uuid` or `0x…`.
/// - `import_memory`: `MODULE,FIELD`.
///
/// # Safety
/// The options are valid and no other thread uses them; the strings are NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn wald_options_set(
    options: *mut wald_options,
    name: *const c_char,
    value: *const c_char,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (options, name, value) =
            unsafe { (exclusive(options, "options")?, text(name, "name")?, optional_text(value, "value")?) };
        let outcome = set(&mut options.0, &name.replace('-', "_"), value);
        if matches!(name, "output_kind" | "output-kind") && outcome.is_ok() {
            // The kind also changes the defaults of other options.
            options.0.set_output_kind(options.0.output_kind);
        }
        outcome.map_err(|Failure(status, message)| Failure(status, format!("{name}: {message}")))
    })
}

/// Returns the name of the option with this number, counted from 0. Returns NULL after the last one.
#[no_mangle]
pub extern "C" fn wald_option_name(number: usize) -> *const c_char {
    NAMES.get(number).map_or(std::ptr::null(), |name| name.as_ptr().cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_name() {
        let shown = format!("{:#?}", Options::default());
        // Fields of values inside of it are indented further.
        let fields = shown.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        let fields: Vec<&str> = fields.map(|(name, _)| name).filter(|name| !name.starts_with(' ')).collect();
        let names: Vec<&str> = NAMES.iter().map(|name| name.trim_end_matches('\0')).collect();
        assert_eq!(names, fields);
    }

    #[test]
    fn every_option_takes_a_value_and_shows_it() {
        for name in NAMES {
            let name = name.trim_end_matches('\0');
            let mut options = Options::default();
            let before = format!("{options:?}");
            let values = [
                "true",
                "false",
                "7",
                "text",
                "warn",
                "sha1",
                "module,field",
                "pie",
                "wasm32",
                "json",
                "adapt",
                "name=target",
                "{ local: *; };",
                "{ name; };",
            ];
            let takes = |options: &mut Options, value| {
                set(options, name, Some(value)).is_ok() && format!("{options:?}") != before
            };
            assert!(values.iter().any(|value| takes(&mut options, value)), "{name}");
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        let mut options = Options::default();
        let before = format!("{options:?}");
        for (name, value) in [
            ("gc_sections", Some("maybe")),
            ("gc_sections", None),
            ("optimize", Some("-1")),
            ("optimize", Some("4294967296")),
            ("page_size", Some("0xg")),
            ("build_id", Some("0x123")),
            ("build_id", Some("0xä")),
            ("build_id", None),
            ("import_memory", Some("memory")),
            ("unresolved_symbols", Some("")),
            ("signature_mismatch", Some("report-all")),
            ("signature_mismatch", None),
            ("architecture", Some("wasm16")),
            ("defsyms", Some("a")),
            ("defsyms", Some("a=b+1")),
            ("version_script", Some("{ a")),
            ("dynamic_list", Some("a")),
            ("threads", Some("1")),
            ("output", None),
            ("outputs", Some("a")),
        ] {
            assert!(set(&mut options, name, value).is_err(), "{name}");
        }
        assert_eq!(format!("{options:?}"), before);
        set(&mut options, "features", Some("a")).ok();
        set(&mut options, "features", Some("b")).ok();
        set(&mut options, "build_id", Some("0x0aFF")).ok();
        assert_eq!(options.features, Some(vec!["a".to_string(), "b".to_string()]));
        assert_eq!(options.build_id, BuildId::Hex(vec![0x0a, 0xff]));
        set(&mut options, "defsyms", Some("a=b")).ok();
        set(&mut options, "defsyms", Some("c=0x10")).ok();
        let texts: Vec<String> = options.defsyms.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["a=b", "c=0x10"]);
        set(&mut options, "version_script", Some("{ local: *; };")).ok();
        set(&mut options, "version_script", None).ok();
        assert!(options.version_script.is_empty());
        set(&mut options, "features", None).ok();
        assert_eq!(options.features, None);
        set(&mut options, "entry", None).ok();
        assert_eq!(options.entry, None);
        set(&mut options, "architecture", Some("wasm64")).ok();
        assert_eq!(options.architecture, Architecture::Wasm64);
        set(&mut options, "architecture", None).ok();
        assert_eq!(options.architecture, Architecture::Unspecified);
    }
}
