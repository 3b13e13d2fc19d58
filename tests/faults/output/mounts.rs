//! File systems of other kinds: full ones, overlays, bind mounts, no `/proc`. Root can mount them; otherwise these tests are
//! skipped.

use super::scene::{is_root, skipped, Scene, OLD};
use std::fs;
use std::process::Command;

/// True, with a message, if something cannot be mounted.
fn cannot(mounted: bool, what: &str) -> bool {
    if !mounted {
        skipped(&format!("{what} cannot be mounted here"));
    }
    !mounted
}

#[test]
fn a_full_disk_keeps_the_old_output() {
    let mut scene = Scene::new(200_000);
    if cannot(is_root() && scene.mount(&["-t", "tmpfs", "-o", "size=128k", "none"], "out"), "tmpfs") {
        return;
    }
    fs::write(scene.path("out/m"), OLD).unwrap();
    for more in [&[][..], &["--Map=out/m.map"], &["--reproduce=out/m.tar"], &["--time-trace=out/m.json"]] {
        let arguments = [&["-o", "out/m"], more].concat();
        let output = scene.wald(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!scene.check(&output, more));
        assert!(String::from_utf8_lossy(&output.stderr).contains("No space left on device"));
    }
}

#[test]
fn a_report_that_has_no_room_leaves_everything_as_it_was() {
    let mut scene = Scene::new(200_000);
    fs::create_dir(scene.path("full")).unwrap();
    if cannot(is_root() && scene.mount(&["-t", "tmpfs", "-o", "size=4k", "none"], "full"), "tmpfs") {
        return;
    }
    fs::write(scene.path("full/report"), [b'x'; 4096]).unwrap();
    for option in ["--Map", "--time-trace", "--reproduce"] {
        let option = format!("{option}=full/report");
        let output = scene.wald(&["-o", "out/m", &option]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{option}");
        assert!(!scene.check(&output, &option));
        assert_eq!(fs::read(scene.path("full/report")).unwrap(), [b'x'; 4096], "{option}");
        assert_eq!(fs::read_dir(scene.path("full")).unwrap().count(), 1, "{option}");
    }
}

#[test]
fn an_output_that_is_a_mount_point_is_written_through() {
    let mut scene = Scene::new(20_000);
    fs::write(scene.path("elsewhere"), [7; 100_000]).unwrap();
    let elsewhere = scene.path("elsewhere");
    let mounted = is_root() && scene.mount(&["--bind", elsewhere.to_str().unwrap()], "out/m");
    if cannot(mounted, "a file") {
        return;
    }
    let output = scene.wald(&["-o", "out/m"]).output().unwrap();
    assert!(scene.check(&output, "bind mount"));
    assert_eq!(fs::read(&elsewhere).unwrap(), scene.module);
}

#[test]
fn an_overlay_is_written_to() {
    let mut scene = Scene::new(20_000);
    for name in ["base", "base/lower", "base/upper", "base/work"] {
        fs::create_dir(scene.path(name)).unwrap();
    }
    fs::write(scene.path("base/lower/m"), OLD).unwrap();
    let options = "lowerdir=base/lower,upperdir=base/upper,workdir=base/work";
    if cannot(is_root() && scene.mount(&["-t", "overlay", "-o", options, "none"], "out"), "overlay") {
        return;
    }
    for _ in 0..2 {
        let output = scene.wald(&["-o", "out/m"]).output().unwrap();
        assert!(scene.check(&output, "overlay"));
    }
    assert_eq!(fs::read(scene.path("base/lower/m")).unwrap(), OLD);
    scene.unmount();
}

#[test]
fn without_proc_it_links() {
    let scene = Scene::new(20_000);
    let hidden = "mount -t tmpfs none /proc && exec \"$@\"";
    let works = Command::new("unshare").args(["--mount", "sh", "-c", hidden, "sh", "true"]).output();
    if cannot(is_root() && works.is_ok_and(|output| output.status.success()), "a tmpfs over /proc") {
        return;
    }
    for caps in [&[][..], &["setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-dac_read_search"]] {
        scene.begin_again();
        let words = [&["unshare", "--mount", "sh", "-c", hidden, "sh"], caps].concat();
        let output = scene.wald_through(&words, &["-o", "out/m"]).output().unwrap();
        assert!(scene.check(&output, caps));
    }
}
