"""Keeps the history up to date with the chain, from a thread of its own."""

import threading
from collections.abc import Mapping

from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.dashboard.history import History, Impossible
from truestep.ports.chain import ChainReader, Head
from truestep.protocol.settlement.records import Stake

RANGE_BLOCKS = 2_000
"""Public nodes refuse to return events from more blocks in one call."""
POLL_SECONDS = 2.0


class Reading:
    """A history that follows the chain. After a reorganisation it is read again from the start."""

    def __init__(self, chain: ChainReader, first_block: int) -> None:
        self._chain = chain
        self._first_block = first_block
        self._last: tuple[int, Bytes32] | None = None
        self._version = 0
        self._over = threading.Event()
        self.lock = threading.Lock()
        """Held while the history is read or changed."""
        self.history = History()
        self.stakes: Mapping[Address, Stake] = {}
        """As of the newest block that was read."""
        self.head: Head | None = None
        self.trouble = ""
        """Why the pages may be old; empty if they are not."""

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    def poll(self) -> None:
        """Read what is new. A node that does not answer is remembered as trouble, not raised."""
        try:
            self._read()
        except (Unavailable, Rejected) as error:
            with self.lock:
                self.trouble = f"the node does not answer, so this may be old: {error}"
            self._tell()
        except Impossible as error:
            with self.lock:
                self.history, self._last = History(), None  # perhaps half of them are in it
                self.trouble = f"what the node says cannot be true, and is read again: {error}"
            self._tell()

    def run(self) -> None:
        """Poll until it is closed."""
        while not self._over.is_set():
            self.poll()
            self._over.wait(POLL_SECONDS)

    def start(self) -> None:
        """Run in a thread."""
        threading.Thread(target=self.run, name="reading the chain", daemon=True).start()

    def close(self) -> None:
        """End the thread."""
        self._over.set()

    def _read(self) -> None:
        head = self._chain.head()
        if self._last is not None and self._chain.block_hash(self._last[0]) != self._last[1]:
            with self.lock:
                self.history, self._last = History(), None
        low = self._first_block if self._last is None else self._last[0] + 1
        has_news = self.trouble != ""
        while low <= head.number:
            high = min(low + RANGE_BLOCKS - 1, head.number)
            found = self._chain.blocks(low, high)
            with self.lock:
                self.history.add(found.events)
                self._last = (high, found.hashes[high])
            has_news |= bool(found.events)
            low = high + 1
        stakes = self._chain.facts().stakes
        with self.lock:
            has_news |= self.head is None or stakes != self.stakes
            self.head, self.stakes, self.trouble = head, stakes, ""
        if has_news:
            self._tell()

    def _tell(self) -> None:
        self._version += 1
