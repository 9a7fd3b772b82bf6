"""A set of whole numbers that come in runs, kept as the runs: 20,000 finished shards take little room."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Spans:
    """Disjoint half-open spans in order; neighbours are merged."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._count = 0
        for start, end in spans:
            self._starts.append(start)
            self._ends.append(end)
            self._count += end - start

    def __contains__(self, number: int) -> bool:
        position = bisect_right(self._starts, number) - 1
        return position >= 0 and number < self._ends[position]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The spans (start, end), in order."""
        return zip(self._starts, self._ends, strict=True)

    def add(self, number: int) -> bool:
        """Put a number in; whether it was new."""
        position = bisect_right(self._starts, number) - 1
        if position >= 0 and number < self._ends[position]:
            return False
        self._count += 1
        touches_left = position >= 0 and self._ends[position] == number
        touches_right = position + 1 < len(self._starts) and self._starts[position + 1] == number + 1
        if touches_left and touches_right:
            self._ends[position] = self._ends.pop(position + 1)
            del self._starts[position + 1]
        elif touches_left:
            self._ends[position] = number + 1
        elif touches_right:
            self._starts[position + 1] = number
        else:
            self._starts.insert(position + 1, number)
            self._ends.insert(position + 1, number + 1)
        return True

    def discard(self, number: int) -> bool:
        """Take a number out; whether it was there."""
        if number not in self:
            return False
        self._count -= 1
        position = bisect_right(self._starts, number) - 1
        start, end = self._starts[position], self._ends[position]
        parts = [part for part in ((start, number), (number + 1, end)) if part[0] < part[1]]
        self._starts[position : position + 1] = [part[0] for part in parts]
        self._ends[position : position + 1] = [part[1] for part in parts]
        return True

    def gaps(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The spans of [start, end) that are not in the set, in order."""
        position = bisect_left(self._ends, start + 1)
        while start < end:
            if position == len(self._starts) or self._starts[position] >= end:
                yield start, end
                return
            if start < self._starts[position]:
                yield start, self._starts[position]
            start = self._ends[position]
            position += 1
