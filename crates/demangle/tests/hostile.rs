//! Names made to exhaust time, memory or the stack: each must be answered soon, with bounded text, and
//! without a panic.

use std::time::{Duration, Instant};
use wald_demangle::Demangler;

/// Repetitions in a pattern: names of up to a few megabytes.
const N: usize = 200_000;

fn patterns() -> Vec<String> {
    let mut names = Vec::new();
    // Nesting in every rule that recurs.
    for (before, part) in [
        ("_Z1f", "P"),
        ("_Z1f", "1aI"),
        ("_Z1fIX", "ng"),
        ("_Z1fIX", "tldi1a"),
        ("_Z1fIX", "il"),
        ("_Z1fIX", "cl"),
        ("_Z1fIX", "sr1a"),
        ("_Z1fIX", "srN"),
        ("_Z1fIX", "rqX"),
        ("_Z1fIX", "LA_"),
        ("_Z", "Z1a"),
        ("_Z1f", "Ul"),
        ("_Z1f", "UlTt"),
        ("_Z1fI", "J"),
        ("_Z1fI", "TyTt"),
        ("_ZNK", "1acv1bI"),
        ("_ZNK", "cvN"),
        ("_Z", "T"),
        ("_Z", "Th0_"),
        ("_Z1f", "U1a"),
        ("_Z1f", "KVr"),
        ("_Z1f", "M1a"),
        ("_Z1f", "Dv_"),
        ("_Z1f", "DO"),
        ("_ZN1aCI1", "N1aCI1"),
        ("_Z", "W1a"),
        ("_ZN", "1a"),
        ("_ZN1a", "B1b"),
        ("_Z1f", "9"),
        ("", "_"),
        ("_", "."),
        ("_R", "NvI"),
        ("_R", "X"),
        ("_R", "FG0ZZZ_"),
        ("_RIC1aK", "B_"),
        ("_D", "6__initZ"),
        ("_D", "0"),
        ("_D", "QAAAAAA"),
        ("_D1a", "Qb"),
    ] {
        names.push(format!("{before}{}", part.repeat(N)));
        names.push(format!("{before}{}i{}", part.repeat(N / 20), "E".repeat(N / 20)));
    }
    // Text that doubles with every substitution.
    let mut doubling = "_Z1f1aIiiE".to_string();
    doubling.push_str("1bIS_S_E");
    for id in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars() {
        doubling.push_str(&format!("1bIS{id}_S{id}_E"));
    }
    names.push(doubling);
    names.push(format!("_Z1fIJ{}EEv{}", "i".repeat(3000), "DpPT_".repeat(3000)));
    names.push(format!("_Z1fIJiiiiEEv{}T_", "DpP".repeat(100)));
    names.push(format!("_Z1fR{}i{}", "R".repeat(16000), "S0_".repeat(N)));
    names.push(format!("_ZN1aIcE{}E", "cvT_IiE".repeat(N)));
    names.push("_ZN1acv1bIT_T_EIS1_EEv".to_string());
    names.push("_ZN1acvPT_IRT_EEv".to_string());
    names.push(format!("_RIC1a{}E", "FGzz_Eu".repeat(20_000)));
    names.push(format!("_RIC1a{}E", "TB_B_E".repeat(1000)));
    names.push(format!("_RCu{N}{}", "a".repeat(N)));
    names.push(format!("_D500000{}{}Z", "a".repeat(500_000), "Qe".repeat(N)));
    names
}

#[test]
fn hostile_names_are_answered_soon_and_within_bounds() {
    // Half the default stack of a thread.
    let run = || {
        let mut demangler = Demangler::new();
        let mut total = Duration::ZERO;
        for name in patterns() {
            let start = Instant::now();
            let text = demangler.demangle(name.as_bytes()).map_or(0, <[u8]>::len);
            let time = start.elapsed();
            total += time;
            let head = &name[..name.len().min(40)];
            assert!(time < Duration::from_secs(4), "{head}… took {time:?}");
            assert!(text <= (2 << 20) + 128 * name.len(), "{head}… gives {text} bytes");
        }
        println!("hostile names took {total:?}");
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic");
}

/// Prefixes and single-byte changes of good names: never a panic.
#[test]
fn cut_and_changed_names_do_not_panic() {
    let mut demangler = Demangler::new();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for line in include_str!("names.txt").lines() {
        let name = line.split('\t').next().unwrap_or_default().as_bytes();
        demangler.demangle(&name[..random() % name.len()]);
        let mut changed = name.to_vec();
        for _ in 0..8 {
            let at = random() % changed.len();
            changed[at] = random() as u8;
            demangler.demangle(&changed);
        }
    }
    for len in 0..4 {
        let mut name = vec![0; len];
        for byte in 0..=255 {
            name.fill(byte);
            demangler.demangle(&name);
            let mut prefixed = b"_Z1f".to_vec();
            prefixed.extend_from_slice(&name);
            demangler.demangle(&prefixed);
        }
    }
}

/// LLVM's own stack holds names nested some ten thousand levels deep. They are read here too.
#[test]
fn deep_names_are_read() {
    let mut demangler = Demangler::new();
    for depth in [100, 1000, 10_000] {
        let name = format!("_Z1f{}i", "P".repeat(depth));
        let expected = format!("f(int{})", "*".repeat(depth));
        assert!(demangler.demangle(name.as_bytes()) == Some(expected.as_bytes()), "{depth} levels");
        let name = format!("_Z1f{}i{}", "1aI".repeat(depth), "E".repeat(depth));
        let expected = format!("f({}int{})", "a<".repeat(depth), ">".repeat(depth));
        assert!(demangler.demangle(name.as_bytes()) == Some(expected.as_bytes()), "{depth} levels");
    }
}
