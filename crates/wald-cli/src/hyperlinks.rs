//! Links on terminals (OSC 8): the paths that a message names open their files.
//! See <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>.

use crate::data::uri;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use wald::diagnostics::{Diagnostic, Location};

/// Whether the terminal shows links, from what terminals set in the environment.
pub fn are_supported(variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let value = |name: &str| variable(name).and_then(|value| value.into_string().ok()).unwrap_or_default();
    let term = value("TERM");
    if term == "dumb" || !value("NO_HYPERLINKS").is_empty() {
        return false;
    }
    let is_forced = !matches!(&*value("FORCE_HYPERLINK"), "" | "0");
    let known = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio"];
    let terms = ["xterm-kitty", "alacritty", "foot", "xterm-ghostty", "wezterm", "contour"];
    is_forced
        || known.contains(&&*value("TERM_PROGRAM"))
        || terms.iter().any(|name| term.starts_with(name))
        || ["WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "DOMTERM"].iter().any(|name| !value(name).is_empty())
        // GNOME's terminal and its relatives have them since 0.50.
        || value("VTE_VERSION").parse().is_ok_and(|version: u32| version >= 5000)
}

/// The lines of a diagnostic, in which the first mention of each file is a link, if the file exists.
pub fn add(lines: &[u8], diagnostic: &Diagnostic) -> Vec<u8> {
    let folder = std::env::current_dir().unwrap_or_default();
    let place = |(name, path): (Vec<u8>, PathBuf)| {
        let path = folder.join(path);
        let start = lines.windows(name.len()).position(|window| window == name)?;
        path.exists().then(|| (start, name, uri(&path)))
    };
    let mut links: Vec<_> = mentioned(diagnostic).into_iter().filter_map(place).collect();
    links.sort_unstable();
    let mut text = lines.to_vec();
    for (start, name, uri) in links.into_iter().rev() {
        let link = [b"\x1b]8;;", uri.as_bytes(), b"\x1b\\", &name, b"\x1b]8;;\x1b\\"].concat();
        text.splice(start..start + name.len(), link);
    }
    text
}

/// The files that a diagnostic names, each once, as bytes and as a path.
fn mentioned(diagnostic: &Diagnostic) -> Vec<(Vec<u8>, PathBuf)> {
    let places = diagnostic.location.iter().chain(diagnostic.notes.iter().flat_map(|note| &note.locations));
    let mut found: Vec<(Vec<u8>, PathBuf)> = Vec::new();
    let mut add = |path: &Path| {
        let name = path.as_os_str().as_encoded_bytes().to_vec();
        // No link is inside of another one.
        if !name.is_empty()
            && !found.iter().any(|(known, _)| contains(known, &name) || contains(&name, known))
        {
            found.push((name, path.to_path_buf()));
        }
    };
    for Location { path, source, .. } in places {
        add(path);
        if let Some(source) = source {
            add(&PathBuf::from(&source.file));
        }
    }
    found
}

fn contains(name: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && name.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wald::diagnostics::Code;

    #[test]
    fn the_environment_tells() {
        let supported = |set: &[(&str, &str)]| {
            are_supported(&|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            })
        };
        assert!(!supported(&[("TERM", "xterm-256color")]));
        assert!(supported(&[("TERM_PROGRAM", "vscode")]) && supported(&[("TERM", "xterm-kitty")]));
        assert!(supported(&[("VTE_VERSION", "7006")]) && !supported(&[("VTE_VERSION", "4205")]));
        assert!(supported(&[("FORCE_HYPERLINK", "1")]) && !supported(&[("FORCE_HYPERLINK", "0")]));
        assert!(!supported(&[("TERM", "dumb"), ("FORCE_HYPERLINK", "1")]));
    }

    #[test]
    fn existing_files_are_links() {
        let of = |path: &str| {
            let error =
                Diagnostic::error(Code::Parse, format!("{path}: bad")).with_location(Location::file(path));
            String::from_utf8(add(format!("p: error: {path}: bad\n    note: in {path}\n").as_bytes(), &error))
                .unwrap()
        };
        assert_eq!(of("no such file"), "p: error: no such file: bad\n    note: in no such file\n");
        let text = of("Cargo.toml");
        assert!(text.starts_with("p: error: \x1b]8;;file://"), "{text:?}");
        assert!(
            text.ends_with("/Cargo.toml\x1b\\Cargo.toml\x1b]8;;\x1b\\: bad\n    note: in Cargo.toml\n"),
            "{text:?}"
        );
    }
}
