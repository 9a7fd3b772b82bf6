"""Turns at something scarce: whoever has used little goes first, whatever anybody says it will take."""

from collections.abc import Collection, Hashable, Mapping

LEVEL_LIMIT = 16
"""From there on turns do not grow any more in rank; at a second each, that is most of a day."""


class Turns:
    """Time used so far, by key, in levels that double: a multilevel feedback queue.

    Estimates come from strangers, so nothing is decided by them. What needs little ends in its first turn;
    what needs much comes back after everything that has used less, and loses at most half of its time.
    """

    def __init__(self, first_seconds: float, used_seconds: Mapping[str, float] | None = None) -> None:
        """`used_seconds`: what was used before the start."""
        self._first_seconds = first_seconds
        self._used: dict[Hashable, float] = {}
        self._used.update(used_seconds or {})

    def level(self, key: Hashable, more_seconds: float = 0.0) -> int:
        """How much was used, with `more_seconds` of the present turn: 0 for less than one first turn."""
        used = self._used.get(key, 0.0) + more_seconds
        return min(int(used / self._first_seconds).bit_length(), LEVEL_LIMIT)

    def add(self, key: Hashable, seconds: float) -> float:
        """A turn has ended without a result. Returns all that was used."""
        self._used[key] = used = self._used.get(key, 0.0) + seconds
        return used

    def keep_only(self, keys: Collection[Hashable]) -> None:
        """Forget all others."""
        self._used = {key: seconds for key, seconds in self._used.items() if key in keys}
