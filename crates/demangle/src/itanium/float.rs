//! Floating-point literals: the bytes of the value, printed as C's `%a` prints them.
//!
//! `long double` is x86's 80-bit format, as in an LLVM built for x86-64: the mangled digits do not tell the
//! target's format, and it is the host's that LLVM prints.

use super::ast::FloatKind;
use std::io::Write;

/// Writes the literal with C's suffix. `digits` are hex digits, the most significant first.
pub(super) fn write(kind: FloatKind, digits: &[u8], out: &mut Vec<u8>) {
    let bits = digits.iter().fold(0u128, |bits, &digit| bits << 4 | u128::from(hex(digit)));
    match kind {
        FloatKind::Float => {
            double(f64::from(f32::from_bits(bits as u32)), out);
            out.push(b'f');
        }
        FloatKind::Double => double(f64::from_bits(bits as u64), out),
        FloatKind::LongDouble => {
            extended(bits, out);
            out.push(b'L');
        }
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    }
}

fn double(value: f64, out: &mut Vec<u8>) {
    let bits = value.to_bits();
    if bits >> 63 != 0 {
        out.push(b'-');
    }
    let fraction = bits & ((1 << 52) - 1);
    let exponent = (bits >> 52 & 0x7ff) as i32;
    match (exponent, fraction) {
        (0x7ff, 0) => out.extend_from_slice(b"inf"),
        (0x7ff, _) => out.extend_from_slice(b"nan"),
        (0, 0) => out.extend_from_slice(b"0x0p+0"),
        (0, _) => hex_float(0, fraction << 12, -1022, out),
        _ => hex_float(1, fraction << 12, exponent - 1023, out),
    }
}

/// The x87 format: sign, 15 bits of exponent and 64 bits with an explicit leading one.
fn extended(bits: u128, out: &mut Vec<u8>) {
    if bits >> 79 & 1 != 0 {
        out.push(b'-');
    }
    let exponent = (bits >> 64 & 0x7fff) as i32;
    let mantissa = bits as u64;
    let infinite = mantissa << 1 == 0;
    match (exponent, mantissa) {
        (0x7fff, _) if infinite => out.extend_from_slice(b"inf"),
        (0x7fff, _) => out.extend_from_slice(b"nan"),
        (0, 0) => out.extend_from_slice(b"0x0p+0"),
        _ => {
            let exponent = exponent.max(1) - 16383 - 3;
            hex_float((mantissa >> 60) as u8, mantissa << 4, exponent, out);
        }
    }
}

/// `0x<lead>.<fraction>p<exponent>`, the fraction's bits from the top and without trailing zeros.
fn hex_float(lead: u8, mut fraction: u64, exponent: i32, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "0x{lead:x}");
    if fraction != 0 {
        out.push(b'.');
    }
    while fraction != 0 {
        let _ = write!(out, "{:x}", fraction >> 60);
        fraction <<= 4;
    }
    let _ = write!(out, "p{exponent:+}");
}
