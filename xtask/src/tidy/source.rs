//! A Rust file as the rules see it: its text, and its code with comments, strings and tests blanked out.
//!
//! Blanking keeps every line where it is, so that line numbers stay right. No parser: the rules look for words and count
//! braces, and need only to know what is code.

/// A Rust file.
pub struct RustFile {
    /// From the workspace on.
    pub name: String,
    /// The unchanged text.
    pub text: String,
    /// Comments and the contents of strings and character literals are blanks.
    pub code: String,
    /// As `code`, and items after `#[cfg(test)]` are blanks too. Empty for files with tests only.
    pub product: String,
}

impl RustFile {
    /// Cuts up a file.
    pub fn new(name: String, text: String) -> Self {
        let code = blank_comments_and_strings(&text);
        let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.contains("/benches/");
        let product = if is_test { String::new() } else { blank_tests(&code) };
        RustFile { name, text, code, product }
    }
}

/// A file's code: comments and the contents of strings are blanks. C's are like Rust's.
pub fn code_of(text: &str) -> String {
    blank_comments_and_strings(text)
}

/// The line of a byte, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The offsets of a word that is not part of a longer one.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = code[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let after = code[at + word.len()..].chars().next().is_none_or(|c| !is_word(c));
        before && after
    })
}

/// Whether a character belongs to a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The place of the brace that closes the one at `open`.
pub fn matching_brace(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(open + at);
                }
            }
            _ => {}
        }
    }
    None
}

fn blank_tests(code: &str) -> String {
    let mut product = code.to_string();
    let mut from = 0;
    let starts = ["#[cfg(test)]", "#[cfg(all(test,"];
    while let Some(at) = starts.iter().filter_map(|start| product[from..].find(start)).min() {
        let at = from + at;
        let Some(body) = product[at..].find(['{', ';']).map(|body| at + body) else { break };
        let end = if product.as_bytes()[body] == b'{' { matching_brace(&product, body) } else { Some(body) };
        let Some(end) = end else { break };
        let blanks = blank(&product[at..=end]);
        product.replace_range(at..=end, &blanks);
        from = at + blanks.len();
    }
    product
}

/// Blanks of the same length; lines end where they ended.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

fn blank_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let after_word = code.chars().next_back().is_some_and(is_word);
        let (kept, blanked) = match token(rest, after_word) {
            Some(lengths) => lengths,
            None => (rest.chars().next().map_or(1, char::len_utf8), 0),
        };
        let (head, tail) = rest.split_at(kept + blanked);
        // Characters of several bytes become several blanks, so that offsets stay the same.
        code += &head[..kept];
        code += &blank(&head[kept..]);
        rest = tail;
    }
    code
}

/// A comment, string or character literal at the start: how much of it is kept, and how much after that is blanked.
fn token(rest: &str, after_word: bool) -> Option<(usize, usize)> {
    if rest.starts_with("//") {
        return Some((0, rest.find('\n').unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return Some((0, block_comment(rest)));
    }
    if rest.starts_with('"') {
        return Some((1, string_end(rest, 1) - 1));
    }
    if rest.starts_with('\'') {
        return character(rest).map(|end| (1, end - 1));
    }
    if !after_word {
        for prefix in ["r", "br", "cr"] {
            let Some(behind) = rest.strip_prefix(prefix) else { continue };
            let hashes = behind.len() - behind.trim_start_matches('#').len();
            if behind[hashes..].starts_with('"') {
                let start = prefix.len() + hashes + 1;
                let close = format!("\"{}", "#".repeat(hashes));
                let end = rest[start..].find(&close).map_or(rest.len(), |at| start + at + close.len());
                return Some((start, end - start));
            }
        }
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The end of a string whose contents begin at `start`, with the closing quote.
fn string_end(rest: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The end of a character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1);
    let (_, first) = characters.next()?;
    if first == '\\' {
        let end = characters.skip(1).find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
        return end;
    }
    characters.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let code = blank_comments_and_strings(
            "a /* \" /* */ x */ b // c\n\"todo!()\\\"\" 'x' '\\'' r#\"fn \"# d<'a>",
        );
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "\"", "'", "'", "r#\"", "d<'a>"]);
    }

    #[test]
    fn tests_are_no_product() {
        let text = "fn a() {\n  let f: fn() = || {};\n}\nfn b(x: [u8; 4]);\nfn c(x: [u8; 4]) -> u8 { 1 }\n#[cfg(test)]\nmod t {\nfn d() { x.unwrap() }\n}\nfn e() {}\n#[cfg(all(test, unix))]\nmod u { fn g() { x.unwrap() } }\n";
        let file = RustFile::new("x.rs".into(), text.into());
        assert!(!file.product.contains("unwrap") && file.product.contains("fn e"));
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("unsafe_code unsafe {", "unsafe").collect::<Vec<_>>(), [12]);
    }
}
