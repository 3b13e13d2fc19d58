//! What the terminals of this process can do, and what the environment says about them.

#![allow(unsafe_code, reason = "asks the terminal")]

use std::ffi::OsString;
use std::fs::File;

/// A terminal that does not tell its width most likely has this one.
const USUAL_WIDTH: usize = 80;

/// Standard output and standard error as terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether standard output and standard error are terminals.
    pub is_terminal: [bool; 2],
    /// Whether `--color-diagnostics=auto` means color.
    pub has_color: bool,
    /// Whether standard error shows links.
    pub has_hyperlinks: bool,
    /// Whether a line on the terminal can be written over.
    pub can_rewrite: bool,
    /// `COLUMNS`, for terminals that do not tell their width.
    columns: Option<usize>,
}

impl Terminal {
    /// What is known before the link. The variables are those of <https://no-color.org> and <https://bixense.com/clicolors>;
    /// `TERM=dumb` is a terminal without colors and cursor movement.
    pub fn new(is_terminal: [bool; 2], variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let is_forced =
            is_set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let can_rewrite = is_terminal[1] && variable("TERM").is_none_or(|value| value != "dumb");
        let columns = variable("COLUMNS").and_then(|value| value.to_str()?.parse().ok());
        Terminal {
            is_terminal,
            has_color: !is_set("NO_COLOR") && (is_forced || can_rewrite),
            has_hyperlinks: can_rewrite && crate::hyperlinks::are_supported(variable),
            can_rewrite,
            columns: columns.filter(|&columns| columns > 0),
        }
    }

    /// How many columns a line may have on `screen`. The window may have been resized since the last line.
    pub fn width(&self, screen: &File) -> usize {
        window_columns(screen).or(self.columns).unwrap_or(USUAL_WIDTH)
    }
}

/// The window's width, if the system tells it.
#[cfg(unix)]
fn window_columns(screen: &File) -> Option<usize> {
    use std::os::fd::AsRawFd;
    // SAFETY: `winsize` is a C structure of numbers, for which all zeros is a value.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and the request writes one `winsize`.
    let result = unsafe { libc::ioctl(screen.as_raw_fd(), libc::TIOCGWINSZ, &mut size) };
    (result == 0 && size.ws_col > 0).then(|| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn window_columns(_: &File) -> Option<usize> {
    None
}

/// Cuts a text to fit into `width` columns, at its start: file names differ at the end. A character outside ASCII may take
/// two columns.
pub fn cut_start(text: &str, width: usize) -> String {
    let columns = |character: char| if character.is_ascii() { 1 } else { 2 };
    if text.chars().map(columns).sum::<usize>() <= width {
        return text.to_string();
    }
    let (mut start, mut free) = (text.len(), width.saturating_sub(3));
    for (at, character) in text.char_indices().rev() {
        let Some(rest) = free.checked_sub(columns(character)) else { break };
        (start, free) = (at, rest);
    }
    format!("{}{}", &"..."[..width.min(3)], &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_about_color() {
        let color = |is_terminal: bool, set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            };
            let terminal = Terminal::new([false, is_terminal], &variable);
            (terminal.has_color, terminal.can_rewrite)
        };
        assert_eq!(color(true, &[]), (true, true));
        assert_eq!(color(false, &[]), (false, false));
        assert_eq!(color(true, &[("TERM", "xterm"), ("NO_COLOR", "")]), (true, true));
        assert_eq!(color(true, &[("NO_COLOR", "0")]), (false, true));
        assert_eq!(color(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), (false, true));
        assert_eq!(color(false, &[("CLICOLOR_FORCE", "1")]), (true, false));
        assert_eq!(color(false, &[("CLICOLOR_FORCE", "0")]), (false, false));
        assert_eq!(color(true, &[("TERM", "dumb")]), (false, false));
        assert_eq!(color(true, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]), (true, false));
    }

    #[test]
    fn long_names_lose_their_start() {
        assert_eq!(cut_start("dir/a.o", 7), "dir/a.o");
        assert_eq!(cut_start("dir/a.o", 6), "...a.o");
        assert_eq!(cut_start("äöü.o", 7), "...ü.o");
        assert_eq!(cut_start("äöü.o", 8), "äöü.o");
        assert_eq!((cut_start("abcd", 2), cut_start("abcd", 0)), ("..".into(), "".into()));
    }
}
