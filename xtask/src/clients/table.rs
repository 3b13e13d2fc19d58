//! The clients: how each is installed, how it builds, and what must come of it.

use super::programs::{BINDGEN, C, CXX, CXX_SAYS, C_SAYS, RUST, RUST_SAYS, WORDS, WORDS_H, ZIG};

/// How the output is run.
pub enum Run {
    /// The first output is a program for WASI.
    Wasi {
        /// Its arguments, with its name.
        args: &'static [&'static str],
        /// What it prints.
        says: &'static str,
    },
    /// A script runs it.
    Shell {
        /// The script.
        script: &'static str,
        /// What the script prints.
        says: &'static str,
    },
}

/// A client. Scripts are bash's, stop at the first error, and find `$TOOLS/bin` first in `PATH`.
pub struct Client {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Installs it in `$TOOLS` and prints its version. Exit code 77 if it is not to be had; the last line says why.
    pub prepare: &'static str,
    /// The project.
    pub files: &'static [(&'static str, &'static str)],
    /// Builds it with `$LINKER`.
    pub build: &'static str,
    /// Further arguments for both linkers.
    pub flags: &'static str,
    /// The files that are compared.
    pub outputs: &'static [&'static str],
    /// How to run them.
    pub run: Run,
}

const CXX_FILES: &[(&str, &str)] = &[("main.cc", CXX), ("words.cc", WORDS), ("words.h", WORDS_H)];

const WASI_CXX: Run = Run::Wasi { args: &["app"], says: CXX_SAYS };
const WASI_RUST: Run = Run::Wasi { args: &["app"], says: RUST_SAYS };

