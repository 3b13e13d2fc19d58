//! Every system call of the output path fails once, with every error that it might give. `strace` makes them fail.

use super::scene::{has, skipped, Scene};
use std::process::{Command, Output};

/// Calls that fail, with the errors to try. What is not listed can fail in no way that the output depends on.
const FAILURES: &[(&str, &[&str])] = &[
    ("openat", &["EACCES", "EMFILE", "ENOSPC", "EOPNOTSUPP", "EISDIR", "EIO"]),
    ("statx", &["EACCES", "EIO"]),
    ("write", &["ENOSPC", "EIO", "EFBIG", "EDQUOT", "EINTR"]),
    ("pwrite64", &["ENOSPC", "EIO", "EFBIG", "EDQUOT", "EINTR"]),
    ("flock", &["ENOLCK", "EOPNOTSUPP", "EAGAIN"]),
    ("fcntl", &["EMFILE"]),
    ("close", &["EIO", "ENOSPC", "EDQUOT"]),
    ("linkat", &["ENOENT", "EPERM", "EXDEV", "EOPNOTSUPP", "ENOSPC", "EEXIST", "EMLINK"]),
    ("rename", &["EBUSY", "EPERM", "EACCES", "EXDEV", "ENOSPC", "EIO", "EROFS"]),
    ("unlink", &["EACCES", "EIO"]),
    ("lseek", &["EIO"]),
    ("copy_file_range", &["ENOSPC", "EIO", "EXDEV", "ENOSYS"]),
    ("rt_sigprocmask", &["EINVAL"]),
];

/// The one call of the output path that other threads make.
const OF_WORKERS: &str = "pwrite64";

/// A call of the main thread, or one of [`OF_WORKERS`].
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    /// Which of the calls of this name it is in its thread, from 1 on. strace counts like this.
    pub number: usize,
    pub line: String,
}

/// Whether strace is installed and may trace.
pub fn can_trace() -> bool {
    let works = has("strace")
        && Command::new("strace")
            .args(["-o", "/dev/null", "true"])
            .status()
            .is_ok_and(|status| status.success());
    if !works {
        skipped("strace is not installed or may not trace");
    }
    works
}

/// Links with the first calls of `inject` as strace understands it.
pub fn link(scene: &Scene, inject: &[String], log: &str, arguments: &[&str]) -> Output {
    let mut words = vec!["strace", "-f", "-q", "-o", log];
    for one in inject {
        words.extend(["-e", one]);
    }
    let arguments = [&["--threads=1", "-o", "out/m"], arguments].concat();
    scene.wald_through(&words, &arguments).output().unwrap()
}

/// The calls from the first one on that has to do with the output.
pub fn calls(scene: &Scene, inject: &[String], arguments: &[&str]) -> Vec<Call> {
    let log = scene.path("trace");
    let output = link(scene, inject, log.to_str().unwrap(), arguments);
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(&log).unwrap();
    let main = text.split_whitespace().next().unwrap().to_string();
    let mut counts = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    let mut is_output = false;
    for (thread, line) in text.lines().filter_map(|line| line.split_once(' ')) {
        // Calls that end later are named again when they do.
        let Some((name, _)) = line.trim_start().split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        if thread != main && name != OF_WORKERS {
            continue;
        }
        let number = counts.entry((thread.to_string(), name.to_string())).or_insert(0);
        *number += 1;
        is_output |= name != "execve" && (line.contains("\"out\"") || line.contains("\"out/"));
        if is_output {
            calls.push(Call { name: name.into(), number: *number, line: line.trim().into() });
        }
    }
    assert!(calls.iter().any(|call| call.name == "rename"), "{text}");
    calls
}

/// The failures of these calls, for strace.
fn failures(calls: &[Call]) -> Vec<(String, &Call)> {
    let mut all = Vec::new();
    for call in calls {
        let errors =
            FAILURES.iter().find(|(name, _)| *name == call.name).map_or(&[][..], |(_, errors)| errors);
        for error in errors {
            all.push((format!("inject={}:error={error}:when={}", call.name, call.number), call));
        }
    }
    all
}

fn every_failure(scene: &Scene, base: &[String]) -> (usize, usize) {
    let calls = calls(scene, base, &[]);
    let (mut count, mut new) = (0, 0);
    for (inject, call) in failures(&calls) {
        // strace takes only one rule for a call.
        if base.iter().any(|rule| rule.starts_with(&format!("inject={}:", call.name))) {
            continue;
        }
        scene.begin_again();
        let rules = [base, std::slice::from_ref(&inject)].concat();
        let output = link(scene, &rules, "/dev/null", &[]);
        // A name that cannot be removed stays; nothing can be done about that.
        if call.name != "unlink" {
            new += usize::from(scene.check(&output, (&inject, &call.line)));
        }
        count += 1;
    }
    (count, new)
}

#[test]
fn every_system_call_of_the_output_fails_once() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(20_000);
    let (count, new) = every_failure(&scene, &[]);
    assert!(count > 40 && new > 0 && new < count, "{count} failures, {new} new modules");
}

#[test]
fn and_where_files_without_a_name_cannot_be_linked() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(20_000);
    let (count, new) = every_failure(&scene, &["inject=linkat:error=EPERM".into()]);
    assert!(count > 40 && new > 0 && new < count, "{count} failures, {new} new modules");
}

/// The rule that makes this file system one without nameless files.
pub fn without_nameless_files(scene: &Scene) -> String {
    let calls = calls(scene, &[], &[]);
    let opens: Vec<usize> =
        calls.iter().filter(|call| call.line.contains("O_TMPFILE")).map(|call| call.number).collect();
    let [open] = opens[..] else { panic!("{calls:?}") };
    format!("inject=openat:error=EOPNOTSUPP:when={open}")
}

#[test]
fn and_where_every_file_has_a_name() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(20_000);
    let rule = without_nameless_files(&scene);
    scene.begin_again();
    assert!(
        calls(&scene, std::slice::from_ref(&rule), &[]).iter().all(|call| call.name != "linkat"),
        "{rule}"
    );
    let (count, new) = every_failure(&scene, &[rule]);
    assert!(count > 30 && new > 0 && new < count, "{count} failures, {new} new modules");
}

#[test]
fn a_module_that_gets_no_name_after_its_map_did_says_so() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(100);
    let rule = "inject=rename:error=EIO:when=2".to_string();
    let output = link(&scene, &[rule], "/dev/null", &["--Map=out/m.map"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("cannot open output file out/m: Input/output error"), "{said}");
    assert!(said.contains("note: map file out/m.map was written"), "{said}");
    assert_eq!(scene.output(), super::scene::OLD);
    assert_eq!(scene.names(), ["m", "m.map"]);
}
