//! Functions that the linker writes: constructors, memory initialisation, command wrappers, traps.

mod bodies;
mod commands;
mod constructors;
mod init_memory;

pub use bodies::write_bodies;
pub use commands::wrap_commands;
pub use constructors::{collect as collect_constructors, Constructor};
pub use init_memory::add_init_memory;
