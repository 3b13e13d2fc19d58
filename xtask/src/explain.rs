//! The first difference between two modules, in words: section, function or segment, offset, some bytes of each.

use crate::module::{sections, Part, Section};
use std::ops::Range;

/// How many bytes of each side are shown.
const SHOWN: usize = 12;

/// Says where `wald` first differs from `reference`; `None` if they are equal.
pub fn first_difference(wald: &[u8], reference: &[u8]) -> Option<String> {
    if wald == reference {
        return None;
    }
    let (ours, our_end) = sections(wald);
    let (theirs, their_end) = sections(reference);
    for (index, (our, their)) in ours.iter().zip(&theirs).enumerate() {
        if our.name != their.name {
            return Some(format!(
                "section {index} is '{}' with wald and '{}' with wasm-ld (at offset {:#x})",
                our.name, their.name, our.whole.start
            ));
        }
        if wald[our.whole.clone()] != reference[their.whole.clone()] {
            let others = differing_sections(&ours[index + 1..], &theirs[index + 1..], wald, reference);
            return Some(in_section(our, their, wald, reference) + &others);
        }
    }
    Some(match (ours.get(theirs.len()), theirs.get(ours.len())) {
        (Some(extra), _) => format!("only wald writes section {} '{}'", theirs.len(), extra.name),
        (_, Some(missing)) => format!("only wasm-ld writes section {} '{}'", ours.len(), missing.name),
        _ => format!(
            "what follows the last readable section differs (wald {our_end:#x}, wasm-ld {their_end:#x})"
        ),
    })
}

/// `; also different: name, .debug_info` for the sections after the first different one.
fn differing_sections(ours: &[Section], theirs: &[Section], wald: &[u8], reference: &[u8]) -> String {
    let different: Vec<&str> = ours
        .iter()
        .zip(theirs)
        .filter(|(our, their)| wald[our.whole.clone()] != reference[their.whole.clone()])
        .map(|(our, _)| our.name.as_str())
        .collect();
    if different.is_empty() {
        return String::new();
    }
    format!("\n  also different: {}", different.join(", "))
}

fn in_section(our: &Section, their: &Section, wald: &[u8], reference: &[u8]) -> String {
    let mut text = format!("section '{}'", our.name);
    if our.whole.len() != their.whole.len() {
        text += &format!(" ({} bytes with wald, {} with wasm-ld)", our.whole.len(), their.whole.len());
    }
    let parts = our.parts.iter().zip(&their.parts);
    let different =
        parts.clone().find(|(our, their)| wald[our.range.clone()] != reference[their.range.clone()]);
    let (our_range, their_range) = match different {
        Some((our, their)) => {
            text += &format!(", {}", label(our, their));
            (our.range.clone(), their.range.clone())
        }
        None if our.parts.len() != their.parts.len() => {
            let (longer, who) = match our.parts.len() > their.parts.len() {
                true => (&our.parts[their.parts.len()], "wald"),
                false => (&their.parts[our.parts.len()], "wasm-ld"),
            };
            return format!("{text}: only {who} has {}", longer.label);
        }
        None => (our.whole.clone(), their.whole.clone()),
    };
    text + &at_offset(&wald[our_range.clone()], &reference[their_range.clone()], our_range, their_range)
}

fn label(our: &Part, their: &Part) -> String {
    if our.label == their.label {
        our.label.clone()
    } else {
        format!("{} (with wasm-ld: {})", our.label, their.label)
    }
}

/// Offset in the part, in the file, and the bytes from there on.
fn at_offset(our: &[u8], their: &[u8], our_range: Range<usize>, their_range: Range<usize>) -> String {
    let at =
        our.iter().zip(their).position(|(our, their)| our != their).unwrap_or(our.len().min(their.len()));
    let mut text = format!(", byte {at} of {}", our.len());
    if our.len() != their.len() {
        text += &format!(" (with wasm-ld of {})", their.len());
    }
    text += &format!(", file offset {:#x}", our_range.start + at);
    if our_range.start != their_range.start {
        text += &format!(" (with wasm-ld {:#x})", their_range.start + at);
    }
    text + &format!("\n  wald:    {}\n  wasm-ld: {}", bytes_at(our, at), bytes_at(their, at))
}

fn bytes_at(bytes: &[u8], at: usize) -> String {
    let end = bytes.len().min(at + SHOWN);
    let shown: Vec<String> = bytes[at..end].iter().map(|byte| format!("{byte:02x}")).collect();
    match (shown.is_empty(), end == bytes.len()) {
        (true, _) => "(ends here)".into(),
        (_, true) => shown.join(" ") + " (end)",
        _ => shown.join(" ") + " …",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with one function `f`, an import before it, a segment `s`, and names for them.
    fn module(body: &[u8], data: &[u8]) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id: u8, content: &[u8]| {
            module.extend([id, content.len() as u8]);
            module.extend(content);
        };
        section(1, b"\x01\x60\0\0");
        section(2, b"\x01\x01m\x01i\0\0");
        section(3, b"\x01\0");
        section(5, b"\x01\0\x01");
        let mut code = vec![1, body.len() as u8];
        code.extend(body);
        section(10, &code);
        let mut segment = b"\x01\0\x41\0\x0b".to_vec();
        segment.push(data.len() as u8);
        segment.extend(data);
        section(11, &segment);
        section(0, b"\x04name\x01\x07\x02\0\x01i\x01\x01f\x09\x04\x01\0\x01s");
        module
    }

    #[test]
    fn equal_modules_have_no_difference() {
        assert_eq!(first_difference(&module(b"\0\x0b", b"x"), &module(b"\0\x0b", b"x")), None);
    }

    #[test]
    fn a_function_is_named() {
        let text = first_difference(&module(b"\0\x01\x0b", b"x"), &module(b"\0\0\x0b", b"x")).unwrap();
        assert!(text.contains("section 'code', function 1 'f', byte 2 of 4"), "{text}");
        assert!(text.contains("wald:    01 0b (end)"), "{text}");
    }

    #[test]
    fn a_segment_is_named_and_its_length_shown() {
        let text = first_difference(&module(b"\0\x0b", b"abc"), &module(b"\0\x0b", b"ab")).unwrap();
        assert!(
            text.contains("section 'data' (11 bytes with wald, 10 with wasm-ld), segment 0 's'"),
            "{text}"
        );
    }

    #[test]
    fn a_name_is_named() {
        let mut other = module(b"\0\x0b", b"x");
        let at = other.len() - 1;
        other[at] = b'z';
        let text = first_difference(&module(b"\0\x0b", b"x"), &other).unwrap();
        assert!(
            text.contains("the name of segment 0 's' (with wasm-ld: the name of segment 0 'z')"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_section_and_garbage_are_said() {
        let whole = module(b"\0\x0b", b"x");
        let text = first_difference(&whole[..8], &whole).unwrap();
        assert_eq!(text, "only wasm-ld writes section 0 'type'");
        assert!(first_difference(b"", &whole).is_some());
        assert!(first_difference(&whole[..20], &whole).is_some());
    }
}
