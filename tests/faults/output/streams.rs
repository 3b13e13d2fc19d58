//! Standard output and standard error that are closed or full: nothing that was to be printed is lost without a word.

use super::scene::{Scene, OLD};
use std::process::Output;

fn shell(scene: &Scene, redirect: &str, arguments: &[&str]) -> Output {
    scene.wald_through(&["sh", "-c", &format!("exec \"$@\" {redirect}"), "sh"], arguments).output().unwrap()
}

#[test]
fn a_standard_output_that_takes_nothing_is_an_error() {
    let scene = Scene::new(100);
    let closed = [
        (">&-", "Bad file descriptor"),
        (">/dev/full", "No space left on device"),
        ("1</dev/null", "Bad file descriptor"),
    ];
    for (redirect, reason) in closed {
        for (arguments, message) in [
            (&["-o", "-"][..], "cannot open output file -: "),
            (&["-o", "/dev/stdout"], "cannot open output file /dev/stdout: "),
            (&["--help"], "cannot write to standard output: "),
            (&["--version"], "cannot write to standard output: "),
            (&["--print-man-page"], "cannot write to standard output: "),
            (&["--trace", "-o", "out/m"], "cannot write to standard output: "),
            (&["--Map=-", "-o", "out/m"], "cannot open map file -: "),
            (&["--why-extract=-", "-o", "out/m"], "cannot open --why-extract= file -: "),
            (&["--time-trace=-", "-o", "out/m"], "cannot open --time-trace= file -: "),
        ] {
            if redirect != ">/dev/full" && arguments.contains(&"/dev/stdout") {
                // Without the descriptor the symbolic link is dangling.
                continue;
            }
            let output = shell(&scene, redirect, arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{redirect} {arguments:?}: {said}");
            assert!(
                said.contains(&format!("error: {message}{reason}\n")),
                "{redirect} {arguments:?}: {said}"
            );
            assert_eq!(said.lines().count(), 1, "{redirect} {arguments:?}: {said}");
            assert_eq!((scene.output(), scene.names().len()), (OLD.to_vec(), 1), "{redirect} {arguments:?}");
        }
    }
}

#[test]
fn a_standard_error_that_takes_nothing_is_an_error() {
    let scene = Scene::new(100);
    for redirect in ["2>&-", "2>/dev/full"] {
        // A warning that cannot be shown.
        let output = shell(&scene, redirect, &["--Bsymbolic", "-o", "out/m"]);
        assert_eq!((output.status.code(), scene.output()), (Some(1), OLD.to_vec()), "{redirect}");
        let output = shell(&scene, redirect, &["-o", "out/m"]);
        assert_eq!((output.status.code(), scene.output()), (Some(0), scene.module.clone()), "{redirect}");
        scene.begin_again();
    }
}

#[test]
fn reports_are_replaced_as_a_whole() {
    let scene = Scene::new(100);
    for (option, old) in
        [("--Map", "out/m"), ("--why-extract", "out/m"), ("--time-trace", "out/m"), ("--reproduce", "out/m")]
    {
        scene.begin_again();
        let option = format!("{option}={old}");
        // An input that cannot be read: no module, and of the reports only what tells why.
        let output = scene.wald(&["absent.o", "-o", "out/other", &option]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(scene.names(), ["m"]);
        let now = scene.output();
        assert!(now == OLD || option.contains("reproduce") && now.ends_with(&[0; 1024]), "{option}");
    }
}
