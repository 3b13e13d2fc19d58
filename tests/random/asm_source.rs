//! Writes random assembly: what compilers seldom or never write.

use crate::world::{
    self, Binding, Source, World, DATA, FUNCTIONS, GLOBALS, SIGNATURES, TABLES, TAGS, TEXTS, TLS,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use wald_tests::random::Random;

/// What assembly must know of its target.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Pointers have 64 bits.
    pub is_64: bool,
    /// Position-independent code.
    pub pic: bool,
    /// Thread-local data go through `__tls_base`.
    pub has_tls: bool,
}

impl Machine {
    fn pointer(self) -> &'static str {
        if self.is_64 {
            "i64"
        } else {
            "i32"
        }
    }
}

struct AsmSource<'w> {
    world: &'w mut World,
    random: Random,
    machine: Machine,
    number: usize,
    /// `.functype` and the like.
    head: String,
    body: String,
    declared: BTreeSet<String>,
    /// Functions that this file declares with a wrong signature.
    mismatches: BTreeMap<usize, usize>,
    defines: BTreeSet<String>,
    strong: BTreeSet<String>,
    needs: BTreeSet<String>,
}

/// Writes file `number`.
pub fn write(world: &mut World, random: Random, number: usize, machine: Machine) -> Source {
    let mut source = AsmSource {
        world,
        random,
        machine,
        number,
        head: String::new(),
        body: String::new(),
        declared: BTreeSet::new(),
        mismatches: BTreeMap::new(),
        defines: BTreeSet::new(),
        strong: BTreeSet::new(),
        needs: BTreeSet::new(),
    };
    for _ in 0..2 + source.random.below(4) {
        source.item();
    }
    let features = "-mattr=+reference-types,+exception-handling,+mutable-globals,+bulk-memory,+tail-call";
    let mut features = features.to_string();
    if machine.has_tls {
        features.push_str(",+atomics");
    }
    let needs = source.needs.difference(&source.defines).cloned().collect();
    Source {
        file: format!("s{number:02}.s"),
        text: format!("{}{}", source.head, source.body),
        flags: vec![features],
        defines: source.defines,
        strong: source.strong,
        needs,
    }
}

