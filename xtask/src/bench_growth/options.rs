//! Links with many options.

use super::job::{Job, Link};
use wald::unit::{Data, Definition, Function, Relocation, Symbol, Unit};

/// One for each option that may be given any number of times.
pub const JOBS: &[Job] = &[
    Job { name: "--wrap", size: 20_000, make: wrap },
    Job { name: "--export", size: 20_000, make: |link, size| named(link, size, "--export=") },
    Job { name: "--export of segments' bounds", size: 5_000, make: bounds },
    Job {
        name: "--export-if-defined",
        size: 200_000,
        make: |link, size| unknown(link, size, "--export-if-defined="),
    },
    Job { name: "--undefined", size: 50_000, make: |link, size| named(link, size, "--undefined=") },
    Job { name: "--trace-symbol", size: 20_000, make: |link, size| named(link, size, "--trace-symbol=") },
    Job { name: "--why-extract and --map", size: 20_000, make: reports },
    Job { name: "--keep-section", size: 2_000, make: keep_section },
    Job {
        name: "--extra-features",
        size: 50_000,
        make: |link, size| unknown(link, size, "--extra-features="),
    },
    Job { name: "--allow-undefined-file", size: 50_000, make: allow_undefined },
    Job { name: "response file of long names", size: 10_000, make: long_names },
    Job { name: "response file in quotes", size: 5_000_000, make: quoted },
    Job { name: "nested response files", size: 20_000, make: nested },
    Job { name: "-L", size: 2_000, make: folders },
    Job { name: "-l found behind 100 folders", size: 1_000, make: |link, size| libraries(link, size, true) },
    Job { name: "-l not found in 400 folders", size: 250, make: |link, size| libraries(link, size, false) },
    Job {
        name: "unknown options",
        size: 20_000,
        make: |link, size| unknown(link, size, "--no-such-option-"),
    },
    Job { name: "missing inputs", size: 10_000, make: |link, size| unknown(link, size, "no-such-file-") },
];

/// A unit of functions that a first one calls.
fn program(size: usize) -> Result<Unit, String> {
    let mut unit = Unit::new();
    let signature = unit.signature(&[], &[]);
    let (mut body, mut calls) = (vec![0], Vec::new());
    for number in 0..size {
        let function = Function::new(signature, vec![0, 0x0b], Vec::new());
        let symbol = Symbol::global(format!("function_{number}"));
        let callee = unit.add(symbol, Definition::Function(function)).map_err(|error| error.to_string())?;
        body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
        calls.push(Relocation::call(body.len() as u32 - 5, callee));
    }
    body.push(0x0b);
    let start = Definition::Function(Function::new(signature, body, calls));
    unit.add(Symbol::global("_start"), start).map_err(|error| error.to_string())?;
    Ok(unit)
}

/// An option for each function of a program.
fn named(link: &mut Link, size: usize, option: &str) -> Result<(), String> {
    (0..size).for_each(|number| link.argument(&format!("{option}function_{number}")));
    link.object("a.o", &program(size)?)
}

/// An option with values that mean nothing in a small program.
fn unknown(link: &mut Link, size: usize, option: &str) -> Result<(), String> {
    link.argument("--error-limit=0");
    (0..size).for_each(|number| link.argument(&format!("{option}nothing_{number}")));
    link.object("a.o", &program(1)?)
}

fn wrap(link: &mut Link, size: usize) -> Result<(), String> {
    // What is undefined is an import.
    link.argument("--allow-undefined");
    named(link, size, "--wrap=")
}

/// Names of segments' bounds, which are defined only when the segments are there.
fn bounds(link: &mut Link, size: usize) -> Result<(), String> {
    let mut unit = program(1)?;
    for number in 0..size {
        let datum = Definition::Data(Data::new(format!("bounds_{number}"), 0, vec![1]));
        unit.add(Symbol::global(format!("datum_{number}")), datum).map_err(|error| error.to_string())?;
        link.argument(&format!("--export=__start_bounds_{number}"));
        link.argument(&format!("--trace-symbol=__stop_bounds_{number}"));
    }
    link.argument("--no-gc-sections");
    link.object("a.o", &unit)
}

fn reports(link: &mut Link, size: usize) -> Result<(), String> {
    link.argument("--why-extract=why.txt");
    named(link, size, "--Map=map.txt\n--export=")
}

fn keep_section(link: &mut Link, size: usize) -> Result<(), String> {
    link.argument("--strip-all");
    let mut object = super::job::object(&program(1)?)?;
    for number in 0..size {
        link.argument(&format!("--keep-section=section_{number}"));
        super::job::append_custom(&mut object, &format!("section_{number}"), b"contents");
    }
    link.file("a.o", object)?;
    link.argument("a.o");
    Ok(())
}

fn allow_undefined(link: &mut Link, size: usize) -> Result<(), String> {
    let mut unit = Unit::new();
    let signature = unit.signature(&[], &[]);
    let (mut body, mut calls, mut names) = (vec![0], Vec::new(), String::new());
    for number in 0..size {
        names += &format!("import_{number}\n");
        let undefined = Definition::UndefinedFunction(signature, None);
        let callee = unit
            .add(Symbol::global(format!("import_{number}")), undefined)
            .map_err(|error| error.to_string())?;
        body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
        calls.push(Relocation::call(body.len() as u32 - 5, callee));
    }
    body.push(0x0b);
    let start = Definition::Function(Function::new(signature, body, calls));
    unit.add(Symbol::global("_start"), start).map_err(|error| error.to_string())?;
    link.file("names.txt", names)?;
    link.argument("--allow-undefined-file=names.txt");
    link.object("a.o", &unit)
}

fn long_names(link: &mut Link, size: usize) -> Result<(), String> {
    (0..size).for_each(|number| link.argument(&format!("--export-if-defined={number:02000}")));
    link.object("a.o", &program(1)?)
}

fn quoted(link: &mut Link, size: usize) -> Result<(), String> {
    link.argument(&format!("--export-if-defined=\"{}\\\"\"", "a b'".repeat(size / 4)));
    link.object("a.o", &program(1)?)
}

fn nested(link: &mut Link, size: usize) -> Result<(), String> {
    link.file("inner", "--export-if-defined=a --export-if-defined=b")?;
    (0..size).for_each(|_| link.argument("@inner"));
    link.object("a.o", &program(1)?)
}

fn folders(link: &mut Link, size: usize) -> Result<(), String> {
    (0..size).for_each(|number| link.argument(&format!("-Lfolder_{number}")));
    link.folder("last")?;
    link.argument("-Llast");
    link.archive("last/liba.a", &[super::job::object(&program(1)?)?])?;
    (0..20).for_each(|_| link.argument("-la"));
    Ok(())
}

fn libraries(link: &mut Link, size: usize, found: bool) -> Result<(), String> {
    let folders = if found { 100 } else { 400 };
    for number in 0..folders {
        link.folder(&format!("folder_{number}"))?;
        link.argument(&format!("-Lfolder_{number}"));
    }
    for number in 0..size {
        if found {
            link.archive(&format!("folder_99/libx{number}.a"), &[super::job::object(&program(1)?)?])?;
        }
        link.argument(&format!("-lx{number}"));
    }
    link.argument("--error-limit=0");
    let mut unit = program(1)?;
    let datum = Definition::Data(Data::new(".data.x", 0, vec![1]));
    unit.add(Symbol::global("datum"), datum).map_err(|error| error.to_string())?;
    link.object("a.o", &unit)
}
