//! The processors that formats of native code number.

/// The processor of an ELF file, from `e_machine`.
pub fn of_elf(number: u16) -> String {
    let name = match number {
        2 => "SPARC",
        3 => "x86",
        4 => "Motorola 68000",
        8 => "MIPS",
        15 => "PA-RISC",
        20 => "PowerPC",
        21 => "64-bit PowerPC",
        22 => "s390",
        40 => "Arm",
        42 => "SuperH",
        43 => "64-bit SPARC",
        50 => "Itanium",
        62 => "x86-64",
        83 => "AVR",
        94 => "Xtensa",
        105 => "MSP430",
        164 => "Hexagon",
        183 => "AArch64",
        190 => "CUDA",
        224 => "AMD GPUs",
        243 => "RISC-V",
        247 => "BPF",
        258 => "LoongArch",
        _ => return format!("machine {number}"),
    };
    name.into()
}

/// The processor of a Mach-O file, from `cputype`.
pub fn of_macho(number: u32) -> String {
    let name = match number {
        7 => "x86",
        12 => "Arm",
        18 => "PowerPC",
        0x0100_0007 => "x86-64",
        0x0100_000c => "AArch64",
        0x0100_0012 => "64-bit PowerPC",
        0x0200_000c => "AArch64 with 32-bit pointers",
        _ => return format!("CPU type {number:#x}"),
    };
    name.into()
}

/// The processor of a COFF file. `None` if the number is not of one that has COFF objects today.
pub fn of_coff(number: u16) -> Option<&'static str> {
    Some(match number {
        0x014c => "x86",
        0x01c0 | 0x01c4 => "Arm",
        0x8664 => "x86-64",
        0xa641 | 0xa64e => "AArch64 (Arm64EC)",
        0xaa64 => "AArch64",
        _ => return None,
    })
}
