//! `--verbose-link`: the link as the linker got it. The command line, every input in order, and every archive
//! member that was linked: with the symbol it was needed for, or because of `--whole-archive`.

use wald::bytes::Bytes;
use wald::diagnostics::{Code, Diagnostic};

use crate::parse::Arguments;

/// The command line with its response files expanded, and the inputs with `-l` looked up.
pub fn inputs<'a>(arguments: &Arguments, paths: impl Iterator<Item = &'a str>) -> Vec<Diagnostic> {
    let command_line: Vec<String> = arguments.command_line.iter().map(|text| shell_quoted(text)).collect();
    let first = message(format!("command line: {}", command_line.join(" ")));
    let inputs = paths.map(|path| message(format!("input: {path}")));
    std::iter::once(first).chain(inputs).collect()
}

/// The lines of a `--why-extract` report (reference, member, symbol), as sentences.
pub fn extractions(report: &str) -> Vec<Diagnostic> {
    let lines = report.lines().skip(1).map(|line| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (reference, member, symbol) = (field(), field(), field());
        message(format!("extracted: {member} for {symbol}, which {reference} refers to"))
    });
    lines.collect()
}

/// The objects in an archive, as messages name them. Whether the archive is sound is checked where it is linked.
pub fn members(archive: &str, bytes: &Bytes) -> Vec<String> {
    let Ok(parsed) = wald::archive::parse(bytes) else { return Vec::new() };
    let is_object = |start: usize| bytes.get(start..).is_some_and(|bytes| bytes.starts_with(b"\0asm"));
    let members = parsed.members.iter().filter(|member| parsed.thin || is_object(member.start));
    members.map(|member| format!("{archive}({})", member.name)).collect()
}

/// Lists the members that `--whole-archive` links, before those that were extracted.
pub fn insert_members(members: impl IntoIterator<Item = String>, diagnostics: &mut Vec<Diagnostic>) {
    let is_report = |diagnostic: &Diagnostic| diagnostic.code == Code::WhyExtract;
    // Without a report the link failed before it.
    let Some(at) = diagnostics.iter().position(is_report) else { return };
    let lines = members.into_iter().map(|member| message(format!("linked: {member} for --whole-archive")));
    diagnostics.splice(at..at, lines);
}

fn message(text: String) -> Diagnostic {
    Diagnostic::message(Code::Verbose, text)
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
