//! Why the command does not go on.

/// Why the command does not go on.
pub enum Stop {
    /// It is done, well or not; the renderer knows.
    Done,
    /// A file that contains arguments has changed.
    Again,
}
