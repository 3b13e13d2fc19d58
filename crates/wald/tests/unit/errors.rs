//! What a compiler gets wrong is an error, and the unit stays as it was.

use wald::unit::{
    Data, Definition, Function, GlobalType, Relocation, RelocationType, Section, Symbol, SymbolHandle,
    SymbolKind, TableType, Target, TypeHandle, Unit, UnitError, ValueType,
};

fn nop() -> Vec<u8> {
    vec![0, 0x0b]
}

/// A function `f`, a datum `d`, and a place in that.
fn small() -> (Unit, TypeHandle, SymbolHandle, SymbolHandle) {
    let mut unit = Unit::new();
    let of = unit.signature(&[], &[]);
    let f = unit.add(Symbol::global("f"), Definition::Function(Function::new(of, nop(), vec![]))).unwrap();
    let d = unit
        .add(Symbol::local("d"), Definition::Data(Data::new(".data", 0, vec![1, 2, 3, 4, 5, 6, 7])))
        .unwrap();
    let within = Definition::DataWithin { of: d, offset: 4, size: 1 };
    unit.add(Symbol::local("inside"), within).unwrap();
    (unit, of, f, d)
}

fn function_of(of: TypeHandle, body: Vec<u8>) -> Definition {
    Definition::Function(Function::new(of, body, vec![]))
}

/// What is said of the body of `g`.
fn nesting(problem: &str) -> UnitError {
    UnitError::Nesting { function: "g".into(), problem: problem.into() }
}

/// The bytes that a relocation overwrites may have any value: a compiler need not write numbers.
#[test]
fn places_of_relocations_are_no_code() {
    let (mut unit, of, f, _) = small();
    let body = vec![0, 0x10, 0x0b, 0x02, 0x40, 0xff, 0xff, 0x0b];
    let function = Function::new(of, body, vec![Relocation::call(2, f)]);
    unit.add(Symbol::global("g"), Definition::Function(function)).unwrap();
}

