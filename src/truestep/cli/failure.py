"""Turns an expected exception into a message and an exit code: a wrong file must not print a traceback."""

from enum import IntEnum
from pathlib import Path

from truestep.base.errors import Rejected, Unavailable
from truestep.base.text import one_line
from truestep.circuits.errors import CircuitError
from truestep.cli.interruption import INTERRUPTED_CODE
from truestep.guest.errors import GuestBuildError


class ExitCode(IntEnum):
    """What a command's exit code means. Every command uses the same codes; `--help` lists them."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    WORLD_FAILED = 3
    INTERRUPTED = INTERRUPTED_CODE
    """As in shells: 128 plus the number of SIGINT."""


class Failure(Exception):
    """A command cannot go on. `reason` is a word or two for programs; the message is for people."""

    def __init__(self, reason: str, message: str, exit_code: ExitCode = ExitCode.REFUSED) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit_code = exit_code


def keep_inputs(output: Path | None, *inputs: Path | None) -> None:
    """Refuse to write the result over a file that it is made from: that file may be the only copy."""
    for path in inputs:
        if output and path and output.is_file() and path.exists() and output.samefile(path):
            raise Failure(
                "output is an input",
                f"{output} would be written over, and it is read from; give another --output",
            )


EXPECTED = (Failure, Rejected, Unavailable, GuestBuildError, CircuitError, OSError, MemoryError)
"""Failures with a cause outside truestep. Anything else is a bug and keeps its traceback."""


def as_failure(error: Exception) -> Failure:
    """The failure to show for an expected exception."""
    match error:
        case Failure():
            return error
        case Rejected():
            return Failure(error.reason.value, one_line(str(error)))
        case GuestBuildError():
            return Failure("does not build", str(error))
        case CircuitError():
            return Failure("circuit", str(error))
        case Unavailable():
            return Failure("unavailable", one_line(str(error)), ExitCode.WORLD_FAILED)
        case MemoryError():
            message = (
                "this takes more memory than the computer has free; close something, or use a larger one"
            )
            return Failure("out of memory", message, ExitCode.WORLD_FAILED)
        case OSError():
            return _from_operating_system(error)
        case _:
            raise error


_WRONG_PATH = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def _from_operating_system(error: OSError) -> Failure:
    """The user can fix a missing or protected file; a full disk is an outside failure."""
    named = f"{error.filename}: " if error.filename else ""
    message = one_line(f"{named}{error.strerror or error}")
    if isinstance(error, _WRONG_PATH):
        return Failure("file", f"{message}; check the path and its permissions")
    return Failure("operating system", message, ExitCode.WORLD_FAILED)
