//! How a component is made of a module.

use crate::adapter::Adapter;
use std::path::PathBuf;
use wasi_preview1_component_adapter_provider as provider;

/// How a component is made of a module. The default is wasm-component-ld's without options.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The adapter for imports from `wasi_snapshot_preview1`. `None` for [`WasiAdapter::Command`] if the module exports `_start`, and
    /// [`WasiAdapter::Reactor`] otherwise.
    pub wasi_adapter: Option<WasiAdapter>,
    /// Adapters for imports from other modules.
    pub adapters: Vec<Adapter>,
    /// WIT files or folders. Their only worlds are added to those that the module's sections describe.
    pub component_types: Vec<PathBuf>,
    /// How strings are encoded between the component and the worlds of [`Options::component_types`].
    pub string_encoding: StringEncoding,
    /// Whether the component is validated.
    pub validate: bool,
    /// Whether imports of compatible versions of an interface become one.
    pub merge_imports_based_on_semver: bool,
    /// Whether only the names of the component model's specification connect the module with its world.
    pub reject_legacy_names: bool,
    /// Whether the adapters get memory by `memory.grow`, and not by the module's `cabi_realloc`.
    pub realloc_via_memory_grow: bool,
    /// Whether the component's own code uses `return_call_ref`.
    pub return_call_ref: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            wasi_adapter: None,
            adapters: Vec::new(),
            component_types: Vec::new(),
            string_encoding: StringEncoding::default(),
            validate: false,
            merge_imports_based_on_semver: true,
            reject_legacy_names: false,
            realloc_via_memory_grow: false,
            return_call_ref: false,
        }
    }
}

/// An adapter that implements WASI 0.1, `wasi_snapshot_preview1`, by WASI 0.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WasiAdapter {
    /// For programs with `_start`: the component exports `wasi:cli/run`.
    Command,
    /// For libraries.
    Reactor,
    /// For libraries whose component imports only what `wasi:http/proxy` has.
    Proxy,
    /// None.
    None,
}

impl WasiAdapter {
    pub(crate) const NAMES: [(&'static str, WasiAdapter); 4] = [
        ("command", WasiAdapter::Command),
        ("reactor", WasiAdapter::Reactor),
        ("proxy", WasiAdapter::Proxy),
        ("none", WasiAdapter::None),
    ];

    /// The bytes of the adapter.
    pub(crate) fn module(self) -> Option<&'static [u8]> {
        match self {
            WasiAdapter::Command => Some(provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER),
            WasiAdapter::Reactor => Some(provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER),
            WasiAdapter::Proxy => Some(provider::WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER),
            WasiAdapter::None => None,
        }
    }
}

/// An encoding of strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StringEncoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16.
    Utf16,
    /// Latin-1 or UTF-16, string by string.
    CompactUtf16,
}

impl StringEncoding {
    pub(crate) const NAMES: [(&'static str, StringEncoding); 3] = [
        ("utf8", StringEncoding::Utf8),
        ("utf16", StringEncoding::Utf16),
        ("compact-utf16", StringEncoding::CompactUtf16),
    ];
}
