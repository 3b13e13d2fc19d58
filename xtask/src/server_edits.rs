//! `cargo xtask server`: checks that a link server's links are those of a link from nothing, whatever happens in between.

use crate::arguments::Arguments;
use crate::corpus;
use crate::library_job::Random;
use crate::workspace;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask server [JOB…] [--edits N] [--seed N]

Copies each job of the corpus (default: all that are built), and changes its files and its command line N times (default 500): edits,
rewrites in place with restored times, renames, removed and added inputs, exchanged archives, other options, a killed server, a killed
client, a full disk, builds from clean. After each change the job is linked with a server and without one. Bytes, messages and exit codes
must be the same.

ENVIRONMENT
  WALD_CORPUS  the folder of the jobs (default target/corpus)
  WALD_BIN     the linker (default: a release build)
";

/// The options that come and go.
const OPTIONS: [&str; 10] = [
    "--no-gc-sections",
    "--strip-debug",
    "--strip-all",
    "-O0",
    "--export-all",
    "--Map=-",
    "--print-gc-sections",
    "--trace",
    "--allow-undefined",
    "--allow-multiple-definition",
];

/// How large the full disk is.
const SMALL_DISK: &str = "size=64k";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let edits = args.number("edits")?.unwrap_or(500).max(1);
    let seed = args.number("seed")?.unwrap_or(0) as u64;
    let wald = workspace::wald_to_measure()?;
    let jobs = corpus::select(&args.words()?)?;
    for job in &jobs {
        let mut session = Session::new(&wald, job, seed)?;
        let summary = session.run(edits).map_err(|problem| format!("{job}, {problem}"));
        session.tell(&["--server-stop"]);
        println!("{job}: {}", summary?);
    }
    println!("{} edits in all", edits * jobs.len());
    Ok(())
}

/// A job whose files change.
struct Session {
    wald: PathBuf,
    /// Everything of this session.
    place: PathBuf,
    /// The job's copy.
    folder: PathBuf,
    /// The command line without inputs.
    fixed: Vec<String>,
    /// The inputs of the command line that are files, by their paths in `folder`.
    inputs: Vec<String>,
    /// What comes and goes.
    options: Vec<&'static str>,
    /// The files as they were.
    originals: Vec<(String, Vec<u8>)>,
    random: Random,
    /// Counts new names.
    names: usize,
    /// How many links servers made of objects that were not complete, as far as they told.
    rehearsals: u64,
    has_small_disk: bool,
}

/// What one link did.
#[derive(PartialEq, Eq)]
struct Answer {
    code: Option<i32>,
    out: Vec<u8>,
    err: Vec<u8>,
    module: Option<Vec<u8>>,
}

