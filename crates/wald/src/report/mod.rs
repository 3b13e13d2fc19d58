//! Reports about a link.

use crate::input::Candidate;
use crate::layout::Layout;
use crate::resolve::{display_name, Extraction};

/// Why archive members were extracted: who needed which symbol, one line each.
pub fn why_extract(layout: &Layout<'_>, files: &[Candidate], extractions: &[Extraction]) -> String {
    let mut out = String::from("reference\textracted\tsymbol\n");
    for extraction in extractions {
        let name = layout.symbols.get(extraction.symbol).name;
        let name = display_name(layout.names.text(name.0), layout.options.demangle);
        let file = files[extraction.file.at()].display();
        out.push_str(&format!("{}\t{file}\t{name}\n", extraction.reference));
    }
    out
}
