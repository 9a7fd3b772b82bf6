"""An event loop in a separate thread. Work that runs there can be cancelled at any moment."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as NotYet
from typing import TypeVar

from truestep.ports.executor import ShouldStop, Stopped

ASK_SECONDS = 0.25
"""Interval at which a waiting thread asks whether to stop."""

Answer = TypeVar("Answer")


def run_in_background(work: Callable[[], Coroutine[None, None, Answer]], should_stop: ShouldStop) -> Answer:
    """The result of `work`. Ends it and raises `Stopped` soon after `should_stop` says so."""
    future = asyncio.run_coroutine_threadsafe(work(), _loop())
    try:
        while True:
            try:
                return future.result(timeout=ASK_SECONDS)
            except NotYet:
                if future.done():
                    raise  # the work's own
                if should_stop():
                    raise Stopped from None
    finally:
        future.cancel()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs until the process ends."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="blobs", daemon=True).start()
    return loop
