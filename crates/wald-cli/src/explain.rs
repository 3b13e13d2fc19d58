//! `--explain`: a page for each kind of diagnostic. `cargo xtask diagnostics` fills in the examples, which are link cases.

use std::fmt::Write;
use wald::diagnostics::Code;

macro_rules! pages {
    ($($number:literal)*) => {
        /// The page of each kind, by number from 1.
        const PAGES: &[&str] = &[$(include_str!(concat!("explain/W", $number, ".md")),)*];
    };
}

pages! {
    "0001" "0002" "0003" "0004" "0005" "0006" "0007" "0008" "0009" "0010" "0011" "0012" "0013" "0014" "0015" "0016" "0017"
    "0018" "0019" "0020" "0021" "0022" "0023" "0024" "0025" "0026"
}

/// The pages of some kinds: `W0004`, a name, several of them, or `all` for the list. An error is what is none.
pub fn pages(codes: &str) -> Result<String, String> {
    if codes == "all" {
        return Ok(list());
    }
    let mut text = String::new();
    for word in codes.split([' ', ',']).filter(|word| !word.is_empty()) {
        let code = Code::find(word).ok_or_else(|| word.to_string())?;
        let page = PAGES.get(usize::from(code.number()) - 1).copied().unwrap_or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        // Comments say where examples are from.
        page.lines().filter(|line| !line.starts_with("<!--")).for_each(|line| text.extend([line, "\n"]));
    }
    if text.is_empty() {
        return Err(codes.to_string());
    }
    Ok(text)
}

fn list() -> String {
    let mut text = String::new();
    for code in Code::ALL {
        let _ = writeln!(text, "{code}  {:22} {}", code.name(), code.title());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_page() {
        assert_eq!(PAGES.len(), Code::ALL.len());
        for (code, page) in Code::ALL.iter().zip(PAGES) {
            assert!(page.starts_with(&format!("# {code}: {}\n\n", code.name())), "{code}");
            assert!(page.contains("\n## What to do\n"), "{code}");
            // No link case has these: the command never cancels, and `wald-component-ld` makes the components.
            let has_none = [Code::Cancelled, Code::Component].contains(code);
            assert!(has_none || page.contains("\n<!-- case: "), "{code} has no example");
        }
    }

    #[test]
    fn several_pages_and_the_list() {
        let text = pages("W0015, undefined-symbol").unwrap();
        assert!(text.contains("# W0015") && text.contains("# W0004") && !text.contains("<!--"));
        assert_eq!(pages("all").unwrap().lines().count(), Code::ALL.len());
        assert_eq!(pages("W0015 W9999"), Err("W9999".into()));
        assert!(pages("").is_err());
    }
}
