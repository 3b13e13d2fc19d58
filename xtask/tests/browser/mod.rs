//! A browser and what drives it, for the tests of pages.

use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::workspace::find_program;

/// The version of `playwright-core` from npm that drives the browser.
const PLAYWRIGHT: &str = "playwright-core@1.56.1";

/// What a test of a page needs.
pub struct Tools {
    pub node: PathBuf,
    pub browser: PathBuf,
    pub playwright: PathBuf,
}

/// The tools. If one is missing, says in one line that the test was skipped.
pub fn tools(test: &str) -> Option<Tools> {
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find_program);
    let missing = match (find_program("node"), browser) {
        (Some(node), Some(browser)) => match playwright() {
            Ok(playwright) => return Some(Tools { node, browser, playwright }),
            Err(reason) => reason,
        },
        (None, _) => "node is not installed",
        (_, None) => "chromium is not installed",
    };
    println!("skipped {test}: {missing}");
    None
}

/// The folder of playwright-core, from npm if necessary.
fn playwright() -> Result<PathBuf, &'static str> {
    if let Some(folder) = std::env::var_os("WALD_PLAYWRIGHT") {
        return Ok(folder.into());
    }
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("playwright");
    let folder = prefix.join("node_modules/playwright-core");
    if !folder.join("index.js").exists() {
        let npm = find_program("npm").ok_or("npm is not installed")?;
        let mut install = Command::new(npm);
        install.args(["install", "--silent", "--no-fund", "--no-audit", PLAYWRIGHT, "--prefix"]).arg(&prefix);
        let is_there = install.output().is_ok_and(|output| output.status.success());
        is_there.then_some(()).ok_or("playwright-core cannot be had from npm")?;
    }
    Ok(folder)
}