#[test]
fn wrong_definitions_change_nothing() {
    let (mut unit, of, f, d) = small();
    let before = unit.to_object().unwrap();
    let unknown = unit.symbol_handle(77);
    let call = |offset, of| vec![Relocation::call(offset, of)];
    let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
    let function = |relocations| Definition::Function(Function::new(of, body.clone(), relocations));
    let i32_global = GlobalType { value_type: ValueType::I32, mutable: false };
    let table = |minimum, maximum| {
        Definition::Table(TableType { maximum: Some(maximum), ..TableType::new(ValueType::FuncRef, minimum) })
    };
    let wrong_type = Relocation { target: Target::Type(of), ..Relocation::call(2, f) };
    let typed = Relocation { kind: RelocationType::TypeIndexLeb, ..Relocation::call(2, f) };
    let in_code = Relocation::new(RelocationType::SectionOffsetI32, 2, f, 0);
    let far = Relocation::new(RelocationType::MemoryAddrSleb, 2, d, 1 << 40);
    let cases = [
        (function(call(4, f)), UnitError::RelocationOffset(4)),
        (function([call(2, f), call(3, f)].concat()), UnitError::RelocationOffset(3)),
        (function(call(u32::MAX, f)), UnitError::RelocationOffset(u32::MAX)),
        (function(call(2, unknown)), UnitError::UnknownHandle),
        (function(call(2, d)), UnitError::Relocation("R_WASM_FUNCTION_INDEX_LEB")),
        (function(vec![wrong_type]), UnitError::Relocation("R_WASM_FUNCTION_INDEX_LEB")),
        (function(vec![typed]), UnitError::Relocation("R_WASM_TYPE_INDEX_LEB")),
        (function(vec![in_code]), UnitError::Relocation("R_WASM_SECTION_OFFSET_I32")),
        (function(vec![far]), UnitError::Relocation("R_WASM_MEMORY_ADDR_SLEB")),
        (Definition::Function(Function::new(of, vec![], vec![])), UnitError::EmptyBody),
        (function_of(of, vec![0]), nesting("1 `end` missing")),
        (function_of(of, vec![0, 0x02, 0x40, 0x0b]), nesting("1 `end` missing")),
        (function_of(of, vec![0, 0x0b, 0x0b]), nesting("code follows its last `end`, at offset 2")),
        (function_of(of, vec![0, 0x41]), nesting("its last instruction is cut off")),
        (Definition::Function(Function::new(unit.type_handle(9), nop(), vec![])), UnitError::UnknownHandle),
        (Definition::Data(Data::new("a", 32, vec![])), UnitError::Alignment(32)),
        (Definition::Data(Data { offset: 1, ..Data::default() }), UnitError::DataOffset(1)),
        (Definition::DataWithin { of: d, offset: 8, size: 0 }, UnitError::DataOffset(8)),
        (Definition::Global { of: i32_global, init: vec![0x42, 0, 0x0b] }, UnitError::Initializer),
        (Definition::Global { of: i32_global, init: vec![0x41, 0] }, UnitError::Initializer),
        (Definition::Global { of: i32_global, init: vec![0x41, 0, 0x0b, 0] }, UnitError::Initializer),
        (table(3, 2), UnitError::TableType),
        (table(0, 1 << 32), UnitError::TableType),
        (
            Definition::Section(Section { name: "linking".into(), ..Section::default() }),
            UnitError::ReservedSection("linking".into()),
        ),
        (
            Definition::FunctionAlias(d),
            UnitError::WrongKind { needed: SymbolKind::Function, name: "d".into() },
        ),
    ];
    for (definition, error) in cases {
        let result = unit.add(Symbol::global("g"), definition);
        assert_eq!(result.as_ref().err(), Some(&error));
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(unit.to_object().unwrap(), before);
}

#[test]
fn wrong_edits_change_nothing() {
    let (mut unit, of, f, d) = small();
    let before = unit.to_object().unwrap();
    let unknown = unit.symbol_handle(77);
    let undefined = Definition::UndefinedFunction(of, None);
    assert_eq!(unit.add(Symbol::weak("f"), undefined.clone()), Err(UnitError::DuplicateName("f".into())));
    assert_eq!(
        unit.add(Symbol::weak("w"), Definition::UndefinedTag(of, None)),
        Err(UnitError::WeakReference)
    );
    assert_eq!(
        unit.define(f, Definition::UndefinedData),
        Err(UnitError::WrongKind { needed: SymbolKind::Function, name: "f".into() })
    );
    let short = Definition::Data(Data::new(".data", 0, vec![1]));
    assert_eq!(unit.define(d, short), Err(UnitError::HasAliases("d".into())));
    assert_eq!(unit.define(d, Definition::UndefinedData), Err(UnitError::HasAliases("d".into())));
    assert_eq!(unit.remove(d), Err(UnitError::InUse("d".into())));
    assert_eq!(unit.remove(unknown), Err(UnitError::UnknownHandle));
    assert!(unit.add_comdat("").is_err());
    assert!(unit.add_feature('*', "simd128").is_err());
    assert!(unit.add_init_function(0, d).is_err());
    assert_eq!(unit.to_object().unwrap(), before);
}

#[test]
fn what_nothing_refers_to_can_be_removed() {
    let mut unit = Unit::new();
    let of = unit.signature(&[], &[]);
    let empty = unit.to_object().unwrap();
    let f = unit.add(Symbol::global("f"), Definition::UndefinedFunction(of, None)).unwrap();
    let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
    let recursive = Function::new(of, body.clone(), vec![Relocation::call(2, f)]);
    unit.define(f, Definition::Function(recursive.clone())).unwrap();
    let g = unit.add(Symbol::global("g"), Definition::Function(recursive)).unwrap();
    unit.add_init_function(1, g).unwrap();
    assert_eq!(unit.remove(f), Err(UnitError::InUse("f".into())));
    assert_eq!(unit.remove(g), Err(UnitError::InUse("g".into())));
    unit.remove_init_function(g).unwrap();
    unit.remove(g).unwrap();
    assert_eq!(unit.find("g"), None);
    assert_eq!(unit.remove(g), Err(UnitError::UnknownHandle));
    unit.remove(f).unwrap();
    assert_eq!(unit.to_object().unwrap(), empty);
    // Its name is free again.
    unit.add(Symbol::global("f"), Definition::UndefinedFunction(of, None)).unwrap();
}

/// Two units with the same contents: their handles have the same numbers.
#[test]
fn handles_of_another_unit_are_unknown() {
    let ((mut unit, of, f, d), (mut other, other_type, other_f, other_d)) = (small(), small());
    let comdat = unit.add_comdat("group").unwrap();
    let other_comdat = other.add_comdat("group").unwrap();
    assert_eq!((f.number(), of.number(), comdat.number()), (other_f.number(), 0, 0));
    let before = unit.to_object().unwrap();
    let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
    let call = Function::new(of, body.clone(), vec![Relocation::call(2, other_f)]);
    let of_type = Relocation {
        kind: RelocationType::TypeIndexLeb,
        target: Target::Type(other_type),
        ..Relocation::call(2, f)
    };
    let grouped = Function { comdat: Some(other_comdat), ..Function::new(of, nop(), vec![]) };
    let definitions = [
        Definition::Function(call),
        Definition::Function(Function::new(of, body, vec![of_type])),
        Definition::Function(grouped),
        Definition::Data(Data { comdat: Some(other_comdat), ..Data::default() }),
        Definition::Section(Section { comdat: Some(other_comdat), ..Section::default() }),
        Definition::DataWithin { of: other_d, offset: 0, size: 0 },
        Definition::FunctionAlias(other_f),
        Definition::Tag(other_type),
        Definition::UndefinedTag(other_type, None),
        Definition::UndefinedFunction(other_type, None),
        function_of(other_type, nop()),
    ];
    for definition in definitions {
        assert_eq!(unit.add(Symbol::global("g"), definition), Err(UnitError::UnknownHandle));
    }
    let defined = unit.define(other_d, Definition::Data(Data::new(".data", 0, vec![0; 7])));
    assert_eq!(defined, Err(UnitError::UnknownHandle));
    assert_eq!(unit.set_symbol(other_d, Symbol::local("e")), Err(UnitError::UnknownHandle));
    assert_eq!(unit.symbol(other_d), Err(UnitError::UnknownHandle));
    assert_eq!(unit.remove(other_f), Err(UnitError::UnknownHandle));
    assert_eq!(unit.add_init_function(0, other_f), Err(UnitError::UnknownHandle));
    assert_eq!(unit.remove_init_function(other_f), Err(UnitError::UnknownHandle));
    assert_eq!(unit.to_object().unwrap(), before);
    assert!(d != other_d && unit.symbol_handle(other_d.number()) == d);
}
