//! A kept linker goes on from the layout of its last link if only contents of objects changed, and starts again if anything else did. Its
//! bytes are those of a link from nothing either way.

mod common;

use common::said;
use wald::options::Options;
use wald::unit::{
    Data, Definition, Function, Relocation, RelocationType, Section, Symbol, SymbolHandle, Unit, ValueType,
};
use wald::{Bytes, InputDescription, InputId, LinkResult, Linker};

const MODULES: usize = 5;
const STRINGS: u32 = 1;

/// What an object is made of.
#[derive(Clone)]
struct Module {
    number: usize,
    /// The number of functions that nothing calls but the first one.
    functions: usize,
    /// How many `nop`s the second function has.
    nops: usize,
    /// Modules whose first function the first function calls.
    calls: Vec<usize>,
    /// Whether the first function takes the second one's address.
    takes_address: bool,
    /// Functions of which the second function takes the address, and those that it calls: of the last ones.
    addresses: Vec<usize>,
    local_calls: Vec<usize>,
    /// Whether the second function also calls one that nothing else refers to.
    calls_unused: bool,
    /// Whether the second function has a parameter.
    has_parameter: bool,
    data: Vec<u8>,
    string: &'static str,
    debug_string: &'static str,
    exported: bool,
    has_debug: bool,
    local_name: &'static str,
}

impl Module {
    fn new(number: usize) -> Self {
        Module {
            number,
            functions: 3 + 40 * (number % 2),
            nops: 1,
            calls: (0..MODULES).filter(|other| other % 3 == number % 3).collect(),
            takes_address: number != 1,
            addresses: vec![0, 1],
            local_calls: vec![0],
            calls_unused: false,
            has_parameter: false,
            data: vec![number as u8; 9],
            string: "a string",
            debug_string: "a name",
            exported: number < 3,
            has_debug: true,
            local_name: "local",
        }
    }

    fn unit(&self) -> Unit {
        let mut unit = Unit::new();
        let number = self.number;
        let plain = unit.signature(&[], &[]);
        let second = match self.has_parameter {
            true => unit.signature(&[ValueType::I32], &[]),
            false => plain,
        };
        let mut data = Data::new(format!(".data.d{number}"), 2, self.data.clone());
        let data_symbol =
            unit.add(Symbol::global(format!("data_{number}")), Definition::Data(data.clone())).unwrap();
        data.segment = format!(".rodata.s{number}");
        (data.alignment, data.flags, data.bytes) =
            (0, STRINGS, format!("{}\0common\0", self.string).into_bytes());
        let string = unit.add(Symbol::local("string"), Definition::Data(data)).unwrap();
        let mut local = |name: &str| {
            let function = Function::new(plain, vec![0, 0x0b], Vec::new());
            unit.add(Symbol::local(name), Definition::Function(function)).unwrap()
        };
        let locals = ["one", "two"].map(&mut local);
        let unused = local("unused");
        let (mut body, mut relocations) = ([&[0][..], &vec![1; self.nops]].concat(), Vec::new());
        for &address in &self.addresses {
            body.extend([0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x1a]);
            let offset = body.len() as u32 - 6;
            relocations.push(Relocation::new(RelocationType::TableIndexSleb, offset, locals[address], 0));
        }
        let calls =
            self.local_calls.iter().map(|&call| locals[call]).chain(self.calls_unused.then_some(unused));
        for callee in calls {
            body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
            relocations.push(Relocation::call(body.len() as u32 - 5, callee));
        }
        body.push(0x0b);
        let function = Function::new(second, body, relocations);
        let called = unit.add(Symbol::local(self.local_name), Definition::Function(function)).unwrap();
        let (mut body, mut relocations) = (vec![0], Vec::new());
        let mut refer = |body: &mut Vec<u8>, kind: RelocationType, symbol: SymbolHandle| {
            body.extend([0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x1a]);
            relocations.push(Relocation::new(kind, body.len() as u32 - 6, symbol, 0));
        };
        refer(&mut body, RelocationType::MemoryAddrSleb, data_symbol);
        refer(&mut body, RelocationType::MemoryAddrSleb, string);
        if self.takes_address {
            refer(&mut body, RelocationType::TableIndexSleb, called);
        }
        let mut call = |body: &mut Vec<u8>, symbol: SymbolHandle| {
            body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
            relocations.push(Relocation::call(body.len() as u32 - 5, symbol));
        };
        for other in self.calls.iter().filter(|other| **other != number) {
            let callee = Definition::UndefinedFunction(plain, None);
            let callee = unit.add(Symbol::global(format!("first_{other}")), callee).unwrap();
            call(&mut body, callee);
        }
        let mut functions = vec![called];
        for position in 0..self.functions {
            let function = Function::new(plain, vec![0, 1, 0x0b], Vec::new());
            let name = format!("function_{number}_{position}");
            let symbol = unit.add(Symbol::global(name), Definition::Function(function)).unwrap();
            call(&mut body, symbol);
            functions.push(symbol);
        }
        body.push(0x0b);
        let first = Definition::Function(Function::new(plain, body, relocations));
        let mut symbol = Symbol::global(format!("first_{number}"));
        symbol.exported = self.exported;
        functions.push(unit.add(symbol, first).unwrap());
        self.add_debug(&mut unit, &functions);
        unit
    }

