"""Compares the structs, functions and numbers of wald/_library.py with wald.h, whose path is the argument."""

import ctypes
import re
import sys

from wald import _library

TYPES = {
    "size_t": "c_size_t",
    "bool": "c_bool",
    "uint8_t": "c_uint8",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
    "struct wald_bytes": "Bytes",
}
STRUCTS = {
    "wald_bytes": _library.Bytes,
    "wald_input_description": _library.InputDescription,
    "wald_diagnostic": _library.Diagnostic,
    "wald_location": _library.Location,
    "wald_help": _library.Help,
    "wald_message": _library.Message,
}


def ctype(text: str) -> object:
    """The type of ctypes for a type of C."""
    text = text.replace("const ", "").strip()
    if text == "void":
        return None
    if text == "char *":
        return ctypes.c_char_p
    if text.startswith("enum "):
        return ctypes.c_int
    if text.endswith("*"):
        struct = STRUCTS.get(text[:-1].strip().replace("struct ", ""))
        if struct:
            return ctypes.POINTER(struct)
        return ctypes.POINTER(ctypes.c_uint32) if text == "uint32_t *" else ctypes.c_void_p
    name = TYPES.get(text)
    # Functions that C calls are pointers, too.
    return getattr(_library, name, None) or getattr(ctypes, name) if name else ctypes.c_void_p


def declared(text: str) -> tuple:
    """The type and the name in a declaration."""
    kind, name = re.fullmatch(r"(.*?[ *])(\w+)", " ".join(text.split())).groups()
    return kind.strip(), name


def main() -> None:
    """Compares everything."""
    with open(sys.argv[1], encoding="utf-8") as file:
        header = re.sub(r"//.*|#.*", "", file.read())
    compared = 0
    for name, struct in STRUCTS.items():
        body = re.search(r"typedef struct %s \{(.*?)\}" % name, header, re.S).group(1)
        members = [declared(line) for line in body.split(";") if line.strip()]
        for (kind, member), (field, found) in zip(members, struct._fields_):
            wanted = ctypes.POINTER(ctypes.c_uint8) if kind == "const uint8_t *" else ctype(kind)
            assert member == field and wanted is found, f"{name}: {kind} {member} is {field}: {found}"
            compared += 1
        assert len(struct._fields_) <= len(members), name
    for name, (result, arguments) in _library.FUNCTIONS.items():
        match = re.search(r"([^;{}]*?[ *])%s\(([^)]*)\);" % name, header)
        kind, parameters = match.group(1).strip(), match.group(2)
        assert ctype(" ".join(kind.split())) is result, f"{name} returns {kind}, not {result}"
        wanted = [] if parameters == "void" else [ctype(declared(one)[0]) for one in parameters.split(",")]
        # Bytes and strings are the same for ctypes.
        found = [ctypes.c_void_p if one is ctypes.c_char_p else one for one in arguments]
        wanted = [ctypes.c_void_p if one is ctypes.c_char_p else one for one in wanted]
        assert wanted == found, f"{name}: {wanted}, not {found}"
        compared += 1
    numbers = dict(re.findall(r"(WALD_\w+) = (\d+),", header))
    for prefix, names in (("WALD_SEVERITY_", _library.SEVERITIES), ("WALD_FIX_KIND_", _library.FIX_KINDS)):
        wanted = {key: int(value) for key, value in numbers.items() if key.startswith(prefix)}
        found = {
            prefix + (name or "none").replace("-", "_").upper(): number for number, name in enumerate(names)
        }
        assert wanted == found, f"{wanted}, not {found}"
        compared += len(found)
    for name in ("OK", "UNKNOWN_HANDLE", "INTERNAL"):
        assert getattr(_library, name) == int(numbers["WALD_STATUS_" + name]), name
    print(compared, "declarations are those of wald.h")


main()
