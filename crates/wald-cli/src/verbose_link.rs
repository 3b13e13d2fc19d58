//! `--verbose-link`: the link as the linker got it. The command line, every input in order, and every archive
//! member that was linked: with the symbol it was needed for, or because of `--whole-archive`.

use std::collections::HashSet;
use wald::{Extraction, ExtractionReport, MessageKind};

use crate::inputs::Inputs;
use crate::line::Line;
use crate::parse::Arguments;

/// The command line with its response files expanded, and the inputs with `-l` looked up.
pub fn inputs(arguments: &Arguments, inputs: &Inputs) -> Vec<Line> {
    let command_line: Vec<String> = arguments.command_line.iter().map(|text| shell_quoted(text)).collect();
    let first = Line::verbose(format!("command line: {}", command_line.join(" ")));
    let inputs = inputs.paths().map(|path| Line::verbose(format!("input: {path}")));
    std::iter::once(first).chain(inputs).collect()
}

/// The extracted members, as sentences.
pub fn extractions(report: &ExtractionReport) -> impl Iterator<Item = String> + '_ {
    report.extractions.iter().map(|Extraction { member, symbol, reference, .. }| {
        format!("extracted: {member} for {symbol}, which {reference} refers to")
    })
}

/// Lists the members that `--whole-archive` links, before those that were extracted. A line of `--trace` tells of each linked file;
/// these lines go unless they were asked for.
pub fn list_whole_archives(inputs: &Inputs, lines: &mut Vec<Line>, keeps_trace: bool) {
    let report = lines.iter().position(|line| matches!(line, Line::Extractions(_)));
    if let Some(at) = report {
        let archives: HashSet<&str> = inputs.whole_archives().collect();
        let is_whole = |file: &str| file.rfind('(').is_some_and(|end| archives.contains(&file[..end]));
        let linked = lines[..at].iter().filter_map(|line| match line {
            Line::Message(MessageKind::Trace, file) if is_whole(file) => {
                Some(Line::verbose(format!("linked: {file} for --whole-archive")))
            }
            _ => None,
        });
        let linked: Vec<Line> = linked.collect();
        lines.splice(at..at, linked);
    }
    lines.retain(|line| keeps_trace || !matches!(line, Line::Message(MessageKind::Trace, _)));
}

/// An argument as a POSIX shell takes it.
pub fn shell_quoted(argument: &str) -> String {
    let is_plain = |character: char| {
        character.is_alphanumeric()
            || "-_./=,:+@%^".contains(character)
            || crate::text::byte_of(character).is_some()
    };
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_string();
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        for (argument, quoted) in [
            ("-o", "-o"),
            ("--export=a", "--export=a"),
            ("two words", "'two words'"),
            ("it's", "'it'\\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_quoted(argument), quoted);
        }
    }
}
