//! The packages for npm, in a folder, without a registry.

use super::place::{ensure, output, runs, Outcome, Place};
use super::readme;
use crate::package::built::Built;
use crate::package::files::Files;
use crate::package::kind::Kind;
use crate::package::npm::PACKAGE;
use crate::package::platform::{self, PLATFORMS};
use crate::workspace;

pub fn check(place: &Place, _: &Built) -> Outcome {
    let cache = place.root.join("cache");
    let offline = [
        ("npm_config_offline", "true"),
        ("npm_config_cache", cache.to_str().ok_or("not UTF-8")?),
        ("npm_config_update_notifier", "false"),
        ("npm_config_audit", "false"),
    ];
    // Otherwise npm installs in a folder above that has a package.json.
    workspace::write(&place.files.join("package.json"), "{ \"private\": true }\n")?;
    place.shell(&readme::line(Kind::Npm)?, &[], &offline)?;
    place.copy_objects()?;
    place.shell("npx wald main.o commands.o index.o query.o stop_words.o watch.o heap.o wasi.o libdemo.a -o demo.wasm", &[], &offline)?;
    runs(&place.files.join("demo.wasm"))?;
    place.links("wald", &[], &[place.files.join("node_modules/.bin")])?;
    let program = readme::block("packages/npm/README.md", "js")?;
    workspace::write(&place.files.join("readme.mjs"), program)?;
    output(place.command("node", &[])?.arg("readme.mjs"))?;
    runs(&place.files.join("app.wasm"))?;
    let test = |name: &str, arguments: &[&str]| {
        let text = workspace::read(&workspace::root().join("packages/npm/tests").join(name))?;
        workspace::write(&place.files.join(name), text)?;
        output(place.command("node", &[])?.arg(name).args(arguments))
    };
    test("api.mjs", &[])?;
    types(place)?;
    let modules = place.files.join("node_modules");
    let program = modules.join(platform::host()?.npm_package());
    std::fs::remove_dir_all(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    test("fallback.mjs", &["missing"])?;
    let mut pretended = Files::default();
    pretended.add(
        "wald-wasm/package.json",
        "{ \"name\": \"wald-wasm\", \"type\": \"module\", \"main\": \"index.js\" }",
    );
    let result = "{ exitCode: 1, diagnostics: [{ type: 'diagnostic', rendered: 'error: x' }], messages: ['linked'], stdout: JSON.stringify(request) }";
    pretended.add("wald-wasm/index.js", format!("export const link = async (request) => ({result});\n"));
    pretended.write_to(&modules)?;
    test("fallback.mjs", &["installed"])?;
    manifests(place)?;
    Ok(None)
}

/// The types fit, if the compiler for TypeScript is installed.
fn types(place: &Place) -> Result<(), String> {
    if workspace::find_program("tsc").is_none() {
        println!("skipped the types for TypeScript: tsc is not installed");
        return Ok(());
    }
    let test = workspace::read(&workspace::root().join("packages/npm/tests/types.mts"))?;
    workspace::write(&place.files.join("types.mts"), test)?;
    let options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "types.mts"];
    output(place.command("tsc", &[])?.args(options)).map(|_| ())
}

/// There is a package for each platform, of the version that the main package wants. Only this machine's has a program.
fn manifests(place: &Place) -> Result<(), String> {
    let read = |package: &str| {
        let text = workspace::read(&place.files.join("npm").join(package).join("package.json"))?;
        serde_json::from_slice::<serde_json::Value>(&text).map_err(|error| error.to_string())
    };
    let wanted = read(PACKAGE)?["optionalDependencies"].clone();
    ensure(wanted.as_object().map(serde_json::Map::len) == Some(PLATFORMS.len()), "not all platforms")?;
    let host = platform::host()?;
    for platform in PLATFORMS {
        let name = platform.npm_package();
        let manifest = read(&name)?;
        ensure(manifest["name"] == name.as_str() && manifest["version"] == wanted[&name], &name)?;
        ensure(manifest["os"][0] == platform.npm.0 && manifest["cpu"][0] == platform.npm.1, &name)?;
        let program = place.files.join("npm").join(&name).join("bin").join(platform.program("wald"));
        ensure(program.is_file() == (platform.triple == host.triple), &name)?;
    }
    Ok(())
}
