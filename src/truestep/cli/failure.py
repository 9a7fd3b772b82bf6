"""From an exception to words and an exit code: nobody who gave a wrong file should meet a traceback."""

from enum import IntEnum

from truestep.base.errors import Rejected, Unavailable
from truestep.base.text import one_line
from truestep.guest.errors import GuestBuildError


class ExitCode(IntEnum):
    """What a command's exit code says; the same for every command, and shown in `--help`."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    WORLD_FAILED = 3
    INTERRUPTED = 130
    """As shells have it: 128 and the number of the signal of Ctrl-C."""


class Failure(Exception):
    """A command cannot go on. `reason` is one word or two for programs, the message for people."""

    def __init__(self, reason: str, message: str, exit_code: ExitCode = ExitCode.REFUSED) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit_code = exit_code


EXPECTED = (Failure, Rejected, Unavailable, GuestBuildError, OSError, MemoryError)
"""What a command may fail with for a cause outside truestep; the rest are bugs, with their traceback."""


def as_failure(error: Exception) -> Failure:
    """The failure that an expected exception stands for."""
    match error:
        case Failure():
            return error
        case Rejected():
            return Failure(error.reason.value, one_line(str(error)))
        case GuestBuildError():
            return Failure("does not build", str(error))
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


def _from_operating_system(error: OSError) -> Failure:
    """A file that is missing or closed is the user's to mend; a full disk is the world's."""
    named = f"{error.filename}: " if error.filename else ""
    message = one_line(f"{named}{error.strerror or error}")
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError):
        return Failure("file", f"{message}; check the path and its permissions")
    return Failure("operating system", message, ExitCode.WORLD_FAILED)
