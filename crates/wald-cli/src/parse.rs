//! Parses arguments into options and inputs, as wasm-ld does.
//!
//! An argument that starts with `-` is the option with the longest matching name whose kind fits: `-export-dynamic` is the long
//! option, `-export-table` is `-e` with the value `xport-table`. Every other argument is an input. Unknown options are
//! collected. Only the last argument can lack a value.

use crate::elf_options::{self, Habit};
use crate::option_table::{spec, Dashes, Kind, Opt, Spec, TABLE};
use std::collections::HashMap;

/// One element of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A path.
    Input(String),
    /// An argument that looks like an option and is not one.
    Unknown(String),
    /// With `--elf-options`: an option of linkers for ELF that has no effect.
    ElfOption {
        /// The argument as written.
        text: String,
        /// The next argument, if it is its value.
        value: Option<String>,
    },
    /// An option.
    Option {
        /// Which one.
        option: Opt,
        /// The argument as written, for messages. Includes the value if both are one word.
        text: String,
        /// Its value.
        value: OptionValue,
    },
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// It has none.
    None,
    /// It is the end of the argument, from this byte on. A copy would double the memory of a long command line.
    From(usize),
    /// It is the next argument.
    Next(String),
}

impl OptionValue {
    /// The value of an option that was written as `text`.
    pub fn of<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        match self {
            OptionValue::None => None,
            OptionValue::From(start) => text.get(*start..),
            OptionValue::Next(value) => Some(value),
        }
    }
}

/// The parsed command line, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Options and inputs.
    pub list: Vec<Argument>,
    /// The last argument, if it is an option that lacks its value.
    pub missing_value: Option<String>,
    /// What `--elf-options` says.
    pub habit: Habit,
    /// With `--verbose-link`: the command line with response files expanded.
    pub command_line: Vec<String>,
    /// The positions of each option in `list`. Searching a million arguments for each option would be too slow.
    places: HashMap<Opt, Vec<usize>>,
}

impl Arguments {
    fn push_option(&mut self, option: Opt, text: String, value: OptionValue) {
        self.places.entry(option).or_default().push(self.list.len());
        self.list.push(Argument::Option { option, text, value });
    }

    /// The text and value of the option at a position.
    fn option_at(&self, place: usize) -> Option<(&str, Option<&str>)> {
        match self.list.get(place)? {
            Argument::Option { text, value, .. } => Some((text, value.of(text))),
            Argument::Input(_) | Argument::Unknown(_) | Argument::ElfOption { .. } => None,
        }
    }

    fn places_of(&self, wanted: Opt) -> &[usize] {
        self.places.get(&wanted).map_or(&[], Vec::as_slice)
    }

    /// Whether the option occurs.
    pub fn has(&self, wanted: Opt) -> bool {
        self.places.contains_key(&wanted)
    }

    /// The last occurrence of any of these options: which one, its text and its value.
    pub fn last(&self, wanted: &[Opt]) -> Option<(Opt, &str, Option<&str>)> {
        let last = wanted.iter().filter_map(|&option| Some((*self.places_of(option).last()?, option)));
        let (place, option) = last.max_by_key(|(place, _)| *place)?;
        let (text, value) = self.option_at(place)?;
        Some((option, text, value))
    }

    /// The value of an option's last occurrence.
    pub fn last_value(&self, wanted: Opt) -> Option<&str> {
        self.last(&[wanted]).map(|(_, _, value)| value.unwrap_or_default())
    }

    /// The values of an option whose value is optional, without the occurrences that have none.
    pub fn explicit_values(&self, wanted: Opt) -> impl Iterator<Item = &str> {
        self.places_of(wanted).iter().filter_map(|&place| self.option_at(place)?.1)
    }

    /// All values of an option, in order.
    pub fn values(&self, wanted: Opt) -> impl Iterator<Item = &str> {
        let options = self.places_of(wanted).iter().filter_map(|&place| self.option_at(place));
        options.map(|(_, value)| value.unwrap_or_default())
    }

