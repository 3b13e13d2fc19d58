//! The kinds of packages, and how each is built.

use super::built::Built;
use super::{debian, npm, tarball, wheel};
use crate::workspace;
use std::path::{Path, PathBuf};

/// A kind of package for one platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The tarball of a release.
    Tarball,
    /// The wheel.
    Pip,
    /// The packages for npm.
    Npm,
    /// The package for Debian.
    Deb,
    /// The action for GitHub, which installs the tarball.
    Action,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 5] = [Kind::Tarball, Kind::Pip, Kind::Npm, Kind::Deb, Kind::Action];

    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tarball => "tarball",
            Kind::Pip => "pip",
            Kind::Npm => "npm",
            Kind::Deb => "deb",
            Kind::Action => "action",
        }
    }

    /// Writes the packages of this kind into a folder.
    pub fn build(self, built: &Built, folder: &Path) -> Result<Vec<PathBuf>, String> {
        workspace::create_folder(folder)?;
        match self {
            Kind::Tarball | Kind::Action => tarball::build(built, folder),
            Kind::Pip => wheel::build(built, folder),
            Kind::Npm => npm::build(built, folder),
            Kind::Deb => debian::build(built, folder),
        }
    }
}
