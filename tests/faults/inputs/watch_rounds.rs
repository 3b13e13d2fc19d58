//! Rounds of `--watch`: some files change in some odd way; every module is that of complete files, and in the end that of all.

use super::project::{bytes, expected, Folder, Random, Versions, FILES, IMPORTS, VERSIONS};
use super::writer::{sleep, write, SKEWS, WAYS};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long the right module may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the command.
struct Watched(Child);

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs so many rounds on one kept linker. An error is what went wrong.
pub fn run(seed: u64, rounds: usize) -> Result<(), String> {
    let random = &mut Random::new(seed);
    let folder = Folder::new(&format!("watch-{seed}"));
    let mut versions: Versions = vec![0; FILES.len()];
    for file in 0..FILES.len() {
        std::fs::write(folder.path(file), bytes(file, 0)).unwrap();
    }
    let mut command = folder.command(&["--watch"]);
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let stderr = child.stderr.take().ok_or("no standard error")?;
    let _watched = Watched(child);
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let is_done = AtomicBool::new(true);
    wait_for(&folder, &lines, &[], &expected(&versions), &is_done)
        .map_err(|error| format!("seed {seed}: {error}"))?;
    for round in 0..rounds {
        let mut described = format!("seed {seed}, round {round}:");
        let mut allowed = vec![versions.clone()];
        let mut writes = Vec::new();
        for _ in 0..1 + random.below(2) {
            let file = random.below(FILES.len());
            let end = if file == IMPORTS && !random.once_in(3) { 2 } else { VERSIONS };
            let (version, way) = (random.below(end.into()) as u8, random.pick(WAYS));
            let (skew, pause) = (random.pick(SKEWS), random.pick(&[0, 2, 10, 30, 60]));
            described += &format!(" {file} {version} {way:?} {skew:?} {pause};");
            writes.push((file, version, way, skew, pause));
            let mut more = allowed.clone();
            more.iter_mut().for_each(|versions| versions[file] = version);
            allowed.append(&mut more);
            versions[file] = version;
        }
        let allowed: Vec<Vec<u8>> = allowed.iter().filter_map(expected).collect();
        let right = expected(&versions);
        let others = &mut Random::new(random.next());
        let is_done = AtomicBool::new(false);
        let result = std::thread::scope(|scope| {
            let (folder, is_done) = (&folder, &is_done);
            scope.spawn(move || {
                for (file, version, way, skew, pause) in writes {
                    write(&folder.path(file), &bytes(file, version), way, skew, pause, others);
                    sleep(pause / 2);
                }
                is_done.store(true, Ordering::SeqCst);
            });
            wait_for(folder, &lines, &allowed, &right, is_done)
        });
        result.map_err(|error: String| format!("{error}: {described}"))?;
    }
    Ok(())
}

/// Waits for the right module, or the failure that is right, once all is written. Every module on the way is an allowed one.
fn wait_for(
    folder: &Folder,
    lines: &Receiver<String>,
    allowed: &[Vec<u8>],
    right: &Option<Vec<u8>>,
    is_done: &AtomicBool,
) -> Result<(), String> {
    let start = Instant::now();
    let mut last = String::new();
    loop {
        let is_right = is_done.load(Ordering::SeqCst)
            && match right {
                Some(right) => folder.output().as_ref() == Some(right),
                None => last.contains("not linked"),
            };
        match lines.recv_timeout(Duration::from_millis(if is_right { 60 } else { 5 })) {
            Ok(line) => {
                last = line;
                let module = folder.output();
                let is_allowed =
                    |module: &Vec<u8>| allowed.contains(module) || Some(module) == right.as_ref();
                if !last.contains("not linked")
                    && last.contains("linked in")
                    && !module.as_ref().is_some_and(is_allowed)
                {
                    return Err(format!("a wrong module: {last}"));
                }
            }
            Err(RecvTimeoutError::Timeout) if is_right => return Ok(()),
            Err(RecvTimeoutError::Timeout) if start.elapsed() < PATIENCE => {}
            Err(error) => return Err(format!("no right module: {error}, {last}")),
        }
    }
}
