"""Keeps, beside compiled code, in how many cycles the parts of a program have run in code of the first tier.

So a part is compiled once all its runs together, in any process, have spent on it what compiling it costs.
Of two processes that end at the same time, one may forget what the other noted: that costs time only.
"""

import struct

from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.samples import Part

PARTS_LIMIT = 4_096
"""Parts of a program that are remembered, the hottest first: 100 KB."""
_ROW = struct.Struct("<?QQ")
_COUNT = struct.Struct("<I")
_MOST = (1 << 64) - 1
_MOST_PROCESSES = (1 << 32) - 1


class KeptHeat:
    """The cycles of one program's parts, under a key."""

    def __init__(self, objects: ObjectCache | None, key: bytes) -> None:
        self._objects = objects
        self._key = key
        self.processes = 0
        """The processes before this one that kept cycles, as far as is known; `load` finds it."""

    def load(self) -> dict[Part, int]:
        """The cycles of each part, as far as they are known."""
        content = self._objects.load(self._key) if self._objects else None
        if content is None or (len(content) - _COUNT.size) % _ROW.size:
            return {}
        (self.processes,) = _COUNT.unpack_from(content)
        rows = _ROW.iter_unpack(content[_COUNT.size :])
        return {Part(is_unit=is_unit, place=place): cycles for is_unit, place, cycles in rows}

    def store(self, cycles: dict[Part, int]) -> None:
        """Keep the cycles of the hottest parts, and that one more process had some."""
        if self._objects:
            hottest = sorted(cycles.items(), key=lambda item: item[1], reverse=True)[:PARTS_LIMIT]
            rows = (
                _ROW.pack(part.is_unit, part.place, min(count, _MOST)) for part, count in hottest if count
            )
            count = _COUNT.pack(min(self.processes + 1, _MOST_PROCESSES))
            self._objects.store(self._key, b"".join((count, *rows)))
