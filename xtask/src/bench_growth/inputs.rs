//! Links with many, or large, things in their inputs.

use super::job::{append_custom, object, Job, Link};
use wald::unit::RelocationType;
use wald::unit::{
    Binding, Data, Definition, Function, Import, Relocation, Symbol, SymbolHandle, Unit, ValueType,
};

/// One for each thing that a file can have any number of.
pub const JOBS: &[Job] = &[
    Job { name: "symbols of a stub library", size: 12_500, make: stub_library },
    Job { name: "renamed imports of a stub library", size: 10_000, make: stub_fields },
    Job { name: "one function's body", size: 10_000_000, make: body },
    Job { name: "one function's calls", size: 500_000, make: calls },
    Job { name: "strings with a common end of 1,000 bytes", size: 5_000, make: tails },
    Job { name: "debug strings with a common end of 1,000 bytes", size: 5_000, make: debug_tails },
    Job { name: "one string's length", size: 5_000_000, make: long_string },
    Job { name: "short strings", size: 200_000, make: short_strings },
    Job { name: "functions", size: 50_000, make: functions },
    Job { name: "segments", size: 50_000, make: |link, size| segments(link, size, ".data.") },
    Job { name: "segments of one name", size: 50_000, make: |link, size| segments(link, size, "one#") },
    Job {
        name: "segments that are kept apart",
        size: 5_000,
        make: |link, size| segments(link, size, "apart_"),
    },
    Job { name: "comdats", size: 20_000, make: comdats },
    Job { name: "custom sections", size: 10_000, make: |link, size| custom_sections(link, size, false) },
    Job {
        name: "custom sections of one name",
        size: 20_000,
        make: |link, size| custom_sections(link, size, true),
    },
    Job { name: "constructors", size: 20_000, make: constructors },
    Job { name: "signatures", size: 20_000, make: signatures },
    Job { name: "imports", size: 50_000, make: imports },
    Job { name: "undefined symbols, each an error", size: 20_000, make: undefined },
    Job { name: "weak symbols that nothing defines", size: 50_000, make: undefined_weak },
    Job { name: "addresses of one function", size: 200_000, make: one_address },
    Job { name: "addresses of functions", size: 50_000, make: addresses },
    Job { name: "aliases of a function", size: 50_000, make: aliases },
    Job { name: "signatures of one name", size: 2_000, make: variants },
    Job { name: "features", size: 20_000, make: features },
    Job { name: "objects", size: 1_000, make: objects },
    Job { name: "duplicate symbols, each an error", size: 10_000, make: duplicates },
    Job { name: "members of an archive", size: 5_000, make: members },
    Job { name: "members that need one another backwards", size: 5_000, make: chain },
    Job { name: "archives", size: 1_000, make: archives },
    Job { name: "lazy symbols", size: 100_000, make: lazy },
    Job { name: "--start-lib", size: 500, make: start_libs },
    Job { name: "long names", size: 500, make: long_names },
    Job { name: "nested C++ names", size: 2_000, make: nested_names },
    Job { name: "-r with symbols", size: 50_000, make: relocatable },
    Job { name: "-shared with symbols", size: 20_000, make: shared },
    Job { name: "needed libraries", size: 250, make: needed },
];

type Made = Result<(), String>;

/// The body of a function that does nothing.
const EMPTY: [u8; 2] = [0, 0x0b];

/// A unit, and what most jobs add to it.
struct Program {
    unit: Unit,
    body: Vec<u8>,
    relocations: Vec<Relocation>,
}

impl Program {
    fn new() -> Self {
        Program { unit: Unit::new(), body: vec![0], relocations: Vec::new() }
    }

    fn add(&mut self, symbol: Symbol, definition: Definition) -> Result<SymbolHandle, String> {
        self.unit.add(symbol, definition).map_err(|error| error.to_string())
    }

    fn function(&mut self, name: String) -> Result<SymbolHandle, String> {
        self.named(Symbol::global(name))
    }

    fn named(&mut self, symbol: Symbol) -> Result<SymbolHandle, String> {
        let signature = self.unit.signature(&[], &[]);
        self.add(symbol, Definition::Function(Function::new(signature, EMPTY.to_vec(), Vec::new())))
    }

    fn undefined(&mut self, name: String, binding: Binding) -> Result<SymbolHandle, String> {
        let signature = self.unit.signature(&[], &[]);
        let symbol = Symbol { binding, ..Symbol::global(name) };
        self.add(symbol, Definition::UndefinedFunction(signature, None))
    }

