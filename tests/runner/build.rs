//! Lays out a case's input directory: plain files unchanged, objects and archives either built by LLVM's tools or
//! taken from `tests/kept`.

use crate::case::{parse_hex, Case, Source, Step};
use crate::tools::Tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds everything from the sources into `directory`.
pub fn from_sources(case: &Case, tools: &Tools, directory: &Path) -> Result<(), String> {
    plain_files(case, directory)?;
    for source in &case.sources {
        compile(case, source, tools, directory)?;
    }
    run_steps(case, Some(tools), directory)
}

/// Puts the plain files and the kept objects into `directory`; needs no tools.
pub fn from_kept(case: &Case, kept: &Path, directory: &Path) -> Result<(), String> {
    plain_files(case, directory)?;
    for file in files_below(&kept.join("in")) {
        copy(&kept.join("in").join(&file), &directory.join(&file))?;
    }
    Ok(())
}

/// The files in `directory` that tools made or steps changed: what has to be kept.
pub fn files_to_keep(case: &Case, directory: &Path) -> Vec<PathBuf> {
    let is_plain = |path: &Path| {
        let plain =
            case.sources.iter().find(|s| Path::new(plain_name(s)) == path && kind(s) != Kind::Compiled);
        plain.is_some_and(|s| plain_bytes(s).ok() == fs::read(directory.join(path)).ok())
    };
    files_below(directory).into_iter().filter(|path| !is_plain(path)).collect()
}

/// Relative paths of all files below `directory`, sorted.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(current) = directories.pop() {
        let Ok(entries) = fs::read_dir(&current) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            match path.is_dir() {
                true => directories.push(path),
                false => files.push(path.strip_prefix(directory).unwrap_or(&path).to_path_buf()),
            }
        }
    }
    files.sort();
    files
}

/// Copies one file, making its directory.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    make_parent(to)?;
    fs::copy(from, to).map(|_| ()).map_err(|e| format!("copying {} to {}: {e}", from.display(), to.display()))
}

fn make_parent(path: &Path) -> Result<(), String> {
    let parent = path.parent().ok_or("path without a parent")?;
    fs::create_dir_all(parent).map_err(|e| format!("{}: {e}", parent.display()))
}

#[derive(PartialEq)]
enum Kind {
    /// Goes through a tool.
    Compiled,
    /// Written unchanged.
    Plain,
    /// `x.o.hex`: bytes in hex, written to `x.o`.
    Hex,
    /// `wald.N.stderr`, `wald.N.stdout`: what Wald prints if it differs. Not an input.
    Expectation,
}

fn kind(source: &Source) -> Kind {
    let name = source.name.as_str();
    match name.rsplit('.').next().unwrap_or("") {
        _ if name.starts_with("wald.") => Kind::Expectation,
        "s" | "ll" | "c" | "cc" | "yaml" => Kind::Compiled,
        "hex" => Kind::Hex,
        _ => Kind::Plain,
    }
}

fn plain_name(source: &Source) -> &str {
    source.name.strip_suffix(".hex").unwrap_or(&source.name)
}

fn plain_bytes(source: &Source) -> Result<Vec<u8>, String> {
    match kind(source) {
        Kind::Hex => parse_hex(&source.text).map_err(|e| format!("{}: {e}", source.name)),
        _ => Ok(source.text.clone().into_bytes()),
    }
}

