//! Reads and writes JSON: timelines, and the jobs of distributed ThinLTO.

use std::fmt::Write;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `true`, `false` or a number, as written.
    Word(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object, in the file's order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value of a key. `None` if there is none, or if this is not an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(values) => Some(values),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A string in quotes.
pub fn quote(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json += "\\\"",
            '\\' => json += "\\\\",
            '\0'..='\x1f' => {
                let _ = write!(json, "\\u{:04x}", character as u32);
            }
            _ => json.push(character),
        }
    }
    json + "\""
}

/// An array of strings.
pub fn quote_list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", "))
}

/// Reads a value.
///
/// # Errors
/// What is expected, and the offset in bytes.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.expected("the end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn expected(&self, what: &str) -> String {
        format!("offset {}: expected {what}", self.at)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Skips spaces and then this character, if it is next.
    fn skip(&mut self, wanted: char) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth == MAX_DEPTH {
            return Err(self.expected("less nesting"));
        }
        self.skip_space();
        match self.peek() {
            Some('"') => self.string().map(Value::Text),
            Some('[') => self.list(depth),
            Some('{') => self.object(depth),
            _ => self.word(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let mut values = Vec::new();
        self.skip('[');
        while !self.skip(']') {
            if !values.is_empty() && !self.skip(',') {
                return Err(self.expected("',' or ']'"));
            }
            values.push(self.value(depth + 1)?);
        }
        Ok(Value::List(values))
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        let mut entries = Vec::new();
        self.skip('{');
        while !self.skip('}') {
            if !entries.is_empty() && !self.skip(',') {
                return Err(self.expected("',' or '}'"));
            }
            self.skip_space();
            let key = self.string()?;
            if !self.skip(':') {
                return Err(self.expected("':'"));
            }
            entries.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Object(entries))
    }

    fn word(&mut self) -> Result<Value, String> {
        let rest = &self.text[self.at..];
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let word = &rest[..rest.find(|character| !is_part(character)).unwrap_or(rest.len())];
        if !matches!(word, "null" | "true" | "false") && word.parse::<f64>().is_err() {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(Value::Word(word.into()))
    }

    fn string(&mut self) -> Result<String, String> {
        if self.peek() != Some('"') {
            return Err(self.expected("a string"));
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(character) if character >= ' ' => text.push(character),
                _ => return Err(self.expected("the end of the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        Ok(match self.next() {
            Some(character @ ('"' | '\\' | '/')) => character,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => self.code_point()?,
            _ => return Err(self.expected("an escape")),
        })
    }

    /// The character of `\uXXXX`, or of two of them that are a pair of surrogates.
    fn code_point(&mut self) -> Result<char, String> {
        let first = self.unit()?;
        let code = match first {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 2;
                let second = self.unit()?;
                0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| self.expected("a character"))
    }

    fn unit(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += if unit.is_some() { 4 } else { 0 };
        unit.ok_or_else(|| self.expected("four digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_again() {
        let text = "a \"b\" \\ \n\t\u{1} ü 𝕎";
        assert_eq!(parse(&quote(text)), Ok(Value::Text(text.into())));
        assert_eq!(parse(r#""\u00fc\ud835\udd4e\/""#), Ok(Value::Text("ü𝕎/".into())));
        let list = vec!["a".to_string(), String::new()];
        assert_eq!(parse(&quote_list(&list)), Ok(Value::List(list.into_iter().map(Value::Text).collect())));
    }

    #[test]
    fn values() {
        let value = parse(" {\"a\" : [1, -2.5e3, true], \"b\":{} } ").unwrap();
        assert_eq!(value.get("a").and_then(Value::as_list).map(<[_]>::len), Some(3));
        assert_eq!(value.get("b"), Some(&Value::Object(Vec::new())));
        assert_eq!(value.get("c"), None);
    }

    #[test]
    fn malformed_text() {
        for (text, message) in [
            ("", "offset 0: expected a value"),
            ("[1 2]", "offset 3: expected ',' or ']'"),
            ("{\"a\" 1}", "offset 5: expected ':'"),
            ("{1:2}", "offset 1: expected a string"),
            ("\"a", "offset 2: expected the end of the string"),
            ("\"\\ud800\"", "offset 7: expected a character"),
            ("\"\\u12\"", "offset 3: expected four digits"),
            ("1 1", "offset 2: expected the end"),
        ] {
            assert_eq!(parse(text), Err(message.into()), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
