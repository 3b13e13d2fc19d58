//! Names with LLVM 22's text for each, from a file. They are compiled from sources that use rare features of the
//! languages, generated from the grammar, and mutated. A name that LLVM leaves unchanged is twice on its line.

use wald_demangle::Demangler;

#[test]
fn every_name_prints_as_llvm_prints_it() {
    let mut demangler = Demangler::new();
    let (mut names, mut demangled, mut wrong) = (0, 0, Vec::new());
    for line in include_str!("names.txt").lines() {
        let (name, expected) = line.split_once('\t').expect("a tab on every line");
        let text = demangler.demangle(name.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned());
        names += 1;
        demangled += usize::from(text.is_some());
        let text = text.unwrap_or_else(|| name.to_string());
        if text != expected {
            wrong.push(format!("{name}\n  LLVM: {expected}\n  here: {text}"));
        }
    }
    assert!(names > 3000 && demangled > 2000, "the file is cut: {names} names, {demangled} demangled");
    assert!(wrong.is_empty(), "{} of {names} names differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Buffers carry nothing over from name to name, whatever came before.
#[test]
fn the_order_of_names_does_not_matter() {
    let lines: Vec<&str> = include_str!("names.txt").lines().collect();
    let mut demangler = Demangler::new();
    for line in lines.iter().rev() {
        let (name, expected) = line.split_once('\t').expect("a tab on every line");
        let text = demangler.demangle(name.as_bytes()).unwrap_or(name.as_bytes());
        assert_eq!(String::from_utf8_lossy(text), expected, "{name}");
    }
}
