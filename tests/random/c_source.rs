//! Writes random C.

use crate::world::{Binding, DatumKind, Source, World, DATA, FUNCTIONS, IMPORTS, SIGNATURES, TEXTS, TLS};
use std::collections::BTreeSet;
use std::fmt::Write;
use wald_tests::random::Random;

/// Data of the linker that objects refer to.
const LINKER_DATA: [&str; 9] = [
    "__heap_base",
    "__heap_end",
    "__data_end",
    "__global_base",
    "__stack_low",
    "__stack_high",
    "__dso_handle",
    "__start_named",
    "__stop_named",
];

/// A C file in the making; [`crate::cxx_source`] adds to it.
pub struct CSource<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) random: Random,
    pub(crate) number: usize,
    pub(crate) has_atomics: bool,
    declared: BTreeSet<String>,
    pub(crate) declarations: String,
    pub(crate) body: String,
    pub(crate) defines: BTreeSet<String>,
    pub(crate) strong: BTreeSet<String>,
    pub(crate) needs: BTreeSet<String>,
}

/// Writes file `number`.
pub fn write(world: &mut World, random: Random, number: usize, has_atomics: bool) -> Source {
    let mut source = CSource::new(world, random, number, has_atomics);
    source.contents();
    let flags = source.flags();
    source.finish(format!("c{number:02}.c"), flags)
}

/// Writes a file that defines part of what no file before it defines.
pub fn write_rest(world: &mut World, random: Random, number: usize, has_atomics: bool) -> Source {
    let mut source = CSource::new(world, random, number, has_atomics);
    for datum in 0..DATA {
        if !source.world.is_defined(&format!("d{datum}")) && source.random.chance(40) {
            source.define_datum(datum);
        }
    }
    for datum in 0..TLS {
        if !source.world.is_defined(&format!("t{datum}")) && source.random.chance(60) {
            source.define_tls(datum);
        }
    }
    for function in 0..FUNCTIONS {
        if !source.world.is_defined(&format!("f{function}")) && source.random.chance(40) {
            source.define_function(function);
        }
    }
    let flags = source.flags();
    source.finish(format!("c{number:02}.c"), flags)
}

impl<'w> CSource<'w> {
    pub(crate) fn new(world: &'w mut World, random: Random, number: usize, has_atomics: bool) -> Self {
        CSource {
            world,
            random,
            number,
            has_atomics,
            declared: BTreeSet::new(),
            declarations: "static volatile long sink;\nstatic int counter;\n".into(),
            body: String::new(),
            defines: BTreeSet::new(),
            strong: BTreeSet::new(),
            needs: BTreeSet::new(),
        }
    }

    pub(crate) fn finish(self, file: String, flags: Vec<String>) -> Source {
        let needs = self.needs.difference(&self.defines).cloned().collect();
        let text = format!("{}{}", self.declarations, self.body);
        Source { file, text, flags, defines: self.defines, strong: self.strong, needs }
    }

    pub(crate) fn flags(&mut self) -> Vec<String> {
        let mut flags = vec![self.random.pick(&["-O0", "-O1", "-O1", "-O2", "-Os"]).to_string()];
        for (percent, flag) in [
            (15, "-g"),
            (8, "-gsplit-dwarf=single"),
            (8, "-fno-data-sections"),
            (8, "-fno-function-sections"),
            (10, "-mtail-call"),
            (10, "-mreference-types"),
            (8, "-msimd128"),
            (8, "-mextended-const"),
            (5, "-fvisibility=hidden"),
        ] {
            if self.random.chance(percent) {
                flags.push(flag.into());
            }
        }
        flags
    }

    /// Data first, so that functions may refer to static ones.
    pub(crate) fn contents(&mut self) {
        for _ in 0..self.random.below(4) {
            let datum = self.random.below(DATA);
            self.define_datum(datum);
        }
        if self.random.chance(30) {
            let datum = self.random.below(TLS);
            self.define_tls(datum);
        }
        if self.random.chance(50) {
            self.static_function();
        }
        for _ in 0..1 + self.random.below(4) {
            let function = self.random.below(FUNCTIONS);
            self.define_function(function);
        }
        if self.random.chance(20) {
            self.entry();
        }
        if self.random.chance(20) {
            self.constructor();
        }
    }

