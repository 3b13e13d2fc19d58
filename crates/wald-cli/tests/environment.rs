//! What the command takes from the environment.

use std::process::Command;

#[test]
fn a_variable_asks_for_a_reproduction_unless_an_option_does() {
    let folder = std::env::temp_dir().join(format!("wald-environment-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("start.o"), include_bytes!("start.o")).unwrap();
    let link = |options: &[&str], variable: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(&folder).args(["start.o", "-o", "out.wasm"]).args(options);
        command.env("LLD_REPRODUCE", variable).output().unwrap()
    };
    assert!(link(&[], "variable.tar").status.success());
    assert!(link(&["--reproduce=option.tar"], "neither.tar").status.success());
    let refused = link(&[], "");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let exists = ["variable.tar", "option.tar", "neither.tar"].map(|name| folder.join(name).exists());
    let begins = std::fs::read(folder.join("variable.tar")).unwrap().starts_with(b"variable/response.txt\0");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(said.contains("--reproduce: cannot open "), "{said}");
    assert_eq!((exists, begins), ([true, true, false], true));
}

/// Runs the command with these variables only.
fn wald(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn variables_decide_about_color_and_options_win() {
    let (plain, red) = ("wald: error: no input files\n", "wald: \x1b[0;31merror: \x1b[0mno input files\n");
    let force = ("CLICOLOR_FORCE", "1");
    for (option, variables, expected) in [
        ("--color-diagnostics=auto", &[][..], plain),
        ("--color-diagnostics=auto", &[force], red),
        ("--color-diagnostics=auto", &[force, ("TERM", "dumb")], red),
        ("--color-diagnostics=auto", &[force, ("NO_COLOR", "1")], plain),
        ("--color-diagnostics=never", &[force], plain),
        ("--no-color-diagnostics", &[force], plain),
        ("--color-diagnostics", &[("NO_COLOR", "1")], red),
        ("--no-demangle", &[force], red),
    ] {
        assert_eq!(wald(&[option], variables).2, expected, "{option} {variables:?}");
    }
}

#[test]
fn short_help_is_help() {
    let (code, help, said) = wald(&["-h"], &[]);
    assert_eq!((code, &*said), (Some(0), ""));
    assert!(help.contains("--help"), "{help}");
    assert_eq!(help, wald(&["--help"], &[]).1);
}

#[test]
fn wald_flags_come_before_the_arguments() {
    let folder = std::env::temp_dir().join(format!("wald-flags-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    std::fs::write(path("start.o"), include_bytes!("start.o")).unwrap();
    std::fs::write(path("flags"), "--soname=response").unwrap();
    let flags = format!("--verbose-link '--soname=two words' @{}", path("flags"));
    let (input, output) = (path("start.o"), path("out.wasm"));
    let (code, _, said) = wald(&[&input, "-o", &output], &[("WALD_FLAGS", &flags)]);
    let expected = format!(
        "wald: command line: --verbose-link '--soname=two words' --soname=response {input} -o {output}"
    );
    assert_eq!((code, said.lines().next()), (Some(0), Some(&*expected)));
    let (_, _, said) = wald(&["--color-diagnostics=never"], &[("WALD_FLAGS", "--color-diagnostics=always")]);
    assert_eq!(said, "wald: error: no input files\n", "the command line wins");
    let bad = [("WALD_FLAGS", "--no-such-option --version")];
    for question in ["--version", "-v", "-V", "--help", "-h", "--print-man-page", "--print-completions=bash"]
    {
        assert_eq!(wald(&[question], &bad), wald(&[question], &[]), "{question}");
    }
    std::fs::write(path("version"), "--version").unwrap();
    let version = format!("@{}", path("version"));
    assert_eq!(wald(&[&version], &bad), wald(&["--version"], &[]));
    let (code, _, said) = wald(&["-v", &input, "-o", &output], &bad[..]);
    assert!(said.contains("unknown argument: --no-such-option"), "{code:?} {said}");
    std::fs::remove_dir_all(&folder).unwrap();
}
