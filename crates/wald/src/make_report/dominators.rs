//! The dominator tree: what would go if one thing went. By Lengauer and Tarjan, without recursion: the time is nearly linear in the
//! number of references, whatever refers to what.
//! See <https://doi.org/10.1145/357062.357071>.

use super::graph::NONE;

/// For each node, the node that every path from a root to it goes through last, or [`NONE`] if there is no such node or the node is not
/// reachable. `successors` gives what a node refers to.
pub(super) fn immediate_dominators<'g, S>(count: usize, roots: &[u32], successors: S) -> Vec<u32>
where
    S: Fn(u32) -> &'g [u32],
{
    let search = Search::new(count, roots, &successors);
    let reached = search.vertex.len();
    // The predecessors of each node, by place in the order of the search.
    let mut starts = vec![0u32; reached + 1];
    for &node in &search.vertex[1..] {
        successors(node).iter().for_each(|&to| starts[search.place[to as usize] as usize] += 1);
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += std::mem::replace(start, sum);
    }
    let mut predecessors = vec![0u32; sum as usize];
    let mut ends = starts.clone();
    for (from, &node) in search.vertex.iter().enumerate().skip(1) {
        for &to in successors(node) {
            let end = &mut ends[search.place[to as usize] as usize];
            predecessors[*end as usize] = from as u32;
            *end += 1;
        }
    }
    let mut is_root = vec![false; reached];
    roots.iter().for_each(|&root| is_root[search.place[root as usize] as usize] = true);
    let dominators = solve(&search.parent, &is_root, |place| {
        &predecessors[starts[place] as usize..starts[place + 1] as usize]
    });
    let mut result = vec![NONE; count];
    for (place, &node) in search.vertex.iter().enumerate().skip(1) {
        let dominator = dominators[place];
        result[node as usize] = if dominator == 0 { NONE } else { search.vertex[dominator as usize] };
    }
    result
}

/// A depth-first search. Place 0 is what refers to all roots.
struct Search {
    /// Nodes in the order in which they were found, from place 1 on.
    vertex: Vec<u32>,
    /// For each place, the place from which it was found.
    parent: Vec<u32>,
    /// The place of each node.
    place: Vec<u32>,
}

impl Search {
    fn new<'g>(count: usize, roots: &[u32], successors: &impl Fn(u32) -> &'g [u32]) -> Self {
        let mut search = Search { vertex: vec![NONE], parent: vec![0], place: vec![NONE; count] };
        let mut stack: Vec<(u32, usize)> = Vec::new();
        for &root in roots {
            search.visit(root, 0, &mut stack);
            while let Some((node, next)) = stack.last_mut() {
                let (from, at) = (search.place[*node as usize], *next);
                *next += 1;
                match successors(*node).get(at) {
                    Some(&to) => search.visit(to, from, &mut stack),
                    None => _ = stack.pop(),
                }
            }
        }
        search
    }

    fn visit(&mut self, node: u32, from: u32, stack: &mut Vec<(u32, usize)>) {
        let place = &mut self.place[node as usize];
        if *place == NONE {
            *place = self.vertex.len() as u32;
            self.vertex.push(node);
            self.parent.push(from);
            stack.push((node, 0));
        }
    }
}

