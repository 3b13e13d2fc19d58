//! Symbols that no file brings: what options ask for and what the linker itself defines.

use rayon::prelude::*;

use super::add::Incoming;
use super::*;
use crate::format::types;
use crate::messages::MessageKind;
use crate::symbols::{ImportAttributes, Purpose, SyntheticData, SyntheticGlobal};
use crate::version_script::SymbolName;

/// The signature that takes and gives nothing.
const NO_ARGUMENTS: &[u8] = &[0, 0];

/// A `--wrap`ped symbol: references to it go to `wrap`, references to `real` go to it.
pub(super) struct Wrapped {
    pub(super) symbol: SymbolId,
    pub(super) real: SymbolId,
    wrap: SymbolId,
}

impl Wrapped {
    /// What references to `id` go to, if it is the symbol or its `real`.
    pub(super) fn replacement(&self, id: SymbolId) -> Option<SymbolId> {
        match id {
            _ if id == self.real => Some(self.symbol),
            _ if id == self.symbol => Some(self.wrap),
            _ => None,
        }
    }
}

impl<'a> Resolver<'a> {
    fn is64(&self) -> bool {
        self.options.is64()
    }

    fn signature(&self, bytes: &[u8]) -> SignatureId {
        SignatureId(self.interners.signatures.intern(bytes))
    }

    /// What every program has, needed or not.
    pub(super) fn create_synthetic_symbols(&mut self) {
        if self.options.is_relocatable() {
            return;
        }
        let signature = self.signature(NO_ARGUMENTS);
        let name = b"__wasm_call_ctors";
        let function = SyntheticFunction::named(name, signature, Purpose::CallCtors);
        self.table.well_known.call_ctors = Some(self.add_synthetic_function(name, function));
        if self.options.is_position_independent() {
            self.table.well_known.stack_pointer = Some(self.import_global(b"__stack_pointer"));
            self.table.well_known.memory_base = Some(self.import_global(b"__memory_base"));
            self.table.well_known.table_base = Some(self.import_global(b"__table_base"));
        } else {
            let (name, global) = match self.options.cooperative_threading {
                true => (&b"__init_stack_pointer"[..], SyntheticGlobal::InitStackPointer),
                false => (&b"__stack_pointer"[..], SyntheticGlobal::StackPointer),
            };
            self.table.well_known.stack_pointer = Some(self.add_synthetic_global(name, global));
        }
        if self.options.is_multithreaded() {
            let (name, global) = match self.options.cooperative_threading {
                true => (&b"__init_tls_base"[..], SyntheticGlobal::InitTlsBase),
                false => (&b"__tls_base"[..], SyntheticGlobal::TlsBase),
            };
            self.table.well_known.tls_base = Some(self.add_synthetic_global(name, global));
            self.table.well_known.tls_size =
                Some(self.add_synthetic_global(b"__tls_size", SyntheticGlobal::TlsSize));
            self.table.well_known.tls_align =
                Some(self.add_synthetic_global(b"__tls_align", SyntheticGlobal::TlsAlign));
            let pointer = if self.is64() { types::I64 } else { types::I32 };
            let signature = self.signature(&[1, pointer, 0]);
            let name = b"__wasm_init_tls";
            let function = SyntheticFunction::named(name, signature, Purpose::InitTls);
            self.table.well_known.init_tls = Some(self.add_synthetic_function(name, function));
            if self.options.cooperative_threading {
                self.table.well_known.set_tls_base =
                    Some(self.import_function(b"__wasm_set_tls_base", signature));
            }
        }
    }

    /// A function that an object or an archive may define. If none does, it is imported from the host.
    fn import_function(&mut self, name: &[u8], signature: SignatureId) -> SymbolId {
        let id = self.import_global(name);
        let symbol = self.table.get_mut(id);
        symbol.kind = SymbolKind::Function;
        symbol.signature = Some(signature);
        symbol.called_directly = true;
        id
    }

