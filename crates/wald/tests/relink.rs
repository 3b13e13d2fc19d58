//! A kept link after random edits gives what a fresh link gives: bytes and diagnostics.

mod common;

use common::said;
use wald::options::Options;
use wald::{Bytes, InputDescription, InputId, LinkResult, Linker};

/// The demo's objects and its archive.
fn files() -> Vec<(String, Bytes)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
    let mut files: Vec<(String, Bytes)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, Bytes::from(std::fs::read(path).unwrap()))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(files.len() >= 5);
    files
}

fn options(step: u64) -> Options {
    let mut options = Options::default();
    options.output = "demo.wasm".into();
    options.gc_sections = step % 3 != 0;
    // Without optimization strings are not merged.
    options.optimize = (step / 3 % 2) as _;
    options.allow_multiple_definition = true;
    options.want_report = step % 2 == 0;
    options
}

fn threads(step: u64) -> Option<usize> {
    Some(1 + step as usize % 2)
}

fn description(path: &str) -> InputDescription {
    InputDescription::new(path)
}

/// What is to be linked now, in order: id in the kept linker, path, bytes.
type Current = Vec<(InputId, String, Bytes)>;

fn fresh(current: &Current, step: u64) -> LinkResult {
    let mut linker = Linker::new(options(step));
    linker.set_threads(threads(step));
    for (_, path, bytes) in current {
        let id = linker.declare_input(description(path));
        linker.provide(id, bytes.clone()).unwrap();
    }
    linker.finish()
}

/// xorshift: the same sequence at every run.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % below as u64) as usize
}

#[test]
fn edits_give_the_bytes_of_fresh_links() {
    let files = files();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut linker = Linker::new(options(0));
    let mut current: Current = Vec::new();
    for (path, bytes) in &files {
        let id = linker.declare_input(description(path));
        linker.provide(id, bytes.clone()).unwrap();
        current.push((id, path.clone(), bytes.clone()));
    }
    let (mut modules, mut chosen) = (0, 0);
    // Used again and again.
    let mut module = Vec::new();
    for step in 0..3000 {
        edit(&mut linker, &mut current, &files, &mut state);
        if random(&mut state, 20) == 0 {
            chosen = step;
            *linker.options_mut() = options(chosen);
            linker.set_threads(threads(chosen));
        }
        if random(&mut state, 2) == 0 {
            linker.prepare();
        }
        let kept = match random(&mut state, 4) {
            0 => linker.link_once_into(&mut module),
            _ => linker.link_into(&mut module),
        };
        let fresh = fresh(&current, chosen);
        assert_eq!(said(&kept), said(&fresh), "step {step}");
        assert!(kept.report == fresh.report, "the reports of step {step}");
        match (kept.module, fresh.module) {
            (Ok(_), Ok(fresh)) => {
                assert!(module == fresh, "step {step}");
                modules += 1;
            }
            (kept, fresh) => assert_eq!(kept.is_ok(), fresh.is_ok(), "step {step}"),
        }
    }
    assert!(modules > 500, "only {modules} links succeeded");
}

/// Replaces, adds or removes one input; now and then gives all their first contents back.
fn edit(linker: &mut Linker, current: &mut Current, files: &[(String, Bytes)], state: &mut u64) {
    let (path, bytes) = &files[random(state, files.len())];
    match random(state, 7) {
        0 if current.len() < files.len() + 3 => {
            let position = random(state, current.len() + 1);
            let id = match current.get(position) {
                Some((next, ..)) => linker.declare_input_before(*next, description(path)).unwrap(),
                None => linker.declare_input(description(path)),
            };
            linker.provide(id, bytes.clone()).unwrap();
            current.insert(position, (id, path.clone(), bytes.clone()));
        }
        1 if current.len() > 3 => {
            let (id, ..) = current.remove(random(state, current.len()));
            linker.remove(id).unwrap();
        }
        2 if !current.is_empty() => {
            let position = random(state, current.len());
            let (id, _, slot) = &mut current[position];
            *slot = bytes.clone();
            linker.replace(*id).unwrap();
            linker.provide(*id, bytes.clone()).unwrap();
        }
        3 | 4 if !current.is_empty() => {
            let position = random(state, current.len());
            let (id, path, slot) = &mut current[position];
            *slot = with_one_byte_changed(path, files, state);
            linker.replace(*id).unwrap();
            if random(state, 2) == 0 {
                // Links the inputs before the gap.
                linker.prepare();
            }
            linker.provide(*id, slot.clone()).unwrap();
        }
        _ => {
            for (id, ..) in current.drain(..) {
                linker.remove(id).unwrap();
            }
            for (path, bytes) in files {
                let id = linker.declare_input(description(path));
                linker.provide(id, bytes.clone()).unwrap();
                current.push((id, path.clone(), bytes.clone()));
            }
        }
    }
}

/// The first contents of a file but for one byte: mostly of code or data, sometimes of what the linker reads.
fn with_one_byte_changed(path: &str, files: &[(String, Bytes)], state: &mut u64) -> Bytes {
    let (_, bytes) = files.iter().find(|(name, _)| name == path).unwrap();
    let mut bytes = bytes.to_vec();
    let position = random(state, bytes.len());
    bytes[position] ^= 1 << random(state, 8);
    Bytes::from(bytes)
}

