"""Keeps the history up to date with the chain, from a thread of its own."""

import threading
from collections.abc import Mapping

from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address, Bytes32, JobId, TaskId
from truestep.client.job_status import final_for_consumers
from truestep.dashboard.history import History, Impossible
from truestep.ports.chain import ChainReader, Head
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.records import Stake

RANGE_BLOCKS = 2_000
"""Public nodes refuse to return events from more blocks in one call."""
POLL_SECONDS = 2.0


class Reading:
    """A history that follows the chain. After a reorganisation it is read again from the start.

    Until that is done the old one stays, with trouble: a part of the new one would hide what both have.
    """

    def __init__(self, chain: ChainReader, first_block: int) -> None:
        self._chain = chain
        self._first_block = first_block
        self._last: tuple[int, Bytes32] | None = None
        self._version = 0
        self._over = threading.Event()
        self.lock = threading.Lock()
        """Held while the history is read or changed."""
        self.history = History()
        self._next = self.history
        """What is read into: another one than is shown only while it is behind that."""
        self.facts: Facts | None = None
        """As of the newest block that was read; None before the first."""
        self.head: Head | None = None
        """The block that the history goes to; None while it is incomplete."""
        self.trouble = ""
        """Why the pages may be old; empty if they are not."""

    @property
    def stakes(self) -> Mapping[Address, Stake]:
        """The stakes of operators."""
        return self.facts.stakes if self.facts is not None else {}

    def final_for_consumers(self, job_id: JobId, now: int) -> frozenset[TaskId]:
        """The tasks of a job whose claims consumers can rely on already."""
        return final_for_consumers(self.facts, job_id, now) if self.facts is not None else frozenset()

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
            self._begin_again(f"what the node says cannot be true, and is read again: {error}")

    def run(self) -> None:
        """Poll until it is closed."""
        while not self._over.is_set():
            try:
                self.poll()
            except Exception as error:  # an error of ours: nobody may take what was read for up to date
                self._begin_again(f"the chain cannot be read, and it is tried again: {type(error).__name__}")
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
                self._next, self._last = History(), None
                self.trouble = "the chain was reorganised and is read again, so this may be old"
            self._tell()
        low = self._first_block if self._last is None else self._last[0] + 1
        has_news = self.trouble != ""
        while low <= head.number:
            high = min(low + RANGE_BLOCKS - 1, head.number)
            found = self._chain.blocks(low, high)
            with self.lock:
                self._next.add(found.events)
                self._last = (high, found.hashes[high])
            has_news |= bool(found.events)
            low = high + 1
        facts = self._chain.facts()
        with self.lock:
            has_news |= self.facts is None or _shown_of(facts) != _shown_of(self.facts)
            self.history, self.head, self.facts, self.trouble = self._next, head, facts, ""
        if has_news:
            self._tell()

    def _begin_again(self, trouble: str) -> None:
        with self.lock:
            if self._next is self.history:  # perhaps half of the newest events are in it
                self.history, self.head = History(), None
                self._next = self.history
            else:
                self._next = History()
            self._last, self.trouble = None, trouble
        self._tell()

    def _tell(self) -> None:
        self._version += 1


def _shown_of(facts: Facts) -> tuple[object, ...]:
    """What pages show of facts that no event of the history says."""
    return facts.stakes, facts.proofs, facts.sittings
