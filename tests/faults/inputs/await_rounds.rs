//! A round of `--await-inputs`: a program is built in some odd way, and the module must be that of its final files.

use super::project::{bytes, expected, Folder, Random, Versions, FILES, IMPORTS, NAMED, VERSIONS};
use super::writer::{sleep, write, Skew, Way, LAST_WAYS, SKEWS, WAYS};
use std::io::Write;
use std::process::Stdio;
use std::sync::Mutex;

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Exit code 0 and the right module.
    Linked,
    /// Another exit code, and a link from nothing fails too.
    Failed,
    /// Another exit code after a change that came too late.
    Refused,
}

/// What happens to one file.
#[derive(Clone, Debug)]
struct Plan {
    file: usize,
    /// The version that an earlier build left.
    stale: Option<u8>,
    /// How it is written, again and again; empty if it exists from the start.
    writes: Vec<(u8, Way, Skew, usize)>,
    start: usize,
}

fn plan(file: usize, random: &mut Random) -> Plan {
    let version = |random: &mut Random| match (file, random.once_in(12)) {
        // Without the name the link fails: now and then.
        (IMPORTS, false) => random.below(2) as u8,
        _ => random.below(VERSIONS.into()) as u8,
    };
    let stale = (!random.once_in(3)).then(|| version(random));
    let mut writes = Vec::new();
    let count = if stale.is_some() { random.pick(&[0, 0, 1, 1, 2]) } else { random.pick(&[1, 1, 1, 2]) };
    for _ in 0..count {
        let pause = random.pick(&[0, 1, 5, 15, 30, 45, 70]);
        writes.push((version(random), random.pick(WAYS), random.pick(SKEWS), pause));
    }
    Plan { file, stale, writes, start: random.below(40) }
}

/// What happens to all files of a round.
#[derive(Debug)]
struct Round {
    seed: u64,
    plans: Vec<Plan>,
    /// The file that is written when all others are complete.
    last: usize,
    last_version: u8,
    last_way: Way,
    last_skew: Skew,
    last_pause: usize,
    /// Complete files are named on a descriptor, so an old file cannot be mistaken for a complete one.
    is_told: bool,
    /// One file changes once more when all are complete: the module is the one before or the one after.
    is_late: bool,
    late: (usize, u8, Way),
}

impl Round {
    fn new(seed: u64, random: &mut Random) -> Round {
        let mut plans: Vec<Plan> = (0..FILES.len()).map(|file| plan(file, random)).collect();
        let last = random.below(IMPORTS);
        let (last_version, last_way) = (random.below(VERSIONS.into()) as u8, random.pick(LAST_WAYS));
        let (last_skew, last_pause) = (random.pick(SKEWS), random.pick(&[0, 3, 20, 40, 90]));
        (plans[last].stale, plans[last].writes) = (None, Vec::new());
        let is_told = random.once_in(4);
        let is_late = !is_told && random.once_in(6);
        let late = (
            random.below(NAMED),
            random.below(VERSIONS.into()) as u8,
            random.pick(&[Way::Rename, Way::InPlace]),
        );
        Round { seed, plans, last, last_version, last_way, last_skew, last_pause, is_told, is_late, late }
    }

    /// Leaves what an earlier build left.
    fn write_stale(&self, folder: &Folder) {
        for Plan { file, stale, .. } in &self.plans {
            if let Some(stale) = stale {
                std::fs::write(folder.path(*file), bytes(*file, *stale)).unwrap();
            }
        }
    }

    /// Writes all files but the last, each on a thread of its own, and takes at least `at_least` milliseconds.
    fn write_all_but_last(&self, folder: &Folder, at_least: usize, tell: &(impl Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for plan in self.plans.iter().filter(|plan| plan.file != self.last) {
                let random = &mut Random::new(self.seed ^ (plan.file as u64 + 1) << 32);
                let mut random = Random::new(random.next());
                scope.spawn(move || {
                    sleep(plan.start);
                    for &(version, way, skew, pause) in &plan.writes {
                        let bytes = bytes(plan.file, version);
                        write(&folder.path(plan.file), &bytes, way, skew, pause, &mut random);
                        tell_if_not_referred_to(plan.file, tell);
                        sleep(pause / 2);
                    }
                    if plan.writes.is_empty() {
                        tell_if_not_referred_to(plan.file, tell);
                    }
                });
            }
            sleep(at_least);
        });
    }

    /// Writes the last file, and then the late change. Returns the modules that are right: `None` is a failed link.
    fn write_last(
        &self,
        folder: &Folder,
        random: &mut Random,
        tell: &impl Fn(usize),
    ) -> Vec<Option<Vec<u8>>> {
        // What they refer to is complete now; the list of names may be missing.
        let thin = FILES.iter().position(|file| file.name == "thin.a").unwrap_or_default();
        let archive = FILES.iter().position(|file| file.name == "lib.a").unwrap_or_default();
        let contents = bytes(self.last, self.last_version);
        write(&folder.path(self.last), &contents, self.last_way, self.last_skew, self.last_pause, random);
        for file in [thin, archive].into_iter().filter(|&file| file != self.last) {
            tell(file);
        }
        tell(self.last);
        let final_version =
            |plan: &Plan| plan.writes.last().map(|write| write.0).or(plan.stale).unwrap_or_default();
        let mut versions: Versions = self.plans.iter().map(final_version).collect();
        versions[self.last] = self.last_version;
        let mut allowed = vec![expected(&versions)];
        if self.is_late {
            let (file, version, way) = self.late;
            sleep(version as usize);
            write(&folder.path(file), &bytes(file, version), way, Skew::None, 0, random);
            versions[file] = version;
            allowed.push(expected(&versions));
        }
        allowed
    }
}

/// Runs a round. An error is what went wrong.
pub fn run(seed: u64) -> Result<End, String> {
    let random = &mut Random::new(seed);
    let folder = Folder::new(&format!("await-{seed}"));
    let round = Round::new(seed, random);
    round.write_stale(&folder);
    let wait = random.below(60);
    if random.once_in(3) {
        // Old files, as far as our clock says.
        sleep(wait);
    }
    let mut options = vec!["--await-inputs", "--await-timeout=60"];
    // What an earlier build left counts: nobody says which of it stays.
    options.push(if round.is_told { "--ready-fd=0" } else { "--await-newer=/bin/sh" });
    let mut command = folder.command(&options);
    let mut child =
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
    let ready = Mutex::new(child.stdin.take().ok_or("no standard input")?);
    let tell = |file: usize| {
        if round.is_told && file < NAMED {
            // It may have failed already.
            let _ = writeln!(ready.lock().unwrap(), "{}", FILES[file].name);
        }
    };
    let at_least = if random.once_in(2) { round.last_pause } else { 0 };
    round.write_all_but_last(&folder, at_least, &tell);
    let allowed = round.write_last(&folder, random, &tell);
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    match (output.status.code(), folder.output()) {
        (Some(0), Some(module)) if allowed.contains(&Some(module.clone())) => Ok(End::Linked),
        (Some(0), _) => Err(format!("a wrong module with exit code 0: {round:?}")),
        (Some(1), None) if allowed.contains(&None) => Ok(End::Failed),
        (Some(1), None) if round.is_late => Ok(End::Refused),
        (code, _) => Err(format!("exit code {code:?}: {said}{round:?}")),
    }
}

/// The archives are complete only when what they refer to is; they are named at the end.
fn tell_if_not_referred_to(file: usize, tell: &impl Fn(usize)) {
    if !FILES[file].name.ends_with(".a") {
        tell(file);
    }
}
