//! Random options: nearly all that wasm-ld has, with values that make sense and some that do not.

use crate::world::{CLASSES, DATA, FUNCTIONS, IMPORTS, TLS};
use wald_tests::random::Random;

/// Options without a value, and how often each is taken in a thousand links.
const PLAIN: &[(usize, &str)] = &[
    (20, "--allow-multiple-definition"),
    (10, "--no-allow-multiple-definition"),
    (40, "--allow-undefined"),
    (60, "--Bdynamic"),
    (10, "--call_shared"),
    (10, "-dy"),
    (20, "--Bstatic"),
    (10, "-dn"),
    (10, "--non_shared"),
    (10, "--static"),
    (30, "--Bsymbolic"),
    (20, "--build-id"),
    (10, "--check-features"),
    (40, "--no-check-features"),
    (10, "--color-diagnostics"),
    (10, "--no-color-diagnostics"),
    (60, "--compress-relocations"),
    (20, "--demangle"),
    (30, "--no-demangle"),
    (50, "--emit-relocs"),
    (30, "--error-unresolved-symbols"),
    (30, "--experimental-pic"),
    (60, "--export-all"),
    (60, "--export-dynamic"),
    (10, "-E"),
    (20, "--no-export-dynamic"),
    (30, "--export-memory"),
    (60, "--export-table"),
    (30, "--fatal-warnings"),
    (10, "--no-fatal-warnings"),
    (20, "--gc-sections"),
    (120, "--no-gc-sections"),
    (50, "--growable-table"),
    (50, "--import-memory"),
    (50, "--import-table"),
    (50, "--import-undefined"),
    (10, "--merge-data-segments"),
    (60, "--no-merge-data-segments"),
    (250, "--no-entry"),
    (10, "--no-growable-memory"),
    (10, "--no-pie"),
    (40, "--no-shlib-sigcheck"),
    (40, "--no-stack-first"),
    (30, "--stack-first"),
    (20, "--no-whole-archive"),
    (60, "--whole-archive"),
    (30, "--noinhibit-exec"),
    (40, "--pie"),
    (50, "--print-gc-sections"),
    (10, "--no-print-gc-sections"),
    (20, "--print-map"),
    (10, "-M"),
    (45, "--relocatable"),
    (10, "-r"),
    (30, "--shared-memory"),
    (70, "--shared"),
    (60, "--strip-all"),
    (10, "-s"),
    (60, "--strip-debug"),
    (10, "-S"),
    (20, "--trace"),
    (10, "-t"),
    (30, "--warn-unresolved-symbols"),
    (2, "-mwasm64"),
    (2, "-mwasm32"),
    (10, "--start-lib"),
    (6, "--end-lib"),
    (2, "--unknown-option"),
    (3, "--lto-debug-pass-manager"),
    (3, "--thinlto-jobs=2"),
    (3, "--lto-partitions=2"),
    (3, "--lto-CGO2"),
    (3, "--lto-O1"),
    (3, "--thinlto-cache-dir=cache"),
    (3, "--thinlto-cache-policy=prune_after=1h"),
];

/// Options that are not drawn: what they print or write is each linker's own, or they end the link.
const LEFT_OUT: &[&str] = &["help", "version", "v", "V", "verbose", "save-temps", "l", "L"];

/// Options that a link has together with files.
const WITH_FILES: &[&str] = &["allow-undefined-file"];

/// What makes the value of an option.
type Value = fn(&mut Random) -> String;

