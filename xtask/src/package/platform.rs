//! The platforms that have packages, and what each kind of package calls them.

use super::needs::Needs;
use crate::workspace;

/// A platform.
pub struct Platform {
    /// What rustc calls it.
    pub triple: &'static str,
    /// The operating system and the processor, as npm (and Node) call them.
    pub npm: (&'static str, &'static str),
    /// The processor, as tags of wheels name it.
    pub wheel: &'static str,
    /// What Debian calls it.
    pub debian: Option<&'static str>,
}

/// The platforms with packages for pip and npm.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        triple: "x86_64-unknown-linux-gnu",
        npm: ("linux", "x64"),
        wheel: "x86_64",
        debian: Some("amd64"),
    },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        npm: ("linux", "arm64"),
        wheel: "aarch64",
        debian: Some("arm64"),
    },
    Platform { triple: "x86_64-apple-darwin", npm: ("darwin", "x64"), wheel: "x86_64", debian: None },
    Platform { triple: "aarch64-apple-darwin", npm: ("darwin", "arm64"), wheel: "arm64", debian: None },
    Platform { triple: "x86_64-pc-windows-msvc", npm: ("win32", "x64"), wheel: "amd64", debian: None },
    Platform { triple: "aarch64-pc-windows-msvc", npm: ("win32", "arm64"), wheel: "arm64", debian: None },
];

/// What rustc calls this machine.
pub fn triple() -> Result<String, String> {
    workspace::output_of("rustc", &["--print", "host-tuple"]).ok_or_else(|| "rustc cannot be started".into())
}

/// This machine's platform.
pub fn host() -> Result<&'static Platform, String> {
    let triple = triple()?;
    let known = PLATFORMS.iter().find(|platform| platform.triple == triple);
    known.ok_or_else(|| format!("there are no packages for {triple}, only the tarball"))
}

impl Platform {
    /// The package for npm with this platform's program.
    pub fn npm_package(&self) -> String {
        format!("@wald/{}-{}", self.npm.0, self.npm.1)
    }

    /// The file name of a program.
    pub fn program(&self, name: &str) -> String {
        if self.npm.0 == "win32" {
            format!("{name}.exe")
        } else {
            name.into()
        }
    }

    /// The tag of a wheel for this platform. Without knowing what a program for Linux needs, the tag promises nothing: pip
    /// installs such a wheel, but PyPI does not take it.
    pub fn wheel_tag(&self, needs: Option<&Needs>) -> String {
        let processor = self.wheel;
        match (self.npm, needs) {
            (("linux", _), Some(Needs { glibc: (major, minor), .. })) => {
                format!("manylinux_{major}_{minor}_{processor}")
            }
            (("linux", _), None) => format!("linux_{processor}"),
            // The oldest systems for which rustc compiles.
            (("darwin", "x64"), _) => "macosx_10_12_x86_64".into(),
            (("darwin", _), _) => "macosx_11_0_arm64".into(),
            _ => format!("win_{processor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_promises_what_the_program_needs() {
        let needs = Needs { glibc: (2, 34), libraries: Vec::new() };
        let tags = |needs| PLATFORMS.iter().map(|platform| platform.wheel_tag(needs)).collect::<Vec<_>>();
        let elsewhere = ["macosx_10_12_x86_64", "macosx_11_0_arm64", "win_amd64", "win_arm64"];
        assert_eq!(
            tags(Some(&needs)),
            [&["manylinux_2_34_x86_64", "manylinux_2_34_aarch64"], &elsewhere[..]].concat()
        );
        assert_eq!(tags(None), [&["linux_x86_64", "linux_aarch64"], &elsewhere[..]].concat());
    }
}
