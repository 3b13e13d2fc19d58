//! `cargo xtask guide`: writes the option tables of `docs/guide.md` from the command's option table.

use crate::workspace::{read, root, write};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask guide

Writes the part of docs/guide.md that lists the options, from crates/wald-cli/src/option_table.rs. A test fails if the guide
is out of date.
";

const START: &str = "<!-- options: written by cargo xtask guide -->\n";
const END: &str = "<!-- end of options -->\n";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let path = root().join("docs/guide.md");
    let guide = String::from_utf8(read(&path)?).map_err(|error| error.to_string())?;
    write(&path, with_options(&guide)?)
}

/// The guide with its option tables replaced by those of the option table.
pub fn with_options(guide: &str) -> Result<String, String> {
    let parts = guide.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("docs/guide.md lacks the lines {START}and {END}"))?;
    Ok(format!("{before}{START}\n{}{END}{after}", wald_cli::option_guide()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marked_part_is_replaced() {
        let guide = format!("before\n{START}stale tables\n{END}after\n");
        let new = with_options(&guide).unwrap();
        assert!(new.starts_with(&format!("before\n{START}\n### Inputs")), "{new}");
        assert!(new.ends_with(&format!("\n\n{END}after\n")) && !new.contains("stale tables"));
        assert!(with_options("no marks").is_err());
    }
}
