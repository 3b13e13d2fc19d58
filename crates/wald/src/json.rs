//! Writes JSON text, without an intermediate value.

use std::fmt::Write;

/// Writes JSON.
#[derive(Default)]
pub(crate) struct Writer {
    out: String,
    /// Whether the next value needs a comma.
    has_value: bool,
}

impl Writer {
    fn comma(&mut self) {
        if std::mem::replace(&mut self.has_value, true) {
            self.out.push(',');
        }
    }

    /// Begins a list or an object.
    pub(crate) fn open(&mut self, bracket: char) {
        self.comma();
        self.out.push(bracket);
        self.has_value = false;
    }

    /// Ends it.
    pub(crate) fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.has_value = true;
    }

    /// A key of an object. Its value follows.
    pub(crate) fn key(&mut self, name: &str) {
        self.text(name);
        self.out.push(':');
        self.has_value = false;
    }

    /// A number.
    pub(crate) fn number(&mut self, number: i64) {
        self.comma();
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{number}");
    }

    /// A text.
    pub(crate) fn text(&mut self, text: &str) {
        self.comma();
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                // `<` could end a script element that contains the text; the others end lines in JavaScript.
                '\0'..='\x1f' | '<' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(character));
                }
                _ => self.out.push(character),
            }
        }
        self.out.push('"');
    }

    /// A key and a text.
    pub(crate) fn field(&mut self, name: &str, text: &str) {
        self.key(name);
        self.text(text);
    }

    /// A key and a number.
    pub(crate) fn field_number(&mut self, name: &str, number: i64) {
        self.key(name);
        self.number(number);
    }

    /// The same, if there is a text.
    pub(crate) fn optional_field(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.field(name, text);
        }
    }

    /// A key and a list of texts.
    pub(crate) fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.key(name);
        self.open('[');
        texts.for_each(|text| self.text(text));
        self.close(']');
    }

    /// A list of numbers.
    pub(crate) fn numbers(&mut self, numbers: impl Iterator<Item = i64>) {
        self.open('[');
        numbers.for_each(|number| self.number(number));
        self.close(']');
    }

    /// A key and a list of numbers.
    pub(crate) fn column(&mut self, name: &str, numbers: impl Iterator<Item = i64>) {
        self.key(name);
        self.numbers(numbers);
    }

    /// The text, with the end of its line.
    pub(crate) fn finish(mut self) -> String {
        self.out.push('\n');
        self.out
    }
}
