//! Random units and random edits: the kept linker, the unit and the equivalent object always agree.

use super::*;
use wald::unit::{
    Binding, Data, Definition, Function, GlobalType, Import, Relocation, RelocationType, Symbol,
    SymbolHandle, TypeHandle, ValueType,
};

/// xorshift: the same sequence at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// A unit in the making: what there is to refer to.
struct Model {
    unit: Unit,
    number: usize,
    signatures: Vec<TypeHandle>,
    functions: Vec<(SymbolHandle, TypeHandle)>,
    data: Vec<SymbolHandle>,
    globals: Vec<SymbolHandle>,
    names: usize,
}

impl Model {
    fn new(number: usize) -> Model {
        let mut unit = Unit::new();
        use ValueType::{F64, I32, I64};
        let shapes: [(&[_], &[_]); 4] = [(&[], &[]), (&[I32], &[I32]), (&[I64, F64], &[]), (&[], &[I32])];
        let signatures =
            shapes.iter().map(|(parameters, results)| unit.signature(parameters, results)).collect();
        let (functions, data, globals) = (Vec::new(), Vec::new(), Vec::new());
        Model { unit, number, signatures, functions, data, globals, names: 0 }
    }

    fn symbol(&mut self, shared: &str, random: &mut Random) -> Symbol {
        self.names += 1;
        let name = format!("u{}_{}", self.number, self.names);
        let mut symbol = match random.below(4) {
            0 => Symbol::local(name),
            // The same in all units if it has one kind: the first wins.
            1 => Symbol::weak(format!("{shared}{}", self.names)),
            _ => Symbol::global(name),
        };
        symbol.hidden = random.below(3) == 0;
        symbol.exported = random.below(4) == 0;
        symbol.no_strip = random.below(6) == 0;
        symbol
    }

    /// A body with references to existing symbols. What it computes does not matter.
    fn function(&self, signature: TypeHandle, random: &mut Random) -> Function {
        let mut body = vec![0];
        let mut relocations = Vec::new();
        for _ in 0..random.below(6) {
            let (opcode, kind, list) = match random.below(4) {
                0 => (0x10, RelocationType::FunctionIndexLeb, &self.functions[..]),
                1 => (0x41, RelocationType::TableIndexSleb, &self.functions[..]),
                2 => (0x41, RelocationType::MemoryAddrSleb, &[][..]),
                _ => (0x23, RelocationType::GlobalIndexLeb, &[][..]),
            };
            let target = match kind {
                RelocationType::MemoryAddrSleb if !self.data.is_empty() => {
                    self.data[random.below(self.data.len())]
                }
                RelocationType::GlobalIndexLeb if !self.globals.is_empty() => {
                    self.globals[random.below(self.globals.len())]
                }
                _ if !list.is_empty() => list[random.below(list.len())].0,
                _ => continue,
            };
            body.push(opcode);
            let addend = if kind == RelocationType::MemoryAddrSleb { random.below(9) as i64 - 4 } else { 0 };
            relocations.push(Relocation::new(kind, body.len() as u32, target, addend));
            body.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0]);
        }
        body.extend(std::iter::repeat_n(0x01, random.below(200)));
        body.push(0x0b);
        Function::new(signature, body, relocations)
    }

    fn datum(&self, random: &mut Random) -> Data {
        let segment = [".data.a", ".rodata.b", ".bss.c", "own", ".data.d"][random.below(5)];
        let bytes = (0..8 + random.below(40)).map(|_| random.below(256) as u8).collect();
        let mut data = Data::new(segment, random.below(4) as u32, bytes);
        if random.below(2) == 0 && !self.functions.is_empty() {
            let (function, _) = self.functions[random.below(self.functions.len())];
            data.relocations.push(Relocation::new(RelocationType::TableIndexI32, 0, function, 0));
        }
        if random.below(2) == 0 && !self.data.is_empty() {
            let datum = self.data[random.below(self.data.len())];
            data.relocations.push(Relocation::new(RelocationType::MemoryAddrI32, 4, datum, 1));
        }
        data
    }

    fn grow(&mut self, random: &mut Random) {
        let (what, signature) = (random.below(8), random.below(self.signatures.len()));
        let shared = ["f", "global", "data", "data"].get(what).copied().unwrap_or("f");
        let symbol = self.symbol(&format!("{shared}{signature}_"), random);
        let signature = self.signatures[signature];
        match what {
            0 => {
                let import = Import::new("host", format!("f{}", random.below(5)));
                let import = (random.below(2) == 0).then_some(import);
                let mut symbol = Symbol { binding: Binding::Global, ..symbol };
                if random.below(2) == 0 {
                    // Another unit's function, or an undefined one.
                    symbol.name =
                        format!("u{}_{}", (self.number + 1 + random.below(2)) % 3, random.below(20));
                }
                let definition = Definition::UndefinedFunction(signature, import);
                if let Ok(handle) = self.unit.add(symbol, definition) {
                    self.functions.push((handle, signature));
                }
            }
            1 => {
                let of = GlobalType { value_type: ValueType::I32, mutable: true };
                let init = vec![0x41, random.below(64) as u8, 0x0b];
                self.globals.push(self.unit.add(symbol, Definition::Global { of, init }).unwrap());
            }
            2 | 3 => {
                let data = self.datum(random);
                self.data.push(self.unit.add(symbol, Definition::Data(data)).unwrap());
            }
            _ => {
                let function = self.function(signature, random);
                let handle = self.unit.add(symbol, Definition::Function(function)).unwrap();
                self.functions.push((handle, signature));
            }
        }
    }

    /// What there is to shrink may be in use; then nothing changes.
    fn edit(&mut self, random: &mut Random) {
        match random.below(6) {
            0 => self.grow(random),
            1 if !self.functions.is_empty() => {
                let at = random.below(self.functions.len());
                if self.unit.remove(self.functions[at].0).is_ok() {
                    self.functions.remove(at);
                }
            }
            2 if !self.data.is_empty() => {
                let at = random.below(self.data.len());
                let data = self.datum(random);
                self.unit.define(self.data[at], Definition::Data(data)).unwrap();
            }
            3 if !self.data.is_empty() => {
                let at = random.below(self.data.len());
                if self.unit.remove(self.data[at]).is_ok() {
                    self.data.remove(at);
                }
            }
            4 if !self.functions.is_empty() => {
                let (handle, signature) = self.functions[random.below(self.functions.len())];
                let symbol = self.unit.symbol(handle).unwrap();
                let may_be_elsewhere = symbol.binding != Binding::Local;
                let mut symbol =
                    Symbol { hidden: !symbol.hidden, exported: !symbol.exported, ..symbol.clone() };
                if random.below(3) == 0 {
                    self.names += 1;
                    symbol.name = format!("u{}_{}", self.number, self.names);
                }
                self.unit.set_symbol(handle, symbol).unwrap();
                if may_be_elsewhere && random.below(3) == 0 {
                    self.unit.define(handle, Definition::UndefinedFunction(signature, None)).unwrap();
                }
            }
            _ if !self.functions.is_empty() => {
                let (handle, signature) = self.functions[random.below(self.functions.len())];
                let function = self.function(signature, random);
                self.unit.define(handle, Definition::Function(function)).unwrap();
            }
            _ => self.grow(random),
        }
    }
}

