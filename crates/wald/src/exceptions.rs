//! Says which objects handle exceptions in which way, if nothing defines a symbol of one way: objects of both cannot be linked. Only
//! symbols tell. Whether an object has old or new instructions for exceptions, only its code would.

use crate::diagnostics::{Diagnostic, Help};
use crate::input::Joined;
use crate::object::Object;
use crate::places::File;
use crate::program::Program;
use crate::recompile::{self, Flag};

const WASM: Flag<'_> = Flag { clang: "-fwasm-exceptions", or: "", rustc: "-C panic=unwind", and: "" };

/// Whether a symbol has to do with exceptions.
pub fn is_about_exceptions(symbol: &[u8]) -> bool {
    is_of_wasm(symbol) || is_of_javascript(symbol) || symbol.starts_with(b"_Unwind_")
}

/// Says it, if objects of both ways are linked.
pub fn explain(inputs: &Joined<'_>, program: Program<'_>, diagnostic: &mut Diagnostic) {
    let of = |is_it: fn(&[u8]) -> bool| -> Vec<File<'_>> {
        let has_one = |object: &Object| object.symbols.iter().any(|symbol| is_it(symbol.name_in(object)));
        let objects = program.objects.iter().filter(|linked| has_one(linked.object()));
        objects.map(|linked| File::linked(linked, &inputs.files)).collect()
    };
    let (wasm, javascript) = (of(is_of_wasm), of(is_of_javascript));
    if wasm.is_empty() || javascript.is_empty() {
        return;
    }
    diagnostic.notes.push(recompile::note("exceptions are handled by WebAssembly in", &wasm));
    diagnostic.notes.push(recompile::note("exceptions are handled by JavaScript in", &javascript));
    let helps: Vec<Help> = recompile::with_flag(&javascript, WASM);
    diagnostic.helps.splice(0..0, helps);
}

/// As with `-fwasm-exceptions`.
fn is_of_wasm(symbol: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [
        b"__cpp_exception",
        b"__wasm_lpad_context",
        b"__gxx_wasm_personality_v0",
        b"__gxx_personality_wasm0",
    ];
    NAMES.contains(&symbol)
}

/// As with Emscripten's `-fexceptions`.
fn is_of_javascript(symbol: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [b"__resumeException", b"llvm_eh_typeid_for", b"__THREW__"];
    NAMES.contains(&symbol) || symbol.starts_with(b"__cxa_find_matching_catch")
}
