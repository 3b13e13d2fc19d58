//! Links a demo with Wald, in process, and runs it.

use crate::engine::{self, Finished};
use crate::wasi::World;
use crate::workspace::{self, shown, size};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A link that was done.
pub struct Linked {
    /// The module.
    pub module: Vec<u8>,
    /// Where it was written.
    pub output: PathBuf,
    /// Its inputs.
    pub inputs: Vec<PathBuf>,
    /// Extracted members as `--why-extract` lists them: reference, member, symbol.
    pub extracted: String,
    /// The table of `--time`.
    pub phases: String,
}

/// Links by the function that the `wald` command consists of. `inputs` are the files among the arguments.
pub fn link(args: Vec<OsString>, inputs: &[PathBuf], output: &Path) -> Result<Linked, String> {
    if let Some(folder) = output.parent() {
        workspace::create_folder(folder)?;
    }
    let own = ["--time", "--why-extract=-", "-o"].map(OsString::from);
    let args: Vec<OsString> =
        std::iter::once("wald".into()).chain(args).chain(own).chain([output.into()]).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut host = wald_cli::Host::new(&mut stdout, &mut stderr);
    let code = wald_cli::run(&args, &mut host);
    let phases = String::from_utf8_lossy(&stderr).into_owned();
    if code != 0 {
        return Err(format!("the link failed\n{phases}"));
    }
    let extracted = String::from_utf8_lossy(&stdout).into_owned();
    let module = workspace::read(output)?;
    Ok(Linked { module, output: output.to_path_buf(), inputs: inputs.to_vec(), extracted, phases })
}

impl Linked {
    /// The archive members that were linked, in the order of extraction.
    pub fn members(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let lines = self.extracted.lines().skip(1).filter_map(|line| line.split('\t').nth(1));
        lines.filter(|member| seen.insert(*member)).collect()
    }

    /// Says what was linked, and how long it took.
    pub fn print(&self) {
        let bytes = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len() as usize);
        println!("Inputs");
        let mut objects = (0, 0);
        for path in &self.inputs {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match members_of(path) {
                Some(members) => {
                    println!("  {name:32} {:>12}, an archive of {members} members", size(bytes(path)))
                }
                None if self.inputs.len() <= 20 => println!("  {name:32} {:>12}", size(bytes(path))),
                None => objects = (objects.0 + 1, objects.1 + bytes(path)),
            }
        }
        if objects.0 > 0 {
            println!("  {} objects {:>33}", objects.0, size(objects.1));
        }
        let members = self.members();
        let names: Vec<&str> =
            members.iter().map(|name| name.rsplit(['/', '(']).next().unwrap_or(name)).collect();
        println!("Extracted from archives: {} members", members.len());
        if names.len() <= 12 {
            names.iter().for_each(|name| println!("  {}", name.trim_end_matches(')')));
        }
        println!("Output\n  {:32} {:>12}", shown(&self.output), size(self.module.len()));
        println!("Time");
        self.phases.lines().for_each(|line| println!("  {line}"));
    }
}

/// How many members an archive has.
fn members_of(path: &Path) -> Option<usize> {
    let bytes = wald::Bytes::from(std::fs::read(path).ok()?);
    wald::internals::archive::parse(&bytes).ok().map(|archive| archive.members.len())
}

/// Validates and runs a module, and prints what it says.
pub fn show_run(module: &[u8], world: World) -> Result<Finished, String> {
    let start = Instant::now();
    engine::validate(module)?;
    let validated = start.elapsed();
    let start = Instant::now();
    let finished = engine::run(module, world)?;
    println!(
        "The module is valid ({:.1} ms). Ran in wasmi in {:.1} ms:\n",
        validated.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3
    );
    print!("{}", finished.stdout);
    eprint!("{}", finished.stderr);
    Ok(finished)
}
