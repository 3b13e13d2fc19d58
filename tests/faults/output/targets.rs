//! What `-o` may name: each row of the table in docs/guide.md.

use super::scene::{is_root, skipped, Scene, OLD};
use std::fs;
use std::os::unix::fs::{symlink, FileTypeExt, MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

fn link(scene: &Scene, output: &str) -> (i32, String, Vec<u8>) {
    let output = scene.wald(&["-o", output]).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned(), output.stdout)
}

fn is_link(scene: &Scene, name: &str) -> bool {
    fs::symlink_metadata(scene.path(name)).unwrap().file_type().is_symlink()
}

/// The module with another name in its name section has another length, so only its beginning is compared.
fn is_module(bytes: &[u8]) -> bool {
    bytes.len() > 100 && wasmparser::validate(bytes).is_ok()
}

#[test]
fn symbolic_links_are_followed() {
    let scene = Scene::new(100);
    symlink("m", scene.path("out/link")).unwrap();
    symlink("link", scene.path("out/chain")).unwrap();
    symlink("../out/new", scene.path("out/dangling")).unwrap();
    symlink("absent/new", scene.path("out/nowhere")).unwrap();
    symlink("loop", scene.path("out/loop")).unwrap();
    for (name, file) in [("out/link", "out/m"), ("out/chain", "out/m"), ("out/dangling", "out/new")] {
        fs::write(scene.path("out/m"), OLD).unwrap();
        assert_eq!(link(&scene, name), (0, String::new(), Vec::new()), "{name}");
        assert!(is_module(&fs::read(scene.path(file)).unwrap()), "{name}");
        assert!(is_link(&scene, name), "{name}");
    }
    let error = |name: &str, reason: &str| {
        let said = format!("wald: error: cannot open output file {name}: {reason}\n");
        assert_eq!(link(&scene, name), (1, said, Vec::new()));
    };
    error("out/nowhere", "No such file or directory");
    error("out/loop", "Too many levels of symbolic links");
    assert_eq!(scene.names(), ["chain", "dangling", "link", "loop", "m", "new", "nowhere"]);
    assert!(scene.names()[..4].iter().all(|name| name == "m" || is_link(&scene, &format!("out/{name}"))));
}

#[test]
fn open_descriptors_are_written_to_as_they_are() {
    let scene = Scene::new(100);
    symlink("/proc/self/fd/1", scene.path("out/stdout")).unwrap();
    symlink("/proc/self/fd/7", scene.path("out/seven")).unwrap();
    for name in ["-", "out/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let (code, said, stdout) = link(&scene, name);
        assert_eq!((code, said.as_str()), (0, ""), "{name}");
        assert!(is_module(&stdout), "{name}");
    }
    // What a file has that is appended to stays.
    for (name, redirect) in [("-", ">>"), ("out/stdout", ">>"), ("/dev/fd/1", ">>"), ("out/seven", "7>>")] {
        scene.wald(&["-o", "out/m"]).status().unwrap();
        let before = scene.output();
        let script = format!("exec \"$@\" {redirect}out/m");
        let status = scene.wald_through(&["sh", "-c", &script, "sh"], &["-o", name]).status().unwrap();
        assert!(status.success(), "{name}");
        let now = scene.output();
        assert!(now.starts_with(&before) && is_module(&now[before.len()..]), "{name}");
    }
    assert!(is_link(&scene, "out/stdout") && is_link(&scene, "out/seven"));
    assert_eq!(scene.names(), ["m", "seven", "stdout"]);
}

