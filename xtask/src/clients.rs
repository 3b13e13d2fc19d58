//! `cargo xtask clients`: what calls a linker for WebAssembly, with Wald in wasm-ld's place.
//!
//! Each client builds a real program twice in equal folders: with `wasm-ld-22` and with Wald. The outputs must have the same bytes,
//! and do when they run what the program says. Clients that the package registries have are installed below `target/clients`.

mod programs;
mod table;

use crate::arguments::Arguments;
use crate::engine;
use crate::wasi::World;
use crate::workspace::{self, shown};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use table::{Client, Run, CLIENTS};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask clients [NAME...] [--list]

Builds a program with each client (all of them without a NAME), once with wasm-ld-22 and once with Wald in its place, compares every
byte of the outputs, and runs them. Clients are installed from the package registries into target/clients; what is not to be had is
skipped, and the list says why. Debian's packages (cmake, ninja-build, emscripten) are not installed.

  --list   prints the clients and ends

WALD_BIN names the linker to try; without it a release build is made.
";

/// The exit code of a preparation that found that the client is not to be had. The last line says why.
const NOT_TO_BE_HAD: i32 = 77;

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let only_list = args.flag("list");
    let wanted = args.words()?;
    if let Some(unknown) = wanted.iter().find(|name| CLIENTS.iter().all(|client| client.name != **name)) {
        return Err(format!("there is no client '{unknown}'; --list prints them"));
    }
    if only_list {
        CLIENTS.iter().for_each(|client| println!("{:18} {}", client.name, client.about));
        return Ok(());
    }
    let bench = Bench {
        folder: workspace::target().join("clients"),
        linkers: [("wasm-ld", workspace::wasm_ld()?), ("wald", workspace::wald_to_measure()?)],
    };
    workspace::create_folder(&bench.tools().join("bin"))?;
    let (mut failed, mut skipped, mut passed) = (Vec::new(), 0, 0);
    for client in CLIENTS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == client.name) {
            continue;
        }
        let start = Instant::now();
        match bench.try_client(client) {
            Ok(Outcome::Passed(what)) => {
                passed += 1;
                println!("{:18} ok: {what} ({:.0} s)", client.name, start.elapsed().as_secs_f64());
            }
            Ok(Outcome::Skipped(why)) => {
                skipped += 1;
                println!("{:18} skipped: {why}", client.name);
            }
            Err(message) => {
                println!("{:18} FAILED: {message}", client.name);
                failed.push(client.name);
            }
        }
    }
    println!("{passed} passed, {} failed, {skipped} skipped", failed.len());
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("these clients failed: {}", failed.join(", "))),
    }
}

enum Outcome {
    Passed(String),
    Skipped(String),
}

struct Bench {
    folder: PathBuf,
    /// Name and path of the reference and of Wald.
    linkers: [(&'static str, PathBuf); 2],
}

impl Bench {
    /// Where clients are installed.
    fn tools(&self) -> PathBuf {
        self.folder.join("tools")
    }

    fn try_client(&self, client: &Client) -> Result<Outcome, String> {
        let prepared = self.shell(client.prepare, &self.tools(), &self.linkers[0].1)?;
        if prepared.status.code() == Some(NOT_TO_BE_HAD) {
            let said = String::from_utf8_lossy(&prepared.stdout);
            return Ok(Outcome::Skipped(said.lines().last().unwrap_or_default().to_string()));
        }
        let version = succeeded(prepared)?;
        let [reference, wald] = [self.build(client, 0)?, self.build(client, 1)?];
        let mut bytes = 0;
        for output in client.outputs {
            let [theirs, ours] = [&reference, &wald].map(|folder| workspace::read(&folder.join(output)));
            let (theirs, ours) = (theirs?, ours?);
            if theirs != ours {
                let kept = shown(&wald.join(output));
                return Err(format!(
                    "{output}: {} bytes, wasm-ld-22 wrote {} others: {kept}",
                    ours.len(),
                    theirs.len()
                ));
            }
            bytes += ours.len();
        }
        self.run(client, &wald)?;
        let version = version.lines().last().unwrap_or_default().trim().to_string();
        Ok(Outcome::Passed(format!("{version}, {bytes} bytes the same, and they run")))
    }

    /// Builds the program in a fresh folder, whose path has the same length for each linker, and returns it.
    fn build(&self, client: &Client, linker: usize) -> Result<PathBuf, String> {
        // Paths are in debug information: both builds are made at the same place, and then moved.
        let (name, program) = &self.linkers[linker];
        let folder = self.folder.join("build").join(client.name);
        let kept = self.folder.join(name).join(client.name);
        for old in [&folder, &kept] {
            let _ = std::fs::remove_dir_all(old);
        }
        workspace::create_folder(&folder)?;
        for (file, text) in client.files {
            let path = folder.join(file);
            workspace::create_folder(path.parent().unwrap_or(&folder))?;
            workspace::write(&path, text)?;
        }
        let log = self.folder.join("started");
        let _ = std::fs::remove_file(&log);
        let script = folder.join("linker/wasm-ld");
        workspace::create_folder(&folder.join("linker"))?;
        let text = format!(
            "#!/bin/sh\necho >>'{}'\nexec '{}' {} \"$@\"\n",
            log.display(),
            program.display(),
            client.flags
        );
        workspace::write(&script, text)?;
        succeeded(self.shell("chmod +x linker/wasm-ld", &folder, &script)?)?;
        succeeded(self.shell(client.build, &folder, &script)?)
            .map_err(|said| format!("with {name}: {said}"))?;
        if !log.is_file() {
            return Err(format!("the build did not start the linker that it was given ({name})"));
        }
        workspace::create_folder(kept.parent().unwrap_or(&kept))?;
        std::fs::rename(&folder, &kept).map_err(|error| format!("{}: {error}", shown(&kept)))?;
        Ok(kept)
    }

    fn run(&self, client: &Client, folder: &Path) -> Result<(), String> {
        let (said, expected) = match client.run {
            Run::Wasi { args, says } => {
                let module = workspace::read(&folder.join(client.outputs[0]))?;
                engine::validate(&module)?;
                (engine::run(&module, World::new(args, BTreeMap::new()))?.stdout, says)
            }
            Run::Shell { script, says } => {
                (succeeded(self.shell(script, folder, &self.linkers[1].1)?)?, says)
            }
        };
        match said.trim_end() == expected.trim_end() {
            true => Ok(()),
            false => Err(format!("the program printed {said:?} instead of {expected:?}")),
        }
    }

    /// Runs a script with bash. `TOOLS` and `LINKER` are its only own variables.
    fn shell(&self, script: &str, folder: &Path, linker: &Path) -> Result<Output, String> {
        let tools = self.tools();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(folder).stdin(Stdio::null());
        command.env("PATH", format!("{}:{path}", tools.join("bin").display()));
        command.env("TOOLS", &tools).env("LINKER", linker).env_remove("CARGO_TARGET_DIR");
        command.output().map_err(|error| format!("bash cannot be started: {error}"))
    }
}

/// What a script printed if it succeeded, or else the end of what it said.
fn succeeded(output: Output) -> Result<String, String> {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    if output.status.success() {
        return Ok(stdout);
    }
    let said = stdout + &stderr;
    let lines: Vec<&str> = said.lines().collect();
    Err(format!("{}\n{}", output.status, lines[lines.len().saturating_sub(20)..].join("\n")))
}
