//! Developer commands, one file each, and what they share.
//!
//! Each command has a `HELP` text and a `run` function; [`COMMANDS`] lists them. `main.rs` only dispatches. The
//! command line, the WASI host and the explanation of differences are here so that tests can use them too.
#![deny(unsafe_code)]

pub mod api;
pub mod arguments;
pub mod arrivals;
pub mod bench;
pub mod bench_builds;
pub mod bench_component;
pub mod bench_failing;
pub mod bench_growth;
pub mod bench_guard;
pub mod bench_lto;
pub mod bench_pipeline;
pub mod bench_relink;
pub mod bench_renames;
pub mod bench_report;
pub mod bench_scale;
pub mod bench_times;
pub mod bless;
pub mod build_projects;
pub mod clients;
pub mod corpus;
pub mod demo;
pub mod demo_link;
pub mod demo_objects;
pub mod demo_sqlite;
pub mod diagnostics;
pub mod diff;
pub mod dist;
pub mod edits;
pub mod engine;
pub mod explain;
pub mod fuzz;
pub mod guide;
pub mod header;
pub mod job;
pub mod large_jobs;
pub mod library_job;
pub mod link_step;
pub mod lto_jobs;
pub mod measure;
pub mod module;
pub mod package;
pub mod packages;
pub mod sanitize;
pub mod server_edits;
pub mod test;
pub mod tidy;
pub mod wasi;
pub mod wasi_files;
pub mod web;
pub mod workspace;

/// A command of `cargo xtask`.
pub struct Command {
    /// As it is typed.
    pub name: &'static str,
    /// One line for the overview.
    pub summary: &'static str,
    /// What `--help` prints.
    pub help: &'static str,
    /// Does it. The error is a sentence for the reader.
    pub run: fn(&[String]) -> Result<(), String>,
}

/// All commands, in the order of the overview.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        summary: "link a real program with Wald and run it",
        help: demo::HELP,
        run: demo::run,
    },
    Command {
        name: "clients",
        summary: "build programs with what calls a linker, Wald in wasm-ld's place",
        help: clients::HELP,
        run: clients::run,
    },
    Command {
        name: "test",
        summary: "install what the tests need, then run all tests",
        help: test::HELP,
        run: test::run,
    },
    Command { name: "guide", summary: "write the guide's option tables", help: guide::HELP, run: guide::run },
    Command {
        name: "diagnostics",
        summary: "write the examples of messages from the link cases",
        help: diagnostics::HELP,
        run: diagnostics::run,
    },
    Command { name: "header", summary: "write the C header", help: header::HELP, run: header::run },
    Command {
        name: "arrivals",
        summary: "link the jobs with inputs in shuffled order",
        help: arrivals::HELP,
        run: arrivals::run,
    },
    Command {
        name: "edits",
        summary: "relink the jobs after random edits",
        help: edits::HELP,
        run: edits::run,
    },
    Command {
        name: "server",
        summary: "link the jobs with a server after random changes",
        help: server_edits::HELP,
        run: server_edits::run,
    },
    Command { name: "corpus", summary: "build the real link jobs", help: corpus::HELP, run: corpus::run },
    Command {
        name: "diff",
        summary: "compare Wald with wasm-ld on the link jobs",
        help: diff::HELP,
        run: diff::run,
    },
    Command {
        name: "bench",
        summary: "measure Wald and wasm-ld on the link jobs",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "bless",
        summary: "keep wasm-ld's answers to the link cases",
        help: bless::HELP,
        run: bless::run,
    },
    Command {
        name: "fuzz",
        summary: "run the fuzz targets for a fixed time",
        help: fuzz::HELP,
        run: fuzz::run,
    },
    Command {
        name: "sanitize",
        summary: "run the tests under address and thread sanitizers",
        help: sanitize::HELP,
        run: sanitize::run,
    },
    Command {
        name: "package",
        summary: "try the packages outside of the workspace",
        help: package::HELP,
        run: package::run,
    },
    Command { name: "api", summary: "compare the public API with api.txt", help: api::HELP, run: api::run },
    Command { name: "tidy", summary: "check the rules of this repository", help: tidy::HELP, run: tidy::run },
    Command {
        name: "dist",
        summary: "release build, man page and completions",
        help: dist::HELP,
        run: dist::run,
    },
    Command {
        name: "web",
        summary: "Wald in the browser: the page and the npm package",
        help: web::HELP,
        run: web::run,
    },
];

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
