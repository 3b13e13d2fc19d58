//! What the linker does for a component's command line.

use crate::arguments::{self, Arguments};
use crate::encode::encode;
use crate::option_table::{self, COMPATIBLE};
use std::ffi::OsString;
use wald_cli::{Plan, PostLink, Syntax};

/// Makes components of modules.
pub struct Planner;

impl PostLink for Planner {
    fn plan(&self, arguments: Vec<OsString>, syntax: &Syntax) -> Plan {
        let Arguments { options, skip, version, linker, diagnostics, .. } =
            arguments::parse(arguments, syntax);
        let mut plan = Plan::default();
        plan.arguments = linker;
        plan.diagnostics = diagnostics;
        plan.help = Some(option_table::help("wald-component-ld"));
        if version {
            let own = env!("CARGO_PKG_VERSION");
            plan.answer =
                Some(format!("wald-component-ld {own} (compatible with wasm-component-ld {COMPATIBLE})\n"));
        }
        if !skip {
            plan.transform = Some(Box::new(move |module| {
                encode(module, &options).map_err(|error| Box::new(error.diagnostic()))
            }));
        }
        plan
    }
}