    pub(crate) fn attributes(&mut self, binding: Binding) -> String {
        let mut attributes = match binding {
            Binding::Strong => vec![],
            Binding::Weak => vec!["weak".to_string()],
            Binding::Hidden => vec!["visibility(\"hidden\")".into()],
            Binding::WeakHidden => vec!["weak".into(), "visibility(\"hidden\")".into()],
        };
        match self.random.below(30) {
            0 => attributes.push("used".into()),
            1 => attributes.extend(["used".into(), "retain".into()]),
            2 if attributes.len() < 2 && binding != Binding::Hidden => {
                attributes.push("visibility(\"default\")".into())
            }
            3 if attributes.len() < 2 && binding != Binding::Hidden => {
                attributes.push("visibility(\"protected\")".into())
            }
            _ => {}
        }
        if attributes.is_empty() {
            return String::new();
        }
        format!("__attribute__(({})) ", attributes.join(","))
    }

    fn define(&mut self, name: &str) -> Binding {
        let binding = self.world.define(name, &mut self.random);
        if binding.is_strong() {
            self.strong.insert(name.to_string());
        }
        binding
    }

    fn define_datum(&mut self, datum: usize) {
        let name = format!("d{datum}");
        if !self.defines.insert(name.clone()) {
            return;
        }
        let binding = self.define(&name);
        let mut attributes = self.attributes(binding);
        match self.random.below(24) {
            0 => attributes.push_str("__attribute__((section(\"named\"))) "),
            1 => attributes.push_str("__attribute__((section(\".data.rel.own\"))) "),
            2 => attributes.push_str("__attribute__((aligned(64))) "),
            3 => attributes.push_str("__attribute__((used,retain,section(\"kept\"))) "),
            _ => {}
        }
        let definition = match self.world.data[datum] {
            DatumKind::Int => format!("int {name} = {}", self.random.below(9)),
            DatumKind::Array(length) => format!("int {name}[{length}] = {{{}}}", 1 + self.random.below(9)),
            DatumKind::Zeros(length) => format!("int {name}[{length}]"),
            DatumKind::Constant(length) => {
                // In C++ a constant is local unless it was declared.
                let _ = writeln!(self.body, "extern const int {name}[{length}];");
                format!("const int {name}[{length}] = {{7}}")
            }
            DatumKind::PointerToDatum(other) => {
                let other = self.datum(other);
                format!("void *{name} = (char*)&{other}{}", self.random.pick(&["", " + 4", " - 8"]))
            }
            DatumKind::PointerToFunction(other) => {
                format!("void *{name} = (void*){}", self.function(other).0)
            }
            DatumKind::Mixed(datum, function) => {
                let (datum, function) = (self.datum(datum), self.function(function).0);
                format!("void *{name}[4] = {{(void*)&{datum}, 0, (void*){function}, (void*)&{datum}}}")
            }
            DatumKind::Text(text) => format!("const char *{name} = \"{}\"", TEXTS[text]),
        };
        let _ = writeln!(self.body, "{attributes}{definition};");
    }

    fn define_tls(&mut self, datum: usize) {
        let name = format!("t{datum}");
        if self.defines.insert(name.clone()) {
            let binding = self.define(&name);
            let attributes = self.attributes(binding);
            let value = self.random.pick(&["", " = 5", " = 0"]);
            let _ = writeln!(self.body, "{attributes}_Thread_local int {name}{value};");
        }
    }

    /// Declares a datum and gives its name.
    fn datum(&mut self, datum: usize) -> String {
        let name = format!("d{datum}");
        if self.defines.contains(&name) || !self.declared.insert(name.clone()) {
            return name;
        }
        self.needs.insert(name.clone());
        let kind = match self.world.data[datum] {
            DatumKind::Int => format!("int {name}"),
            DatumKind::Array(length) | DatumKind::Zeros(length) => format!("int {name}[{length}]"),
            DatumKind::Constant(length) => format!("const int {name}[{length}]"),
            DatumKind::PointerToDatum(_) | DatumKind::PointerToFunction(_) => format!("void *{name}"),
            DatumKind::Mixed(..) => format!("void *{name}[4]"),
            DatumKind::Text(_) => format!("const char *{name}"),
        };
        let weak = self.declared_weak(&name);
        // It goes in front of everything that uses it.
        let _ = writeln!(self.body, "extern {weak}{kind};");
        name
    }

