//! What is live in any case.

use super::marker::{Marker, Queue};
use super::marks::Marks;
use crate::chunks::Chunks;
use crate::index::{ObjectId, SymbolId};
use crate::options::Options;
use crate::symbols::{is_exported, SymbolTable};

impl Marks {
    /// Marks what the files so far keep alive, starting from earlier marks. Only with garbage collection.
    pub fn advance(
        options: &Options,
        symbols: &SymbolTable,
        chunks: &Chunks,
        earlier: Option<Marks>,
    ) -> Marks {
        let mut marker = Marker::new(symbols, chunks, false, earlier);
        marker.waits = true;
        marker.mark_all(options);
        Marks { sets: marker.sets, targets: chunks.targets().to_vec() }
    }
}

impl Marker<'_> {
    /// Marks the roots and what they reach.
    pub(super) fn mark_all(&mut self, options: &Options) {
        let mut queue = Vec::new();
        self.mark_first_objects();
        for id in self.sets.waiting.numbers() {
            self.enqueue(SymbolId::new(id), false, &mut queue);
        }
        for id in self.sets.waiting_addresses.numbers() {
            self.enqueue(SymbolId::new(id), true, &mut queue);
        }
        self.mark_roots(options, &mut queue);
        self.drain(queue);
    }

    fn mark_roots(&self, options: &Options, queue: &mut Queue) {
        let symbols = self.symbols;
        if let Some(entry) = symbols.well_known.entry {
            self.enqueue(entry, false, queue);
        }
        let is_root = |id: SymbolId| {
            let symbol = symbols.get(id);
            // The definition's flags decide. Without a definition, the symbol is not a root yet.
            let is_settled = !self.waits || self.chunks.of_symbol(id).is_some();
            is_settled && (symbol.flags.is_no_strip() || is_exported(options, symbol))
        };
        for id in symbols.named_where(is_root) {
            self.enqueue(id, false, queue);
        }
        if let Some(call_dtors) = symbols.well_known.call_dtors {
            self.enqueue(call_dtors, false, queue);
        }
        if let Some(set_tls_base) = symbols.well_known.set_tls_base {
            // The linker's own functions call it.
            if symbols.objects.iter().any(|linked| linked.properties.has_tls) {
                self.enqueue(set_tls_base, false, queue);
            }
        }
        for (object, linked) in symbols.objects.iter().enumerate().filter(|(_, o)| o.properties.has_roots) {
            let id = ObjectId::new(object);
            if linked.object().legacy_function_table {
                let table = linked.object().symbols.len() - 1;
                self.enqueue_reference(id, table as u32, queue);
            }
            if self.sets.objects.contains(object) {
                self.enqueue_init_functions(id, queue);
                self.enqueue_retained_segments(id, queue);
            }
        }
    }
}
