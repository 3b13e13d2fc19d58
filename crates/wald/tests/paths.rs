//! Paths and names that are not UTF-8: messages, places, the module's name, and members of thin archives.
#![cfg(unix)]

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wald::options::Options;
use wald::{Bytes, FileProvider, InputDescription, Linker};

fn path(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}

/// A header of an archive.
fn header(name: &str, size: usize) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).into_bytes()
}

/// A thin archive with one member.
fn thin_archive(member: &[u8], size: usize) -> Vec<u8> {
    let names = [member, b"/\n"].concat();
    [&b"!<thin>\n"[..], &header("//", names.len()), &names, &[b'\n'][..names.len() % 2], &header("/0", size)]
        .concat()
}

/// One file.
struct File(PathBuf, Bytes);

impl FileProvider for File {
    fn read(&self, path: &Path) -> io::Result<Bytes> {
        match path == self.0 {
            true => Ok(self.1.clone()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn object() -> Bytes {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects/stop_words.o");
    std::fs::read(path).unwrap().into()
}

#[test]
fn messages_and_places_have_the_exact_bytes() {
    let mut linker = Linker::new(Options::default());
    let id = linker.declare_input(InputDescription::new(path(b"in/\xff\xf4.o")));
    linker.provide(id, Bytes::from(b"no object".to_vec())).unwrap();
    let found = linker.diagnostics_of(id).unwrap();
    assert_eq!(found[0].message.as_bytes(), b"unknown file type: in/\xff\xf4.o");
    let text = found[0].to_string();
    assert!(text.starts_with("error: unknown file type: in/\u{fffd}\u{fffd}.o\n"), "{text}");
    assert_eq!(found[0].location.as_ref().unwrap().path, path(b"in/\xff\xf4.o"));
    // Both are known before the link.
    assert_eq!((found[0].input, found[0].stage), (Some(id), wald::diagnostics::Stage::Input));
    assert_eq!(linker.check_inputs(), found);
}

#[test]
fn a_member_of_a_thin_archive_is_read_by_its_exact_path() {
    for (name, is_found) in [(&b"\xc3/\xff.o"[..], true), (b"\xc3/\xfe.o", false)] {
        let mut options = Options::default();
        options.entry = None;
        options.trace = true;
        let mut linker = Linker::new(options);
        linker.set_file_provider(Arc::new(File(path(b"lib/\xc3/\xff.o"), object())));
        let mut description = InputDescription::new("lib/thin.a");
        description.whole_archive = true;
        let id = linker.declare_input(description);
        linker.provide(id, thin_archive(name, object().len()).into()).unwrap();
        let result = linker.link();
        assert_eq!(result.module.is_ok(), is_found, "{:?}", result.diagnostics);
        if is_found {
            assert_eq!(result.messages[0].text.as_bytes(), b"lib/thin.a(\xc3/\xff.o)");
        } else {
            let location = result.diagnostics[0].location.as_ref().unwrap();
            assert_eq!(location.member.as_ref().unwrap().as_bytes(), name);
        }
    }
}

#[test]
fn the_name_section_has_the_output_s_bytes() {
    let mut options = Options::default();
    options.entry = None;
    options.export_all = true;
    options.output = path(b"out/\xff.wasm");
    let mut linker = Linker::new(options);
    let id = linker.declare_input(InputDescription::new("a.o"));
    linker.provide(id, object()).unwrap();
    let module = linker.finish().module.unwrap();
    assert!(module.windows(9).any(|bytes| bytes == b"\0\x07\x06\xff.wasm"));
}