    fn datum(
        &mut self,
        segment: String,
        bytes: Vec<u8>,
        relocations: Vec<Relocation>,
    ) -> Result<SymbolHandle, String> {
        let symbol = Symbol::global(format!("datum_{segment}"));
        let data = Data { relocations, ..Data::new(segment, 0, bytes) };
        let datum = self.add(symbol, Definition::Data(data))?;
        self.refer(datum);
        Ok(datum)
    }

    /// Lets the entry call a function.
    fn call(&mut self, callee: SymbolHandle) {
        self.body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
        self.relocations.push(Relocation::call(self.body.len() as u32 - 5, callee));
    }

    /// Lets the entry take an address.
    fn refer(&mut self, datum: SymbolHandle) {
        self.body.extend([0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x1a]);
        let at = self.body.len() as u32 - 6;
        self.relocations.push(Relocation::new(RelocationType::MemoryAddrSleb, at, datum, 0));
    }

    /// The unit with its entry.
    fn finish(mut self) -> Result<Unit, String> {
        self.body.push(0x0b);
        let signature = self.unit.signature(&[], &[]);
        let (body, relocations) = (std::mem::take(&mut self.body), std::mem::take(&mut self.relocations));
        let entry = Definition::Function(Function::new(signature, body, relocations));
        self.add(Symbol::global("_start"), entry)?;
        Ok(self.unit)
    }

    fn link(self, link: &mut Link) -> Made {
        let unit = self.finish()?;
        link.object("a.o", &unit)
    }
}

fn stub_library(link: &mut Link, size: usize) -> Made {
    let (mut program, mut stub) = (Program::new(), String::from("#STUB\n"));
    for number in 0..size {
        let callee = program.undefined(format!("stub_{number}"), Binding::Global)?;
        program.call(callee);
        stub += &format!("stub_{number}: needed\n");
    }
    program.function("needed".into())?;
    link.file("stub.so", stub)?;
    link.argument("stub.so");
    program.link(link)
}

/// Imports under names of a stub library that are not the symbols' names.
fn stub_fields(link: &mut Link, size: usize) -> Made {
    let (mut program, mut stub) = (Program::new(), String::from("#STUB\n"));
    for number in 0..size {
        let signature = program.unit.signature(&[], &[]);
        let import = Import::new("env", format!("stub_{number}"));
        let undefined = Definition::UndefinedFunction(signature, Some(import));
        let callee = program.add(Symbol::global(format!("local_{number}")), undefined)?;
        program.call(callee);
        stub += &format!("stub_{number}: needed\n");
    }
    program.function("needed".into())?;
    link.file("stub.so", stub)?;
    link.argument("stub.so");
    program.link(link)
}

fn body(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    program.body.resize(size, 1);
    program.link(link)
}

fn calls(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    let callee = program.function("callee".into())?;
    (0..size).for_each(|_| program.call(callee));
    program.link(link)
}

fn strings_with_tail(size: usize) -> Vec<u8> {
    let tail = "common end ".repeat(91);
    (0..size).flat_map(|number| format!("{number}{tail}\0").into_bytes()).collect()
}

fn strings(link: &mut Link, bytes: Vec<u8>) -> Made {
    const STRINGS: u32 = 1;
    let mut program = Program::new();
    let data = Data { flags: STRINGS, ..Data::new(".rodata.str", 0, bytes) };
    let datum = program.add(Symbol::global("strings"), Definition::Data(data))?;
    program.refer(datum);
    program.link(link)
}

fn tails(link: &mut Link, size: usize) -> Made {
    link.argument("-O2");
    strings(link, strings_with_tail(size))
}

fn debug_tails(link: &mut Link, size: usize) -> Made {
    link.argument("-O2");
    let mut bytes = object(&Program::new().finish()?)?;
    append_custom(&mut bytes, ".debug_str", &strings_with_tail(size));
    link.file("a.o", bytes)?;
    link.argument("a.o");
    Ok(())
}

fn long_string(link: &mut Link, size: usize) -> Made {
    link.argument("-O2");
    let mut bytes = vec![b'x'; size];
    bytes.push(0);
    strings(link, bytes)
}

fn short_strings(link: &mut Link, size: usize) -> Made {
    link.argument("-O2");
    strings(link, (0..size).flat_map(|number| format!("{number}\0").into_bytes()).collect())
}

fn functions(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let callee = program.function(format!("function_{number}"))?;
        program.call(callee);
    }
    program.link(link)
}

fn segments(link: &mut Link, size: usize, name: &str) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let symbol = Symbol::global(format!("datum_{number}"));
        let segment = match name.strip_suffix('#') {
            Some(name) => name.to_string(),
            None => format!("{name}{number}"),
        };
        let datum = program.add(symbol, Definition::Data(Data::new(segment, 0, vec![1; 8])))?;
        program.refer(datum);
    }
    program.link(link)
}

