//! Projects with ordinary build files, which `cargo xtask bench builds` has built: by make, ninja, CMake and cargo.
//!
//! Nothing in them knows of the linker: it is named on the build tool's command line, or found in `PATH`. Some sources contain a number in
//! front of `MARK`; an edit makes it another one, so that code changes.

use crate::corpus;
use crate::workspace::{self, find_program, shown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Follows the number that an edit changes.
const MARK: &str = " /* edited */";

/// A build tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// With `-j`.
    Make,
    /// By itself.
    Ninja,
    /// With ninja below.
    CMake,
    /// In the profile `dev`.
    Cargo,
}

/// A project.
pub struct Project {
    /// As in the table.
    pub name: &'static str,
    /// What builds it.
    pub tool: Tool,
    /// How many C++ files are generated.
    files: usize,
    /// The file in which one edit is.
    one: &'static str,
    /// The file whose edit changes all objects.
    all: &'static str,
    output: &'static str,
}

/// All projects.
pub const PROJECTS: [Project; 4] = [
    Project {
        name: "lua",
        tool: Tool::Make,
        files: 0,
        one: "src/lmathlib.c",
        all: "inc/stub.h",
        output: "lua.wasm",
    },
    Project {
        name: "cxx-100",
        tool: Tool::CMake,
        files: 100,
        one: "src/unit_0042.cc",
        all: "src/common.h",
        output: "build/app",
    },
    Project {
        name: "cxx-1000",
        tool: Tool::Ninja,
        files: 1000,
        one: "src/unit_0420.cc",
        all: "src/common.h",
        output: "app.wasm",
    },
    Project {
        name: "rust-cli",
        tool: Tool::Cargo,
        files: 0,
        one: "src/main.rs",
        all: "src/main.rs",
        output: "target/wasm32-wasip1/debug/rust-cli.wasm",
    },
];

