"""What a worker is willing to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from truestep.base.ids import Address, Bytes32, ProgramId
from truestep.protocol.validity.contracts.verifiers import Entry
from truestep.roles.availability.delivery import DeliveryPolicy
from truestep.roles.estimates import Speed

HELD_FACTOR = 16
"""Tasks held per task that can run at the same time, so that the next one is ready when one ends."""
BATCH_LIMIT = 32
"""Tasks taken together. More save little gas each, and a run that fails gives back the whole batch."""

TURN_SECONDS = 15
"""A block of Ethereum and some: by the next turn everybody has seen what the one before has done."""
LOCK_LIMIT = 4
"""A stranger's job may ask for 255 bonds and a window of 45 days, and pay next to nothing: a few such tasks
would lock all of an operator's stake, and nobody's work would be done meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPolicy:
    """What an operator is willing to do. Amounts in wei."""

    active_limit: int = 2
    """Tasks run at the same time. Short ones are taken in advance, `HELD_FACTOR` times as many."""
    held_factor: int = HELD_FACTOR
    """Short tasks held for each one that can run at a time; 1 takes nothing ahead."""
    batch_limit: int = BATCH_LIMIT
    """Tasks that are taken, claimed and made final together."""
    games_expected: int = 8
    """A task is taken only if this node could answer this many games on one claim at the same time."""
    lock_limit: int = LOCK_LIMIT
    """How many times the least bond for the least window a task may lock."""
    reward_min_wei: int = 0
    """For a task that locks the least; of others it asks as many times more as they lock. So with tokens."""
    rewards_min: Mapping[Address, int] = field(default_factory=dict[Address, int])
    """Tokens in which jobs may pay as well, each with the least reward, in its own units."""
    cycles_limit: int = 2**48
    input_limit_bytes: int = 1 << 29
    struck_tolerated: int = 0
    """Struck claims of its own that it tolerates. After more, it takes no more tasks."""
    withdraw_above_wei: int = 10**16
    """Smaller credits are not withdrawn, because a withdrawal costs gas."""
    is_keeper: bool = False
    """Whether it also does for others what anybody can do: finalize, settle, write out, call back, cancel."""
    circuits: Mapping[Bytes32, int] = field(default_factory=dict[Bytes32, int])
    """How many bytes of input each circuit takes that this node proves, by key digest: it takes jobs under
    *validity* whose claims it can prove."""
    proving_entries: Mapping[ProgramId, tuple[Entry, ...]] = field(
        default_factory=dict[ProgramId, tuple[Entry, ...]]
    )
    """Of programs whose claims it can prove now: the entries of Verifiers by which it can."""
    proof_seconds: float = 0.0
    """How long the longest of its proofs may take. They are made one after the other."""
    proofs_waiting: int = 0
    """Its claims that are not proven yet."""
    takes_unproven: bool = False
    """Whether it takes jobs under *validity*, whose claims somebody else must prove (docs/validity.md)."""
    turn_seconds: int = TURN_SECONDS
    """Between those that may do the same for a committee or an audit; 0: whoever sees it does it at once."""
    is_auditor: bool = False
    """Whether it audits claims of others for which it is drawn, and disputes false ones (docs/audits.md)."""
    delivery: DeliveryPolicy | None = None
    """How it has outputs kept; None: it takes no job that asks for that."""
    failed_tolerated: int = 0
    """Claims that lost coins because their outputs were not kept. After more, it takes no such jobs."""
    speed: Speed = field(default_factory=Speed)
