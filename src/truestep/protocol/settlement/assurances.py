"""Policies: what must be so before a batch may end (docs/protocol.md S8)."""

from collections.abc import Callable, Mapping

from truestep.base.ids import Address, BatchId
from truestep.base.records import record
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, LeafId, PackedItem

Held = Callable[[BatchId], int]
"""Disputes' answer: the leaves of a batch with an open game, a bit each."""


@record
class Question:
    """What Jobs tells a policy, the time, and whom it may ask."""

    batch_id: BatchId
    until: int
    leaf_count: int
    now: int
    held: Held


@record
class Verdict:
    """Whether the batch may end now, and the leaves that must wait, a bit each (S8.1)."""

    is_due: bool
    held: int


@record
class Taking:
    """Who wants to take which items, and when (S8.8)."""

    operator: Address
    items: tuple[PackedItem, ...]
    now: int


def _never(number: int) -> bool:
    """A policy that does not know the question says no."""
    del number
    return False


def _window_end(batch_id: BatchId, until: int) -> int:
    """Games may be opened while the window runs."""
    return until


@record
class Policy:
    """What the contract of a policy answers (S8)."""

    verdict: Callable[[Question], Verdict]
    open_until: Callable[[BatchId, int], int] = _window_end
    """The last second in which a game may be opened on a batch whose window ends then."""
    must_wait: bool = False
    """Whether jobs under it wait until it has seen their data (S8.3)."""
    is_proven: Callable[[LeafId], bool] = _never
    """Whether a claim is proven, as far as the policy knows (S8.6)."""
    ends_game: Callable[[LeafGameId], bool] = _never
    """Whether a proof has ended a game (S8.6)."""
    may_take: Callable[[Taking], bool] | None = None
    """Whether an operator may take items of jobs under it, if it assigns them (S8.8)."""
    contract: Address = NOBODY


def optimistic(question: Question) -> Verdict:
    """Due when the window is over; leaves with an open game wait (S8.2)."""
    return Verdict(is_due=question.now > question.until, held=question.held(question.batch_id))


OPTIMISTIC = 1
POLICIES: Mapping[int, Policy] = {OPTIMISTIC: Policy(verdict=optimistic)}
