"""Standard output and error that may be closed, full, or of a narrow encoding, without a traceback."""

import os
import sys
from contextlib import suppress
from typing import TextIO

from truestep.cli.failure import ExitCode, Failure


def prepare_streams() -> None:
    """Give the process an output and an error stream that can show any text, whatever it was started with."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:  # the shell closed it: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        else:
            with suppress(AttributeError, ValueError):  # not a file
                getattr(stream, "reconfigure")(errors="backslashreplace")  # noqa: B009


def write_result(text: str) -> None:
    """Write to standard output, at once. Raises Failure if nobody reads it or it cannot be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        is_closed = isinstance(error, BrokenPipeError | ValueError)
        why = "whoever read it has gone" if is_closed else getattr(error, "strerror", None) or str(error)
        raise Failure(
            "standard output",
            f"the result could not be written to standard output: {why}",
            ExitCode.WORLD_FAILED,
        ) from error


def write_unbuffered(stream: TextIO, text: str) -> None:
    """Write past the stream's buffer, which keeps what could not be written. Raises OSError, ValueError."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stream in memory
        stream.write(text)
        return
    left = memoryview(text.encode(stream.encoding or "utf-8", "backslashreplace"))
    while left:
        left = left[os.write(descriptor, left) :]


def silence(stream: TextIO) -> None:
    """Have a stream that failed take everything from now on, so that the exit does not fail as well."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
        stream.flush()
