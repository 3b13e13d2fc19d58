//! What is known to break a rule, with the reason. The list only shrinks: see [`apply`].

use super::Violation;

/// A file that may break a rule so many times.
pub struct Exception {
    /// From the workspace on.
    pub file: &'static str,
    /// The rule's short name.
    pub rule: &'static str,
    /// How often.
    pub count: usize,
    /// Why.
    pub reason: &'static str,
}

/// The list.
pub const EXCEPTIONS: &[Exception] = &[Exception {
    file: "crates/wald/src/link.rs",
    rule: "function-length",
    count: 1,
    reason: "the link from top to bottom is one list of phases; the file's own limit keeps it short",
}];

/// Takes out what is listed. The second value complains about entries that allow more than there is.
pub fn apply(violations: Vec<Violation>) -> (Vec<Violation>, Vec<String>) {
    apply_list(EXCEPTIONS, violations)
}

fn apply_list(list: &[Exception], mut violations: Vec<Violation>) -> (Vec<Violation>, Vec<String>) {
    let mut complaints = Vec::new();
    for exception in list {
        let is_meant =
            |violation: &Violation| violation.file == exception.file && violation.rule == exception.rule;
        let count = violations.iter().filter(|violation| is_meant(violation)).count();
        if count < exception.count {
            complaints.push(format!(
                "xtask/src/tidy/exceptions.rs: {} breaks the rule {} {count} times now: lower the entry's {}",
                exception.file, exception.rule, exception.count
            ));
        }
        if count <= exception.count {
            violations.retain(|violation| !is_meant(violation));
        }
    }
    (violations, complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_allows_exactly_what_it_says() {
        let violation = |line| Violation { file: "a.rs".into(), line, rule: "panic", message: String::new() };
        let list = |count| [Exception { file: "a.rs", rule: "panic", count, reason: "" }];
        let two = vec![violation(1), violation(2)];
        assert_eq!(apply_list(&list(2), two.clone()), (vec![], vec![]));
        assert_eq!(apply_list(&list(1), two.clone()).0, two);
        assert_eq!(apply_list(&list(3), two).1.len(), 1);
        assert_eq!(apply_list(&list(1), vec![]).1.len(), 1);
    }
}