    /// Whether `yes` is on: the last one of the two wins.
    pub fn is_on(&self, yes: Opt, no: Opt, default: bool) -> bool {
        self.last(&[yes, no]).map_or(default, |(option, ..)| option == yes)
    }

    /// The arguments that look like options and are not.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter_map(|argument| match argument {
            Argument::Unknown(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The arguments as they were before they were parsed.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.list.iter().flat_map(|argument| match argument {
            Argument::Input(text) | Argument::Unknown(text) => [Some(text.as_str()), None],
            Argument::Option { text, value: OptionValue::Next(value), .. } => {
                [Some(text.as_str()), Some(value.as_str())]
            }
            Argument::ElfOption { text, value } => [Some(text.as_str()), value.as_deref()],
            Argument::Option { text, .. } => [Some(text.as_str()), None],
        });
        words.flatten().chain(self.missing_value.as_deref())
    }

    /// Whether there is any input path.
    pub fn has_input(&self) -> bool {
        self.list.iter().any(|argument| matches!(argument, Argument::Input(_)))
    }
}

/// A spelling of an option, as the parser looks it up.
#[derive(Clone, Copy)]
struct Spelling {
    option: Opt,
    dashes: Dashes,
    kind: Kind,
}

/// All spellings by the first byte of the name, longest names first.
pub struct Spellings {
    habit: Habit,
    by_first_byte: [Vec<(&'static str, Spelling)>; 256],
}

impl Spellings {
    /// Those that are known with this `--elf-options`.
    pub fn new(habit: Habit) -> Self {
        let mut by_name = HashMap::with_capacity(2 * TABLE.len());
        let is_known = |row: &&Spec| habit != Habit::Error || !elf_options::needs_habit(row.option);
        for row in TABLE.iter().filter(is_known) {
            by_name.insert(row.name, Spelling { option: row.option, dashes: row.dashes, kind: row.kind });
            for alias in row.aliases {
                let spelling = Spelling { option: row.option, dashes: alias.dashes, kind: alias.kind };
                by_name.insert(alias.name, spelling);
            }
        }
        let mut by_first_byte = [const { Vec::new() }; 256];
        for (name, spelling) in by_name {
            if let Some(first) = name.bytes().next() {
                by_first_byte[usize::from(first)].push((name, spelling));
            }
        }
        for list in &mut by_first_byte {
            list.sort_unstable_by_key(|(name, _): &(&str, Spelling)| std::cmp::Reverse(name.len()));
        }
        Spellings { habit, by_first_byte }
    }

    /// The spelling that matches `argument`, and the rest after the name.
    fn find<'a>(&self, argument: &'a str) -> Option<(Spelling, &'a str)> {
        let one_dash = argument.strip_prefix('-')?;
        let (body, two) = match one_dash.strip_prefix('-') {
            Some(body) => (body, true),
            None => (one_dash, false),
        };
        let first = body.bytes().next()?;
        self.by_first_byte[usize::from(first)].iter().find_map(|&(name, spelling)| {
            let rest = body.strip_prefix(name)?;
            let dashes_fit = match spelling.dashes {
                Dashes::One => !two,
                Dashes::Two => two,
                Dashes::Any => true,
            };
            (dashes_fit && fits(spelling.kind, rest, two)).then_some((spelling, rest))
        })
    }

    /// Whether `argument` is an option whose value is the next argument.
    pub fn takes_next(&self, argument: &str) -> bool {
        if self.habit != Habit::Error {
            if let Some(takes_next) = elf_options::find(argument) {
                return takes_next;
            }
        }
        let found = self.find(argument).filter(|_| argument != "-");
        found.is_some_and(|(spelling, rest)| matches!(value_of(spelling.kind, rest), Value::NextArgument))
    }
}

/// Whether an option of this kind may be followed by `rest` in the same argument.
fn fits(kind: Kind, rest: &str, two_dashes: bool) -> bool {
    match kind {
        Kind::Flag => rest.is_empty(),
        Kind::Equals => rest.starts_with('='),
        Kind::Rest => rest.is_empty(),
        Kind::EqualsOrSeparate | Kind::FlagOrEquals => rest.is_empty() || rest.starts_with('='),
        Kind::EqualsOrSeparateOneDash => rest.starts_with('=') || (rest.is_empty() && !two_dashes),
        Kind::Joined | Kind::JoinedOrSeparate => true,
    }
}

/// Where an option's value is.
enum Value<'a> {
    None,
    Here(&'a str),
    NextArgument,
}

fn value_of(kind: Kind, rest: &str) -> Value<'_> {
    let after_equals = rest.strip_prefix('=');
    match kind {
        Kind::Flag => Value::None,
        Kind::Rest => Value::NextArgument,
        Kind::FlagOrEquals => after_equals.map_or(Value::None, Value::Here),
        Kind::Equals | Kind::EqualsOrSeparate | Kind::EqualsOrSeparateOneDash => {
            after_equals.map_or(Value::NextArgument, Value::Here)
        }
        Kind::Joined => Value::Here(rest),
        Kind::JoinedOrSeparate if rest.is_empty() => Value::NextArgument,
        Kind::JoinedOrSeparate => Value::Here(rest),
    }
}