    /// A global that the loader supplies.
    fn import_global(&mut self, name: &[u8]) -> SymbolId {
        let (name, env) = (self.name(name), self.env);
        let (id, _) = self.insert(name);
        let symbol = self.table.get_mut(id);
        symbol.kind = SymbolKind::Global;
        symbol.flags = SymbolFlags(SymbolFlags::UNDEFINED);
        symbol.file = None;
        symbol.import = ImportAttributes { module: Some(env), field: Some(name) };
        symbol.used_in_regular_object = true;
        if self.table.get(id).traced {
            self.trace_reference(id, None);
        }
        id
    }

    fn add_synthetic_global(&mut self, name: &[u8], global: SyntheticGlobal) -> SymbolId {
        let name = self.name(name);
        let (id, _) = self.insert(name);
        let symbol = self.table.get_mut(id);
        symbol.kind = SymbolKind::Global;
        let hidden = global != SyntheticGlobal::StackPointer;
        symbol.flags = SymbolFlags(0).with_hidden(hidden);
        symbol.file = None;
        symbol.resolution = Resolution::Synthetic(Synthetic::Global(global));
        self.trace_synthetic(id);
        id
    }

    /// Defines a name only if something refers to it.
    fn optional(
        &mut self,
        name: &str,
        kind: SymbolKind,
        synthetic: Synthetic,
        exported: &HashSet<&str>,
    ) -> Option<SymbolId> {
        let is_exported = self.options.export_all || exported.contains(name);
        let wanted = is_exported && kind == SymbolKind::Data;
        let name = self.name(name.as_bytes());
        let id = self.table.define_optional(name, wanted, kind, synthetic)?;
        let symbol = self.table.get_mut(id);
        symbol.traced |= self.traced.contains_checked(name.at());
        symbol.referenced |= !self.options.gc_sections;
        self.trace_synthetic(id);
        Some(id)
    }

    /// Addresses that programs may ask for by name.
    pub(super) fn create_optional_symbols(&mut self) {
        use SyntheticData::*;
        if self.options.is_relocatable() {
            return;
        }
        let exported = self.options.exported_linker_names();
        // The loader decides where memory and stack are.
        let fixed = !self.options.is_position_independent();
        let data = [
            ("__dso_handle", DsoHandle, true),
            ("__data_end", DataEnd, !self.options.is_shared()),
            ("__stack_low", StackLow, fixed),
            ("__stack_high", StackHigh, fixed),
            ("__global_base", GlobalBase, fixed),
            ("__heap_base", HeapBase, fixed),
            ("__heap_end", HeapEnd, fixed),
            ("__memory_base", MemoryBase, fixed),
            ("__table_base", TableBase, fixed),
            ("__wasm_first_page_end", FirstPageEnd, true),
        ];
        for (name, place, _) in data.into_iter().filter(|&(_, _, defined)| defined) {
            self.optional(name, SymbolKind::Data, Synthetic::Data(place), &exported);
        }
        if !self.options.is_multithreaded() {
            // Objects that were compiled for threads may be linked into a program without: the one copy of
            // their thread-local data is at a fixed place.
            let global = Synthetic::Global(SyntheticGlobal::TlsBase);
            self.table.well_known.tls_base =
                self.optional("__tls_base", SymbolKind::Global, global, &exported);
        }
    }

    /// Adds the references from the command line.
    pub(super) fn refer_from_options(&mut self) {
        let options = self.options;
        for name in &options.undefined {
            self.refer(name, "<internal>");
        }
        let exported: Vec<&str> = exported_names(options);
        for name in &exported {
            self.refer(name, "--export");
        }
        if let Some(name) = &options.entry {
            let entry = self.refer(name, "--entry");
            match entry {
                Some(entry) if self.table.get(entry).is_defined() => {
                    self.table.get_mut(entry).force_export = true;
                    self.table.well_known.entry = Some(entry);
                }
                _ => {
                    self.table.well_known.entry = entry;
                    self.unknown_entry(name);
                }
            }
        }
        self.find_call_dtors();
    }

    /// Makes `name` needed, if it is known at all.
    fn refer(&mut self, name: &str, option: &'static str) -> Option<SymbolId> {
        // A name that nothing has interned is not in the table.
        let name = NameId(self.interners.names.find(name.as_bytes())?);
        let id = self.table.find(name)?;
        let symbol = self.table.get_mut(id);
        symbol.used_in_regular_object = true;
        if symbol.is_lazy() {
            self.extract_symbol(id, |_| option.to_string());
        }
        self.table.find(name)
    }

