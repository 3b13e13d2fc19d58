//! A unit: functions, data and symbols that a compiler passes from memory instead of an object file.
//!
//! A [`Unit`] is a table of symbols with their definitions. [`Unit::add`] adds a symbol and returns its handle.
//! [`Unit::define`] replaces its definition, and [`Unit::remove`] removes it. The cost of an edit is proportional to the size
//! of the definition. [`Linker::provide_unit`](crate::Linker::provide_unit) links a unit without writing an object. The module
//! has the same bytes as a link of the equivalent object.
//!
//! [`Unit::to_object`] returns the equivalent object file. It has the symbols in the order in which they were added, and
//! functions, data segments and the rest in the order in which they were first defined.
//!
//! ```
//! use wald::options::Options;
//! use wald::unit::{Definition, Function, Import, Relocation, Symbol, Unit, ValueType};
//! use wald::{Bytes, InputDescription, Linker};
//!
//! // (func $answer (result i32) i32.const 42), and _start, which calls it and hands the result to an import.
//! let mut unit = Unit::new();
//! let (no_value, number) = (unit.signature(&[], &[]), unit.signature(&[], &[ValueType::I32]));
//! let takes_number = unit.signature(&[ValueType::I32], &[]);
//! let answer = unit.add(
//!     Symbol::global("answer"),
//!     Definition::Function(Function::new(number, vec![0, 0x41, 42, 0x0b], vec![])),
//! )?;
//! let import = Import::new("host", "show");
//! let show = unit.add(Symbol::global("show"), Definition::UndefinedFunction(takes_number, Some(import)))?;
//! let body = vec![0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
//! let calls = vec![Relocation::call(2, answer), Relocation::call(8, show)];
//! unit.add(Symbol::global("_start"), Definition::Function(Function::new(no_value, body, calls)))?;
//!
//! let mut linker = Linker::new(Options::default());
//! let input = linker.declare_input(InputDescription::new("main"));
//! linker.provide_unit(input, &unit)?;
//! let first = linker.link().module?;
//!
//! // The function is edited and linked again. Other inputs would not be read.
//! let body = vec![0, 0x41, 43, 0x0b];
//! unit.define(answer, Definition::Function(Function::new(number, body, vec![])))?;
//! linker.replace(input)?;
//! linker.provide_unit(input, &unit)?;
//! let second = linker.link().module?;
//! assert_ne!(first, second);
//!
//! // An object with the same contents gives the same module.
//! let mut linker = Linker::new(Options::default());
//! let input = linker.declare_input(InputDescription::new("main"));
//! linker.provide(input, Bytes::from(unit.to_object()?))?;
//! assert_eq!(linker.finish().module?, second);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod check;
mod definition;
mod edit;
mod error;
mod handle;
mod interned;
mod nesting;
mod relocations;
mod state;
mod store;
mod write_object;

pub use definition::{
    Binding, Data, Definition, Function, GlobalType, Import, ProducerKind, Relocation, Section, Symbol,
    TableType, Target, ValueType,
};
pub use error::UnitError;
pub use handle::{ComdatHandle, SymbolHandle, TypeHandle};
pub use state::Unit;

pub use crate::format::relocation::RelocationType;
pub use crate::format::{segment_flags, SymbolKind};
