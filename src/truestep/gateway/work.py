"""Work that asks nodes and stores: in threads, a few at a time, so that no client decides how much."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from truestep.base.errors import Rejected, Unavailable
from truestep.gateway.problems import refused, unavailable

QUESTIONS_AT_ONCE = 16
"""Questions to nodes, which take milliseconds and little memory."""
FETCHES_AT_ONCE = 2
"""Receipts and outputs, each of which may hold tens of megabytes."""
WAIT_SECONDS = 10.0
"""For a place; then the client is told to come again."""
_Found = TypeVar("_Found")


class Workbench:
    """Runs work for requests."""

    def __init__(self) -> None:
        self._questions = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        self._fetches = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def ask(self, work: Callable[[], _Found]) -> _Found:
        """What a node says. Raises Refused."""
        return await _within(self._questions, work)

    async def fetch(self, work: Callable[[], _Found]) -> _Found:
        """What a store has, or what takes as much memory. Raises Refused."""
        return await _within(self._fetches, work)


async def _within(places: asyncio.Semaphore, work: Callable[[], _Found]) -> _Found:
    try:
        await asyncio.wait_for(places.acquire(), WAIT_SECONDS)
    except TimeoutError as error:
        raise unavailable() from error
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    # A thread goes on when its client hangs up: until it ends, its place is taken.
    thread.add_done_callback(lambda _: places.release())
    try:
        return await asyncio.shield(thread)
    except Rejected as error:
        raise refused(error) from error
    except Unavailable as error:
        raise unavailable() from error