    fn declared_weak(&mut self, name: &str) -> &'static str {
        match self.random.below(25) {
            0 | 1 => {
                self.needs.remove(name);
                "__attribute__((weak)) "
            }
            2 => "__attribute__((visibility(\"hidden\"))) ",
            _ => "",
        }
    }

    /// Declares a function, rarely with a wrong signature, and gives its name and signature.
    fn function(&mut self, function: usize) -> (String, usize) {
        let name = format!("f{function}");
        let signature = self.world.functions[function];
        if self.defines.contains(&name) {
            return (name, signature);
        }
        if self.random.chance(2) {
            // Another C name for the same symbol, so that one file can hold both signatures.
            let other = self.random.below(SIGNATURES.len());
            let alias = format!("{name}_as_{other}");
            if self.declared.insert(alias.clone()) {
                self.needs.insert(name.clone());
                let label = format!(" __asm__(\"{name}\")");
                self.declare(&alias, other, "extern ", &label);
            }
            return (alias, other);
        }
        if self.declared.insert(name.clone()) {
            self.needs.insert(name.clone());
            let weak = self.declared_weak(&name);
            self.declare(&name, signature, &format!("extern {weak}"), "");
        }
        (name, signature)
    }

    fn declare(&mut self, name: &str, signature: usize, before: &str, after: &str) {
        let CSignature { result, parameters } = c_signature(signature, false);
        let _ = writeln!(self.body, "{before}{result} {name}({parameters}){after};");
    }

    fn static_function(&mut self) {
        let name = format!("local{}", self.number % 3);
        let (statements, _) = self.statements(3);
        let inline = self.random.pick(&["", "__attribute__((noinline)) ", "__attribute__((noinline,used)) "]);
        let _ = writeln!(self.body, "static {inline}long {name}(long acc) {{\n{statements}  return acc;\n}}");
        self.declared.insert(name);
    }

    fn define_function(&mut self, function: usize) {
        let name = format!("f{function}");
        if self.defines.contains(&name) || self.declared.contains(&name) {
            return;
        }
        let signature = self.world.functions[function];
        let binding = self.define(&name);
        self.defines.insert(name.clone());
        let mut attributes = self.attributes(binding);
        match self.random.below(30) {
            0 => attributes.push_str(&format!("__attribute__((export_name(\"exp{}\"))) ", function % 8)),
            1 => attributes.push_str("__attribute__((noinline,section(\"own_code\"))) "),
            2 => attributes.push_str("__attribute__((used,retain)) "),
            _ => {}
        }
        let count = 1 + self.random.below(5);
        let (statements, _) = self.statements(count);
        let CSignature { result, parameters } = c_signature(signature, true);
        let last = match result {
            "void" => "sink = acc;".to_string(),
            _ => format!("return ({result})acc;"),
        };
        let _ = writeln!(
            self.body,
            "{attributes}{result} {name}({parameters}) {{\n  long acc = {};\n{statements}  {last}\n}}",
            if parameters.contains("int p0") { "p0" } else { "1" }
        );
        if self.random.chance(12) {
            let alias = format!("f{}", self.random.below(FUNCTIONS));
            let same = alias != name && !self.defines.contains(&alias) && !self.declared.contains(&alias);
            if same && self.world.functions[alias[1..].parse::<usize>().unwrap_or(0)] == signature {
                self.defines.insert(alias.clone());
                let weak = if self.define(&alias).is_strong() { "" } else { "weak," };
                let after = format!(" __attribute__(({weak}alias(\"{name}\")))");
                self.declare(&alias, signature, "", &after);
            }
        }
    }

    /// Statements that add to `acc`, and how many there are.
    pub(crate) fn statements(&mut self, count: usize) -> (String, usize) {
        let mut text = String::new();
        for _ in 0..count {
            let statement = self.statement();
            let _ = writeln!(text, "  {statement}");
        }
        (text, count)
    }

    fn statement(&mut self) -> String {
        match self.random.below(22) {
            0..=6 => {
                let function = self.random.below(FUNCTIONS);
                let (name, signature) = self.function(function);
                call(&name, signature)
            }
            7..=9 => {
                let datum = self.random.below(DATA);
                let name = self.datum(datum);
                match self.world.data[datum] {
                    DatumKind::Int => format!("acc += {name}++;"),
                    DatumKind::Array(_) | DatumKind::Zeros(_) => format!("acc += {name}[acc & 0];"),
                    DatumKind::Constant(length) => format!("acc += {name}[{}];", length - 1),
                    _ => format!("acc += (long)&{name};"),
                }
            }
            10 => {
                let (name, _) = self.function_of_world();
                format!("acc += (long)(void*){name};")
            }
            11 => {
                let (name, signature) = self.function_of_world();
                format!("if ((void*){name}) {}", call(&name, signature))
            }
            12 | 13 => format!("acc += (long)\"{}\";", self.random.pick(&TEXTS)),
            14 => self.use_tls(),
            15 => {
                let name = format!("local{}", self.number % 3);
                if self.declared.contains(&name) { format!("acc += {name}(acc);") } else { "acc *= 3;".into() }
            }
            16 => self.use_import(),
            17 => self.use_linker_datum(),
            18 => "{ volatile int room[20]; room[acc & 7] = 1; acc += room[3]; }".into(),
            19 if self.has_atomics => "acc += __atomic_fetch_add(&counter, 1, 5);".into(),
            19 => "counter++;".into(),
            20 => "{ extern void *memcpy(void*, const void*, unsigned long); static char from[200], to[200]; memcpy(to, from, acc & 255); }".into(),
            _ => "acc += (long)(acc * 1.5);".into(),
        }
    }

    fn function_of_world(&mut self) -> (String, usize) {
        let function = self.random.below(FUNCTIONS);
        self.function(function)
    }

    fn use_tls(&mut self) -> String {
        let name = format!("t{}", self.random.below(TLS));
        if !self.defines.contains(&name) && self.declared.insert(name.clone()) {
            self.needs.insert(name.clone());
            let weak = self.declared_weak(&name);
            let _ = writeln!(self.body, "extern {weak}_Thread_local int {name};");
        }
        self.random.pick(&["acc += N;", "acc += N++;", "acc += (long)&N;"]).replace('N', &name)
    }

    fn use_import(&mut self) -> String {
        let number = self.random.below(IMPORTS);
        let name = format!("i{number}");
        if self.declared.insert(name.clone()) {
            let module = ["env", "m", "wasi_snapshot_preview1"][number % 3];
            let module = if self.random.chance(3) { "another" } else { module };
            let attributes = match number % 3 {
                0 | 2 if number > 2 => format!("import_module(\"{module}\"),import_name(\"{name}\")"),
                1 => format!("import_name(\"other{number}\")"),
                _ => format!("import_module(\"{module}\")"),
            };
            let _ = writeln!(self.body, "extern __attribute__(({attributes})) int {name}(int);");
        }
        self.random.pick(&["acc += N(3);", "acc += N(4);", "acc += (long)(void*)N;"]).replace('N', &name)
    }

    fn use_linker_datum(&mut self) -> String {
        let name = self.random.pick(&LINKER_DATA);
        if self.declared.insert(name.into()) {
            let weak =
                self.random.pick(&["", "__attribute__((weak)) ", "__attribute__((visibility(\"hidden\"))) "]);
            let _ = writeln!(self.body, "extern {weak}char {name}[];");
        }
        format!("acc += (long)&{name};")
    }

    fn entry(&mut self) {
        let name = self.random.pick(&["_start", "_start", "_initialize", "main", "__main_void"]);
        let binding = self.define(name);
        self.defines.insert(name.into());
        let attributes = self.attributes(binding);
        let (statements, _) = self.statements(3);
        let result = if name == "main" { "int" } else { "void" };
        let last = if name == "main" { "return acc;" } else { "sink = acc;" };
        let _ = writeln!(
            self.body,
            "{attributes}{result} {name}(void) {{\n  long acc = 0;\n{statements}  {last}\n}}"
        );
        if self.random.chance(30) {
            self.body.push_str("extern void __wasm_call_ctors(void);\n__attribute__((weak)) void calls_ctors(void) { __wasm_call_ctors(); }\n");
        }
    }

    fn constructor(&mut self) {
        let kind = self.random.pick(&[
            "constructor",
            "constructor",
            "constructor(101)",
            "constructor(2000)",
            "destructor",
        ]);
        let (statements, _) = self.statements(2);
        let number = self.number;
        let _ = writeln!(self.body, "__attribute__(({kind})) static void at_start{number}(void) {{\n  long acc = 0;\n{statements}  sink = acc;\n}}");
        if kind == "destructor" {
            self.needs.insert("rt".into());
        }
    }
}

struct CSignature {
    result: &'static str,
    parameters: String,
}
fn c_signature(signature: usize, with_names: bool) -> CSignature {
    let signature = &SIGNATURES[signature];
    let parameters = signature.parameters.iter().enumerate();
    let parameters: Vec<String> = parameters
        .map(|(i, kind)| if with_names { format!("{kind} p{i}") } else { kind.to_string() })
        .collect();
    let parameters = if parameters.is_empty() { "void".into() } else { parameters.join(", ") };
    CSignature { result: signature.result, parameters }
}

fn call(name: &str, signature: usize) -> String {
    let signature = &SIGNATURES[signature];
    let arguments: Vec<String> = signature.parameters.iter().map(|kind| format!("({kind})acc")).collect();
    let arguments = arguments.join(", ");
    match signature.result {
        "void" => format!("{name}({arguments});"),
        _ => format!("acc += (long){name}({arguments});"),
    }
}
