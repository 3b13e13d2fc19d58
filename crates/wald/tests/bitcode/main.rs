//! Bitcode that LLVM 22's tools make of `sources`: what Wald reads in it is what LLVM reads in it.

mod dump;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use wald::internals::bitcode::{self, File, Summary, Unknown};
use wald::Bytes;

const CLANG: &str = "clang-22";
const TOOLS: [&str; 7] = [
    CLANG,
    "llvm-as-22",
    "opt-22",
    "llvm-lto2-22",
    "llvm-bcanalyzer-22",
    "llvm-modextract-22",
    "llvm-dis-22",
];

/// The ways in which a source becomes bitcode, by the source's extension: a name and a command without input and output.
const IR: &[(&str, &[&str])] = &[
    ("assembled", &["llvm-as-22"]),
    ("thin", &["opt-22", "-thinlto-bc"]),
    ("split", &["opt-22", "-thinlto-bc", "-thinlto-split-lto-unit"]),
    ("full", &[CLANG, "-x", "ir", "-Wno-override-module", "-c", "-flto"]),
];
const C: &[(&str, &[&str])] = &[
    ("plain", &[CLANG, "--target=wasm32-unknown-unknown", "-c", "-emit-llvm"]),
    ("debug", &[CLANG, "--target=wasm32-unknown-unknown", "-c", "-O2", "-g", "-fPIC", "-flto"]),
    ("thin", &[CLANG, "--target=wasm64-unknown-unknown", "-c", "-O1", "-fpic", "-flto=thin"]),
    ("unified", &[CLANG, "--target=wasm32-unknown-unknown", "-c", "-O1", "-flto=thin", "-funified-lto"]),
    (
        "split",
        &[
            CLANG,
            "--target=wasm32-unknown-unknown",
            "-c",
            "-O1",
            "-g",
            "-fPIC",
            "-flto=thin",
            "-fsplit-lto-unit",
            "-fwhole-program-vtables",
            "-fvisibility=hidden",
        ],
    ),
    ("host", &[CLANG, "--target=x86_64-unknown-linux-gnu", "-c", "-O1", "-flto"]),
];
/// The bitcode of another producer.
const RUST: &[(&str, &[&str])] = &[
    ("debug", &["rustc", "--emit=llvm-bc", "--crate-type=rlib", "-g"]),
    ("optimised", &["rustc", "--emit=llvm-bc", "--crate-type=rlib", "-O", "-Clinker-plugin-lto"]),
];

/// What was seen, so that a test that sees nothing fails.
#[derive(Default, Debug)]
struct Seen {
    read: usize,
    rebuilt: usize,
    thin: usize,
    full: usize,
    split: usize,
    pic: usize,
}

#[test]
fn symbols_and_summaries_are_those_of_llvm() {
    for tool in TOOLS {
        if Command::new(tool).arg("--version").output().is_err() {
            println!("skipped symbols_and_summaries_are_those_of_llvm: {tool} is not installed");
            return;
        }
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bitcode");
    std::fs::create_dir_all(&folder).unwrap();
    let mut seen = Seen::default();
    let rust = Command::new("rustc").arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
    let has_rust = String::from_utf8_lossy(&rust).contains("LLVM version: 22.");
    if !has_rust {
        println!("skipped bitcode of Rust: there is no rustc with LLVM 22");
    }
    let kept = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects/bitcode"));
    for path in kept.iter().filter(|path| path.extension().is_some_and(|extension| extension == "bc")) {
        let copy = folder.join(path.file_name().unwrap());
        std::fs::copy(path, &copy).unwrap();
        check(&copy, &mut seen);
    }
    for source in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bitcode/sources")) {
        let ways = match source.extension().and_then(|extension| extension.to_str()) {
            Some("ll") => IR,
            Some("rs") if has_rust => RUST,
            Some("rs") => continue,
            _ => C,
        };
        for (way, command) in ways {
            let stem = source.file_stem().unwrap().to_str().unwrap();
            let path = folder.join(format!("{stem}_{way}.bc"));
            run(Command::new(command[0]).args(&command[1..]).arg(&source).arg("-o").arg(&path));
            check(&path, &mut seen);
        }
    }
    println!("{seen:?}");
    assert!(seen.read > 90 && seen.rebuilt > 3 && seen.thin > 40 && seen.full > 20, "{seen:?}");
    assert!(seen.split > 2 && seen.pic > 8, "{seen:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Compares everything that is read of a file with the tools' words.
fn check(path: &Path, seen: &mut Seen) {
    let bytes = Bytes::from(std::fs::read(path).unwrap());
    let file = bitcode::parse(&bytes, None).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    let listed = run(Command::new("llvm-lto2-22").arg("dump-symtab").arg(path)).stdout;
    match &file.symbol_table {
        Ok(table) => {
            seen.read += 1;
            let (read, listed) = (dump::dump(&file, table), dump::without_coff(&listed));
            let shown = (String::from_utf8_lossy(&read), String::from_utf8_lossy(&listed));
            assert!(read == listed, "{}\nread: {}\nlisted: {}", path.display(), shown.0, shown.1);
            let is_own = file.text(table.producer) == b"22.1.8";
            let strict = bitcode::parse(&bytes, Some(b"22.1.8")).unwrap().symbol_table;
            assert_eq!(strict.is_ok(), is_own, "{}", path.display());
        }
        Err(unknown) => {
            seen.rebuilt += 1;
            // The tool prints the version of a stored table even if it does not use the table.
            let has_table = *unknown != Unknown::NoTable;
            assert_eq!(has_table, listed.starts_with(b"version:"), "{}", path.display());
            assert!(!has_table || *unknown == Unknown::ModuleCount, "{}", path.display());
        }
    }
    let analysis = run(Command::new("llvm-bcanalyzer-22").arg("-dump").arg(path)).stdout;
    assert_eq!(summaries(&file), dump::summaries(&String::from_utf8_lossy(&analysis)), "{}", path.display());
    seen.thin += usize::from(file.is_thin());
    seen.full += usize::from(file.modules[0].summary == Summary::Full);
    seen.split += usize::from(file.modules.len() == 2);
    for (number, module) in file.modules.iter().enumerate() {
        let level = file.pic_level(module).unwrap();
        assert_eq!(level, pic_level(path, number), "{}", path.display());
        seen.pic += usize::from(level > 0);
    }
}

/// A line for each module's summary, as [`dump::summaries`] words it.
fn summaries(file: &File) -> Vec<String> {
    let line = |module: &bitcode::Module| {
        let (kind, split, unified) = (module.summary, module.has_split_lto_unit, module.is_unified);
        format!("{} {kind:?} split {split} unified {unified}", module.producer.escape_ascii())
    };
    file.modules.iter().map(line).collect()
}

/// The PIC level in the text of a module.
fn pic_level(path: &Path, number: usize) -> u64 {
    let module = path.with_extension("module");
    let extract = ["-b", &format!("-n={number}"), "-o"].map(str::to_string);
    run(Command::new("llvm-modextract-22").args(extract).arg(&module).arg(path));
    let text = run(Command::new("llvm-dis-22").args(["-o", "-"]).arg(&module)).stdout;
    let text = String::from_utf8_lossy(&text);
    let flag = text.split("!\"PIC Level\", i32 ").nth(1);
    flag.map_or(0, |flag| flag.split('}').next().unwrap().parse().unwrap())
}