#[test]
fn an_input_that_is_missing_at_first_can_come_later() {
    let files = files();
    let mut linker = Linker::new(options(1));
    let ids: Vec<InputId> = files.iter().map(|(path, _)| linker.declare_input(description(path))).collect();
    for (id, (_, bytes)) in ids.iter().zip(&files).skip(1) {
        linker.provide(*id, bytes.clone()).unwrap();
    }
    let result = linker.link();
    assert!(result.module.is_err());
    assert_eq!(*result.diagnostics[0].message, *format!("{}: was declared but never provided", files[0].0));
    linker.provide(ids[0], files[0].1.clone()).unwrap();
    assert!(linker.link().module.is_ok());
}

#[test]
fn renamed_inputs_are_linked_as_if_they_were_new() {
    let files = files();
    for (traced, extractions) in [(None, false), (Some("_start"), false), (None, true)] {
        let options = || {
            let mut options = Options::default();
            options.output = "demo.wasm".into();
            options.want_map = true;
            options.want_why_extract = extractions;
            options.trace_symbols.extend(traced.map(Into::into));
            options
        };
        let declare = |linker: &mut Linker, name: &str, bytes: &Bytes| {
            let id = linker.declare_input(description(name));
            linker.provide(id, bytes.clone()).unwrap();
            id
        };
        let mut kept = Linker::new(options());
        let ids: Vec<InputId> = files.iter().map(|(path, bytes)| declare(&mut kept, path, bytes)).collect();
        assert!(kept.link().module.is_ok());
        for round in 0..3 {
            let name = |path: &str| format!("{round}/{path}");
            let mut fresh = Linker::new(options());
            for (&id, (path, bytes)) in ids.iter().zip(&files) {
                // All are resolved again if an archive has changed.
                let is_archive = path.ends_with(".a");
                let new = if is_archive && round < 2 { path.clone() } else { name(path) };
                if new != *path {
                    assert_eq!(kept.rename(id, &new).unwrap(), !is_archive);
                    if is_archive {
                        kept.provide(id, bytes.clone()).unwrap();
                    }
                }
                declare(&mut fresh, &new, bytes);
            }
            let (kept, fresh) = (kept.link(), fresh.finish());
            assert_eq!(said(&kept), said(&fresh));
            assert_eq!(format!("{:?}", kept.messages), format!("{:?}", fresh.messages));
            assert_eq!(format!("{:?}", kept.extractions), format!("{:?}", fresh.extractions));
            assert_eq!(kept.map, fresh.map);
            assert!(kept.module.unwrap() == fresh.module.unwrap());
        }
    }
}

#[test]
fn a_message_about_lines_is_not_that_of_an_earlier_object() {
    let (path, object) = files().into_iter().find(|(path, _)| path == "main.o").unwrap();
    // No reader of debug information takes a line number program of this length.
    let mut without_lines = object.to_vec();
    let name = b"\x0b.debug_line";
    let length = without_lines.windows(name.len()).position(|bytes| bytes == name).unwrap() + name.len();
    without_lines[length..length + 4].fill(0xff);
    let without_lines = Bytes::from(without_lines);

    let declare = |linker: &mut Linker, path: &str, bytes: &Bytes| {
        let id = linker.declare_input(description(path));
        linker.provide(id, bytes.clone()).unwrap();
        id
    };
    let mut kept = Linker::new(Options::default());
    let first = declare(&mut kept, &path, &object);
    declare(&mut kept, "again.o", &object);
    let before = said(&kept.link());
    kept.replace(first).unwrap();
    kept.provide(first, without_lines.clone()).unwrap();
    let after = said(&kept.link());

    let mut fresh = Linker::new(Options::default());
    declare(&mut fresh, &path, &without_lines);
    declare(&mut fresh, "again.o", &object);
    assert_eq!(after, said(&fresh.link()));
    assert_ne!(after, before);
}

#[test]
fn a_note_does_not_depend_on_what_an_earlier_link_parsed() {
    let options = || {
        let mut options = Options::default();
        options.entry = None;
        options.exports.push("memcopy".into());
        options
    };
    let declare = |linker: &mut Linker, (path, bytes): &(String, Bytes)| {
        let id = linker.declare_input(description(path));
        linker.provide(id, bytes.clone()).unwrap();
        id
    };
    let mut kept = Linker::new(options());
    let all = files();
    // Nothing that is left needs a member of the archive.
    let is_left = |(path, _): &&(String, Bytes)| path == "libdemo.a" || path == "stop_words.o";
    let ids: Vec<InputId> = all.iter().map(|file| declare(&mut kept, file)).collect();
    let has_line = kept.link().diagnostics.iter().any(|diagnostic| !diagnostic.notes.is_empty());
    assert!(has_line, "the line of memcpy");
    for (id, file) in ids.iter().zip(&all) {
        if !is_left(&file) {
            kept.remove(*id).unwrap();
        }
    }
    let mut fresh = Linker::new(options());
    all.iter().filter(is_left).for_each(|file| _ = declare(&mut fresh, file));
    assert_eq!(said(&kept.link()), said(&fresh.link()));
}
