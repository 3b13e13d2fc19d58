//! Signals at every moment of the output path, and at random ones.

use super::injection::{calls, can_trace, link, without_nameless_files};
use super::scene::{rounds, Scene, OLD};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Signals that end the process, by name and number.
const DEADLY: &[(&str, i32)] =
    &[("SIGTERM", 15), ("SIGINT", 2), ("SIGHUP", 1), ("SIGQUIT", 3), ("SIGKILL", 9)];
/// One that does not: the write says what is wrong.
const FILE_TOO_LARGE: (&str, i32) = ("SIGXFSZ", 25);

/// Those of [`DEADLY`] that this process does not ignore. A child ignores what its parent ignores: under `nohup`, or in a shell's
/// background.
fn deadly() -> Vec<(&'static str, i32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0);
    let is_ignored = |number: i32| ignored >> (number - 1) & 1 == 1;
    DEADLY.iter().filter(|(_, number)| !is_ignored(*number)).copied().collect()
}

/// Checks what a signal left. After `SIGKILL` temporary files may be there, which the next link removes.
fn check(scene: &Scene, output: &Output, signal: i32, what: &str) {
    if signal == 9 {
        let now = scene.output();
        assert!(now == OLD || now == scene.module, "{what}: {} bytes", now.len());
        let left: Vec<String> = scene.names().into_iter().filter(|name| name != "m").collect();
        assert!(left.iter().all(|name| name.starts_with("m.tmp")), "{what}: {left:?}");
        if !left.is_empty() {
            let output = scene.wald(&["-o", "out/m"]).output().unwrap();
            assert!(scene.check(&output, what), "{what}");
        }
        return;
    }
    scene.check(output, what);
    assert!(output.status.code() == Some(0) || output.status.signal() == Some(signal), "{what}: {output:?}");
}

#[test]
fn aimed_signals_lose_nothing() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(300_000);
    let settings = [vec![], vec!["inject=linkat:error=EPERM".into()], vec![without_nameless_files(&scene)]];
    let (wanted, mut count, mut killed, deadly) = (rounds(150), 0, 0, deadly());
    // A prime stride goes through all moments before one is repeated.
    for round in 0.. {
        for rules in &settings {
            scene.begin_again();
            let calls = calls(&scene, rules, &[]);
            for (place, call) in calls.iter().enumerate() {
                if count >= wanted {
                    assert!(killed * 2 > count, "{killed} of {count} were killed");
                    println!("{count} aimed signals, {killed} ended the process");
                    return;
                }
                let (name, number) = match (place + round) % (deadly.len() + 1) {
                    all if all == deadly.len() => FILE_TOO_LARGE,
                    other => deadly[other],
                };
                let rule = format!("inject={}:signal={name}:when={}", call.name, call.number);
                if rules.iter().any(|other: &String| other.starts_with(&format!("inject={}:", call.name))) {
                    continue;
                }
                scene.begin_again();
                let output =
                    link(&scene, &[&rules[..], std::slice::from_ref(&rule)].concat(), "/dev/null", &[]);
                check(&scene, &output, number, &format!("{rule} at {}", call.line));
                count += 1;
                killed += usize::from(output.status.signal().is_some());
            }
        }
    }
}

#[test]
fn signals_at_random_moments_lose_nothing() {
    let scene = Scene::new(4_000_000);
    let begin = Instant::now();
    scene.check(&scene.wald(&["-o", "out/m"]).output().unwrap(), "whole");
    let (mut takes, deadly) = (begin.elapsed(), deadly());
    let (mut state, mut killed, wanted) = (12345_u64, 0, rounds(100));
    for round in 0..wanted {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let delay = takes.mul_f64((state >> 40) as f64 / (1 << 24) as f64 * 1.1);
        let (name, number) = deadly[round % deadly.len()];
        scene.begin_again();
        let child =
            scene.wald(&["-o", "out/m"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        let _ = Command::new("kill")
            .args([format!("-{number}"), child.id().to_string()])
            .stderr(Stdio::null())
            .status();
        let output = child.wait_with_output().unwrap();
        let is_killed = output.status.signal().is_some();
        killed += usize::from(is_killed);
        // A link takes longer or shorter than the first one, as the machine has other work.
        takes = takes.mul_f64(if is_killed { 1.05 } else { 0.9 });
        check(&scene, &output, number, &format!("{name} after {delay:?}"));
    }
    assert!(killed * 4 > wanted, "only {killed} of {wanted} were killed");
}

#[test]
fn ignored_signals_stay_ignored() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(100);
    for (name, number) in [("HUP", 1), ("INT", 2), ("TERM", 15)] {
        scene.begin_again();
        let script =
            format!("trap '' {name}; exec strace -f -q -o /dev/null -e inject=rename:signal={number} \"$@\"");
        let output = scene.wald_through(&["sh", "-c", &script, "sh"], &["-o", "out/m"]).output().unwrap();
        assert!(scene.check(&output, name), "{name} ended it: {output:?}");
    }
}

/// A temporary file is removed if it was abandoned, and only then.
#[test]
fn files_of_running_links_are_left_alone() {
    let scene = Scene::new(100);
    let (abandoned, locked) = (scene.path("out/m.tmp-wald0"), scene.path("out/m.tmp-wald1"));
    std::fs::write(&abandoned, "left").unwrap();
    std::fs::write(&locked, "in use").unwrap();
    let mut holder = Command::new("flock")
        .arg(&locked)
        .args(["sh", "-c", "echo locked; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 7];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut line).unwrap();
    // The first link meets both names, the second one none.
    for _ in 0..2 {
        assert!(scene.wald(&["-o", "out/m"]).status().unwrap().success());
        assert_eq!(scene.names(), ["m", "m.tmp-wald1"]);
        std::fs::write(&abandoned, "left").unwrap();
    }
    assert_eq!(std::fs::read(&locked).unwrap(), b"in use");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    std::fs::write(&abandoned, "left").unwrap();
    assert!(scene.wald(&["-o", "out/m"]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(1));
    assert!(!abandoned.exists());
}
