//! Where the nodes of a name live: vectors that are reused from name to name.

use super::ast::{ClosureInfo, EncodingInfo, List, NewInfo, Node, NodeId, Opt, Shape};
use std::num::NonZeroU32;

#[derive(Clone, Copy)]
struct Entry {
    node: Node,
    shape: Shape,
    fixed: bool,
}

/// All the nodes of one name.
#[derive(Default)]
pub(super) struct Arena {
    nodes: Vec<Entry>,
    lists: Vec<NodeId>,
    pub closures: Vec<ClosureInfo>,
    pub encodings: Vec<EncodingInfo>,
    pub news: Vec<NewInfo>,
}

impl Arena {
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.lists.clear();
        self.closures.clear();
        self.encodings.clear();
        self.news.clear();
    }

    #[inline]
    pub fn add(&mut self, node: Node, shape: Shape) -> Option<NodeId> {
        let fixed = self.is_fixed(&node);
        self.nodes.push(Entry { node, shape, fixed });
        // Ids start at one: a name of more than 2^32 nodes is refused long before this.
        NonZeroU32::new(u32::try_from(self.nodes.len()).ok()?).map(NodeId)
    }

    #[inline]
    pub fn get(&self, id: NodeId) -> Node {
        self.nodes[id.index()].node
    }

    #[inline]
    pub fn shape(&self, id: NodeId) -> Shape {
        self.nodes[id.index()].shape
    }

    pub fn set(&mut self, id: NodeId, node: Node) {
        self.nodes[id.index()].node = node;
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the node prints the same text everywhere, so it is printed only once.
    pub fn fixed(&self, id: NodeId) -> bool {
        self.nodes[id.index()].fixed
    }

    /// Not so are packs and what waits for template arguments, and expressions, whose parentheses depend on
    /// what is around; nor what is too rare to be looked into.
    fn is_fixed(&self, node: &Node) -> bool {
        let all = |list: List| self.items(list).iter().all(|&item| self.fixed(item));
        let opt = |id: Opt| id.is_none_or(|id| self.fixed(id));
        match *node {
            Node::Name(_) | Node::Word(_) | Node::Std(_) | Node::StdFull(_) => true,
            Node::Unnamed(_) | Node::Operator(_) | Node::Integer { .. } => true,
            Node::Nested { qual: a, name: b }
            | Node::Local { scope: a, entity: b }
            | Node::Templated { name: a, args: b } => self.fixed(a) && self.fixed(b),
            Node::TemplateArgs(list) | Node::PackArgs(list) => all(list),
            Node::CtorDtor { base, .. }
            | Node::Tagged { base, .. }
            | Node::Qualified { base, .. }
            | Node::Pointer(base)
            | Node::Reference { to: base, .. }
            | Node::Enumerator { ty: base, .. } => self.fixed(base),
            Node::Function { ret, params, except, .. } => self.fixed(ret) && all(params) && opt(except),
            Node::Encoding { info } => {
                let info = &self.encodings[info as usize];
                self.fixed(info.name)
                    && opt(info.ret)
                    && all(info.params)
                    && info.attrs.is_none()
                    && info.requires.is_none()
            }
            Node::Closure { info, .. } => {
                let info = &self.closures[info as usize];
                info.template_params.len == 0
                    && info.requires_before.is_none()
                    && info.requires_after.is_none()
                    && all(info.params)
            }
            _ => false,
        }
    }

    /// Moves everything of `stack` from `from` on into a list.
    pub fn list(&mut self, stack: &mut Vec<NodeId>, from: usize) -> List {
        let start = self.lists.len() as u32;
        self.lists.extend(stack.drain(from..));
        List { start, len: self.lists.len() as u32 - start }
    }

    pub fn items(&self, list: List) -> &[NodeId] {
        &self.lists[list.start as usize..(list.start + list.len) as usize]
    }

    pub fn item(&self, list: List, index: u32) -> NodeId {
        self.lists[(list.start + index) as usize]
    }
}
