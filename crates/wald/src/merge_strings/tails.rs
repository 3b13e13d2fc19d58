//! The order of strings by their reversed text, greatest first, eight bytes at a time.

use std::cmp::Ordering;

/// How many bytes a key holds.
pub const WIDTH: usize = 8;

/// The eight bytes of a string before its last `depth` ones and the NUL, the last on top. Zeros are where the string has
/// no byte.
pub fn key(text: &[u8], depth: usize) -> u64 {
    let body = &text[..(text.len() - 1).saturating_sub(depth)];
    match body.last_chunk::<WIDTH>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => {
            let mut bytes = [0; WIDTH];
            bytes[WIDTH - body.len()..].copy_from_slice(body);
            u64::from_le_bytes(bytes)
        }
    }
}

/// The order of two strings whose last `depth` bytes before the NUL are equal.
pub fn order(a: &[u8], b: &[u8], mut depth: usize) -> Ordering {
    loop {
        match key(b, depth).cmp(&key(a, depth)) {
            Ordering::Equal if depth < a.len().max(b.len()) => depth += WIDTH,
            order => return order,
        }
    }
}