/// Parses the arguments. They lack the program's name, and their response files are expanded.
pub fn parse(arguments: Vec<String>) -> Arguments {
    let habit = Habit::of_arguments(&arguments);
    let spellings = Spellings::new(habit);
    let mut result = Arguments { list: Vec::with_capacity(arguments.len()), habit, ..Arguments::default() };
    if arguments.iter().any(|argument| argument.ends_with("-verbose-link")) {
        result.command_line.clone_from(&arguments);
    }
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument.is_empty() {
            continue;
        }
        if !argument.starts_with('-') || argument == "-" {
            result.list.push(Argument::Input(argument));
            continue;
        }
        if habit != Habit::Error {
            if let Some(has_value) = elf_options::find(&argument) {
                let value = if has_value { arguments.next() } else { None };
                if has_value && value.is_none() {
                    result.missing_value = Some(argument);
                    break;
                }
                result.list.push(Argument::ElfOption { text: argument, value });
                continue;
            }
        }
        let Some((spelling, rest)) = spellings.find(&argument) else {
            result.list.push(Argument::Unknown(argument));
            continue;
        };
        let value = match value_of(spelling.kind, rest) {
            Value::None => OptionValue::None,
            Value::Here(value) => OptionValue::From(argument.len() - value.len()),
            Value::NextArgument => match arguments.next() {
                Some(value) => OptionValue::Next(value),
                None => {
                    result.missing_value = Some(argument);
                    break;
                }
            },
        };
        result.push_option(spelling.option, argument, value);
    }
    result
}

/// Whether an unknown argument is an option if `--elf-options` allows it.
pub fn is_elf_spelling(argument: &str) -> bool {
    let found = Spellings::new(Habit::Ignore).find(argument);
    found.is_some_and(|(spelling, _)| elf_options::needs_habit(spelling.option))
}

