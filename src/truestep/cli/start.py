"""The `truestep` script. It imports only the command that is called."""

import os
import sys
from collections.abc import Collection

from truestep.cli.interruption import end_at_once

_COMPILERS = {"cc", "c++", "ar", "ranlib"}
"""Build files call them hundreds of times, so they do without the imports of the other commands."""


_THREADS_OF_BLAS = "OPENBLAS_NUM_THREADS"
"""NumPy starts as many threads for matrix products as there are processors, and they spin before they sleep.
Nothing here multiplies matrices of floats."""


def main() -> None:
    """Run the program with this process's arguments."""
    end_at_once()
    os.environ.setdefault(_THREADS_OF_BLAS, "1")
    command, arguments = "".join(sys.argv[1:2]), sys.argv[2:]
    if command in _COMPILERS and arguments != ["--help"]:
        from truestep.guest.driver.tools import run_tool

        sys.exit(run_tool(command, arguments))
    # Imports take a second or more, so Ctrl-C is handled before them.
    from truestep.cli.application import COMMANDS, make_app
    from truestep.cli.deferred_imports import defer_imports
    from truestep.cli.streams import ends_with_one_line, prepare_streams

    prepare_streams()
    defer_imports()
    with ends_with_one_line():
        make_app(_needed(sys.argv[1:2], COMMANDS))()


def _needed(wanted: list[str], commands: Collection[str]) -> Collection[str]:
    """The commands to import: all of them for the list of commands alone."""
    if wanted == ["--version"]:
        return []
    return wanted if wanted and wanted[0] in commands else commands
