"""The shared library: its structs and functions, as wald.h declares them.

packages/python/tests/header.py compares this file with wald.h. A struct may lack members at the end of the one in wald.h.
"""

import ctypes
import os
import sys
from ctypes import (
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_int,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)


class Bytes(Structure):
    """wald_bytes: borrowed bytes."""

    _fields_ = [("data", POINTER(c_uint8)), ("size", c_size_t)]

    def copy(self) -> bytes:
        """The bytes, which then belong to Python."""
        return ctypes.string_at(self.data, self.size) if self.data else b""


class InputDescription(Structure):
    """wald_input_description."""

    _fields_ = [
        ("size", c_size_t),
        ("lazy", c_bool),
        ("whole_archive", c_bool),
        ("dynamic", c_bool),
        ("path", c_char_p),
    ]


class Diagnostic(Structure):
    """wald_diagnostic."""

    _fields_ = [
        ("size", c_size_t),
        ("severity", c_int),
        ("code", c_int),
        ("stage", c_int),
        ("input", c_uint32),
        ("message", Bytes),
        ("path", Bytes),
        ("member", Bytes),
        ("symbol", Bytes),
        ("note_count", c_size_t),
        ("help_count", c_size_t),
        ("has_offset", c_bool),
        ("offset", c_uint64),
    ]


class Location(Structure):
    """wald_location."""

    _fields_ = [
        ("size", c_size_t),
        ("path", Bytes),
        ("member", Bytes),
        ("symbol", Bytes),
        ("source_file", Bytes),
        ("source_function", Bytes),
        ("line", c_uint32),
        ("column", c_uint32),
        ("has_offset", c_bool),
        ("offset", c_uint64),
    ]


class Help(Structure):
    """wald_help."""

    _fields_ = [
        ("size", c_size_t),
        ("text", Bytes),
        ("fix", c_int),
        ("from", Bytes),
        ("to", Bytes),
        ("location_count", c_size_t),
    ]


class Message(Structure):
    """wald_message."""

    _fields_ = [("size", c_size_t), ("kind", c_int), ("text", Bytes), ("position", c_size_t)]


#: Result and arguments of each function that this package calls.
FUNCTIONS = {
    "wald_version": (c_char_p, []),
    "wald_last_error": (c_char_p, []),
    "wald_code_name": (c_char_p, [c_uint32]),
    "wald_options_new": (c_void_p, []),
    "wald_options_free": (None, [c_void_p]),
    "wald_options_set": (c_int, [c_void_p, c_char_p, c_char_p]),
    "wald_option_name": (c_char_p, [c_size_t]),
    "wald_linker_new": (c_void_p, [c_void_p]),
    "wald_linker_free": (None, [c_void_p]),
    "wald_linker_set_threads": (c_int, [c_void_p, c_size_t]),
    "wald_linker_set_file_reader": (c_int, [c_void_p, c_void_p, c_void_p]),
    "wald_linker_declare": (c_int, [c_void_p, POINTER(InputDescription), POINTER(c_uint32)]),
    "wald_linker_provide": (c_int, [c_void_p, c_uint32, c_char_p, c_size_t]),
    "wald_linker_provide_file": (c_int, [c_void_p, c_uint32, c_char_p]),
    "wald_linker_link": (c_void_p, [c_void_p]),
    "wald_result_free": (None, [c_void_p]),
    "wald_result_ok": (c_bool, [c_void_p]),
    "wald_result_module": (Bytes, [c_void_p]),
    "wald_result_map": (Bytes, [c_void_p]),
    "wald_result_report": (Bytes, [c_void_p]),
    "wald_result_explanations": (Bytes, [c_void_p]),
    "wald_result_message_count": (c_size_t, [c_void_p]),
    "wald_result_message": (c_int, [c_void_p, c_size_t, POINTER(Message)]),
    "wald_result_diagnostic_count": (c_size_t, [c_void_p]),
    "wald_result_diagnostic": (c_int, [c_void_p, c_size_t, POINTER(Diagnostic)]),
    "wald_result_location": (c_int, [c_void_p, c_size_t, POINTER(Location)]),
    "wald_result_note": (Bytes, [c_void_p, c_size_t, c_size_t]),
    "wald_result_note_location_count": (c_size_t, [c_void_p, c_size_t, c_size_t]),
    "wald_result_note_location": (c_int, [c_void_p, c_size_t, c_size_t, c_size_t, POINTER(Location)]),
    "wald_result_help": (c_int, [c_void_p, c_size_t, c_size_t, POINTER(Help)]),
    "wald_result_help_location": (c_int, [c_void_p, c_size_t, c_size_t, c_size_t, POINTER(Location)]),
}

#: The numbers of wald_status that are not errors of the caller.
OK, UNKNOWN_HANDLE, INTERNAL = 0, 5, 7

#: The `input` of a diagnostic that is not about an input.
NO_INPUT = 0xFFFFFFFF

#: The names of wald_severity and wald_fix_kind, by number.
SEVERITIES = ("note", "warning", "error")
FIX_KINDS = (
    None,
    "add-argument",
    "remove-argument",
    "replace-argument",
    "replace-symbol",
    "add-compiler-flag",
    "use-driver",
)


def _load() -> ctypes.CDLL:
    names = {"win32": "wald_c.dll", "darwin": "libwald_c.dylib"}
    name = names.get(sys.platform, "libwald_c.so")
    library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), name))
    for function, (result, arguments) in FUNCTIONS.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


library = _load()
