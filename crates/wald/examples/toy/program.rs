//! The program as the linker sees it: which function is which symbol of the unit, and what has changed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::generate::{generate, Code, Reference};
use crate::parse::{parse, split, Source};
use wald::unit::RelocationType;
use wald::unit::{
    Data, Definition, Function, Import, Relocation, Symbol, SymbolHandle, TypeHandle, Unit, UnitError,
    ValueType,
};

/// What the unit holds.
pub struct Program {
    /// By name: the symbol, and with how many arguments it is called.
    functions: HashMap<String, (SymbolHandle, usize)>,
    /// By function: what it calls, and with how many arguments.
    calls: HashMap<String, Vec<(String, usize)>>,
    /// By text.
    texts: HashMap<String, SymbolHandle>,
    buffer: SymbolHandle,
    /// For each source file the functions that are in the unit, with their text.
    sources: HashMap<String, HashMap<String, String>>,
}

fn signature(unit: &mut Unit, parameters: usize) -> TypeHandle {
    unit.signature(&vec![ValueType::I32; parameters], &[ValueType::I32])
}

impl Program {
    /// What every program has: `_start`, which calls `main`, `write`, which calls the host, and a buffer.
    pub fn new(unit: &mut Unit) -> Result<Program, UnitError> {
        let buffer =
            unit.add(Symbol::local("buffer"), Definition::Data(Data::new(".bss.buffer", 0, vec![0; 16])))?;
        let mut program = Program {
            functions: HashMap::new(),
            calls: HashMap::new(),
            texts: HashMap::new(),
            buffer,
            sources: HashMap::new(),
        };

        let main = program.function(unit, "main", 0)?;
        let nothing = unit.signature(&[], &[]);
        // call main, drop
        let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x0b];
        let start = Function::new(nothing, body, vec![Relocation::call(2, main)]);
        unit.add(Symbol::global("_start"), Definition::Function(start))?;

