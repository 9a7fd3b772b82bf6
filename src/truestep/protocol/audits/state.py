"""What Audits keeps, and whom it asks (docs/audits.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.audits.contracts.audits import Rules, Stage
from truestep.protocol.audits.statements import NO_HASH
from truestep.protocol.settlement.ids import NOBODY, LeafId

NO_JOB = JobId(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFund:
    """The fee of one audit of a job, and what is left for others."""

    fee_wei: int
    left_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedBatch:
    """A batch that is prepared."""

    traps: Bytes32
    since: int = 0
    """Once it is drawn: when it was claimed."""
    seed: Bytes32 | None = None
    """Once it is drawn."""
    open_until: int = 0
    """While an audit runs: the last second in which a game may be opened."""
    pending: int = 0
    """The leaves whose audit has not ended, a bit each."""
    confirmed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Where the audit of a claim is (U1.4)."""

    stage: Stage = Stage.NONE
    seats: int = 0
    """Auditors that were appointed."""
    time: int = 0
    """The last second of the stage; of a vacant seat since when it is vacant."""
    work_seconds: int = 0
    auditor: Address = NOBODY
    """The first one; nobody once it has failed, but in a vacant seat the one that has."""
    second: Address = NOBODY
    job_id: JobId = NO_JOB
    said: Mapping[int, Bytes32] = field(default_factory=dict[int, Bytes32])
    """By seat: a commitment, and then what was revealed."""
    revealed: frozenset[int] = frozenset()
    seed: Bytes32 = NO_HASH
    """Of the newest appointment, and of the checkpoints."""
    published: Bytes32 | None = None
    """A statement that was made early; once stated, the bait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many audits an auditor has, and what it would pay if it failed in all of them."""

    count: int = 0
    penalties_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audits:
    """All that Audits keeps."""

    rules: Rules
    funds: Mapping[JobId, JobFund] = field(default_factory=dict[JobId, JobFund])
    batches: Mapping[BatchId, AuditedBatch] = field(default_factory=dict[BatchId, AuditedBatch])
    audits: Mapping[LeafId, Audit] = field(default_factory=dict[LeafId, Audit])
    loads: Mapping[Address, Load] = field(default_factory=dict[Address, Load])
    failed: frozenset[tuple[JobId, Address]] = frozenset()
    """Who audits nothing of a job any more."""
    certificates: Mapping[Bytes32, Bytes32] = field(default_factory=dict[Bytes32, Bytes32])
    """Of a task: the hash of its final leaf (U7.1)."""
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where Audits is, and whom it asks."""

    audits: Address
    sortition: Address
    round_seed: Callable[[int, int], Bytes32 | None]
    """Of the round that draws now what happened then: (since, now). None if no round does."""
    select: Callable[[int, Bytes32, tuple[Address, ...]], Address | None]
    """Who is drawn of a pool, by a seed, without these. None if nobody is left."""
    pledge_of: Callable[[int, Address], int]
    """What an operator has pledged in a pool that may draw it."""
    seizable: Callable[[Address], int]
    """What is left of an operator's pledge, also while it is leaving."""
    exit_seconds: int
    """How long the pledge of a member that has left stays in reach."""
