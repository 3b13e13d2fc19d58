//! Version scripts and dynamic lists, which limit or extend what a module exports.
//!
//! They are files for ELF linkers. A version script divides names into global and local ones:
//!
//! ```text
//! LIBFOO_1 {
//!   global: foo_*; extern "C++" { ns::open*; };
//!   local: *;
//! };
//! ```
//!
//! A dynamic list is `{ foo_*; };`. Names of versions have no meaning for WebAssembly.

use hashbrown::HashSet;
use std::fmt;

/// What is wrong with a version script or a dynamic list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ScriptError {}

/// A set of names: patterns with `*`, `?` and `[…]`, and names that are written out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    exact: HashSet<Vec<u8>>,
    exact_demangled: HashSet<Vec<u8>>,
    patterns: Vec<Vec<u8>>,
    demangled_patterns: Vec<Vec<u8>>,
    /// The pattern `*`.
    has_rest: bool,
}

impl Names {
    fn add(&mut self, word: Word, is_demangled: bool) {
        let is_pattern = !word.is_quoted && word.text.iter().any(|byte| b"*?[".contains(byte));
        match (is_pattern, is_demangled) {
            (true, _) if word.text == b"*" => self.has_rest = true,
            (true, false) => self.patterns.push(word.text),
            (true, true) => self.demangled_patterns.push(word.text),
            (false, false) => drop(self.exact.insert(word.text)),
            (false, true) => drop(self.exact_demangled.insert(word.text)),
        }
    }

    fn lists(&self, name: &SymbolName<'_>) -> bool {
        self.exact.contains(name.raw)
            || !self.exact_demangled.is_empty() && self.exact_demangled.contains(name.demangled())
    }

    fn matches(&self, name: &SymbolName<'_>) -> bool {
        self.patterns.iter().any(|pattern| matches_glob(pattern, name.raw))
            || self.demangled_patterns.iter().any(|pattern| matches_glob(pattern, name.demangled()))
    }
}

/// A symbol's name, demangled at most once.
pub(crate) struct SymbolName<'a> {
    raw: &'a [u8],
    demangled: std::cell::OnceCell<String>,
    demangle: fn(&[u8]) -> String,
}

impl<'a> SymbolName<'a> {
    pub(crate) fn new(raw: &'a [u8], demangle: fn(&[u8]) -> String) -> Self {
        SymbolName { raw, demangled: std::cell::OnceCell::new(), demangle }
    }

    fn demangled(&self) -> &[u8] {
        self.demangled.get_or_init(|| (self.demangle)(self.raw)).as_bytes()
    }
}

/// Version scripts (`--version-script`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionScript {
    /// Global and local names of each version.
    versions: Vec<[Names; 2]>,
}

impl VersionScript {
    /// Reads the text of a version script.
    ///
    /// # Errors
    /// The text has a syntax error.
    pub fn parse(text: &[u8]) -> Result<Self, ScriptError> {
        let mut parser = Parser::new(text);
        let mut script = VersionScript::default();
        while parser.peek().is_some() {
            if !parser.takes(b'{') {
                parser.word("a version's name or {")?;
                parser.expect(b'{')?;
            }
            let mut version = <[Names; 2]>::default();
            let mut scope = 0;
            while !parser.takes(b'}') {
                match parser.label() {
                    Some(label) => scope = usize::from(label == b"local"),
                    None => parser.names(&mut version[scope])?,
                }
            }
            script.versions.push(version);
            while !parser.takes(b';') {
                parser.word("; or the version before")?;
            }
        }
        Ok(script)
    }

    /// Adds the versions of another script.
    pub fn append(&mut self, other: VersionScript) {
        self.versions.extend(other.versions);
    }

    /// Whether there is no version.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Whether the script makes a symbol local. Names that are written out count more than patterns, later versions more than earlier
    /// ones, and `*` least.
    pub(crate) fn is_local(&self, name: &SymbolName<'_>) -> bool {
        let stages: [&dyn Fn(&Names) -> bool; 3] =
            [&|names| names.lists(name), &|names| names.matches(name), &|names| names.has_rest];
        for stage in stages {
            for [global, local] in self.versions.iter().rev() {
                if stage(global) {
                    return false;
                }
                if stage(local) {
                    return true;
                }
            }
        }
        false
    }
}

/// Lists of symbols to export (`--dynamic-list`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DynamicList {
    names: Names,
    is_used: bool,
}

impl DynamicList {
    /// Reads the text of a dynamic list.
    ///
    /// # Errors
    /// The text has a syntax error.
    pub fn parse(text: &[u8]) -> Result<Self, ScriptError> {
        let mut parser = Parser::new(text);
        let mut list = DynamicList { is_used: true, ..DynamicList::default() };
        while parser.peek().is_some() {
            parser.expect(b'{')?;
            while !parser.takes(b'}') {
                parser.names(&mut list.names)?;
            }
            parser.expect(b';')?;
        }
        Ok(list)
    }

    /// Adds a name or pattern.
    pub fn add(&mut self, pattern: &str) {
        self.is_used = true;
        self.names.add(Word { text: pattern.as_bytes().to_vec(), is_quoted: false }, false);
    }