        // fd_write takes pairs of address and size, how many, and an address for how much was written.
        let vector = Data::new(".bss.vector", 2, vec![0; 12]);
        let vector = unit.add(Symbol::local("vector"), Definition::Data(vector))?;
        let four = signature(unit, 4);
        let import = Import::new("wasi_snapshot_preview1", "fd_write");
        let fd_write =
            unit.add(Symbol::global("fd_write"), Definition::UndefinedFunction(four, Some(import)))?;
        let (mut body, mut relocations) = (vec![0], Vec::new());
        let mut reference = |body: &mut Vec<u8>, kind, to, addend| {
            relocations.push(Relocation::new(kind, body.len() as u32, to, addend));
            body.extend([0x80, 0x80, 0x80, 0x80, 0]);
        };
        for parameter in [0, 1] {
            // i32.const vector + 4 * parameter, local.get parameter, i32.store
            body.push(0x41);
            reference(&mut body, RelocationType::MemoryAddrSleb, vector, 4 * i64::from(parameter));
            body.extend([0x20, parameter, 0x36, 2, 0]);
        }
        body.extend([0x41, 1, 0x41]);
        reference(&mut body, RelocationType::MemoryAddrSleb, vector, 0);
        body.extend([0x41, 1, 0x41]);
        reference(&mut body, RelocationType::MemoryAddrSleb, vector, 8);
        body.push(0x10);
        reference(&mut body, RelocationType::FunctionIndexLeb, fd_write, 0);
        body.push(0x0b);
        let write = program.function(unit, "write", 2)?;
        let two = signature(unit, 2);
        unit.define(write, Definition::Function(Function::new(two, body, relocations)))?;
        Ok(program)
    }

    /// Brings a source file's functions up to date and gives how many were compiled. `path` is the first source's for all
    /// its edited versions.
    pub fn update(&mut self, unit: &mut Unit, text: &str, path: &str) -> Result<usize, String> {
        let functions = split(text).map_err(|error| format!("{path}: {error}"))?;
        let mut seen = HashSet::new();
        if let Some(twice) = functions.iter().find(|source| !seen.insert(source.name)) {
            return Err(format!("{path}: line {}: there is a function {} already", twice.line, twice.name));
        }
        let key = if path == "the runtime" { path } else { "the program" };
        let known = self.sources.remove(key).unwrap_or_default();
        let is_new = |source: &&Source<'_>| known.get(source.name).is_none_or(|text| text != source.text);
        let changed: Vec<&Source<'_>> = functions.iter().filter(is_new).collect();

        // Threads take one function after another, and each goes into the unit while others are still compiled. In the order
        // of the source, so that the module does not depend on which thread is the fastest.
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
                let (changed, next, sender) = (&changed, &next, sender.clone());
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(source) = changed.get(number) else { break };
                        let code = parse(source).and_then(|function| {
                            generate(&function).map_err(|error| format!("line {}: {error}", source.line))
                        });
                        // Nobody listens any more after an error.
                        let _ = sender.send((number, code));
                    }
                });
            }
            drop(sender);
            let (mut early, mut turn) = (HashMap::new(), 0);
            for (number, code) in receiver {
                early.insert(number, code);
                while let Some(code) = early.remove(&turn) {
                    let source = changed[turn];
                    turn += 1;
                    let code = code.map_err(|error| format!("{path}: {error}"))?;
                    self.define(unit, source.name, code)
                        .map_err(|error| format!("{path}: line {}: {}: {error}", source.line, source.name))?;
                }
            }
            Ok::<(), String>(())
        })?;

        for name in known.keys().filter(|name| !seen.contains(name.as_str())) {
            self.remove(unit, name).map_err(|error| error.to_string())?;
        }
        self.check_calls().map_err(|error| format!("{path}: {error}"))?;
        let count = changed.len();
        let texts = functions.iter().map(|source| (source.name.to_string(), source.text.to_string()));
        self.sources.insert(key.to_string(), texts.collect());
        Ok(count)
    }

    /// The symbol of a function. Until it is defined here, others may define it.
    fn function(
        &mut self,
        unit: &mut Unit,
        name: &str,
        parameters: usize,
    ) -> Result<SymbolHandle, UnitError> {
        if let Some(&(known, _)) = self.functions.get(name) {
            return Ok(known);
        }
        let of = signature(unit, parameters);
        let handle = unit.add(Symbol::global(name), Definition::UndefinedFunction(of, None))?;
        self.functions.insert(name.to_string(), (handle, parameters));
        Ok(handle)
    }

    fn define(&mut self, unit: &mut Unit, name: &str, code: Code) -> Result<(), UnitError> {
        let (mut relocations, mut calls) = (Vec::new(), Vec::new());
        for (offset, reference) in code.references {
            if let Reference::Function(name, arguments) = &reference {
                calls.push((name.clone(), *arguments));
            }
            relocations.push(match reference {
                Reference::Function(name, arguments) => {
                    Relocation::call(offset, self.function(unit, &name, arguments)?)
                }
                Reference::Text(text) => {
                    let datum = self.text(unit, text)?;
                    Relocation::new(RelocationType::MemoryAddrSleb, offset, datum, 0)
                }
                Reference::Buffer => Relocation::new(RelocationType::MemoryAddrSleb, offset, self.buffer, 0),
            });
        }
        let handle = self.function(unit, name, code.parameters)?;
        self.functions.insert(name.to_string(), (handle, code.parameters));
        self.calls.insert(name.to_string(), calls);
        let of = signature(unit, code.parameters);
        unit.define(handle, Definition::Function(Function::new(of, code.body, relocations)))
    }

    /// A function may have got another number of parameters, and its callers may not have been told.
    fn check_calls(&self) -> Result<(), String> {
        for (caller, calls) in &self.calls {
            for (name, arguments) in calls {
                let takes = self.functions.get(name).map_or(*arguments, |&(_, takes)| takes);
                if takes != *arguments {
                    return Err(format!(
                        "{caller} calls {name} with {arguments} arguments, it takes {takes}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, unit: &mut Unit, text: String) -> Result<SymbolHandle, UnitError> {
        if let Some(&known) = self.texts.get(&text) {
            return Ok(known);
        }
        let name = format!(".text{}", self.texts.len());
        let data = Data::new(format!(".rodata{name}"), 0, text.clone().into_bytes());
        let handle = unit.add(Symbol::local(name), Definition::Data(data))?;
        self.texts.insert(text, handle);
        Ok(handle)
    }

    /// Removes a function. If it is still called, another file may define it.
    fn remove(&mut self, unit: &mut Unit, name: &str) -> Result<(), UnitError> {
        self.calls.remove(name);
        let Some(&(handle, parameters)) = self.functions.get(name) else { return Ok(()) };
        let of = signature(unit, parameters);
        unit.define(handle, Definition::UndefinedFunction(of, None))?;
        match unit.remove(handle) {
            Ok(()) => {
                self.functions.remove(name);
                Ok(())
            }
            Err(UnitError::InUse(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
