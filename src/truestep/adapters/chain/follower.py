"""Keeps a book up to date with the chain: without gaps, on its present branch, without asking twice."""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from truestep.adapters.chain.answers import header_at
from truestep.adapters.chain.book import Added, Book, Checkpoint
from truestep.adapters.chain.endpoints import Endpoints, Question
from truestep.adapters.chain.logs import CHECKED_RANGE_BLOCKS, LogReader, Reading, value_of
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.chain import Blocks, Head
from truestep.protocol.events import ChainEvent
from truestep.protocol.settlement.facts.records import Facts

RANGE_BLOCKS = 2_000
"""Public nodes refuse more, or more than some number of events."""
BRANCH_TRIES = 4
"""Reorganisations that may come while a range is read."""
HASHES_EACH_QUESTION = 32
"""Blocks that are compared at once to find where a reorganisation begins: deeper ones are rare."""
REFUSAL_SECONDS = 3.0
"""A node that says no takes less; then it is asked for fewer blocks at once."""
GAP_WINDOWS = 8
"""Checked ranges that are read again before a log that shows that others are missing."""


class Kept(Protocol):
    """Where a final checkpoint is kept from one start to the next."""

    def read(self) -> Checkpoint | None:
        """What was kept."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep it. Raises `Unavailable`."""
        ...

    def forget(self) -> None:
        """Keep nothing. Raises `Unavailable`."""
        ...


