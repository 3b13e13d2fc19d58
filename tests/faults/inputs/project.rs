//! A small program whose files have versions: objects, an archive with a list of names beside it, a thin archive and its
//! members.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// How many versions each file has.
pub const VERSIONS: u8 = 3;

/// The files, by index into [`FILES`], and which version each has.
pub type Versions = Vec<u8>;

/// A file of the program.
pub struct Spec {
    /// Its path in the project's folder.
    pub name: &'static str,
    kind: Kind,
}

enum Kind {
    Object,
    Archive(&'static [&'static str]),
    Thin(&'static [&'static str]),
    Imports,
}

const fn object(name: &'static str) -> Spec {
    Spec { name, kind: Kind::Object }
}

/// All files. The first ones are on the command line, the others are referred to.
pub const FILES: &[Spec] = &[
    object("main.o"),
    object("commands.o"),
    object("index.o"),
    object("query.o"),
    object("heap.o"),
    object("wasi.o"),
    object("watch.o"),
    Spec { name: "lib.a", kind: Kind::Archive(&["format.o", "sort.o", "memory.o"]) },
    Spec { name: "thin.a", kind: Kind::Thin(&["roman.o", "base64.o", "matrix.o"]) },
    object("members/roman.o"),
    object("members/base64.o"),
    object("members/matrix.o"),
    Spec { name: "lib.imports", kind: Kind::Imports },
];

/// How many of them are on the command line.
pub const NAMED: usize = 9;
/// The list of names beside the archive: the only file that may be missing.
pub const IMPORTS: usize = 12;

/// The bytes of a version of a file.
pub fn bytes(file: usize, version: u8) -> Vec<u8> {
    let Spec { name, kind } = &FILES[file];
    match kind {
        Kind::Object => versioned(Path::new(name).file_name().unwrap().to_str().unwrap(), version),
        Kind::Archive(members) => {
            let mut archive = b"!<arch>\n".to_vec();
            for member in *members {
                let object = versioned(member, version);
                archive.extend(header(&format!("{member}/"), object.len()));
                archive.extend(&object);
                archive.resize(archive.len().next_multiple_of(2), b'\n');
            }
            archive
        }
        Kind::Thin(members) => {
            let names: String = members.iter().map(|member| format!("members/{member}/\n")).collect();
            let mut archive = b"!<thin>\n".to_vec();
            archive.extend(header("//", names.len()));
            archive.extend(names.as_bytes());
            archive.resize(archive.len().next_multiple_of(2), b'\n');
            let mut offset = 0;
            for member in *members {
                archive.extend(header(&format!("/{offset}"), versioned(member, 0).len()));
                offset += format!("members/{member}/\n").len();
            }
            archive
        }
        // Without the name the link fails.
        Kind::Imports => match version {
            0 => b"is_stop_word\n".to_vec(),
            1 => b"# a comment\nis_stop_word\n".to_vec(),
            _ => b"another_name\n".to_vec(),
        },
    }
}

fn header(name: &str, size: usize) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).into_bytes()
}

/// An object of the demo with a custom section that says its version. All versions are of one size.
fn versioned(name: &str, version: u8) -> Vec<u8> {
    static OBJECTS: OnceLock<HashMap<String, Vec<u8>>> = OnceLock::new();
    let objects = OBJECTS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/objects");
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let mut objects: HashMap<String, Vec<u8>> = HashMap::new();
        for name in ["main.o", "commands.o", "index.o", "query.o", "heap.o", "wasi.o", "watch.o"] {
            objects.insert(name.into(), read(name));
        }
        objects.extend(members(&read("libdemo.a")));
        objects
    });
    let mut object = objects[name].clone();
    object.extend([0, 5, 1, b'v', b'a' + version, b' ', b' ']);
    object
}

fn members(archive: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut members = HashMap::new();
    let mut at = 8;
    while at + 60 <= archive.len() {
        let field =
            |from: usize, to: usize| std::str::from_utf8(&archive[at + from..at + to]).unwrap().trim();
        let (name, size) =
            (field(0, 16).trim_end_matches('/').to_string(), field(48, 58).parse::<usize>().unwrap());
        let start = at + 60;
        members.insert(name, archive[start..start + size].to_vec());
        at = (start + size).next_multiple_of(2);
    }
    members
}

/// The offsets of a module's sections. A module that is cut there is still a module.
pub fn section_starts(module: &[u8]) -> Vec<usize> {
    let (mut starts, mut at) = (Vec::new(), 8);
    while module.starts_with(b"\0asm") && at < module.len() {
        starts.push(at);
        let (mut size, mut shift) = (0, 0);
        loop {
            at += 1;
            size |= usize::from(module[at] & 0x7f) << shift;
            shift += 7;
            if module[at] < 0x80 {
                break;
            }
        }
        at += 1 + size;
    }
    starts
}

/// Where the first section with relocations begins.
pub fn relocations_start(module: &[u8]) -> Option<usize> {
    let starts = section_starts(module);
    starts.into_iter().find(|&at| {
        module[at] == 0 && module[at..].iter().take(20).any(|&b| b == b'r') && {
            module[at..].windows(6).take(10).any(|bytes| bytes == b"reloc.")
        }
    })
}

/// `WALD_BIN`, or the `wald` that this profile builds.
pub fn wald() -> &'static Path {
    static WALD: OnceLock<PathBuf> = OnceLock::new();
    WALD.get_or_init(|| {
        if let Some(path) = std::env::var_os("WALD_BIN") {
            return path.into();
        }
        let executable = std::env::current_exe().unwrap();
        let profile = executable.parent().and_then(Path::parent).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "wald-cli", "--bin", "wald", "--target-dir"]);
        cargo.arg(profile.parent().unwrap());
        if profile.file_name().is_some_and(|name| name != "debug") {
            cargo.arg("--profile").arg(profile.file_name().unwrap());
        }
        assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
        profile.join("wald")
    })
}

/// A folder that is removed when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one, below the folder for temporary files.
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wald-faults-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("members")).unwrap();
        Folder(path)
    }

    /// Where a file is.
    pub fn path(&self, file: usize) -> PathBuf {
        self.0.join(FILES[file].name)
    }

    /// A link here, to be completed.
    pub fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(wald());
        command.current_dir(&self.0).args(options).args(["-o", "out.wasm"]);
        command.args(FILES[..NAMED].iter().map(|file| file.name));
        command
    }

    /// The module, if there is one.
    pub fn output(&self) -> Option<Vec<u8>> {
        std::fs::read(self.0.join("out.wasm")).ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The output of a link from nothing; `None` if it fails.
pub fn expected(versions: &Versions) -> Option<Vec<u8>> {
    static KNOWN: Mutex<Option<HashMap<Versions, Option<Vec<u8>>>>> = Mutex::new(None);
    let known = || KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(module) = known().get_or_insert_default().get(versions) {
        return module.clone();
    }
    let name: String = versions.iter().map(u8::to_string).collect();
    let folder = Folder::new(&format!("expected-{name}-{:?}", std::thread::current().id()));
    for (file, &version) in versions.iter().enumerate() {
        std::fs::write(folder.path(file), bytes(file, version)).unwrap();
    }
    let output = folder.command(&[]).output().unwrap();
    let module = output.status.success().then(|| folder.output().unwrap());
    assert_eq!(module.is_some(), versions[IMPORTS] < 2, "{}", String::from_utf8_lossy(&output.stderr));
    known().get_or_insert_default().insert(versions.clone(), module.clone());
    module
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Whether something happens that happens once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
