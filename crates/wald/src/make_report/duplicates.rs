//! Functions with the same code that refer to the same, or to functions that are the same in turn: what identical code folding could make
//! one.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};
use rayon::prelude::*;

use super::graph::{Graph, Thing};
use super::nodes::NodeMap;
use crate::format::SymbolKind;
use crate::layout::Layout;

/// How often classes are divided at most. Each round looks one call further.
const ROUNDS: usize = 64;

/// A function with as many others of the same code.
struct Member {
    node: u32,
    /// The number of its class, which is divided until it is right.
    class: u64,
    /// What it refers to, in order.
    references: Vec<u32>,
}

/// Groups of nodes, the first of each in the order of the nodes.
pub(super) fn duplicates(layout: &Layout<'_>, graph: &Graph<'_>, map: &NodeMap) -> Vec<Vec<u32>> {
    let hasher = DefaultHashBuilder::default();
    let numbers = map.numbers.par_iter().enumerate().with_min_len(256);
    let mut members: Vec<Member> =
        numbers.filter_map(|(node, &number)| member(layout, graph, (node as u32, number), &hasher)).collect();
    let mut count = (0, 0);
    for _ in 0..ROUNDS {
        // What has no equal is not looked at again, and neither is it one of several to others.
        let mut sizes: HashMap<u64, u32> = HashMap::new();
        members.iter().for_each(|member| *sizes.entry(member.class).or_default() += 1);
        members.retain(|member| sizes[&member.class] > 1);
        let classes = sizes.values().filter(|&&size| size > 1).count();
        if std::mem::replace(&mut count, (classes, members.len())) == (classes, members.len()) {
            break;
        }
        let class_of: HashMap<u32, u64> =
            members.iter().map(|member| (map.numbers[member.node as usize], member.class)).collect();
        members.par_iter_mut().for_each(|member| {
            let of = |to: &u32| class_of.get(to).map_or((false, u64::from(*to)), |&class| (true, class));
            let references: Vec<(bool, u64)> = member.references.iter().map(of).collect();
            member.class = hasher.hash_one((member.class, references));
        });
    }
    let mut groups: HashMap<u64, Vec<u32>> = HashMap::new();
    members.iter().for_each(|member| groups.entry(member.class).or_default().push(member.node));
    let mut groups: Vec<Vec<u32>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// The function, with a class by everything except what it refers to.
fn member(
    layout: &Layout<'_>,
    graph: &Graph<'_>,
    (node, number): (u32, u32),
    hasher: &DefaultHashBuilder,
) -> Option<Member> {
    let Thing::Chunk(target) = graph.things[number as usize] else { return None };
    if target.kind() != SymbolKind::Function {
        return None;
    }
    let object = layout.program.objects[target.object().at()].object();
    let function = &object.functions[target.position()];
    let mut code = function.range.of(&object.bytes).to_vec();
    let (mut kinds, mut references) = (Vec::new(), Vec::new());
    for relocation in object.relocations(function.relocations) {
        let start = (relocation.offset - function.offset_base) as usize;
        let width = relocation.kind.encoding().width();
        if let Some(place) = code.get_mut(start..start + width) {
            place.fill(0);
        }
        kinds.push((relocation.kind as u8, start, relocation.addend));
        // Type indices are the object's own.
        let to = match relocation.kind {
            crate::format::relocation::RelocationType::TypeIndexLeb => {
                object.types.get(relocation.index as usize).map(|signature| u32::MAX - signature.0)
            }
            _ => graph.numbering.of_reference(target.object(), relocation.index),
        };
        references.push(to.unwrap_or(u32::MAX));
    }
    let signature = object.types.get(function.type_index as usize).map(|signature| signature.0);
    // A size that is written with more bytes than necessary makes no difference.
    let prefix = usize::from(function.prefix).min(code.len());
    let class = hasher.hash_one((signature, &code[prefix..], kinds));
    Some(Member { node, class, references })
}