fn plain_files(case: &Case, directory: &Path) -> Result<(), String> {
    for source in case.sources.iter().filter(|s| matches!(kind(s), Kind::Plain | Kind::Hex)) {
        let path = directory.join(plain_name(source));
        make_parent(&path)?;
        fs::write(&path, plain_bytes(source)?).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Endings in front of `.ll`, `.c` and `.cc` for sources that become bitcode.
const BITCODE: [&str; 3] = [".thin", ".full", ".as"];

/// The source's name without its endings, and which kind of bitcode it becomes.
fn stem(source: &Source) -> (&str, Option<&'static str>) {
    let stem = source.name.rsplit_once('.').map_or(source.name.as_str(), |(stem, _)| stem);
    let bitcode = BITCODE.into_iter().find_map(|ending| Some((stem.strip_suffix(ending)?, ending)));
    match bitcode.filter(|_| kind(source) == Kind::Compiled) {
        Some((stem, ending)) => (stem, Some(&ending[1..])),
        None => (stem, None),
    }
}

/// Whether the source becomes LLVM bitcode, so that linking it needs LLVM's code generator.
pub fn is_bitcode(source: &Source) -> bool {
    stem(source).1.is_some()
}

/// Runs the tool that the source's ending names. Everything is called by relative paths, so that no directory of this
/// machine gets into an object.
fn compile(case: &Case, source: &Source, tools: &Tools, directory: &Path) -> Result<(), String> {
    if kind(source) != Kind::Compiled {
        return Ok(());
    }
    let ending = source.name.rsplit('.').next().unwrap_or("");
    let (stem, bitcode) = stem(source);
    let object = format!("{stem}.o");
    let mut flags: Vec<&str> = Vec::new();
    for (pattern, words) in &case.flags {
        let is_meant = |end: &str| end.starts_with('.') && source.name.ends_with(end);
        if *pattern == source.name || pattern.strip_prefix('*').is_some_and(is_meant) {
            flags.extend(words.iter().map(String::as_str));
        }
    }
    let has_triple = source.text.contains("target triple");
    let (tool, fixed): (&str, &[&str]) = match ending {
        "ll" if bitcode == Some("as") => ("llvm-as", &[]),
        "ll" if bitcode.is_some() => ("opt", &[]),
        "s" if flags.iter().any(|f| f.starts_with("-triple")) => ("llvm-mc", &["-filetype=obj"]),
        "s" => ("llvm-mc", &["-triple=wasm32-unknown-unknown", "-filetype=obj"]),
        "ll" if has_triple => ("llc", &["-filetype=obj"]),
        "ll" => ("llc", &["-mtriple=wasm32-unknown-unknown", "-filetype=obj"]),
        "yaml" => ("yaml2obj", &[]),
        _ => (
            "clang",
            &["--target=wasm32-unknown-unknown", "-c", "-O1", "-fdebug-compilation-dir=.", "-Wno-everything"],
        ),
    };
    match (tool, bitcode) {
        ("opt", _) if !has_triple => flags.insert(0, "-mtriple=wasm32-unknown-unknown"),
        ("clang", Some("full")) => flags.insert(0, "-flto"),
        ("clang", Some("thin")) => flags.insert(0, "-flto=thin"),
        _ => {}
    }
    if (tool, bitcode) == ("opt", Some("thin")) {
        flags.extend(["-module-summary", "-module-hash"]);
    }
    let path = directory.join(&source.name);
    make_parent(&path)?;
    fs::write(&path, &source.text).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut command = Command::new(tools.directory.join(tool));
    command.args(fixed).args(&flags).arg(&source.name).args(["-o", &object]).current_dir(directory);
    run_tool(&mut command)?;
    fs::remove_file(&path).map_err(|e| e.to_string())
}

fn run_tool(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn run_steps(case: &Case, tools: Option<&Tools>, directory: &Path) -> Result<(), String> {
    for step in &case.steps {
        match step {
            Step::Archive(arguments) => {
                let tools = tools.ok_or("llvm-ar is needed")?;
                let archive = directory.join(arguments.get(1).ok_or("ar: needs an archive")?);
                make_parent(&archive)?;
                run_tool(
                    Command::new(tools.directory.join("llvm-ar")).args(arguments).current_dir(directory),
                )?;
            }
            Step::Link(arguments) => {
                let tools = tools.ok_or("wasm-ld is needed")?;
                run_tool(Command::new(&tools.wasm_ld).args(arguments).current_dir(directory))?;
            }
            Step::Copy(from, to) => copy(&directory.join(from), &directory.join(to))?,
            Step::Remove(file) => {
                fs::remove_file(directory.join(file)).map_err(|e| format!("rm {file}: {e}"))?
            }
            Step::Poke(file, place, bytes) => change(directory, file, |content| {
                let start = find_place(content, place)?;
                let target = content.get_mut(start..start + bytes.len()).ok_or("past the end")?;
                target.copy_from_slice(bytes);
                Ok(())
            })?,
            Step::Truncate(file, length) => change(directory, file, |content| {
                let length = if *length < 0 { content.len() as i64 + length } else { *length };
                content.truncate(usize::try_from(length).map_err(|_| "bad length")?);
                Ok(())
            })?,
            Step::Append(file, bytes) => change(directory, file, |content| {
                content.extend_from_slice(bytes);
                Ok(())
            })?,
            Step::Prepend(file, bytes) => change(directory, file, |content| {
                content.splice(0..0, bytes.iter().copied());
                Ok(())
            })?,
        }
    }
    Ok(())
}

fn change(
    directory: &Path,
    file: &str,
    edit: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    let path = directory.join(file);
    let mut content = fs::read(&path).map_err(|e| format!("{file}: {e}"))?;
    edit(&mut content).map_err(|e| format!("changing {file}: {e}"))?;
    fs::write(&path, content).map_err(|e| format!("{file}: {e}"))
}

/// `12`, `/HEX/` or `/HEX/+12`
fn find_place(content: &[u8], place: &str) -> Result<usize, String> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| format!("bad offset `{place}`"));
    let Some(pattern) = place.strip_prefix('/') else { return number(place) };
    let (pattern, after) = pattern.split_once('/').ok_or("missing `/`")?;
    let pattern = parse_hex(pattern)?;
    let found = content.windows(pattern.len()).position(|w| w == pattern).ok_or("the bytes are not there")?;
    Ok(found + if after.is_empty() { 0 } else { number(after.trim_start_matches('+'))? })
}