#[test]
fn devices_and_fifos_are_written_to_as_they_are() {
    let scene = Scene::new(100_000);
    assert_eq!(link(&scene, "/dev/null"), (0, String::new(), Vec::new()));
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let full = link(&scene, "/dev/full");
    assert_eq!(full.1, "wald: error: cannot open output file /dev/full: No space left on device\n");
    let fifo = scene.path("out/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("fifo", scene.path("out/link")).unwrap();
    for name in ["out/fifo", "out/link"] {
        let reader = Command::new("cat").arg(&fifo).stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(link(&scene, name), (0, String::new(), Vec::new()));
        assert!(is_module(&reader.wait_with_output().unwrap().stdout), "{name}");
        assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo() && is_link(&scene, "out/link"));
    }
    if is_root() {
        let made = Command::new("mknod").arg(scene.path("out/null")).args(["c", "1", "3"]).status().unwrap();
        assert!(made.success());
        symlink("null", scene.path("out/to-null")).unwrap();
        for name in ["out/null", "out/to-null"] {
            assert_eq!(link(&scene, name), (0, String::new(), Vec::new()));
            assert!(fs::metadata(scene.path("out/null")).unwrap().file_type().is_char_device());
            assert!(is_link(&scene, "out/to-null"));
        }
    }
}

#[test]
fn the_new_file_is_a_new_file() {
    let scene = Scene::new(100);
    let path = scene.path("out/m");
    fs::hard_link(&path, scene.path("out/other")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let before = fs::metadata(&path).unwrap();
    let script = "umask 027; exec \"$@\"";
    let status = scene.wald_through(&["sh", "-c", script, "sh"], &["-o", "out/m"]).status().unwrap();
    assert!(status.success());
    let after = fs::metadata(&path).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!(after.permissions().mode() & 0o7777, 0o750);
    // The other name keeps the old module.
    assert_eq!(fs::read(scene.path("out/other")).unwrap(), OLD);
    assert_eq!(fs::metadata(scene.path("out/other")).unwrap().permissions().mode() & 0o7777, 0o400);
}

#[test]
fn directories_are_errors() {
    let scene = Scene::new(100);
    for (name, reason) in [
        ("out", "Is a directory"),
        ("out/", "Is a directory"),
        ("absent/m", "No such file or directory"),
        ("absent/", "No such file or directory"),
        ("out/m/x", "Not a directory"),
        ("out/m/", "Not a directory"),
    ] {
        let said = format!("wald: error: cannot open output file {name}: {reason}\n");
        assert_eq!(link(&scene, name), (1, said, Vec::new()));
    }
    let long = format!("out/{}", "n".repeat(255));
    assert_eq!(link(&scene, &long).0, 0, "no room for a suffix in the name");
    assert_eq!((scene.output(), scene.names().len()), (OLD.to_vec(), 2));
}

#[test]
fn other_users_files() {
    if !is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        return skipped("only root can become another user");
    }
    const USER: u32 = 54321;
    let scene = Scene::new(100);
    let set = |directory: u32, file: u32| {
        scene.begin_again();
        fs::set_permissions(scene.path("out"), fs::Permissions::from_mode(directory)).unwrap();
        fs::set_permissions(scene.path("out/m"), fs::Permissions::from_mode(file)).unwrap();
    };
    let owner = || fs::metadata(scene.path("out/m")).unwrap().uid();
    let link = || scene.wald_as(USER, &[], &["-o", "out/m"]).output().unwrap();
    // The directory decides, as for every file that is replaced.
    set(0o777, 0o444);
    assert!(scene.check(&link(), "read-only file") && owner() == USER);
    set(0o755, 0o666);
    assert!(!scene.check(&link(), "read-only directory") && owner() == 0);
    // With the sticky bit only the owner may replace it, but everybody whom it lets may write into it.
    set(0o1777, 0o666);
    assert!(scene.check(&link(), "sticky directory") && owner() == 0);
    set(0o1777, 0o644);
    assert!(!scene.check(&link(), "sticky directory, read-only file") && owner() == 0);
    // What root links is root's.
    set(0o755, 0o644);
    std::os::unix::fs::chown(scene.path("out/m"), Some(USER), Some(USER)).unwrap();
    assert!(
        scene.check(&scene.wald(&["-o", "out/m"]).output().unwrap(), "another user's file") && owner() == 0
    );
}