    /// A program that exports functions as commands runs its destructors after each call.
    fn find_call_dtors(&mut self) {
        let Some(call_ctors) = self.table.well_known.call_ctors else { return };
        if self.options.is_shared() {
            return;
        }
        let explicit = self.table.get(call_ctors).used_in_regular_object
            || self.options.entry.as_deref() == Some("__wasm_call_ctors")
            || self.options.exports_by_name("__wasm_call_ctors");
        if explicit {
            return;
        }
        let Some(id) = self.refer("__wasm_call_dtors", "<internal>") else { return };
        let symbol = self.table.get(id);
        if symbol.kind != SymbolKind::Function || !symbol.is_defined() || symbol.is_shared() {
            self.error(Code::SymbolType, "__wasm_call_dtors must be a function".into());
        } else if symbol.signature.is_some_and(|signature| signature != self.signature(NO_ARGUMENTS)) {
            let message = "__wasm_call_dtors must have no argument or return values";
            self.error(Code::SymbolType, message.into());
        } else {
            self.table.well_known.call_dtors = Some(id);
        }
    }

    /// `--export` and `--export-if-defined` make what is defined exported.
    pub(super) fn force_exports(&mut self) {
        for name in self.options.exports.iter().chain(&self.options.exports_if_defined) {
            let name = self.interners.names.find(name.as_bytes()).map(NameId);
            if let Some(id) = name.and_then(|name| self.table.find(name)) {
                let symbol = self.table.get_mut(id);
                symbol.force_export |= symbol.is_defined();
            }
        }
    }

    /// A version script makes what it calls local hidden, and a dynamic list exports what it contains.
    pub(super) fn limit_exports(&mut self) {
        let Options { version_script, dynamic_list, .. } = self.options;
        if version_script.is_empty() && dynamic_list.is_empty() || self.options.is_relocatable() {
            return;
        }
        for position in 0..self.table.named.len() {
            let symbol = self.table.get_mut(self.table.named[position]);
            // The loader calls functions that the linker writes.
            let can_change =
                matches!(symbol.resolution, Resolution::Object | Resolution::Synthetic(Synthetic::Data(_)));
            if !can_change || symbol.force_export || symbol.flags.is_local() {
                continue;
            }
            let (is_local, is_listed) = self.interners.names.with(symbol.name.0, |text| {
                let name = SymbolName::new(text, |text| display_name(text, true));
                (version_script.is_local(&name), dynamic_list.contains(&name))
            });
            if is_local {
                symbol.is_withheld = true;
                symbol.flags = symbol.flags.with_hidden(true);
            } else if is_listed && !symbol.flags.is_hidden() {
                symbol.force_export = true;
            }
        }
    }

    /// Makes the `__wrap_` and `__real_` symbols of `--wrap`.
    pub(super) fn add_wrapped_symbols(&mut self) -> Vec<Wrapped> {
        let mut wrapped: Vec<Wrapped> = Vec::new();
        let options = self.options;
        let mut seen = HashSet::new();
        for name in options.wrap.iter().filter(|name| seen.insert(name.as_str())) {
            let id = self.name(name.as_bytes());
            let Some(symbol) = self.table.find(id) else { continue };
            let real_name = self.name(format!("__real_{name}").as_bytes());
            let wrap_name = self.name(format!("__wrap_{name}").as_bytes());
            let real = self.refer_undefined(real_name, symbol);
            let wrap = self.refer_undefined(wrap_name, symbol);
            self.table.get_mut(symbol).used_in_regular_object = true;
            self.table.get_mut(wrap).used_in_regular_object = true;
            self.table.get_mut(real).used_in_regular_object = false;
            wrapped.push(Wrapped { symbol, real, wrap });
        }
        wrapped
    }

