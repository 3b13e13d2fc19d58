//! The action for GitHub: its script, started as action.yml says, with files in place of a release.

use super::place::{ensure, output, Outcome, Place};
use super::readme;
use crate::package::built::{Built, NAMES, VERSION};
use crate::package::kind::Kind;
use crate::package::platform;
use crate::workspace;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub fn check(place: &Place, _: &Built) -> Outcome {
    let line = readme::line(Kind::Action)?;
    let folder = line.split(['@', ' ']).find_map(|word| word.strip_prefix("OWNER/wald/"));
    let folder = workspace::root().join(folder.ok_or("README.md names no folder of the action")?);
    let runner = Runner::new(place, &folder)?;
    let url = format!("file://{}", place.files.display());
    let installed = runner.run(&[("url", &url)])?;
    for name in ["wald"].iter().chain(&NAMES) {
        place.links(name, &[], std::slice::from_ref(&installed.path))?;
    }
    ensure(
        installed.environment == format!("COMPILER_PATH={}\n", installed.path.display()),
        "COMPILER_PATH",
    )?;
    ensure(
        installed.outputs == format!("path={}\n", installed.path.join("wald").display()),
        &installed.outputs,
    )?;

    // Again, and without the names of wasm-ld.
    let installed =
        runner.run(&[("url", &url), ("make-default", "false"), ("version", &format!("v{VERSION}"))])?;
    place.links("wald", &[], std::slice::from_ref(&installed.path))?;
    ensure(!installed.path.join("wasm-ld").exists() && installed.environment.is_empty(), "wasm-ld is Wald")?;

    let archive = format!("wald-{VERSION}-{}.tar.gz", platform::triple()?);
    let fails = |inputs: &[(&str, &str)], with: &str| match runner.run(inputs) {
        Ok(_) => Err(format!("no failure with {with}")),
        Err(said) => ensure(said.contains(with), &said),
    };
    fails(&[("url", &url), ("sha256", "0123")], "not 0123")?;
    fails(&[("url", &url), ("version", "0.0.1")], "cannot download")?;
    fails(&[("url", &url), ("version", "../0.1.0")], "not a version")?;
    let mut bytes = workspace::read(&place.files.join(&archive))?;
    bytes.push(0);
    workspace::write(&place.files.join(&archive), bytes)?;
    fails(&[("url", &url)], "has the checksum")?;
    ensure(
        std::fs::read_dir(&place.temporary).is_ok_and(|mut left| left.next().is_none()),
        "files are left",
    )?;
    Ok(None)
}

/// What a runner of GitHub does with a composite action.
struct Runner<'a> {
    place: &'a Place,
    folder: &'a Path,
    action: String,
}

/// What the action told the runner.
struct Installed {
    path: PathBuf,
    environment: String,
    outputs: String,
}

impl Runner<'_> {
    fn new<'a>(place: &'a Place, folder: &'a Path) -> Result<Runner<'a>, String> {
        let action = workspace::read(&folder.join("action.yml"))?;
        Ok(Runner { place, folder, action: String::from_utf8_lossy(&action).into_owned() })
    }

    /// Runs the action's only step. `inputs` are those of `with:`; the others have their defaults.
    fn run(&self, inputs: &[(&str, &str)]) -> Result<Installed, String> {
        let mut values = self.defaults();
        for (name, value) in inputs {
            let known = values.get_mut(*name).ok_or_else(|| format!("no input is called {name}"))?;
            *known = (*value).to_string();
        }
        let line = self.value("      run: ").ok_or("action.yml has no step")?;
        let mut command = self.place.command("bash", &[])?;
        command.args(["-e", "-o", "pipefail", "-c", &line]).env("GITHUB_ACTION_PATH", self.folder);
        let files = ["GITHUB_PATH", "GITHUB_ENV", "GITHUB_OUTPUT"];
        for name in files {
            workspace::write(&self.place.root.join(name), "")?;
            command.env(name, self.place.root.join(name));
        }
        let variables = self.action.lines().filter_map(|line| line.trim().split_once(": ${{ inputs."));
        for (variable, input) in variables {
            let input = input.trim_end_matches(" }}");
            command.env(variable, values.get(input).ok_or_else(|| format!("no input is called {input}"))?);
        }
        output(&mut command)?;
        let [path, environment, outputs] = files.map(|name| {
            let text = std::fs::read_to_string(self.place.root.join(name));
            text.map_err(|error| format!("{name}: {error}"))
        });
        Ok(Installed { path: path?.trim_end().into(), environment: environment?, outputs: outputs? })
    }

    fn value(&self, start: &str) -> Option<String> {
        self.action.lines().find_map(|line| line.strip_prefix(start)).map(String::from)
    }

    /// The inputs with their defaults.
    fn defaults(&self) -> BTreeMap<String, String> {
        let section = self.action.split("\ninputs:\n").nth(1).unwrap_or_default();
        let lines = section.lines().take_while(|line| line.starts_with(' '));
        let mut inputs = BTreeMap::new();
        let mut name = String::new();
        for line in lines {
            if let Some(found) = line.strip_suffix(':') {
                name = found.trim().into();
            } else if let Some(value) = line.strip_prefix("    default: ") {
                inputs.insert(name.clone(), value.trim_matches('"').to_string());
            }
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    /// A new release needs a new default.
    #[test]
    fn the_default_is_this_version() {
        let folder = crate::workspace::root().join("packages/setup-wald");
        let text = std::fs::read_to_string(folder.join("action.yml")).unwrap();
        assert!(text.contains(&format!("    default: \"{}\"\n", super::VERSION)));
    }
}
