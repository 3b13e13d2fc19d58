"""Links by the shared library."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from . import _library
from ._library import library
from ._result import Diagnostic, Fix, Help, Location, Note, Result

#: The path of a file.
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
#: The value of an option. A sequence sets a list; None resets an option that is optional.
Value = Union[None, bool, int, str, "os.PathLike[str]", Sequence[str]]


@dataclass(frozen=True)
class Input:
    """An input that needs more than a path, or bytes with a name."""

    #: The path in messages, and of the file if there are no bytes.
    path: Path
    #: The bytes. None: the file's.
    data: Optional[bytes] = None
    #: As between `--start-lib` and `--end-lib`: it is linked only if one of its symbols is needed.
    lazy: bool = False
    #: As after `--whole-archive`: all members of an archive are linked.
    whole_archive: bool = False
    #: As after `-Bdynamic`: it may be a shared library.
    dynamic: bool = False


def link(
    inputs: Iterable[Union[Path, Tuple[Path, bytes], Input]],
    options: Optional[Mapping[str, Value]] = None,
    *,
    threads: int = 0,
) -> Result:
    """Links inputs in this order: paths of files, or names and bytes.

    `option_names` lists the options. A mistake in the inputs is a diagnostic of the result. A mistake in the call, such as an unknown
    option, is a ValueError. `threads` limits the threads; 0 means one for each core. Other threads of Python run meanwhile.
    """
    linker = _linker(options or {})
    try:
        _check(library.wald_linker_set_threads(linker, threads))
        # Members of thin archives are read from files.
        _check(library.wald_linker_set_file_reader(linker, None, None))
        declared = [_declare(linker, _as_input(item)) for item in inputs]
        # Who provides an input also parses it.
        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            for _ in pool.map(lambda pair: _provide(linker, *pair), declared):
                pass
        result = library.wald_linker_link(linker)
    finally:
        library.wald_linker_free(linker)
    if not result:
        raise RuntimeError(_last_error())
    try:
        return _result(result)
    finally:
        library.wald_result_free(result)


def option_names() -> List[str]:
    """The names of all options: the fields of the Rust library's `Options`."""

    def names() -> Iterator[str]:
        number = 0
        while True:
            name = library.wald_option_name(number)
            if name is None:
                return
            yield name.decode()
            number += 1

    return list(names())


def version() -> str:
    """The version of the library."""
    return str(library.wald_version().decode())


def _linker(options: Mapping[str, Value]) -> int:
    built = library.wald_options_new()
    try:
        # The kind of output changes the defaults of other options, so it comes first.
        for name in sorted(options, key=lambda name: name.replace("-", "_") != "output_kind"):
            value = options[name]
            values = value if isinstance(value, (list, tuple)) else [value]
            for element in values:
                _check(library.wald_options_set(built, name.encode(), _text(name, element)))
        return int(library.wald_linker_new(built))
    finally:
        library.wald_options_free(built)


def _text(name: str, value: Value) -> Optional[bytes]:
    if value is None:
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, (str, os.PathLike)):
        return _without_nul(os.fsencode(value))
    raise ValueError(f"{name}: not the value of an option: {value!r}")


def _as_input(item: Union[Path, Tuple[Path, bytes], Input]) -> Input:
    if isinstance(item, Input):
        return item
    if isinstance(item, tuple):
        path, data = item
        return Input(path, bytes(data))
    return Input(item)


def _declare(linker: int, item: Input) -> Tuple[int, Input]:
    number = ctypes.c_uint32()
    description = _library.InputDescription(
        size=ctypes.sizeof(_library.InputDescription),
        lazy=item.lazy,
        whole_archive=item.whole_archive,
        dynamic=item.dynamic,
        path=_without_nul(os.fsencode(item.path)),
    )
    _check(library.wald_linker_declare(linker, ctypes.byref(description), ctypes.byref(number)))
    return number.value, item


def _provide(linker: int, number: int, item: Input) -> None:
    if item.data is None:
        _check(library.wald_linker_provide_file(linker, number, None))
    else:
        _check(library.wald_linker_provide(linker, number, item.data, len(item.data)))


