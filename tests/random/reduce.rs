//! Makes a finding small: takes away inputs, archive members and options as long as the same kind of difference stays.

use crate::judge::{judge, Finding, Linkers, Verdict};
use crate::recipe::{Holder, Part, Recipe};
use std::path::Path;

/// The smallest link that was found, and what it shows.
pub fn reduce(recipe: &Recipe, finding: Finding, linkers: &Linkers, directory: &Path) -> (Recipe, Finding) {
    let mut best = (recipe.clone(), finding);
    loop {
        let size = size_of(&best.0);
        for smaller in candidates {
            let mut position = 0;
            while let Some(candidate) = smaller(&best.0, position) {
                match judge(&candidate, linkers, directory) {
                    Ok(Verdict::Finding(found)) if found.kind == best.1.kind => best = (candidate, found),
                    _ => position += 1,
                }
            }
        }
        if size_of(&best.0) == size {
            return best;
        }
    }
}

type Step = fn(&Recipe, usize) -> Option<Recipe>;

#[expect(non_upper_case_globals, reason = "read as a list of steps")]
const candidates: [Step; 3] = [without_part, without_member, simpler_form];

fn size_of(recipe: &Recipe) -> usize {
    let part = |part: &Part| match part {
        Part::Files(Holder::Plain, files) => files.len(),
        Part::Files(_, files) => files.len() + 2,
        _ => 1,
    };
    recipe.parts.iter().map(part).sum::<usize>() + usize::from(recipe.response)
}

fn without_part(recipe: &Recipe, position: usize) -> Option<Recipe> {
    let mut recipe = recipe.clone();
    if position >= recipe.parts.len() {
        return None;
    }
    recipe.parts.remove(position);
    Some(recipe)
}

/// Counts through the members of all holders.
fn without_member(recipe: &Recipe, position: usize) -> Option<Recipe> {
    let mut recipe = recipe.clone();
    let mut position = position;
    for part in &mut recipe.parts {
        let Part::Files(_, files) = part else { continue };
        if position < files.len() {
            files.remove(position);
            return Some(recipe);
        }
        position -= files.len();
    }
    None
}

/// Plain objects in place of archives, no response file.
fn simpler_form(recipe: &Recipe, position: usize) -> Option<Recipe> {
    let mut recipe = recipe.clone();
    if recipe.response {
        recipe.response = false;
        return (position == 0).then_some(recipe);
    }
    let held = |part: &&mut Part| matches!(part, Part::Files(holder, _) if !matches!(holder, Holder::Plain));
    let part = recipe.parts.iter_mut().filter(held).nth(position)?;
    if let Part::Files(holder, _) = part {
        *holder = Holder::Plain;
    }
    Some(recipe)
}
