//! Writes random C++: what [`crate::c_source`] writes, and classes, templates, inline functions and variables, exceptions.
//!
//! Class `Ki` has virtual functions. Its key function is in the file that defines the name `class:i`;
//! classes without one have their tables in a COMDAT of every file that needs them.

use crate::c_source::CSource;
use crate::world::{Source, World, CLASSES, FUNCTIONS};
use std::fmt::Write;
use wald_tests::random::Random;

/// Writes file `number`.
pub fn write(world: &mut World, random: Random, number: usize, has_atomics: bool) -> Source {
    let mut source = CSource::new(world, random, number, has_atomics);
    let mut flags = source.flags();
    let exceptions = source.random.chance(55);
    flags.push(if exceptions { "-fwasm-exceptions" } else { "-fno-exceptions" }.into());
    if source.random.chance(20) {
        flags.push("-fno-rtti".into());
    }
    if source.random.chance(20) {
        flags.push("-fvisibility-inlines-hidden".into());
    }
    source.declare_common(exceptions);
    source.body.push_str("extern \"C\" {\n");
    source.plain_c();
    source.body.push_str("}\n");
    for _ in 0..1 + source.random.below(3) {
        source.cxx_item(exceptions);
    }
    source.needs.insert("rt".into());
    source.finish(format!("x{number:02}.cc"), flags)
}

impl CSource<'_> {
    /// What all C++ files agree on, as if a header said it.
    fn declare_common(&mut self, exceptions: bool) {
        for class in 0..CLASSES {
            let base = if class % 3 == 2 { format!(" : K{}", class - 1) } else { String::new() };
            let inline = if class % 4 == 3 { " { return 3 + x; }" } else { ";" };
            let destructor = if class % 2 == 0 { "{}" } else { ";" };
            let destructor = if class % 4 == 3 { "{}" } else { destructor };
            let _ = writeln!(
                self.declarations,
                "struct K{class}{base} {{ virtual int key{class}(int x){inline} virtual ~K{class}(){destructor} \
                 virtual int other(int x) {{ return x + {class}; }} int k = {class}; }};"
            );
        }
        self.declarations.push_str(
            "namespace ns { template <typename T, int N> T scaled(T x) { static T last = x; last = last * N + x; return last; }\n\
             inline int shared(int x) { static int count; return count += x; }\n\
             inline int table[4] = {1, 2, 3, 4};\n\
             template <typename T> struct Holder { static T value; T get() { return value; } };\n\
             template <typename T> T Holder<T>::value = T(7); }\n",
        );
        if exceptions {
            self.declarations.push_str("int thrown(int x) noexcept(false);\n");
        }
    }

    /// Some of what a C file has.
    fn plain_c(&mut self) {
        self.declarations.push_str("#define _Thread_local __thread\n");
        self.contents();
    }

    fn cxx_item(&mut self, exceptions: bool) {
        let class = self.random.below(CLASSES);
        let (statements, _) = self.cxx_statements(exceptions);
        let number = self.number;
        match self.random.below(7) {
            0 | 1 if class % 4 != 3 && !self.defines.contains(&format!("class:{class}")) => {
                let name = format!("class:{class}");
                if !self.world.define_once(&name, &mut self.random) {
                    return;
                }
                self.defines.insert(name.clone());
                self.strong.insert(name);
                let _ = writeln!(
                    self.body,
                    "int K{class}::key{class}(int x) {{\n  long acc = x;\n{statements}  return acc;\n}}"
                );
                if class % 2 == 1 {
                    let _ = writeln!(self.body, "K{class}::~K{class}() {{ sink = {class}; }}");
                }
            }
            2 => {
                self.need_class(class);
                let storage = self.random.pick(&[
                    "",
                    "static ",
                    "thread_local ",
                    "__attribute__((init_priority(300))) ",
                ]);
                let _ = writeln!(self.body, "{storage}K{class} object{number}_{class};");
                let _ =
                    writeln!(self.body, "int use{number}_{class}() {{ return object{number}_{class}.k; }}");
            }
            3 => {
                let name = format!("f{}", self.random.below(FUNCTIONS));
                let _ = writeln!(
                    self.body,
                    "namespace own{number} {{ int {name}(long acc) {{\n{statements}  return acc;\n}} }}"
                );
            }
            4 if !self.body.contains("generic") => {
                let _ = writeln!(self.body, "template <typename T> __attribute__((noinline)) T generic{}(T acc) {{\n  return acc * 2;\n}}", number % 4);
                let _ = writeln!(self.body, "template long generic{}<long>(long);", number % 4);
            }
            _ if self.body.contains("long cxx") => {}
            _ => {
                let weak = self.random.pick(&["", "", "__attribute__((weak)) "]);
                let _ =
                    writeln!(self.body, "{weak}long cxx{number}(long acc) {{\n{statements}  return acc;\n}}");
            }
        }
    }

    fn need_class(&mut self, class: usize) {
        if class % 4 != 3 {
            self.needs.insert(format!("class:{class}"));
        }
        if class % 3 == 2 {
            self.need_class(class - 1);
        }
    }

    fn cxx_statements(&mut self, exceptions: bool) -> (String, usize) {
        self.body.push_str("extern \"C\" {\n");
        let (mut text, count) = self.statements(1);
        self.body.push_str("}\n");
        let extra = 1 + self.random.below(3);
        for _ in 0..extra {
            let statement = match self.random.below(8) {
                0 => format!("acc += ns::scaled<int, {}>(acc);", 1 + self.random.below(4)),
                1 => "acc += ns::shared(acc);".into(),
                2 => "acc += ns::table[acc & 3];".into(),
                3 => format!("acc += ns::Holder<{}>().get();", self.random.pick(&["int", "long", "char"])),
                4 => {
                    let class = self.random.below(CLASSES);
                    self.need_class(class);
                    format!("{{ K{class} k; acc += k.key{class}(acc) + k.other(1); }}")
                }
                5 => {
                    let class = self.random.below(CLASSES);
                    self.need_class(class);
                    format!("{{ K{class} *k = new K{class}; acc += k->other(2); delete k; }}")
                }
                6 if exceptions => "try { if (acc > 4) throw 5; acc++; } catch (int e) { acc += e; }".into(),
                6 => "{ static long once = sink; acc += once; }".into(),
                _ => "acc += [](int x) { return x + 1; }(acc);".into(),
            };
            let _ = writeln!(text, "  {statement}");
        }
        (text, count + extra)
    }
}
