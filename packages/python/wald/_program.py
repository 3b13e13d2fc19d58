"""Finds the command that was installed with this package."""

import os
import sysconfig
from typing import Iterator


def program() -> str:
    """The path of the `wald` command. Another program of this name in PATH is never taken."""
    for folder in _folders():
        path = os.path.join(folder, "wald.exe" if os.name == "nt" else "wald")
        if os.path.isfile(path):
            return path
    raise FileNotFoundError("the command wald was not installed with the package wald")


def _folders() -> Iterator[str]:
    yield sysconfig.get_path("scripts")
    # pip install --user
    yield sysconfig.get_path("scripts", f"{os.name}_user")
    # pip install --target, --prefix: relative to the package.
    package = os.path.dirname(os.path.abspath(__file__))
    yield os.path.join(os.path.dirname(package), "bin")
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(package))))
    yield os.path.join(prefix, "bin")
