//! The form of `docs/differences.md`: five fields per entry, in one order, and a link to each entry at the top.

use super::violation::Violation;

const FILE: &str = "docs/differences.md";
const FIELDS: [&str; 5] = ["Case", "wasm-ld 22", "Wald", "Why", "Tests"];

/// Checks every entry of the page.
pub fn check(page: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let contents = page.split("\n## ").next().unwrap_or_default();
    let mut entries: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (line, text) in (1..).zip(page.lines()) {
        if let Some(id) = text.strip_prefix("### ") {
            entries.push((line, id, Vec::new()));
        } else if let (Some((_, _, fields)), Some((field, _))) =
            (entries.last_mut(), text.strip_prefix("- **").and_then(|text| text.split_once(":**")))
        {
            fields.push(field);
        }
    }
    for (line, id, fields) in entries {
        let mut add = |message| {
            violations.push(Violation { file: FILE.into(), line, rule: "documents", message });
        };
        if fields != FIELDS {
            add(format!("{id} has the fields {fields:?}, not {FIELDS:?}"));
        }
        if !contents.contains(&format!("[{id}](#{id})")) {
            add(format!("{id} is not in the table of contents"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "[a](#a)\n\n## Topic\n\n### a\n\n- **Case:** c\n- **wasm-ld 22:** x\n- **Wald:** w\n  - more\n\
                        - **Why:** y\n- **Tests:** t\n";

    fn messages(page: &str) -> Vec<String> {
        check(page).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn entries_have_all_fields_and_a_link() {
        assert_eq!(messages(GOOD), [""; 0]);
        assert!(messages(&GOOD.replace("- **Why:** y\n", ""))[0].starts_with("a has the fields"));
        assert_eq!(messages(&GOOD.replace("[a](#a)", "")), ["a is not in the table of contents"]);
    }
}
