//! Where wasm-ld and Wald both link, they write the same bytes. `WASM_LD` names wasm-ld.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use std::process::{Command, Stdio};

fuzz_target!(|data: &[u8]| {
    let Some(case) = shared::Case::new(data) else { return };
    let Some(module) = case.link() else { return };
    let directory = std::env::temp_dir().join(format!("wald-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    let mut command = Command::new(std::env::var_os("WASM_LD").unwrap_or_else(|| "wasm-ld-22".into()));
    command.current_dir(&directory).args(case.arguments()).args(["-o", "out.wasm"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if case.bits & 0x80 != 0 {
        command.arg("--whole-archive");
    }
    for (position, input) in case.inputs.iter().enumerate() {
        let name = format!("{position}.o");
        std::fs::write(directory.join(&name), input).expect("an input is written");
        command.arg(name);
    }
    // wasm-ld trusts its inputs. If it fails or crashes, there is nothing to compare.
    if command.status().is_ok_and(|status| status.success()) {
        let expected = std::fs::read(directory.join("out.wasm")).expect("wasm-ld's output");
        assert!(expected == module, "the outputs differ: see {}", directory.display());
    }
});