#[test]
fn edited_units_link_like_the_equivalent_objects() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut modules, mut failures) = (0, 0);
    for round in 0..200 {
        let mut models: Vec<Model> = (0..3).map(Model::new).collect();
        for model in &mut models {
            (0..5 + random.below(30)).for_each(|_| model.grow(&mut random));
        }
        let options = || {
            let mut options = options(round % 3);
            options.unresolved_symbols = UnresolvedPolicy::Warn;
            options
        };
        let describe = |number: usize| {
            let mut description = InputDescription::default();
            description.path = format!("{number}.o").into();
            description.lazy = number == 2 && round % 2 == 0;
            description
        };
        let mut linker = Linker::new(options());
        let inputs: Vec<_> = (0..models.len()).map(|number| linker.declare_input(describe(number))).collect();
        for (model, &input) in models.iter().zip(&inputs) {
            linker.provide_unit(input, &model.unit).unwrap();
        }
        for _ in 0..10 {
            let edited = random.below(models.len());
            (0..1 + random.below(3)).for_each(|_| models[edited].edit(&mut random));
            linker.replace(inputs[edited]).unwrap();
            linker.provide_unit(inputs[edited], &models[edited].unit).unwrap();
            if random.below(2) == 0 {
                linker.prepare();
            }
            let kept = answer(linker.link());

            let (mut of_units, mut of_objects) = (Linker::new(options()), Linker::new(options()));
            for (number, model) in models.iter().enumerate() {
                let input = of_units.declare_input(describe(number));
                of_units.provide_unit(input, &model.unit).unwrap();
                let input = of_objects.declare_input(describe(number));
                of_objects.provide(input, Bytes::from(model.unit.to_object().unwrap())).unwrap();
            }
            let of_objects = answer(of_objects.finish());
            assert!(answer(of_units.finish()) == of_objects, "round {round}: fresh");
            assert!(kept == of_objects, "round {round}: kept");
            modules += usize::from(kept.0.is_some());
            failures += usize::from(kept.0.is_none());
        }
    }
    println!("{modules} modules, {failures} failed links");
    assert!(modules > 1000 && failures > 50);
}
