"""Chooses the parts of a run that the reference machine repeats before the claim."""

from dataclasses import dataclass

from truestep.commitments.keccak import keccak256

SEGMENT_STEPS = 10_000
"""About 30 ms on the reference machine. Most steps are in translated code, which must stop exactly."""
FIXED_SEGMENTS = 2
"""A run's beginning and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Steps from state number `first` to state number `end`."""

    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheckPolicy:
    """How much is repeated: the run's beginning, its end, and random segments in between."""

    random_segments: int
    segment_steps: int = SEGMENT_STEPS

    def segments(self, seed: int, cycles: int) -> list[Segment]:
        """The segments of a run of `cycles` steps, rising, not overlapping; a short run is one segment.

        They follow from `seed`, 64 bits that nobody can predict, so that no fault can avoid the check.
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
