//! `--signature-mismatch`: random programs whose declarations do not agree. Each output is valid, and the same for a kept linker, for
//! inputs that arrive in pieces, and for several threads.

mod common;

use common::said;
use wald::diagnostics::Severity;
use wald::options::{Options, OutputKind, SignatureMismatch};
use wald::unit::{Definition, Function, Relocation, RelocationType, Symbol, Unit, ValueType};
use wald::{Bytes, InputDescription, InputId, LinkResult, Linker};

const MODULES: usize = 5;
const NAMES: usize = 4;
const MODES: [SignatureMismatch; 3] =
    [SignatureMismatch::Warn, SignatureMismatch::Adapt, SignatureMismatch::Error];

/// Parameters and results. Some of them can be adapted to others.
const SIGNATURES: [(&[ValueType], &[ValueType]); 6] = [
    (&[], &[]),
    (&[ValueType::I32], &[]),
    (&[ValueType::I32], &[ValueType::I32]),
    (&[ValueType::F32], &[ValueType::F64]),
    (&[ValueType::F64], &[ValueType::F32]),
    (&[ValueType::I32, ValueType::I64], &[ValueType::I32]),
];

/// How a module uses a function.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    Nothing,
    Weak,
    Strong,
    Call,
    Address,
    Both,
}

/// For each name, how an object uses it, and with which signature; and the number of `nop`s in its code.
#[derive(Clone, Debug)]
struct Module([(Use, usize); NAMES], usize);

/// xorshift: the same sequence at every run.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % below as u64) as usize
}

impl Module {
    fn random(state: &mut u64) -> Self {
        use Use::*;
        let uses = [Nothing, Weak, Strong, Strong, Call, Call, Address, Address, Both];
        Module(std::array::from_fn(|_| (uses[random(state, uses.len())], random(state, SIGNATURES.len()))), 1)
    }

    fn bytes(&self, number: usize) -> Bytes {
        let mut unit = Unit::new();
        let types = SIGNATURES.map(|(parameters, results)| unit.signature(parameters, results));
        let (mut body, mut relocations) = ([&[0][..], &vec![1; self.1]].concat(), Vec::new());
        for (name, &(how, signature)) in self.0.iter().enumerate() {
            let name = format!("f{name}");
            if matches!(how, Use::Weak | Use::Strong) {
                let symbol = if how == Use::Weak { Symbol::weak(name) } else { Symbol::global(name) };
                let mut body = vec![0];
                SIGNATURES[signature].1.iter().for_each(|&of| body.extend(constant(of)));
                body.push(0x0b);
                let function = Function::new(types[signature], body, Vec::new());
                unit.add(symbol, Definition::Function(function)).unwrap();
            } else if how != Use::Nothing {
                let undefined = Definition::UndefinedFunction(types[signature], None);
                let symbol = unit.add(Symbol::global(name), undefined).unwrap();
                if how != Use::Address {
                    let (parameters, results) = SIGNATURES[signature];
                    parameters.iter().for_each(|&of| body.extend(constant(of)));
                    body.extend([0x10, 0x80, 0x80, 0x80, 0x80, 0]);
                    relocations.push(Relocation::call(body.len() as u32 - 5, symbol));
                    body.extend(results.iter().map(|_| 0x1a));
                }
                if how != Use::Call {
                    body.extend([0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x1a]);
                    let offset = body.len() as u32 - 6;
                    relocations.push(Relocation::new(RelocationType::TableIndexSleb, offset, symbol, 0));
                }
            }
        }
        body.push(0x0b);
        let run = Definition::Function(Function::new(types[0], body, relocations));
        unit.add(Symbol::global(format!("run{number}")).exported(), run).unwrap();
        Bytes::from(unit.to_object().unwrap())
    }
}

/// Code for a value of a type.
fn constant(of: ValueType) -> Vec<u8> {
    match of {
        ValueType::I64 => vec![0x42, 1],
        ValueType::F32 => vec![0x43, 0, 0, 0, 0],
        ValueType::F64 => [&[0x44][..], &[0; 8]].concat(),
        _ => vec![0x41, 1],
    }
}

fn options(state: &mut u64) -> Options {
    let mut options = Options::default();
    if random(state, 8) == 0 {
        options.set_output_kind(OutputKind::Relocatable);
    } else {
        options.gc_sections = random(state, 4) != 0;
    }
    options.entry = None;
    options.signature_mismatch = MODES[random(state, MODES.len())];
    // Most random programs have duplicate or undefined symbols.
    options.allow_multiple_definition = random(state, 4) != 0;
    options.noinhibit_exec = random(state, 2) == 0;
    options.import_undefined = random(state, 4) != 0;
    options
}

fn description(number: usize) -> InputDescription {
    InputDescription::new(format!("{number}.o"))
}