    /// Debug sections that refer to functions, to the datum and to strings.
    fn add_debug(&self, unit: &mut Unit, functions: &[SymbolHandle]) {
        let strings = if self.has_debug { format!("common\0{}\0", self.debug_string) } else { String::new() };
        let section = |name: &str, bytes: Vec<u8>, relocations| {
            Definition::Section(Section { name: name.into(), bytes, relocations, comdat: None })
        };
        let strings = section(".debug_str", strings.into_bytes(), Vec::new());
        let strings = unit.add(Symbol::local(".debug_str"), strings).unwrap();
        let mut bytes = vec![0; 4 * functions.len() + 4];
        bytes.extend(std::iter::repeat_n(7, self.nops));
        let offsets = functions.iter().enumerate().map(|(position, &function)| {
            Relocation::new(RelocationType::FunctionOffsetI32, 4 + 4 * position as u32, function, 2)
        });
        let mut relocations = Vec::new();
        if self.has_debug {
            relocations.push(Relocation::new(RelocationType::SectionOffsetI32, 0, strings, 7));
        }
        relocations.extend(offsets);
        unit.add(Symbol::local(".debug_info"), section(".debug_info", bytes, relocations)).unwrap();
    }

    fn bytes(&self) -> Bytes {
        Bytes::from(self.unit().to_object().unwrap())
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.entry = None;
    options
}

fn linker(options: &Options) -> Linker {
    let mut linker = Linker::new(options.clone());
    linker.set_threads(Some(2));
    linker
}

/// A kept linker, and what its inputs are.
struct Session {
    linker: Linker,
    inputs: Vec<(InputId, Module)>,
}

impl Session {
    fn new() -> Self {
        let mut session = Session { linker: linker(&options()), inputs: Vec::new() };
        for number in 0..MODULES {
            session.add(Module::new(number));
        }
        session
    }

    fn add(&mut self, module: Module) {
        let id = self.linker.declare_input(InputDescription::new(format!("{}.o", module.number)));
        self.linker.provide(id, module.bytes()).unwrap();
        self.inputs.push((id, module));
    }

    fn edit(&mut self, number: usize, edit: impl FnOnce(&mut Module)) {
        let (id, module) = &mut self.inputs[number];
        edit(module);
        self.linker.replace(*id).unwrap();
        self.linker.provide(*id, module.bytes()).unwrap();
    }

    fn fresh(&self) -> LinkResult {
        let mut linker = linker(self.linker.options());
        for (_, module) in &self.inputs {
            let id = linker.declare_input(InputDescription::new(format!("{}.o", module.number)));
            linker.provide(id, module.bytes()).unwrap();
        }
        linker.finish()
    }

