"""Which parts of a run the reference machine does again before the run is claimed."""

from dataclasses import dataclass

from truestep.commitments.keccak import keccak256

SEGMENT_STEPS = 10_000
"""About 30 ms of the reference machine: most of it in translated code, whose exact stops are stepped."""
FIXED_SEGMENTS = 2
"""A run's beginning and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Steps from state number `first` to state number `end`."""

    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheckPolicy:
    """How much is done again: the run's beginning, its end, and so many random segments between."""

    random_segments: int
    segment_steps: int = SEGMENT_STEPS

    def segments(self, seed: int, cycles: int) -> list[Segment]:
        """The segments of a run of `cycles` steps, rising, not overlapping; a short run is one segment.

        `seed`, 64 bits that nobody can foresee, decides: a fault must not know where it will be looked for.
        """
        steps = self.segment_steps
        if cycles <= steps * (self.random_segments + FIXED_SEGMENTS):
            return [Segment(first=0, end=cycles)]
        last = cycles - steps
        firsts = [0, *(_draw(seed, number, last) for number in range(self.random_segments)), last]
        segments: list[Segment] = []
        done = 0
        for first in sorted(firsts):
            if first + steps > done:
                segments.append(Segment(first=max(first, done), end=first + steps))
                done = first + steps
        return segments


def _draw(seed: int, number: int, last: int) -> int:
    """A number from 0 to `last`, each as likely (but for 2^-64 of it: 64 bits more than a cycle has)."""
    packed = seed.to_bytes(8, "big") + number.to_bytes(8, "big")
    return int.from_bytes(keccak256(packed)[:16], "big") % (last + 1)
