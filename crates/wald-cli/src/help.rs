//! Makes `--help`, the man page, shell completions and the guide's option tables from the option table.

use crate::elf_options;
use crate::option_table::{Alias, Dashes, Kind, Spec, TABLE};
use serde_json::json;
use std::fmt::Write;

/// The column where help texts start.
const COLUMN: usize = 28;
/// The width of the help.
const WIDTH: usize = 80;

/// The forms of the option itself: with and without a value if the value is optional.
fn forms(row: &Spec) -> Vec<String> {
    let name = format!("{}{}", row.shown_dashes(), row.name);
    match row.kind {
        Kind::Flag => vec![name],
        Kind::FlagOrEquals => vec![format!("{name}=<{}>", row.meta), name],
        Kind::Equals | Kind::EqualsOrSeparate | Kind::EqualsOrSeparateOneDash => {
            vec![format!("{name}=<{}>", row.meta)]
        }
        Kind::Joined => vec![format!("{name}<{}>", row.meta)],
        Kind::JoinedOrSeparate => vec![format!("{name} <{}>", row.meta)],
        Kind::Rest => vec![format!("{name} <{}>...", row.meta)],
    }
}

fn alias_form(row: &Spec, alias: &Alias) -> String {
    let dashes = if alias.dashes == Dashes::One { "-" } else { "--" };
    match alias.kind {
        Kind::Flag => format!("{dashes}{}", alias.name),
        Kind::JoinedOrSeparate => format!("{dashes}{} <{}>", alias.name, row.meta),
        _ => format!("{dashes}{}=<{}>", alias.name, row.meta),
    }
}

/// The other spellings. Omits wasm-ld's `-i`: it means `--initial-memory` but takes no value, so it is always an error.
fn aliases(row: &Spec) -> Vec<String> {
    let useful = |alias: &&Alias| (alias.kind == Kind::Flag) == (row.kind == Kind::Flag);
    row.aliases.iter().filter(useful).map(|alias| alias_form(row, alias)).collect()
}

/// All spellings of an option: its own forms, then its aliases.
fn spellings(row: &Spec) -> Vec<String> {
    forms(row).into_iter().chain(aliases(row)).collect()
}

/// The table, group by group.
fn groups() -> impl Iterator<Item = &'static [Spec]> {
    TABLE.chunk_by(|one, next| one.group == next.group)
}

/// The option whose name is most similar to an unknown argument, with its dashes. `None` if none is similar enough.
pub fn nearest(argument: &str) -> Option<String> {
    let wanted = argument.trim_start_matches('-').split('=').next().unwrap_or_default();
    let known = TABLE.iter().filter(|row| !elf_options::needs_habit(row.option));
    let spellings = known.flat_map(|row| {
        let aliases = row.aliases.iter().map(|alias| (alias.name, alias.dashes));
        aliases.chain([(row.name, row.dashes)])
    });
    let long = spellings.filter(|(name, _)| name.len() > 2 && wanted.len() > 2);
    let distance =
        |name: &str| strsim::osa_distance(&name.to_ascii_lowercase(), &wanted.to_ascii_lowercase());
    let (name, dashes) = long.min_by_key(|(name, _)| distance(name))?;
    let dashes = if dashes == Dashes::One { "-" } else { "--" };
    let same = TABLE.iter().find(|row| row.name == name && name == wanted && row.kind == Kind::Equals);
    if let Some(row) = same {
        // Only the value was not written as it must be.
        return forms(row).into_iter().next();
    }
    // A third of the letters may be wrong.
    (distance(name) <= wanted.len().div_ceil(3)).then(|| format!("{dashes}{name}"))
}

/// What `--help` prints.
pub fn help(program: &str) -> String {
    let head = "Wald: a linker for WebAssembly that replaces wasm-ld";
    format!("{head}\n\nUSAGE: {program} [options] file...\n{}", options())
}

/// All options, as `--help` prints them.
pub fn options() -> String {
    let mut text = String::new();
    for rows in groups() {
        let _ = writeln!(text, "\n{}:", rows[0].group.title);
        for row in rows {
            help_entry(&mut text, row);
        }
    }
    text += "\nLong options take one dash or two, unless their first letter is a short option.\n";
    text += "@<file> is replaced by the arguments in the file.\n";
    text += "The environment variable WALD_FLAGS holds further arguments.\n";
    text
}

/// One option: its spellings, with its text next to or below them.
fn help_entry(text: &mut String, row: &Spec) {
    let spellings = wrap(&spellings(row).join(",\u{a0}"), WIDTH - 2);
    let mut lines: Vec<String> =
        spellings.into_iter().map(|line| format!("  {}", line.replace(",\u{a0}", ", "))).collect();
    let help = wrap(row.help, WIDTH - COLUMN);
    let mut help = help.into_iter();
    if let [only] = &mut lines[..] {
        if only.len() + 2 <= COLUMN {
            *only = format!("{only:COLUMN$}{}", help.next().unwrap_or_default());
        }
    }
    lines.extend(help.map(|line| format!("{:COLUMN$}{line}", "")));
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
}

