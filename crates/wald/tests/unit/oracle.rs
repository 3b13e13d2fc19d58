//! The equivalent object is an object to others too: wasm-ld links it as it links the object that the unit was made of.

use super::*;
use std::process::{Command, Output};

fn link(linker: &str, folder: &Path, object: &[u8]) -> (Output, Option<Vec<u8>>) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("unit.o"), object).unwrap();
    let _ = std::fs::remove_file(folder.join("out.wasm"));
    let mut command = Command::new(linker);
    command.current_dir(folder).args([
        "unit.o",
        "-o",
        "out.wasm",
        "--no-entry",
        "--no-gc-sections",
        "--export-all",
    ]);
    let output = command.args(["--unresolved-symbols=ignore-all", "--no-check-features"]).output().unwrap();
    (output, std::fs::read(folder.join("out.wasm")).ok())
}

#[test]
fn wasm_ld_links_the_equivalent_object() {
    let wasm_ld = "wasm-ld-22";
    if Command::new(wasm_ld).arg("--version").output().is_err() {
        println!("skipped wasm_ld_links_the_equivalent_object: {wasm_ld} is not installed");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unit-oracle");
    let (mut modules, mut failures) = (0, 0);
    for path in objects().iter().step_by(5) {
        let bytes = std::fs::read(path).unwrap();
        let Some(unit) = convert::unit_of(&bytes) else { continue };
        let (expected, module) = link(wasm_ld, &folder, &bytes);
        let (output, of_unit) = link(wasm_ld, &folder, &unit.to_object().unwrap());
        assert_eq!(output.status, expected.status, "{}", path.display());
        // A crash prints addresses, which differ.
        if output.status.code().is_none() {
            continue;
        }
        let (stderr, expected) =
            (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&expected.stderr));
        assert_eq!(stderr, expected, "{}", path.display());
        assert!(of_unit == module, "{}", path.display());
        modules += usize::from(module.is_some());
        failures += usize::from(module.is_none());
    }
    println!("{modules} modules, {failures} failed links");
    assert!(modules >= least(60));
}
