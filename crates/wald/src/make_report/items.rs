//! Collects the items of a report.

use std::borrow::Cow;

use super::graph::Graph;
use super::nodes::NodeMap;
use crate::chunks::Target;
use crate::layout::Layout;
use crate::output::Plan;
use crate::report::{Category, Item, ItemKind};

/// Collects items.
pub(super) struct Items<'a> {
    pub(super) layout: &'a Layout<'a>,
    pub(super) plan: &'a Plan,
    pub(super) graph: &'a Graph<'a>,
    pub(super) map: &'a NodeMap,
    pub(super) list: Vec<Item>,
    pub(super) category: Category,
    pub(super) section: Option<u32>,
    /// Where the next item is in the file.
    pub(super) offset: u64,
}

impl Items<'_> {
    /// Adds an item that follows the last one and belongs to nobody.
    pub(super) fn add(&mut self, kind: ItemKind, size: u64, name: &str) {
        self.add_of(kind, size, None, None, name.into());
    }

    /// Adds an item that follows the last one.
    pub(super) fn add_of(
        &mut self,
        kind: ItemKind,
        size: u64,
        file: Option<u32>,
        node: Option<u32>,
        name: Cow<'_, str>,
    ) {
        self.push(kind, Some(self.offset), size, file, node, name);
        self.offset += size;
    }

    /// Adds an item whose bytes are not consecutive. The next item follows `size` bytes later all the same.
    pub(super) fn add_scattered(
        &mut self,
        kind: ItemKind,
        size: u64,
        file: Option<u32>,
        node: Option<u32>,
        name: Cow<'_, str>,
    ) {
        self.push(kind, None, size, file, node, name);
        self.offset += size;
    }

    fn push(
        &mut self,
        kind: ItemKind,
        offset: Option<u64>,
        size: u64,
        file: Option<u32>,
        node: Option<u32>,
        name: Cow<'_, str>,
    ) {
        if size > 0 {
            let (category, section, name) = (self.category, self.section, name.into_owned());
            self.list.push(Item { category, kind, section, offset, size, file, node, name });
        }
    }

    pub(super) fn node_of(&self, target: Target) -> Option<u32> {
        self.map.node(self.graph.numbering.of_chunk(target)?)
    }
}
