"""Rounds and their phases, by the clock alone (docs/assignment.md D1)."""

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """What can be done in a part of a round."""

    COMMIT = "commit"
    REVEAL = "reveal"
    DRAW = "draw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """How long each phase of a round is."""

    commit_seconds: int
    reveal_seconds: int
    draw_seconds: int

    @property
    def round_seconds(self) -> int:
        """From the start of a round to that of the next."""
        return self.commit_seconds + self.reveal_seconds + self.draw_seconds

    def round_at(self, time: int) -> int:
        """The round that this second is in."""
        return time // self.round_seconds

    def phase_at(self, time: int) -> Phase:
        """The phase that this second is in."""
        since = time % self.round_seconds
        if since < self.commit_seconds:
            return Phase.COMMIT
        return Phase.REVEAL if since < self.commit_seconds + self.reveal_seconds else Phase.DRAW

    def ends(self, round_number: int) -> tuple[int, int, int]:
        """The last seconds of a round's phases."""
        start = round_number * self.round_seconds
        commit_ends = start + self.commit_seconds - 1
        return commit_ends, commit_ends + self.reveal_seconds, start + self.round_seconds - 1
