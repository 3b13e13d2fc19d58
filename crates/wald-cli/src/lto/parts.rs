//! Code of the merged modules that `llvm-lto2` does not generate as wasm-ld does: with `--lto-partitions` in several parts, and with
//! `--lto-obj-path` also if nothing was merged.

use super::command;
use super::options::LtoSettings;
use super::workspace::Workspace;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Splits the merged module, which was optimized, into parts.
pub fn split(tool: &Path, settings: &LtoSettings, workspace: &Workspace) -> Command {
    let mut command = Command::new(sibling(tool, "llvm-split"));
    command.arg(format!("-j{}", settings.partitions)).arg("-o").arg(workspace.part(""));
    command.arg(workspace.output().with_extension("0.4.opt.bc"));
    command
}

/// Generates the code of a part.
pub fn compile(
    tool: &Path,
    settings: &LtoSettings,
    is_static: bool,
    source: &Path,
    object: &Path,
) -> Command {
    let mut command = Command::new(sibling(tool, "llc"));
    command.arg(format!("-O{}", settings.code_generation)).arg("-filetype=obj");
    // wasm-ld does not verify code while it generates objects.
    command.args(["--function-sections", "--data-sections", "--disable-verify"]);
    command.arg(if is_static { "--relocation-model=static" } else { "--relocation-model=pic" });
    command.args(command::llvm_arguments(settings));
    command.arg(source).arg("-o").arg(object);
    command
}

/// Another tool of the same LLVM.
fn sibling(tool: &Path, name: &str) -> PathBuf {
    let file = tool.file_name().map(crate::text::from_os).unwrap_or_default();
    let suffix = file.strip_prefix("llvm-lto2").unwrap_or_default();
    tool.with_file_name(format!("{name}{suffix}"))
}

/// The object of a merged module without contents. wasm-ld's has no data layout, so LLVM takes its addresses for 64 bits wide and
/// notes the feature; `llc` gives it a layout.
pub fn add_memory64(object: &mut Vec<u8>) -> io::Result<()> {
    const SECTION: &[u8] = b"target_features";
    const FEATURE: &[u8] = b"+\x08memory64";
    /// LLVM pads the size of a section to so many bytes.
    const SIZE: usize = 5;
    let unexpected = || io::Error::other("unexpected object of an empty module");
    if object.windows(FEATURE.len()).any(|window| window == FEATURE) {
        return Ok(());
    }
    let name = object.windows(SECTION.len()).position(|window| window == SECTION).ok_or_else(unexpected)?;
    let count = name + SECTION.len();
    let size = name.checked_sub(1 + SIZE).ok_or_else(unexpected)?;
    // It is the last section, and has few features.
    let length = object.len() - (size + SIZE) + FEATURE.len();
    let features = object.get_mut(count).filter(|features| **features < 127 && length < 1 << 14);
    *features.ok_or_else(unexpected)? += 1;
    object[size] = length as u8 | 0x80;
    object[size + 1] = (length >> 7) as u8 | 0x80;
    object.extend_from_slice(FEATURE);
    Ok(())
}