def _without_nul(text: bytes) -> bytes:
    if b"\0" in text:
        raise ValueError(f"a NUL in {text!r}")
    return text


def _last_error() -> str:
    return _decode(library.wald_last_error())


def _check(status: int) -> None:
    if status == _library.INTERNAL:
        raise RuntimeError(_last_error())
    if status != _library.OK:
        raise ValueError(_last_error())


def _decode(text: bytes) -> str:
    # As Python decodes paths: os.fsencode gives the bytes back.
    return text.decode("utf-8", "surrogateescape")


def _string(text: _library.Bytes) -> Optional[str]:
    return _decode(text.copy()) if text.data else None


def _result(result: int) -> Result:
    ok = library.wald_result_ok(result)
    return Result(
        module=library.wald_result_module(result).copy() if ok else None,
        diagnostics=tuple(
            _diagnostic(result, number) for number in range(library.wald_result_diagnostic_count(result))
        ),
        messages=tuple(_message(result, number) for number in range(library.wald_result_message_count(result))),
        map=_string(library.wald_result_map(result)),
        report=_string(library.wald_result_report(result)),
        explanations=_string(library.wald_result_explanations(result)),
    )


def _message(result: int, number: int) -> str:
    message = _library.Message(size=ctypes.sizeof(_library.Message))
    _check(library.wald_result_message(result, number, ctypes.byref(message)))
    return _decode(message.text.copy())


def _diagnostic(result: int, number: int) -> Diagnostic:
    found = _library.Diagnostic(size=ctypes.sizeof(_library.Diagnostic))
    _check(library.wald_result_diagnostic(result, number, ctypes.byref(found)))
    location = _library.Location(size=ctypes.sizeof(_library.Location))
    status = library.wald_result_location(result, number, ctypes.byref(location))
    if status != _library.UNKNOWN_HANDLE:
        _check(status)
    name = library.wald_code_name(found.code)
    return Diagnostic(
        severity=_library.SEVERITIES[found.severity],
        code=f"W{found.code:04}",
        name=name.decode() if name else "other",
        message=_decode(found.message.copy()),
        location=_location(location) if status == _library.OK else None,
        input=None if found.input == _library.NO_INPUT else found.input,
        notes=tuple(_note(result, number, note) for note in range(found.note_count)),
        helps=tuple(_help(result, number, help) for help in range(found.help_count)),
    )


def _location(location: _library.Location) -> Location:
    return Location(
        path=_string(location.path) or "",
        member=_string(location.member),
        symbol=_string(location.symbol),
        offset=location.offset if location.has_offset else None,
        source_file=_string(location.source_file),
        source_function=_string(location.source_function),
        line=location.line or None,
        column=location.column or None,
    )


def _note(result: int, diagnostic: int, number: int) -> Note:
    count = library.wald_result_note_location_count(result, diagnostic, number)
    locations = []
    for place in range(count):
        location = _library.Location(size=ctypes.sizeof(_library.Location))
        _check(library.wald_result_note_location(result, diagnostic, number, place, ctypes.byref(location)))
        locations.append(_location(location))
    return Note(_decode(library.wald_result_note(result, diagnostic, number).copy()), tuple(locations))


def _help(result: int, diagnostic: int, number: int) -> Help:
    found = _library.Help(size=ctypes.sizeof(_library.Help))
    _check(library.wald_result_help(result, diagnostic, number, ctypes.byref(found)))
    locations = []
    for place in range(found.location_count):
        location = _library.Location(size=ctypes.sizeof(_library.Location))
        _check(library.wald_result_help_location(result, diagnostic, number, place, ctypes.byref(location)))
        locations.append(_location(location))
    kind = _library.FIX_KINDS[found.fix] if found.fix < len(_library.FIX_KINDS) else None
    # The member's name is a keyword of Python.
    old, new = _string(getattr(found, "from")), _string(found.to)
    return Help(_decode(found.text.copy()), Fix(kind, old, new, tuple(locations)) if kind else None)