/// Breaks a text at spaces into lines of at most `width` bytes, unless one word is longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.len() - 1;
        if lines[line].is_empty() {
            lines[line] = word.to_string();
        } else if lines[line].len() + 1 + word.len() <= width {
            lines[line] = format!("{} {word}", lines[line]);
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}

/// The guide's tables of options, in Markdown.
pub fn guide() -> String {
    let mut text = String::new();
    for rows in groups() {
        let _ = write!(text, "### {}\n\n| Option | |\n|---|---|\n", rows[0].group.title);
        for row in rows {
            let spellings: Vec<String> = spellings(row).iter().map(|form| format!("`{form}`")).collect();
            let cells = [spellings.join(", "), full_help(row)].map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(text, "| {} | {} |", cells[0], cells[1]);
        }
        if !rows[0].group.note.is_empty() {
            let _ = writeln!(text, "\n{}", rows[0].group.note);
        }
        text += "\n";
    }
    text
}

/// The table as JSON, for completion in an editor: groups with their options.
pub fn options_json() -> String {
    let option = |row: &Spec| {
        json!({
            "spellings": spellings(row),
            "takesValue": row.kind != Kind::Flag,
            "help": plain(row.help),
            "detail": plain(row.detail),
        })
    };
    let groups = groups().map(|rows| {
        json!({ "title": rows[0].group.title, "options": rows.iter().map(option).collect::<Vec<_>>() })
    });
    json!(groups.collect::<Vec<_>>()).to_string()
}

/// All sentences about an option.
fn full_help(row: &Spec) -> String {
    match row.detail {
        "" => format!("{}.", row.help),
        detail => format!("{}. {detail}", row.help),
    }
}

/// Markdown without its marks: code and links as plain text.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((name, (address, after))) =
            link.split_once("](").and_then(|(n, r)| Some((n, r.split_once(')')?)))
        else {
            break;
        };
        let _ = write!(text, "{before}{name} ({address})");
        rest = after;
    }
    (text + rest).replace('`', "")
}

/// A man page in troff.
pub fn man_page() -> String {
    let escape = |text: &str| text.replace('\\', "\\e").replace('-', "\\-");
    let mut text = format!(
        ".TH WALD 1 \"\" \"Wald {}\" \"User Commands\"\n.SH NAME\nwald \\- link WebAssembly\n\
         .SH SYNOPSIS\n.B wald\n[\\fIoptions\\fR] \\fIfile\\fR...\n.SH DESCRIPTION\n\
         Links WebAssembly objects and archives into a module. Replaces \\fBwasm\\-ld\\fR(1): same options, same\n\
         output, same messages.\n.PP\n\
         Long options take one dash or two, unless their first letter is a short option. An argument\n\
         \\fB@\\fIfile\\fR is replaced by the arguments in the file.\n.SH OPTIONS\n",
        env!("CARGO_PKG_VERSION")
    );
    for rows in groups() {
        let _ = writeln!(text, ".SS {}", escape(rows[0].group.title));
        for row in rows {
            let all: Vec<String> = spellings(row).iter().map(|form| escape(form)).collect();
            let _ = writeln!(
                text,
                ".TP\n\\fB{}\\fR\n{}",
                all.join("\\fR, \\fB"),
                escape(&plain(&full_help(row)))
            );
        }
    }
    text += ".SH ENVIRONMENT\n.TP\nWALD_FLAGS\nArguments that are put before those of the command line, quoted as in a response\n\
             file. Not used when the command line asks for the version or for help.\n.TP\nLLD_REPRODUCE\n\
             The same as \\fB\\-\\-reproduce\\fR.\n.TP\nNO_COLOR, CLICOLOR_FORCE, TERM\n\
             Messages have no color if NO_COLOR is set, have color if CLICOLOR_FORCE is set and not 0, and\n\
             have no color if TERM is dumb. Options take precedence.\n";
    text += ".SH EXIT STATUS\n0 if the output was written, 1 if an error was reported.\n";
    text += ".SH SEE ALSO\n\\fBwasm\\-ld\\fR(1), \\fBclang\\fR(1)\n";
    text
}

/// A word that a shell can complete.
struct Completion {
    /// With dashes, and with `=` if a value follows.
    word: String,
    help: &'static str,
    /// The possible values, if they are known.
    values: Vec<&'static str>,
    takes_file: bool,
}

fn completions() -> Vec<Completion> {
    let takes_file = |meta: &str| meta.starts_with("file") || meta == "path" || meta == "dir";
    let mut list = Vec::new();
    for row in TABLE {
        let values: Vec<_> = if row.meta.contains('|') { row.meta.split('|').collect() } else { Vec::new() };
        for form in forms(row).into_iter().chain(aliases(row)) {
            let end = form.find(['<', ' ']).unwrap_or(form.len());
            list.push(Completion {
                word: form[..end].to_string(),
                help: row.help,
                values: values.clone(),
                takes_file: takes_file(row.meta),
            });
        }
    }
    list
}

/// A completion script for `bash`, `zsh` or `fish`.
pub fn completion_script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

