//! Demangles every line of standard input, as `c++filt` does: other lines stay unchanged.

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut demangler = wald_demangle::Demangler::new();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        out.write_all(demangler.demangle(&line).unwrap_or(&line))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
