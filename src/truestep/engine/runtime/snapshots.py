"""Snapshots of one run, each with the pages changed since the one before, within a limit on memory.

A run is deterministic and has one state at each cycle, so all snapshots are in one sequence, whatever was
rewound in between. Each has at least the pages that changed since the one before it. The content of a page at
a snapshot is in the last snapshot, up to this one, that has the page.
"""

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import PAGE_LEVEL, PAGE_SIZE_BYTES, ZERO_NODES
from truestep.engine.runtime.keccak import Rows, Words
from truestep.engine.runtime.memory import MappedMemory
from truestep.engine.runtime.pages import PageSet
from truestep.machine.state import MachineState, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A state without its memory."""

    registers: tuple[int, ...]
    pc: int
    cycle: int
    status: Status
    code: int

    def state(self, memory_root: Bytes32) -> MachineState:
        """The whole state."""
        return MachineState(
            pc=self.pc,
            registers=self.registers,
            cycle=self.cycle,
            status=self.status,
            code=self.code,
            memory_root=memory_root,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A state, with the pages that changed since the snapshot before it: numbers, contents, roots."""

    position: Position
    pages: Rows
    contents: Words
    roots: Words

    @property
    def cycle(self) -> int:
        """The number of steps to it."""
        return self.position.cycle

    @property
    def size_bytes(self) -> int:
        """The size of its contents."""
        return self.contents.nbytes + self.roots.nbytes + self.pages.nbytes


_cycle = attrgetter("cycle")


class Snapshots:
    """Snapshots by rising cycle. The first, of state number 0, always stays and is free of the limit."""

    def __init__(self, first: Snapshot, limit_bytes: int) -> None:
        self._kept = [first]
        self._base = first
        self._limit_bytes = limit_bytes
        self.size_bytes = 0
        """The size of the snapshots that can be dropped."""

    @property
    def held_bytes(self) -> int:
        """The size of all snapshots, the first one included."""
        return self._kept[0].size_bytes + self.size_bytes

    @property
    def cycles(self) -> list[int]:
        """The cycles of the snapshots, in rising order."""
        return [each.cycle for each in self._kept]

    def before(self, cycle: int) -> Snapshot:
        """The last one at or before `cycle`."""
        return self._kept[self._place(cycle) - 1]

    def _place(self, cycle: int) -> int:
        """The number of snapshots up to `cycle`."""
        return bisect_right(self._kept, cycle, key=_cycle)

    def fits(self, page_count: int) -> bool:
        """Whether a snapshot with this many pages can be kept at all."""
        return page_count * PAGE_SIZE_BYTES < self._limit_bytes

    def add(self, snapshot: Snapshot) -> None:
        """Add a snapshot of the present state, with what changed since the last one added or restored."""
        place = self._place(snapshot.cycle)
        if self._kept[place - 1].cycle == snapshot.cycle:
            self._base = self._kept[place - 1]
            return
        self._kept.insert(place, snapshot)
        self.size_bytes += snapshot.size_bytes
        self._base = snapshot

    def is_over_limit(self) -> bool:
        """Whether some must be dropped."""
        return self.size_bytes > self._limit_bytes

    def thin(self, first_cycle: int, last_cycle: int, memory: MappedMemory) -> None:
        """Drop snapshots until the rest is within the limit: first those of no use for states from
        `first_cycle` to `last_cycle`, then where they are densest, last the one that was just added.
        """
        while self.is_over_limit():
            victims = [place for place in range(1, len(self._kept)) if self._kept[place] is not self._base]
            if victims:
                self._drop(min(victims, key=lambda place: self._worth(place, first_cycle, last_cycle)))
            else:
                memory.since_snapshot.add(self._base.pages)
                self._drop(self._kept.index(self._base))
                self._base = self.before(self._base.cycle)

    def _worth(self, place: int, first_cycle: int, last_cycle: int) -> tuple[bool, int]:
        """The worth of a snapshot: it grows with what is lost by dropping it."""
        cycles = self.cycles
        is_last = place + 1 == len(cycles)
        end = cycles[place] if is_last else cycles[place + 1]
        is_useful = cycles[place] <= last_cycle and (is_last or end > first_cycle)
        return is_useful, end - cycles[place - 1]

    def _drop(self, place: int) -> None:
        """Drop a snapshot. The next one takes over the pages that only this one has."""
        dropped = self._kept.pop(place)
        self.size_bytes -= dropped.size_bytes
        if place == len(self._kept):
            return
        heir = self._kept[place]
        own = np.isin(dropped.pages, heir.pages, assume_unique=True, invert=True)
        if not own.any():
            return
        pages = np.concatenate((dropped.pages[own], heir.pages))
        order = np.argsort(pages)
        merged = Snapshot(
            position=heir.position,
            pages=pages[order],
            contents=np.concatenate((dropped.contents[own], heir.contents))[order],
            roots=np.concatenate((dropped.roots[own], heir.roots))[order],
        )
        self._kept[place] = merged
        self.size_bytes += merged.size_bytes - heir.size_bytes
        if self._base is heir:
            self._base = merged

    def restore(self, target: Snapshot, memory: MappedMemory) -> None:
        """Make all pages what they were at `target`."""
        written = PageSet()
        written.add(memory.take_written())
        left = memory.touched.copy()
        for snapshot in reversed(self._kept[: self._place(target.cycle)]):
            rows = np.flatnonzero(left.take_those_of(snapshot.pages))
            _put(memory, written, snapshot.pages[rows], snapshot.contents, snapshot.roots, rows)
        pages = left.rows()
        zeros = np.zeros((1, PAGE_SIZE_BYTES // 8), np.uint64)
        zero_root = np.frombuffer(ZERO_NODES[PAGE_LEVEL], np.uint64).reshape(1, -1)
        _put(memory, written, pages, zeros, zero_root, np.zeros(len(pages), np.int64))
        memory.since_snapshot.take()
        self._base = target


def _put(
    memory: MappedMemory, written: PageSet, pages: Rows, contents: Words, roots: Words, rows: Rows
) -> None:
    """Restore those of `pages` that differ: written since they were hashed, or with another hash."""
    differs = written.take_those_of(pages)
    differs |= (memory.tree.page_roots(pages) != roots[rows]).any(axis=1)
    memory.put_pages(pages[differs], contents, rows[differs], roots[rows[differs]])
