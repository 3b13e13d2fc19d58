//! Link jobs of bitcode: the programs of other jobs, compiled for link-time optimization.

use std::path::Path;

use crate::workspace::{self, shown};

/// A variable by which clang adds to its own arguments, in its own form.
pub const CLANG_OPTIONS: &str = "CCC_OVERRIDE_OPTIONS";

/// How programs are compiled.
struct Kind {
    /// What the names of the jobs end with.
    suffix: &'static str,
    /// A variable of the environment that has the compiler write bitcode.
    variable: (&'static str, &'static str),
    /// The scripts, and which of their jobs are kept.
    scripts: &'static [(&'static str, &'static [&'static str])],
}

const CLANG: &[(&str, &[&str])] = &[
    ("lua.sh", &["lua", "lua-g"]),
    ("zstd.sh", &["zstd", "zstd-g"]),
    ("sqlite.sh", &["sqlite", "sqlite-g"]),
    ("quickjs.sh", &["quickjs", "quickjs-g"]),
    ("hello.sh", &["hello-cxx"]),
];

const KINDS: &[Kind] = &[
    Kind { suffix: "flto", variable: (CLANG_OPTIONS, "#+-flto"), scripts: CLANG },
    Kind { suffix: "thin", variable: (CLANG_OPTIONS, "#+-flto=thin"), scripts: CLANG },
    // With the standard library, which these jobs build too. `plugin` is rustc's word for a linker that does it.
    Kind {
        suffix: "plugin",
        variable: ("RUSTFLAGS", "-Clinker-plugin-lto"),
        scripts: &[("rust-cli.sh", &["rust-cli-dbg", "rust-cli-rel"])],
    },
];

/// Jobs that are built together.
pub struct Group {
    kind: &'static Kind,
    script: &'static str,
    programs: &'static [&'static str],
}

/// All groups.
pub fn groups() -> Vec<Group> {
    let of_kind = |kind: &'static Kind| {
        kind.scripts.iter().map(move |&(script, programs)| Group { kind, script, programs })
    };
    KINDS.iter().flat_map(of_kind).collect()
}

/// Whether a job is one of bitcode.
pub fn is_bitcode(job: &str) -> bool {
    groups().iter().any(|group| group.jobs().iter().any(|name| name == job))
}

impl Group {
    /// The names of the jobs.
    pub fn jobs(&self) -> Vec<String> {
        self.programs.iter().map(|program| format!("{program}-{}", self.kind.suffix)).collect()
    }

    /// Compiles the programs anew, and makes jobs of them in `folder`. `run` runs a script with a variable of the environment.
    pub fn build(
        &self,
        folder: &Path,
        run: impl Fn(&str, &Path, Option<(&str, &str)>) -> Result<(), String>,
    ) -> Result<(), String> {
        let built = folder.join("build").join(self.kind.suffix);
        share_sources(&folder.join("build"), &built.join("build"))?;
        run(self.script, &built, Some(self.kind.variable))?;
        for (program, job) in self.programs.iter().zip(self.jobs()) {
            let (from, to) = (built.join(program), folder.join(job));
            let _ = std::fs::remove_dir_all(&to);
            std::fs::rename(&from, &to).map_err(|error| format!("{}: {error}", shown(&from)))?;
        }
        Ok(())
    }
}

/// The scripts find sources and the compiler where they have put them before.
#[cfg(unix)]
fn share_sources(from: &Path, to: &Path) -> Result<(), String> {
    workspace::create_folder(to)?;
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_shared = name.to_str().is_some_and(|name| name.starts_with("crate-") || name == "rustweb");
        let target = to.join(&name);
        if is_shared && !target.exists() {
            std::os::unix::fs::symlink(entry.path(), &target)
                .map_err(|error| format!("{}: {error}", shown(&target)))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn share_sources(_: &Path, to: &Path) -> Result<(), String> {
    workspace::create_folder(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_bitcode_are_told_by_their_names() {
        assert!(is_bitcode("lua-g-thin") && is_bitcode("rust-cli-rel-plugin"));
        assert!(!is_bitcode("lua-g") && !is_bitcode("lua-plugin"));
    }
}
