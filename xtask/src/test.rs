//! `cargo xtask test`: brings what the tests need, then runs them all.

use crate::packages;
use crate::workspace::{self, cargo};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask test [ARGUMENTS FOR CARGO TEST]

On Debian as root, installs missing packages that the tests need: clang-22 lld-22 llvm-22 llvm-22-tools wasi-libc
libclang-rt-22-dev-wasm32 libc++-22-dev-wasm32 libc++abi-22-dev-wasm32 valgrind strace. Elsewhere, lists what is missing. If
rustup is installed, adds rustc's targets wasm32-unknown-unknown, wasm32-wasip1 and -wasip2. Then runs cargo test --workspace. Without
LLVM, the link cases run from the kept objects and answers, and the tests of compiler drivers are skipped with a message.

  --no-install   install nothing
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let install = !args.iter().any(|arg| arg == "--no-install");
    if install {
        if let Err(complaint) = packages::bring() {
            println!("{complaint}");
        }
        if let Err(complaint) = packages::bring_rust_targets() {
            println!("{complaint}");
        }
    }
    let missing = packages::missing();
    if !missing.is_empty() {
        println!(
            "Without {}: what is kept in the repository is tested; comparison with a live wasm-ld and the drivers' tests are \
             left out.",
            missing.join(" ")
        );
    }
    let rest: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--no-install").collect();
    workspace::run(cargo(&["test", "--workspace"]).args(rest))
}
