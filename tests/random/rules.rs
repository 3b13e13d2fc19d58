//! Which differences `docs/differences.md` allows. Every rule names its entry and is as narrow as it can be.

use crate::recipe::Recipe;
use wald_tests::link::Answer;

/// What a rule looks at.
pub struct Difference<'a> {
    /// The link.
    pub recipe: &'a Recipe,
    /// wasm-ld's answer.
    pub reference: &'a Answer,
    /// Wald's answer.
    pub wald: &'a Answer,
    /// Another run of wasm-ld gave another answer.
    pub unstable: bool,
}

/// A difference that is meant.
pub struct Rule {
    /// The entry's heading.
    pub id: &'static str,
    applies: fn(&Difference) -> bool,
}

/// All rules. The first that applies counts.
pub const RULES: &[Rule] = &[Rule { id: "reference-crashes", applies: reference_crashes }];

/// The entry that allows the difference.
pub fn excuse(difference: &Difference) -> Option<&'static str> {
    RULES.iter().find(|rule| (rule.applies)(difference)).map(|rule| rule.id)
}

fn reference_crashes(difference: &Difference) -> bool {
    difference.reference.crashed() && fails_in_order(difference.wald)
}

/// An error with exit code 1, and nothing written.
fn fails_in_order(wald: &Answer) -> bool {
    let stderr = String::from_utf8_lossy(&wald.stderr);
    wald.code == 1 && stderr.contains("error: ") && wald.files.is_empty()
}
