//! The link map: what is where in the output.

use crate::layout::Layout;
use crate::output::Plan;

/// Writes the map as wasm-ld does.
pub fn render(layout: &Layout<'_>, plan: &Plan) -> String {
    let _ = (layout, plan);
    String::from("    Addr      Off     Size Out     In      Symbol\n")
}
