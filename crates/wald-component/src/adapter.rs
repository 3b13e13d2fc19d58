//! Adapters: modules that implement the imports of one module name by those of a component.

use std::borrow::Cow;
use std::path::Path;

/// The name of WASI 0.1, from which modules import.
pub const WASI: &str = "wasi_snapshot_preview1";

/// A module that implements imports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Adapter {
    /// The module name of the imports.
    pub name: String,
    /// The adapter, in binary form.
    pub module: Vec<u8>,
}

impl Adapter {
    /// An adapter for the imports of `name`. `module` is in binary or in text form.
    ///
    /// # Errors
    /// What is wrong with the text, in several lines.
    pub fn new(name: impl Into<String>, module: Vec<u8>) -> Result<Self, String> {
        let binary = match wat::parse_bytes(&module) {
            Ok(Cow::Owned(binary)) => Some(binary),
            Ok(Cow::Borrowed(_)) => None,
            Err(error) => return Err(error.to_string()),
        };
        Ok(Adapter { name: name.into(), module: binary.unwrap_or(module) })
    }
}

/// The name of an adapter that is given only as a file: the file's name up to the first dot.
pub fn name_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    name.split('.').next().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_first_dot() {
        let name = |file: &str| name_of(file.as_ref());
        assert_eq!(name("folder/wasi_snapshot_preview1.reactor.wasm").as_deref(), Some(WASI));
        assert_eq!(name("plain").as_deref(), Some("plain"));
        assert_eq!(name("..").as_deref(), None);
    }

    #[test]
    fn text_becomes_binary() {
        let adapter = Adapter::new("a", b"(module)".to_vec()).unwrap();
        assert_eq!(adapter.module, b"\0asm\x01\0\0\0");
        assert_eq!(Adapter::new("a", adapter.module.clone()).unwrap().module, adapter.module);
        assert!(Adapter::new("a", b"(modul)".to_vec()).unwrap_err().contains('\n'));
    }
}
