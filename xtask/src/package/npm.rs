//! The packages for npm: one with the API, and one for each platform with its program.
//!
//! npm installs only those optional dependencies whose `os`, `cpu` and `libc` are the machine's. So nothing is downloaded by a
//! script, and a machine without scripts or network at install time gets its program, too.

use super::built::{Built, VERSION};
use super::files::Files;
use super::platform::{self, Platform, PLATFORMS};
use crate::workspace;
use serde_json::{json, Map, Value};
use std::path::{Path, PathBuf};

/// The package with the API. `wald` is another project's name on npm.
pub const PACKAGE: &str = "@wald/linker";

/// Writes the packages into a folder: as npm installs them, and all of them as folders below `npm`. Only this machine's platform has a
/// program, so only its package can be installed.
pub fn build(built: &Built, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let host = platform::host()?;
    let mut written = Vec::new();
    let mut write = |name: &str, files: &Files, is_whole: bool| {
        files.write_to(&folder.join("npm").join(name))?;
        if is_whole {
            let file = format!("{}-{VERSION}.tgz", name.trim_start_matches('@').replace('/', "-"));
            workspace::write(&folder.join(&file), files.below("package/").tar_gz(false)?)?;
            written.push(folder.join(file));
        }
        Ok::<_, String>(())
    };
    write(PACKAGE, &main_package()?, true)?;
    for platform in PLATFORMS {
        let is_host = platform.triple == host.triple;
        let mut files = platform_package(platform)?;
        if is_host {
            files.add_program(&format!("bin/{}", platform.program("wald")), built.command.program.clone());
        }
        write(&platform.npm_package(), &files, is_host)?;
    }
    Ok(written)
}

fn main_package() -> Result<Files, String> {
    let source = workspace::root().join("packages/npm");
    let mut files = Files::default();
    files.add_folder("lib", &source.join("lib"))?;
    files.add_program("bin/wald", workspace::read(&source.join("bin/wald"))?);
    files.add("README.md", workspace::read(&source.join("README.md"))?);
    let programs: Map<String, Value> =
        PLATFORMS.iter().map(|platform| (platform.npm_package(), json!(VERSION))).collect();
    let manifest = json!({
        "name": PACKAGE,
        "version": VERSION,
        "description": "A linker for WebAssembly that takes wasm-ld's place: the command, and an API with types",
        "keywords": ["linker", "wasm", "webassembly", "wasm-ld", "lld"],
        "license": LICENSE,
        "bin": { "wald": "bin/wald" },
        "main": "lib/index.js",
        "types": "lib/index.d.ts",
        "exports": {
            ".": { "types": "./lib/index.d.ts", "default": "./lib/index.js" },
            "./package.json": "./package.json"
        },
        "engines": { "node": ">=18" },
        "optionalDependencies": programs,
        // Links if there is no program for a platform. Not installed unless somebody wants it.
        "peerDependencies": { "wald-wasm": VERSION },
        "peerDependenciesMeta": { "wald-wasm": { "optional": true } }
    });
    add_common(&mut files, &manifest)?;
    Ok(files)
}

fn platform_package(platform: &Platform) -> Result<Files, String> {
    let (os, cpu) = platform.npm;
    let mut manifest = json!({
        "name": platform.npm_package(),
        "version": VERSION,
        "description": format!("The program of {PACKAGE} for {os} on {cpu}"),
        "license": LICENSE,
        "os": [os],
        "cpu": [cpu],
        "preferUnplugged": true
    });
    if os == "linux" {
        manifest["libc"] = json!(["glibc"]);
    }
    let mut files = Files::default();
    files.add("README.md", format!("The program of `{PACKAGE}` for {os} on {cpu}. Install that package.\n"));
    add_common(&mut files, &manifest)?;
    Ok(files)
}

const LICENSE: &str = "MIT OR Apache-2.0";

fn add_common(files: &mut Files, manifest: &Value) -> Result<(), String> {
    let text = serde_json::to_string_pretty(manifest).map_err(|error| error.to_string())?;
    files.add("package.json", text + "\n");
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        files.add(licence, workspace::read(&workspace::root().join(licence))?);
    }
    Ok(())
}
