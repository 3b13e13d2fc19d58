//! The command line with which clang compiles a thin module as wasm-ld does.
//!
//! clang has one level for optimization and for code generation, wasm-ld two. If they differ, a module is compiled in two steps: the
//! first one writes optimized bitcode.

use super::options::{Distributor, LtoSettings};
use std::path::{Path, PathBuf};

/// A step of the compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// From the module and its index to an object.
    Whole,
    /// From the module and its index to optimized bitcode.
    Optimize,
    /// From optimized bitcode to an object.
    Generate,
}

/// The steps that a module needs.
pub fn steps(settings: &LtoSettings) -> &'static [Step] {
    match settings.optimization == settings.code_generation {
        true => &[Step::Whole],
        false => &[Step::Optimize, Step::Generate],
    }
}

/// The arguments that are the same for all modules. They begin with the compiler.
pub fn common_arguments(
    settings: &LtoSettings,
    distributor: &Distributor,
    compiler: &str,
    step: Step,
) -> Vec<String> {
    let level = if step == Step::Generate { settings.code_generation } else { settings.optimization };
    let mut arguments = vec![compiler.to_string()];
    arguments.extend(distributor.first_compiler_arguments.iter().cloned());
    arguments.extend(["-c".to_string(), format!("-O{level}")]);
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| word.to_string()));
    // LLVM's defaults for linkers, which are not clang's at all levels.
    add(&["-fvectorize", "-fno-slp-vectorize", "-funroll-loops", "-mthread-model", "posix"]);
    add(&["-ffunction-sections", "-fdata-sections"]);
    // No processor: each function names the features that it needs.
    add(&["-mcpu="]);
    add(&["-Wno-override-module", "-Wno-unused-command-line-argument"]);
    match step {
        Step::Whole => {}
        Step::Optimize => add(&["-emit-llvm"]),
        Step::Generate => add(&["-Xclang", "-disable-llvm-passes"]),
    }
    if settings.debug_pass_manager && step != Step::Generate {
        add(&["-Xclang", "-fdebug-pass-manager"]);
    }
    arguments.extend(settings.llvm_arguments.iter().flat_map(|argument| for_clang(argument)));
    arguments.extend(distributor.last_compiler_arguments.iter().cloned());
    arguments
}

/// The arguments for the target and the relocation model of a module.
pub fn module_arguments(triple: &str, is_static: bool) -> Vec<String> {
    let model = if is_static { "static" } else { "pic" };
    let words = ["-Xclang", "-mrelocation-model", "-Xclang", model, "-x", "ir"];
    std::iter::once(format!("--target={triple}")).chain(words.map(String::from)).collect()
}

/// What `-mllvm` passes to a linker. Options about the target machine are clang's own there.
fn for_clang(argument: &str) -> Vec<String> {
    let own =
        |words: &[&str]| words.iter().flat_map(|word| ["-Xclang".to_string(), word.to_string()]).collect();
    match argument.trim_start_matches('-').split_once('=') {
        Some(("mcpu", name)) => vec![format!("-mcpu={name}")],
        Some(("mattr", list)) => {
            let features = list.split(',').filter(|feature| !feature.is_empty());
            features.flat_map(|feature| own(&["-target-feature", feature])).collect::<Vec<String>>()
        }
        Some(("relocation-model", model)) => own(&["-mrelocation-model", model]),
        Some(("exception-model", model)) => own(&[&format!("-exception-model={model}")]),
        _ => vec!["-mllvm".into(), argument.into()],
    }
}

/// The compiler of the same LLVM as a tool, or else the one in `PATH`.
pub fn default_compiler(tool: &Path) -> String {
    let file = tool.file_name().map(crate::text::from_os).unwrap_or_default();
    let suffix = file.strip_prefix("llvm-lto2").unwrap_or_default();
    let beside: PathBuf = tool.with_file_name(format!("clang{suffix}"));
    match beside.is_file() {
        true => crate::text::from_path(&std::path::absolute(&beside).unwrap_or(beside)),
        false => format!("clang{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_about_the_target_machine() {
        assert_eq!(
            for_clang("-mattr=+simd128,-sign-ext").join(" "),
            "-Xclang -target-feature -Xclang +simd128 \
            -Xclang -target-feature -Xclang -sign-ext"
        );
        assert_eq!(for_clang("--mcpu=mvp"), ["-mcpu=mvp"]);
        assert_eq!(for_clang("-exception-model=wasm"), ["-Xclang", "-exception-model=wasm"]);
        assert_eq!(for_clang("-wasm-enable-eh"), ["-mllvm", "-wasm-enable-eh"]);
    }

    #[test]
    fn levels_that_clang_does_not_have_take_two_steps() {
        let mut settings = LtoSettings { optimization: 2, code_generation: 2, ..LtoSettings::default() };
        assert_eq!(steps(&settings), [Step::Whole]);
        settings.optimization = 1;
        assert_eq!(steps(&settings), [Step::Optimize, Step::Generate]);
        let arguments = |step| common_arguments(&settings, &Distributor::default(), "clang", step);
        assert_eq!(arguments(Step::Optimize)[..3], ["clang", "-c", "-O1"]);
        assert_eq!(arguments(Step::Generate)[..3], ["clang", "-c", "-O2"]);
    }
}
