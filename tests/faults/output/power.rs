//! Power failures: a file system on a loop device is copied while it is in use, as if the plug had been pulled at that
//! moment. What the copy holds after the journal was replayed must be the old module or the new one.

use super::scene::{is_long, is_root, skipped, Scene, OLD};
use std::fs;
use std::process::Command;
use std::time::Duration;

const SIZE: usize = 3_000_000;

fn run(program: &str, arguments: &[&str], scene: &Scene) -> bool {
    let output = Command::new(program).args(arguments).current_dir(&scene.directory).output();
    output.is_ok_and(|output| output.status.success())
}

/// The device's bytes. Copied until two copies agree: a copy made during writes is not a snapshot.
fn snapshot(scene: &Scene) -> Vec<u8> {
    let mut last = fs::read(scene.path("disk")).unwrap();
    for _ in 0..50 {
        let next = fs::read(scene.path("disk")).unwrap();
        if next == last {
            break;
        }
        last = next;
    }
    last
}

/// What is in the output directory of a disk whose plug was pulled.
fn after_crash(disk: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut scene = Scene::new(1);
    fs::write(scene.path("disk"), disk).unwrap();
    fs::create_dir(scene.path("mnt")).unwrap();
    assert!(scene.mount(&["-o", "loop", "disk"], "mnt"), "the journal cannot be replayed");
    let entries = fs::read_dir(scene.path("mnt")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().into(), fs::read(&path).unwrap())).collect()
}

/// Links onto an old output, waits, pulls the plug.
fn pull(way: &[&str], wait: Duration, commit: &str, expect_new: bool) {
    let mut scene = Scene::new(SIZE);
    fs::File::create(scene.path("disk")).unwrap().set_len(48 << 20).unwrap();
    let made = is_root() && run("mkfs.ext4", &["-q", "-F", "disk"], &scene);
    if !made || !scene.mount(&["-o", &format!("loop,commit={commit}"), "disk"], "out") {
        return skipped("a file system on a loop device cannot be made here");
    }
    let old = vec![3; SIZE];
    fs::write(scene.path("out/m"), &old).unwrap();
    assert!(run("sync", &[], &scene));
    let output = scene.wald(&[&["-o", "out/m"], way].concat()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    std::thread::sleep(wait);
    let disk = snapshot(&scene);
    let files = after_crash(&disk);
    let [(name, now)] = &files.iter().filter(|(name, _)| name.starts_with('m')).collect::<Vec<_>>()[..]
    else {
        panic!(
            "{way:?} after {wait:?}: {:?}",
            files.iter().map(|(name, bytes)| (name, bytes.len())).collect::<Vec<_>>()
        )
    };
    let state = match () {
        () if *now == scene.module => "new",
        () if *now == old || *now == OLD => "old",
        () => "neither",
    };
    assert_eq!(name, "m");
    let zeros = now.iter().filter(|&&byte| byte == 0).count();
    assert_ne!(state, "neither", "{way:?} after {wait:?}: {} bytes, {zeros} of them 0", now.len());
    assert!(!expect_new || state == "new", "{way:?} after {wait:?}: still {state}");
}

#[test]
fn the_plug_is_pulled_after_a_link() {
    // With commits every second, the rename is on the disk after two; data that nobody asked for are not for five.
    for way in [&[][..], &["--await-inputs", "--await-newer=/bin/sh"]] {
        pull(way, Duration::from_millis(300), "1", false);
        pull(way, Duration::from_millis(2500), "1", true);
    }
    if is_long() {
        for seconds in [0, 1, 2, 3, 5, 7, 10] {
            for way in [&[][..], &["--await-inputs", "--await-newer=/bin/sh"]] {
                pull(way, Duration::from_secs(seconds), "5", false);
                pull(way, Duration::from_secs(seconds), "1", seconds > 2);
            }
        }
    }
}
