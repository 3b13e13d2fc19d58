//! Symbols whose libraries and compiler flags are known by name, and libraries on the search path that define a symbol.

use hashbrown::{HashMap, HashSet};

use crate::archive::for_each_symbol;
use crate::diagnostics::{Fix, Help};
use crate::library_provider::OtherLibrary;
use crate::text::{escape_path, Text};

/// What is known about a symbol by its name alone.
struct Known {
    /// Names, or beginnings of names that end with `*`.
    names: &'static [&'static str],
    /// What to do.
    help: &'static str,
    /// The same as data.
    fix: Option<KnownFix>,
}

#[derive(Clone, Copy)]
enum KnownFix {
    Argument(&'static str),
    Flag(&'static str),
    Driver(&'static str),
}

/// The first entry that fits counts. Facts of wasi-libc, LLVM's runtimes and clang 22.
const KNOWN: &[Known] = &[
    Known {
        names: &["main", "__main_void", "__main_argc_argv", "__original_main"],
        help: "define main, or link a library with -mexec-model=reactor",
        fix: None,
    },
    Known {
        names: &["setjmp", "longjmp", "sigsetjmp", "siglongjmp", "_setjmp", "_longjmp"],
        help: "compile what calls it with -mllvm -wasm-enable-sjlj, and link with -lsetjmp",
        fix: Some(KnownFix::Flag("-mllvm -wasm-enable-sjlj")),
    },
    Known {
        names: &["__wasm_setjmp", "__wasm_setjmp_test", "__wasm_longjmp", "__c_longjmp"],
        help: "add -lsetjmp: wasi-libc's implementation of setjmp and longjmp",
        fix: Some(KnownFix::Argument("-lsetjmp")),
    },
    Known {
        names: &["__cxa_find_matching_catch*", "__resumeException", "llvm_eh_typeid_for", "__THREW__", "__threwValue"],
        help: "compile with -fwasm-exceptions: only Emscripten's runtime has exceptions in JavaScript",
        fix: Some(KnownFix::Flag("-fwasm-exceptions")),
    },
    Known {
        names: &["__cpp_exception", "__wasm_lpad_context", "_Unwind_*"],
        help: "add -lunwind of libraries that were built for exceptions, and compile and link with -fwasm-exceptions",
        fix: Some(KnownFix::Argument("-lunwind")),
    },
    Known {
        names: &["__cxa_throw", "__cxa_allocate_exception", "__cxa_free_exception", "__cxa_begin_catch",
                 "__cxa_end_catch", "__cxa_rethrow", "__cxa_get_exception_ptr", "__gxx_personality_wasm0",
                 "__gxx_wasm_personality_v0"],
        help: "compile with -fno-exceptions, or with -fwasm-exceptions and link a libc++abi that was built for exceptions",
        fix: Some(KnownFix::Flag("-fno-exceptions")),
    },
    Known {
        names: &["__cxa_*", "__dynamic_cast", "_Zna*", "_Znw*", "_Zda*", "_Zdl*", "_ZNSt3__2*", "_ZNKSt3__2*", "_ZSt*",
                 "_ZNSt*", "_ZNKSt*", "_ZTVN10__cxxabiv1*", "_ZTISt*", "_ZTVSt*", "_ZTIP*", "_ZTIa", "_ZTIb", "_ZTIc", "_ZTId",
                 "_ZTIe", "_ZTIf", "_ZTIh", "_ZTIi", "_ZTIj", "_ZTIl", "_ZTIm", "_ZTIn", "_ZTIo", "_ZTIs", "_ZTIt", "_ZTIv",
                 "_ZTIw", "_ZTIx", "_ZTIy"],
        help: "link with clang++, or add -lc++ -lc++abi",
        fix: Some(KnownFix::Driver("clang++")),
    },
    Known {
        names: &["signal", "raise", "__SIG_IGN", "__SIG_ERR", "strsignal", "psignal"],
        help: "add -lwasi-emulated-signal",
        fix: Some(KnownFix::Argument("-lwasi-emulated-signal")),
    },
    Known {
        names: &["mmap", "munmap"],
        help: "add -lwasi-emulated-mman",
        fix: Some(KnownFix::Argument("-lwasi-emulated-mman")),
    },
    Known {
        names: &["clock", "times", "getrusage", "clock_getcpuclockid"],
        help: "add -lwasi-emulated-process-clocks",
        fix: Some(KnownFix::Argument("-lwasi-emulated-process-clocks")),
    },
    Known {
        names: &["getpid"],
        help: "add -lwasi-emulated-getpid",
        fix: Some(KnownFix::Argument("-lwasi-emulated-getpid")),
    },
    Known {
        names: &["pthread_*", "__wasi_thread_spawn", "wasi_thread_start", "thrd_*", "sem_*"],
        help: "compile and link with --target=wasm32-wasip1-threads -pthread",
        fix: Some(KnownFix::Flag("-pthread")),
    },
    Known {
        names: &["__stack_chk_fail", "__stack_chk_guard"],
        help: "compile with -fno-stack-protector, or add -lc",
        fix: Some(KnownFix::Flag("-fno-stack-protector")),
    },
    Known {
        names: &["__asan_*", "__ubsan_*", "__tsan_*", "__sanitizer_*"],
        help: "compile without -fsanitize, or link with the sanitizer's runtime library",
        fix: None,
    },
    Known {
        names: &["__wasm_call_ctors"],
        help: "only the linker defines it: do not link with -r, or leave the call to the final link",
        fix: None,
    },
    Known {
        names: &["__multi3", "__divti3", "__udivti3", "__modti3", "__umodti3", "__ashlti3", "__lshrti3", "__ashrti3",
                 "__addtf3", "__subtf3", "__multf3", "__divtf3", "__eqtf2", "__netf2", "__lttf2", "__letf2", "__gttf2",
                 "__getf2", "__unordtf2", "__extenddftf2", "__extendsftf2", "__trunctfdf2", "__trunctfsf2",
                 "__fixtfsi", "__fixtfdi", "__fixunstfsi", "__fixunstfdi", "__floatsitf", "__floatditf",
                 "__floatunsitf", "__floatunditf", "__mulsc3", "__muldc3", "__divsc3", "__divdc3"],
        help: "add the compiler's runtime library, libclang_rt.builtins: link with clang, without -nostdlib",
        fix: Some(KnownFix::Driver("clang")),
    },
];

fn fits(pattern: &str, symbol: &[u8]) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => symbol.starts_with(start.as_bytes()),
        None => symbol == pattern.as_bytes(),
    }
}

fn entry_of(symbol: &[u8]) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.names.iter().any(|name| fits(name, symbol)))
}

