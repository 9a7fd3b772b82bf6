"""Ctrl-C and a polite kill, also where a shell in the background would have them ignored."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handling(stop: Handler) -> Generator[None]:
    """Have `stop` called for both signals while the block runs."""
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