/// The immediate dominator of each place.
fn solve<'p>(parent: &[u32], is_root: &[bool], predecessors: impl Fn(usize) -> &'p [u32]) -> Vec<u32> {
    let count = parent.len();
    let mut forest = Forest {
        semi: (0..count as u32).collect(),
        label: (0..count as u32).collect(),
        ancestor: vec![NONE; count],
        path: Vec::new(),
    };
    let mut dominator = vec![0u32; count];
    // Lists of the places whose semidominator is this one.
    let (mut first, mut next) = (vec![NONE; count], vec![NONE; count]);
    for place in (1..count).rev() {
        let mut semi = if is_root[place] { 0 } else { parent[place] };
        for &from in predecessors(place) {
            let best = forest.eval(from);
            semi = semi.min(forest.semi[best as usize]);
        }
        forest.semi[place] = semi;
        next[place] = std::mem::replace(&mut first[semi as usize], place as u32);
        let above = parent[place];
        forest.ancestor[place] = above;
        let mut waiting = std::mem::replace(&mut first[above as usize], NONE);
        while waiting != NONE {
            let best = forest.eval(waiting);
            let is_lower = forest.semi[best as usize] < forest.semi[waiting as usize];
            dominator[waiting as usize] = if is_lower { best } else { above };
            waiting = next[waiting as usize];
        }
    }
    for place in 1..count {
        if dominator[place] != forest.semi[place] {
            dominator[place] = dominator[dominator[place] as usize];
        }
    }
    dominator
}

/// The forest of the places that were worked on, with compressed paths.
struct Forest {
    semi: Vec<u32>,
    label: Vec<u32>,
    ancestor: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    /// The place with the lowest semidominator on the path from the root of its tree, which does not count.
    fn eval(&mut self, place: u32) -> u32 {
        if self.ancestor[place as usize] == NONE {
            return place;
        }
        let mut at = place;
        while self.ancestor[self.ancestor[at as usize] as usize] != NONE {
            self.path.push(at);
            at = self.ancestor[at as usize];
        }
        while let Some(below) = self.path.pop() {
            let above = self.ancestor[below as usize];
            let (best, own) = (self.label[above as usize], self.label[below as usize]);
            if self.semi[best as usize] < self.semi[own as usize] {
                self.label[below as usize] = best;
            }
            self.ancestor[below as usize] = self.ancestor[above as usize];
        }
        self.label[place as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By definition: a node dominates what cannot be reached without it.
    fn by_definition(graph: &[Vec<u32>], roots: &[u32]) -> Vec<u32> {
        let reach = |without: Option<u32>| {
            let mut seen = vec![false; graph.len()];
            let mut stack: Vec<u32> = roots.iter().copied().filter(|&root| Some(root) != without).collect();
            while let Some(node) = stack.pop() {
                if !std::mem::replace(&mut seen[node as usize], true) {
                    stack.extend(graph[node as usize].iter().filter(|&&to| Some(to) != without));
                }
            }
            seen
        };
        let all = reach(None);
        let without: Vec<Vec<bool>> = (0..graph.len()).map(|node| reach(Some(node as u32))).collect();
        let dominates = |by: usize, node: usize| by != node && all[node] && !without[by][node];
        let immediate = |node: usize| {
            let all = (0..graph.len()).filter(|&by| dominates(by, node)).collect::<Vec<_>>();
            let last = all.iter().find(|&&by| all.iter().all(|&other| other == by || dominates(other, by)));
            last.map_or(NONE, |&last| last as u32)
        };
        (0..graph.len()).map(immediate).collect()
    }

    #[test]
    fn the_tree_is_that_of_the_definition() {
        let mut seed = 1u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % below
        };
        for round in 0..400 {
            let count = 1 + random(12);
            let graph: Vec<Vec<u32>> =
                (0..count).map(|_| (0..random(4)).map(|_| random(count) as u32).collect()).collect();
            let roots: Vec<u32> = (0..1 + random(3)).map(|_| random(count) as u32).collect();
            let found = immediate_dominators(count, &roots, |node| &graph[node as usize]);
            assert_eq!(found, by_definition(&graph, &roots), "round {round}: {graph:?} from {roots:?}");
        }
    }

    #[test]
    fn a_long_chain_takes_no_stack_and_little_time() {
        let count = 200_000;
        let graph: Vec<Vec<u32>> = (0..count).map(|node| vec![(node + 1) % count, node / 2]).collect();
        let found = immediate_dominators(count as usize, &[0], |node| &graph[node as usize]);
        assert!((1..count).all(|node| found[node as usize] == node - 1));
    }
}
