//! The kinds of diagnostics: the one table of their numbers, names and titles.
//!
//! Numbers never change and are never used again. `wald --explain W0004` prints the page of a kind; the pages are in
//! `crates/wald-cli/src/explain`.

use std::fmt;

macro_rules! codes {
    ($($number:literal $code:ident $name:literal $title:literal;)*) => {
        /// The kind of a diagnostic. Stable for tools: a kind has a number and a name that never change.
        ///
        /// ```
        /// use wald::diagnostics::Code;
        /// let code = Code::UndefinedSymbol;
        /// assert_eq!((code.to_string().as_str(), code.name()), ("W0004", "undefined-symbol"));
        /// assert_eq!(Code::find("w0004"), Some(code));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $code = $number,)*
        }

        impl Code {
            /// All kinds, by number.
            pub const ALL: &'static [Code] = &[$(Code::$code,)*];

            /// The name: lower case, with hyphens.
            pub fn name(self) -> &'static str {
                match self { $(Code::$code => $name,)* }
            }

            /// What it means, in one sentence.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title,)* }
            }
        }
    };
}

codes! {
    1 Open "cannot-open" "A file cannot be opened, read or written.";
    2 Parse "malformed-input" "The bytes of an input are malformed.";
    3 Options "invalid-option" "Options contradict each other or have invalid values.";
    4 UndefinedSymbol "undefined-symbol" "A referenced symbol is not defined.";
    5 DuplicateSymbol "duplicate-symbol" "A symbol is defined more than once.";
    6 SymbolType "symbol-type-mismatch" "Two files disagree on the kind, type, import name or signature of a symbol.";
    7 Features "target-features" "Two files disagree on target features, or a needed feature is not used.";
    8 Layout "layout" "A size or address does not fit.";
    9 Relocation "relocation" "A relocation cannot be applied.";
    10 Ignored "ignored-input" "The link ignores a part of an input.";
    11 EngineLimit "engine-limit" "The module is valid, but exceeds a limit of engines.";
    12 Cancelled "cancelled" "The link was cancelled by the program that started it.";
    13 CodeGeneration "code-generation" "LLVM could not generate code from bitcode, or warns about it.";
    14 LlvmOptions "llvm-option" "LLVM refuses an option that was passed to it.";
    15 ForeignInput "foreign-input" "An input is not a file that can be linked for WebAssembly.";
    16 NotAnObject "not-an-object" "An input is a WebAssembly module or component, but not an object.";
    17 Truncated "truncated-input" "The end of an input is missing.";
    18 UnknownOption "unknown-option" "The linker does not have this option.";
    19 MissingLibrary "missing-library" "A library of `-l` was not found.";
    20 UndefinedImport "undefined-import" "Functions that no input defines became imports, probably by accident.";
    21 NothingExported "nothing-exported" "The module exports no function, so nothing can call its code.";
    22 DroppedExport "dropped-export" "A symbol of `--export` is not defined, and is not exported.";
    23 UnknownFeature "unknown-feature" "No tool knows a target feature that an option names.";
    24 IneffectiveOption "ineffective-option" "An option has no effect, or another one than it seems.";
    25 DefinitionsDiffer "definitions-differ" "An inline function or datum differs between objects, and one copy is used for all.";
    26 Component "component" "No component can be made of the module.";
}

impl Code {
    /// The number: that of `W0004` is 4.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Finds a kind by `W0004`, its number or its name. Case does not matter.
    pub fn find(text: &str) -> Option<Code> {
        let digits = text.strip_prefix(['W', 'w']).unwrap_or(text);
        let number = digits.parse::<u16>().ok();
        let is_it = |code: &Code| number == Some(code.number()) || code.name().eq_ignore_ascii_case(text);
        Code::ALL.iter().copied().find(is_it)
    }
}

/// As messages show it: `W0004`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W{:04}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_find_their_kind() {
        for (&code, number) in Code::ALL.iter().zip(1..) {
            assert_eq!(code.number(), number, "numbers have no gap");
            for text in [code.to_string(), code.name().to_string(), number.to_string()] {
                assert_eq!(Code::find(&text), Some(code));
            }
            assert!(code.title().ends_with('.') && !code.name().contains(' '));
        }
        assert_eq!(Code::find("W9999"), None);
        assert_eq!(Code::find(""), None);
    }
}
