"""When a development chain mines empty blocks, so that its time goes on while nobody sends anything."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from web3.types import RPCEndpoint

from truestep.adapters.chain.connection import asking_node, connect
from truestep.base.errors import Rejected, Unavailable

BUSY_BLOCK_SECONDS = 1
"""Interval of empty blocks after a transaction, while somebody may wait for a window or clock to end."""
BUSY_SECONDS = 240
"""The time after a transaction with short intervals: the default window of a devnet."""
IDLE_BLOCK_SECONDS = 12
"""Interval of empty blocks at other times, as on the main net: a day of them takes 10 MiB, not 100."""
LOOK_SECONDS = 0.5


def empty_block_seconds(seconds_since_transaction: float) -> int:
    """How old the newest block may be before an empty one is mined."""
    return BUSY_BLOCK_SECONDS if seconds_since_transaction < BUSY_SECONDS else IDLE_BLOCK_SECONDS


class EmptyBlocks:
    """Has a chain elsewhere (anvil, hardhat) mine by `evm_mine`; it may mine by itself as well."""

    def __init__(self, url: str, now_seconds: float) -> None:
        self._web3 = connect(url)
        self._number = -1
        self._changed_seconds = self._sent_seconds = now_seconds

    def tick(self, now_seconds: float) -> None:
        """Mine a block if the newest one is old. Raises Unavailable if the node fails or refuses."""
        with asking_node():
            block: Any = self._web3.eth.get_block("latest")
            if block["number"] != self._number:
                self._number, self._changed_seconds = block["number"], now_seconds
                if block["transactions"]:
                    self._sent_seconds = now_seconds
            elif now_seconds - self._changed_seconds >= empty_block_seconds(now_seconds - self._sent_seconds):
                self._web3.manager.request_blocking(RPCEndpoint("evm_mine"), [])


@contextmanager
def mining(url: str) -> Generator[None]:
    """Make the chain at `url` mine empty blocks until the `with` block ends, despite failures of its node."""
    stopping = threading.Event()
    blocks = EmptyBlocks(url, time.monotonic())

    def keep_mining() -> None:
        while not stopping.wait(LOOK_SECONDS):
            try:
                blocks.tick(time.monotonic())
            except (Unavailable, Rejected):
                continue

    thread = threading.Thread(target=keep_mining, name="mining", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
