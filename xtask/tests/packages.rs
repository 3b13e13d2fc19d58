//! Each kind of package is built, installed by the README's line in an empty place, and used to link and run a program.
//!
//! The packages contain the development build, which other tests need too. `cargo xtask package --all` tries the release build in the
//! same way. What cannot be tried here is skipped with a line that says why.

#![cfg(target_os = "linux")]

use std::sync::OnceLock;
use xtask::package::built::{self, Built};
use xtask::package::check;
use xtask::package::kind::Kind;

fn installs(kind: Kind) {
    static BUILT: OnceLock<Built> = OnceLock::new();
    let built = BUILT.get_or_init(|| built::everything("dev").expect("everything builds"));
    if let Some(reason) = check::run(kind, built).unwrap_or_else(|error| panic!("{error}")) {
        println!("skipped {}: {reason}", kind.name());
    }
}

#[test]
fn the_tarball_installs() {
    installs(Kind::Tarball);
}

#[test]
fn pip_installs_the_wheel() {
    installs(Kind::Pip);
}

#[test]
fn npm_installs_the_packages() {
    installs(Kind::Npm);
}

#[test]
fn dpkg_installs_the_package() {
    installs(Kind::Deb);
}

#[test]
fn the_action_installs_the_tarball() {
    installs(Kind::Action);
}
