//! The demo: its objects are what its sources give, and the program says what it should.

use std::path::Path;
use xtask::demo::{link_demo, world, ARGUMENTS};
use xtask::demo_objects::{self, ARCHIVE, OBJECTS};
use xtask::engine;

#[test]
fn the_linked_program_runs() {
    let linked = link_demo().expect("the demo links");
    let members: Vec<&str> =
        linked.members().iter().map(|member| member.rsplit('(').next().unwrap_or(member)).collect();
    assert_eq!(
        members,
        ["format.o)", "sort.o)", "memory.o)", "roman.o)"],
        "base64.o and matrix.o are not needed"
    );
    engine::validate(&linked.module).expect("the module is valid");
    let finished =
        engine::run(&linked.module, world(ARGUMENTS).expect("the data is there")).expect("the program runs");
    let expected =
        std::fs::read_to_string(demo_objects::folder().join("expected.txt")).expect("demo/expected.txt");
    assert_eq!(finished.stdout, expected);
    assert_eq!(finished.code, 0);
    let wrong = world(&["demo", "module.txt", "--", "find", "weak ("]).expect("the data is there");
    let finished = engine::run(&linked.module, wrong).expect("the program runs");
    assert!(finished.stdout.ends_with("^ a word is expected\n"), "{}", finished.stdout);
    assert_eq!(finished.code, 2, "a wrong query is an error");
}

#[test]
fn wasm_ld_links_the_same_bytes() {
    let Ok(wasm_ld) = xtask::workspace::wasm_ld() else {
        println!("skipped wasm_ld_links_the_same_bytes: wasm-ld-22 is not installed");
        return;
    };
    let linked = link_demo().expect("the demo links");
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference").join("demo.wasm");
    std::fs::create_dir_all(output.parent().expect("a folder")).expect("a folder");
    let status = std::process::Command::new(wasm_ld).args(&linked.inputs).arg("-o").arg(&output).status();
    assert!(status.is_ok_and(|status| status.success()));
    let reference = std::fs::read(output).expect("wasm-ld wrote its output");
    if let Some(difference) = xtask::explain::first_difference(&linked.module, &reference) {
        panic!("{difference}");
    }
}

#[test]
fn the_kept_objects_are_what_the_sources_give() {
    // Another build of the compiler may make other code.
    let Some(compiler) = demo_objects::compiler().filter(|version| version.contains("22.1.8")) else {
        println!("skipped the_kept_objects_are_what_the_sources_give: clang-22 22.1.8 is not installed");
        return;
    };
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("objects");
    let _ = std::fs::remove_dir_all(&built);
    demo_objects::build(&built).expect("the sources compile");
    let names: Vec<String> =
        OBJECTS.iter().map(|name| format!("{name}.o")).chain([ARCHIVE.to_string()]).collect();
    for name in names {
        let kept =
            std::fs::read(demo_objects::folder().join("objects").join(&name)).expect("the kept object");
        let again = std::fs::read(built.join(&name)).expect("the built object");
        assert!(kept == again, "{name} differs with {compiler}: cargo xtask demo --rebuild");
    }
}
