//! Any bytes as a link's inputs: the answer is a valid module or an error.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(module) = shared::Case::new(data).and_then(|case| case.link()) {
        shared::validate(&module);
    }
});
