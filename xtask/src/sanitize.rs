//! `cargo xtask sanitize`: the library's, the C API's and the link cases' tests under AddressSanitizer or ThreadSanitizer.
//!
//! Both need a nightly toolchain. ThreadSanitizer also needs the standard library built with it (`rust-src`): without that
//! it does not see how the standard library synchronises, and reports races that are none.

use crate::arguments::Arguments;
use crate::workspace::{self, output_of, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask sanitize [address] [thread] [--threads N]

Runs the tests of the library and of the C API, damaged inputs, and all link cases with a `wald` that is built with the
sanitizer. Without a name, both sanitizers run. Needs: rustup toolchain install nightly --component rust-src, and for the
C API under AddressSanitizer clang-22 with its runtime (package libclang-rt-22-dev).

  --threads N   how many tests run at once
";

/// The toolchain that has the sanitizers.
const TOOLCHAIN: &str = "+nightly";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let threads = args.number("threads")?;
    let mut sanitizers = args.words()?;
    if let Some(unknown) = sanitizers.iter().find(|name| !["address", "thread"].contains(&name.as_str())) {
        return Err(format!("unknown sanitizer {unknown} (address or thread)"));
    }
    if sanitizers.is_empty() {
        sanitizers = vec!["address".into(), "thread".into()];
    }
    let host = host()?;
    for sanitizer in &sanitizers {
        println!("== {sanitizer} sanitizer");
        Sanitizer { name: sanitizer, host: &host, threads }.test()?;
        println!("{sanitizer} sanitizer: no report");
    }
    Ok(())
}

/// The machine's target triple. An error if there is no nightly toolchain with its sources.
fn host() -> Result<String, String> {
    let missing = || "needs: rustup toolchain install nightly --component rust-src".to_string();
    let about = output_of("rustc", &[TOOLCHAIN, "-vV"]).ok_or_else(missing)?;
    let sysroot = output_of("rustc", &[TOOLCHAIN, "--print", "sysroot"]).ok_or_else(missing)?;
    if !Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.toml").is_file() {
        return Err(missing());
    }
    about.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_string).ok_or_else(missing)
}

struct Sanitizer<'a> {
    name: &'a str,
    host: &'a str,
    threads: Option<usize>,
}

impl Sanitizer<'_> {
    fn test(&self) -> Result<(), String> {
        self.test_packages(&["--package", "wald", "--lib", "--tests"], &[])?;
        self.test_packages(&["--package", "wald-capi", "--tests"], &[])?;
        self.test_packages(
            &["--package", "wald-tests", "--test", "mutation"],
            &[("WALD_MUTANTS", Path::new("20000"))],
        )?;
        workspace::run(&mut self.cargo(&["build", "--package", "wald-cli"]))?;
        let wald = self.folder().join(self.host).join("debug/wald");
        self.test_packages(&["--package", "wald-tests", "--test", "cases"], &[("WALD_BIN", &wald)])
    }

    fn test_packages(&self, what: &[&str], environment: &[(&str, &Path)]) -> Result<(), String> {
        let mut cargo = self.cargo(&["test"]);
        cargo.args(what).envs(environment.iter().copied());
        if let Some(threads) = self.threads {
            cargo.args(["--", &format!("--test-threads={threads}")]);
        }
        workspace::run(&mut cargo)
    }

    fn cargo(&self, command: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.arg(TOOLCHAIN).args(command).args(["-Zbuild-std", "--target", self.host]);
        cargo.current_dir(root()).env("CARGO_TARGET_DIR", self.folder());
        // Doctests and build scripts have no runtime of the sanitizer.
        cargo.env("RUSTFLAGS", format!("-Zsanitizer={} --cfg wald_system_allocator", self.name));
        cargo.env("WALD_SANITIZER", self.name);
        // Memory that a command leaves to the system is not a leak. valgrind finds leaks of the C API.
        cargo.env("ASAN_OPTIONS", "detect_leaks=0:allocator_may_return_null=1");
        cargo.env("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1");
        cargo
    }

    fn folder(&self) -> PathBuf {
        workspace::target().join("sanitize").join(self.name)
    }
}
