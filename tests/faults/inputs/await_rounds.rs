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
    /// Another exit code, where a link from nothing fails too.
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
    /// How it is written, again and again; none where it is there from the start.
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

/// What happens in one round.
#[derive(Debug)]
struct Round {
    seed: u64,
    plans: Vec<Plan>,
    /// The file that is not complete before all others are.
    last: usize,
    version: u8,
    way: Way,
    skew: Skew,
    pause: usize,
    /// With a descriptor: a file counts when it was named, and an old one is no danger.
    is_told: bool,
    /// One more change when all are there: the module is the one before or the one after.
    late: Option<(usize, u8, Way)>,
    /// How long the command waits for the first change.
    wait: usize,
}

impl Round {
    fn new(seed: u64) -> Round {
        let random = &mut Random::new(seed);
        let mut plans: Vec<Plan> = (0..FILES.len()).map(|file| plan(file, random)).collect();
        let last = random.below(IMPORTS);
        (plans[last].stale, plans[last].writes) = (None, Vec::new());
        let (version, way) = (random.below(VERSIONS.into()) as u8, random.pick(LAST_WAYS));
        let (skew, pause) = (random.pick(SKEWS), random.pick(&[0, 3, 20, 40, 90]));
        let is_told = random.once_in(4);
        let is_late = !is_told && random.once_in(6);
        let late = (
            random.below(NAMED),
            random.below(VERSIONS.into()) as u8,
            random.pick(&[Way::Rename, Way::InPlace]),
        );
        let wait = if random.once_in(3) { random.below(60) } else { 0 };
        Round { seed, plans, last, version, way, skew, pause, is_told, late: is_late.then_some(late), wait }
    }

    /// Writes all files but the last one, all at the same time, and then that one.
    fn play(&self, folder: &Folder, tell: &(impl Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for plan in self.plans.iter().filter(|plan| plan.file != self.last) {
                let mut random = Random::new(self.seed.rotate_left(32) + plan.file as u64);
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
        });
        let mut random = Random::new(self.seed.rotate_left(16));
        let bytes = bytes(self.last, self.version);
        write(&folder.path(self.last), &bytes, self.way, self.skew, self.pause, &mut random);
        // What the archives refer to is complete now.
        (0..NAMED).filter(|&file| file != self.last && FILES[file].name.ends_with(".a")).for_each(tell);
        tell(self.last);
    }

    fn versions(&self) -> Versions {
        let last = |plan: &Plan| plan.writes.last().map(|write| write.0).or(plan.stale).unwrap_or_default();
        let mut versions: Versions = self.plans.iter().map(last).collect();
        versions[self.last] = self.version;
        versions
    }
}

/// Runs a round. An error is what went wrong.
pub fn run(seed: u64) -> Result<End, String> {
    let round = Round::new(seed);
    let folder = Folder::new(&format!("await-{seed}"));
    for Plan { file, stale, .. } in &round.plans {
        if let Some(stale) = stale {
            std::fs::write(folder.path(*file), bytes(*file, *stale)).unwrap();
        }
    }
    sleep(round.wait);
    let mut options = vec!["--await-inputs", "--await-timeout=60"];
    options.extend(round.is_told.then_some("--ready-fd=0"));
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
    round.play(&folder, &tell);
    let mut versions = round.versions();
    let mut allowed = vec![expected(&versions)];
    if let Some((file, version, way)) = round.late {
        sleep(version.into());
        write(&folder.path(file), &bytes(file, version), way, Skew::None, 0, &mut Random::new(seed));
        versions[file] = version;
        allowed.push(expected(&versions));
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    match (output.status.code(), folder.output()) {
        (Some(0), Some(module)) if allowed.contains(&Some(module.clone())) => Ok(End::Linked),
        (Some(0), _) => Err(format!("a wrong module with exit code 0: {round:?}")),
        (Some(1), None) if allowed.contains(&None) => Ok(End::Failed),
        (Some(1), None) if round.late.is_some() => Ok(End::Refused),
        (code, _) => Err(format!("exit code {code:?}: {said}{round:?}")),
    }
}

/// The archives are complete only when what they refer to is; they are named at the end.
fn tell_if_not_referred_to(file: usize, tell: &impl Fn(usize)) {
    if !FILES[file].name.ends_with(".a") {
        tell(file);
    }
}