    /// Links, and compares with a link from nothing. Whether the link went on from the last layout.
    fn link(&mut self, what: &str) -> bool {
        let (kept, fresh) = (self.linker.link(), self.fresh());
        assert_eq!(said(&kept), said(&fresh), "{what}");
        let goes_on = !kept.timing.phases.iter().any(|(phase, _)| *phase == "settle");
        match (kept.module, fresh.module) {
            (Ok(kept), Ok(fresh)) => assert!(kept == fresh, "{what}: other bytes"),
            (kept, fresh) => assert_eq!(kept.is_ok(), fresh.is_ok(), "{what}"),
        }
        goes_on
    }
}

#[test]
fn edits_of_contents_go_on_from_the_last_layout() {
    let mut session = Session::new();
    assert!(!session.link("first"));
    // The first of these only learns the bytes, the others make the output out of the last one.
    for round in 0..3 {
        for number in 0..MODULES {
            session.edit(number, |module| module.nops += 1);
            assert!(session.link("a longer function"), "{round} {number}");
            session.edit(number, |module| module.data[3] += 1);
            assert!(session.link("other data"));
        }
        // The size of the function takes two bytes, later one again. Sections move by it, and by the sizes before them.
        session.edit(1, |module| module.nops = 300);
        assert!(session.link("a much longer function"));
        session.edit(3, |module| module.nops = 20_000);
        session.edit(0, |module| module.nops = 130);
        assert!(session.link("two longer functions"));
        session.edit(3, |module| module.nops = 1);
        session.edit(1, |module| module.nops = 200);
        assert!(session.link("a shorter and a longer function"));
        session.edit(0, |module| module.nops = 2);
        session.edit(2, |module| module.debug_string = ["one", "another one", "common"][round]);
        assert!(session.link("another string for debuggers"));
        session.edit(2, |module| module.nops = 3);
        session.edit(2, |module| module.nops = 4);
        assert!(session.link("edited twice"));
        assert!(session.link("nothing changed"));
        session.edit(2, |module| module.local_calls = vec![1, 0, 1]);
        assert!(session.link("calls of functions that are called anyway"));
        session.edit(2, |module| module.local_calls = vec![0]);
        session.edit(3, |module| module.nops = 77);
        assert!(session.link("fewer calls"));
        session.linker.prepare();
        session.edit(4, |module| module.nops += 1);
        session.linker.prepare();
        assert!(session.link("prepared"));
    }
}

#[test]
fn edits_of_anything_else_start_again() {
    type Edit = fn(&mut Module);
    let edits: [(&str, Edit); 15] = [
        ("a new call", |module| module.calls = (0..MODULES).collect()),
        ("a call less", |module| module.calls = vec![]),
        ("an address that is taken", |module| module.takes_address = true),
        ("an address that is no longer taken", |module| module.takes_address = false),
        ("addresses in another order", |module| module.addresses = vec![1, 0]),
        ("an address less", |module| module.addresses = vec![1]),
        ("a function that becomes live", |module| module.calls_unused = true),
        ("a new string", |module| module.string = "another string"),
        ("a string of the same length", |module| module.string = "a strong"),
        ("more data", |module| module.data.extend([7; 30])),
        ("another signature", |module| module.has_parameter = true),
        ("a new export", |module| module.exported = !module.exported),
        ("more functions", |module| module.functions += 100),
        ("fewer functions", |module| module.functions -= 1),
        ("another name", |module| module.local_name = "other"),
    ];
    for number in 0..MODULES {
        for (what, edit) in edits {
            let mut session = Session::new();
            session.link(what);
            session.edit(1, |module| module.nops += 1);
            session.link(what);
            session.edit(number, edit);
            session.edit(2, |module| module.nops += 1);
            session.link(what);
            session.edit(3, |module| module.nops += 1);
            assert!(session.link(what), "{what}: the layout is kept from then on");
            session.edit(4, |module| module.nops += 1);
            session.link(what);
            let first = Module::new(number);
            session.edit(number, |module| *module = first);
            session.link("all as at first");
            session.edit(3, |module| module.nops += 1);
            assert!(session.link(what));
        }
    }
}

#[test]
fn other_inputs_and_options_start_again() {
    let mut session = Session::new();
    session.link("first");
    session.edit(0, |module| module.nops += 1);
    assert!(session.link("an edit"));
    let (id, removed) = session.inputs.remove(2);
    session.linker.remove(id).unwrap();
    assert!(!session.link("an object less"));
    session.add(removed);
    assert!(!session.link("an object more"));
    session.linker.options_mut().demangle = false;
    assert!(!session.link("another option"));
    session.linker.options_mut().strip_debug = true;
    assert!(!session.link("without debug information"));
    session.edit(1, |module| module.nops += 1);
    assert!(session.link("an edit"));
    session.linker.options_mut().strip_debug = false;
    assert!(!session.link("with debug information"));
    session.edit(1, |module| module.nops += 1);
    let mut module = Vec::new();
    assert!(session.linker.link_once_into(&mut module).module.is_ok());
    assert!(module == session.fresh().module.unwrap());
    assert!(!session.link("after a link that kept nothing"));
}

/// Debug sections that an edit empties, or fills.
#[test]
fn sections_can_come_and_go() {
    let mut session = Session::new();
    session.link("first");
    for number in [0, 3, 0, 1, 2, 4, 3] {
        session.edit(number, |module| module.nops += 1);
        session.link("an edit");
        session.edit(number, |module| module.has_debug = !module.has_debug);
        session.link("strings that come or go");
    }
    (0..MODULES).for_each(|number| session.edit(number, |module| module.has_debug = false));
    session.link("no strings");
    session.edit(1, |module| module.has_debug = true);
    session.link("strings");
}

fn archive(member: &[u8]) -> Bytes {
    let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "m.o/", 0, 0, 0, 644, member.len());
    let padding = &b"\n"[..member.len() % 2];
    Bytes::from([b"!<arch>\n", header.as_bytes(), member, padding].concat())
}