const LUA_MAKEFILE: &str = "\
CC = clang-22
AR = llvm-ar-22
TARGET = --target=wasm32-wasi -Wno-deprecated
CFLAGS = $(TARGET) -O2 -g -Iinc -include inc/stub.h -Isrc -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS
LDLIBS = -lwasi-emulated-signal -lwasi-emulated-process-clocks -lm
OBJECTS = $(patsubst src/%.c,%.o,$(wildcard src/*.c))

lua.wasm: main.o liblua.a
\t$(CC) $(TARGET) --no-wasm-opt $(LDFLAGS) main.o -L. -llua $(LDLIBS) -o $@

liblua.a: $(OBJECTS)
\t$(AR) rcs $@ $?

main.o: main.c inc/stub.h
\t$(CC) $(CFLAGS) -c $< -o $@

%.o: src/%.c inc/stub.h
\t$(CC) $(CFLAGS) -c $< -o $@

clean:
\trm -f *.o liblua.a lua.wasm
";

const NINJA_RULES: &str = "\
cxx = clang++-22
cxxflags = --target=wasm32-wasi -Wno-deprecated -fno-exceptions -O1

rule header
  command = $cxx $cxxflags -x c++-header $in -o $out
rule compile
  command = $cxx $cxxflags -include-pch common.pch -MD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
rule link
  command = $cxx $cxxflags --no-wasm-opt $in -o $out

build common.pch: header src/common.h
";

const CMAKE_LISTS: &str = "\
cmake_minimum_required(VERSION 3.20)
project(app CXX)
file(GLOB sources CONFIGURE_DEPENDS src/*.cc)
add_executable(app ${sources})
target_compile_options(app PRIVATE -fno-exceptions -O0 -g)
target_link_options(app PRIVATE --no-wasm-opt)
target_precompile_headers(app PRIVATE src/common.h)
";

/// With a guard: `#pragma once` does not know a header in a copied folder from the one that is in a precompiled header.
const COMMON: &str = "\
#ifndef COMMON_H
#define COMMON_H
#include <string>
#include <vector>

inline int scaled(int number) { return number * 3 /* edited */; }

struct Item {
  std::string name;
  int weight;
};

struct Shape {
  virtual ~Shape() = default;
  virtual int area() const = 0;
  virtual std::string name() const { return \"shape\"; }
};

template <typename T> int total(const std::vector<T> &all) {
  int sum = 0;
  for (auto &one : all) sum += scaled(one.weight) + int(one.name.size());
  return sum;
}

#endif
";

/// A file of a generated program. NUMBER is its own, NEXT and OTHER are those of files that it uses.
const UNIT: &str = r#"#include "common.h"

namespace unit_NEXT { int weight_of(const std::string &name); }
namespace unit_OTHER { extern const char *const words[]; }

namespace unit_NUMBER {

extern const char *const words[] = {"unit NUMBER", "a word of NUMBER", "another one", "shared"};

struct Local {
  std::string name;
  int weight;
  std::vector<int> parts;
};

struct Square : Shape {
  int side;
  explicit Square(int side) : side(side) {}
  int area() const override { return side * side + 5 /* edited */; }
  std::string name() const override { return std::string("square NUMBER of ") + std::to_string(side); }
};

static std::vector<Item> items(int count) {
  std::vector<Item> all;
  for (int i = 0; i < count; i++) all.push_back({std::string(words[i % 4]) + std::to_string(i), scaled(i)});
  return all;
}

static std::vector<Local> locals(int count) {
  std::vector<Local> all;
  for (int i = 0; i < count; i++) {
    Local local{unit_OTHER::words[i & 3], i, {}};
    for (int part = 0; part < i; part++) local.parts.push_back(part ^ NUMBER);
    all.push_back(local);
  }
  return all;
}

int weight_of(const std::string &name) {
  Square square(int(name.size()));
  const Shape &shape = square;
  return shape.area() + int(shape.name().size());
}

int run(int count) {
  int sum = total(items(count)) + total(locals(count));
  switch (count & 3) {
  case 0: return sum + unit_NEXT::weight_of(words[0]);
  case 1: return sum * 7;
  case 2: return sum ^ NUMBER;
  default: return sum - 1;
  }
}

}
"#;

impl Project {
    /// Writes all files. `Ok(Some(…))` says why the project cannot be made here.
    pub fn create(&self, folder: &Path) -> Result<Option<String>, String> {
        let _ = std::fs::remove_dir_all(folder);
        workspace::create_folder(&folder.join("src"))?;
        match self.tool {
            Tool::Make => create_lua(folder),
            Tool::Ninja => create_cxx(folder, self.files).and_then(|()| {
                let sources = std::iter::once("main".into()).chain((0..self.files).map(unit_name));
                let (mut edges, mut objects) = (NINJA_RULES.to_string(), String::new());
                for name in sources {
                    edges += &format!("build {name}.o: compile src/{name}.cc | common.pch\n");
                    objects += &format!(" {name}.o");
                }
                edges += &format!("build app.wasm: link{objects}\ndefault app.wasm\n");
                workspace::write(&folder.join("build.ninja"), edges)?;
                Ok(missing(&["ninja", "clang++-22"]))
            }),
            Tool::CMake => create_cxx(folder, self.files).and_then(|()| {
                workspace::write(&folder.join("CMakeLists.txt"), CMAKE_LISTS)?;
                Ok(missing(&["cmake", "ninja", "clang++-22"]))
            }),
            Tool::Cargo => create_rust(folder),
        }
    }

    /// A copy of a project that was built. `false` if its build files name the folder, so that it cannot be copied. Nothing but the
    /// link has to be done again, which saves most of the time of this command.
    pub fn copy(&self, from: &Path, to: &Path) -> Result<bool, String> {
        if matches!(self.tool, Tool::CMake | Tool::Cargo) {
            return Ok(false);
        }
        let _ = std::fs::remove_dir_all(to);
        to.parent().map_or(Ok(()), workspace::create_folder)?;
        // With the files' times.
        workspace::run(Command::new("cp").arg("-a").arg(from).arg(to))?;
        let output = self.output(to);
        std::fs::remove_file(&output).map_err(|error| format!("{}: {error}", shown(&output)))?;
        Ok(true)
    }

    /// What has to be done once before the first build.
    pub fn configure(&self, folder: &Path, linker: &Path) -> Option<Command> {
        (self.tool == Tool::CMake).then(|| {
            let mut command = tool("cmake", folder);
            command.args(["-B", "build", "-G", "Ninja", "-DCMAKE_SYSTEM_NAME=Generic"]);
            command.args(["-DCMAKE_CXX_COMPILER=clang++-22", "-DCMAKE_CXX_COMPILER_TARGET=wasm32-wasi"]);
            command.arg("-DCMAKE_CXX_FLAGS=-Wno-deprecated");
            command.arg(format!("-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld={}", linker.display()));
            command
        })
    }

    /// The build.
    pub fn build(&self, folder: &Path, linker: &Path) -> Command {
        let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
        match self.tool {
            Tool::Make => {
                let mut command = tool("make", folder);
                command.arg(format!("-j{cores}")).arg(format!("LDFLAGS=-fuse-ld={}", linker.display()));
                command
            }
            Tool::Ninja => {
                let mut command = tool("ninja", folder);
                let folders = std::env::var_os("PATH").unwrap_or_default();
                let first = linker.parent().map(PathBuf::from);
                let folders = std::env::join_paths(first.into_iter().chain(std::env::split_paths(&folders)));
                command.envs(folders.ok().map(|folders| ("PATH", folders)));
                command
            }
            Tool::CMake => {
                let mut command = tool("cmake", folder);
                command.args(["--build", "build"]);
                command
            }
            Tool::Cargo => {
                let mut command = tool("cargo", folder);
                command.args(["build", "--quiet", "--target", "wasm32-wasip1"]);
                command.env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker);
                command
            }
        }
    }

    /// Deletes what a build has made.
    pub fn clean(&self, folder: &Path) -> Command {
        let (name, arguments): (&str, &[&str]) = match self.tool {
            Tool::Make => ("make", &["clean"]),
            Tool::Ninja => ("ninja", &["-t", "clean"]),
            Tool::CMake => ("cmake", &["--build", "build", "--target", "clean"]),
            Tool::Cargo => ("cargo", &["clean", "--quiet"]),
        };
        let mut command = tool(name, folder);
        command.args(arguments);
        command
    }

    /// Changes one file.
    pub fn edit_one(&self, folder: &Path, number: usize) -> Result<(), String> {
        edit(&folder.join(self.one), number)
    }

    /// Changes what all objects are made of. Crates have nothing in common: there, the program's own file is edited.
    pub fn edit_all(&self, folder: &Path, number: usize) -> Result<(), String> {
        edit(&folder.join(self.all), number)
    }

    /// The module.
    pub fn output(&self, folder: &Path) -> PathBuf {
        folder.join(self.output)
    }
}

/// A build tool in a project's folder, with nothing of the environment that changes what is built.
fn tool(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).stdin(Stdio::null());
    const OTHERS: [&str; 6] =
        ["MAKEFLAGS", "CFLAGS", "LDFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR"];
    OTHERS.iter().for_each(|name| _ = command.env_remove(name));
    command
}