    /// A reference to a function that nobody made but the linker.
    fn refer_undefined(&mut self, name: NameId, like: SymbolId) -> SymbolId {
        let signature = self.table.get(like).signature;
        let (id, new) = self.insert(name);
        if self.table.get(id).traced {
            let message = format!("<internal>: reference to {}", self.text(name));
            self.diagnostics.say(MessageKind::TraceSymbol, message);
        }
        let symbol = self.table.get_mut(id);
        symbol.used_in_regular_object = true;
        if new {
            symbol.flags = SymbolFlags(SymbolFlags::UNDEFINED);
            symbol.signature = signature;
        } else if symbol.is_lazy() {
            self.extract_symbol(id, |_| "<internal>".to_string());
            return self.table.find(name).unwrap_or(id);
        } else {
            // It is not a call, and does not name the module of an import.
            let incoming = Incoming::reference(name, signature);
            return self.add_undefined_function(id, &incoming);
        }
        id
    }

    /// The host must be able to call the entry.
    pub(super) fn unhide_entry(&mut self) {
        if let Some(entry) = self.table.well_known.entry {
            let entry = self.table.get_mut(entry);
            entry.flags = entry.flags.with_hidden(false);
        }
    }

    /// Redirects references as `--wrap` asks.
    pub(super) fn apply_wraps(&mut self, wrapped: &[Wrapped]) {
        if wrapped.is_empty() {
            return;
        }
        // The last entry for a symbol counts, for example if both `f` and `__real_f` are wrapped.
        let map: HashMap<SymbolId, SymbolId> =
            wrapped.iter().flat_map(|w| [(w.symbol, w.wrap), (w.real, w.symbol)]).collect();
        for object in 0..self.table.objects.len() {
            self.object_mut(object).rewrite(&map);
        }
        for w in wrapped {
            // Who looks the names up later finds the same: `real` gives the original, the original gives `wrap`. The names are
            // those that the symbols have by now: a variant that became a trap is found by none.
            let [name, real, wrap] = [w.symbol, w.real, w.wrap].map(|id| self.table.get(id).name);
            let original = self.table.position_of(name);
            let wrap = self.table.position_of(wrap);
            self.table.redirect(real, original);
            self.table.redirect(name, wrap);
        }
        self.unhide_entry();
        if let (Some(_), Some(name)) = (self.table.well_known.entry, &self.options.entry) {
            let name = self.name(name.as_bytes());
            self.table.well_known.entry = self.table.find(name);
        }
    }

    /// Weak references to functions that do not exist: calls trap, the address is null.
    pub(super) fn stub_undefined_weak_functions(&mut self) {
        if self.options.is_relocatable() || self.options.is_position_independent() {
            return;
        }
        let is_needed = |id: SymbolId| {
            let symbol = self.table.get(id);
            let function = symbol.kind == SymbolKind::Function && symbol.signature.is_some();
            symbol.is_undefined_weak() && symbol.used_in_regular_object && function
        };
        for id in self.table.named_where(is_needed) {
            let debug_name = format!("undefined_weak:{}", self.display(self.table.get(id).name));
            self.replace_by_trap(id, debug_name.into_bytes());
            let symbol = self.table.get_mut(id);
            symbol.flags = symbol.flags.with_hidden(true);
        }
    }

    /// Names that only archive members define and that nobody needs are undefined in the end.
    pub(super) fn demote_lazy_symbols(&mut self) {
        self.table.symbols.par_iter_mut().with_min_len(4096).for_each(|symbol| {
            if symbol.is_lazy() && symbol.kind == SymbolKind::Function && symbol.signature.is_some() {
                symbol.resolution = Resolution::Undefined;
                // As far as wasm-ld knows.
                symbol.called_directly = true;
            }
        });
    }
}

/// The names of `--export` and `--export-if-defined` in the order in which wasm-ld looks at them.
fn exported_names(options: &Options) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let all = options.exports_if_defined.iter().chain(&options.exports);
    let mut seen = HashSet::new();
    for name in all {
        if seen.insert(name.as_str()) {
            names.push(name);
        }
    }
    let order = llvm_order::string_map_order(names.iter().map(|name| name.as_bytes()));
    order.into_iter().map(|position| names[position]).collect()
}
