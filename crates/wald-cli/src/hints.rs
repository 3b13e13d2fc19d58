//! What may help about options: notes about those that have another effect than it seems, or none, and helps for unknown ones.

use crate::elf_options::{self, is_z_value, Habit};
use crate::option_table::Opt;
use crate::parse::{Argument, Arguments};
use crate::{help, parse, render};
use wald::diagnostics::{Code, Diagnostic, Fix, Help};
use wald::options::Options;

/// The target features that LLVM, Binaryen or the tool conventions know.
const FEATURES: &[&str] = &[
    "atomics",
    "branch-hinting",
    "bulk-memory",
    "bulk-memory-opt",
    "call-indirect-overlong",
    "compact-imports",
    "custom-page-sizes",
    "exception-handling",
    "extended-const",
    "fp16",
    "gc",
    "memory64",
    "multimemory",
    "multivalue",
    "mutable-globals",
    "nontrapping-fptoint",
    "reference-types",
    "relaxed-atomics",
    "relaxed-simd",
    "shared-everything",
    "shared-mem",
    "sign-ext",
    "simd128",
    "stack-switching",
    "strings",
    "tail-call",
    "wide-arithmetic",
];

/// All notes, in the order of the options' groups.
pub fn notes(arguments: &Arguments, options: &Options) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    let mut ineffective = |message: String, help: &str, fix: Option<Fix>| {
        let mut help = Help::new(help);
        help.fix = fix;
        notes.push(Diagnostic::note(Code::IneffectiveOption, message).with_help(help));
    };
    if let Some(name) = arguments.explicit_values(Opt::ImportMemory).last().filter(|name| !name.contains(','))
    {
        let fix = Fix::ReplaceArgument {
            from: format!("--import-memory={name}").into(),
            to: format!("--import-memory={name},memory").into(),
        };
        let message = format!("--import-memory={name} imports the memory as `{name}` from the module `env`");
        ineffective(message, "write --import-memory=MODULE,NAME to name the module, too", Some(fix));
    }
    if arguments.last_value(Opt::Entry).is_some_and(str::is_empty) && options.entry.is_none() {
        ineffective("--entry= without a name means that there is no entry".into(), "write --no-entry", None);
    }
    if arguments.has(Opt::KeepSection) && !options.strip_all {
        ineffective(
            "--keep-section has no effect without --strip-all".into(),
            "all custom sections are kept: the option can be removed",
            None,
        );
    }
    if options.growable_table && !options.export_table && !options.import_table {
        ineffective(
            "--growable-table has no effect: the table is neither exported nor imported".into(),
            "add --export-table",
            Some(Fix::AddArgument { argument: "--export-table".into() }),
        );
    }
    let lists = [
        ("--features", options.features.as_deref()),
        ("--extra-features", Some(&options.extra_features[..])),
    ];
    for (option, list) in lists {
        notes.extend(list.unwrap_or_default().iter().filter_map(|name| unknown_feature(option, name)));
    }
    notes
}

fn unknown_feature(option: &str, name: &str) -> Option<Diagnostic> {
    if FEATURES.contains(&name) {
        return None;
    }
    let note =
        Diagnostic::note(Code::UnknownFeature, format!("{option}: no tool knows the feature '{name}'"));
    let plain = name.trim_start_matches(['+', '-']);
    // The start of a name is as near as one wrong letter.
    let distance = |known: &str| match plain.len() > 2 && known.starts_with(plain) {
        true => 1,
        false => strsim::osa_distance(known, plain),
    };
    let nearest = FEATURES.iter().min_by_key(|known| distance(known))?;
    let known = (distance(nearest) <= plain.len().div_ceil(3)).then(|| {
        let fix = Fix::ReplaceArgument { from: name.into(), to: (*nearest).into() };
        Help::new(format!("did you mean {nearest}?")).with_fix(fix)
    });
    Some(match known {
        Some(help) => note.with_help(help),
        None => note.with_note(
            "the output says that it uses the feature; an engine or tool may refuse the module for it",
        ),
    })
}

