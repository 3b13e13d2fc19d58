//! A command line as data, for build tools that embed the library instead of starting a linker.

use crate::checks;
use crate::configure::{self, Configuration};
use crate::inputs;
use crate::line::Line;
use crate::parse;
use crate::response_file::{self, Quoting};
use wald::options::Options;
use wald::{InputDescription, Linker};

/// A parsed command line.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// The options.
    pub options: Options,
    /// The inputs in order. Libraries are resolved to files.
    pub inputs: Vec<InputDescription>,
}

impl CommandLine {
    /// Reads the arguments after the program's name. Errors have the command's words.
    pub fn read(arguments: Vec<String>) -> Result<CommandLine, Vec<String>> {
        let (arguments, mut wrong) = response_file::expand(arguments, Quoting::default());
        let arguments = parse::parse(arguments);
        wrong.extend(arguments.missing_value.iter().map(|option| format!("{option}: missing argument")));
        wrong.extend(arguments.unknown().map(|text| format!("unknown argument: {text}")));
        let Configuration { mut options, settings, mut diagnostics, .. } = configure::configure(&arguments);
        let mut linker = Linker::new(Options::default());
        let declared = inputs::declare(&mut linker, &arguments, &settings);
        if declared.are_missing() {
            wrong.push("no input files".into());
        }
        let checks = checks::check(&arguments, &options, &settings, None);
        options.allowed_undefined.extend(checks.allowed_undefined);
        (options.version_script, options.dynamic_list) = (checks.version_script, checks.dynamic_list);
        diagnostics.extend(checks.diagnostics);
        wrong.extend(diagnostics.into_iter().map(|diagnostic| diagnostic.message.to_string()));
        wrong.extend(declared.notices().filter_map(|line| match line {
            Line::Diagnostic(diagnostic) => Some(diagnostic.message.to_string()),
            _ => None,
        }));
        let inputs = linker.inputs().map(|(_, input)| input.clone()).collect();
        if wrong.is_empty() {
            Ok(CommandLine { options, inputs })
        } else {
            Err(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<CommandLine, Vec<String>> {
        CommandLine::read(arguments.iter().map(|argument| argument.to_string()).collect())
    }

    #[test]
    fn options_and_inputs_are_told_apart() {
        let read = read(&["--no-entry", "a.o", "--start-lib", "b.o", "--end-lib", "-o", "c.wasm"]).unwrap();
        assert_eq!(read.options.output.to_str(), Some("c.wasm"));
        let inputs = read.inputs.iter().map(|input| (input.path.to_str(), input.lazy));
        assert!(inputs.eq([(Some("a.o"), false), (Some("b.o"), true)]));
    }

    #[test]
    fn mistakes_are_said() {
        let wrong = read(&["a.o", "--no-such-option", "-lmissing", "-o", "c.wasm"]).unwrap_err();
        assert_eq!(wrong, ["unknown argument: --no-such-option", "unable to find library -lmissing"]);
    }
}
