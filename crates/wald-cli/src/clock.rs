//! Moments. `wasm32-unknown-unknown` has no clock: there all moments are the same.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use std::time::Instant;

/// A moment.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl Instant {
    /// This moment.
    pub fn now() -> Instant {
        Instant
    }

    /// No time.
    pub fn duration_since(&self, _: Instant) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    /// No time.
    pub fn saturating_duration_since(&self, _: Instant) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    /// No time.
    pub fn elapsed(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl std::ops::Add<std::time::Duration> for Instant {
    type Output = Instant;

    fn add(self, _: std::time::Duration) -> Instant {
        Instant
    }
}
