//! Work before the last input arrives, and what a kept linker reuses of its last link.
//!
//! A link from nothing needs none of this. It makes a link faster and never changes its result. [`State`] belongs to a linker.
//! It makes a [`Speculation`], of which a link gets a [`HeadStart`]. [`policy`] decides when work is worth it.

mod head_start;
mod inputs;
mod policy;
mod prepare_object;
mod renewal;
mod speculation;
mod speculative_marks;
mod state;
mod string_pools;
mod surroundings;

pub use head_start::{EarlierStrings, HeadStart};
pub use inputs::{DeclaredInput, DeclaredInputs};
pub use policy::is_output_worth_keeping;
pub use speculation::Replacement;
pub use state::State;
pub use string_pools::Source;
pub use surroundings::Surroundings;
