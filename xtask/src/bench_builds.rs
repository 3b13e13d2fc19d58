//! `cargo xtask bench builds`: how long the link step of real builds takes, with and without a link server.

use crate::arguments::Arguments;
use crate::bench_report::{self, BUILDS_TABLE};
use crate::bench_times::Times;
use crate::build_projects::{Project, Tool, PROJECTS};
use crate::link_step::{self, Link, LinkStep};
use crate::workspace;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HEAD: &str = "\
| project | built by | inputs | out MB | changed | link: wasm-ld-22 ms | wald ms | with a server ms | of wald | of wasm-ld-22 | ready | \
build: wasm-ld-22 s | wald s | with a server s |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// Before an edit, so that nothing is left to do of the last build.
const PAUSE: Duration = Duration::from_millis(700);
/// How long a server may take to read its inputs.
const START: Duration = Duration::from_secs(120);
/// How often the client's own time is measured.
const CLIENT_RUNS: usize = 51;
const LOOK: Duration = Duration::from_millis(10);

/// Who links, in the order of the table.
const WHO: [&str; 3] = ["wasm-ld-22", "wald", "server"];
const SERVER: usize = 2;

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(7).max(1);
    let rebuilds = args.number("rebuilds")?.unwrap_or(3);
    let update = args.flag("update-docs");
    let wanted = args.words()?;
    if let Some(unknown) = wanted.iter().find(|name| PROJECTS.iter().all(|project| project.name != **name)) {
        let names: Vec<&str> = PROJECTS.iter().map(|project| project.name).collect();
        return Err(format!("there is no project '{unknown}'; the projects are {}", names.join(", ")));
    }
    let folder = workspace::target().join("bench/builds");
    workspace::create_folder(&folder)?;
    let wald = workspace::wald_to_measure()?;
    let bench = Bench { servers: Servers::new(&wald)?, wald, folder };
    println!("The load average is {}.\n", load());
    let mut rows = Vec::new();
    print!("{HEAD}");
    for project in
        PROJECTS.iter().filter(|project| wanted.is_empty() || wanted.iter().any(|name| name == project.name))
    {
        bench.rows(project, runs, rebuilds, &mut rows)?;
    }
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let reference = workspace::output_of("wasm-ld-22", &["--version"]).unwrap_or_default();
    let note = format!(
        "\nMedians of {runs} edits of one file, and of {rebuilds} builds from clean with the common header changed, taken in turns; the ratios are \
         medians of each turn's. {cores} cores, {reference}.\n\n{}\n",
        bench.client()?
    );
    print!("{note}");
    if !update {
        return Ok(());
    }
    let path = workspace::root().join("docs/performance.md");
    let text = String::from_utf8_lossy(&workspace::read(&path)?).into_owned();
    let rows = with_others(&rows, &text);
    bench_report::replace(&path, BUILDS_TABLE, &format!("{HEAD}{rows}{note}"))
}

/// The rows of this run, and those in a document of projects that were not measured now, in the order of the projects.
fn with_others(rows: &[String], document: &str) -> String {
    let table = document.split_once(BUILDS_TABLE[0]).map_or("", |(_, rest)| rest);
    let table = table.split_once(BUILDS_TABLE[1]).map_or("", |(table, _)| table);
    let mut all = String::new();
    for project in &PROJECTS {
        let start = format!("| {} |", project.name);
        let new: String = rows.iter().filter(|row| row.starts_with(&start)).cloned().collect();
        let old = || table.lines().filter(|row| row.starts_with(&start)).map(|row| format!("{row}\n"));
        all += &if new.is_empty() { old().collect() } else { new };
    }
    all
}

struct Bench {
    wald: PathBuf,
    folder: PathBuf,
    servers: Servers,
}

/// A project's folder in which one linker links.
struct Side {
    folder: PathBuf,
    link_step: LinkStep,
    has_server: bool,
}

/// What one build took.
struct Built {
    link: Link,
    /// The whole build, in seconds.
    seconds: f64,
}

/// What changes before a build.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    One,
    All,
}