fn comdats(link: &mut Link, size: usize) -> Made {
    for (file, entry) in [("b.o", false), ("a.o", true)] {
        let mut program = Program::new();
        for number in 0..size {
            let name = format!("comdat_{number}");
            let comdat = program.unit.add_comdat(&name).map_err(|error| error.to_string())?;
            let signature = program.unit.signature(&[], &[]);
            let function = Function::new(signature, EMPTY.to_vec(), Vec::new());
            let function = Definition::Function(Function { comdat: Some(comdat), ..function });
            let callee = program.add(Symbol::weak(name), function)?;
            program.call(callee);
        }
        let unit = if entry { program.finish()? } else { program.unit };
        link.object(file, &unit)?;
    }
    Ok(())
}

fn custom_sections(link: &mut Link, size: usize, one: bool) -> Made {
    let mut bytes = object(&Program::new().finish()?)?;
    for number in 0..size {
        let number = if one { 0 } else { number };
        append_custom(&mut bytes, &format!("section_{number}"), b"contents");
    }
    link.file("a.o", bytes)?;
    link.argument("a.o");
    Ok(())
}

fn constructors(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let function = program.function(format!("init_{number}"))?;
        let priority = (number * 7919 % 65536) as u32;
        program.unit.add_init_function(priority, function).map_err(|error| error.to_string())?;
    }
    program.link(link)
}

/// Different parameter lists.
fn parameters(number: usize) -> Vec<ValueType> {
    let bits = (0..20).map(|bit| if number >> bit & 1 == 1 { ValueType::I64 } else { ValueType::I32 });
    bits.collect()
}

fn signatures(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let signature = program.unit.signature(&parameters(number), &[]);
        let function = Definition::Function(Function::new(signature, EMPTY.to_vec(), Vec::new()));
        let symbol = Symbol::global(format!("function_{number}")).exported();
        program.add(symbol, function)?;
    }
    program.link(link)
}

fn imports(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let callee = program.undefined(format!("import_{number}"), Binding::Global)?;
        program.call(callee);
    }
    link.argument("--allow-undefined");
    program.link(link)
}

fn undefined(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let callee = program.undefined(format!("missing_{number}"), Binding::Global)?;
        program.call(callee);
    }
    link.argument("--error-limit=0");
    program.link(link)
}

fn undefined_weak(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let callee = program.undefined(format!("missing_{number}"), Binding::Weak)?;
        program.call(callee);
    }
    program.link(link)
}

fn one_address(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    let function = program.function("callee".into())?;
    let relocation = |at| Relocation::new(RelocationType::TableIndexI32, 4 * at as u32, function, 0);
    let relocations = (0..size).map(relocation).collect();
    program.datum(".data.addresses".into(), vec![0; 4 * size], relocations)?;
    program.link(link)
}

fn addresses(link: &mut Link, size: usize) -> Made {
    let (mut program, mut relocations) = (Program::new(), Vec::new());
    for number in 0..size {
        let function = program.function(format!("function_{number}"))?;
        let at = 4 * number as u32;
        relocations.push(Relocation::new(RelocationType::TableIndexI32, at, function, 0));
    }
    program.datum(".data.addresses".into(), vec![0; 4 * size], relocations)?;
    program.link(link)
}

fn aliases(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    let function = program.function("original".into())?;
    for number in 0..size {
        let alias =
            program.add(Symbol::global(format!("alias_{number}")), Definition::FunctionAlias(function))?;
        program.call(alias);
    }
    program.link(link)
}

/// Objects that disagree on a function's signature: a warning and a trap for each.
fn variants(link: &mut Link, size: usize) -> Made {
    for number in 0..size {
        let mut program = Program::new();
        let signature = program.unit.signature(&parameters(number), &[]);
        let undefined = Definition::UndefinedFunction(signature, None);
        let symbol = Symbol::global("disputed");
        let callee = program.add(symbol, undefined)?;
        program.call(callee);
        let body = std::mem::replace(&mut program.body, vec![0]);
        let relocations = std::mem::take(&mut program.relocations);
        let nothing = program.unit.signature(&[], &[]);
        let caller = Function::new(nothing, [body, vec![0x0b]].concat(), relocations);
        program.add(Symbol::global(format!("caller_{number}")).exported(), Definition::Function(caller))?;
        link.object(&format!("{number}.o"), &program.unit)?;
    }
    let mut program = Program::new();
    program.function("disputed".into())?;
    program.link(link)
}

fn features(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        program.unit.add_feature('+', format!("feature-{number}")).map_err(|error| error.to_string())?;
    }
    program.link(link)
}

