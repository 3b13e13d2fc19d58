"""`python -m wald`: the command."""

import os
import subprocess
import sys

from ._program import program


def main() -> int:
    """Runs the command with this process's arguments."""
    arguments = [program(), *sys.argv[1:]]
    if os.name == "nt":
        return subprocess.call(arguments)
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    sys.exit(main())