/// What is known about the symbol by its name.
pub fn known(symbol: &[u8], offers: &Offers) -> Option<Help> {
    let found = entry_of(symbol)?;
    let fix = found.fix.map(|fix| match fix {
        KnownFix::Argument(argument) => Fix::AddArgument { argument: argument.into() },
        KnownFix::Flag(flag) => Fix::AddCompilerFlag { flag: flag.into(), locations: Vec::new() },
        KnownFix::Driver(driver) => Fix::UseDriver { driver: driver.into() },
    });
    let mut text = found.help.to_string();
    if let Some(offer) = offers.of(symbol).filter(|_| matches!(found.fix, Some(KnownFix::Driver("clang++"))))
    {
        text += &format!(" (found in {:#})", offer.folder);
    }
    let help = Help::new(text);
    Some(match fix {
        Some(fix) => help.with_fix(fix),
        None => help,
    })
}

/// Whether the C++ driver adds the library that defines the symbol, whatever else does.
pub fn is_of_driver(symbol: &[u8]) -> bool {
    KNOWN.iter().any(|known| {
        matches!(known.fix, Some(KnownFix::Driver(_))) && known.names.iter().any(|name| fits(name, symbol))
    })
}

/// Which libraries that are not part of the link define which symbols.
#[derive(Default)]
pub struct Offers {
    libraries: Vec<OtherLibrary>,
    /// By symbol, the libraries that define it.
    of_symbol: HashMap<Vec<u8>, Vec<usize>>,
}

impl Offers {
    /// Looks for the symbols in libraries that are not among `inputs`.
    pub fn new<'a>(
        libraries: Vec<OtherLibrary>,
        symbols: impl Iterator<Item = &'a [u8]>,
        inputs: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut wanted: HashMap<&[u8], Vec<usize>> = symbols.map(|symbol| (symbol, Vec::new())).collect();
        if wanted.is_empty() || libraries.is_empty() {
            return Offers::default();
        }
        let inputs: HashSet<&str> = inputs.collect();
        for (position, library) in libraries.iter().enumerate() {
            if inputs.contains(&*escape_path(&library.path)) {
                continue;
            }
            for_each_symbol(&library.bytes, |name| {
                if let Some(found) = wanted.get_mut(name) {
                    found.push(position);
                }
            });
        }
        let found = wanted.iter().filter(|(_, found)| !found.is_empty());
        let of_symbol = found.map(|(name, found)| (name.to_vec(), found.clone())).collect();
        Offers { libraries, of_symbol }
    }

    /// The library that is known for the symbol if it defines it, or else the first one that does.
    fn of(&self, symbol: &[u8]) -> Option<&OtherLibrary> {
        let found = self.of_symbol.get(symbol)?;
        let mut libraries = found.iter().map(|&position| &self.libraries[position]);
        let known = entry_of(symbol).and_then(|known| match known.fix {
            Some(KnownFix::Argument(argument)) => {
                libraries.clone().find(|library| library.argument == argument)
            }
            _ => None,
        });
        known.or_else(|| libraries.next())
    }

    /// The argument to add for a symbol.
    pub fn help(&self, symbol: &[u8]) -> Option<Help> {
        let library = self.of(symbol)?;
        let OtherLibrary { argument, folder, .. } = library;
        let text = format!("add {argument:#} (found in {folder:#})");
        Some(Help::new(Text::from(text)).with_fix(Fix::AddArgument { argument: argument.clone() }))
    }
}