/// The warning about accepted options.
pub fn elf_options(arguments: &Arguments) -> Option<Diagnostic> {
    if arguments.habit != Habit::Warn {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    for argument in &arguments.list {
        let name = match argument {
            Argument::ElfOption { text, value } => match value {
                Some(value) => format!("{text} {value}"),
                None => text.clone(),
            },
            Argument::Option { option: Opt::Z, text, value } => match value.of(text) {
                Some(z) if is_z_value(z) => format!("-z {z}"),
                _ => continue,
            },
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let list = match names.as_slice() {
        [] => return None,
        [one] => format!("an option has no effect for WebAssembly: {one}"),
        [..] => format!("these options have no effect for WebAssembly: {}", names.join(" ")),
    };
    let help = Help::new("remove them, or say nothing about them with --elf-options=ignore");
    Some(Diagnostic::warning(Code::IneffectiveOption, list).with_help(help))
}

/// An argument that is not an option, with the option that was probably meant.
pub fn unknown_argument((number, text): (usize, &str)) -> Diagnostic {
    // Comparing with all options takes time, and most errors beyond the limit are not shown.
    const HINTS: usize = render::DEFAULT_LIMIT as usize;
    let error = Diagnostic::error(Code::UnknownOption, format!("unknown argument: {text}"));
    if elf_options::find(text).is_some() || parse::is_elf_spelling(text) {
        return error.with_help(elf_options::help(text));
    }
    match (number < HINTS).then(|| help::nearest(text)).flatten() {
        Some(option) => {
            let fix = Fix::ReplaceArgument { from: text.into(), to: option.as_str().into() };
            error.with_help(Help::new(format!("did you mean {option}?")).with_fix(fix))
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{configure, parse};

    fn said(line: &str) -> Vec<String> {
        let arguments = parse::parse(line.split(' ').map(str::to_string).collect());
        let options = configure::configure(&arguments).options;
        notes(&arguments, &options).iter().map(|note| note.to_string()).collect()
    }

    #[test]
    fn options_that_are_half_given() {
        for (line, expected) in [
            (
                "--import-memory=env",
                "note: --import-memory=env imports the memory as `env` from the module `env`\n",
            ),
            ("--entry=", "note: --entry= without a name"),
            ("--keep-section=x", "note: --keep-section has no effect"),
            ("--growable-table", "note: --growable-table has no effect"),
            (
                "--extra-features=simd",
                "note: --extra-features: no tool knows the feature 'simd'\n    help: did you mean simd128?",
            ),
            (
                "--features=atomic",
                "note: --features: no tool knows the feature 'atomic'\n    help: did you mean atomics?",
            ),
            (
                "--features=+simd128",
                "note: --features: no tool knows the feature '+simd128'\n    help: did you mean simd128?",
            ),
        ] {
            let said = said(line);
            assert!(said.len() == 1 && said[0].starts_with(expected), "{line}: {said:?}");
        }
    }

    #[test]
    fn nothing_is_said_about_other_options() {
        for line in [
            "--import-memory",
            "--import-memory=a,b",
            "--no-entry",
            "--entry=main",
            "--keep-section=x --strip-all",
            "--growable-table --export-table",
            "--features=atomics,bulk-memory --extra-features=simd128",
            "--shared",
        ] {
            assert_eq!(said(line), [""; 0], "{line}");
        }
    }

    fn parsed(line: &str) -> Arguments {
        parse::parse(line.split(' ').map(str::to_string).collect())
    }

    #[test]
    fn values_of_accepted_options_are_no_inputs() {
        let line = "--elf-options=warn --as-needed a.o -dynamic-linker /lib/ld.so --hash-style=gnu -z relro -( b.a -) -plugin-opt=x";
        let arguments = parsed(line);
        let inputs: Vec<&Argument> =
            arguments.list.iter().filter(|argument| matches!(argument, Argument::Input(_))).collect();
        assert_eq!(inputs, [&Argument::Input("a.o".into()), &Argument::Input("b.a".into())]);
        assert_eq!(arguments.unknown().count(), 0);
        let said = elf_options(&arguments).unwrap().message.to_string();
        assert_eq!(
            said,
            "these options have no effect for WebAssembly: --as-needed -dynamic-linker /lib/ld.so --hash-style=gnu -z relro -( -) \
             -plugin-opt=x"
        );
        assert!(elf_options(&parsed("--elf-options=ignore --as-needed")).is_none());
    }

    #[test]
    fn without_the_switch_everything_is_as_in_wasm_ld() {
        let arguments =
            parsed("--as-needed -dynamic-linker /lib/ld.so --version-script=x -export-dynamic-symbol=y");
        assert_eq!(
            arguments.unknown().collect::<Vec<_>>(),
            ["--as-needed", "-dynamic-linker", "--version-script=x"]
        );
        assert_eq!(arguments.last_value(Opt::Entry), Some("xport-dynamic-symbol=y"));
        assert!(elf_options(&arguments).is_none());
    }

    #[test]
    fn the_last_switch_counts() {
        assert_eq!(parsed("--elf-options=warn --elf-options=error").habit, Habit::Error);
        assert_eq!(parsed("--elf-options=error --elf-options=ignore -EL").unknown().count(), 0);
    }
}
