//! `cargo xtask package`: everything that is published, built and tried as its users get it.

pub mod built;
pub mod check;
pub mod crates;
pub mod debian;
pub mod files;
pub mod kind;
pub mod needs;
pub mod npm;
pub mod platform;
pub mod tarball;
pub mod wheel;

use crate::workspace::{self, shown};
use kind::Kind;
use std::time::Instant;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask package [--tests] [crates]
       cargo xtask package [--check] (tarball | pip | npm | deb | action)...
       cargo xtask package [--tests] --all

  crates    packages the crates that are published, unpacks them in a temporary folder, and builds and runs the programs of the
            library's documentation against them (the default). Needs the registry's index (or cargo's copy of it) and tar.
  tarball   wald-VERSION-TARGET.tar.gz, its debug information, and checksums
  pip       the wheel: the command, and the module for Python
  npm       the packages for npm: the command, and the API for Node
  deb       the package for Debian and Ubuntu
  action    the tarball for the action for GitHub, packages/setup-wald

All but the crates are for this machine's platform, and are written to target/packages.

  --check   installs each package in an empty place, with the line that README.md gives, links the demo's objects with what was
            installed, and runs the program. What needs a program that is missing is skipped, and says so.
  --all     everything, with --check
  --tests   also runs each crate's own tests, without the repository
";

/// What the arguments ask for.
#[derive(Default, Debug, PartialEq, Eq)]
struct Request {
    crates: bool,
    kinds: Vec<Kind>,
    is_checked: bool,
    with_tests: bool,
}

fn parse(args: &[String]) -> Result<Request, String> {
    let mut request = Request::default();
    for arg in args {
        match arg.as_str() {
            "--tests" => request.with_tests = true,
            "--check" => request.is_checked = true,
            "--all" => {
                request = Request {
                    crates: true,
                    kinds: Kind::ALL.to_vec(),
                    is_checked: true,
                    with_tests: request.with_tests,
                };
            }
            "crates" => request.crates = true,
            name => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
                let kind = kind.ok_or_else(|| format!("there is no package '{name}' (see --help)"))?;
                if !request.kinds.contains(&kind) {
                    request.kinds.push(kind);
                }
            }
        }
    }
    if request.kinds.is_empty() {
        request.crates = true;
    }
    if request.with_tests && !request.crates {
        return Err("--tests is for crates".into());
    }
    if request.is_checked && request.kinds.is_empty() {
        return Err("--check is for the other packages: crates are always tried".into());
    }
    Ok(request)
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let request = parse(args)?;
    if request.crates {
        crates::run(request.with_tests)?;
    }
    if request.kinds.is_empty() {
        return Ok(());
    }
    // With line tables, which go to a file of their own.
    let profile = if built::objcopy().is_some() { "profiling" } else { "release" };
    let built = built::everything(profile)?;
    let folder = workspace::root().join("target/packages");
    let _ = std::fs::remove_dir_all(&folder);
    for &kind in &request.kinds {
        for path in kind.build(&built, &folder)? {
            let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            println!("{} ({})", shown(&path), workspace::size(usize::try_from(size).unwrap_or(usize::MAX)));
        }
    }
    for &kind in request.kinds.iter().filter(|_| request.is_checked) {
        let start = Instant::now();
        match check::run(kind, &built)? {
            None => println!("{}: works ({:.1} s)", kind.name(), start.elapsed().as_secs_f64()),
            Some(reason) => println!("skipped {}: {reason}", kind.name()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Request, String> {
        parse(&text.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn without_arguments_the_crates_are_meant() {
        assert_eq!(parsed(""), Ok(Request { crates: true, ..Request::default() }));
        assert_eq!(parsed("crates"), parsed(""));
        let kinds = vec![Kind::Pip, Kind::Deb];
        let expected = Request { kinds, is_checked: true, ..Request::default() };
        assert_eq!(parsed("pip --check deb pip"), Ok(expected));
        let all = parsed("--tests --all").unwrap();
        assert!(all.crates && all.with_tests && all.is_checked && all.kinds == Kind::ALL);
        assert!(["rpm", "--chek", "--tests pip", "--check"].iter().all(|text| parsed(text).is_err()));
    }
}
