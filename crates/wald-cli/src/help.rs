//! `--help`, the man page and the shells' completions: all made from the table of options.

use crate::option_table::{Alias, Dashes, Kind, Spec, TABLE};
use std::fmt::Write;

/// The column in which help texts begin.
const COLUMN: usize = 28;

/// How the option and its value are written: with a value and without, where it takes both.
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

/// The other spellings, without wasm-ld's `-i`, which means `--initial-memory` and takes no value: it is always an error.
fn aliases(row: &Spec) -> Vec<String> {
    let useful = |alias: &&Alias| (alias.kind == Kind::Flag) == (row.kind == Kind::Flag);
    row.aliases.iter().filter(useful).map(|alias| alias_form(row, alias)).collect()
}

/// The rows that are shown, by name.
fn shown() -> Vec<&'static Spec> {
    let mut rows: Vec<_> = TABLE.iter().filter(|row| !row.help.is_empty()).collect();
    rows.sort_by_key(|row| row.name.to_ascii_lowercase());
    rows
}

/// What `--help` prints.
pub fn help(program: &str) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for row in shown() {
        for form in forms(row) {
            lines.push((form, row.help.to_string()));
        }
        for alias in aliases(row) {
            lines.push((alias, format!("Alias for {}{}", row.shown_dashes(), row.name)));
        }
    }
    let mut text = format!(
        "Wald: a linker for WebAssembly that takes wasm-ld's place\n\nUSAGE: {program} [options] file...\n\nOPTIONS:\n"
    );
    for (form, help) in lines {
        if form.len() + 4 > COLUMN {
            let _ = writeln!(text, "  {form}\n{:COLUMN$}{help}", "");
        } else {
            let _ = writeln!(text, "  {form:width$}{help}", width = COLUMN - 2);
        }
    }
    text += "\nArguments of the form @file are replaced by those in the file.\n";
    text
}

/// A man page in troff.
pub fn man_page() -> String {
    let escape = |text: &str| text.replace('\\', "\\e").replace('-', "\\-");
    let mut text = format!(
        ".TH WALD 1 \"\" \"Wald {}\" \"User Commands\"\n.SH NAME\nwald \\- link WebAssembly\n\
         .SH SYNOPSIS\n.B wald\n[\\fIoptions\\fR] \\fIfile\\fR...\n.SH DESCRIPTION\n\
         Links WebAssembly objects and archives into a module. Takes the place of \\fBwasm\\-ld\\fR(1): same options,\n\
         same output, same messages.\n.PP\n\
         Long options may be written with one dash where no short option is meant. Arguments of the form\n\
         \\fB@\\fIfile\\fR are replaced by the arguments in the file.\n.SH OPTIONS\n",
        env!("CARGO_PKG_VERSION")
    );
    for row in shown() {
        let all: Vec<String> = forms(row).into_iter().chain(aliases(row)).map(|form| escape(&form)).collect();
        let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}.", all.join("\\fR, \\fB"), escape(row.help));
    }
    text += ".SH EXIT STATUS\n0 where the output was written, 1 where an error was reported.\n";
    text += ".SH SEE ALSO\n\\fBwasm\\-ld\\fR(1), \\fBclang\\fR(1)\n";
    text
}

/// One thing that a shell may complete.
struct Completion {
    /// With dashes, and with `=` where a value follows.
    word: String,
    help: &'static str,
    /// The values, where there are only a few.
    values: Vec<&'static str>,
    takes_file: bool,
}

fn completions() -> Vec<Completion> {
    let takes_file = |meta: &str| meta.starts_with("file") || meta == "path" || meta == "dir";
    let mut list = Vec::new();
    for row in shown() {
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
         complete -o filenames -F _wald wald wasm-ld\n",
        words.join(" ")
    )
}

fn zsh() -> String {
    let mut text = String::from("#compdef wald wasm-ld\n_arguments -s \\\n");
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
    let mut text = String::from("# fish completion for wald\n");
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
        for row in shown() {
            let name = format!("{}{}", row.shown_dashes(), row.name);
            for text in &texts {
                assert!(text.contains(&name), "{name} is missing in\n{text}");
            }
            assert!(fish().contains(row.name));
        }
        assert!(completion_script("tcsh").is_none());
    }

    #[test]
    fn help_lines_are_aligned() {
        for line in help("wald").lines().filter(|line| line.starts_with("  -")) {
            assert!(line.len() < COLUMN || line.find("  ").is_some(), "{line}");
        }
    }
}