/// Options with a value. Those that end in `=` are joined with it.
const VALUED: &[(usize, &str, Value)] = &[
    (10, "--build-id=", |r| r.pick(&["fast", "sha1", "uuid", "0x1234abcd", "0x123", "none", "md5"]).into()),
    (8, "--color-diagnostics=", |r| r.pick(&["auto", "always", "never", "maybe"]).into()),
    (100, "--entry=", symbol),
    (20, "-e", symbol),
    (15, "--error-limit=", |r| r.pick(&["0", "1", "3", "100", "-1", "x"]).into()),
    (100, "--export=", symbol),
    (70, "--export-if-defined=", symbol),
    (20, "--export-memory=", |r| r.pick(&["memory", "mem", "", "f1"]).into()),
    (40, "--extra-features=", features),
    (40, "--features=", features),
    (40, "--global-base=", |r| number(r, &["0", "1", "1024", "4096", "65536", "1000000"])),
    (15, "--import-memory=", |r| r.pick(&["env,memory", "m,mem", "m", ",", "a,b,c"]).into()),
    (30, "--initial-heap=", |r| number(r, &["0", "65536", "1048576", "100"])),
    (40, "--initial-memory=", |r| number(r, &["0", "65536", "131072", "1048576", "16777216", "100"])),
    (40, "--max-memory=", |r| number(r, &["65536", "131072", "16777216", "4294967296", "100"])),
    (20, "--keep-section=", |r| {
        r.pick(&["name", "producers", "target_features", "notes", ".debug_info", "x"]).into()
    }),
    (10, "--mllvm=", |r| r.pick(&["-wasm-enable-eh", "-debug-pass=Structure"]).into()),
    (30, "-O", |r| r.pick(&["0", "1", "2", "3", "9", "s"]).into()),
    (20, "--page-size=", |r| number(r, &["1", "65536", "65536", "2", "4096"])),
    (20, "--rpath=", |r| r.pick(&["/lib", "$ORIGIN", ""]).into()),
    (5, "--rsp-quoting=", |r| r.pick(&["posix", "windows", "x"]).into()),
    (20, "--soname=", |r| r.pick(&["lib.so", "", "out"]).into()),
    (30, "--table-base=", |r| number(r, &["0", "1", "2", "100", "100000"])),
    (60, "--threads=", |r| number(r, &["1", "1", "2", "4"])),
    (40, "--trace-symbol=", symbol),
    (20, "-y", symbol),
    (60, "--undefined=", symbol),
    (20, "-u", symbol),
    (120, "--unresolved-symbols=", |r| {
        r.pick(&["ignore-all", "report-all", "import-dynamic", "import-dynamic"]).into()
    }),
    (90, "--wrap=", symbol),
    (60, "-z", |r| {
        let size = number(r, &["0", "16", "65536", "100000", "8388608"]);
        r.pick(&["stack-size=N", "stack-size=N", "stack-size=N", "unknown", "stack-size"]).replace('N', &size)
    }),
    (40, "--Map=", |r| r.pick(&["out.map", "out.map", "out.map", "missing/out.map", "-"]).into()),
    (40, "--why-extract=", |r| r.pick(&["why.txt", "why.txt", "-", "missing/why.txt"]).into()),
    (15, "--reproduce=", |r| r.pick(&["repro.tar", "repro.tar", "missing/repro.tar"]).into()),
    (3, "-o", |r| r.pick(&["other.wasm", "missing/out.wasm", ""]).into()),
    (4, "-m", |r| r.pick(&["wasm32", "wasm64", "elf"]).into()),
];

/// Options for one link, each with its value.
pub fn random(random: &mut Random) -> Vec<Vec<String>> {
    let mut options = Vec::new();
    // Some links with hardly any option, some with many.
    let scale = random.pick(&[0, 10, 20, 40, 70, 150]);
    for (weight, option) in PLAIN {
        if random.below(1000 * 100) < weight * scale {
            options.push(vec![option.to_string()]);
        }
    }
    for (weight, option, value) in VALUED {
        if random.below(1000 * 100) < weight * scale {
            for _ in 0..1 + random.below(5) / 4 {
                let value = value(random);
                options.push(match option.ends_with('=') {
                    true => vec![format!("{option}{value}")],
                    false => vec![option.to_string(), value],
                });
            }
        }
    }
    options
}

/// What LLVM is told.
const TO_LLVM: &[&str] = &[
    "-disable-lsr",
    "-inline-threshold=0",
    "-inline-threshold=-1000",
    "-import-instr-limit=0",
    "-relocation-model=pic",
    "-relocation-model=static",
    "-mattr=+simd128",
    "-mcpu=mvp",
    "-no-such-option",
];

/// Options for link-time optimisation, and how many of a thousand links with bitcode have them.
const FOR_BITCODE: &[(usize, &[&str])] = &[
    (80, &["--lto-O0"]),
    (80, &["--lto-O1"]),
    (40, &["--lto-O2"]),
    (80, &["--lto-O3"]),
    (30, &["--lto-CGO0"]),
    (30, &["--lto-CGO1"]),
    (30, &["--lto-CGO3"]),
    (60, &["--lto-partitions=2"]),
    (30, &["--lto-partitions=3"]),
    (40, &["--thinlto-jobs=1"]),
    (40, &["--thinlto-jobs=2"]),
    (80, &["--save-temps"]),
    (50, &["--lto-obj-path=kept.o"]),
    (80, &["--thinlto-cache-dir=cache"]),
    (20, &["--thinlto-cache-policy=prune_after=1h:cache_size=50%"]),
    (30, &["--thinlto-index-only"]),
    (30, &["--thinlto-index-only=list.txt"]),
    (40, &["--thinlto-emit-index-files"]),
    (40, &["--thinlto-emit-imports-files"]),
    (20, &["--thinlto-prefix-replace=;made/"]),
    (20, &["--thinlto-prefix-replace=lib/;made/"]),
    (20, &["--thinlto-object-suffix-replace=.o;.native.o"]),
    (20, &["--disable-verify"]),
    // Several jobs would mix their lines.
    (10, &["--lto-debug-pass-manager", "--thinlto-jobs=1"]),
    (30, &["--undefined=memcpy"]),
    (30, &["--export-if-defined=memset"]),
    (20, &["--trace-symbol=memcpy"]),
];

