//! What follows a message: notes that explain it, and helps that say what to do about it.

use super::location::Location;
use crate::text::Text;

/// An explanation that wasm-ld does not have, one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The line.
    pub text: Text,
    /// The places that it names, in this order. It may name more in words ("and 5 more").
    pub locations: Vec<Location>,
}

impl Note {
    /// A note about no place in particular.
    pub fn new(text: impl Into<Text>) -> Self {
        Note { text: text.into(), locations: Vec::new() }
    }

    /// The same note about these places.
    pub fn with_locations(mut self, locations: Vec<Location>) -> Self {
        self.locations = locations;
        self
    }
}

/// What to do about a diagnostic, one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Help {
    /// The line.
    pub text: Text,
    /// The same as data, if a tool can do it.
    pub fix: Option<Fix>,
}

impl Help {
    /// A help without a fix.
    pub fn new(text: impl Into<Text>) -> Self {
        Help { text: text.into(), fix: None }
    }

    /// The same help with a fix.
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// A change that probably removes the cause of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fix {
    /// Add an argument to the link's command line.
    AddArgument {
        /// The argument as wasm-ld and compilers accept it, such as `-lm`.
        argument: Text,
    },
    /// Remove an argument from the link's command line.
    RemoveArgument {
        /// The argument as it is there.
        argument: Text,
    },
    /// Replace an argument of the link's command line.
    ReplaceArgument {
        /// The argument as it is there.
        from: Text,
        /// The argument that should be there.
        to: Text,
    },
    /// Use another symbol in the source code of these places.
    ReplaceSymbol {
        /// The name that is used, as messages show it.
        from: Text,
        /// The name that should be used, as messages show it.
        to: Text,
        /// Where it is used.
        locations: Vec<Location>,
    },
    /// Compile these inputs again with another flag.
    AddCompilerFlag {
        /// The flag as the inputs' compiler accepts it, such as `-matomics` or `-C relocation-model=pic`.
        flag: Text,
        /// The inputs.
        locations: Vec<Location>,
    },
    /// Link with another compiler driver, such as clang++ in place of clang.
    UseDriver {
        /// The driver's name.
        driver: Text,
    },
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        Note::new(text)
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Note::new(text)
    }
}

impl From<Text> for Note {
    fn from(text: Text) -> Self {
        Note::new(text)
    }
}

impl From<&str> for Help {
    fn from(text: &str) -> Self {
        Help::new(text)
    }
}

impl From<String> for Help {
    fn from(text: String) -> Self {
        Help::new(text)
    }
}

impl From<Text> for Help {
    fn from(text: Text) -> Self {
        Help::new(text)
    }
}