/// Constructors of an archive's member run only if something of the member is live.
#[test]
fn an_archive_can_become_an_object() {
    let mut unit = Unit::new();
    let plain = unit.signature(&[], &[]);
    let function =
        |body: &[u8], relocations| Definition::Function(Function::new(plain, body.to_vec(), relocations));
    let member = unit.add(Symbol::global("member"), function(&[0, 0x0b], Vec::new())).unwrap();
    unit.add_init_function(1, member).unwrap();
    let member = unit.to_object().unwrap();
    let mut unit = Unit::new();
    let plain = unit.signature(&[], &[]);
    let callee = unit.add(Symbol::global("member"), Definition::UndefinedFunction(plain, None)).unwrap();
    let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
    let dead = Function::new(plain, body, vec![Relocation::call(2, callee)]);
    unit.add(Symbol::global("dead"), Definition::Function(dead)).unwrap();
    let live = Definition::Function(Function::new(plain, vec![0, 0x0b], Vec::new()));
    unit.add(Symbol::global("live").exported(), live).unwrap();
    let object = Bytes::from(unit.to_object().unwrap());
    let link = |linker: &mut Linker| linker.link().module.unwrap();
    let new = |second: &Bytes| {
        let mut linker = linker(&options());
        let ids = [&object, second].map(|bytes| {
            let id = linker.declare_input(InputDescription::new("input"));
            linker.provide(id, bytes.clone()).unwrap();
            id
        });
        (linker, ids[1])
    };
    let (archive, member) = (archive(&member), Bytes::from(member));
    let (mut kept, id) = new(&archive);
    let (of_archive, of_object) = (link(&mut new(&archive).0), link(&mut new(&member).0));
    assert!(of_archive != of_object);
    for (bytes, expected) in [(&archive, &of_archive), (&member, &of_object), (&archive, &of_archive)] {
        kept.replace(id).unwrap();
        kept.provide(id, bytes.clone()).unwrap();
        assert!(link(&mut kept) == *expected);
    }
}

/// How much memory this process has, in bytes; `None` if the system does not say.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn memory_does_not_grow_with_edits() {
    const EDITS: usize = 10_000;
    let mut session = Session::new();
    session.link("first");
    let mut early = None;
    for edit in 0..EDITS {
        session.edit(edit % MODULES, |module| module.nops = 1 + edit % 997);
        if edit % 5 == 0 {
            session.linker.prepare();
        }
        assert!(session.linker.link().module.is_ok());
        if edit % 1000 == 0 {
            session.link("one of many");
        }
        if edit == EDITS / 10 {
            early = resident();
        }
    }
    if let (Some(early), Some(late)) = (early, resident()) {
        let grown = late.saturating_sub(early);
        // The objects and outputs would be a hundred megabytes and more. A sanitizer keeps freed memory for a while.
        let is_sanitized = std::env::var_os("WALD_SANITIZER").is_some();
        assert!(grown < 16 << 20 || is_sanitized, "grown by {grown} bytes");
    }
}