/// All clients.
pub const CLIENTS: &[Client] = &[
    Client {
        name: "clang",
        about: "clang++ with -fuse-ld=",
        prepare: "clang++-22 --version | head -1 || { echo 'clang++-22 is not installed'; exit 77; }",
        files: CXX_FILES,
        build: "clang++-22 --target=wasm32-wasi -Wno-deprecated --no-wasm-opt -fno-exceptions -O2 -g -fuse-ld=$LINKER main.cc words.cc -o app.wasm",
        flags: "",
        outputs: &["app.wasm"],
        run: WASI_CXX,
    },
    Client {
        name: "make",
        about: "GNU make with wald --run's names in PATH",
        prepare: "make --version | head -1 || { echo 'make is not installed'; exit 77; }",
        files: &[
            ("main.cc", CXX),
            ("words.cc", WORDS),
            ("words.h", WORDS_H),
            (
                "Makefile",
                "CXX = clang++-22\nCXXFLAGS = --target=wasm32-wasi -Wno-deprecated -fno-exceptions -O1\n\
                 app.wasm: main.o words.o\n\t$(CXX) $(CXXFLAGS) --no-wasm-opt $^ -o $@\n",
            ),
        ],
        build: "ln -s wasm-ld linker/wasm-ld-22; COMPILER_PATH=$PWD/linker PATH=$PWD/linker:$PATH make -j2",
        flags: "",
        outputs: &["app.wasm"],
        run: WASI_CXX,
    },
    Client {
        name: "cmake",
        about: "CMake and Ninja with CMAKE_EXE_LINKER_FLAGS",
        prepare: "command -v ninja >/dev/null || { echo 'ninja is not installed (package ninja-build)'; exit 77; }
cmake --version | head -1 || { echo 'cmake is not installed'; exit 77; }",
        files: &[
            ("main.cc", CXX),
            ("words.cc", WORDS),
            ("words.h", WORDS_H),
            (
                "CMakeLists.txt",
                "cmake_minimum_required(VERSION 3.20)\nproject(app CXX)\nadd_library(words STATIC words.cc)\n\
                 add_executable(app main.cc)\ntarget_link_libraries(app words)\n",
            ),
        ],
        build: "cmake -S . -B build -G Ninja -DCMAKE_SYSTEM_NAME=Generic -DCMAKE_CXX_COMPILER=clang++-22 \
-DCMAKE_CXX_COMPILER_TARGET=wasm32-wasi -DCMAKE_AR=$(command -v llvm-ar-22) -DCMAKE_RANLIB=$(command -v llvm-ranlib-22) \
-DCMAKE_CXX_FLAGS='-Wno-deprecated -fno-exceptions -O1 -g' \"-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=$LINKER --no-wasm-opt\"
cmake --build build",
        flags: "",
        outputs: &["build/app"],
        run: WASI_CXX,
    },
    Client {
        name: "meson",
        about: "Meson from PyPI with c_ld in the cross file",
        prepare: "test -x $TOOLS/meson/bin/meson || { python3 -m venv $TOOLS/meson && $TOOLS/meson/bin/pip install -q meson ninja; } \
|| { echo 'pip cannot install meson'; exit 77; }
echo meson $($TOOLS/meson/bin/meson --version)",
        files: &[
            ("main.cc", CXX),
            ("words.cc", WORDS),
            ("words.h", WORDS_H),
            ("meson.build", "project('app', 'cpp')\nwords = static_library('words', 'words.cc')\nexecutable('app', 'main.cc', link_with: words)\n"),
            (
                "wasm.ini.in",
                "[binaries]\ncpp = ['clang++-22', '--target=wasm32-wasi', '-Wno-deprecated', '-fno-exceptions']\ncpp_ld = 'LINKER'\n\
                 ar = 'llvm-ar-22'\nstrip = 'llvm-strip-22'\n[host_machine]\nsystem = 'wasi'\ncpu_family = 'wasm32'\ncpu = 'wasm32'\n\
                 endian = 'little'\n[built-in options]\nb_asneeded = false\nb_lundef = false\ncpp_link_args = ['--no-wasm-opt']\n\
                 cpp_rtti = true\ncpp_eh = 'none'\n",
            ),
        ],
        build: "sed \"s|LINKER|$LINKER|\" wasm.ini.in >wasm.ini; PATH=$TOOLS/meson/bin:$PATH; meson setup build --cross-file wasm.ini; ninja -C build",
        flags: "",
        outputs: &["build/app"],
        run: WASI_CXX,
    },
    Client {
        name: "binaryen",
        about: "wasm-opt from npm, which clang starts after the link",
        prepare: "test -x $TOOLS/npm/node_modules/.bin/wasm-opt || npm install --silent --no-fund --no-audit --prefix $TOOLS/npm binaryen >&2 \
|| { echo 'npm cannot install binaryen'; exit 77; }
$TOOLS/npm/node_modules/.bin/wasm-opt --version",
        files: CXX_FILES,
        build: "PATH=$TOOLS/npm/node_modules/.bin:$PATH
clang++-22 --target=wasm32-wasi -Wno-deprecated --no-wasm-opt -fno-exceptions -O2 -fuse-ld=$LINKER main.cc words.cc -o app.wasm
wasm-opt -O2 --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals --enable-multivalue \
--enable-reference-types app.wasm -o optimized.wasm",
        flags: "",
        outputs: &["optimized.wasm", "app.wasm"],
        run: WASI_CXX,
    },
    Client {
        name: "cargo",
        about: "cargo build --target wasm32-wasip1, debug and release",
        prepare: "test -d $(rustc --print target-libdir --target wasm32-wasip1) || { echo 'rustc has no standard library for wasm32-wasip1'; exit 77; }
rustc --version",
        files: &[("src/main.rs", RUST), ("Cargo.toml", "[package]\nname = \"app\"\nedition = \"2021\"\n[workspace]\n")],
        build: "export CARGO_TARGET_WASM32_WASIP1_LINKER=$LINKER
cargo build --quiet --target wasm32-wasip1
cargo build --quiet --target wasm32-wasip1 --release",
        flags: "",
        outputs: &["target/wasm32-wasip1/debug/app.wasm", "target/wasm32-wasip1/release/app.wasm"],
        run: WASI_RUST,
    },
    Client {
        name: "wasm-bindgen",
        about: "wasm-bindgen-cli from crates.io, after cargo",
        prepare: "test -d $(rustc --print target-libdir --target wasm32-unknown-unknown) || { echo 'rustc has no standard library for wasm32-unknown-unknown'; exit 77; }
command -v node >/dev/null || { echo 'node is not installed'; exit 77; }
test -x $TOOLS/bin/wasm-bindgen || cargo install --quiet --locked wasm-bindgen-cli --version 0.2.117 --root $TOOLS >&2 \
|| { echo 'cargo cannot install wasm-bindgen-cli'; exit 77; }
wasm-bindgen --version",
        files: &[
            ("src/lib.rs", BINDGEN),
            (
                "Cargo.toml",
                "[package]\nname = \"hello\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nwasm-bindgen = \"=0.2.117\"\n[workspace]\n",
            ),
        ],
        build: "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$LINKER cargo build --quiet --release --target wasm32-unknown-unknown
wasm-bindgen --target nodejs --out-dir pkg target/wasm32-unknown-unknown/release/hello.wasm",
        flags: "",
        outputs: &["target/wasm32-unknown-unknown/release/hello.wasm", "pkg/hello_bg.wasm", "pkg/hello.js"],
        run: Run::Shell { script: "node -e 'console.log(require(\"./pkg/hello.js\").greet(\"world\"))'", says: "hello, world" },
    },
    Client {
        name: "wasm-tools",
        about: "wasm-tools from crates.io reads, strips and prints the module",
        prepare: "test -x $TOOLS/bin/wasm-tools || cargo install --quiet --locked wasm-tools --root $TOOLS >&2 \
|| { echo 'cargo cannot install wasm-tools'; exit 77; }
wasm-tools --version",
        files: CXX_FILES,
        build: "clang++-22 --target=wasm32-wasi -Wno-deprecated --no-wasm-opt -fno-exceptions -O2 -g -fuse-ld=$LINKER main.cc words.cc -o app.wasm
wasm-tools validate app.wasm
wasm-tools strip --all app.wasm -o stripped.wasm
wasm-tools print app.wasm -o app.wat",
        flags: "",
        outputs: &["stripped.wasm", "app.wasm", "app.wat"],
        run: WASI_CXX,
    },
    Client {
        name: "wasm-component-ld",
        about: "wasm-component-ld from crates.io with --wasm-ld-path",
        prepare: "test -d $(rustc --print target-libdir --target wasm32-wasip1) || { echo 'rustc has no standard library for wasm32-wasip1'; exit 77; }
test -x $TOOLS/bin/wasm-component-ld || cargo install --quiet --locked wasm-component-ld --version 0.5.30 --root $TOOLS >&2 \
|| { echo 'cargo cannot install wasm-component-ld'; exit 77; }
wasm-component-ld --version",
        files: &[("main.rs", RUST)],
        build: "rustc --target=wasm32-wasip1 -O main.rs -C linker=$LINKER -o core.wasm
rustc --target=wasm32-wasip1 -O main.rs -C linker=$TOOLS/bin/wasm-component-ld -C linker-flavor=wasm-ld \
-C link-arg=--wasm-ld-path=$LINKER -o component.wasm",
        flags: "",
        outputs: &["core.wasm", "component.wasm"],
        run: WASI_RUST,
    },
    Client {
        name: "zig",
        about: "ziglang from PyPI writes the object",
        prepare: "test -d $TOOLS/zig || { python3 -m venv $TOOLS/zig && $TOOLS/zig/bin/pip install -q ziglang; } || { echo 'pip cannot install ziglang'; exit 77; }
echo zig $($TOOLS/zig/bin/python -m ziglang version)",
        files: &[("add.zig", ZIG)],
        build: "$TOOLS/zig/bin/python -m ziglang build-obj -target wasm32-freestanding -O ReleaseSmall -fcompiler-rt add.zig
$LINKER --no-entry --export=answer add.o -o add.wasm",
        flags: "",
        outputs: &["add.wasm"],
        run: Run::Shell {
            script: "node -e 'WebAssembly.instantiate(require(\"fs\").readFileSync(\"add.wasm\")).then(m => console.log(m.instance.exports.answer(10)))'",
            says: "55",
        },
    },
    Client {
        name: "emscripten",
        about: "Debian's Emscripten, whose LLVM writes the objects",
        prepare: "command -v emcc >/dev/null || { echo 'emscripten is not installed (package emscripten)'; exit 77; }
emcc --version | head -1",
        files: &[("main.c", C)],
        // Emscripten names the tools of its LLVM by their version, and places the stack behind the data.
        build: "version=$(sed -n \"s/^LLVM_ADD_VERSION = '\\(.*\\)'/\\1/p\" $(dirname $(realpath $(command -v emcc)))/.emscripten)
mkdir llvm; ln -s /usr/lib/llvm-$version/bin/* llvm/; for tool in llvm/*; do ln -sf $(realpath $tool) $tool-$version; done
rm -f llvm/wasm-ld*; ln -s $LINKER llvm/wasm-ld-$version; ln -s $LINKER llvm/wasm-ld
EM_LLVM_ROOT=$PWD/llvm emcc -O1 main.c -o main.js",
        flags: "--no-stack-first",
        outputs: &["main.wasm", "main.js"],
        run: Run::Shell { script: "node --no-experimental-fetch main.js", says: C_SAYS },
    },
];
