//! A link that can be of any size.

use crate::measure::measure_any;
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use wald::internals::leb128;
use wald::unit::Unit;

/// A link of any size.
pub struct Job {
    /// What grows.
    pub name: &'static str,
    /// The smallest size. The others are twice and four times as large.
    pub size: usize,
    /// Makes the link of a size.
    pub make: fn(&mut Link, usize) -> Result<(), String>,
}

/// A link: a folder of inputs, and a response file of arguments.
pub struct Link {
    folder: PathBuf,
    arguments: String,
}

impl Link {
    /// A link without inputs in an empty folder.
    pub fn new(folder: &Path) -> Result<Self, String> {
        // What another job left must not be found.
        let _ = std::fs::remove_dir_all(folder);
        workspace::create_folder(folder)?;
        Ok(Link { folder: folder.to_path_buf(), arguments: String::new() })
    }

    /// Adds an argument.
    pub fn argument(&mut self, argument: &str) {
        self.arguments += argument;
        self.arguments.push('\n');
    }

    /// Adds a file that is an input only if an argument says so.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), String> {
        workspace::write(&self.folder.join(name), bytes)
    }

    /// Adds a folder.
    pub fn folder(&self, name: &str) -> Result<(), String> {
        workspace::create_folder(&self.folder.join(name))
    }

    /// Adds an object that is an input.
    pub fn object(&mut self, name: &str, unit: &Unit) -> Result<(), String> {
        self.file(name, object(unit)?)?;
        self.argument(name);
        Ok(())
    }

    /// Makes an archive of objects, without a symbol table, which neither linker reads.
    pub fn archive(&self, name: &str, members: &[Vec<u8>]) -> Result<(), String> {
        self.file(name, workspace::archive(members))
    }

    /// Links it, and returns the CPU time. Some jobs are about links that fail.
    pub fn cost(&self, linker: &Path, runs: usize) -> Result<Duration, String> {
        let mut least = Duration::MAX;
        for _ in 0..runs {
            least = least.min(measure_any(self.complete(&mut Command::new(linker))?)?.1.cpu);
        }
        Ok(least)
    }

    /// Gives a command that starts a linker the link's arguments.
    pub fn complete<'c>(&self, command: &'c mut Command) -> Result<&'c mut Command, String> {
        workspace::write(&self.folder.join("arguments"), &self.arguments)?;
        Ok(command.current_dir(&self.folder).arg("@arguments").args(["-o", "out.wasm"]))
    }
}

/// A unit as an object file's bytes.
pub fn object(unit: &Unit) -> Result<Vec<u8>, String> {
    unit.to_object().map_err(|error| error.to_string())
}

/// Appends a custom section to a module.
pub fn append_custom(module: &mut Vec<u8>, name: &str, contents: &[u8]) {
    let mut section = Vec::new();
    leb128::write_u32(&mut section, name.len() as u32);
    section.extend(name.as_bytes());
    section.extend(contents);
    module.push(0);
    leb128::write_u32(module, section.len() as u32);
    module.extend(section);
}