impl Bench {
    /// Adds the rows of a project, and prints each as soon as it is known. None if it cannot be built here.
    fn rows(
        &self,
        project: &Project,
        runs: usize,
        rebuilds: usize,
        rows: &mut Vec<String>,
    ) -> Result<(), String> {
        let wasm_ld = workspace::wasm_ld()?;
        // Each linker's modules are compared with those of the one before it.
        let linkers = [(&wasm_ld, None), (&self.wald, Some(&wasm_ld)), (&self.wald, Some(&self.wald))];
        let mut sides: Vec<Side> = Vec::new();
        for (number, (linker, check)) in linkers.into_iter().enumerate() {
            let folder = self.folder.join(WHO[number]).join(project.name);
            let is_copied = sides.first().map_or(Ok(false), |first| project.copy(&first.folder, &folder))?;
            let reason = if is_copied { None } else { project.create(&folder)? };
            if let Some(reason) = reason {
                println!("skipped {}: {reason}", project.name);
                return Ok(());
            }
            let programs = self.folder.join(WHO[number]).join(format!("{}-linker", project.name));
            let _ = std::fs::remove_dir_all(&programs);
            let link_step = link_step::install(&programs, linker, check.map(PathBuf::as_path))?;
            let side = Side { folder, link_step, has_server: number == SERVER };
            if let Some(mut command) = project.configure(&side.folder, &side.link_step.script) {
                self.succeed(&mut command, &side)?;
            }
            self.build(project, &side)?;
            sides.push(side);
        }
        self.servers.wait_until_ready()?;
        for (change, count) in [(Change::One, runs), (Change::All, rebuilds)] {
            if count > 0 {
                let row = self.row(project, &sides, change, count)?;
                print!("{row}");
                rows.push(row);
            }
        }
        self.servers.stop()
    }

    /// Changes and builds in turns.
    fn row(&self, project: &Project, sides: &[Side], change: Change, count: usize) -> Result<String, String> {
        let mut links: [Times; 3] = Default::default();
        let mut builds: [Times; 3] = Default::default();
        let (mut inputs, mut served, mut ready) = (0, 0, 0);
        for round in 0..count {
            for turn in 0..sides.len() {
                let who = (round + turn) % sides.len();
                let before = self.servers.counts()?;
                let built = self.changed(project, &sides[who], change, round)?;
                let after = self.servers.counts()?;
                if who == SERVER {
                    served += after[0].saturating_sub(before[0]);
                    ready += after[1].saturating_sub(before[1]);
                }
                if built.link.is_same == Some(false) {
                    return Err(format!("{}: {} wrote other bytes", project.name, WHO[who]));
                }
                inputs = built.link.inputs;
                links[who].0.push(built.link.milliseconds);
                builds[who].0.push(built.seconds);
            }
        }
        let output = project.output(&sides[SERVER].folder);
        let size =
            std::fs::metadata(&output).map_err(|error| format!("{}: {error}", output.display()))?.len();
        let ratio = |other: usize| {
            let pairs = links[SERVER].0.iter().zip(&links[other].0);
            Times(pairs.map(|(own, other)| own / other.max(1e-9)).collect()).quartile(2)
        };
        let mut cells = vec![
            project.name.to_string(),
            match project.tool {
                Tool::Make => "make",
                Tool::Ninja => "ninja",
                Tool::CMake => "CMake",
                Tool::Cargo => "cargo",
            }
            .into(),
            inputs.to_string(),
            format!("{:.1}", size as f64 / 1e6),
            if change == Change::One { "one file" } else { "everything" }.into(),
        ];
        cells.extend(links.iter().map(Times::shown));
        cells.extend([1, 0].map(|other| format!("{:.3}", ratio(other))));
        cells.push(format!("{ready} of {served}"));
        cells.extend(builds.iter().map(|times| format!("{:.1}", times.quartile(2))));
        Ok(format!("| {} |\n", cells.join(" | ")))
    }

    /// A build after a change.
    fn changed(&self, project: &Project, side: &Side, change: Change, round: usize) -> Result<Built, String> {
        match change {
            // Other numbers than those that the files begin with.
            Change::One => project.edit_one(&side.folder, 100 + round)?,
            Change::All => {
                self.succeed(&mut project.clean(&side.folder), side)?;
                project.edit_all(&side.folder, 1000 + round)?;
            }
        }
        std::thread::sleep(PAUSE);
        self.build(project, side)
    }

    fn build(&self, project: &Project, side: &Side) -> Result<Built, String> {
        // Those of a configuration are no builds.
        side.link_step.links()?;
        let start = Instant::now();
        self.succeed(&mut project.build(&side.folder, &side.link_step.script), side)?;
        let seconds = start.elapsed().as_secs_f64();
        match &side.link_step.links()?[..] {
            [link] => Ok(Built { link: link.clone(), seconds }),
            links => Err(format!("{}: {} links in one build", project.name, links.len())),
        }
    }

