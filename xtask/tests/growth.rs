//! What was once worse than linear stays linear: CPU time of links that are four times as large.
//!
//! The bounds are coarse, because other programs run at the same time: four times the size may take ten times as long. Quadratic
//! is sixteen. `cargo xtask bench growth` measures exactly, against wasm-ld.

use std::path::Path;
use std::time::Duration;
use xtask::bench_growth::{jobs, Link};
use xtask::workspace;

/// Names of jobs, and how many times their smallest size is the size to begin with: so large that a quadratic part is most of it.
const WATCHED: &[(&str, usize)] = &[
    ("symbols of a stub library", 1),
    ("renamed imports of a stub library", 1),
    ("--wrap", 1),
    ("--trace-symbol", 1),
    ("--export", 1),
    ("--export of segments' bounds", 1),
    ("strings with a common end of 1,000 bytes", 1),
    ("-l not found in 400 folders", 1),
];

#[test]
fn times_grow_in_proportion() {
    let wald = workspace::build_wald("dev").expect("wald builds");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("growth");
    for &(name, factor) in WATCHED {
        let job = jobs().find(|job| job.name == name).unwrap_or_else(|| panic!("there is no job {name}"));
        let time = |size: usize| -> Duration {
            let mut link = Link::new(&folder).expect("there is a folder");
            (job.make)(&mut link, size).expect("the inputs are made");
            link.cost(&wald, 2).expect("wald runs")
        };
        let size = job.size * factor;
        // Three tries, because the machine may be busy with other things.
        let grows = (0..3).map(|_| (time(size), time(4 * size))).find(|(small, large)| *large < *small * 10);
        assert!(grows.is_some(), "{name} grows out of proportion");
    }
    let _ = std::fs::remove_dir_all(&folder);
}
