//! Odd command lines through `wald` and `wasm-ld-22`: standard error, exit code and whether there is an output must be
//! the same, byte for byte. If LLVM's tools are not installed, the test says so and is skipped.
//!
//! What is compared is the command line's side: the inputs link without a word, so nothing here depends on how the
//! library words its findings. `wald` is started as `wasm-ld-22`, so that even the program's name is the same.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One command line a line, arguments between spaces; `''` is an empty one.
const CASES: &str = "
start.o -o out.wasm

-o out.wasm
start.o
''
'' -o out.wasm
start.o -o ''
start.o -o out.wasm ''
--foo start.o -o out.wasm
--entyr --gc-section -q -nostdlib -foo --exprt=foo start.o -o out.wasm
start.o -o out.wasm --
start.o -o out.wasm -- -foo
start.o -o out.wasm -
start.o -o
start.o --entry
start.o -l
start.o -z
start.o --mllvm
start.o --threads
start.o --reproduce
start.o --foo --bar -o
start.o --initial-memory
start.o --initial-memory 65536 -o out.wasm
start.o -i -o out.wasm
start.o -i65536 -o out.wasm
start.o -i 65536 -o out.wasm
start.o --allow-undefined-file nosuch.txt -o out.wasm
start.o -allow-undefined-file names.txt -o out.wasm
start.o -export-dynamic -o out.wasm
start.o -export=_start -export _start -o out.wasm
start.o -max-memory=131072 -o out.wasm
start.o -merge-data-segments -o out.wasm
start.o -lto-O2 -o out.wasm
start.o -check-features -no-entry -shared-memory -o out.wasm
start.o -Map=map.txt -trace-symbol=x -whole-archive -o out.wasm
start.o --m wasm64 -o out.wasm
start.o --o out.wasm --l x --e y --z q
start.o -o=out2.wasm
start.o -o out.wasm -o out3.wasm
-v
-V
-v -o out.wasm -lnothing
-v start.o
-v start.o -o out.wasm
--version start.o -o out.wasm nosuch.o
--version --foo
--version --threads=0 -O s --build-id=x -z foo
--version --shared --export-table --no-growable-memory --max-memory=3
-v -z foo --fatal-warnings
--help --foo --color-diagnostics=x -z foo --error-limit=x --threads=0
--verbose
nosuch.o
nosuch.o nosuch2.o start.o -o out.wasm
-lnothing nosuch.o start.o -o out.wasm
-l:nothing.o start.o -o out.wasm
-l '' start.o -o out.wasm
-L=. -lfoo start.o -o out.wasm
-L. -lfoo start.o -o out.wasm
start.o -lfoo -L . -l:libfoo.a --library=foo --library-path=sub -o out.wasm
start.o -o out.wasm --verbose nosuch.o -lnothing
sub -o out.wasm
start.o/x start.o -o out.wasm
start.o -o out.wasm --start-lib --start-lib
start.o -o out.wasm --end-lib nosuch.o
start.o -o out.wasm --start-lib --end-lib --start-lib
-o nosuchdir/x start.o
-o start.o/x start.o
-o sub start.o
-o sub/ start.o
-o nosuchdir/x start.o --Map=nosuchdir/y
-o nosuchdir/x start.o --allow-undefined-file=nosuch --Map=/
-o nosuchdir/x nosuch.o
-o out.wasm start.o --Map=nosuchdir/y
-o out.wasm start.o --Map=/
-o out.wasm start.o --Map=
-o out.wasm start.o --print-map --Map=nosuchdir/y
-o out.wasm start.o --why-extract=nosuchdir/y
-o out.wasm start.o --why-extract=sub
-o out.wasm start.o --reproduce=nosuchdir/x
-o out.wasm start.o --reproduce=sub --global-base=z
-o out.wasm start.o --reproduce=
-o out.wasm start.o --allow-undefined-file=nosuch --allow-undefined-file=nosuch2
-o out.wasm start.o --allow-undefined-file=sub
-o /dev/null start.o
-o out.wasm start.o -m foo
-o out.wasm start.o -m foo -m wasm32
-o out.wasm start.o -mwasm32
-o out.wasm start.o -z foo -z foo=bar -z '' -z nognustack -znow -z muldefs
-o out.wasm start.o -z stack-size
-o out.wasm start.o -z stack-size=abc -z stack-size=16
-o out.wasm start.o -z stack-size=0x10 -zstack-size=0b100000 -z stack-size=0o40 -z stack-size=040
-o out.wasm start.o -z stack-size=-16 -z stack-size=0x -z stack-size=08 -z stack-size=0O40
-o out.wasm start.o -z foo --fatal-warnings
-o out.wasm start.o -z foo --fatal-warnings --no-fatal-warnings
-o out.wasm start.o -z foo --noinhibit-exec --foo --fatal-warnings
-o out.wasm start.o --threads=0
-o out.wasm start.o --threads=-1
-o out.wasm start.o --threads=4294967296
-o out.wasm start.o --threads=0x2
-o out.wasm start.o --threads=0 --threads=010
-o out.wasm start.o --threads 2
-o out.wasm start.o -threads zq
-o out.wasm start.o -threads=zq
-o out.wasm start.o -color-diagnostics=zq -no-merge-data-segments
-o out.wasm start.o -Os
-o out.wasm start.o -O s
-o out.wasm start.o -Os -O99
-o out.wasm start.o --error-limit=a
-o out.wasm start.o --error-limit=x --error-limit=1
-o out.wasm a b c d --error-limit=2
-o out.wasm a b c d --error-limit=4
-o out.wasm a b c d e f g h i j k l m n o p q r s t u v
-o out.wasm a b c d --error-limit 0
-o out.wasm a b c d --error-limit=-1
-o out.wasm a b --error-limit=1 --verbose
-o out.wasm start.o nosuch.o -z foo --color-diagnostics
-o out.wasm start.o nosuch.o -z foo --color-diagnostics=always --verbose
-o out.wasm start.o nosuch.o --color-diagnostics=auto
-o out.wasm start.o --color-diagnostics=foo
-o out.wasm start.o --color-diagnostics= --no-color-diagnostics
-o out.wasm start.o --rsp-quoting=foo --color-diagnostics=x --foo -o
-o out.wasm start.o --rsp-quoting foo --rsp-quoting=posix
-o out.wasm start.o --initial-memory=a --initial-heap=b --max-memory=0x20000 --global-base=+4 --table-base=
-o out.wasm start.o --initial-heap=99999999999999999999999
-o out.wasm start.o --page-size=a
-o out.wasm start.o --page-size=3
-o out.wasm start.o --build-id=md5
-o out.wasm start.o --build-id=
-o out.wasm start.o --build-id=0xzz
-o out.wasm start.o --build-id=0X12
-o out.wasm start.o --build-id=foo --build-id
-o out.wasm start.o --unresolved-symbols=foo
-o out.wasm start.o --unresolved-symbols=foo --unresolved-symbols=ignore-all
-o out.wasm start.o --unresolved-symbols=import-dynamic
-o out.wasm start.o --unresolved-symbols=import-dynamic --experimental-pic
-o out.wasm start.o --lto-O5 --lto-CGO9
-o out.wasm start.o --lto-O=2 --lto-CGO --lto-partitions=x
-o out.wasm start.o --lto-O-1
-o out.wasm start.o --lto-partitions=0 --thinlto-jobs=x
-o out.wasm start.o --thinlto-jobs=all --lto-O2 --lto-CGO3 --save-temps --disable-verify
-o out.wasm start.o --thinlto-cache-policy=foo --threads=0
-o out.wasm start.o --thinlto-cache-policy prune_after=5d
-o out.wasm start.o --thinlto-object-suffix-replace=foo --thinlto-prefix-replace=foo
-o out.wasm start.o --thinlto-prefix-replace=a;b;c
--thinlto-emit-index-files --thinlto-prefix-replace=a;b;c
--thinlto-emit-index-files --thinlto-prefix-replace=a --thinlto-object-suffix-replace=b -O s --build-id=x
-o out.wasm start.o nosuch --allow-undefined-file=nosuch
-o out.wasm start.o --import-table --export-table
start.o --import-table --export-table -Bsymbolic --compress-relocations
-o out.wasm start.o --compress-relocations --strip-debug
-o out.wasm start.o --no-growable-memory --max-memory=65536 -m foo --threads=0 --page-size=3
-o out.wasm start.o --export-table --relocatable --export-memory --shared --pie
--foo --bar --baz --error-limit=1 start.o nosuch.o -o out.wasm --global-base=a --end-lib --verbose
--foo --error-limit=2 start.o nosuch.o -o out.wasm --global-base=a --end-lib
-z foo -z bar --error-limit=1 --fatal-warnings
--a --b --c --d -f -g --h --i -j -k -n -p -q -w -x -A -B -C -D -F -G -H -I -J -K --error-limit=0
--pie -L. -lfoo --verbose
-r start.o --growable-table --export-table -o out.wasm
-o out.wasm start.o --rsp-quoting=foo --color-diagnostics --end-lib
-r --pie --shared start.o
-r --pie start.o --gc-sections --compress-relocations --undefined=f -e foo --global-base=4 --table-base=5
-r start.o --shared-memory --entry=foo
--pie start.o --global-base=4 --table-base=5 -Bsymbolic
--shared start.o --import-memory --export-memory -o out.wasm
-o out.wasm start.o --pie --no-pie
-o out.wasm start.o -Bsymbolic
-o out.wasm start.o --entry=foo --no-entry --soname=x --rpath=y --wrap=z --keep-section=q --features=a,b
-o out.wasm start.o -Bdynamic -Bstatic -dn -dy --static --call_shared --non_shared
@plain.rsp
@plain.rsp --foo
@nested.rsp
@nosuch.rsp -o out.wasm
@loop.rsp -o out.wasm
@loop.rsp @plain.rsp @loop.rsp
@sub -o out.wasm
@empty.rsp
@quotes.rsp
@windows.rsp --rsp-quoting=windows
--rsp-quoting=windows --rsp-quoting=posix @windows.rsp
-flavor wasm start.o --foo
-flavor ld-wasm start.o -o out.wasm
-flavor xyz
-flavor
start.o -flavor wasm
-z foo --global-base=a --build-id=foo -O s --lto-O7 --lto-CGO9 --threads=0 --thinlto-jobs=x --lto-partitions=0 --unresolved-symbols=x --error-limit=0 --initial-memory=a --initial-heap=b --max-memory=c --table-base=d --page-size=e -z stack-size=f -m foo --allow-undefined-file=nosuch -Lx -lnothing nosuch.o --start-lib --start-lib --end-lib --end-lib --import-table --export-table -r --pie --shared --gc-sections --compress-relocations --undefined=f
";

