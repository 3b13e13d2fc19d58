//! `--report`: the report as JSON, or as a page that shows it.
//!
//! The page is one file: style, script and data are inside, so it works without a network. Its source is in `report/`, plain and without
//! a build step. Its content security policy allows this script and style and nothing else.

use wald::report::Report;

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/style.css");
const SCRIPT: &[&str] = &[
    include_str!("report/data.js"),
    include_str!("report/treemap.js"),
    include_str!("report/table.js"),
    include_str!("report/detail.js"),
    include_str!("report/diff.js"),
    include_str!("report/main.js"),
];
/// The hashes of style and script for the policy. A test checks them.
const STYLE_HASH: &str = include_str!("report/style.sha256");
const SCRIPT_HASH: &str = include_str!("report/script.sha256");

/// What `--report=` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The JSON text.
    Json,
    /// The page.
    Html,
}

impl Format {
    /// The format for a path, by its suffix.
    pub fn of_path(path: &str) -> Option<Format> {
        let suffix = path.rsplit_once('.')?.1;
        [("json", Format::Json), ("html", Format::Html), ("htm", Format::Html)]
            .into_iter()
            .find(|(known, _)| suffix.eq_ignore_ascii_case(known))
            .map(|(_, format)| format)
    }
}

/// The report in a format. A page begins with the changes since `earlier`, another report's JSON text.
pub fn render(report: &Report, format: Format, earlier: Option<&str>) -> String {
    let json = report.to_json();
    match format {
        Format::Json => json,
        Format::Html => page(&json, earlier.unwrap_or_default()),
    }
}

fn page(json: &str, earlier: &str) -> String {
    let script = SCRIPT.concat();
    let parts = [
        ("STYLE_HASH", STYLE_HASH.trim()),
        ("SCRIPT_HASH", SCRIPT_HASH.trim()),
        ("STYLE", STYLE),
        ("DATA", json),
        ("EARLIER", earlier),
        ("SCRIPT", &script),
    ];
    let mut page =
        String::with_capacity(PAGE.len() + STYLE.len() + script.len() + json.len() + earlier.len());
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(parts.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text));
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Whether a text can be another report: JSON that begins as reports do. The page looks at the rest.
pub fn is_report(text: &str) -> bool {
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    value.is_ok_and(|value| value["schema"] == "wald-report" && !text.contains('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_decides() {
        assert_eq!(Format::of_path("a/report.HTML"), Some(Format::Html));
        assert_eq!(Format::of_path("report.json"), Some(Format::Json));
        assert_eq!(Format::of_path("report.txt"), None);
        assert_eq!(Format::of_path("json"), None);
    }

    #[test]
    fn the_policy_has_the_hashes_of_style_and_script() {
        assert_eq!(STYLE_HASH.trim(), sha256::base64(STYLE.as_bytes()), "report/style.sha256");
        assert_eq!(SCRIPT_HASH.trim(), sha256::base64(SCRIPT.concat().as_bytes()), "report/script.sha256");
    }

    #[test]
    fn nothing_of_the_page_is_left_to_fill_in() {
        let page = page("{\"data\":1}", "{\"old\":2}");
        assert!(page.contains("{\"data\":1}") && page.contains("{\"old\":2}"));
        assert!(!page.contains("{{"), "{page}");
        for outside in ["http:", "src=", "@import", "url("] {
            let is_link = |line: &&str| line.contains(outside) && !line.contains("xmlns");
            assert_eq!(page.lines().find(is_link), None, "the page needs nothing from outside");
        }
    }

    /// SHA-256, for the test alone. See <https://doi.org/10.6028/NIST.FIPS.180-4>.
    mod sha256 {
        pub fn base64(data: &[u8]) -> String {
            let bits: Vec<u8> =
                hash(data).iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let digits = bits.chunks(6).map(|six| {
                let value = (0..6).fold(0, |value, at| value << 1 | six.get(at).copied().unwrap_or(0));
                char::from(alphabet[usize::from(value)])
            });
            digits.chain(['=']).collect()
        }

        /// The first 32 bits of the fractions of the square or cube roots of the first primes.
        fn constants(count: usize, root: f64) -> Vec<u32> {
            let is_prime = |number: &u32| (2..*number).all(|by| number % by != 0);
            let fraction = |prime: u32| {
                // Exact: the root times 2^32, as an integer.
                let (mut low, mut high) = (0u128, 1u128 << 37);
                while high - low > 1 {
                    let middle = (low + high) / 2;
                    let is_below = match root as u32 {
                        2 => middle * middle <= u128::from(prime) << 64,
                        _ => middle * middle * middle <= u128::from(prime) << 96,
                    };
                    if is_below {
                        low = middle
                    } else {
                        high = middle
                    }
                }
                low as u32
            };
            (2..).filter(is_prime).take(count).map(fraction).collect()
        }

        fn hash(data: &[u8]) -> Vec<u8> {
            let (mut state, rounds) = (constants(8, 2.0), constants(64, 3.0));
            let mut padded = data.to_vec();
            padded.push(0x80);
            while padded.len() % 64 != 56 {
                padded.push(0);
            }
            padded.extend((data.len() as u64 * 8).to_be_bytes());
            for block in padded.chunks(64) {
                let mut w: Vec<u32> = block
                    .chunks(4)
                    .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
                    .collect();
                for at in 16..64 {
                    let (a, b) = (w[at - 15], w[at - 2]);
                    let low = a.rotate_right(7) ^ a.rotate_right(18) ^ a >> 3;
                    let high = b.rotate_right(17) ^ b.rotate_right(19) ^ b >> 10;
                    w.push(w[at - 16].wrapping_add(low).wrapping_add(w[at - 7]).wrapping_add(high));
                }
                let mut v = state.clone();
                for at in 0..64 {
                    let high = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
                    let choice = v[4] & v[5] ^ !v[4] & v[6];
                    let first = v[7]
                        .wrapping_add(high)
                        .wrapping_add(choice)
                        .wrapping_add(rounds[at])
                        .wrapping_add(w[at]);
                    let low = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
                    let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2];
                    v.rotate_right(1);
                    v[4] = v[4].wrapping_add(first);
                    v[0] = first.wrapping_add(low).wrapping_add(majority);
                }
                state.iter_mut().zip(v).for_each(|(old, new)| *old = old.wrapping_add(new));
            }
            state.iter().flat_map(|word| word.to_be_bytes()).collect()
        }
    }
}
