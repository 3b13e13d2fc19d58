//! The linker that an instance keeps. JavaScript has an instance for each.

use crate::memory::{take, text, texts};
use crate::state::with_state;
use crate::units::NamedUnit;
use std::cell::RefCell;
use wald::{Bytes, InputDescription, InputId};
use wald_cli::embedded::KeptLink;

/// A kept linker with what JavaScript numbers.
pub struct Kept {
    link: KeptLink,
    /// By number.
    inputs: Vec<InputId>,
    units: Vec<NamedUnit>,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// What is wrong with a call.
type Failure = String;

/// Calls `work` with the linker. Returns what it returns, or -1 if the call is wrong; the slot of diagnostics then says why.
fn with_kept(work: impl FnOnce(&mut Kept) -> Result<i32, Failure>) -> i32 {
    let result = KEPT.with_borrow_mut(|kept| match kept {
        Some(kept) => work(kept),
        None => Err("there is no linker".to_string()),
    });
    result.unwrap_or_else(|failure| {
        with_state(|state| state.stderr = failure.into_bytes());
        -1
    })
}

impl Kept {
    fn input(&self, number: usize) -> Result<InputId, Failure> {
        self.inputs.get(number).copied().ok_or_else(|| format!("there is no input {number}"))
    }

    fn unit(&mut self, number: usize) -> Result<&mut NamedUnit, Failure> {
        self.units.get_mut(number).ok_or_else(|| format!("there is no unit {number}"))
    }
}

/// Makes the linker of this instance. The arguments end with a zero byte each.
///
/// # Safety
/// The memory is from `wald_alloc` and is handed over.
#[no_mangle]
pub unsafe extern "C" fn wald_linker_open(arguments: *mut u8, size: usize) {
    // SAFETY: as above.
    let arguments = unsafe { texts(arguments, size) };
    let link = KeptLink::new(arguments);
    KEPT.set(Some(Kept { link, inputs: Vec::new(), units: Vec::new() }));
}

/// Declares the next input and returns its number. Flags: 1 for an input that is linked only if something refers to it, 2 for an archive
/// of which all members are linked.
///
/// # Safety
/// As of [`wald_linker_open`].
#[no_mangle]
pub unsafe extern "C" fn wald_linker_declare(name: *mut u8, size: usize, flags: u32) -> i32 {
    // SAFETY: as above.
    let name = unsafe { text(name, size) };
    with_kept(|kept| {
        let mut description = InputDescription::new(name);
        (description.lazy, description.whole_archive) = (flags & 1 != 0, flags & 2 != 0);
        kept.inputs.push(kept.link.linker().declare_input(description));
        Ok(kept.inputs.len() as i32 - 1)
    })
}

/// Provides the bytes of an input.
///
/// # Safety
/// As of [`wald_linker_open`].
#[no_mangle]
pub unsafe extern "C" fn wald_linker_provide(input: usize, bytes: *mut u8, size: usize) -> i32 {
    // SAFETY: as above.
    let bytes = unsafe { take(bytes, size) };
    with_kept(|kept| {
        let id = kept.input(input)?;
        let provided = kept.link.linker().provide(id, Bytes::from(bytes));
        provided.map(|()| 0).map_err(|error| error.to_string())
    })
}

/// Provides an input as a unit, in its present state.
#[no_mangle]
pub extern "C" fn wald_linker_provide_unit(input: usize, unit: usize) -> i32 {
    with_kept(|kept| {
        let id = kept.input(input)?;
        let unit = kept.units.get(unit).ok_or_else(|| format!("there is no unit {unit}"))?;
        let provided = kept.link.linker().provide_unit(id, unit.unit());
        provided.map(|()| 0).map_err(|error| error.to_string())
    })
}

/// Forgets the bytes of an input. Others must be provided before the next link.
#[no_mangle]
pub extern "C" fn wald_linker_replace(input: usize) -> i32 {
    with_kept(|kept| {
        let id = kept.input(input)?;
        kept.link.linker().replace(id).map(|()| 0).map_err(|error| error.to_string())
    })
}

/// Removes an input for good.
#[no_mangle]
pub extern "C" fn wald_linker_remove(input: usize) -> i32 {
    with_kept(|kept| {
        let id = kept.input(input)?;
        kept.link.linker().remove(id).map(|()| 0).map_err(|error| error.to_string())
    })
}

/// Links. Returns the exit code.
#[no_mangle]
pub extern "C" fn wald_linker_link() -> i32 {
    with_kept(|kept| {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = kept.link.link(&mut stdout, &mut stderr);
        let output = kept.link.linker().options().output.to_string_lossy().into_owned();
        with_state(|state| state.keep_results(output, stdout, stderr));
        Ok(code)
    })
}

/// Makes a unit and returns its number.
#[no_mangle]
pub extern "C" fn wald_unit_new() -> i32 {
    with_kept(|kept| {
        kept.units.push(NamedUnit::default());
        Ok(kept.units.len() as i32 - 1)
    })
}

/// Defines a symbol of a unit, or declares one that is defined elsewhere. The description is JSON; the bytes are the body of a function,
/// or data.
///
/// # Safety
/// As of [`wald_linker_open`].
#[no_mangle]
pub unsafe extern "C" fn wald_unit_define(
    unit: usize,
    description: *mut u8,
    description_size: usize,
    bytes: *mut u8,
    size: usize,
) -> i32 {
    // SAFETY: as above.
    let (description, bytes) = unsafe { (text(description, description_size), take(bytes, size)) };
    with_kept(|kept| kept.unit(unit)?.define(&description, bytes).map(|()| 0))
}

/// Removes a symbol of a unit.
///
/// # Safety
/// As of [`wald_linker_open`].
#[no_mangle]
pub unsafe extern "C" fn wald_unit_remove(unit: usize, name: *mut u8, size: usize) -> i32 {
    // SAFETY: as above.
    let name = unsafe { text(name, size) };
    with_kept(|kept| kept.unit(unit)?.remove(&name).map(|()| 0))
}
