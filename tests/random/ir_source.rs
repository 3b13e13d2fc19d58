//! Writes random LLVM IR: COMDATs that front ends do not write, aliases of data, custom sections, constructors with data.

use crate::world::{Binding, Source, World, DATA, FUNCTIONS, SIGNATURES};
use std::collections::BTreeSet;
use std::fmt::Write;
use wald_tests::random::Random;

/// Writes file `number`.
pub fn write(world: &mut World, mut random: Random, number: usize) -> Source {
    let random = &mut random;
    let mut defines = BTreeSet::new();
    let mut strong = BTreeSet::new();
    let mut needs = BTreeSet::new();
    let mut text = String::new();
    let comdats = 1 + random.below(3);
    for comdat in 0..comdats {
        let _ = writeln!(text, "$group{comdat} = comdat any");
    }
    for item in 0..2 + random.below(4) {
        let comdat = random.below(comdats);
        match random.below(6) {
            0 | 1 => {
                // The same function in every file that has the group; sometimes with a companion that another lacks.
                let name = format!("group{comdat}");
                if defines.insert(name.clone()) {
                    write_group(&mut text, random, &name, comdat, number);
                }
            }
            2 => {
                let name = format!("d{}", random.below(DATA));
                if defines.insert(name.clone()) {
                    let binding = world.define(&name, random);
                    if binding.is_strong() {
                        strong.insert(name.clone());
                    }
                    let linkage = linkage(binding);
                    let _ = writeln!(text, "@{name} = {linkage} global {{ i32, i32, ptr }} {{ i32 1, i32 2, ptr @{name} }}, align 16");
                    if random.chance(60) {
                        let offset = random.pick(&[0, 4, 8]);
                        let _ = writeln!(text, "@part{number}_{item} = {} alias i8, getelementptr (i8, ptr @{name}, i32 {offset})", random.pick(&["", "weak", "hidden"]));
                    }
                }
            }
            3 => {
                let function = random.below(FUNCTIONS);
                let name = format!("f{function}");
                if SIGNATURES[world.functions[function]].assembly != "() -> ()" && !random.chance(4) {
                    continue;
                }
                if needs.insert(name.clone()) {
                    let kind = random.pick(&["declare", "declare", "declare extern_weak"]);
                    let _ = writeln!(text, "{kind} void @{name}()");
                    let _ = writeln!(text, "define hidden void @calls{number}_{item}() {{\n  call void @{name}()\n  ret void\n}}");
                }
            }
            4 => {
                write_strings(&mut text, number, item);
            }
            _ if text.contains("global_ctors") => {}
            _ => {
                let priority = random.pick(&[1, 65535, 300]);
                let _ = writeln!(text, "define internal void @init{number}() {{\n  ret void\n}}");
                let _ = writeln!(text, "@llvm.global_ctors = appending global [1 x {{ i32, ptr, ptr }}] [{{ i32, ptr, ptr }} {{ i32 {priority}, ptr @init{number}, ptr null }}]");
            }
        }
    }
    if random.chance(40) {
        let _ =
            writeln!(text, "!wasm.custom_sections = !{{!0}}\n!0 = !{{!\"notes\", !\"from IR {number}\"}}");
    }
    let level = random.pick(&["-O0", "-O2"]).to_string();
    let needs = needs.difference(&defines).cloned().collect();
    Source { file: format!("l{number:02}.ll"), text, flags: vec![level], defines, strong, needs }
}

/// A function in a COMDAT, sometimes with data and a second function in the same one.
fn write_group(text: &mut String, random: &mut Random, name: &str, comdat: usize, number: usize) {
    let linkage = random.pick(&["linkonce_odr", "weak", "weak_odr hidden", ""]);
    let _ = writeln!(
        text,
        "define {linkage} i32 @{name}(i32 %x) comdat {{\n  %y = add i32 %x, {comdat}\n  ret i32 %y\n}}"
    );
    if random.chance(50) {
        let _ = writeln!(
            text,
            "@{name}.data = {linkage} global [3 x i32] [i32 1, i32 2, i32 {number}], comdat(${name})"
        );
        let _ = writeln!(
            text,
            "define {linkage} ptr @{name}.other() comdat(${name}) {{\n  ret ptr @{name}.data\n}}"
        );
    }
}

/// Two strings that the linker may merge, of bytes and of words, and a function that uses both.
fn write_strings(text: &mut String, number: usize, item: usize) {
    let _ = writeln!(
        text,
        "@text{number}_{item} = private unnamed_addr constant [6 x i8] c\" tail\\00\", align 1"
    );
    let _ = writeln!(
        text,
        "@wide{number}_{item} = private unnamed_addr constant [3 x i32] [i32 97, i32 98, i32 0], align 4"
    );
    let _ = writeln!(text, "define ptr @text_of{number}_{item}(i1 %c) {{\n  %p = select i1 %c, ptr @text{number}_{item}, ptr @wide{number}_{item}\n  ret ptr %p\n}}");
}

fn linkage(binding: Binding) -> &'static str {
    match binding {
        Binding::Strong => "",
        Binding::Weak => "weak",
        Binding::Hidden => "hidden",
        Binding::WeakHidden => "weak hidden",
    }
}