const START: &str =
    ".globl _start\n.type _start,@function\n_start:\n.functype _start () -> ()\nend_function\n";

struct Directory(PathBuf);

impl Directory {
    /// A directory with everything that the cases mention, or `None` if LLVM is not installed to build it.
    fn new() -> Option<Self> {
        let path = std::env::temp_dir().join(format!("wald-same-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("sub")).unwrap();
        let directory = Directory(path);
        let write = |name: &str, text: &str| std::fs::write(directory.0.join(name), text).unwrap();
        write("start.s", START);
        write("foo.s", &START.replace("_start", "foo"));
        write("names.txt", "# none\nfoo\n");
        write("plain.rsp", "start.o\n-o \"out.wasm\"\n");
        write("inner.rsp", "start.o --export='_start'");
        write("nested.rsp", "@inner.rsp -o out.wasm @nosuch.rsp @@x");
        write("loop.rsp", "@loop.rsp start.o");
        write("empty.rsp", "");
        write("quotes.rsp", "'a b' \"c\\\"d\" e\\ f 'g\\h' \"\" i\\\\j # k\"l m\"n 'o\"p' \"q'r");
        write("windows.rsp", "'a b' \"c\\\"d\" e\\f\\\\g \"h\\\\\" i\"\"j \"k\"\"l\" m\"n o\"p \"\" \\\"q");
        let run = |program: &str, args: &[&str]| {
            let status = Command::new(program).args(args).current_dir(&directory.0).output();
            status.is_ok_and(|output| output.status.success())
        };
        let assemble = |name: &str| {
            let (source, object) = (format!("{name}.s"), format!("{name}.o"));
            run("llvm-mc-22", &["-filetype=obj", "-triple=wasm32-unknown-unknown", &source, "-o", &object])
        };
        let built = assemble("start") && assemble("foo") && run("llvm-ar-22", &["rc", "libfoo.a", "foo.o"]);
        (built && run("wasm-ld-22", &["--help"])).then_some(directory)
    }

    fn run(&self, program: &Path, args: &[&str]) -> String {
        let outputs = ["out.wasm", "out2.wasm", "out3.wasm", "=out2.wasm"];
        for output in outputs {
            let _ = std::fs::remove_file(self.0.join(output));
        }
        let mut command = Command::new(program);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "wasm-ld-22");
        let result = command.args(args).current_dir(&self.0).output().unwrap();
        let made: Vec<_> = outputs.iter().filter(|output| self.0.join(output).exists()).collect();
        // Notes, and help below a message, are Wald's own.
        let stderr = String::from_utf8_lossy(&result.stderr);
        let own = |line: &&str| {
            ["    help: ", "    note: ", "wasm-ld-22: note: "].iter().any(|start| line.starts_with(start))
        };
        let stderr: String = stderr.split_inclusive('\n').filter(|line| !own(line)).collect();
        format!("exit code {:?}, outputs {made:?}\n{stderr}", result.status.code())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn odd_command_lines_have_the_same_answer() {
    let Some(directory) = Directory::new() else {
        eprintln!("skipped: wasm-ld-22, llvm-mc-22 and llvm-ar-22 are needed");
        return;
    };
    let mut differences = Vec::new();
    for case in CASES.strip_prefix('\n').unwrap().lines() {
        let args: Vec<&str> = case.split_whitespace().map(|arg| if arg == "''" { "" } else { arg }).collect();
        let expected = directory.run(Path::new("wasm-ld-22"), &args);
        let actual = directory.run(Path::new(env!("CARGO_BIN_EXE_wald")), &args);
        if actual != expected {
            differences.push(format!("$ {case}\nwasm-ld: {expected}wald:    {actual}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// The options that a `--help` text lists, without their values.
fn listed_options(program: &Path) -> Vec<String> {
    let output = Command::new(program).arg("--help").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.starts_with('-'));
    // Two spaces are before the text; several spellings can be in one line.
    let spellings = lines.flat_map(|line| line.split("  ").next().unwrap().split(", "));
    spellings.map(|spelling| spelling.split(['=', ' ', '<', '[']).next().unwrap().to_string()).collect()
}

#[test]
fn every_option_that_wasm_ld_lists_is_listed() {
    if Command::new("wasm-ld-22").arg("--version").output().is_err() {
        eprintln!("skipped: wasm-ld-22 is needed");
        return;
    }
    let ours = listed_options(Path::new(env!("CARGO_BIN_EXE_wald")));
    let mut theirs = listed_options(Path::new("wasm-ld-22"));
    assert!(theirs.len() > 100);
    theirs.retain(|option| !ours.contains(option));
    assert_eq!(theirs, ["--mllvm"; 0]);
}
