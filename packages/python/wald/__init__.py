"""Wald, a linker for WebAssembly.

`link` links in this process. `python -m wald` is the command; `program()` is its path.
"""

from ._link import Input, Path, Value, link, option_names, version
from ._program import program
from ._result import Diagnostic, Fix, Help, Location, Note, Result

__version__ = version()

__all__ = [
    "Diagnostic",
    "Fix",
    "Help",
    "Input",
    "Location",
    "Note",
    "Path",
    "Result",
    "Value",
    "link",
    "option_names",
    "program",
    "version",
]
