"""Links with the module, in the folder with the demo's objects."""

import os
import subprocess
import sys
import threading

import wald

OBJECTS = ["main.o", "commands.o", "index.o", "query.o", "stop_words.o", "watch.o", "heap.o", "wasi.o"]


def read(path: str) -> bytes:
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


# Paths, bytes and threads give the same module, and so does the command.
# The name of the output is in the name section.
NAMED = {"output": "command.wasm"}
module = wald.link([*OBJECTS, "libdemo.a"], NAMED).module
assert module is not None and module.startswith(b"\0asm")
assert wald.link([*((name, read(name)) for name in OBJECTS), wald.Input("libdemo.a")], NAMED, threads=1).module == module
arguments = [wald.program(), *OBJECTS, "libdemo.a", "-o", "command.wasm"]
subprocess.run(arguments, check=True)
assert read("command.wasm") == module
found = []
threads = [
    threading.Thread(target=lambda: found.append(wald.link([*OBJECTS, "libdemo.a"], NAMED).module))
    for _ in range(4)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert found == [module] * 4

# Options of all types, and what they ask for.
asked = {
    "want_map": True,
    "trace": True,
    "want_report": True,
    "explain_symbols": ["main"],
    "stack-size": 0x20000,
    "output": "a.wasm",
    "entry": "_start",
    "architecture": None,
}
result = wald.link([*OBJECTS, "libdemo.a"], asked)
assert result.ok and result.module != module, result.diagnostics
assert "main.o" in (result.map or "") and "main.o" in result.messages
assert '"' in (result.report or "") and "main" in (result.explanations or "")
assert "stack_size" in wald.option_names()
assert wald.__version__ == wald.version()

# An archive whose members nothing needs, alone and whole.
some = wald.link([*OBJECTS, "libdemo.a"], {"gc_sections": False}).module or b""
whole = wald.link([*OBJECTS, wald.Input("libdemo.a", whole_archive=True)], {"gc_sections": False}).module or b""
assert len(whole) > len(some)
lazy = [wald.Input(name, lazy=name != "main.o") for name in OBJECTS]
assert wald.link([*lazy, "libdemo.a"]).ok

# Mistakes in the inputs are data.
result = wald.link(["main.o", ("broken.o", b"not an object"), "missing.o"])
assert result.module is None and not result.ok
names = {diagnostic.name for diagnostic in result.diagnostics}
assert names == {"cannot-open", "foreign-input"}, names
for diagnostic in result.diagnostics:
    assert diagnostic.severity in ("note", "warning", "error") and diagnostic.code.startswith("W00")
assert [diagnostic.input for diagnostic in result.diagnostics if diagnostic.name == "cannot-open"] == [2]

result = wald.link(["main.o"])
undefined = [diagnostic for diagnostic in result.diagnostics if diagnostic.name == "undefined-symbol"]
assert undefined and undefined[0].location is not None, result.diagnostics
assert undefined[0].location.path == "main.o" and undefined[0].code == "W0004"
notes = [location for diagnostic in undefined for note in diagnostic.notes for location in note.locations]
assert any(place.source_file and place.source_file.endswith("main.c") and place.line for place in notes), notes
assert str(undefined[0]).startswith("error: main.o: undefined symbol: "), str(undefined[0])
assert "\n    note: " in str(undefined[0])
fixes = [help.fix for help in wald.link(OBJECTS, {"entry": "_strat"}).diagnostics[0].helps if help.fix]
assert fixes and fixes[0].new, fixes

# Mistakes in the call are exceptions, and nothing is left over.
for inputs, options in (
    (OBJECTS, {"no_such_option": True}),
    (OBJECTS, {"stack_size": "much"}),
    (OBJECTS, {"stack_size": 1.5}),
    (OBJECTS, {"output": "a\0b"}),
    (["a\0b"], {}),
):
    try:
        wald.link(inputs, options)
    except ValueError as error:
        assert str(error)
    else:
        raise AssertionError((inputs, options))

# Names that are not UTF-8 survive.
if os.name == "posix":
    name = os.fsdecode(b"\xff.o")
    diagnostics = wald.link([name]).diagnostics
    assert any(found.location is None or found.location.path == name for found in diagnostics), diagnostics

# The command and the module are of one version, and its exit code is passed on.
command = [sys.executable, "-m", "wald"]
said = subprocess.run([*command, "--version"], check=True, stdout=subprocess.PIPE).stdout.decode()
assert f"Wald {wald.version()}" in said, said
ended = subprocess.run([*command, "missing.o"], check=False, stderr=subprocess.PIPE)
assert ended.returncode == 1 and b"missing.o" in ended.stderr
print("the module works")