/// A small unit whose function has this name.
fn small(name: String) -> Result<Unit, String> {
    let mut program = Program::new();
    program.function(name)?;
    Ok(program.unit)
}

fn objects(link: &mut Link, size: usize) -> Made {
    for number in 0..size {
        link.object(&format!("{number}.o"), &small(format!("function_{number}"))?)?;
    }
    link.argument("--export-all");
    Program::new().link(link)
}

fn duplicates(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        program.function(format!("function_{number}"))?;
    }
    link.object("b.o", &program.unit)?;
    link.argument("--error-limit=0");
    program.link(link)
}

fn members(link: &mut Link, size: usize) -> Made {
    let members: Result<Vec<Vec<u8>>, String> =
        (0..size).map(|number| object(&small(format!("function_{number}"))?)).collect();
    link.archive("liba.a", &members?)?;
    link.argument("liba.a");
    let mut program = Program::new();
    for number in (0..size).step_by(2) {
        let callee = program.undefined(format!("function_{number}"), Binding::Global)?;
        program.call(callee);
    }
    program.link(link)
}

/// Each member needs the one before it.
fn chain(link: &mut Link, size: usize) -> Made {
    let mut members = Vec::new();
    for number in 0..size {
        let mut program = Program::new();
        if number > 0 {
            let callee = program.undefined(format!("function_{}", number - 1), Binding::Global)?;
            program.call(callee);
        }
        program.body.push(0x0b);
        let (body, relocations) =
            (std::mem::take(&mut program.body), std::mem::take(&mut program.relocations));
        let signature = program.unit.signature(&[], &[]);
        let function = Definition::Function(Function::new(signature, body, relocations));
        program.add(Symbol::global(format!("function_{number}")), function)?;
        members.push(object(&program.unit)?);
    }
    link.archive("liba.a", &members)?;
    let mut program = Program::new();
    let callee = program.undefined(format!("function_{}", size - 1), Binding::Global)?;
    program.call(callee);
    program.link(link)?;
    link.argument("liba.a");
    Ok(())
}

fn archives(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let member = object(&small(format!("function_{number}"))?)?;
        link.archive(&format!("lib{number}.a"), &[member])?;
        link.argument(&format!("lib{number}.a"));
        let callee = program.undefined(format!("function_{number}"), Binding::Global)?;
        program.call(callee);
    }
    program.link(link)
}

fn lazy(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        program.function(format!("function_{number}"))?;
    }
    link.archive("liba.a", &[object(&program.unit)?])?;
    link.argument("liba.a");
    Program::new().link(link)
}

fn start_libs(link: &mut Link, size: usize) -> Made {
    for number in 0..size {
        link.argument("--start-lib");
        link.object(&format!("{number}.o"), &small(format!("function_{number}"))?)?;
        link.argument("--end-lib");
    }
    Program::new().link(link)
}

fn long_names(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let callee = program.function(format!("{number:020000}"))?;
        program.call(callee);
    }
    program.link(link)
}

/// Names whose substitutions refer to ever longer parts.
fn nested_names(link: &mut Link, size: usize) -> Made {
    let mut program = Program::new();
    for number in 0..size {
        let name = format!("_ZN4name1AI{}iE1fEv{number}", "N1BIS_E".repeat(number % 50));
        let callee = program.function(name)?;
        program.call(callee);
    }
    program.link(link)
}

fn relocatable(link: &mut Link, size: usize) -> Made {
    link.argument("-r");
    functions(link, size)
}

fn shared(link: &mut Link, size: usize) -> Made {
    ["-shared", "--experimental-pic"].iter().for_each(|argument| link.argument(argument));
    let mut program = Program::new();
    for number in 0..size {
        program.function(format!("function_{number}"))?;
    }
    link.object("a.o", &program.unit)
}

/// Shared libraries, which the module then names.
fn needed(link: &mut Link, size: usize) -> Made {
    // `dylink.0` with memory information only, and an exported function.
    let library = |number: usize| {
        let name = format!("function_{number}");
        let mut bytes =
            b"\0asm\x01\0\0\0\0\x0f\x08dylink.0\x01\x04\0\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
        bytes.extend([7, name.len() as u8 + 4, 1, name.len() as u8]);
        bytes.extend(name.as_bytes());
        bytes.extend([0, 0, 0x0a, 4, 1, 2, 0, 0x0b]);
        bytes
    };
    ["-pie", "--experimental-pic", "-Bdynamic"].iter().for_each(|argument| link.argument(argument));
    for number in 0..size {
        link.file(&format!("lib{number}.so"), library(number))?;
        link.argument(&format!("lib{number}.so"));
    }
    Program::new().link(link)
}
