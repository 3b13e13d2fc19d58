//! A symbol's name, taken apart: what a programmer calls it, and what a compiler adds.

use wald_demangle::Demangler;

use crate::display::display_name_with;

/// A name and its parts.
#[derive(Clone, Debug, Default)]
pub struct Name {
    /// What is in the symbol table.
    pub symbol: Vec<u8>,
    /// The demangled name.
    pub text: String,
    /// The demangled name without parameters, a template function's result type, and the hash that older rustc adds.
    pub base: String,
    /// The parameters, if the name has any.
    pub parameters: Option<Vec<String>>,
    /// What follows the parameters: ` const`.
    pub qualifiers: String,
}

impl Name {
    /// Takes a name apart.
    pub fn new(demangler: &mut Demangler, symbol: &[u8]) -> Name {
        let text = String::from_utf8_lossy(&display_name_with(demangler, symbol, true)).into_owned();
        let mut name = Name { symbol: symbol.to_vec(), base: text.clone(), text, ..Name::default() };
        if !name.is_mangled() {
            return name;
        }
        if let Some((open, close)) = parentheses(&name.text) {
            name.parameters = Some(split(&name.text[open + 1..close]));
            name.qualifiers = name.text[close + 1..].into();
            name.base.truncate(open);
            if let Some(space) = result_type(&name.base) {
                name.base.drain(..=space);
            }
        }
        if let Some(end) = hash(&name.base) {
            name.base.truncate(end);
        }
        name
    }

    /// Whether a compiler of C++, Rust or D has mangled it.
    pub fn is_mangled(&self) -> bool {
        is_mangled(&self.symbol)
    }

    /// The namespace or class, such as `Widget`; empty for the global one.
    pub fn scope(&self) -> &str {
        let last = self.base.rfind(self.last_part()).unwrap_or(0);
        self.base[..last].strip_suffix("::").unwrap_or_default()
    }

    /// The last part of the base: `draw` of `Widget::draw`, without template arguments.
    pub fn last_part(&self) -> &str {
        let end = depths(&self.base).find(|&(_, byte, depth)| byte == b'<' && depth == 1).map(|(at, ..)| at);
        let without = &self.base[..end.unwrap_or(self.base.len())];
        without.rsplit("::").next().unwrap_or(without)
    }
}

/// Whether a name is a mangled one, by its beginning.
pub fn is_mangled(symbol: &[u8]) -> bool {
    symbol.starts_with(b"_Z") || symbol.starts_with(b"_R")
}

/// Each byte with its position and how many angle brackets, round brackets and braces are open. An opening bracket counts itself.
fn depths(text: &str) -> impl Iterator<Item = (usize, u8, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    bytes.iter().enumerate().map(move |(at, &byte)| {
        let is_operator = || {
            let before = &bytes[..at];
            before
                .strip_suffix(b"<")
                .or(before.strip_suffix(b">"))
                .or(before.strip_suffix(b"-"))
                .unwrap_or(before)
                .ends_with(b"operator")
        };
        match byte {
            b'<' | b'>' | b'{' | b'}' | b'[' | b']' | b')' if is_operator() => (at, byte, depth),
            b'<' | b'(' | b'{' | b'[' => {
                depth += 1;
                (at, byte, depth)
            }
            b'>' | b')' | b'}' | b']' => {
                let before = depth;
                depth = depth.saturating_sub(1);
                (at, byte, before)
            }
            _ => (at, byte, depth),
        }
    })
}

/// Where the parameters open and close.
fn parentheses(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut open = None;
    for (at, byte, depth) in depths(text) {
        let is_name = bytes[at..].starts_with(b"(anonymous namespace)") || bytes[..at].ends_with(b"operator");
        match byte {
            b'(' if depth == 1 && !is_name => open = Some(at),
            b')' if depth == 1 && open.is_some() => return open.map(|open| (open, at)),
            _ => {}
        }
    }
    None
}

/// The last space outside of brackets: what is before it is a template function's result type.
fn result_type(base: &str) -> Option<usize> {
    if base.contains("operator ") {
        return None;
    }
    let (spaces, _) = (depths(base).filter(|&(_, byte, depth)| byte == b' ' && depth == 0), ());
    spaces.map(|(at, ..)| at).last()
}

/// Where rustc's hash starts: `::h` and 16 hexadecimal digits.
fn hash(base: &str) -> Option<usize> {
    const LEN: usize = "::h0123456789abcdef".len();
    let start = base.len().checked_sub(LEN)?;
    let digits = base.get(start..)?.strip_prefix("::h")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(start)
}

/// Parameters, separated by commas outside of brackets.
fn split(parameters: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _, _) in depths(parameters).filter(|&(_, byte, depth)| byte == b',' && depth == 0) {
        parts.push(parameters[start..at].trim().to_string());
        start = at + 1;
    }
    let last = parameters[start..].trim();
    if !last.is_empty() {
        parts.push(last.to_string());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(symbol: &str) -> Name {
        Name::new(&mut Demangler::new(), symbol.as_bytes())
    }

    #[test]
    fn names_are_taken_apart() {
        let draw = name("_ZNK6Widget4drawERKNS_4SizeEi");
        assert_eq!(
            (draw.base.as_str(), draw.last_part(), draw.qualifiers.as_str()),
            ("Widget::draw", "draw", " const")
        );
        assert_eq!(draw.parameters.unwrap(), ["Widget::Size const&", "int"]);
        let template = name("_Z3maxIiET_S0_S0_");
        assert_eq!((template.base.as_str(), template.last_part()), ("max<int>", "max"));
        assert_eq!(template.parameters.unwrap(), ["int", "int"]);
        let call = name("_ZN1fclEi");
        assert_eq!((call.base.as_str(), call.parameters.unwrap().len()), ("f::operator()", 1));
        let less = name("_ZlsR1fi");
        assert_eq!((less.base.as_str(), less.parameters.unwrap().len()), ("operator<<", 2));
        let hidden = name("_ZN12_GLOBAL__N_13oneEv");
        assert_eq!(
            (hidden.base.as_str(), hidden.parameters.unwrap().len()),
            ("(anonymous namespace)::one", 0)
        );
        assert_eq!(name("_ZN4util8checksum17h0123456789abcdefE").base, "util::checksum");
        assert_eq!(name("_ZTV6Widget").base, "vtable for Widget");
        assert_eq!(name("plain").base, "plain");
        let damaged = Name::new(&mut Demangler::new(), b"_ZN4\xc3\xbc\xff!1fEi");
        assert!(damaged.text.contains('\u{fc}') && damaged.last_part() == "f", "{}", damaged.text);
        assert_eq!(name("_Z1fPFvicE").parameters.unwrap(), ["void (*)(int, char)"]);
    }
}