impl Session {
    fn new(wald: &Path, job: &str, seed: u64) -> Result<Session, String> {
        let text = |error: std::io::Error| format!("{job}: {error}");
        let place = std::env::temp_dir().join(format!("wald-server-{}-{seed}", std::process::id()));
        let folder = place.join("job");
        fs::create_dir_all(place.join("run")).map_err(text)?;
        fs::create_dir_all(place.join("small")).map_err(text)?;
        let source = corpus::folder().join(job);
        let copied = Command::new("cp").arg("-r").arg(&source).arg(&folder).status().map_err(text)?;
        if !copied.success() {
            return Err(format!("{job}: cannot be copied"));
        }
        let words = fs::read_to_string(folder.join("link.rsp")).map_err(text)?;
        let is_input = |word: &&str| !word.starts_with('-') && folder.join(word).is_file();
        let inputs: Vec<String> = words.split_whitespace().filter(is_input).map(str::to_string).collect();
        let fixed = words.split_whitespace().filter(|word| !is_input(word)).map(str::to_string).collect();
        let mut originals = Vec::new();
        for input in &inputs {
            originals.push((input.clone(), fs::read(folder.join(input)).map_err(text)?));
        }
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SMALL_DISK, "none"]).arg(place.join("small")).stderr(Stdio::null());
        let has_small_disk = mount.status().is_ok_and(|status| status.success());
        if !has_small_disk {
            println!("{job}: skipped a full disk: needs a file system of its own");
        }
        let (wald, random) = (wald.to_path_buf(), Random::new(seed));
        let (options, names, rehearsals) = (Vec::new(), 0, 0);
        Ok(Session {
            wald,
            place,
            folder,
            fixed,
            inputs,
            options,
            originals,
            random,
            names,
            rehearsals,
            has_small_disk,
        })
    }

    fn run(&mut self, edits: usize) -> Result<String, String> {
        let (mut linked, mut served) = (0, 0);
        for number in 0..edits {
            let what = self.change().map_err(|error| format!("edit {number}: {error}"))?;
            // The server is in all states when it is asked.
            if self.random.below(2) == 0 {
                std::thread::sleep(Duration::from_millis(self.random.below(60) as u64));
            }
            let mode = if self.random.below(4) == 0 { "auto" } else { "require" };
            let with = self.link(mode, "out.wasm")?;
            let without = self.link("off", "out.wasm")?;
            if with != without {
                let text =
                    |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
                return Err(format!(
                    "edit {number} ({what}): {} {:?} with a server, {:?} without\n--- with\n{}{}--- without\n{}{}in {}",
                    if with.module == without.module { "the same bytes," } else { "other bytes," },
                    with.code,
                    without.code,
                    text(&with.out),
                    text(&with.err),
                    text(&without.out),
                    text(&without.err),
                    self.place.display(),
                ));
            }
            linked += usize::from(with.code == Some(0));
            served += usize::from(mode == "require");
        }
        let rehearsals = self.rehearsals;
        Ok(format!(
            "{edits} edits, {linked} of them linked, {served} by a server for sure, {rehearsals} rehearsals, the same results"
        ))
    }

    fn command(&self, mode: &str) -> Command {
        let mut command = Command::new(&self.wald);
        command
            .current_dir(&self.folder)
            .env("WALD_SERVER", mode)
            .env("XDG_RUNTIME_DIR", self.place.join("run"));
        command.stdin(Stdio::null());
        command
    }

    /// Asks about servers.
    fn tell(&self, arguments: &[&str]) -> String {
        let output = self.command("off").args(arguments).output();
        output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn link_command(&self, mode: &str, output: &str) -> Command {
        let mut command = self.command(mode);
        command.args(&self.fixed).args(&self.options).args(&self.inputs).args(["-o", output]);
        command
    }

    fn link(&self, mode: &str, output: &str) -> Result<Answer, String> {
        let module = self.folder.join(output);
        let _ = fs::remove_file(&module);
        let ran = self.link_command(mode, output).output().map_err(|error| error.to_string())?;
        let beside = module.parent().and_then(|folder| fs::read_dir(folder).ok());
        for entry in beside.into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(".out.wasm") {
                return Err(format!("{} is left", entry.path().display()));
            }
        }
        Ok(Answer {
            code: ran.status.code(),
            out: ran.stdout,
            err: ran.stderr,
            module: fs::read(&module).ok(),
        })
    }

    /// Changes something. Returns what, in words.
    fn change(&mut self) -> Result<String, std::io::Error> {
        // What is broken is mended, mostly, so that most links succeed.
        match self.random.below(26) {
            0..8 => self.mend(),
            8..14 => self.change_file(),
            14..21 => self.change_command_line(),
            21..23 => self.build_from_clean(),
            _ => self.disturb(),
        }
    }

    /// Changes one file.
    fn change_file(&mut self) -> Result<String, std::io::Error> {
        let at = self.random.below(self.inputs.len());
        let path = self.folder.join(&self.inputs[at]);
        match self.random.below(6) {
            0 | 1 => {
                let Ok(mut bytes) = fs::read(&path) else { return self.mend() };
                let place = self.random.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << self.random.below(8);
                }
                self.put(at, &bytes)?;
                Ok(format!("{} changed at {place}", path.display()))
            }
            2 | 3 => {
                let other = self.random.below(self.originals.len());
                self.put(at, &self.originals[other].1.clone())?;
                Ok(format!("{} has other contents", path.display()))
            }
            4 => {
                let _ = fs::remove_file(&path);
                Ok(format!("{} removed", path.display()))
            }
            _ => {
                let Ok(file) = fs::File::options().write(true).open(&path) else { return self.mend() };
                file.set_modified(std::time::SystemTime::now())?;
                Ok(format!("{} touched", path.display()))
            }
        }
    }

    /// Changes inputs and options.
    fn change_command_line(&mut self) -> Result<String, std::io::Error> {
        let at = self.random.below(self.inputs.len());
        match self.random.below(7) {
            0 | 1 => {
                self.change_names();
                Ok("new names".into())
            }
            2 => {
                let other = self.random.below(self.inputs.len());
                self.inputs.swap(at, other);
                Ok("two inputs exchanged".into())
            }
            3 => {
                let input = self.inputs.remove(at);
                let place = self.random.below(self.inputs.len() + 1);
                match self.random.below(2) {
                    0 if !self.inputs.is_empty() => Ok(format!("{input} is no input")),
                    _ => {
                        self.inputs.insert(place, input);
                        Ok("an input moved".into())
                    }
                }
            }
            4 => {
                self.inputs.insert(at, self.inputs[at].clone());
                Ok(format!("{} twice", self.inputs[at]))
            }
            _ => {
                let option = OPTIONS[self.random.below(OPTIONS.len())];
                match self.options.iter().position(|&known| known == option) {
                    Some(known) => _ = self.options.remove(known),
                    None => self.options.push(option),
                }
                Ok(format!("{option} comes or goes"))
            }
        }
    }

    /// Makes all objects anew, one after the other. Most of them have other contents, and sometimes one is not made.
    fn build_from_clean(&mut self) -> Result<String, std::io::Error> {
        let places: Vec<usize> =
            (0..self.inputs.len()).filter(|&at| self.inputs[at].ends_with(".o")).collect();
        for &at in &places {
            let _ = fs::remove_file(self.folder.join(&self.inputs[at]));
        }
        let before: u64 = self.numbers("rehearsals").iter().sum();
        let pause = |random: &mut Random| std::thread::sleep(Duration::from_millis(random.below(40) as u64));
        if self.random.below(3) == 0 {
            self.change_names();
        }
        pause(&mut self.random);
        let mut missing = 0;
        for &at in &places {
            let mut bytes = self.original(at).to_vec();
            if self.random.below(4) > 0 {
                // A custom section.
                bytes.extend([0, 6, 4, b'n', b'o', b't', b'e', self.random.below(256) as u8]);
            }
            if self.random.below(20 * places.len()) == 0 {
                missing += 1;
                continue;
            }
            fs::write(self.folder.join(&self.inputs[at]), bytes)?;
            if self.random.below(8) == 0 {
                pause(&mut self.random);
            }
        }
        self.rehearsals += self.numbers("rehearsals").iter().sum::<u64>().saturating_sub(before);
        Ok(format!("a build from clean, {missing} objects missing"))
    }

    /// What rustc does: other names for the same bytes.
    fn change_names(&mut self) {
        self.names += 1;
        for input in self.inputs.iter_mut().filter(|input| input.ends_with(".o")) {
            let new = format!("{}.new{}.o", stem(input), self.names);
            let path = self.folder.join(&*input);
            if !path.exists() || fs::rename(path, self.folder.join(&new)).is_ok() {
                *input = new;
            }
        }
    }

    /// Ends processes, or fills a disk.
    fn disturb(&mut self) -> Result<String, std::io::Error> {
        match self.random.below(3) {
            0 => {
                self.kill_server();
                Ok("a killed server".into())
            }
            1 => {
                let mut client = self.link_command("auto", "out.wasm");
                let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
                std::thread::sleep(Duration::from_micros(self.random.below(20_000) as u64));
                // The server may be killed at the same moment.
                if self.random.below(3) == 0 {
                    self.kill_server();
                }
                client.kill()?;
                client.wait()?;
                Ok("a killed client".into())
            }
            _ if self.has_small_disk => {
                // The same failure with and without a server.
                let with = self.link("auto", "../small/out.wasm").map_err(std::io::Error::other)?;
                let without = self.link("off", "../small/out.wasm").map_err(std::io::Error::other)?;
                if (with.code, &with.err, &with.module) != (without.code, &without.err, &without.module) {
                    let text = |answer: &Answer| String::from_utf8_lossy(&answer.err).into_owned();
                    let message = format!("a full disk: {} {}", text(&with), text(&without));
                    return Err(std::io::Error::other(message));
                }
                Ok("a full disk".into())
            }
            _ => Ok("nothing".into()),
        }
    }

    /// Puts a file or the command line back.
    fn mend(&mut self) -> Result<String, std::io::Error> {
        if self.random.below(8) == 0 {
            self.options.clear();
            self.inputs = self.originals.iter().map(|(path, _)| path.clone()).collect();
        }
        for at in 0..self.inputs.len() {
            let original = self.original(at).to_vec();
            if !fs::read(self.folder.join(&self.inputs[at])).is_ok_and(|now| now == original) {
                self.put(at, &original)?;
            }
        }
        Ok("all put back".into())
    }

    /// What an input held at first, whatever its name is now.
    fn original(&self, at: usize) -> &[u8] {
        let stem =
            |path: &str| path.trim_end_matches(".o").split(".new").next().unwrap_or_default().to_string();
        let own = stem(&self.inputs[at]);
        let found = self.originals.iter().find(|(path, _)| stem(path) == own);
        found.map_or(&[], |(_, bytes)| bytes)
    }

    /// Writes a file, in one of the ways in which files are written.
    fn put(&mut self, at: usize, bytes: &[u8]) -> Result<(), std::io::Error> {
        let path = self.folder.join(&self.inputs[at]);
        match self.random.below(3) {
            0 => {
                let new = path.with_extension("tmp");
                fs::write(&new, bytes)?;
                fs::rename(&new, &path)
            }
            1 => fs::write(&path, bytes),
            _ => {
                // In place, and with the time that it had.
                let modified = fs::metadata(&path).and_then(|found| found.modified()).ok();
                fs::write(&path, bytes)?;
                let file = fs::File::options().write(true).open(&path)?;
                modified.map_or(Ok(()), |modified| file.set_modified(modified))
            }
        }
    }

    fn kill_server(&self) {
        for pid in self.numbers("pid") {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// What each server says under a key.
    fn numbers(&self, key: &str) -> Vec<u64> {
        let servers: Vec<Value> =
            serde_json::from_str(&self.tell(&["--server-status=json"])).unwrap_or_default();
        servers.iter().filter_map(|server| server[key].as_u64()).collect()
    }
}

/// What is left of a name if it was given anew.
fn stem(path: &str) -> &str {
    path.trim_end_matches(".o").split(".new").next().unwrap_or_default()
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.has_small_disk {
            let _ = Command::new("umount").arg("-l").arg(self.place.join("small")).status();
        }
        let _ = fs::remove_dir_all(&self.place);
    }
}
