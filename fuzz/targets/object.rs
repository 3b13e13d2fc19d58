//! Any bytes as an object, parsed whole and scanned as a lazy archive member: both agree on what it defines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wald::internals::{scan_defined_symbols, Interners, Object};
use wald::Bytes;

fuzz_target!(|data: &[u8]| {
    let interners = Interners::default();
    let scanned = scan_defined_symbols(data, &interners);
    if let Ok(object) = Object::parse(Bytes::from(data.to_vec()), &interners) {
        let defined = scanned.expect("what can be parsed can be scanned");
        let symbols = object.symbols.iter().filter(|s| s.is_defined() && !s.flags.is_local());
        assert!(symbols.map(|s| s.name).eq(defined));
        for function in &object.functions {
            assert!(object.relocations(function.relocations).count() <= data.len());
        }
    }
});