    /// Runs a build tool. What it says is shown if it fails.
    fn succeed(&self, command: &mut Command, side: &Side) -> Result<(), String> {
        self.servers.set(command, if side.has_server { "auto" } else { "off" });
        let name = command.get_program().to_string_lossy().into_owned();
        let output = command.output().map_err(|error| format!("{name} cannot be started: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "{name} failed ({})\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }

    /// A sentence about what a served link of next to nothing takes, beside an empty process.
    fn client(&self) -> Result<String, String> {
        let folder = self.folder.join("client");
        workspace::create_folder(&folder)?;
        workspace::write(&folder.join("a.c"), "int answer(void) { return 42; }\n")?;
        let mut command = Command::new("clang-22");
        command.current_dir(&folder).args(["--target=wasm32", "-O1", "-c", "a.c", "-o", "a.o"]);
        workspace::run(&mut command)?;
        let mut times: [Times; 2] = Default::default();
        let arguments: [&[&str]; 2] =
            [&["--version"], &["--no-entry", "--export-all", "a.o", "-o", "a.wasm"]];
        for round in 0..=CLIENT_RUNS {
            for (times, arguments) in times.iter_mut().zip(arguments) {
                let mut command = Command::new(&self.wald);
                command.current_dir(&folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
                self.servers.set(&mut command, "require");
                let start = Instant::now();
                workspace::run(&mut command)?;
                let time = start.elapsed().as_secs_f64() * 1e3;
                // The first one starts the server.
                times.0.extend((round > 0).then_some(time));
            }
        }
        self.servers.stop()?;
        let [empty, served] = &times;
        Ok(format!(
            "A served link of one object takes {} ms, and a process that only says its version {} ms: the client costs {:.1} ms. Medians of \
             {CLIENT_RUNS} runs.",
            served.shown(),
            empty.shown(),
            served.quartile(2) - empty.quartile(2)
        ))
    }
}

/// The servers of this command, which no other link finds. They end with this value.
struct Servers {
    wald: PathBuf,
    folder: PathBuf,
}

impl Servers {
    fn new(wald: &Path) -> Result<Servers, String> {
        // A short path: sockets have short ones.
        let folder = std::env::temp_dir().join(format!("wald-bench-{}", std::process::id()));
        workspace::create_folder(&folder)?;
        Ok(Servers { wald: wald.into(), folder })
    }

    /// Has a command use these servers, or none.
    fn set(&self, command: &mut Command, mode: &str) {
        command.env("XDG_RUNTIME_DIR", &self.folder).env("WALD_SERVER", mode).env_remove("WALD_FLAGS");
    }

    fn ask(&self, option: &str) -> Result<Vec<u8>, String> {
        let mut command = Command::new(&self.wald);
        self.set(command.arg(option), "off");
        let output = command.output().map_err(|error| error.to_string())?;
        output.status.success().then_some(output.stdout).ok_or_else(|| format!("wald {option} failed"))
    }

    fn status(&self) -> Result<Vec<Value>, String> {
        serde_json::from_slice(&self.ask("--server-status=json")?).map_err(|error| error.to_string())
    }

    /// How many links all of them made, and how many of these were ready when they were asked for.
    fn counts(&self) -> Result<[u64; 2], String> {
        let servers = self.status()?;
        let sum = |key: &str| servers.iter().filter_map(|server| server[key].as_u64()).sum();
        Ok(["links", "hits"].map(sum))
    }

    /// Waits until all have read their inputs.
    fn wait_until_ready(&self) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < START {
            let servers = self.status()?;
            if !servers.is_empty() && servers.iter().all(|server| server["starting"] == false) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err("no server has started".into())
    }

    fn stop(&self) -> Result<(), String> {
        self.ask("--server-stop").map(|_| ())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How many programs wanted to run in the last minute, on average.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|word| !word.is_empty()).unwrap_or("an unknown number of").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_other_projects_stay() {
        let document = format!(
            "{}\n{HEAD}| lua | 1 |\n| lua | 2 |\n| cxx-100 | 3 |\n\nNote.\n{}",
            BUILDS_TABLE[0], BUILDS_TABLE[1]
        );
        let new = ["| cxx-100 | 4 |\n".to_string(), "| cxx-100 | 5 |\n".to_string()];
        assert_eq!(
            with_others(&new, &document),
            "| lua | 1 |\n| lua | 2 |\n| cxx-100 | 4 |\n| cxx-100 | 5 |\n"
        );
    }
}
