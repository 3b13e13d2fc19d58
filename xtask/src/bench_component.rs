//! `cargo xtask bench component`: what a component costs, against wasm-component-ld and against its core module.

use crate::arguments::Arguments;
use crate::bench_times::Times;
use crate::measure::measure;
use crate::{corpus, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

const HEAD: &str = "\
| job | wald-component-ld ms | wasm-component-ld ms | ratio | the same with Wald as its linker ms | module alone, by wald ms |
|---|---|---|---|---|---|
";

/// The programs of a round.
struct Programs {
    ours: PathBuf,
    theirs: PathBuf,
    wald: PathBuf,
    wasm_ld: PathBuf,
}

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(15).max(1);
    let jobs = corpus::select(&args.words()?)?;
    let theirs = workspace::find_program("wasm-component-ld").ok_or(
        "wasm-component-ld is not installed (cargo install wasm-component-ld --version 0.5.30); it is the reference",
    )?;
    let (ours, wasm_ld) = (workspace::build_component_ld("release")?, workspace::wasm_ld()?);
    let programs = Programs { ours, theirs, wald: workspace::wald_to_measure()?, wasm_ld };
    let folder = workspace::root().join("target/bench");
    workspace::create_folder(&folder)?;
    print!("{HEAD}");
    for job in &jobs {
        println!("{}", row(&programs, job, &folder.join("out.wasm"), runs)?);
    }
    println!("\nMedians of {runs} rounds in turns, ± half the distance between the quartiles. All components of a job have the same bytes.");
    Ok(())
}

fn row(programs: &Programs, name: &str, output: &Path, runs: usize) -> Result<String, String> {
    let folder = corpus::folder().join(name);
    let Programs { ours, theirs, wald, wasm_ld } = programs;
    let all: [(&Path, Option<&Path>); 4] =
        [(ours, None), (theirs, Some(wasm_ld)), (theirs, Some(wald)), (wald, None)];
    let mut times: [Times; 4] = Default::default();
    let mut component = None;
    for round in 0..=runs {
        for (number, (program, linker)) in all.into_iter().enumerate() {
            let mut command = Command::new(program);
            command.current_dir(&folder);
            if let Some(linker) = linker {
                command.arg("--wasm-ld-path").arg(linker);
            }
            let cost = measure(command.arg("@link.rsp").arg("-o").arg(output))?;
            if round > 0 {
                times[number].0.push(cost.wall.as_secs_f64() * 1000.0);
            } else if program != wald {
                let bytes = workspace::read(output)?;
                if *component.get_or_insert_with(|| bytes.clone()) != bytes {
                    return Err(format!("{name}: {} writes other bytes", program.display()));
                }
            }
        }
    }
    let [ours, theirs, with_wald, module] = &times;
    let ratio = ours.quartile(2) / theirs.quartile(2);
    Ok(format!(
        "| {name} | {} | {} | {ratio:.2} | {} | {} |",
        ours.shown(),
        theirs.shown(),
        with_wald.shown(),
        module.shown()
    ))
}
