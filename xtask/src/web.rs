//! `cargo xtask web`: Wald in the browser, as a page and as a package for npm.

use crate::workspace::{self, cargo, create_folder, find_program, read, root, shown, write};
use crate::{demo_objects, packages};
use serde_json::{json, Map, Value};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask web

Builds crates/wald-wasm for wasm32-unknown-unknown, with Wald as the linker, and makes from it

  target/web/index.html            the page, with all that it needs: for any static host, and it can be opened as a file
  target/web/npm/wald-wasm         the package for npm
  target/web/npm/wald-wasm-*.tgz   the same, packed, if npm is installed

Prints the sizes, compressed if node is installed.
";

/// The target that the module is built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The files of the page that are copied as they are.
const PAGE: &[&str] = &[
    "index.html",
    "style.css",
    "dom.js",
    "work.js",
    "inputs.js",
    "options.js",
    "messages.js",
    "run.js",
    "live.js",
    "main.js",
];

/// The files of the package for npm.
const PACKAGE: &[&str] = &["package.json", "README.md", "core.js", "wald.js", "node.js", "wald.d.ts"];

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let folder = workspace::target().join("web");
    let module = build_module()?;
    assemble(&module, &folder)?;
    println!("{} is the page, {} the package for npm", shown(&folder), shown(&folder.join("npm/wald-wasm")));
    print_sizes(&folder);
    Ok(())
}

/// Builds the module with Wald as the linker, and returns its path.
pub fn build_module() -> Result<PathBuf, String> {
    if !packages::has_rust_target(TARGET) {
        return Err(format!("rustc has no standard library for {TARGET} (rustup target add {TARGET})"));
    }
    let wald = workspace::build_wald("dev")?;
    let mut build =
        cargo(&["build", "--quiet", "--package", "wald-wasm", "--target", TARGET, "--profile", "wasm"]);
    workspace::run(build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", wald))?;
    Ok(workspace::target().join(TARGET).join("wasm/wald_wasm.wasm"))
}

/// Makes the page and the package in a folder, which is emptied first.
pub fn assemble(module: &Path, folder: &Path) -> Result<(), String> {
    let _ = std::fs::remove_dir_all(folder);
    create_folder(folder)?;
    let module = read(module)?;
    package(&module, &folder.join("npm/wald-wasm"))?;
    pack(&folder.join("npm"))?;
    let source = root().join("web");
    for name in PAGE {
        write(&folder.join(name), read(&source.join(name))?)?;
    }
    write(&folder.join("wald.wasm"), &module)?;
    // A page that was opened as a file cannot read another file, but it can run a script.
    write(&folder.join("wald.wasm.js"), format!("const WALD_WASM = '{}';\n", base64(&module)))?;
    write(&folder.join("parts.js"), format!("const PARTS = {};\n", parts()?))
}

/// What the page needs as values: the scripts of its workers, and the demo.
fn parts() -> Result<Value, String> {
    let page = |name: &str| text(&root().join("web").join(name));
    let core = text(&sources().join("core.js"))?;
    // A worker that is made of a text is a classic script.
    let (core, exports) = core.rsplit_once("\nexport ").ok_or("js/core.js exports nothing")?;
    if exports.lines().count() != 1 {
        return Err("js/core.js: the last line must be the only one that exports".into());
    }
    let linker = [core, &page("toy.js")?, &page("linker.js")?].join("\n");
    let runner = [page("wasi.js")?, page("runner.js")?].join("\n");
    let (objects, data) = (demo_objects::folder().join("objects"), demo_objects::folder().join("data"));
    let mut demo = Map::new();
    let names = demo_objects::OBJECTS.iter().map(|name| format!("{name}.o"));
    for name in names.chain([demo_objects::ARCHIVE.to_string()]) {
        demo.insert(name.clone(), base64(&read(&objects.join(name))?).into());
    }
    let mut files = Map::new();
    for name in ["linking.txt", "module.txt"] {
        files.insert(name.into(), base64(&read(&data.join(name))?).into());
    }
    Ok(json!({ "linker": linker, "runner": runner, "demo": demo, "demoFiles": files }))
}

fn sources() -> PathBuf {
    root().join("crates/wald-wasm/js")
}

/// The package for npm, unpacked.
fn package(module: &[u8], folder: &Path) -> Result<(), String> {
    create_folder(folder)?;
    for name in PACKAGE {
        write(&folder.join(name), read(&sources().join(name))?)?;
    }
    let manifest: Value = serde_json::from_str(&text(&sources().join("package.json"))?)
        .map_err(|error| format!("package.json: {error}"))?;
    if manifest["version"] != env!("CARGO_PKG_VERSION") {
        return Err("crates/wald-wasm/js/package.json has another version than Cargo.toml".into());
    }
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        write(&folder.join(name), read(&root().join(name))?)?;
    }
    write(&folder.join("wald.wasm"), module)
}

/// Packs the package, if npm is installed.
fn pack(folder: &Path) -> Result<(), String> {
    let Some(npm) = find_program("npm") else {
        println!("npm is not installed: the package for npm is not packed");
        return Ok(());
    };
    let mut pack = Command::new(npm);
    pack.args(["pack", "--silent", "--pack-destination"]).arg(folder).arg(folder.join("wald-wasm"));
    // npm prints the file's name.
    match pack.current_dir(folder).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("npm pack failed: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("npm cannot be started: {error}")),
    }
}

fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(read(path)?).map_err(|_| format!("{} is not UTF-8", shown(path)))
}

/// Prints how large the module is, plain and compressed.
fn print_sizes(folder: &Path) {
    const SCRIPT: &str = "const z = require('zlib'), b = require('fs').readFileSync(process.argv[1]);
        const kB = (n) => `${(n / 1e3).toFixed(0)} kB`;
        console.log(`wald.wasm: ${kB(b.length)}, with gzip ${kB(z.gzipSync(b, { level: 9 }).length)}, with brotli ${kB(z.brotliCompressSync(b).length)}`);";
    let module = folder.join("wald.wasm");
    match find_program("node") {
        Some(node) => _ = Command::new(node).args(["-e", SCRIPT]).arg(&module).status(),
        None => {
            let size = std::fs::metadata(&module).map_or(0, |metadata| metadata.len());
            println!("wald.wasm: {}", workspace::size(size as usize));
        }
    }
}

/// Base64, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let value = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_padding = digit > three.len();
            let index = (value >> (18 - 6 * digit) & 63) as usize;
            text.push(if is_padding { '=' } else { char::from(DIGITS[index]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_padding() {
        let texts = [&b""[..], b"f", b"fo", b"foo", b"foob"].map(base64);
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn the_page_names_its_scripts() {
        let page = text(&root().join("web/index.html")).unwrap();
        for name in PAGE.iter().filter(|name| name.ends_with(".js")) {
            assert!(page.contains(&format!("<script src=\"{name}\">")), "{name}");
        }
        parts().unwrap();
    }
}
