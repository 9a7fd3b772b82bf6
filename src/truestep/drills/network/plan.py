"""What is posted in a drill of the network and what is lied about: all of it follows from the seed."""

import random
from dataclasses import dataclass, replace

from truestep.base.ids import Bytes32

SHARDS_LIMIT = 3
"""Of a job: a few, so that a batch has shards of several jobs."""
INPUT_BYTES = (200, 400)
"""Of a job, least and most: runs of 1,200 to 2,400 steps, which the game narrows down in two rounds."""
REQUESTERS_LIMIT = 8
"""Each waits for its own transactions, two blocks a job: together they post four jobs in a block."""
LIARS_LIMIT = 2
"""Liars run in this process, so there are few of them, and each tells many lies."""
LIAR_SHARE_LIMIT = 1 / SHARDS_LIMIT
"""Of a job, one shard at most is lied about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How large a drill is."""

    jobs: int
    workers: int
    """Honest ones."""
    liar_share: float
    """The part of the tasks of which a false claim is made, one at least if it is not 0."""
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """A false claim that is to be made."""

    liar: int
    """By which of the liars."""
    shard_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A job that is to be posted."""

    requester: int
    """By which of the requesters, each of which posts its jobs in the order of the plan."""
    content: bytes
    seed: Bytes32
    """It tells the job from all others."""
    shard_count: int
    lie: Lie | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is to happen."""

    terms: Terms
    jobs: tuple[PlannedJob, ...]

    @property
    def task_count(self) -> int:
        """Shards of all jobs."""
        return sum(job.shard_count for job in self.jobs)

    @property
    def lies(self) -> tuple[PlannedJob, ...]:
        """The jobs that are lied about."""
        return tuple(job for job in self.jobs if job.lie is not None)

    @property
    def liars(self) -> int:
        """How many liars there are."""
        return min(LIARS_LIMIT, len(self.lies))

    @property
    def requesters(self) -> int:
        """How many requesters there are."""
        return min(REQUESTERS_LIMIT, len(self.jobs))


def planned(terms: Terms) -> Plan:
    """The plan of these terms: the same seed, the same jobs and lies."""
    chance = random.Random(terms.seed)
    requesters = min(REQUESTERS_LIMIT, terms.jobs)
    honest = [
        PlannedJob(
            requester=number % requesters,
            content=chance.randbytes(chance.randint(*INPUT_BYTES)),
            seed=Bytes32(chance.randbytes(32)),
            shard_count=chance.randint(1, SHARDS_LIMIT),
        )
        for number in range(terms.jobs)
    ]
    tasks = sum(job.shard_count for job in honest)
    count = max(round(terms.liar_share * tasks), 1) if terms.liar_share else 0
    chosen = chance.sample(range(terms.jobs), count)
    lies = {
        number: Lie(liar=index % LIARS_LIMIT, shard_index=chance.randrange(honest[number].shard_count))
        for index, number in enumerate(chosen)
    }
    return Plan(
        terms=terms, jobs=tuple(replace(job, lie=lies.get(number)) for number, job in enumerate(honest))
    )
