//! `cargo xtask bench failing`: what a link costs that fails for undefined symbols, against the same link with all its inputs.

use crate::arguments::Arguments;
use crate::bench_times::Times;
use crate::measure::measure_any;
use crate::{corpus, workspace};
use std::path::Path;
use std::process::Command;

const HEAD: &str = "\
| job | left out | lines of messages | good link ms | failing link ms | ratio |
|---|---|---|---|---|---|
";

/// Undefined symbols are errors in each job, and all of them are shown.
const OPTIONS: [&str; 2] = ["--unresolved-symbols=report-all", "--error-limit=0"];

/// Runs the command.
pub fn run(mut args: Arguments) -> Result<(), String> {
    let runs = args.number("runs")?.unwrap_or(9).max(1);
    let jobs = corpus::select(&args.words()?)?;
    let wald = workspace::wald_to_measure()?;
    let output = workspace::root().join("target/bench");
    workspace::create_folder(&output)?;
    let output = output.join("failing.wasm");
    print!("{HEAD}");
    for job in &jobs {
        println!("{}", row(&wald, job, &output, runs)?);
    }
    println!("\nMedians of {runs} rounds in turns, ± half the distance between the quartiles. The failing link has no libraries, or the");
    println!("last of its objects is missing if that makes no difference.");
    Ok(())
}

fn row(wald: &Path, name: &str, output: &Path, runs: usize) -> Result<String, String> {
    let folder = corpus::folder().join(name);
    let text =
        std::fs::read_to_string(folder.join("link.rsp")).map_err(|error| format!("{name}: {error}"))?;
    let arguments: Vec<&str> = text.split_whitespace().collect();
    let is_library = |argument: &&str| {
        argument.starts_with("-l") || argument.ends_with(".a") || argument.ends_with(".rlib")
    };
    let is_object = |argument: &&str| argument.ends_with(".o");
    let command = |arguments: &[&str], options: &[&str]| {
        let mut command = Command::new(wald);
        command.current_dir(&folder).args(arguments).args(options).arg("-o").arg(output);
        command
    };
    let without = |is_left_out: &dyn Fn(&str) -> bool| -> Vec<&str> {
        arguments.iter().copied().filter(|argument| !is_left_out(argument)).collect()
    };
    let last = arguments.iter().copied().rfind(is_object);
    let choices = [
        ("libraries".to_string(), without(&|argument| is_library(&argument))),
        (last.unwrap_or_default().to_string(), without(&|argument| Some(argument) == last)),
    ];
    for (left_out, few) in choices {
        let said = command(&few, &OPTIONS).output().map_err(|error| error.to_string())?;
        if said.status.success() {
            continue;
        }
        let mut times: [Times; 2] = Default::default();
        for round in 0..=runs {
            for (times, (arguments, options)) in
                times.iter_mut().zip([(&arguments, &[][..]), (&few, &OPTIONS[..])])
            {
                let (_, cost) = measure_any(&mut command(arguments, options))?;
                if round > 0 {
                    times.0.push(cost.wall.as_secs_f64() * 1000.0);
                }
            }
        }
        let lines = said.stderr.iter().filter(|&&byte| byte == b'\n').count();
        let [good, failing] = &times;
        let ratio = failing.quartile(2) / good.quartile(2);
        return Ok(format!(
            "| {name} | {left_out} | {lines} | {} | {} | {ratio:.2} |",
            good.shown(),
            failing.shown()
        ));
    }
    Ok(format!("| {name} | | | | | |"))
}