/// The option in a response file: its main spelling, in wasm-ld's preferred form. A response file cannot contain an empty argument,
/// so an empty value follows `=`, and an option that does not take it there is left out: it would take the next argument.
pub fn canonical(option: Opt, value: Option<&str>, quote: impl Fn(&str) -> String) -> String {
    let row = spec(option);
    let dashes = row.shown_dashes();
    match (row.kind, value) {
        (Kind::Flag, _) | (Kind::FlagOrEquals, None) => format!("{dashes}{}", row.name),
        (Kind::Equals | Kind::FlagOrEquals | Kind::EqualsOrSeparateOneDash, value) => {
            format!("{dashes}{}={}", row.name, quote(value.unwrap_or_default()))
        }
        (Kind::Joined, value) => format!("{dashes}{}{}", row.name, quote(value.unwrap_or_default())),
        (Kind::EqualsOrSeparate, None | Some("")) => format!("{dashes}{}=", row.name),
        (Kind::JoinedOrSeparate | Kind::Rest, None | Some("")) => String::new(),
        (Kind::EqualsOrSeparate | Kind::JoinedOrSeparate | Kind::Rest, Some(value)) => {
            format!("{dashes}{} {}", row.name, quote(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Arguments {
        parse(arguments.iter().map(|argument| argument.to_string()).collect())
    }

    fn single(arguments: &[&str]) -> (Opt, Option<String>) {
        let result = parsed(arguments);
        assert!(
            result.unknown().next().is_none() && result.missing_value.is_none(),
            "{arguments:?}: {result:?}"
        );
        match result.list.as_slice() {
            [Argument::Option { option, text, value }] => (*option, value.of(text).map(str::to_string)),
            other => panic!("{arguments:?} gave {other:?}"),
        }
    }

    #[test]
    fn values_are_joined_or_separate_as_the_kind_says() {
        for arguments in [&["--entry=f"][..], &["--entry", "f"], &["-entry", "f"], &["-ef"], &["-e", "f"]] {
            assert_eq!(single(arguments), (Opt::Entry, Some("f".into())), "{arguments:?}");
        }
        assert_eq!(single(&["-e=f"]), (Opt::Entry, Some("=f".into())));
        assert_eq!(single(&["--lto-O2"]), (Opt::LtoO, Some("2".into())));
        assert_eq!(single(&["--build-id"]), (Opt::BuildId, None));
        assert_eq!(single(&["--build-id="]), (Opt::BuildId, Some(String::new())));
        assert_eq!(single(&["-allow-undefined-file", "x"]), (Opt::AllowUndefinedFile, Some("x".into())));
    }

    #[test]
    fn a_short_option_takes_what_no_long_one_is() {
        assert_eq!(single(&["-export-dynamic"]).0, Opt::ExportDynamic);
        assert_eq!(single(&["-export-table"]), (Opt::Entry, Some("xport-table".into())));
        assert_eq!(single(&["-max-memory=1"]), (Opt::Emulation, Some("ax-memory=1".into())));
        assert_eq!(single(&["-lto-O2"]), (Opt::Library, Some("to-O2".into())));
        assert_eq!(single(&["-i"]), (Opt::InitialMemory, None));
    }

    #[test]
    fn unknown_arguments_are_collected_and_a_missing_value_ends_the_list() {
        let result = parsed(&["--foo", "a.o", "--", "-i5", "--allow-undefined-file", "", "-", "-o"]);
        assert_eq!(result.unknown().collect::<Vec<_>>(), ["--foo", "--", "-i5", "--allow-undefined-file"]);
        assert_eq!(result.missing_value.as_deref(), Some("-o"));
        let inputs = result.list.iter().filter(|argument| matches!(argument, Argument::Input(_)));
        assert!(inputs.eq(&[Argument::Input("a.o".into()), Argument::Input("-".into())]));
    }

    #[test]
    fn the_last_one_wins() {
        let result = parsed(&["--no-gc-sections", "--gc-sections", "-Os", "-O1"]);
        assert!(result.is_on(Opt::GcSections, Opt::NoGcSections, false));
        assert_eq!(result.last_value(Opt::Optimize), Some("1"));
    }

    #[test]
    fn names_cut_inside_a_character_do_not_panic() {
        assert_eq!(parsed(&["-ö", "--éxport=ü"]).unknown().count(), 2);
    }

    #[test]
    fn the_canonical_form_is_wasm_lds() {
        let plain = |text: &str| text.to_string();
        assert_eq!(canonical(Opt::Entry, Some("f"), plain), "--entry f");
        assert_eq!(canonical(Opt::Entry, Some(""), plain), "--entry=");
        assert_eq!(canonical(Opt::LibraryPath, Some(""), plain), "");
        assert_eq!(canonical(Opt::ImportMemory, Some("a,b"), plain), "--import-memory=a,b");
        assert_eq!(canonical(Opt::LibraryPath, Some("x"), plain), "-L x");
        assert_eq!(canonical(Opt::LtoO, Some("2"), plain), "--lto-O2");
        assert_eq!(canonical(Opt::StripAll, None, plain), "--strip-all");
    }
}
