//! Reads numbers in options as LLVM does.

use crate::option_table::Opt;
use crate::parse::Arguments;

/// The integer value of an option, or wasm-ld's message if it is not an integer.
pub fn integer(arguments: &Arguments, option: Opt) -> Result<Option<i64>, String> {
    let Some((_, text, value)) = arguments.last(&[option]) else { return Ok(None) };
    let value = value.unwrap_or_default();
    match decimal(value) {
        Some(number) => Ok(Some(number)),
        None => Err(format!("{text}: number expected, but got '{value}'")),
    }
}

/// A signed decimal number, as for most options.
pub fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// An unsigned number. The prefix determines the base: `0x`, `0b`, `0o`, `0` (octal) or none.
pub fn any_base(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (radix, digits) = match bytes {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', b'o', ..] => (8, &text[2..]),
        [b'0', b'0'..=b'9', ..] => (8, &text[1..]),
        _ => (10, text),
    };
    digits
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric())
        .then(|| u64::from_str_radix(digits, radix).ok())?
}

/// The bytes of a `0x…` build ID, two digits per byte. An odd last digit is a byte by itself. An error contains the first pair that
/// is not a number.
pub fn hex_bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte = |pair: &[u8]| {
        let mut digits = pair.iter().map(|&digit| char::from(digit).to_digit(16));
        digits.try_fold(0, |byte, digit| Some(byte << 4 | digit? as u8))
    };
    let pairs = crate::text::to_bytes(text).chunks(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
    pairs.iter().map(|pair| byte(pair).ok_or_else(|| crate::text::from_bytes(pair))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers() {
        assert_eq!(decimal("065"), Some(65));
        assert_eq!(decimal("-1"), Some(-1));
        for bad in ["", "-", "+1", "0x1", "1 ", "9223372036854775808"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_with_a_base() {
        for (text, value) in
            [("10", 10), ("0x1F", 31), ("0X1f", 31), ("0b101", 5), ("0o17", 15), ("017", 15), ("0", 0)]
        {
            assert_eq!(any_base(text), Some(value), "{text}");
        }
        for bad in ["", "-1", "+1", "0x", "08", "1_0", "18446744073709551616"] {
            assert_eq!(any_base(bad), None, "{bad}");
        }
    }

    #[test]
    fn build_ids() {
        assert_eq!(hex_bytes("aBc"), Ok(vec![0xab, 0xc]));
        assert_eq!(hex_bytes(""), Ok(vec![]));
        assert_eq!(hex_bytes("ab0gzz"), Err("0g".to_string()));
    }
}
