"""What Quorums keeps, and whom it asks (docs/quorum.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.quorum.contracts.quorums import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """The fees of a job, and whose turn it is to take it (Q2, Q3)."""

    left_wei: int
    fee_wei: int
    """For a task and a member."""
    tasks: int
    funded_at: int
    turn_at: int = 0
    """When the committee was drawn; 0 before."""
    is_stepped_in: bool = False
    is_open: bool = False
    """To everybody that has not failed."""
    is_closed: bool = False
    """Its fees went back before the committee was drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """The committee of a job, and the member whose turn it is."""

    members: tuple[Address, ...]
    taker: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """What members have said of a batch: a bit for each seat."""

    taken_at: int
    stretch_seconds: int
    confirmed: int = 0
    dissented: int = 0
    charged: int = 0
    compensated: int = 0
    is_proven: bool = False


SILENT = Sitting(taken_at=0, stretch_seconds=0)
"""Of a batch of which no member has said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Tasks that were funded, times load_seconds, as of a second (Q7.2)."""

    amount: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorums:
    """All that Quorums keeps."""

    purses: Mapping[JobId, Purse] = field(default_factory=dict[JobId, Purse])
    committees: Mapping[JobId, Seated] = field(default_factory=dict[JobId, Seated])
    failed: frozenset[tuple[JobId, Address]] = frozenset()
    sittings: Mapping[BatchId, Sitting] = field(default_factory=dict[BatchId, Sitting])
    commitments: Mapping[tuple[BatchId, int], int] = field(default_factory=dict[tuple[BatchId, int], int])
    """By batch and seat."""
    dissents: Mapping[tuple[BatchId, int], Bytes32] = field(
        default_factory=dict[tuple[BatchId, int], Bytes32]
    )
    load: Load = field(default_factory=Load)
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where Quorums is, and whom it asks."""

    quorums: Address
    sortition: Address
    rules: Rules
    exit_seconds: int
    """How long a pledge is still there after its member has left."""
    seed: Callable[[int, int], Bytes32 | Reject]
    """Of the round that draws what happened at the first of these times, at the second one."""
    select: Callable[[int, Bytes32, int], tuple[Address, ...]]
    """Sortition's draw: pool, seed, how many."""
    penalise: Callable[[Address, int], int]
    """How much of a member's pledge Sortition sends."""
    signer: Callable[[BatchId, Bytes32, Address, int, bytes], Address | None]
    """Who signed a commitment to a batch with this tasks root, as the chain recovers it."""
