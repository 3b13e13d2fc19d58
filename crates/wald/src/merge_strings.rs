//! Merges NUL-terminated strings. Equal strings become one, and a string that is the tail of another points into it.
//!
//! The order is wasm-ld's: unique strings sorted by their reversed text, greatest first. So every tail directly follows a
//! string that ends with it. Splitting, finding duplicates and sorting run in parallel; the result does not depend on the number
//! of threads.

mod deduplicate;
mod inserted;
mod merged;
mod sort;
mod sorted;
mod tails;
mod unique;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::object::InputSection;
use crate::options::Options;
use crate::symbols::SymbolTable;

pub(crate) use deduplicate::starts_of;
pub(crate) use inserted::Finished;
pub use merged::MergedStrings;
pub(crate) use sort::sort;
pub(crate) use sorted::Sorted;
pub(crate) use tails::key;
pub use unique::Input;
pub(crate) use unique::{text, Unique};

/// Checks that everything that is to be merged ends with a NUL, whether or not it will be linked.
pub fn check_terminated(
    options: &Options,
    symbols: &SymbolTable,
    diagnostics: &mut Diagnostics,
) -> Result<(), LinkFailure> {
    let suspects = symbols.objects.iter().filter(|o| o.properties.has_unterminated_strings);
    for linked in suspects {
        let bytes: &[u8] = &linked.object().bytes;
        let segments = linked.object().segments.iter().filter(|segment| segment.is_mergeable(options));
        let sections = linked.object().custom_sections.iter();
        let sections =
            sections.filter(|s| s.data.len > 0 && InputSection::is_mergeable(options, s.name.of(bytes)));
        let chunks = sections.map(|s| (s.name, s.data)).chain(segments.map(|s| (s.name, s.data)));
        for (name, _) in chunks.filter(|(_, data)| data.of(bytes).last() != Some(&0)) {
            let name = String::from_utf8_lossy(name.of(bytes));
            let message = format!("{}:({name}): string is not null terminated", linked.path);
            diagnostics.push(Diagnostic::error(Code::Parse, message));
        }
    }
    diagnostics.check()
}

/// Merges the strings of `inputs`.
pub fn merge(inputs: &[Input<'_>]) -> MergedStrings {
    Sorted::new(inputs, false).merged()
}

#[cfg(test)]
mod tests {
    use super::unique::text;
    use super::*;
    use crate::object::StringTable;

    #[test]
    fn tails_point_into_longer_strings() {
        let inputs: [&[u8]; 2] = [b"zero\0one\0gone\0", b"one\0\0averylongstringtail\0longstringtail\0"];
        let mut table = StringTable::default();
        let chunks = inputs.map(|data| table.add(data));
        let split: Vec<Input<'_>> =
            chunks.iter().zip(inputs).map(|(chunk, data)| (table.of(*chunk), data)).collect();
        let merged = merge(&split);
        let mut out = vec![0xaa; merged.size as usize];
        merged.write(|input| inputs[input as usize], 0..merged.strings.len(), &mut out);
        assert_eq!(out, b"zero\0averylongstringtail\0gone\0");
        for (input, &contents) in split.iter().enumerate() {
            for position in 0..contents.0.len() {
                let offset = merged.offsets[merged.starts[input] as usize + position];
                assert!(out[offset as usize..].starts_with(text(contents, position)));
            }
        }
    }
}
