//! What the command takes from the environment, as wasm-ld does.

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
