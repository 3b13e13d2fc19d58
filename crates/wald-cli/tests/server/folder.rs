//! A folder with inputs, in which links are made with a server and without one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A folder with the demo's inputs, and servers of its own.
pub struct Folder {
    pub path: PathBuf,
    pub names: Vec<String>,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Folder {
    pub fn new() -> Folder {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // A short path: sockets have short ones.
        let path = std::env::temp_dir().join(format!("ws{}-{number}", std::process::id()));
        std::fs::create_dir_all(path.join("run")).unwrap();
        std::fs::create_dir(path.join("in")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(source).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "o" || extension == "a") {
                let name = file.file_name().unwrap().to_str().unwrap().to_string();
                std::fs::copy(&file, path.join("in").join(&name)).unwrap();
                names.push(name);
            }
        }
        names.sort();
        assert!(names.len() >= 5);
        Folder { path, names }
    }

    pub fn input(&self, name: &str) -> PathBuf {
        self.path.join("in").join(name)
    }

    pub fn wald(&self, mode: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(self.path.join("in")).env("XDG_RUNTIME_DIR", self.path.join("run"));
        command.env("WALD_SERVER", mode).env_remove("WALD_FLAGS").args(arguments).stdin(Stdio::null());
        command
    }

    /// The file that the only server locked while it ran.
    pub fn lock_file(&self) -> PathBuf {
        let servers = std::fs::read_dir(self.path.join("run")).unwrap().next().unwrap().unwrap().path();
        let mut paths = std::fs::read_dir(servers).unwrap().map(|entry| entry.unwrap().path());
        paths.find(|path| path.extension().is_some_and(|extension| extension == "lock")).unwrap()
    }

    /// Arguments that link all inputs.
    pub fn all(&self) -> Vec<&str> {
        let mut arguments = vec!["-o", "out.wasm"];
        arguments.extend(self.names.iter().map(String::as_str));
        arguments
    }

    /// Links with a server and without one, and compares everything.
    #[track_caller]
    pub fn check(&self, arguments: &[&str]) -> Output {
        let link = |mode| {
            let _ = std::fs::remove_file(self.input("out.wasm"));
            let output = self.wald(mode, arguments).output().unwrap();
            (output, std::fs::read(self.input("out.wasm")).ok())
        };
        let (own, own_module) = link("off");
        let (served, module) = link("require");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&served.stderr), text(&own.stderr), "{arguments:?}");
        assert!(served.stdout == own.stdout, "{arguments:?}: {}", text(&served.stdout));
        assert_eq!(served.status.code(), own.status.code(), "{arguments:?}");
        assert!(module == own_module, "{arguments:?}");
        served
    }

    pub fn status(&self) -> Vec<serde_json::Value> {
        let output = self.wald("off", &["--server-status=json"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn stop(&self) {
        assert!(self.wald("off", &["--server-stop"]).output().unwrap().status.success());
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn pid(&self) -> String {
        self.status()[0]["pid"].to_string()
    }

    /// A letter of a string that the program prints is another one. Nothing else changes.
    pub fn edited_commands(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(self.input("commands.o")).unwrap();
        let text = bytes.windows(4).rposition(|bytes| bytes.iter().all(u8::is_ascii_lowercase)).unwrap();
        bytes[text] ^= 1;
        bytes
    }

    /// Files beside the inputs that were not there.
    pub fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.join("in")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !self.names.contains(name) && name != "out.wasm").collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