impl AsmSource<'_> {
    fn item(&mut self) {
        match self.random.below(16) {
            0..=4 => self.function(),
            5..=7 => self.datum(),
            8 => self.strings(),
            9 => self.custom_section(),
            10 => self.global(),
            11 => self.table(),
            12 => self.tag(),
            13 => self.init_array(),
            14 => self.features(),
            _ => self.tls(),
        }
    }

    fn bind(&mut self, name: &str, binding: Binding) {
        let lines: &[&str] = match binding {
            Binding::Strong => &[".globl"],
            Binding::Weak => &[".weak"],
            Binding::Hidden => &[".globl", ".hidden"],
            Binding::WeakHidden => &[".weak", ".hidden"],
        };
        for line in lines {
            let _ = writeln!(self.body, "\t{line} {name}");
        }
        match self.random.below(20) {
            0 => drop(writeln!(self.body, "\t.no_dead_strip {name}")),
            1 => drop(writeln!(self.body, "\t.export_name {name}, named_{name}")),
            _ => {}
        }
    }

    /// A new definition of a name of the world, if this file has none.
    fn new_name(&mut self, name: String) -> Option<(String, Binding)> {
        if self.declared.contains(&name) || !self.defines.insert(name.clone()) {
            return None;
        }
        let binding = self.world.define(&name, &mut self.random);
        if binding.is_strong() {
            self.strong.insert(name.clone());
        }
        Some((name, binding))
    }

    fn function(&mut self) {
        let number = self.random.below(FUNCTIONS);
        let Some((name, binding)) = self.new_name(format!("f{number}")) else { return };
        let pointer = self.machine.pointer();
        let signature = self.world.functions[number];
        let text = world::assembly_signature(signature, pointer);
        let mut code = String::new();
        for _ in 0..self.random.below(5) {
            self.instructions(&mut code);
        }
        let result = text.split(" -> ").nth(1).unwrap_or("()").trim_matches(['(', ')']).to_string();
        if !result.is_empty() {
            let _ =
                writeln!(code, "\t{result}.const {}", if result.starts_with('f') { "0x1p0" } else { "1" });
        }
        let _ = writeln!(self.body, "\t.section .text.{name},\"\",@");
        self.bind(&name, binding);
        let _ = writeln!(
            self.body,
            "\t.type {name},@function\n{name}:\n\t.functype {name} {text}\n{code}\tend_function"
        );
        if self.random.chance(15) {
            let alias = format!("alias{}", self.random.below(6));
            if let Some((alias, binding)) = self.new_name(alias) {
                let bind = if binding.is_strong() { ".globl" } else { ".weak" };
                let _ = writeln!(
                    self.body,
                    "\t{bind} {alias}\n\t.type {alias},@function\n\t.set {alias}, {name}"
                );
            }
        }
    }

    /// Declares a function of the world, rarely with another signature.
    fn declare_function(&mut self, number: usize) -> (String, usize) {
        let name = format!("f{number}");
        let mut signature = self.mismatches.get(&number).copied().unwrap_or(self.world.functions[number]);
        if self.defines.contains(&name) {
            return (name, signature);
        }
        if self.declared.insert(name.clone()) {
            if self.random.chance(2) {
                signature = self.random.below(SIGNATURES.len());
                self.mismatches.insert(number, signature);
            }
            let text = world::assembly_signature(signature, self.machine.pointer());
            let _ = writeln!(self.head, "\t.functype {name} {text}");
            match self.random.below(120) {
                0..=11 => drop(writeln!(self.head, "\t.weak {name}")),
                12..=17 => drop(writeln!(self.head, "\t.hidden {name}")),
                18 => drop(writeln!(self.head, "\t.import_module {name}, m")),
                19 => drop(writeln!(self.head, "\t.import_name {name}, renamed")),
                _ => {}
            }
            self.needs.insert(name.clone());
        }
        (name, signature)
    }

    fn declare_datum(&mut self) -> String {
        let name = format!("d{}", self.random.below(DATA));
        if !self.defines.contains(&name) && self.declared.insert(name.clone()) {
            self.needs.insert(name.clone());
            if self.random.chance(12) {
                self.needs.remove(&name);
                let _ = writeln!(self.head, "\t.weak {name}");
            }
        }
        name
    }

    fn instructions(&mut self, code: &mut String) {
        let pointer = self.machine.pointer();
        match self.random.below(14) {
            0..=2 => {
                let number = self.random.below(FUNCTIONS);
                let (name, signature) = self.declare_function(number);
                let text = world::assembly_signature(signature, pointer);
                let (parameters, results) = text.split_once(" -> ").unwrap_or(("()", "()"));
                for parameter in parameters.trim_matches(['(', ')']).split(", ").filter(|p| !p.is_empty()) {
                    let _ = writeln!(
                        code,
                        "\t{parameter}.const {}",
                        if parameter.starts_with('f') { "0x1p1" } else { "2" }
                    );
                }
                let _ = writeln!(code, "\tcall {name}");
                if results != "()" {
                    code.push_str("\tdrop\n");
                }
            }
            3 | 4 => {
                let name = self.declare_datum();
                let addend = self.random.pick(&["", "", "+4", "-4", "+1000"]);
                match self.machine.pic {
                    true if self.defines.contains(&name) => drop(writeln!(
                        code,
                        "\tglobal.get __memory_base\n\t{pointer}.const {name}@MBREL{addend}\n\t{pointer}.add\n\tdrop"
                    )),
                    true => drop(writeln!(code, "\tglobal.get {name}@GOT\n\tdrop")),
                    false => drop(writeln!(code, "\t{pointer}.const {name}{addend}\n\tdrop")),
                }
                if self.machine.pic && self.declared.insert("__memory_base".into()) {
                    let _ = writeln!(self.head, "\t.globaltype __memory_base, {pointer}, immutable");
                }
            }
            5 => {
                let name = self.declare_datum();
                if !self.machine.pic {
                    let _ = writeln!(code, "\t{pointer}.const 0\n\ti32.load {name}+8\n\tdrop");
                }
            }
            6 => {
                let number = self.random.below(FUNCTIONS);
                let (name, _) = self.declare_function(number);
                let place = match (self.machine.pic, self.random.below(8)) {
                    (true, 0) if self.defines.contains(&name) => format!("{pointer}.const {name}@TBREL"),
                    (false, 0) => format!("{pointer}.const {name}@TBREL"),
                    (false, 2..) => format!("{pointer}.const {name}"),
                    _ => format!("global.get {name}@GOT"),
                };
                let _ = writeln!(code, "\t{place}\n\tdrop");
            }
            _ => self.special_instructions(code),
        }
    }

    /// What is about globals, tables, tags and thread-local data.
    fn special_instructions(&mut self, code: &mut String) {
        let pointer = self.machine.pointer();
        match self.random.below(7) {
            0 => {
                let name = self.declare_global();
                let _ = writeln!(code, "\tglobal.get {name}\n\tdrop");
            }
            // LLVM's assembler takes 32-bit indices of tables only.
            1 if !self.machine.is_64 => {
                let name = self.declare_table();
                let _ = writeln!(code, "\ti32.const 0\n\ttable.get {name}\n\tdrop");
            }
            2 => {
                let number = self.random.below(FUNCTIONS);
                let (name, _) = self.declare_function(number);
                let _ = writeln!(code, "\tref.func {name}\n\tdrop");
            }
            3 if !self.machine.is_64 => code.push_str("\ti32.const 0\n\tcall_indirect () -> ()\n"),
            4 => {
                let name = self.declare_tag();
                let _ = writeln!(code, "\tblock\n\ti32.const 3\n\tthrow {name}\n\tend_block");
            }
            5 if self.machine.has_tls => {
                let name = format!("t{}", self.random.below(TLS));
                if self.defines.contains(&name) {
                    if self.declared.insert("__tls_base".into()) {
                        let _ = writeln!(self.head, "\t.globaltype __tls_base, {pointer}");
                    }
                    let _ = writeln!(
                        code,
                        "\tglobal.get __tls_base\n\t{pointer}.const {name}@TLSREL\n\t{pointer}.add\n\tdrop"
                    );
                } else {
                    self.needs.insert(name.clone());
                    self.declared.insert(name.clone());
                    let _ = writeln!(code, "\tglobal.get {name}@GOT@TLS\n\tdrop");
                }
            }
            _ => {
                if self.declared.insert("__stack_pointer".into()) {
                    let _ = writeln!(self.head, "\t.globaltype __stack_pointer, {pointer}");
                }
                code.push_str("\tglobal.get __stack_pointer\n\tdrop\n");
            }
        }
    }

    fn datum(&mut self) {
        let number = self.random.below(DATA);
        let Some((name, binding)) = self.new_name(format!("d{number}")) else { return };
        let word = if self.machine.is_64 { ".int64" } else { ".int32" };
        let mut contents = String::new();
        let mut size = 0;
        for _ in 0..1 + self.random.below(4) {
            let (line, width) = match self.random.below(6) {
                0 => (format!("\t.int32 {}\n", self.random.below(1000)), 4),
                1 => ("\t.int8 1\n".into(), 1),
                2 | 3 => {
                    let number = self.random.below(FUNCTIONS);
                    let (function, _) = self.declare_function(number);
                    (format!("\t{word} {function}\n"), if self.machine.is_64 { 8 } else { 4 })
                }
                _ => {
                    let other = self.declare_datum();
                    let addend = self.random.pick(&["", "+4", "-8", "+100000"]);
                    (format!("\t{word} {other}{addend}\n"), if self.machine.is_64 { 8 } else { 4 })
                }
            };
            contents.push_str(&line);
            size += width;
        }
        let section = match self.random.below(8) {
            0 => "named".into(),
            1 => ".rodata.own".into(),
            2 => ".bss.not_zero".into(),
            3 => ".data".into(),
            _ => format!(".data.{name}"),
        };
        // A section has the same flags wherever the file returns to it.
        let retained = section.ends_with(|c: char| c.is_ascii_digit()) && self.random.chance(30);
        let flags = if retained { "R" } else { "" };
        let _ = writeln!(self.body, "\t.section {section},\"{flags}\",@");
        self.bind(&name, binding);
        let align = self.random.below(5);
        let _ = writeln!(
            self.body,
            "\t.type {name},@object\n\t.p2align {align}\n{name}:\n{contents}\t.size {name}, {size}"
        );
    }

    fn strings(&mut self) {
        let section = self.random.pick(&[".rodata.str", ".rodata.str1.1", ".rodata..L.str", "named_strings"]);
        let number = self.number;
        let _ = writeln!(self.body, "\t.section {section},\"S\",@\n.Lstr{number}:");
        for _ in 0..1 + self.random.below(4) {
            let _ =
                writeln!(self.body, "\t.asciz \"{}\"", self.random.pick(&TEXTS).replace("\\xc3\\xa9", "e"));
        }
        let size = self.random.below(3);
        let _ = writeln!(self.body, "\t.size .Lstr{number}, {size}");
        let name = format!("text{}", self.number);
        let word = if self.machine.is_64 { ".int64" } else { ".int32" };
        let width = if self.machine.is_64 { 8 } else { 4 };
        let _ = writeln!(
            self.body,
            "\t.section .data.{name},\"\",@\n\t.globl {name}\n\t.type {name},@object\n{name}:\n\t{word} .Lstr{number}\n\t.size {name}, {width}"
        );
    }

    fn custom_section(&mut self) {
        let section = self.random.pick(&["notes", "notes", "producers2", "linked", "name2", ".debug_own"]);
        let prefix = if section.starts_with('.') { "" } else { ".custom_section." };
        let datum = self.declare_datum();
        let number = self.random.below(FUNCTIONS);
        let (function, _) = self.declare_function(number);
        let _ =
            writeln!(self.body, "\t.section {prefix}{section},\"\",@\n\t.ascii \"custom {}\"", self.number);
        if !self.machine.pic && self.random.chance(60) {
            let _ = writeln!(self.body, "\t.int32 {datum}\n\t.int32 {function}");
        }
    }

    fn declare_global(&mut self) -> String {
        let number = self.random.below(GLOBALS);
        let name = format!("g{number}");
        if !self.defines.contains(&name) && self.declared.insert(name.clone()) {
            let kind = self.global_type(number);
            let _ = writeln!(self.head, "\t.globaltype {name}, {kind}");
            match self.random.below(5) {
                0 => drop(writeln!(self.head, "\t.import_module {name}, m\n\t.import_name {name}, global")),
                _ => {
                    self.needs.insert(name.clone());
                }
            }
        }
        name
    }

    fn global_type(&mut self, number: usize) -> &'static str {
        match self.random.below(30) {
            0 => "f32",
            _ => ["i32", "i64", "f64", "externref"][number],
        }
    }

    fn global(&mut self) {
        let number = self.random.below(GLOBALS);
        let Some((name, binding)) = self.new_name(format!("g{number}")) else { return };
        let kind = ["i32", "i64", "f64", "externref"][number];
        let _ = writeln!(self.body, "\t.section .data,\"\",@\n\t.globaltype {name}, {kind}");
        self.bind(&name, binding);
        let _ = writeln!(self.body, "{name}:");
    }

    fn table_type(number: usize) -> &'static str {
        ["funcref", "externref", "funcref, 2, 20"][number]
    }

    fn declare_table(&mut self) -> String {
        let number = self.random.below(TABLES);
        let name = format!("table{number}");
        if !self.defines.contains(&name) && self.declared.insert(name.clone()) {
            // LLVM's assembler writes imported tables with limits in a way that nothing reads.
            let kind = Self::table_type(number).split(',').next().unwrap_or_default();
            let _ = writeln!(self.head, "\t.tabletype {name}, {kind}");
            match self.random.below(5) {
                0 => drop(writeln!(self.head, "\t.import_module {name}, m\n\t.import_name {name}, a_table")),
                _ => {
                    self.needs.insert(name.clone());
                }
            }
        }
        name
    }

    fn table(&mut self) {
        let number = self.random.below(TABLES);
        let Some((name, binding)) = self.new_name(format!("table{number}")) else { return };
        let _ = writeln!(self.body, "\t.tabletype {name}, {}", Self::table_type(number));
        self.bind(&name, binding);
        let _ = writeln!(self.body, "{name}:");
    }

    fn declare_tag(&mut self) -> String {
        let name = format!("tag{}", self.random.below(TAGS));
        if !self.defines.contains(&name) && self.declared.insert(name.clone()) {
            let _ = writeln!(self.head, "\t.tagtype {name} i32");
            self.needs.insert(name.clone());
        }
        name
    }

    fn tag(&mut self) {
        let number = self.random.below(TAGS);
        let Some((name, binding)) = self.new_name(format!("tag{number}")) else { return };
        let _ = writeln!(self.body, "\t.tagtype {name} i32");
        self.bind(&name, binding);
        let _ = writeln!(self.body, "{name}:");
    }

    fn init_array(&mut self) {
        let number = self.random.below(FUNCTIONS);
        let name = format!("f{number}");
        if SIGNATURES[self.world.functions[number]].assembly != "() -> ()" || self.declared.contains(&name) {
            return;
        }
        let (name, _) = self.declare_function(number);
        let priority = self.random.pick(&["", ".5", ".101", ".65535"]);
        let word = if self.machine.is_64 { ".int64" } else { ".int32" };
        let align = if self.machine.is_64 { 3 } else { 2 };
        let _ = writeln!(
            self.body,
            "\t.section .init_array{priority},\"\",@\n\t.p2align {align}\n\t{word} {name}"
        );
    }

    fn features(&mut self) {
        if !self.declared.insert("target_features".into()) {
            return;
        }
        let feature =
            self.random.pick(&["bulk-memory", "simd128", "shared-mem", "atomics", "sign-ext", "own-feature"]);
        let prefix = self.random.pick(&[43, 43, 43, 43, 45]);
        let _ = writeln!(
            self.body,
            "\t.section .custom_section.target_features,\"\",@\n\t.int8 1\n\t.int8 {prefix}\n\t.int8 {}\n\t.ascii \"{feature}\"",
            feature.len()
        );
    }

    fn tls(&mut self) {
        if !self.machine.has_tls {
            return;
        }
        let number = self.random.below(TLS);
        let Some((name, binding)) = self.new_name(format!("t{number}")) else { return };
        let section = self.random.pick(&[".tdata.own", ".tbss.own"]);
        let value = if section == ".tbss.own" { 0 } else { 5 };
        let _ = writeln!(self.body, "\t.section {section},\"T\",@");
        self.bind(&name, binding);
        let _ = writeln!(
            self.body,
            "\t.type {name},@object\n\t.p2align 2\n{name}:\n\t.int32 {value}\n\t.size {name}, 4"
        );
    }
}