    /// Adds the names of another list.
    pub fn append(&mut self, other: DynamicList) {
        let Names { exact, exact_demangled, patterns, demangled_patterns, has_rest } = other.names;
        self.names.exact.extend(exact);
        self.names.exact_demangled.extend(exact_demangled);
        self.names.patterns.extend(patterns);
        self.names.demangled_patterns.extend(demangled_patterns);
        self.names.has_rest |= has_rest;
        self.is_used |= other.is_used;
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        !self.is_used
    }

    /// Whether the list contains a symbol.
    pub(crate) fn contains(&self, name: &SymbolName<'_>) -> bool {
        self.names.has_rest || self.names.lists(name) || self.names.matches(name)
    }
}

struct Word {
    text: Vec<u8>,
    is_quoted: bool,
}

enum Token {
    Mark(u8),
    Word(Word),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8]) -> Self {
        Parser { text, at: 0 }
    }

    fn error(&self, message: impl Into<String>) -> ScriptError {
        let before = &self.text[..self.at.min(self.text.len())];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        ScriptError { line, message: message.into() }
    }

    /// Skips blanks and comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let length = match rest {
                [byte, ..] if byte.is_ascii_whitespace() => 1,
                [b'#', ..] => rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
                [b'/', b'*', ..] => {
                    rest[2..].windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |at| at + 4)
                }
                _ => return,
            };
            self.at += length;
        }
    }

    /// The next token and where it ends. An error is a quote that is not closed.
    fn token(&mut self) -> Result<Option<(Token, usize)>, ScriptError> {
        self.skip();
        let rest = &self.text[self.at..];
        let Some(&first) = rest.first() else { return Ok(None) };
        if b"{};".contains(&first) {
            return Ok(Some((Token::Mark(first), self.at + 1)));
        }
        if first == b'"' {
            let length = rest[1..].iter().position(|&byte| byte == b'"');
            let length = length.ok_or_else(|| self.error("the closing \" is missing"))?;
            let text = rest[1..=length].to_vec();
            return Ok(Some((Token::Word(Word { text, is_quoted: true }), self.at + length + 2)));
        }
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"{};\"".contains(byte);
        let mut length = rest.iter().position(is_end).unwrap_or(rest.len());
        // `local:*` is two tokens.
        for label in [&b"local:"[..], b"global:"] {
            if rest.starts_with(label) && rest.get(label.len()) != Some(&b':') {
                length = label.len();
            }
        }
        let text = rest[..length].to_vec();
        Ok(Some((Token::Word(Word { text, is_quoted: false }), self.at + length)))
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip();
        self.text.get(self.at).copied()
    }

    /// Takes one of `{};` if it is next.
    fn takes(&mut self, mark: u8) -> bool {
        let is_next = self.peek() == Some(mark);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, mark: u8) -> Result<(), ScriptError> {
        if self.takes(mark) {
            return Ok(());
        }
        Err(self.unexpected(char::from(mark).to_string()))
    }

    fn unexpected(&mut self, wanted: impl fmt::Display) -> ScriptError {
        let found = match self.token() {
            Err(error) => return error,
            Ok(None) => "the end of the file".to_string(),
            Ok(Some((Token::Mark(mark), _))) => char::from(mark).to_string(),
            Ok(Some((Token::Word(word), _))) => String::from_utf8_lossy(&word.text).into_owned(),
        };
        self.error(format!("expected {wanted}, but got {found}"))
    }

    fn word(&mut self, wanted: &str) -> Result<Word, ScriptError> {
        match self.token()? {
            Some((Token::Word(word), end)) => {
                self.at = end;
                Ok(word)
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// Takes `global:` or `local:` if it is next, and returns it without the colon.
    fn label(&mut self) -> Option<&'static [u8]> {
        self.skip();
        for label in [&b"local"[..], b"global"] {
            let Some(rest) = self.text[self.at..].strip_prefix(label) else { continue };
            let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if rest.get(blanks) == Some(&b':') && rest.get(blanks + 1) != Some(&b':') {
                self.at += label.len() + blanks + 1;
                return Some(label);
            }
        }
        None
    }

    /// A name and its semicolon, or `extern "C++" { … }`.
    fn names(&mut self, names: &mut Names) -> Result<(), ScriptError> {
        let word = self.word("a name")?;
        if word.is_quoted || word.text != b"extern" {
            names.add(word, false);
            return self.expect_end();
        }
        let language = self.word("a language")?;
        let is_demangled = match &language.text[..] {
            b"C++" => true,
            b"C" => false,
            _ => return Err(self.error("the language of extern is \"C\" or \"C++\"")),
        };
        self.expect(b'{')?;
        while !self.takes(b'}') {
            let word = self.word("a name")?;
            names.add(word, is_demangled);
            self.expect_end()?;
        }
        self.takes(b';');
        Ok(())
    }

    /// The semicolon after a name, which the last one of a block may lack.
    fn expect_end(&mut self) -> Result<(), ScriptError> {
        match self.peek() {
            Some(b'}') => Ok(()),
            _ => self.expect(b';'),
        }
    }
}

/// Whether `text` matches a pattern with `*`, `?`, `[a-z]`, `[!a]` and `\`. In quadratic time at most.
fn matches_glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            None if t == text.len() => return true,
            None => None,
            Some(_) => text.get(t).and_then(|&byte| one(&pattern[p..], byte)),
        };
        match (step, retry) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((after, from))) if from < text.len() => {
                retry = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
            (None, _) => return false,
        }
    }
}

