//! The times of several runs: their median and how far they spread.

/// Milliseconds of all rounds.
#[derive(Default)]
pub struct Times(pub Vec<f64>);

impl Times {
    /// The quartile, of which 2 is the median.
    pub fn quartile(&self, which: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get((sorted.len() - 1) * which / 4).copied().unwrap_or_default()
    }

    /// The median, and half the distance between the quartiles.
    pub fn shown(&self) -> String {
        format!("{:.1} ±{:.1}", self.quartile(2), (self.quartile(3) - self.quartile(1)) / 2.0)
    }
}
