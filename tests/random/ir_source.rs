//! Writes random LLVM IR: COMDATs that front ends do not write, aliases of data, custom sections, constructors with data.

use crate::world::{Binding, Source, World, DATA, FUNCTIONS, SIGNATURES};
use std::collections::BTreeSet;
use std::fmt::Write;
use wald_tests::random::Random;

struct IrSource<'w> {
    world: &'w mut World,
    random: Random,
    number: usize,
    text: String,
    defines: BTreeSet<String>,
    strong: BTreeSet<String>,
    needs: BTreeSet<String>,
}

/// Writes file `number`.
pub fn write(world: &mut World, random: Random, number: usize) -> Source {
    let mut source = IrSource {
        world,
        random,
        number,
        text: String::new(),
        defines: BTreeSet::new(),
        strong: BTreeSet::new(),
        needs: BTreeSet::new(),
    };
    let groups = 1 + source.random.below(3);
    for group in 0..groups {
        let _ = writeln!(source.text, "$group{group} = comdat any");
    }
    for item in 0..2 + source.random.below(4) {
        match source.random.below(6) {
            0 | 1 => source.group(groups),
            2 => source.datum(item),
            3 => source.call(item),
            4 => source.literals(item),
            _ => source.constructor(),
        }
    }
    if source.random.chance(40) {
        let section =
            format!("!wasm.custom_sections = !{{!0}}\n!0 = !{{!\"notes\", !\"from IR {number}\"}}\n");
        source.text.push_str(&section);
    }
    let level = source.random.pick(&["-O0", "-O2"]).to_string();
    let needs = source.needs.difference(&source.defines).cloned().collect();
    Source {
        file: format!("l{number:02}.ll"),
        text: source.text,
        flags: vec![level],
        defines: source.defines,
        strong: source.strong,
        needs,
    }
}

impl IrSource<'_> {
    fn add(&mut self, line: String) {
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// The same function in every file that has the group; sometimes with a companion that another lacks.
    fn group(&mut self, groups: usize) {
        let group = self.random.below(groups);
        let name = format!("group{group}");
        if !self.defines.insert(name.clone()) {
            return;
        }
        let linkage = self.random.pick(&["linkonce_odr", "weak", "weak_odr hidden", ""]);
        self.add(format!(
            "define {linkage} i32 @{name}(i32 %x) comdat {{\n  %y = add i32 %x, {group}\n  ret i32 %y\n}}"
        ));
        if self.random.chance(50) {
            let number = self.number;
            self.add(format!(
                "@{name}.data = {linkage} global [3 x i32] [i32 1, i32 2, i32 {number}], comdat(${name})"
            ));
            self.add(format!(
                "define {linkage} ptr @{name}.other() comdat(${name}) {{\n  ret ptr @{name}.data\n}}"
            ));
        }
    }

    fn datum(&mut self, item: usize) {
        let name = format!("d{}", self.random.below(DATA));
        if !self.defines.insert(name.clone()) {
            return;
        }
        let binding = self.world.define(&name, &mut self.random);
        if binding.is_strong() {
            self.strong.insert(name.clone());
        }
        let linkage = match binding {
            Binding::Strong => "",
            Binding::Weak => "weak",
            Binding::Hidden => "hidden",
            Binding::WeakHidden => "weak hidden",
        };
        self.add(format!(
            "@{name} = {linkage} global {{ i32, i32, ptr }} {{ i32 1, i32 2, ptr @{name} }}, align 16"
        ));
        if self.random.chance(60) {
            let (number, offset) = (self.number, self.random.pick(&[0, 4, 8]));
            let linkage = self.random.pick(&["", "weak", "hidden"]);
            self.add(format!(
                "@part{number}_{item} = {linkage} alias i8, getelementptr (i8, ptr @{name}, i32 {offset})"
            ));
        }
    }

    fn call(&mut self, item: usize) {
        let function = self.random.below(FUNCTIONS);
        let name = format!("f{function}");
        let fits = SIGNATURES[self.world.functions[function]].assembly == "() -> ()";
        if !(fits || self.random.chance(4)) || !self.needs.insert(name.clone()) {
            return;
        }
        let kind = self.random.pick(&["declare", "declare", "declare extern_weak"]);
        self.add(format!("{kind} void @{name}()"));
        let number = self.number;
        self.add(format!(
            "define hidden void @calls{number}_{item}() {{\n  call void @{name}()\n  ret void\n}}"
        ));
    }

    /// Strings of one byte and of four bytes a character.
    fn literals(&mut self, item: usize) {
        let id = format!("{}_{item}", self.number);
        self.add(format!("@text{id} = private unnamed_addr constant [6 x i8] c\" tail\\00\", align 1"));
        self.add(format!(
            "@wide{id} = private unnamed_addr constant [3 x i32] [i32 97, i32 98, i32 0], align 4"
        ));
        self.add(format!(
            "define ptr @text_of{id}(i1 %c) {{\n  %p = select i1 %c, ptr @text{id}, ptr @wide{id}\n  ret ptr %p\n}}"
        ));
    }

    fn constructor(&mut self) {
        if self.text.contains("global_ctors") {
            return;
        }
        let (number, priority) = (self.number, self.random.pick(&[1, 65535, 300]));
        self.add(format!("define internal void @init{number}() {{\n  ret void\n}}"));
        let element = format!("{{ i32, ptr, ptr }} {{ i32 {priority}, ptr @init{number}, ptr null }}");
        self.add(format!("@llvm.global_ctors = appending global [1 x {{ i32, ptr, ptr }}] [{element}]"));
    }
}