fn missing(tools: &[&str]) -> Option<String> {
    let missing = tools.iter().find(|tool| find_program(tool).is_none())?;
    Some(format!("{missing} is not installed"))
}

/// Makes the number in front of [`MARK`] another one.
fn edit(path: &Path, number: usize) -> Result<(), String> {
    let text = String::from_utf8_lossy(&workspace::read(path)?).into_owned();
    let edited = with_number(&text, number).ok_or_else(|| format!("{} has no mark", shown(path)))?;
    workspace::write(path, edited)
}

fn with_number(text: &str, number: usize) -> Option<String> {
    let end = text.find(MARK)?;
    let start = text[..end].trim_end_matches(|c: char| c.is_ascii_digit()).len();
    Some(format!("{}{number}{}", &text[..start], &text[end..]))
}

/// The corpus' Lua, whose functions that WASI does not have are left out.
fn create_lua(folder: &Path) -> Result<Option<String>, String> {
    let built = corpus::folder().join("build");
    let is_lua = |path: &PathBuf| path.join("lmathlib.c").is_file();
    let entries = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
    let crates = entries(built.clone()).map(|entry| entry.path().join("vendor/lua-src"));
    let sources = crates.flat_map(entries).map(|entry| entry.path()).find(is_lua);
    let Some(sources) = sources.filter(|_| built.join("lua/inc/stub.h").is_file()) else {
        return Ok(Some("its sources are not there (cargo xtask corpus lua)".into()));
    };
    for entry in entries(sources) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_part = name.ends_with(".h") || name.starts_with('l') && name.ends_with(".c");
        if is_part && !["lua.c", "luac.c", "ltests.c"].contains(&name.as_str()) {
            workspace::write(&folder.join("src").join(name), workspace::read(&entry.path())?)?;
        }
    }
    workspace::create_folder(&folder.join("inc"))?;
    for name in ["main.c", "inc/stub.h", "inc/setjmp.h"] {
        workspace::write(&folder.join(name), workspace::read(&built.join("lua").join(name))?)?;
    }
    change(&folder.join("src/lmathlib.c"), "(L, PI)", &format!("(L, PI + 0{MARK})"))?;
    let each = format!(
        "__attribute__((used)) static int version_of_build(void) {{ return 0{MARK}; }}\n#include <stdio.h>"
    );
    change(&folder.join("inc/stub.h"), "#include <stdio.h>", &each)?;
    workspace::write(&folder.join("Makefile"), LUA_MAKEFILE)?;
    Ok(missing(&["make", "clang-22", "llvm-ar-22"]))
}

