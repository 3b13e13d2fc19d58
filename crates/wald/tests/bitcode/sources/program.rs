//! Bitcode of another producer.
#![no_std]

#[no_mangle]
pub static DATA: [u8; 3] = [1, 2, 3];

extern "C" {
    fn imported(x: u32) -> u32;
}

#[no_mangle]
pub extern "C" fn exported(x: u32) -> u32 {
    unsafe { imported(x) }
}

#[inline(never)]
pub fn mangled(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == DATA[0]).count()
}