fn fresh(options: &Options, modules: &[Module]) -> LinkResult {
    let mut linker = Linker::new(options.clone());
    linker.set_threads(Some(1));
    for (number, module) in modules.iter().enumerate() {
        let id = linker.declare_input(description(number));
        linker.provide(id, module.bytes(number)).unwrap();
    }
    linker.finish()
}

fn is_valid(module: &[u8]) -> bool {
    wasmparser::Validator::new().validate_all(module).is_ok()
}

#[test]
fn random_programs_are_valid_and_do_not_depend_on_earlier_links() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let (mut modules, mut adapted, mut refused) = (0, 0, 0);
    for round in 0..150 {
        let mut current: Vec<Module> = (0..MODULES).map(|_| Module::random(&mut state)).collect();
        let mut linker = Linker::new(options(&mut state));
        linker.set_threads(Some(2));
        let ids: Vec<InputId> =
            (0..MODULES).map(|number| linker.declare_input(description(number))).collect();
        let provide = |linker: &Linker, current: &[Module], number: usize| {
            linker.provide(ids[number], current[number].bytes(number)).unwrap();
        };
        for number in [3, 0, 4, 1, 2] {
            provide(&linker, &current, number);
            linker.prepare();
        }
        for step in 0..6 {
            let (kept, fresh) = (linker.link(), fresh(linker.options(), &current));
            assert_eq!(said(&kept), said(&fresh), "{round} {step} {current:?}");
            let is_adapted = |text: &str| text.contains("adapted: ");
            let mut notes = fresh.diagnostics.iter().flat_map(|diagnostic| &diagnostic.notes);
            adapted += usize::from(notes.any(|note| is_adapted(&note.text.to_escaped())));
            match (kept.module, fresh.module) {
                (Ok(kept), Ok(fresh)) => {
                    assert!(kept == fresh, "{round} {step} {current:?}");
                    assert!(is_valid(&fresh), "{round} {step} {current:?}");
                    modules += 1;
                }
                (kept, fresh) => {
                    assert_eq!(kept.is_ok(), fresh.is_ok());
                    refused += 1;
                }
            }
            match random(&mut state, 4) {
                0 => *linker.options_mut() = options(&mut state),
                1 => {}
                kind => {
                    let number = random(&mut state, MODULES);
                    match kind {
                        2 => current[number].1 += 1,
                        _ => current[number] = Module::random(&mut state),
                    }
                    linker.replace(ids[number]).unwrap();
                    linker.prepare();
                    provide(&linker, &current, number);
                }
            }
        }
    }
    assert!(modules > 300 && adapted > 100 && refused > 50, "{modules} {adapted} {refused}");
}

#[test]
fn warnings_are_errors_or_notes_with_the_same_text() {
    let mut state = 7;
    let mut compared = 0;
    for _ in 0..300 {
        let current: Vec<Module> = (0..MODULES).map(|_| Module::random(&mut state)).collect();
        let link = |mode| {
            let mut options = Options::default();
            options.entry = None;
            options.allow_multiple_definition = true;
            options.import_undefined = true;
            options.signature_mismatch = mode;
            fresh(&options, &current)
        };
        let [warned, adapted, refused] = MODES.map(link);
        if warned.module.is_err() {
            // Imports with two signatures.
            continue;
        }
        let texts = |result: &LinkResult, severity| -> Vec<String> {
            let found = result.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity);
            found.map(|diagnostic| diagnostic.message.to_escaped().into()).collect()
        };
        let warnings = texts(&warned, Severity::Warning);
        assert_eq!(texts(&refused, Severity::Error), warnings);
        assert_eq!(refused.module.is_err(), !warnings.is_empty());
        assert!(adapted.module.is_ok());
        compared += usize::from(!warnings.is_empty());
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn what_was_marked_before_an_address_is_adapted_is_marked_again() {
    let nothing = (Use::Nothing, 0);
    let module = |how, signature| Module([(how, signature), nothing, nothing, nothing], 1);
    // The first object's address goes to an adapter of its own, because the second one calls with another signature.
    let current = [module(Use::Address, 5), module(Use::Call, 1), module(Use::Strong, 2)];
    let mut options = Options::default();
    options.entry = None;
    options.signature_mismatch = SignatureMismatch::Adapt;
    let mut linker = Linker::new(options.clone());
    let ids: Vec<InputId> = (0..3).map(|number| linker.declare_input(description(number))).collect();
    for (number, id) in ids.into_iter().enumerate() {
        linker.provide(id, current[number].bytes(number)).unwrap();
        linker.prepare();
    }
    for _ in 0..3 {
        let (kept, fresh) = (linker.link(), fresh(&options, &current));
        assert_eq!(said(&kept), said(&fresh));
        let fresh = fresh.module.unwrap();
        assert!(kept.module.unwrap() == fresh && is_valid(&fresh));
        let adapters = fresh.windows(10).filter(|bytes| bytes == b"adapted:f0").count();
        assert_eq!(adapters, 2);
        linker.prepare();
    }
}
