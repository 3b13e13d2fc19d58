//! Any bytes as an archive: every member is within the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(archive) = wald::internals::archive::parse(data) {
        for member in &archive.members {
            assert!(archive.thin || member.start + member.size <= data.len());
        }
    }
});
