//! `--time` and `--time-trace`: where the time of a link went.

use std::fmt::Write;
use std::time::Duration;
use wald::timing::Timing;

/// What happens in each part of a link, in a few words.
const PARTS: &[(&str, &str)] = &[
    ("start", "the system loads the program (processor time)"),
    ("arguments", "read the command line and response files"),
    ("find", "find the libraries of -l"),
    ("wait", "wait for inputs; read, parse and prepare what is there"),
    ("read", "open and parse the inputs"),
    ("open", "open and map the input files"),
    ("parse", "read symbols and relocations of objects and archives"),
    ("threads", "start the threads of the link"),
    ("join", "put the inputs in the order of the command line"),
    ("resolve", "find the definition of each symbol; load archive members"),
    ("keep", "keep what the next link can use"),
    ("replace", "put changed inputs in the place of old ones"),
    ("settle", "undefined symbols, and symbols that the linker defines"),
    ("mark live", "garbage collection: find what is used"),
    ("segments", "put data together and give it addresses"),
    ("imports", "target features, imports, start-up code"),
    ("scan relocations", "find what code and data need: table entries, globals, types"),
    ("indices", "number functions, globals and types; write the linker's own functions"),
    ("layout", "sizes and offsets of all sections; merge strings of debug information"),
    ("report", "find out what is in the output, and why"),
    ("allocate", "make the map; memory for the output"),
    ("write", "copy code, data and debug information, and apply relocations"),
    ("clean up", "free memory; end the threads"),
    ("check", "see that no input changed meanwhile"),
    ("component", "make a component of the module"),
    ("save", "rename the output and write the reports"),
    ("other", "what no phase counts"),
    ("total", ""),
];

/// The width of the bar for all of the time.
const BAR: usize = 20;

/// A table of a link's parts with their wall times and shares.
pub fn table(parts: &[(&str, Duration)], total: Duration) -> String {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    let width = parts.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(5);
    let mut text = format!("{:width$}  {:>10}  {:>6}  {:BAR$}  what happens\n", "phase", "ms", "share", "");
    let known: Duration = parts.iter().map(|(_, duration)| *duration).sum();
    let other = ("other", total.saturating_sub(known));
    let share = |duration: Duration| 100.0 * duration.as_secs_f64() / total.as_secs_f64().max(1e-9);
    for (name, duration) in parts.iter().copied().chain([other, ("total", total)]) {
        let meaning = PARTS.iter().find(|(known, _)| *known == name).map_or("", |(_, meaning)| meaning);
        let bar = match name {
            "total" => String::new(),
            _ => "#".repeat((share(duration) / 100.0 * BAR as f64).round() as usize),
        };
        let (time, share) = (milliseconds(duration), share(duration));
        let line = format!("{name:width$}  {time:10.3}  {share:5.1}%  {bar:BAR$}  {meaning}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The events as a Chrome trace: one row a thread.
pub fn chrome_trace(timing: &Timing, program: &str) -> String {
    let mut text = String::from("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    let _ = write!(
        text,
        "{{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{{\"name\":{}}}}}",
        quoted(program)
    );
    for event in &timing.events {
        let microseconds = |duration: Duration| duration.as_nanos() as f64 / 1e3;
        let _ = write!(
            text,
            ",\n{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3},\"dur\":{:.3},\"name\":{},\"args\":{{\"detail\":{}}}}}",
            event.thread,
            microseconds(event.start),
            microseconds(event.duration),
            quoted(event.name),
            quoted(&event.detail)
        );
    }
    text + "\n]}\n"
}

/// A string as JSON has it.
fn quoted(text: &str) -> serde_json::Value {
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wald::timing::Event;

    #[test]
    fn traces_are_json() {
        let event = Event {
            name: "parse",
            detail: "\"a\\b\n\"".into(),
            thread: 3,
            start: Duration::from_nanos(1500),
            duration: Duration::from_micros(2),
        };
        let timing = Timing { phases: Vec::new(), events: vec![event] };
        let line = "{\"ph\":\"X\",\"pid\":1,\"tid\":3,\"ts\":1.500,\"dur\":2.000,\"name\":\"parse\",\"args\":{\"detail\":\"\\\"a\\\\b\\n\\\"\"}}";
        assert!(chrome_trace(&timing, "wald").contains(line));
    }

    #[test]
    fn the_table_ends_with_the_rest_and_the_total() {
        let text = table(&[("read", Duration::from_millis(3))], Duration::from_millis(10));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1..],
            [
                "read        3.000   30.0%  ######                open and parse the inputs",
                "other       7.000   70.0%  ##############        what no phase counts",
                "total      10.000  100.0%"
            ]
        );
    }
}