fn bash() -> String {
    let list = completions();
    let words: Vec<&str> = list.iter().map(|completion| completion.word.as_str()).collect();
    let mut cases = String::new();
    for completion in list.iter().filter(|c| !c.values.is_empty() && c.word.ends_with('=')) {
        let name = completion.word.trim_end_matches('=');
        let values = completion.values.join(" ");
        let _ =
            writeln!(cases, "        {name}) COMPREPLY=($(compgen -W '{values}' -- \"$value\")); return;;");
    }
    format!(
        "# bash completion for wald\n_wald() {{\n    local word=${{COMP_WORDS[COMP_CWORD]}} option value\n\
         \x20   if [[ $word == = ]]; then option=${{COMP_WORDS[COMP_CWORD-1]}} value=\n\
         \x20   elif [[ ${{COMP_WORDS[COMP_CWORD-1]}} == = ]]; then option=${{COMP_WORDS[COMP_CWORD-2]}} value=$word; fi\n\
         \x20   case $option in\n{cases}    esac\n\
         \x20   if [[ $word == -* ]]; then\n\
         \x20       COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n\
         \x20       [[ ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace\n\
         \x20   else\n        COMPREPLY=($(compgen -f -- \"${{value-$word}}\"))\n    fi\n}}\n\
         complete -o filenames -F _wald wald wasm-ld wasm-ld-22\n",
        words.join(" ")
    )
}

fn zsh() -> String {
    let mut text = String::from("#compdef wald wasm-ld wasm-ld-22\n_arguments -s \\\n");
    for completion in completions() {
        let help = completion.help.replace('\'', "'\\''").replace(['[', ']'], "").replace(':', "\\:");
        let action = if !completion.values.is_empty() {
            format!(":value:({})", completion.values.join(" "))
        } else if completion.takes_file {
            ":file:_files".to_string()
        } else if completion.word.ends_with('=') {
            ":value:".to_string()
        } else {
            String::new()
        };
        let word = match completion.word.strip_suffix('=') {
            Some(name) => format!("{name}=-"),
            None => completion.word,
        };
        let _ = writeln!(text, "  '*{word}[{help}]{action}' \\");
    }
    text + "  '*:input:_files'\n"
}

fn fish() -> String {
    let mut text = String::from(
        "# fish completion for wald\ncomplete -c wasm-ld -w wald\ncomplete -c wasm-ld-22 -w wald\n",
    );
    for completion in completions() {
        let help = completion.help.replace('\\', "\\\\").replace('\'', "\\'");
        let name = completion.word.trim_end_matches('=');
        let switch = match name.strip_prefix("--") {
            Some(long) => format!("-l {long}"),
            None if name.len() == 2 => format!("-s {}", &name[1..]),
            None => format!("-o {}", &name[1..]),
        };
        let values = if !completion.values.is_empty() {
            format!(" -x -a '{}'", completion.values.join(" "))
        } else if completion.takes_file {
            " -r".to_string()
        } else {
            String::new()
        };
        let _ = writeln!(text, "complete -c wald {switch}{values} -d '{help}'");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shown_option_is_in_every_text() {
        let texts = [help("wald"), man_page().replace("\\-", "-"), bash(), zsh()];
        for row in TABLE {
            let name = format!("{}{}", row.shown_dashes(), row.name);
            for text in &texts {
                assert!(text.contains(&name), "{name} is missing in\n{text}");
            }
            assert!(fish().contains(row.name));
        }
        assert!(completion_script("tcsh").is_none());
    }

    #[test]
    fn completions_are_for_every_installed_name() {
        for name in ["wald", "wasm-ld", "wasm-ld-22"] {
            let is_named = |line: &str| line.split(' ').any(|word| word == name);
            assert!(bash().lines().last().is_some_and(is_named));
            assert!(zsh().lines().next().is_some_and(is_named));
            assert!(fish().lines().any(|line| line.starts_with("complete") && is_named(line)));
        }
    }

    #[test]
    fn the_help_fits_a_terminal() {
        for line in help("wald").lines() {
            assert!(line.len() <= WIDTH, "{line}");
            let start = line.len() - line.trim_start().len();
            assert!([0, 2, COLUMN].contains(&start), "{line}");
        }
    }

    #[test]
    fn unknown_options_have_a_nearest_one() {
        for (unknown, nearest) in [
            ("--exprot-dynamic", Some("--export-dynamic")),
            ("--strip-dbug", Some("--strip-debug")),
            ("-bsymbolic", Some("--Bsymbolic")),
            ("--shared-memoy=1", Some("--shared-memory")),
            ("--initial-memory", Some("--initial-memory=<bytes>")),
            ("--dynamic-linker=/lib/ld.so", None),
            ("--xyz", None),
            ("-q", None),
            ("--", None),
        ] {
            assert_eq!(super::nearest(unknown).as_deref(), nearest, "{unknown}");
        }
    }

    #[test]
    fn links_become_plain_text() {
        assert_eq!(plain("see [a](b) and `c`, [d"), "see a (b) and c, [d");
    }
}
