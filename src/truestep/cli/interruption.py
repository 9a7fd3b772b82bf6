"""Handles SIGINT (Ctrl-C), SIGTERM and SIGHUP, also where a background shell ignores the first two."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED_CODE = 128 + signal.SIGINT
"""The exit code of an interrupted program, as in shells."""

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handling(stop: Handler) -> Generator[None]:
    """Call `stop` on each of these signals while the block runs, but not on a SIGHUP that `nohup` ignores."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once() -> None:
    """Let Ctrl-C end the process in one line: before a command runs, nothing needs an orderly end."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background shell ignores it
        signal.signal(signal.SIGINT, _end)


@contextmanager
def interruptible() -> Generator[None]:
    """Let Ctrl-C raise KeyboardInterrupt while the block runs, where `end_at_once` was called before."""
    ends_at_once = signal.getsignal(signal.SIGINT) is _end
    if ends_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if ends_at_once:
            signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED_CODE)
