//! What the tests of outputs share: a directory with inputs, the old output and the new one, and a look at what is left.

use std::fmt::Debug;
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

/// The output before a link.
pub const OLD: &[u8] = b"the old module";

/// How many rounds a test makes: `WALD_FAULT_ROUNDS`, or `few`.
pub fn rounds(few: usize) -> usize {
    std::env::var("WALD_FAULT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(few)
}

/// Whether the long form is wanted.
pub fn is_long() -> bool {
    std::env::var_os("WALD_FAULT_ROUNDS").is_some()
}

/// The `wald` of this profile, built once, or the one that `WALD_BIN` names.
pub fn wald() -> &'static Path {
    static WALD: OnceLock<PathBuf> = OnceLock::new();
    WALD.get_or_init(|| {
        if let Some(path) = std::env::var_os("WALD_BIN") {
            return fs::canonicalize(path).unwrap();
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

/// Whether this process is root's.
pub fn is_root() -> bool {
    static IS_ROOT: OnceLock<bool> = OnceLock::new();
    *IS_ROOT.get_or_init(|| {
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    })
}

/// Whether a program can be started.
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Says in one line that a test was not made.
pub fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// A directory of its own, with `in.o`, which is removed at the end.
pub struct Scene {
    pub directory: PathBuf,
    /// What a link of `in.o` gives.
    pub module: Vec<u8>,
    /// Mount points inside, removed last first.
    mounts: Vec<PathBuf>,
}

impl Scene {
    /// A scene whose module has `size` bytes of data.
    pub fn new(size: usize) -> Scene {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("wald-faults-{}-{number}", std::process::id()));
        let directory = directory.with_extension("d");
        for name in ["out", "first"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        let mut scene = Scene { directory, module: Vec::new(), mounts: Vec::new() };
        fs::write(scene.path("in.o"), object(size, number as u8)).unwrap();
        let output = scene.wald(&["-o", "first/m"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        scene.module = fs::read(scene.path("first/m")).unwrap();
        assert!(scene.module.len() > size && wasmparser::validate(&scene.module).is_ok());
        scene.begin_again();
        scene
    }

    /// The directory has nothing but the old output `out/m`.
    pub fn begin_again(&self) {
        for name in self.names() {
            fs::remove_file(self.path("out").join(name)).unwrap();
        }
        fs::write(self.path("out/m"), OLD).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// What is in `out`.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("out")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The output as it is now.
    pub fn output(&self) -> Vec<u8> {
        fs::read(self.path("out/m")).unwrap_or_default()
    }

    /// A link of `in.o`. Messages begin with `wald`.
    pub fn wald(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(wald());
        command.arg0("wald");
        self.finish(command, arguments)
    }

    /// The same through another program: `words` are the program and its arguments.
    pub fn wald_through(&self, words: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(wald());
        self.finish(command, arguments)
    }

    /// The same as a user who owns nothing else, with `prefix` in front. Only root can do that.
    pub fn wald_as(&self, user: u32, prefix: &[&str], arguments: &[&str]) -> Command {
        // Where every user can reach it.
        let reachable = self.path("wald");
        if !reachable.exists() {
            fs::copy(wald(), &reachable).unwrap();
        }
        let user = format!("--reuid={user}");
        let words = [prefix, &["setpriv", &user, "--clear-groups", "./wald"]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        self.finish(command, arguments)
    }

    fn finish(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(["in.o", "--no-entry", "--export=data"]).args(arguments);
        command.env("RUST_BACKTRACE", "0").current_dir(&self.directory);
        command
    }

    /// The one promise: exit code 0 and the whole new module, or the old module and either exit code 1 with a message or
    /// the end by a signal. The folder has no other files. Returns whether the module is new.
    pub fn check(&self, output: &Output, what: impl Debug) -> bool {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let now = self.output();
        let is_new = now == self.module;
        assert!(is_new || now == OLD, "{what:?}: neither old nor new: {} bytes; {said}", now.len());
        match (output.status.code(), output.status.signal()) {
            (Some(0), _) => assert!(is_new, "{what:?}: exit code 0 and the old module; {said}"),
            (Some(1), _) => {
                assert!(!is_new, "{what:?}: exit code 1 and the new module; {said}");
                assert!(said.contains(": error: "), "{what:?}: no message: {said}");
            }
            (None, Some(_)) => {}
            other => panic!("{what:?}: {other:?}; {said}"),
        }
        assert_eq!(self.names(), ["m"], "{what:?}: files are left; {said}");
        is_new
    }

    /// Mounts something on a directory or file inside of the scene. `false` if that is not possible here.
    pub fn mount(&mut self, arguments: &[&str], on: &str) -> bool {
        let on = self.path(on);
        let output = Command::new("mount").args(arguments).arg(&on).current_dir(&self.directory).output();
        let mounted = output.is_ok_and(|output| output.status.success());
        if mounted {
            self.mounts.push(on);
        }
        mounted
    }

    pub fn unmount(&mut self) {
        while let Some(on) = self.mounts.pop() {
            let _ = Command::new("umount").arg(on).status();
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.unmount();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// An object with `size` bytes of data under the name `data`.
fn object(size: usize, seed: u8) -> Vec<u8> {
    let number = |mut value: usize| {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let string = |text: &str| [number(text.len()), text.as_bytes().to_vec()].concat();
    let section = |id: u8, body: Vec<u8>| [vec![id], number(body.len()), body].concat();
    // One memory of at least no page, imported.
    let imports = [number(1), string("env"), string("__linear_memory"), vec![2, 0, 0]].concat();
    let content: Vec<u8> = (0..size).map(|at| (at / 7) as u8 ^ seed | 1).collect();
    let data = [vec![1, 0, 0x41, 0, 0x0b], number(size), content].concat();
    let segments = [number(1), string(".data.data"), vec![0, 0]].concat();
    // A defined data symbol: all of segment 0.
    let symbols = [vec![1, 1, 0], string("data"), vec![0, 0], number(size)].concat();
    let linking = [string("linking"), vec![2], section(5, segments), section(8, symbols)].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(2, imports),
        section(12, number(1)),
        section(11, data),
        section(0, linking),
    ]
    .concat()
}
