//! Programs that make something else of each module before it is written, such as a component.
//!
//! They call [`run_with_post_link`](crate::run_with_post_link). Their options stand among the linker's: they take them out of the
//! arguments, and the linker gets the rest. The module stays in memory, and what they make of it becomes the output as any module does.

use crate::elf_options::Habit;
use crate::parse;
use crate::text;
use std::ffi::{OsStr, OsString};
use wald::diagnostics::Diagnostic;

/// Makes the bytes of the output of those of the module. It may say one thing, if it fails.
pub type Transform = dyn Fn(Vec<u8>) -> Result<Vec<u8>, Box<Diagnostic>>;

/// A program that makes something else of each module.
pub trait PostLink {
    /// Reads the program's own options. `arguments` are those after the program's name, with response files expanded.
    ///
    /// Called again each time that the command line has to be read again (`--watch`).
    fn plan(&self, arguments: Vec<OsString>, syntax: &Syntax) -> Plan;
}

/// What a program wants, by its options.
#[derive(Default)]
#[non_exhaustive]
pub struct Plan {
    /// The linker's arguments.
    pub arguments: Vec<OsString>,
    /// What is wrong with the program's own options. After an error, nothing is linked.
    pub diagnostics: Vec<Diagnostic>,
    /// What is printed to standard output, in place of a link.
    pub answer: Option<String>,
    /// What `--help` prints above the linker's options.
    pub help: Option<String>,
    /// Makes the output of a module. Without it, the module is the output. Shared libraries and the output of `-r` always are.
    pub transform: Option<Box<Transform>>,
}

/// Has the program take its options out of the arguments.
pub(crate) fn plan(post_link: &dyn PostLink, arguments: &mut Vec<String>) -> Plan {
    let syntax = Syntax(parse::Spellings::new(Habit::of_arguments(arguments)));
    let words = arguments.iter().map(|argument| text::to_path(argument).into_owned().into_os_string());
    let plan = post_link.plan(words.collect(), &syntax);
    *arguments = plan.arguments.iter().map(|argument| text::from_os(argument)).collect();
    plan
}

/// How the linker's options are written.
pub struct Syntax(parse::Spellings);

impl Syntax {
    /// Whether the argument is an option of the linker whose value is the next argument.
    pub fn takes_next(&self, argument: &OsStr) -> bool {
        self.0.takes_next(&text::from_os(argument))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_linkers_options_are_known() {
        let syntax = Syntax(parse::Spellings::new(Habit::Error));
        for takes in ["-L", "-o", "--entry", "-entry", "-z", "-mllvm"] {
            assert!(syntax.takes_next(takes.as_ref()), "{takes}");
        }
        for alone in ["-Lfolder", "--entry=f", "-", "a.o", "--gc-sections", "--build-id", "--unknown", ""] {
            assert!(!syntax.takes_next(alone.as_ref()), "{alone}");
        }
    }
}
