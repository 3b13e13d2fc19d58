//! `cargo xtask COMMAND`: finds the command and runs it.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use xtask::COMMANDS;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = args.first().filter(|name| !name.starts_with('-')) else {
        print!("{}", overview());
        return if args.first().is_some_and(|arg| arg == "--help" || arg == "-h") {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("cargo xtask has no command '{name}'\n\n{}", overview());
        return ExitCode::FAILURE;
    };
    if args[1..].iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{}", command.help);
        return ExitCode::SUCCESS;
    }
    match (command.run)(&args[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("cargo xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn overview() -> String {
    let mut text = String::from("USAGE: cargo xtask COMMAND [--help] [ARGUMENTS]\n\n");
    for command in COMMANDS {
        text += &format!("  {:8} {}\n", command.name, command.summary);
    }
    text
}