/// The length of the pattern's first element if it matches a byte.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => {
            let (negated, rest, start) = match rest {
                [b'!' | b'^', rest @ ..] => (true, rest, 2),
                _ => (false, rest, 1),
            };
            // A `]` at the start is one of the bytes.
            let Some(end) = rest.iter().skip(1).position(|&byte| byte == b']') else {
                return (byte == b'[').then_some(1);
            };
            let (set, mut at, mut is_in) = (&rest[..=end], 0, false);
            while at < set.len() {
                if let [low, b'-', high, ..] = set[at..] {
                    is_in |= (low..=high).contains(&byte);
                    at += 3;
                } else {
                    is_in |= set[at] == byte;
                    at += 1;
                }
            }
            (is_in != negated).then_some(start + end + 2)
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_local(script: &VersionScript, name: &str) -> bool {
        script.is_local(&SymbolName::new(name.as_bytes(), |name| {
            format!("{}(int)", String::from_utf8_lossy(name))
        }))
    }

    #[test]
    fn written_out_names_then_patterns_then_the_rest() {
        let text = b"V1 { global: api_*; local: *; }; V2 { local: api_two; /* ; */ global: extern \"C++\" { \"open(int)\"; c*sed*; } };";
        let script = VersionScript::parse(text).unwrap();
        for (name, local) in
            [("api_one", false), ("api_two", true), ("open", false), ("closed", false), ("x", true)]
        {
            assert_eq!(is_local(&script, name), local, "{name}");
        }
        let later = VersionScript::parse(b"{ a*; }; V { local: ab*; } V1 V0;").unwrap();
        assert!(is_local(&later, "abc") && !is_local(&later, "acc") && !is_local(&later, "b"));
        assert!(VersionScript::parse(b" # nothing\n").unwrap().is_empty());
    }

    #[test]
    fn labels_and_names_with_colons() {
        let script = VersionScript::parse(b"{global:a;local :*;};").unwrap();
        assert!(!is_local(&script, "a") && is_local(&script, "b"));
        let script =
            VersionScript::parse(b"{ extern \"C++\" { local::f*; }; global: x; local:*; };").unwrap();
        assert!(!is_local(&script, "local::f") && is_local(&script, "local"));
    }

    #[test]
    fn mistakes_have_lines() {
        for (text, expected) in [
            ("{ a", "line 1: expected ;, but got the end of the file"),
            ("{\n\n a b; };", "line 3: expected ;, but got b"),
            ("V1;", "line 1: expected {, but got ;"),
            ("{ extern \"D\" { a; }; };", "line 1: the language of extern is \"C\" or \"C++\""),
            ("{ \"a", "line 1: the closing \" is missing"),
            ("{ a; }", "line 1: expected ; or the version before, but got the end of the file"),
        ] {
            assert_eq!(VersionScript::parse(text.as_bytes()).unwrap_err().to_string(), expected, "{text}");
        }
        assert_eq!(DynamicList::parse(b"{ a; } b").unwrap_err().to_string(), "line 1: expected ;, but got b");
    }

    #[test]
    fn lists_contain_names_and_patterns() {
        let mut list = DynamicList::parse(b"{ a; [x-z]1; \"*\"; };").unwrap();
        let contains = |list: &DynamicList, name: &str| {
            list.contains(&SymbolName::new(name.as_bytes(), |_| String::new()))
        };
        assert!(contains(&list, "a") && contains(&list, "y1") && contains(&list, "*"));
        assert!(!contains(&list, "b") && !contains(&list, "w1"));
        list.add("b?");
        assert!(contains(&list, "bc") && !contains(&list, "b"));
        assert!(!list.is_empty() && DynamicList::default().is_empty());
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "", false),
            ("[!a-c]x", "dx", true),
            ("[^a-c]x", "bx", false),
            ("[]a]", "]", true),
            ("[a", "[a", true),
            ("\\*a", "*a", true),
            ("\\*a", "ba", false),
            ("a", "ab", false),
        ] {
            assert_eq!(matches_glob(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        let (pattern, text) = ("*a".repeat(2000) + "b", "a".repeat(20_000));
        assert!(!matches_glob(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn any_bytes_are_read_to_an_end() {
        let text = b"V{global:a*;local:\"b\";extern \"C++\"{c;}}W;/*#*/";
        for at in 0..text.len() {
            for byte in [b'{', b'}', b';', b'"', b'*', b'[', b':', b'#', 0, 0xff, b' '] {
                let mut changed = text.to_vec();
                changed[at] = byte;
                let _ = (VersionScript::parse(&changed), DynamicList::parse(&changed));
                let _ = VersionScript::parse(&text[..at]);
            }
        }
    }
}
