//! What `cargo xtask bench` shows: tables for people, JSON for programs, a picture for the README.

use std::path::Path;
use std::time::Duration;

use crate::measure::Cost;
use crate::workspace;

/// The lines of a document that enclose a table.
pub type Marks = [&'static str; 2];

const TABLE: Marks = ["<!-- bench: written by cargo xtask bench --update-docs -->", "<!-- end of bench -->"];
/// Those of the table of `bench lto`.
pub const LTO_TABLE: Marks =
    ["<!-- bench lto: written by cargo xtask bench lto --update-docs -->", "<!-- end of bench lto -->"];
/// Those of the table of `bench builds`.
pub const BUILDS_TABLE: Marks = [
    "<!-- bench builds: written by cargo xtask bench builds --update-docs -->",
    "<!-- end of bench builds -->",
];

/// Every counted run of one program.
pub struct Runs(pub Vec<Cost>);

/// What was measured of one job.
pub struct Measured {
    /// The job, and what was special about this link.
    pub job: String,
    /// Bytes of the inputs.
    pub size_in: u64,
    /// Bytes of the output.
    pub size_out: u64,
    /// What copying costs.
    pub floor: Runs,
    /// By program, with the private memory; Wald is the first. `None` if it does not link the job.
    pub programs: Vec<Option<(Runs, u64)>>,
}

impl Measured {
    fn wald(&self) -> Option<&(Runs, u64)> {
        self.programs.first()?.as_ref()
    }

    /// Wald's wall time, CPU time and private memory divided by those of another program.
    fn ratios(&self, program: usize) -> Option<[f64; 3]> {
        let (own, own_private) = self.wald()?;
        let (runs, private) = self.programs.get(program)?.as_ref()?;
        let ratio = |own: f64, value: f64| own / value.max(1e-9);
        Some([
            ratio(own.median(wall), runs.median(wall)),
            ratio(own.median(cpu), runs.median(cpu)),
            ratio(*own_private as f64, *private as f64),
        ])
    }

    /// Wald's wall time divided by the floor's.
    fn floors(&self) -> f64 {
        self.wald().map_or(0.0, |(own, _)| own.median(wall) / self.floor.median(wall).max(1e-9))
    }
}

/// The first lines of the table.
pub fn head(names: &[String]) -> String {
    let mut head =
        "| job | in MB | out MB | floor ms | wald ms | / floor | CPU ms | private MB | page faults |"
            .to_string();
    for name in names.iter().skip(1) {
        head += &format!(" {name} ms | wall | CPU | private |");
    }
    let columns = 9 + 4 * names.len().saturating_sub(1);
    head + "\n|" + &"---|".repeat(columns) + "\n"
}

/// The line of a job.
pub fn row(measured: &Measured) -> String {
    let Measured { job, size_in, size_out, floor, programs } = measured;
    let mut cells = vec![
        job.clone(),
        format!("{:.1}", *size_in as f64 / 1e6),
        format!("{:.1}", *size_out as f64 / 1e6),
        format!("{:.1}", floor.median(wall)),
    ];
    if let Some((own, private)) = measured.wald() {
        cells.extend([
            own.with_spread(wall),
            format!("{:.2}", measured.floors()),
            format!("{:.1}", own.median(cpu)),
            format!("{:.0}", *private as f64 / 1e6),
            format!("{:.0}", own.median(faults)),
        ]);
    }
    for (number, program) in programs.iter().enumerate().skip(1) {
        match (program, measured.ratios(number)) {
            (Some((runs, _)), Some(ratios)) => {
                cells.push(runs.with_spread(wall));
                cells.extend(ratios.map(|ratio| format!("{ratio:.2}")));
            }
            _ => cells.extend(["does not link it", "", "", ""].map(String::from)),
        }
    }
    format!("| {} |\n", cells.join(" | "))
}

/// Writes the table, its short form and the picture.
pub fn update_docs(names: &[String], all: &[Measured], note: &str) -> Result<(), String> {
    let rows: String = all.iter().map(row).collect();
    let root = workspace::root();
    replace(&root.join("docs/performance.md"), TABLE, &format!("{}{rows}\n{note}", head(names)))?;
    let mut short =
        "| job | out MB | wald ms | wasm-ld-22 ms | times faster | CPU time | memory | / floor |\n"
            .to_string();
    short += &("|".to_string() + &"---|".repeat(8) + "\n");
    let plain = || all.iter().filter(|measured| !measured.job.contains(','));
    short.extend(plain().filter_map(short_row));
    replace(&root.join("README.md"), TABLE, &format!("{short}\n{note}"))?;
    workspace::write(&root.join("docs/speed.svg"), picture(plain()))
}

/// The line of a job in the README.
fn short_row(measured: &Measured) -> Option<String> {
    let ((own, _), (other, _)) = (measured.wald()?, measured.programs.get(1)?.as_ref()?);
    let [wall_ratio, cpu_ratio, memory] = measured.ratios(1)?;
    let cells = [
        measured.job.clone(),
        format!("{:.1}", measured.size_out as f64 / 1e6),
        format!("{:.0}", own.median(wall)),
        format!("{:.0}", other.median(wall)),
        format!("{:.1}", 1.0 / wall_ratio.max(1e-9)),
        format!("{cpu_ratio:.2}"),
        format!("{memory:.2}"),
        format!("{:.1}", measured.floors()),
    ];
    Some(format!("| {} |\n", cells.join(" | ")))
}

/// Replaces a table of a document.
pub fn replace(path: &Path, [begin_mark, end_mark]: Marks, table: &str) -> Result<(), String> {
    let text = String::from_utf8_lossy(&workspace::read(path)?).into_owned();
    let (Some(begin), Some(end)) = (text.find(begin_mark), text.find(end_mark)) else {
        return Err(format!("{} has no marks for the table", workspace::shown(path)));
    };
    workspace::write(path, format!("{}\n{table}{}", &text[..begin + begin_mark.len()], &text[end..]))
}

/// A bar for each job: Wald's wall time as a part of wasm-ld's, and a line for the floor's.
fn picture<'m>(all: impl Iterator<Item = &'m Measured>) -> String {
    const LEFT: f64 = 120.0;
    const WIDTH: f64 = 480.0;
    const STEP: f64 = 22.0;
    let mut bars = String::new();
    let mut y = 40.0;
    for measured in all {
        let (Some([ratio, ..]), Some(Some((other, _)))) = (measured.ratios(1), measured.programs.get(1))
        else {
            continue;
        };
        let floor = measured.floor.median(wall) / other.median(wall).max(1e-9);
        bars += &format!(
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LEFT:.0}\" y=\"{y:.0}\" width=\"{WIDTH:.0}\" height=\"14\" fill=\"#d8d8d8\"/>\n\
             <rect x=\"{LEFT:.0}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"14\" fill=\"#2f6fb2\"/>\n\
             <rect x=\"{:.1}\" y=\"{:.0}\" width=\"2\" height=\"18\" fill=\"#000\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\">{:.1}×</text>\n",
            LEFT - 8.0,
            y + 11.0,
            measured.job,
            WIDTH * ratio.min(1.0),
            LEFT + WIDTH * floor.min(1.0),
            y - 2.0,
            LEFT + WIDTH + 8.0,
            y + 11.0,
            1.0 / ratio.max(1e-9),
        );
        y += STEP;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"660\" height=\"{:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT:.0}\" y=\"20\">wall time: Wald (blue) of wasm-ld 22 (grey); the black line is the cost of copying</text>\n\
         {bars}</svg>\n",
        y + 10.0
    )
}

