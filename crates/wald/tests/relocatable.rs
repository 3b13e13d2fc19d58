//! What `-r` writes can be linked again.

use wald::options::{Options, OutputKind};
use wald::unit::{Data, Definition, Function, Relocation, RelocationType, Symbol, Unit};
use wald::{Bytes, InputDescription, Linker};

/// wasm-ld 22 crashes here, so no link case can compare the objects.
#[test]
fn a_weak_reference_does_not_load_its_definition_and_stays_undefined() {
    let mut user = Unit::new();
    let of = user.signature(&[], &[]);
    let datum = user.add(Symbol::weak("datum"), Definition::UndefinedData).unwrap();
    let body = vec![0, 0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x0b];
    let address = Relocation::new(RelocationType::MemoryAddrSleb, 2, datum, 0);
    let function = Function::new(of, body, vec![address]);
    user.add(Symbol::global("_start").exported(), Definition::Function(function)).unwrap();
    let mut definer = Unit::new();
    let data = Data::new(".data.datum", 2, vec![1, 2, 3, 4]);
    definer.add(Symbol::global("datum"), Definition::Data(data)).unwrap();

    let mut options = Options::default();
    options.set_output_kind(OutputKind::Relocatable);
    let mut linker = Linker::new(options);
    let mut lazy = InputDescription::new("definer.o");
    lazy.lazy = true;
    let lazy = linker.declare_input(lazy);
    linker.provide_unit(lazy, &definer).unwrap();
    let input = linker.declare_input(InputDescription::new("user.o"));
    linker.provide_unit(input, &user).unwrap();
    let object = linker.finish().module.unwrap();

    let mut linker = Linker::new(Options::default());
    let input = linker.declare_input(InputDescription::new("object.o"));
    linker.provide(input, Bytes::from(object)).unwrap();
    let input = linker.declare_input(InputDescription::new("definer.o"));
    linker.provide_unit(input, &definer).unwrap();
    let result = linker.finish();
    assert!(result.module.is_ok(), "{:?}", result.diagnostics);
}
