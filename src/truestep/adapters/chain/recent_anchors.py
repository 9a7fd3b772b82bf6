"""The newest anchors of a network, read from events and read on (docs/logs.md L5.2). For one thread."""

from collections.abc import Callable, Iterable

from truestep.protocol.logs.contracts.anchors import Anchor

RANGE_BLOCKS = 2_000
"""Public nodes refuse more."""
AGAIN_BLOCKS = 64
"""Blocks that are read again: a reorganisation may have changed them."""

Found = Iterable[tuple[int, int, Anchor]]
"""Block, number and anchor."""


class RecentAnchors:
    """Reads backwards at first, until an anchor is older than is asked for, and on from there."""

    def __init__(self, events: Callable[[int, int], Found], first_block: int) -> None:
        """`events` gives the anchors of a range of blocks, both ends included."""
        self._events = events
        self._first_block = first_block
        self._anchors: dict[int, tuple[int, Anchor]] = {}
        self._next_block: int | None = None

    def since(self, epoch: int, head: int, count: int) -> list[Anchor]:
        """The anchors of this epoch and later ones, of `count` that there are up to block `head`."""
        if self._next_block is None:
            self._read_back(epoch, head, count)
        else:
            first = max(self._first_block, min(self._next_block, head + 1) - AGAIN_BLOCKS)
            self._anchors = {number: found for number, found in self._anchors.items() if found[0] < first}
            for start in range(first, head + 1, RANGE_BLOCKS):
                self._take(start, min(start + RANGE_BLOCKS - 1, head))
        self._next_block = head + 1
        self._anchors = {number: each for number, each in self._anchors.items() if each[1].epoch >= epoch - 1}
        return [anchor for _, anchor in self._anchors.values() if anchor.epoch >= epoch]

    def _read_back(self, epoch: int, head: int, count: int) -> None:
        last = head
        while last >= self._first_block and len(self._anchors) < count:
            first = max(self._first_block, last - RANGE_BLOCKS + 1)
            self._take(first, last)
            if any(anchor.epoch < epoch - 1 for _, anchor in self._anchors.values()):
                return
            last = first - 1

    def _take(self, first: int, last: int) -> None:
        for block, number, anchor in self._events(first, last):
            self._anchors[number] = block, anchor
