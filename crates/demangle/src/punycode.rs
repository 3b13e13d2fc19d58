//! Punycode (RFC 3492) as Rust's mangling uses it, `_` being the delimiter.

/// Characters are inserted in the middle, which takes time with the square of the length.
const MAX_LEN: usize = 4096;

/// Appends the characters that `text` encodes to `out`; `None` if it is not well formed.
pub(crate) fn decode(text: &[u8], out: &mut Vec<char>) -> Option<()> {
    if text.len() > MAX_LEN {
        return None;
    }
    let (base, digits) = match text.iter().rposition(|&b| b == b'_') {
        Some(delimiter) => (&text[..delimiter], &text[delimiter + 1..]),
        None => (&text[..0], text),
    };
    out.extend(base.iter().map(|&b| char::from(b)));
    let mut digits = digits.iter();
    let mut code = 0x80usize;
    let mut bias = 72;
    let mut position = 0usize;
    let mut first = true;
    while digits.len() > 0 {
        let before = position;
        let mut weight = 1usize;
        let mut k = 36usize;
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => byte - b'a',
                byte @ b'0'..=b'9' => byte - b'0' + 26,
                _ => return None,
            };
            position = position.checked_add(usize::from(digit).checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if usize::from(digit) < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let count = out.len() + 1;
        bias = adapt(position - before, count, first);
        first = false;
        code = code.checked_add(position / count)?;
        position %= count;
        out.insert(position, char::from_u32(u32::try_from(code).ok()?)?);
        position += 1;
    }
    Some(())
}

fn adapt(delta: usize, count: usize, first: bool) -> usize {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / count;
    let mut k = 0;
    while delta > 35 * 26 / 2 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}
