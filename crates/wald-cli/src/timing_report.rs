//! `--time` and `--time-trace`: where the time of a link went.

use std::fmt::Write;
use std::time::Duration;
use wald::timing::Timing;

/// A table of the phases with their wall times and shares.
pub fn table(timing: &Timing, total: Duration) -> String {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    let width = timing.phases.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(5);
    let mut text = format!("{:width$}  {:>10}  {:>6}\n", "phase", "ms", "share");
    let known: Duration = timing.phases.iter().map(|(_, duration)| *duration).sum();
    let other = ("other", total.saturating_sub(known));
    let share = |duration: Duration| 100.0 * duration.as_secs_f64() / total.as_secs_f64().max(1e-9);
    for (name, duration) in timing.phases.iter().copied().chain([other, ("total", total)]) {
        let _ = writeln!(text, "{name:width$}  {:10.3}  {:5.1}%", milliseconds(duration), share(duration));
    }
    text
}

/// The events as a Chrome trace: one row a thread.
pub fn chrome_trace(timing: &Timing, program: &str) -> String {
    let mut text = String::from("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    let _ = write!(
        text,
        "{{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{{\"name\":{}}}}}",
        json_string(program)
    );
    for event in &timing.events {
        let microseconds = |duration: Duration| duration.as_nanos() as f64 / 1e3;
        let _ = write!(
            text,
            ",\n{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3},\"dur\":{:.3},\"name\":{},\"args\":{{\"detail\":{}}}}}",
            event.thread,
            microseconds(event.start),
            microseconds(event.duration),
            json_string(event.name),
            json_string(&event.detail)
        );
    }
    text + "\n]}\n"
}

fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json += "\\\"",
            '\\' => json += "\\\\",
            '\0'..='\x1f' => {
                let _ = write!(json, "\\u{:04x}", character as u32);
            }
            _ => json.push(character),
        }
    }
    json + "\""
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
        let line = "{\"ph\":\"X\",\"pid\":1,\"tid\":3,\"ts\":1.500,\"dur\":2.000,\"name\":\"parse\",\"args\":{\"detail\":\"\\\"a\\\\b\\u000a\\\"\"}}";
        assert!(chrome_trace(&timing, "wald").contains(line));
    }

    #[test]
    fn the_table_ends_with_the_rest_and_the_total() {
        let timing = Timing { phases: vec![("read", Duration::from_millis(3))], events: Vec::new() };
        let text = table(&timing, Duration::from_millis(10));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1..],
            ["read        3.000   30.0%", "other       7.000   70.0%", "total      10.000  100.0%"]
        );
    }
}
