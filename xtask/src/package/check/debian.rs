//! The package for Debian, in an empty root.
//!
//! dpkg runs the package's scripts outside of that root, and they tell dpkg-query and update-alternatives about it by `DPKG_ROOT`. So
//! the root needs no shell, and the check no privileges.

use super::place::{ensure, output, Outcome, Place};
use super::readme;
use crate::package::built::{Built, NAMES};
use crate::package::files::Files;
use crate::package::kind::Kind;
use crate::workspace;
use std::path::PathBuf;

pub fn check(place: &Place, _: &Built) -> Outcome {
    let line = readme::line(Kind::Deb)?;
    let root = Root::new(place, "root")?;
    root.run(&line)?;
    let bin = root.folder.join("usr/bin");
    place.links("wald", &[], std::slice::from_ref(&bin))?;
    let libexec = root.folder.join("usr/libexec/wald");
    for name in NAMES {
        place.links(name, &[], std::slice::from_ref(&libexec))?;
        ensure(root.target(name) == Some("/usr/bin/wald".into()), &format!("{name} is not Wald"))?;
    }
    root.run("sudo dpkg --remove wald")?;
    ensure(!bin.join("wald").exists(), "dpkg left the program")?;
    ensure(NAMES.iter().all(|name| root.target(name).is_none()), "wasm-ld is still registered")?;

    // Another package's file stays, and the other name is registered.
    let root = Root::new(place, "other")?;
    root.add_package("lld-22", "usr/bin/wasm-ld-22")?;
    let said = root.run(&line)?;
    ensure(said.contains("lld-22 has /usr/bin/wasm-ld-22"), &said)?;
    ensure(root.target("wasm-ld-22").is_none() && root.target("wasm-ld").is_some(), "wrong names")?;
    root.run("sudo dpkg --purge wald")?;
    let kept = root.folder.join("usr/bin/wasm-ld-22");
    ensure(workspace::read(&kept)? == b"other", "another package's file was changed")?;
    lintian(place)?;
    Ok(None)
}

/// A root in which only libraries are installed, as far as dpkg knows.
struct Root<'a> {
    place: &'a Place,
    folder: PathBuf,
    /// `sudo`, and a `dpkg` that works in the root.
    programs: PathBuf,
}

impl Root<'_> {
    fn new<'a>(place: &'a Place, name: &str) -> Result<Root<'a>, String> {
        let (folder, programs) = (place.root.join(name), place.root.join(format!("{name}-programs")));
        let mut files = Files::default();
        let libraries = ["libc6", "libgcc-s1"].map(|name| status(name, "99"));
        files.add("var/lib/dpkg/status", libraries.concat());
        files.add("var/lib/dpkg/available", "");
        files.add("var/lib/dpkg/info/format", "1\n");
        files.write_to(&folder)?;
        for inner in ["var/lib/dpkg/updates", "var/lib/dpkg/alternatives", "var/lib/dpkg/triggers"]
            .into_iter()
            .chain(["var/log", "etc/alternatives", "usr/bin"])
        {
            workspace::create_folder(&folder.join(inner))?;
        }
        let dpkg = workspace::find_program("dpkg").ok_or("dpkg is not installed")?;
        let mut scripts = Files::default();
        scripts.add_program("sudo", "#!/bin/sh\nexec \"$@\"\n");
        let options = "--force-script-chrootless --force-not-root --force-bad-path --force-architecture";
        scripts.add_program(
            "dpkg",
            format!("#!/bin/sh\nexec {} --root='{}' {options} \"$@\"\n", dpkg.display(), folder.display()),
        );
        scripts.write_to(&programs)?;
        Ok(Root { place, folder, programs })
    }

    fn run(&self, line: &str) -> Result<String, String> {
        self.place.shell(line, std::slice::from_ref(&self.programs), &[])
    }

    /// Another package with one file.
    fn add_package(&self, name: &str, file: &str) -> Result<(), String> {
        let mut files = Files::default();
        let mut known = workspace::read(&self.folder.join("var/lib/dpkg/status"))?;
        known.extend(status(name, "1").bytes());
        files.add("var/lib/dpkg/status", known);
        files.add(&format!("var/lib/dpkg/info/{name}.list"), format!("/{file}\n"));
        files.add(file, "other");
        files.write_to(&self.folder)
    }

    /// What a name of the root's `/usr/bin` is, if it is registered.
    fn target(&self, name: &str) -> Option<PathBuf> {
        let first = std::fs::read_link(self.folder.join("usr/bin").join(name)).ok()?;
        std::fs::read_link(self.folder.join(first.strip_prefix("/").ok()?)).ok()
    }
}

/// What dpkg's database has about an installed package.
fn status(name: &str, version: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: {}\nVersion: {version}\nDescription: {name}\n\n",
        workspace::output_of("dpkg", &["--print-architecture"]).unwrap_or_default()
    )
}

/// Debian's rules, if the program that knows them is installed.
fn lintian(place: &Place) -> Result<(), String> {
    if workspace::find_program("lintian").is_none() {
        println!("skipped lintian, which is not installed");
        return Ok(());
    }
    let said = output(
        place.command("lintian", &[])?.args(["--fail-on", "error,warning", "--allow-root"]).args(
            std::fs::read_dir(&place.files)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|end| end == "deb")),
        ),
    )?;
    ensure(!said.contains("E: ") && !said.contains("W: "), &said)
}
