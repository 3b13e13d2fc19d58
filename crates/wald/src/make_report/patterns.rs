//! Patterns that name symbols and files.

use wald_demangle::Demangler;

use super::nodes::demangled;

/// A symbol as objects spell it, its demangled name with or without parameters, a file, or any of them with `*` and `?`.
pub(super) struct Pattern<'p> {
    text: &'p str,
    is_glob: bool,
}

impl<'p> Pattern<'p> {
    pub(super) fn new(text: &'p str) -> Self {
        Pattern { text, is_glob: text.contains(['*', '?']) }
    }

    /// Whether it matches a text as a whole.
    pub(super) fn matches(&self, text: &str) -> bool {
        text == self.text || self.is_glob && matches_glob(self.text.as_bytes(), text.as_bytes())
    }

    /// Whether it matches a symbol.
    pub(super) fn matches_symbol(&self, name: &[u8], demangler: &mut Demangler) -> bool {
        let name = String::from_utf8_lossy(name);
        if self.matches(&name) {
            return true;
        }
        let Some(shown) = demangled(demangler, &name) else { return false };
        if self.matches(&shown) {
            return true;
        }
        let function = without_parameters(&shown);
        self.matches(function) || without_hash(function).is_some_and(|path| self.matches(path))
    }

    /// Whether it matches a file's path, its base name, its member's name, or `path(member)`.
    pub(super) fn matches_file(&self, path: &str, member: Option<&str>) -> bool {
        let base = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let whole = |path: &str| member.map(|member| format!("{path}({member})"));
        self.matches(path)
            || self.matches(base)
            || member.is_some_and(|member| self.matches(member))
            || [path, base].into_iter().filter_map(whole).any(|whole| self.matches(&whole))
    }
}

/// A function's name without its parameters and what follows them.
fn without_parameters(name: &str) -> &str {
    let Some(end) = name.rfind(')') else { return name };
    let mut depth = 0;
    for (at, byte) in name.as_bytes()[..=end].iter().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 1 => return if at == 0 { name } else { &name[..at] },
            b'(' => depth -= 1,
            _ => {}
        }
    }
    name
}

/// A Rust path without the hash at its end.
fn without_hash(name: &str) -> Option<&str> {
    let (path, hash) = name.rsplit_once("::h")?;
    (hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(path)
}

/// Whether a pattern with `*` and `?` matches the whole text. Linear in the product of both sizes at most.
fn matches_glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // The last star, and how much of the text it covers so far.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match &mut star {
                Some((behind, end)) => {
                    *end += 1;
                    (at, place) = (*behind + 1, *end);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_named_in_several_ways() {
        let matches = |pattern: &str, name: &str| {
            Pattern::new(pattern).matches_symbol(name.as_bytes(), &mut Demangler::new())
        };
        for pattern in ["_ZN2ns1fEiPc", "ns::f(int, char*)", "ns::f", "ns::*", "*f(int*", "ns::?"] {
            assert!(matches(pattern, "_ZN2ns1fEiPc"), "{pattern}");
        }
        for pattern in ["f", "ns", "ns::f(int)", "ns::g*", "?", ""] {
            assert!(!matches(pattern, "_ZN2ns1fEiPc"), "{pattern}");
        }
        assert!(matches("core::fmt::write", "_ZN4core3fmt5write17h0123456789abcdefE"));
        assert!(matches("main", "main"));
        assert_eq!(
            without_parameters("(anonymous namespace)::f(int (*)(char)) const"),
            "(anonymous namespace)::f"
        );
        assert_eq!(without_parameters("(x)"), "(x)");
    }

    #[test]
    fn files_are_named_in_several_ways() {
        for pattern in ["lib/libc.a", "libc.a", "printf.o", "libc.a(printf.o)", "lib/libc.a(*)", "*rint*"] {
            assert!(Pattern::new(pattern).matches_file("lib/libc.a", Some("printf.o")), "{pattern}");
        }
        assert!(!Pattern::new("libc").matches_file("lib/libc.a", Some("printf.o")));
    }
}
