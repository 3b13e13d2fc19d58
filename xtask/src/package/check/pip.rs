//! The wheel, in a virtual environment.

use super::place::{ensure, output, runs, Outcome, Place};
use super::readme;
use crate::package::built::Built;
use crate::package::kind::Kind;
use crate::workspace;

pub fn check(place: &Place, _: &Built) -> Outcome {
    let environment = place.root.join("environment");
    let mut command = place.command("python3", &[])?;
    if let Err(reason) = output(command.args(["-m", "venv"]).arg(&environment)) {
        return Ok(Some(format!("python3 makes no virtual environment\n{reason}")));
    }
    let bin = [environment.join(if cfg!(windows) { "Scripts" } else { "bin" })];
    let offline = [("PIP_NO_INDEX", "1"), ("PIP_DISABLE_PIP_VERSION_CHECK", "1")];
    place.shell(&readme::line(Kind::Pip)?, &bin, &offline)?;
    place.links("wald", &[], &bin)?;
    place.links("python3", &["-m", "wald"], &bin)?;
    place.copy_objects()?;
    let mut python = place.command("python3", &bin)?;
    output(python.args(["-c", &readme::block("packages/python/README.md", "python")?]))?;
    runs(&place.files.join("app.wasm"))?;
    let tests = workspace::root().join("packages/python/tests");
    let header = workspace::root().join("crates/wald-capi/include/wald.h");
    for (test, argument) in [("header.py", Some(header)), ("api.py", None)] {
        output(place.command("python3", &bin)?.arg(tests.join(test)).args(argument))?;
    }
    if workspace::find_program("mypy").is_some() {
        let module = workspace::root().join("packages/python/wald");
        output(place.command("mypy", &[])?.args(["--strict", "--cache-dir=mypy"]).arg(module))?;
    } else {
        println!("skipped the types for Python: mypy is not installed");
    }
    // What type checkers look for.
    let found = place.shell("python3 -c 'import wald; print(wald.__file__)'", &bin, &[])?;
    let module = std::path::Path::new(found.trim());
    ensure(module.starts_with(&environment), "the module is not the installed one")?;
    ensure(module.with_file_name("py.typed").is_file(), "py.typed is missing")?;
    place.shell("pip uninstall --yes wald", &bin, &offline)?;
    ensure(!module.exists() && !bin[0].join("wald").exists(), "pip left something")?;
    Ok(None)
}
