"""Facts at several places in the chain, so that a reorganisation undoes nothing by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

from truestep.base.errors import Bug
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts, Logged

CHECKPOINT_LIMIT = 16
"""Each shares with the next what did not change between them; more would hold more of what is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The facts after a block."""

    block_number: int
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest facts last. The first can never be undone: give it those of a final block."""

    checkpoints: tuple[Checkpoint, ...]

    @property
    def newest(self) -> Checkpoint:
        """Where the chain was read to."""
        return self.checkpoints[-1]

    def extended(self, block_number: int, logs: Iterable[Logged], final_block: int) -> "History":
        """With the events of all blocks up to this one; what is older than the final block is forgotten.

        Of more checkpoints than the limit every other one goes, so that they reach back far enough.
        """
        if block_number <= self.newest.block_number:
            raise Bug(f"expected a block after {self.newest.block_number}, got {block_number}")
        newest = Checkpoint(block_number=block_number, facts=fold(self.newest.facts, logs))
        final = [index for index, each in enumerate(self.checkpoints) if each.block_number <= final_block]
        kept = self.checkpoints[max(final, default=0) :]
        if len(kept) >= CHECKPOINT_LIMIT:
            kept = (kept[0], *kept[2::2])
        return History(checkpoints=(*kept, newest))

    def back_to(self, block_number: int) -> "History":
        """As it was at or before this block; read on from its newest. Raises `Bug` below the first one."""
        kept = tuple(each for each in self.checkpoints if each.block_number <= block_number)
        if not kept:
            raise Bug(f"expected a block from {self.checkpoints[0].block_number} on, got {block_number}")
        return History(checkpoints=kept)
