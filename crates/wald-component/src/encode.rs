//! From a core module to a component, by the crate `wit-component`.

use crate::adapter;
use crate::error::Error;
use crate::exports::has_export;
use crate::options::{Options, StringEncoding, WasiAdapter};
use std::path::{Path, PathBuf};
use wald_cli::memory::catch_panic;
use wit_component::ComponentEncoder;
use wit_parser::{Resolve, WorldId};

/// Makes a component of a core module.
///
/// # Errors
/// The module does not fit the worlds that its sections and [`Options::component_types`] describe; or an adapter or a WIT file is wrong.
pub fn encode(module: Vec<u8>, options: &Options) -> Result<Vec<u8>, Error> {
    let encoded = catch_panic(|| encode_module(module, options));
    encoded.unwrap_or_else(|panic| {
        let reason = panic.downcast_ref::<String>().map(String::as_str);
        let reason = reason.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known");
        Err(Error::new("the encoder of components failed unexpectedly", [reason]))
    })
}

fn encode_module(mut module: Vec<u8>, options: &Options) -> Result<Vec<u8>, Error> {
    let default = if has_export(&module, "_start") { WasiAdapter::Command } else { WasiAdapter::Reactor };
    if let Some((resolve, world)) = read_worlds(&options.component_types)? {
        let encoding = match options.string_encoding {
            StringEncoding::Utf8 => wit_component::StringEncoding::UTF8,
            StringEncoding::Utf16 => wit_component::StringEncoding::UTF16,
            StringEncoding::CompactUtf16 => wit_component::StringEncoding::CompactUTF16,
        };
        wit_component::embed_component_metadata(&mut module, &resolve, world, encoding)
            .map_err(|error| Error::of("cannot describe the module's world", &error))?;
    }
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(options.validate)
        .merge_imports_based_on_semver(options.merge_imports_based_on_semver)
        .reject_legacy_names(options.reject_legacy_names)
        .realloc_via_memory_grow(options.realloc_via_memory_grow)
        .shim_return_call_ref(options.return_call_ref);
    encoder
        .module(&module)
        .map_err(|error| Error::of("cannot read the world that the module's sections describe", &error))?;
    let wasi = options.wasi_adapter.unwrap_or(default).module().map(|module| (adapter::WASI, module));
    let others = options.adapters.iter().map(|adapter| (&adapter.name[..], &adapter.module[..]));
    for (name, module) in wasi.into_iter().chain(others) {
        encoder
            .adapter(name, module)
            .map_err(|error| Error::of(format!("the adapter for {name} cannot be used"), &error))?;
    }
    encoder.encode().map_err(|error| Error::of("cannot make a component", &error))
}

/// Reads the only world of each file or folder, and merges all into the first.
fn read_worlds(files: &[PathBuf]) -> Result<Option<(Resolve, WorldId)>, Error> {
    let mut all: Option<(Resolve, WorldId)> = None;
    for file in files {
        let (resolve, world) = read_world(file)?;
        match &mut all {
            None => all = Some((resolve, world)),
            Some((all, first)) => {
                merge(all, *first, resolve, world).map_err(|error| Error::of(cannot_use(file), &error))?
            }
        }
    }
    Ok(all)
}

fn read_world(file: &Path) -> Result<(Resolve, WorldId), Error> {
    let mut resolve = Resolve::default();
    let read = resolve.push_path(file).and_then(|(package, _)| resolve.select_world(&[package], None));
    let error = match read {
        Ok(world) => return Ok((resolve, world)),
        Err(error) => error,
    };
    // With the place in the file, if the error is about one.
    let located = resolve.render_error(&error);
    Err(match located.contains('\n') {
        true => Error::new(cannot_use(file), [located]),
        false => Error::of(cannot_use(file), &error),
    })
}

fn cannot_use(file: &Path) -> String {
    format!("{}: cannot be used as --component-type", file.display())
}

/// Merges a world into the one of `all`.
fn merge(all: &mut Resolve, into: WorldId, resolve: Resolve, world: WorldId) -> anyhow::Result<()> {
    let world = all.merge(resolve)?.map_world(world, Default::default())?;
    all.merge_worlds(world, into, &mut Default::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_its_world_is_an_error() {
        let text = "(module (import \"env\" \"missing\" (func)))";
        let error = encode(wat::parse_str(text).unwrap(), &Options::default()).unwrap_err();
        assert!(error.to_string().starts_with("cannot make a component: "), "{error}");
        assert_eq!(error.diagnostic().helps.len(), 1, "{error:?}");
        assert!(encode(b"not a module".to_vec(), &Options::default()).is_err());
        assert!(encode(Vec::new(), &Options::default()).is_err());
    }
}
