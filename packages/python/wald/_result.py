"""What a link returns, as plain values."""

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Location:
    """A place in the inputs, with the line of source code if the object has debug information about it."""

    #: The file. Empty if only the source code is known.
    path: str
    #: The archive member.
    member: Optional[str]
    #: The function or symbol.
    symbol: Optional[str]
    #: In bytes from the start of the object.
    offset: Optional[int]
    #: The source file, as the debug information names it.
    source_file: Optional[str]
    source_function: Optional[str]
    #: Counted from 1.
    line: Optional[int]
    column: Optional[int]


@dataclass(frozen=True)
class Note:
    """A line that explains a diagnostic, and the places that it names."""

    text: str
    locations: Tuple[Location, ...]


@dataclass(frozen=True)
class Fix:
    """What a tool can change to remove the cause of a diagnostic."""

    #: `add-argument`, `remove-argument`, `replace-argument`, `replace-symbol`, `add-compiler-flag` or `use-driver`. Later versions may
    #: have more.
    kind: str
    #: What is there now.
    old: Optional[str]
    #: What should be there.
    new: Optional[str]
    #: Where.
    locations: Tuple[Location, ...]


@dataclass(frozen=True)
class Help:
    """What to do about a diagnostic: a line, and the same as data if a tool can do it."""

    text: str
    fix: Optional[Fix]


@dataclass(frozen=True)
class Diagnostic:
    """An error, a warning or a note. `str` gives the lines that the command prints, without the command's name."""

    #: `error`, `warning` or `note`.
    severity: str
    #: Such as `W0004`; `wald --explain=W0004` explains it. It never changes.
    code: str
    #: The same in words, such as `undefined-symbol`.
    name: str
    #: wasm-ld's words.
    message: str
    #: Where it is.
    location: Optional[Location]
    #: The number of the input in which it was found.
    input: Optional[int]
    notes: Tuple[Note, ...]
    helps: Tuple[Help, ...]

    def __str__(self) -> str:
        lines = [f"{self.severity}: {self.message}"]
        lines += [f"    note: {note.text}" for note in self.notes]
        lines += [f"    help: {help.text}" for help in self.helps]
        return "\n".join(lines)


@dataclass(frozen=True)
class Result:
    """What a link returned."""

    #: The module; `None` if the link failed. Then at least one diagnostic is an error.
    module: Optional[bytes]
    #: In an order that does not depend on threads.
    diagnostics: Tuple[Diagnostic, ...]
    #: Lines that options such as `trace` ask for.
    messages: Tuple[str, ...]
    #: The link map, with the option `want_map`.
    map: Optional[str]
    #: What the module is made of, as JSON, with the option `want_report`.
    report: Optional[str]
    #: Why symbols are in the module, as JSON, with the option `explain_symbols`.
    explanations: Optional[str]

    @property
    def ok(self) -> bool:
        """Whether the link succeeded."""
        return self.module is not None
