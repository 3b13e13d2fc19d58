//! Any bytes as a mangled name.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut demangler = wald_demangle::Demangler::new();
    let first = demangler.demangle(data).map(<[u8]>::to_vec);
    let again = demangler.demangle(data).map(<[u8]>::to_vec);
    assert_eq!(first, again, "a demangler keeps nothing from name to name");
});
