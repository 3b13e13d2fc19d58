//! Layout: places in memory and in the output's index spaces. Beyond it every size and every address is known.

pub mod indices;
pub mod memory;
pub mod segments;