/// Every run, as a list of objects: job, program, and a list of values for each measure.
pub fn json(names: &[String], all: &[Measured]) -> String {
    let mut list = Vec::new();
    for Measured { job, size_in, size_out, floor, programs } in all {
        let mut add = |program: &str, runs: &Runs, private: u64| {
            let values = |value: fn(&Cost) -> f64| runs.0.iter().map(value).collect::<Vec<_>>();
            list.push(serde_json::json!({
                "job": job, "program": program, "bytes_in": size_in, "bytes_out": size_out,
                "wall_ms": values(wall), "cpu_ms": values(cpu), "page_faults": values(faults),
                "peak_mb": values(peak), "private_bytes": private,
            }));
        };
        add("floor", floor, 0);
        for (program, costs) in names.iter().zip(programs) {
            if let Some((runs, private)) = costs {
                add(program, runs, *private);
            }
        }
    }
    format!("{:#}\n", serde_json::Value::from(list))
}

fn faults(cost: &Cost) -> f64 {
    cost.faults as f64
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Wall time in milliseconds.
pub fn wall(cost: &Cost) -> f64 {
    milliseconds(cost.wall)
}

/// CPU time in milliseconds.
pub fn cpu(cost: &Cost) -> f64 {
    milliseconds(cost.cpu)
}

fn peak(cost: &Cost) -> f64 {
    cost.peak as f64 / 1e6
}

impl Runs {
    fn sorted(&self, value: fn(&Cost) -> f64) -> Vec<f64> {
        let mut values: Vec<f64> = self.0.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The value in the middle; of an even number, the mean of the two.
    pub fn median(&self, value: fn(&Cost) -> f64) -> f64 {
        let values = self.sorted(value);
        let middle = values.len() / 2;
        match values.len() {
            0 => 0.0,
            count if count % 2 == 1 => values[middle],
            _ => (values[middle - 1] + values[middle]) / 2.0,
        }
    }

    /// The median, and half the distance between the quartiles.
    pub fn with_spread(&self, value: fn(&Cost) -> f64) -> String {
        let values = self.sorted(value);
        let last = values.len().saturating_sub(1);
        let quartile = |quarters: usize| values.get((last * quarters + 2) / 4).copied().unwrap_or(0.0);
        format!("{:.1} ± {:.1}", self.median(value), (quartile(3) - quartile(1)) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(milliseconds: &[u64]) -> Runs {
        let cost = |&ms: &u64| Cost {
            wall: Duration::from_millis(ms),
            cpu: Duration::from_millis(ms * 2),
            peak: 0,
            faults: 0,
        };
        Runs(milliseconds.iter().map(cost).collect())
    }

    #[test]
    fn medians_and_spreads() {
        assert_eq!(runs(&[9, 1, 5]).median(wall), 5.0);
        assert_eq!(runs(&[4, 2]).median(wall), 3.0);
        assert_eq!(runs(&[1, 2, 3, 4, 5]).with_spread(wall), "3.0 ± 1.0");
        assert_eq!(runs(&[7]).with_spread(wall), "7.0 ± 0.0");
    }

    #[test]
    fn a_row_compares_wald_with_each_program() {
        let names = ["wald", "other", "third"].map(String::from);
        let programs = vec![Some((runs(&[20]), 1_000_000)), Some((runs(&[80]), 4_000_000)), None];
        let measured = Measured {
            job: "a".into(),
            size_in: 2_000_000,
            size_out: 1_000_000,
            floor: runs(&[10]),
            programs,
        };
        let row = row(&measured);
        assert_eq!(
            row,
            "| a | 2.0 | 1.0 | 10.0 | 20.0 ± 0.0 | 2.00 | 40.0 | 1 | 0 | 80.0 ± 0.0 | 0.25 | 0.25 | 0.25 | does not link it |  |  |  |\n"
        );
        let columns = |line: &str| line.matches('|').count();
        assert!(head(&names).lines().all(|line| columns(line) == columns(row.trim())));
        assert_eq!(short_row(&measured).unwrap(), "| a | 1.0 | 20 | 80 | 4.0 | 0.25 | 0.25 | 2.0 |\n");
        assert!(picture([measured].iter()).contains("width=\"120.0\""));
    }
}
