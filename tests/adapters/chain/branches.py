"""Chains of values: blocks with the logs of random schedules, as one branch or another has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from tests.protocol.settlement.facts.echoes import Echo
from tests.protocol.settlement.world import DEPLOYMENT
from truestep.adapters.chain.book import Checkpoint
from truestep.adapters.chain.logs import Reading
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.events import ChainEvent
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.tasks.telling import fold_told

NOTHING = Facts(deployment=DEPLOYMENT)
GENESIS = Checkpoint(block_number=-1, block_hash=None, facts=NOTHING)


@dataclass(frozen=True)
class Branch:
    """A chain of blocks with logs."""

    logs: tuple[Logged, ...]
    last: int
    names: Mapping[int, int] = field(default_factory=dict[int, int])
    """Which blocks are other ones than those of the first branch."""

    def hash_of(self, number: int) -> Bytes32:
        return keccak256(f"{self.names.get(number)}/{number}".encode())

    def reading(self, first: int, last: int, hidden: Collection[Logged] = ()) -> Reading:
        """A range as a node gives it that leaves out some logs."""
        found = (logged for logged in self.logs if first <= logged.at.block_number <= last)
        return Reading(
            first=first,
            last=last,
            logs=tuple(logged for logged in found if logged not in hidden),
            hashes={number: self.hash_of(number) for number in (first, last)},
            parent_hash=self.hash_of(first - 1),
        )

    def forked(self, fork: int, name: int, delay: int = 2) -> Branch:
        """Another branch, on which everything after a block happens some blocks later."""
        later = (
            replace(each, at=replace(each.at, block_number=each.at.block_number + delay))
            for each in self.logs
            if each.at.block_number > fork
        )
        kept = (each for each in self.logs if each.at.block_number <= fork)
        names = {**self.names, **dict.fromkeys(range(fork + 1, self.last + delay + 1_000), name)}
        return Branch((*kept, *later), self.last + delay, names)

    def until(self, last: int) -> list[Logged]:
        """The logs of the blocks up to one."""
        return [each for each in self.logs if each.at.block_number <= last]


@cache
def story(seed: int) -> Branch:
    """A schedule with games, a block for each call."""
    echo = Echo(seed)
    for _ in range(500):
        echo.play()
    return Branch(tuple(echo.logs), max(logged.at.block_number for logged in echo.logs))


def everything(logs: Iterable[Logged], facts: Facts = NOTHING) -> tuple[Facts, tuple[ChainEvent, ...]]:
    """What one reading of all logs says."""
    folded = fold_told(facts, logs)
    return folded.facts, tuple(event for told in folded.told for event in told)
