"""Handles SIGINT (Ctrl-C), SIGTERM and SIGHUP, also where a background shell ignores the first two."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

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
