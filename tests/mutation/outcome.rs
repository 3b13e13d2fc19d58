//! Runs one link and judges how it went.

use crate::allocation;
use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use wald::diagnostics::Severity;
use wald::LinkResult;
use wasmparser::{Parser, Validator, WasmFeatures};

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How the links ended.
#[derive(Default)]
pub struct Counts {
    modules: AtomicU64,
    errors: AtomicU64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (modules, errors) = (self.modules.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed));
        write!(f, "{modules} modules, {errors} errors")
    }
}

/// Keeps what a panic says for its finding instead of printing it.
pub fn keep_panics_quiet() {
    panic::set_hook(Box::new(|info| {
        PANIC.with_borrow_mut(|text| *text = info.to_string());
    }));
}

/// Links, and says what is wrong with how that went.
pub fn observe(mutant: u64, counts: &Counts, link: impl FnOnce() -> LinkResult) -> Result<(), String> {
    let (result, most) = allocation::most_held(mutant, || panic::catch_unwind(AssertUnwindSafe(link)));
    let Ok(LinkResult { module, diagnostics, .. }) = result else {
        return Err(PANIC.with_borrow(|text| text.replace('\n', " ")));
    };
    if most > allocation::LIMIT {
        return Err(format!("it holds {most} bytes"));
    }
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    match module {
        Err(_) if !failed => Err("it fails without an error".into()),
        Err(_) => {
            counts.errors.fetch_add(1, Ordering::Relaxed);
            match diagnostics.iter().any(|diagnostic| diagnostic.message.is_empty()) {
                true => Err("it says nothing".into()),
                false => Ok(()),
            }
        }
        Ok(_) if failed => Err("there is an output in spite of an error".into()),
        Ok(module) => {
            counts.modules.fetch_add(1, Ordering::Relaxed);
            check_module(&module)
        }
    }
}

/// Validates all of a module but its functions' bodies, which a linker copies as they are.
fn check_module(module: &[u8]) -> Result<(), String> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|e| format!("unreadable module: {e}"))?;
        validator.payload(&payload).map_err(|e| format!("invalid module: {e}"))?;
    }
    Ok(())
}