class Follower:
    """Reads what the book lacks. Safe for several threads; none waits for the answers of another's node.

    In a daemon, whose book forgets, an old range is told by a second book, which begins at the deployment.
    Once that has come near the end it takes the first one's place: it may have found what was hidden then.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        reader: LogReader,
        genesis: Checkpoint,
        *,
        keeps_all: bool,
        kept: Kept | None = None,
    ) -> None:
        """`kept` is where a daemon's final checkpoint is."""
        self._endpoints = endpoints
        self._reader = reader
        self._genesis = genesis
        self._kept = kept
        self._lock = threading.Lock()
        start = kept.read() if kept is not None else None
        self._book = Book(genesis, keeps_all=keeps_all, start=start)
        self._second: Book | None = None
        self._range_blocks = RANGE_BLOCKS
        self._looked_again = set[tuple[int, int]]()

    @property
    def book(self) -> Book:
        """What was read so far."""
        return self._book

    def refresh(self) -> tuple[Head, Facts]:
        """The newest block, and the facts after it. Raises `Unavailable`."""
        head, book = self._endpoints.recent_head(), self._book
        if book.hash_of(head.number) != head.hash or self._endpoints.board.own_block > book.read_to:
            self._follow(book, head)
            self._look_again(book)
            self._keep()
        return head, book.facts

    def blocks(self, first: int, last: int) -> Blocks:
        """What these blocks tell, read again from the nodes. Raises `Unavailable`."""
        if first > last:
            return Blocks(events=(), hashes={})
        book = self._book_for(first)
        reading, events = self._read(book, first, last)
        if self._look_again(book):
            kept = book.oldest.block_number
            old = (event for event in events if event.at.block_number <= kept)
            events = (*old, *book.told(max(first, kept + 1), last))
        if book is not self._book:
            self._replace_book(book)
        self._keep()
        return Blocks(events=events, hashes=dict(reading.hashes))

    def forget_after(self, block_number: int) -> None:
        """Later blocks are of another branch."""
        for book in (self._book, self._second):
            if book is not None:
                book.forget_after(block_number)

    # --- which book ---------------------------------------------------------------------------------------

    def _book_for(self, first: int) -> Book:
        with self._lock:
            if self._book.covers(first):
                return self._book
            if self._second is None or not self._second.covers(first):
                self._second = Book(self._genesis, keeps_all=False)
            return self._second

    def _replace_book(self, book: Book) -> None:
        """Let the second book be the book, once it has come to what that one keeps."""
        if book.read_to < self._book.oldest.block_number:
            return
        self._fill(book, self._book.read_to)
        with self._lock:
            if self._second is book:
                self._book, self._second = book, None
        if self._kept is not None:
            with suppress(Unavailable):
                self._kept.forget()  # it may lack what was hidden

    # --- reading ------------------------------------------------------------------------------------------

    def _follow(self, book: Book, head: Head) -> None:
        """Read up to a head, which a lagging node may have given."""
        known = book.hash_of(head.number)
        is_shorter = known is None and head.number < book.read_to
        if is_shorter or known not in (None, head.hash):
            self._go_back(book)
        self._fill(book, max(head.number, self._endpoints.board.own_block))

    def _fill(self, book: Book, last: int) -> None:
        """Read the blocks that the book lacks up to this one."""
        turns = 0
        while book.read_to < last:
            first = book.read_to + 1
            began_seconds = time.monotonic()
            try:
                reading = self._reader.read(first, min(first + self._range_blocks - 1, last))
            except Unavailable:
                is_silent = time.monotonic() - began_seconds > REFUSAL_SECONDS
                is_small = self._range_blocks <= CHECKED_RANGE_BLOCKS
                self._range_blocks = max(self._range_blocks // 4, CHECKED_RANGE_BLOCKS)
                if is_silent or is_small:
                    raise
                continue
            if book.add(reading) is Added.OTHER_BRANCH:
                turns += 1
                self._go_back(book)
            if turns >= BRANCH_TRIES:
                raise _changing()

    def _read(self, book: Book, first: int, last: int) -> tuple[Reading, tuple[ChainEvent, ...]]:
        """Read a range into the book, and before it whatever the book lacks. Also what the range tells."""
        for _ in range(BRANCH_TRIES):
            self._fill(book, first - 1)
            reading = self._reader.read(first, last, {book.read_to})
            added, events = book.add_and_tell(reading)
            if added is Added.DONE:
                return reading, events
            if added is Added.OTHER_BRANCH:
                self._go_back(book)
        raise _changing()

    def _go_back(self, book: Book) -> None:
        """Forget the blocks of the book that the chain does not have; most often they are few."""
        known = book.hashes()
        numbers = sorted(known, reverse=True)
        for start in range(0, len(numbers), HASHES_EACH_QUESTION):
            some = numbers[start : start + HASHES_EACH_QUESTION]
            actual = block_hashes(self._endpoints, some)
            common = [number for number in some if actual.get(number) == known[number]]
            if common:
                book.forget_after(common[0])
                return
        book.forget_after(self._genesis.block_number)

    def _look_again(self, book: Book) -> bool:
        """Read again what comes before a log that shows that others are missing: once for each."""
        gaps = book.gaps
        new = gaps - self._looked_again
        self._looked_again = set(gaps)
        if not new:
            return False
        last = min(block_number for block_number, _ in new)
        first = max(book.oldest.block_number, last - GAP_WINDOWS * CHECKED_RANGE_BLOCKS) + 1
        for start in range(first, last + 1, CHECKED_RANGE_BLOCKS):
            with suppress(Unavailable):
                book.add(self._reader.read(start, min(start + CHECKED_RANGE_BLOCKS - 1, last)))
        return True

    def _keep(self) -> None:
        if self._kept is not None:
            with suppress(Unavailable):  # the next start only takes longer
                self._kept.keep(self._book.oldest)


def _changing() -> Unavailable:
    return Unavailable("the chain changed again and again while its events were read; reading them again")


def block_hashes(endpoints: Endpoints, numbers: Iterable[int]) -> dict[int, Bytes32]:
    """The hashes of these blocks; those beyond the head are left out."""
    best = endpoints.board.best_head()
    known = best.number if best else -1
    answers = endpoints.ask_all([_header_question(number, is_known=number <= known) for number in numbers])
    headers = [value_of(answer) for answer in answers if answer is not None]
    return {header.number: header.hash for header in headers}


def _header_question(number: int, *, is_known: bool) -> Question:
    """Asks for a header; a node that has none of a block that others know is late."""
    parse = header_at(number)
    return Question(
        method="eth_getBlockByNumber",
        parameters=[hex(number), False],
        parse=lambda result: None if result is None and not is_known else parse(result),
    )
