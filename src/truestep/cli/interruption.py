"""Ctrl-C, SIGTERM and SIGHUP, also where a shell in the background would have the first two ignored."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handling(stop: Handler) -> Generator[None]:
    """Have `stop` called for each of these signals while the block runs; SIGHUP only if `nohup` did not ask
    to ignore it.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
