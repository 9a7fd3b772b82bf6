"""Standard output and error without tracebacks, even if they are closed, full or cannot encode a text."""

import errno
import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TextIO

from truestep.cli.failure import ExitCode, Failure


class ClosedOutput(io.TextIOWrapper):
    """Stands for a standard output that the shell closed: `>&-`."""

    def __init__(self) -> None:
        super().__init__(_nowhere(), encoding="utf-8")

    def write(self, text: str, /) -> int:
        """Raises OSError, as a full disk does: a result must not be lost in silence."""
        if text:
            raise OSError(errno.EBADF, "it is closed")
        return 0


def _nowhere() -> io.BufferedWriter:
    return io.BufferedWriter(io.FileIO(os.devnull, "w"))


def prepare_streams() -> None:
    """Give the process output and error streams that can show any text."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None and name == "stdout":
            sys.stdout = ClosedOutput()
        elif stream is None:  # what is not part of the result may be lost
            sys.stderr = io.TextIOWrapper(_nowhere(), encoding="utf-8")
        elif isinstance(stream, io.TextIOWrapper):
            with suppress(ValueError):  # it is closed
                stream.reconfigure(errors="backslashreplace")


def write_result(text: str) -> None:
    """Write to standard output without delay. Raises Failure if nobody reads it or it cannot be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        is_closed = isinstance(error, BrokenPipeError | ValueError)
        why = "its reader is gone" if is_closed else getattr(error, "strerror", None) or str(error)
        raise _lost(why) from error


def _lost(why: str) -> Failure:
    message = f"the result could not be written to standard output: {why}"
    return Failure("standard output", message, ExitCode.WORLD_FAILED)


@contextmanager
def ends_with_one_line() -> Generator[None]:
    """Say in one line that the text of `--help` or `--version` could not be written."""
    try:
        yield
    except OSError as error:
        silence(sys.stdout)
        with suppress(OSError):
            sys.stderr.write(f"error: {_lost(error.strerror or str(error))}\n")
        sys.exit(ExitCode.WORLD_FAILED)


def write_unbuffered(stream: TextIO, text: str) -> None:
    """Write past the stream's buffer, which would keep unwritten text. Raises OSError and ValueError."""
    if isinstance(stream, ClosedOutput):
        raise BrokenPipeError
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stream in memory
        stream.write(text)
        return
    left = memoryview(text.encode(stream.encoding or "utf-8", "backslashreplace"))
    while left:
        left = left[os.write(descriptor, left) :]


def silence(stream: TextIO) -> None:
    """Let a stream that failed discard everything from now on, so that the exit does not fail too."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
        stream.flush()
