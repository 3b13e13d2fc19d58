//! A linker that is kept for thousands of edits, each of which brings new names, does not grow, and goes on to give the bytes of a
//! fresh link.

use wald::options::Options;
use wald::unit::{Definition, Function, Relocation, Symbol, Unit, ValueType};
use wald::{Bytes, InputDescription, LinkResult, Linker};

const EDITS: usize = 10_000;

/// How often the kept linker's bytes are compared with a fresh one's.
const SAMPLE: usize = 250;

/// Names that an edit brings.
const NAMES: usize = 40;

/// An object with names that no other edit has, and a function that every edit has.
fn unit(edit: usize, kept: &str) -> Unit {
    let mut unit = Unit::new();
    // Signatures are new, too.
    let bits = (0..14).map(|bit| if edit >> bit & 1 == 1 { ValueType::I64 } else { ValueType::I32 });
    let parameters: Vec<ValueType> = bits.collect();
    let (empty, other) = (unit.signature(&[], &[]), unit.signature(&parameters, &[]));
    let comdat = unit.add_comdat(format!("{kept}_comdat_{edit}")).unwrap();
    let (mut body, mut calls) = (vec![0], Vec::new());
    for number in 0..NAMES {
        let signature = if number == 0 { other } else { empty };
        let mut function = Function::new(signature, vec![0, 0x0b], Vec::new());
        function.comdat = (number == 1).then_some(comdat);
        let name = format!("{kept}_a_name_that_is_as_long_as_those_of_many_languages_{edit}_{number}");
        let callee = unit.add(Symbol::global(name), Definition::Function(function)).unwrap();
        if number > 0 {
            body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
            calls.push(Relocation::call(body.len() as u32 - 5, callee));
        }
    }
    body.push(0x0b);
    let entry = Definition::Function(Function::new(empty, body, calls));
    unit.add(Symbol::global(kept).exported(), entry).unwrap();
    unit
}

fn archive(member: &[u8]) -> Vec<u8> {
    let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "m.o/", 0, 0, 0, 644, member.len());
    [b"!<arch>\n", header.as_bytes(), member].concat()
}

fn options() -> Options {
    let mut options = Options::default();
    options.entry = None;
    options.undefined = vec!["lazy".into()];
    options
}

fn linker() -> Linker {
    let mut linker = Linker::new(options());
    linker.set_threads(Some(1));
    linker
}

fn description(path: &str) -> InputDescription {
    InputDescription::new(path)
}

/// The inputs after an edit, in order: the unit, an object, an archive, and an object that is added and removed again.
struct State {
    unit: Unit,
    object: Bytes,
    archive: Bytes,
    passing: Bytes,
}

impl State {
    fn after(edit: usize) -> State {
        let object = |kept: &str| unit(edit, kept).to_object().unwrap();
        State {
            unit: unit(edit, "unit"),
            object: Bytes::from(object("object")),
            archive: Bytes::from(archive(&object("lazy"))),
            passing: Bytes::from(object("passing")),
        }
    }

    fn fresh(&self) -> LinkResult {
        let mut linker = linker();
        let unit = linker.declare_input(description("unit"));
        linker.provide_unit(unit, &self.unit).unwrap();
        for (path, bytes) in
            [("object", &self.object), ("archive", &self.archive), ("passing", &self.passing)]
        {
            let id = linker.declare_input(description(path));
            linker.provide(id, bytes.clone()).unwrap();
        }
        linker.finish()
    }
}

/// How much memory this process has, in bytes; `None` if the system does not say.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn names_of_replaced_inputs_are_freed() {
    let mut linker = linker();
    let inputs = ["unit", "object", "archive"].map(|path| linker.declare_input(description(path)));
    let mut passing = linker.declare_input(description("passing"));
    let mut early = None;
    for edit in 0..EDITS {
        let state = State::after(edit);
        inputs.iter().for_each(|&id| linker.replace(id).unwrap());
        linker.remove(passing).unwrap();
        passing = linker.declare_input(description("passing"));
        linker.provide_unit(inputs[0], &state.unit).unwrap();
        linker.provide(inputs[1], state.object.clone()).unwrap();
        linker.provide(inputs[2], state.archive.clone()).unwrap();
        linker.provide(passing, state.passing.clone()).unwrap();
        if edit % 3 == 0 {
            linker.prepare();
        }
        let kept = linker.link();
        if edit % SAMPLE == 0 {
            let (kept, fresh) = (kept.module.unwrap(), state.fresh().module.unwrap());
            assert!(kept == fresh, "edit {edit}: the module is another");
        } else {
            assert!(kept.module.is_ok());
        }
        if edit == EDITS / 10 {
            early = resident();
        }
    }
    if let (Some(early), Some(late)) = (early, resident()) {
        let grown = late.saturating_sub(early);
        // With the names it would be a hundred megabytes and more. A sanitizer keeps freed memory for a while.
        let is_sanitized = std::env::var_os("WALD_SANITIZER").is_some();
        assert!(grown < 16 << 20 || is_sanitized, "grown by {grown} bytes");
    }
}
