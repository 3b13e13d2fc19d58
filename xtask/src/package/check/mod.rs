//! Installs packages in empty places, by the lines that README.md gives, and uses what was installed.

mod action;
mod debian;
mod npm;
mod pip;
mod place;
mod readme;
mod tarball;

use super::built::Built;
use super::kind::Kind;
use crate::workspace;
use place::{ensure, Outcome, Place};

/// Installs a package in an empty place, and uses it.
type Check = fn(&Place, &Built) -> Outcome;

/// Installs and uses a kind of package. A reason is returned if that is not possible here.
pub fn run(kind: Kind, built: &Built) -> Result<Option<String>, String> {
    let (needed, check): (&[&str], Check) = match kind {
        Kind::Tarball => (&["sh", "tar", "sha256sum"], tarball::check),
        Kind::Pip => (&["sh", "python3"], pip::check),
        Kind::Npm => (&["sh", "node", "npm", "npx"], npm::check),
        Kind::Deb => (&["sh", "dpkg", "update-alternatives"], debian::check),
        Kind::Action => (&["bash", "curl", "tar", "sha256sum"], action::check),
    };
    if let Some(missing) = needed.iter().find(|name| workspace::find_program(name).is_none()) {
        return Ok(Some(format!("{missing} is not installed")));
    }
    let place = Place::new(kind.name())?;
    let built_twice = build_twice(kind, built, &place);
    let outcome = built_twice.and_then(|()| check(&place, built));
    // After a failure, what was installed stays for a look.
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&place.root);
    }
    outcome.map_err(|error| format!("{}: {error}", kind.name()))
}

/// Writes the packages to the place, and again elsewhere: both must have the same bytes.
fn build_twice(kind: Kind, built: &Built, place: &Place) -> Result<(), String> {
    let packages = kind.build(built, &place.files)?;
    // The action's package is the tarball.
    if kind == Kind::Action {
        return Ok(());
    }
    let again = kind.build(built, &place.root.join("again"))?;
    ensure(!packages.is_empty() && packages.len() == again.len(), "a package is missing")?;
    for (one, other) in packages.iter().zip(&again) {
        let is_same = workspace::read(one)? == workspace::read(other)?;
        ensure(is_same, &format!("{} is not reproducible", one.display()))?;
    }
    Ok(())
}
