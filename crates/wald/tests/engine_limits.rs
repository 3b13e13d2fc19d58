//! Modules at the limits of engines: what the linker writes itself keeps within them, and what objects bring is noted.

use std::collections::HashMap;

use wald::diagnostics::{Code, Diagnostic, Severity};
use wald::options::{Options, OutputKind};
use wald::unit::RelocationType;
use wald::unit::{Data, Definition, Function, Relocation, Symbol, Unit, ValueType};
use wald::{InputDescription, Linker};
use wasmparser::{Operator, Parser, Payload, Validator, WasmFeatures};

fn options(kind: Option<OutputKind>) -> Options {
    let mut options = Options::default();
    options.output = "out.wasm".into();
    options.entry = None;
    options.gc_sections = false;
    if let Some(kind) = kind {
        options.set_output_kind(kind);
    }
    options
}

fn link(unit: &Unit, options: Options) -> (Vec<u8>, Vec<Diagnostic>) {
    let mut linker = Linker::new(options);
    let input = linker.declare_input(InputDescription::new("unit.o"));
    linker.provide_unit(input, unit).unwrap();
    let result = linker.finish();
    match result.module {
        Ok(module) => (module, result.diagnostics),
        Err(_) => panic!("{:?}", result.diagnostics),
    }
}

/// The bodies of a module's functions.
fn bodies(module: &[u8]) -> Vec<wasmparser::FunctionBody<'_>> {
    let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
    payloads
        .filter_map(|payload| match payload {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        })
        .collect()
}

fn exported(module: &[u8], name: &str) -> u32 {
    for payload in Parser::new(0).parse_all(module).map(Result::unwrap) {
        if let Payload::ExportSection(exports) = payload {
            return exports.into_iter().map(Result::unwrap).find(|export| export.name == name).unwrap().index;
        }
    }
    panic!("no exports");
}

/// Runs code that only stores sums of constants and globals, and calls such code. All globals are `base`.
fn run(bodies: &[wasmparser::FunctionBody<'_>], function: u32, base: i32, memory: &mut HashMap<i32, i32>) {
    let mut stack = Vec::new();
    for operator in bodies[function as usize].get_operators_reader().unwrap() {
        match operator.unwrap() {
            Operator::I32Const { value } => stack.push(value),
            Operator::GlobalGet { .. } => stack.push(base),
            Operator::I32Add => {
                let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                stack.push(a + b);
            }
            Operator::I32Store { .. } => {
                let (value, address) = (stack.pop().unwrap(), stack.pop().unwrap());
                assert_eq!(memory.insert(address, value), None);
            }
            Operator::Call { function_index } => run(bodies, function_index, base, memory),
            Operator::End => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(stack.is_empty());
}

#[test]
fn large_functions_are_cut() {
    const COUNT: u32 = 600_000;
    let mut unit = Unit::new();
    let of = unit.signature(&[], &[]);
    let target = Data::new(".data.target", 2, vec![0; 8]);
    let target = unit.add(Symbol::local("target"), Definition::Data(target)).unwrap();
    let address = |at: u32| Relocation::new(RelocationType::MemoryAddrI32, at * 4, target, i64::from(at));
    let table = Data {
        relocations: (0..COUNT).map(address).collect(),
        ..Data::new(".data.table", 2, vec![0; COUNT as usize * 4])
    };
    unit.add(Symbol::local("table"), Definition::Data(table)).unwrap();
    let construct = Function::new(of, vec![0, 0x0b], vec![]);
    let construct = unit.add(Symbol::local("construct"), Definition::Function(construct)).unwrap();
    for _ in 0..4_000_000 {
        unit.add_init_function(1, construct).unwrap();
    }
    let mut options = options(Some(OutputKind::Pie));
    options.exports = vec!["__wasm_call_ctors".into()];
    let (module, diagnostics) = link(&unit, options);
    assert!(diagnostics.iter().all(|diagnostic| diagnostic.code != Code::EngineLimit), "{diagnostics:?}");
    Validator::new_with_features(WasmFeatures::all()).validate_all(&module).unwrap();

    let bodies = bodies(&module);
    let mut memory = HashMap::new();
    run(&bodies, exported(&module, "__wasm_apply_data_relocs"), 1 << 20, &mut memory);
    let first = *memory.keys().min().unwrap();
    assert_eq!(memory.len(), COUNT as usize);
    let value = memory[&first];
    assert!((0..COUNT as i32).all(|at| memory[&(first + 4 * at)] == value + at));

    let calls = |function: u32| {
        let operators = bodies[function as usize].get_operators_reader().unwrap().into_iter();
        operators.filter_map(|operator| match operator.unwrap() {
            Operator::Call { function_index } => Some(function_index),
            _ => None,
        })
    };
    let parts: Vec<u32> = calls(exported(&module, "__wasm_call_ctors")).collect();
    assert!(parts.len() > 5);
    assert_eq!(parts.into_iter().flat_map(calls).count(), 4_000_000);
}

#[test]
fn what_engines_may_refuse_is_noted() {
    let mut unit = Unit::new();
    let of = unit.signature(&[], &[]);
    let exported = |name: &str| Symbol { exported: true, ..Symbol::global(name) };
    let nops = [vec![0], vec![1; 7_654_321], vec![0x0b]].concat();
    unit.add(exported("nops"), Definition::Function(Function::new(of, nops, vec![]))).unwrap();
    let locals = vec![1, 0xd1, 0x86, 0x03, 0x7f, 0x0b];
    unit.add(exported("locals"), Definition::Function(Function::new(of, locals, vec![]))).unwrap();
    let most_locals = vec![1, 0xd0, 0x86, 0x03, 0x7f, 0x0b];
    unit.add(exported("most"), Definition::Function(Function::new(of, most_locals, vec![]))).unwrap();
    let many = unit.signature(&[ValueType::I32; 1001], &[]);
    unit.add(exported("many"), Definition::Function(Function::new(many, vec![0, 0x0b], vec![]))).unwrap();
    let long =
        Function { export_name: Some("x".repeat(100_001)), ..Function::new(of, vec![0, 0x0b], vec![]) };
    unit.add(exported("long"), Definition::Function(long)).unwrap();
    let mut options = options(None);
    options.fatal_warnings = true;
    let (_, diagnostics) = link(&unit, options);
    assert!(diagnostics.iter().all(|note| (note.severity, note.code) == (Severity::Note, Code::EngineLimit)));
    let texts: Vec<&str> = diagnostics.iter().map(|diagnostic| &diagnostic.message[..]).collect();
    assert_eq!(
        texts,
        [
            "1001 parameters of a function: engines take at most 1000",
            "100001 bytes of an export's name: engines take at most 100000",
            "unit.o: nops: 7654327 bytes of a function: engines take at most 7654321",
            "unit.o: locals: more locals of a function than engines take, which is 50000",
        ]
    );
}
