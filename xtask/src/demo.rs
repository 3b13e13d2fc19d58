//! `cargo xtask demo`: links a real program with Wald, in process, and runs it.

use crate::demo_link::{link, show_run, Linked};
use crate::demo_objects::{self, ARCHIVE, OBJECTS};
use crate::demo_sqlite;
use crate::wasi::World;
use crate::workspace;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask demo             a search engine for text files, linked from the objects in demo/objects
       cargo xtask demo sqlite      SQLite: builds it first, with clang 22, from crates.io (see cargo xtask corpus)
       cargo xtask demo --rebuild   compile demo/objects anew from demo/src, with clang 22

Links with Wald, validates the module, runs it in wasmi, and prints what was linked, how long each phase took, and what
the program says.
";

/// The program's arguments.
pub const ARGUMENTS: &[&str] = &[
    "demo",
    "linking.txt",
    "module.txt",
    "--",
    "stats",
    "--",
    "top",
    "6",
    "--",
    "long",
    "3",
    "--",
    "find",
    "archive and (order or members)",
    "--",
    "find",
    "relocations not list",
    "--",
    "heap",
];

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demo(),
        ["sqlite"] => demo_sqlite::run(),
        ["--rebuild"] => demo_objects::build(&demo_objects::folder().join("objects")),
        _ => Err("takes nothing, 'sqlite' or '--rebuild'".into()),
    }
}

fn demo() -> Result<(), String> {
    let linked = link_demo()?;
    linked.print();
    let finished = show_run(&linked.module, world(ARGUMENTS)?)?;
    if finished.code != 0 {
        return Err(format!("the program ended with exit code {}", finished.code));
    }
    println!(
        "\nIt works: Wald linked {} files into one WebAssembly program, which read two texts and answered the queries above.",
        linked.inputs.len()
    );
    Ok(())
}

/// Links the objects that are kept in the repository.
pub fn link_demo() -> Result<Linked, String> {
    let objects = workspace::root().join("demo/objects");
    let mut inputs: Vec<PathBuf> = OBJECTS.iter().map(|name| objects.join(format!("{name}.o"))).collect();
    inputs.push(objects.join(ARCHIVE));
    let output = workspace::root().join("target/demo/demo.wasm");
    link(inputs.iter().map(|path| path.into()).collect(), &inputs, &output)
}

/// The demo's files, and the arguments.
pub fn world(arguments: &[&str]) -> Result<World, String> {
    let mut files = BTreeMap::new();
    for name in ["linking.txt", "module.txt"] {
        files.insert(name.to_string(), workspace::read(&demo_objects::folder().join("data").join(name))?);
    }
    Ok(World::new(arguments, files))
}
