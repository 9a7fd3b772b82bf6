"""Standard output and error without tracebacks, even if they are closed, full or cannot encode a text."""

import os
import sys
from contextlib import suppress
from typing import TextIO

from truestep.cli.failure import ExitCode, Failure


def prepare_streams() -> None:
    """Give the process output and error streams that can show any text."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:  # the shell closed it: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        else:
            with suppress(AttributeError, ValueError):  # not a file
                getattr(stream, "reconfigure")(errors="backslashreplace")  # noqa: B009


def write_result(text: str) -> None:
    """Write to standard output without delay. Raises Failure if nobody reads it or it cannot be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        is_closed = isinstance(error, BrokenPipeError | ValueError)
        why = "its reader is gone" if is_closed else getattr(error, "strerror", None) or str(error)
        raise Failure(
            "standard output",
            f"the result could not be written to standard output: {why}",
            ExitCode.WORLD_FAILED,
        ) from error


def write_unbuffered(stream: TextIO, text: str) -> None:
    """Write past the stream's buffer, which would keep unwritten text. Raises OSError and ValueError."""
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
