//! What Wald does in the entries of `docs/differences.md` about the command line.

use std::ffi::OsString;

/// Runs the command on `start.o`; gives back the exit code and what it said on standard error.
fn wald(args: &[&str]) -> (i32, String) {
    let object = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/start.o");
    run(&args.iter().chain(&[object]).copied().collect::<Vec<_>>())
}

/// Runs the command; gives back the exit code and what it said on standard error.
fn run(args: &[&str]) -> (i32, String) {
    let args: Vec<OsString> = ["wald"].iter().chain(args).map(OsString::from).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut host = wald_cli::Host::new(&mut stdout, &mut stderr);
    let code = wald_cli::run(&args, &mut host);
    (code, String::from_utf8_lossy(&stderr).into_owned())
}

fn output(name: &str) -> String {
    format!("-o{}/{name}.wasm", env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn options_for_code_generation_change_nothing() {
    for (name, option) in [
        ("mllvm", "-mllvm=-no-such-option"),
        ("object-path", "--lto-obj-path=x.o"),
        ("partitions", "--lto-partitions=-4"),
    ] {
        assert_eq!(wald(&[option, &output(name)]), (0, String::new()), "{option}");
    }
}

/// Links objects of a case and gives the output's bytes.
fn link_kept(inputs: &[&str], name: &str, options: &[&str]) -> Vec<u8> {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kept/common_");
    let inputs = inputs.iter().map(|input| match input.contains('/') {
        true => input.to_string(),
        false => format!("{kept}{input}"),
    });
    let path = output(name);
    let args: Vec<String> =
        options.iter().map(ToString::to_string).chain(inputs).chain([path.clone()]).collect();
    let (code, said) = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((code, said.as_str()), (0, ""));
    std::fs::read(&path[2..]).expect("the output")
}

#[test]
fn common_symbols_go_through_relocatable_output() {
    let options = ["--no-entry", "--export=geta", "--export=getb", "--export=array"];
    let at_once = link_kept(&["a.o", "b.o"], "common-linked", &options);
    link_kept(&["a.o", "b.o"], "common-object", &["-r"]);
    let object = output("common-object");
    let again = link_kept(&[&object[2..]], "common-linked", &options);
    assert_eq!(at_once, again);
}

/// Where wasm-ld's words name no file, a line below them does.
#[test]
fn a_file_that_no_word_names_is_named_below() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kept/");
    let cases = [
        ("ctor_with_signature.o", "", "constructor functions cannot take", "note: at offset 0x"),
        ("runtime_relocation.o", "-shared", "invalid runtime relocation type", "note: table of "),
    ];
    for (object, options, words, place) in cases {
        let object = format!("{kept}{object}");
        let output = output("blamed");
        let args: Vec<&str> = options.split_whitespace().chain([object.as_str(), &output]).collect();
        let (code, said) = run(&args);
        assert!(code == 1 && said.contains(words), "{said}");
        assert!(said.lines().any(|line| line.contains(place) && line.ends_with(&object)), "{said}");
    }
}

#[test]
fn more_threads_than_the_system_gives_are_no_error() {
    assert_eq!(wald(&["--threads=100000000", &output("threads")]), (0, String::new()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_named() {
    let message = "wald: error: cannot open output file /dev/full: No space left on device\n";
    assert_eq!(wald(&["-o/dev/full"]), (1, message.to_string()));
}

#[test]
fn other_flavors_are_unknown() {
    assert_eq!(wald(&["-flavor", "gnu"]), (1, "Unknown flavor: gnu\n".to_string()));
}
