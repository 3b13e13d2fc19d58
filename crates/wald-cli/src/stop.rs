//! Why the command does not go on.

/// Why the command does not go on.
pub enum Stop {
    /// It is done, well or not; the renderer knows.
    Done,
    /// The files have changed that its arguments come from.
    Again,
}
