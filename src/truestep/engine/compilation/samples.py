"""Which code of the first tier runs so much that it is worth compiling better.

Translated code counts nothing about itself. Now and then a run stops to see where it is, which costs some
microseconds: in the part where it stops it has probably been for most of the cycles since it last stopped.
"""

from dataclasses import dataclass

from truestep.engine.analysis.code_map import PIECE_LIMIT_WORDS, CodeMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Code that is compiled together: unit number `place`, or the piece that begins at address `place`."""

    is_unit: bool
    place: int

    @property
    def name(self) -> str:
        """Its name within the program."""
        return f"{'unit' if self.is_unit else 'piece'} {self.place}"

    def regions_in(self, code: CodeMap) -> range:
        """Its regions in the map of its unit's program, or of its piece."""
        return code.regions_of_unit(self.place) if self.is_unit else range(len(code.regions))

    def cost_in(self, code: CodeMap) -> int:
        """The cost of compiling it, in plain instructions."""
        return max(code.cost_of(self.place), 1) if self.is_unit else PIECE_LIMIT_WORDS


class Samples:
    """The parts that have code of the first tier only, and the cycles in which they probably ran."""

    def __init__(self, code: CodeMap, cycles_per_cost: int, before: dict[Part, int]) -> None:
        self._code = code
        self._cycles_per_cost = cycles_per_cost
        self.cycles = before
        """Of each part, in this process and, as far as that is known, before it."""
        self._wanted: dict[Part, int] = {}
        self.unkept = 0
        """Cycles noted since this was last set to 0."""

    def watch(self, part: Part, factor: int = 1) -> bool:
        """Note that a part has code of the first tier only. Returns whether it is hot already.

        `factor` is how many times more cycles it takes than other parts.
        """
        self._wanted[part] = self._cycles_per_cost * part.cost_in(self._code) * factor
        return self.cycles.get(part, 0) >= self._wanted[part]

    def forget(self, part: Part) -> None:
        """Note that a part has better code, or will have it."""
        self._wanted.pop(part, None)

    @property
    def has_any(self) -> bool:
        """Whether any part has code of the first tier only, and may get better code."""
        return bool(self._wanted)

    def note(self, pc: int, cycles: int) -> Part | None:
        """Note that a run of so many cycles came to `pc`. Returns the part there if it is hot now."""
        part = self._part_at(pc)
        if part is None:
            return None
        self.cycles[part] = self.cycles.get(part, 0) + cycles
        self.unkept += cycles
        return part if self.cycles[part] >= self._wanted[part] else None

    def cycles_per_cost(self, part: Part) -> float:
        """The cycles in which a part probably ran, for the cost of compiling it."""
        return self.cycles.get(part, 0) / part.cost_in(self._code)

    def _part_at(self, pc: int) -> Part | None:
        region = self._code.region_of(pc)
        if region is not None:
            unit = Part(is_unit=True, place=int(self._code.units[region]))
            if unit in self._wanted:
                return unit
        for part in self._wanted:
            if not part.is_unit and part.place <= pc < part.place + 4 * PIECE_LIMIT_WORDS:
                return part
        return None