/// The corpus' Rust program.
fn create_rust(folder: &Path) -> Result<Option<String>, String> {
    let built = corpus::folder().join("build/rust-cli");
    if !built.join("src/main.rs").is_file() {
        return Ok(Some("its sources are not there (cargo xtask corpus rust-cli-dbg)".into()));
    }
    if !crate::packages::has_rust_target("wasm32-wasip1") {
        return Ok(Some(
            "rustc has no standard library for wasm32-wasip1 (rustup target add wasm32-wasip1)".into(),
        ));
    }
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
        workspace::write(&folder.join(name), workspace::read(&built.join(name))?)?;
    }
    change(&folder.join("src/main.rs"), "back.len()", &format!("back.len() + 0{MARK}"))?;
    let fetched = tool("cargo", folder).args(["fetch", "--quiet", "--target", "wasm32-wasip1"]).status();
    let is_fetched = fetched.is_ok_and(|status| status.success());
    Ok((!is_fetched).then(|| "cargo cannot get the crates".into()))
}

fn change(path: &Path, old: &str, new: &str) -> Result<(), String> {
    let text = String::from_utf8_lossy(&workspace::read(path)?).into_owned();
    if !text.contains(old) {
        return Err(format!("{}: no '{old}'", shown(path)));
    }
    workspace::write(path, text.replacen(old, new, 1))
}

fn unit_name(number: usize) -> String {
    format!("unit_{number:04}")
}

/// A program of so many files, each of which uses two others. `main` calls a function of each.
fn create_cxx(folder: &Path, count: usize) -> Result<(), String> {
    let source = folder.join("src");
    workspace::write(&source.join("common.h"), COMMON)?;
    let (mut declarations, mut calls) = (String::new(), String::new());
    for number in 0..count {
        let name = unit_name(number);
        let digits = |number: usize| format!("{:04}", number % count);
        // A constant with leading zeros would be octal.
        let text = UNIT.replace("^ NUMBER", &format!("^ {number}"));
        let text = text.replace("NUMBER", &digits(number)).replace("NEXT", &digits(number + 1));
        let text = text.replace("OTHER", &digits(number * 7 + 3));
        workspace::write(&source.join(format!("{name}.cc")), text)?;
        declarations += &format!("namespace {name} {{ int run(int); }}\n");
        calls += &format!("  sum += {name}::run(count);\n");
    }
    let main = format!(
        "#include <stdio.h>\n{declarations}\nint main(int count, char **) {{\n  int sum = 0;\n{calls}  printf(\"%d\\n\", sum);\n}}\n"
    );
    workspace::write(&source.join("main.cc"), main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_changes_the_number_at_the_mark() {
        let text = "int f(int a) { return a * 12 /* edited */; }";
        assert_eq!(with_number(text, 345).unwrap(), "int f(int a) { return a * 345 /* edited */; }");
        assert!(with_number("int a = 12;", 1).is_none());
        assert_eq!(with_number(UNIT, 5).as_deref(), Some(UNIT));
        assert_eq!(with_number(COMMON, 3).as_deref(), Some(COMMON));
    }
}