/// Options for a link with bitcode.
pub fn for_bitcode(random: &mut Random) -> Vec<Vec<String>> {
    let mut options: Vec<Vec<String>> = Vec::new();
    // Without these the code generator gives up when it sees exceptions.
    if random.chance(85) {
        let words = ["-mllvm", "-wasm-enable-eh", "-mllvm", "-exception-model=wasm"];
        options.push(words.map(String::from).to_vec());
    }
    for (weight, words) in FOR_BITCODE {
        if random.below(1000) < *weight {
            options.push(words.iter().map(|word| word.to_string()).collect());
        }
    }
    if random.chance(8) {
        options.push(vec![format!("--mllvm={}", random.pick(TO_LLVM))]);
    }
    options
}

/// The options in a help text that are neither drawn nor left out for a reason.
pub fn not_drawn(help: &str) -> Vec<String> {
    let bare = |option: &str| option.trim_start_matches('-').split('=').next().unwrap_or(option).to_string();
    let drawn: Vec<String> = PLAIN
        .iter()
        .map(|(_, option)| bare(option))
        .chain(VALUED.iter().map(|(_, option, _)| bare(option)))
        .collect();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  -"));
    let listed = lines.map(|line| {
        let name = line.trim_start_matches('-');
        name[..name.find(['=', ' ', '<', '[']).unwrap_or(name.len())].to_string()
    });
    let known = |name: &String| {
        drawn.iter().any(|option| option == name || option.starts_with(name) && name.starts_with("lto-"))
    };
    listed
        .filter(|name| {
            !known(name) && !LEFT_OUT.contains(&name.as_str()) && !WITH_FILES.contains(&name.as_str())
        })
        .collect()
}

/// A symbol's name, which may or may not be among the inputs.
pub fn symbol(random: &mut Random) -> String {
    const SPECIAL: [&str; 30] = [
        "_start",
        "main",
        "_initialize",
        "memory",
        "__stack_pointer",
        "__heap_base",
        "__data_end",
        "__wasm_call_ctors",
        "__indirect_function_table",
        "__tls_base",
        "__memory_base",
        "__table_base",
        "__dso_handle",
        "__wasm_init_memory",
        "__wasm_apply_data_relocs",
        "__start_named",
        "malloc",
        "__cxa_atexit",
        "__cpp_exception",
        "undefined_everywhere",
        "_ZN2ns6sharedEi",
        "_ZN2ns5tableE",
        "_ZTV2K0",
        "_ZN2K03key0Ei",
        "alias1",
        "group0",
        "g0",
        "table1",
        "tag0",
        "__wrap_f1",
    ];
    match random.below(10) {
        0..=3 => format!("f{}", random.below(FUNCTIONS)),
        4 | 5 => format!("d{}", random.below(DATA)),
        6 => match random.below(4) {
            0 => format!("t{}", random.below(TLS)),
            1 => format!("i{}", random.below(IMPORTS)),
            2 => format!("_ZTI2K{}", random.below(CLASSES)),
            _ => format!("cxx{}", random.below(16)),
        },
        _ => random.pick(&SPECIAL).into(),
    }
}

fn features(random: &mut Random) -> String {
    let all = [
        "atomics",
        "bulk-memory",
        "mutable-globals",
        "multivalue",
        "reference-types",
        "sign-ext",
        "simd128",
        "extended-const",
        "exception-handling",
        "tail-call",
        "nontrapping-fptoint",
        "bulk-memory-opt",
        "call-indirect-overlong",
        "memory64",
        "multimemory",
        "shared-mem",
        "unknown-feature",
        "",
    ];
    let list: Vec<&str> = (0..1 + random.below(8)).map(|_| random.pick(&all)).collect();
    list.join(",")
}

fn number(random: &mut Random, sensible: &[&str]) -> String {
    match random.below(40) {
        0 => {
            random.pick(&["", "-1", "x", "0x10000", "18446744073709551616", "3", "1.5", "2147483648"]).into()
        }
        _ => random.pick(sensible).into(),
    }
}
