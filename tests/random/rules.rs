//! Which differences `docs/differences.md` allows. Every rule names its entry and is as narrow as it can be.

use crate::recipe::Recipe;
use wald_tests::link::Answer;
use wald_tests::validate::sections;

/// What a rule looks at.
pub struct Difference<'a> {
    /// The link.
    pub recipe: &'a Recipe,
    /// wasm-ld's answer.
    pub reference: &'a Answer,
    /// Wald's answer.
    pub wald: &'a Answer,
}

/// A difference that is meant.
pub struct Rule {
    /// The entry's heading.
    pub id: &'static str,
    applies: fn(&Difference) -> bool,
}

/// All rules. The first that applies counts.
pub const RULES: &[Rule] = &[
    Rule { id: "reference-crashes", applies: reference_crashes },
    Rule { id: "combined-strings", applies: combined_strings },
];

/// The entry that allows the difference.
pub fn excuse(difference: &Difference) -> Option<&'static str> {
    RULES.iter().find(|rule| (rule.applies)(difference)).map(|rule| rule.id)
}

fn reference_crashes(difference: &Difference) -> bool {
    difference.reference.crashed() && fails_in_order(difference.wald)
}

/// Both write modules with the same sections of the same sizes, and only addresses in code or data differ.
fn combined_strings(difference: &Difference) -> bool {
    let Difference { recipe, reference, wald, .. } = difference;
    let position_independent = recipe.has("shared") || recipe.has("pie");
    if !position_independent || recipe.has("shared-memory") || reference.code != 0 || wald.code != 0 {
        return false;
    }
    let same_names = reference.files.keys().eq(wald.files.keys());
    same_names
        && reference.files.iter().zip(&wald.files).all(|((_, a), (_, b))| a == b || differ_in_addresses(a, b))
}

/// True if two modules differ in their code and data only, and not in sizes.
fn differ_in_addresses(a: &[u8], b: &[u8]) -> bool {
    let (ours, theirs) = (sections(a), sections(b));
    a.len() == b.len()
        && ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(one, other)| {
            let same = a[one.range.clone()] == b[other.range.clone()];
            one.name == other.name
                && one.range == other.range
                && (same || matches!(&one.name[..], "code" | "data"))
        })
}

/// An error with exit code 1, and nothing written.
fn fails_in_order(wald: &Answer) -> bool {
    let stderr = String::from_utf8_lossy(&wald.stderr);
    wald.code == 1 && stderr.contains("error: ") && wald.files.is_empty()
}
