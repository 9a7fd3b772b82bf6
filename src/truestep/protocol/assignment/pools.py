"""Pools, and draws out of them by weight, without replacement (docs/assignment.md D4)."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NOBODY

SEATS_LIMIT = 16
"""Of one draw, and as many may be excluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Slots with their operators and weights, and the slots that are empty."""

    slots: tuple[Address, ...] = ()
    """Nobody is in those that are empty."""
    weights: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()
    """The slot that is filled next is the last."""
    slot_of: Mapping[Address, int] = field(default_factory=dict[Address, int])
    ends: tuple[int, ...] = ()
    """The sums of the weights up to and with each slot."""

    @property
    def total(self) -> int:
        """The sum of all weights."""
        return self.ends[-1] if self.ends else 0


def pool_of(weights: Mapping[Address, int]) -> Pool:
    """A pool of these operators, in this order."""
    return Pool(
        slots=tuple(weights),
        weights=tuple(weights.values()),
        slot_of={operator: slot for slot, operator in enumerate(weights)},
        ends=tuple(accumulate(weights.values())),
    )


def entered(pool: Pool, operator: Address) -> tuple[Pool, int]:
    """The pool with another member, which weighs nothing yet, in a slot that was left or the next one."""
    if not pool.empty:
        slot, empty = len(pool.slots), pool.empty
        slots, weights = (*pool.slots, operator), (*pool.weights, 0)
    else:
        slot, empty, weights = pool.empty[-1], pool.empty[:-1], pool.weights
        slots = (*pool.slots[:slot], operator, *pool.slots[slot + 1 :])
    slot_of = {**pool.slot_of, operator: slot}
    ends = tuple(accumulate(weights))
    return Pool(slots=slots, weights=weights, empty=empty, slot_of=slot_of, ends=ends), slot


def left(pool: Pool, slot: int) -> Pool:
    """The pool without the member in a slot."""
    slot_of = {operator: each for operator, each in pool.slot_of.items() if each != slot}
    slots = (*pool.slots[:slot], NOBODY, *pool.slots[slot + 1 :])
    changed = replace(pool, slots=slots, empty=(*pool.empty, slot), slot_of=slot_of)
    return reweighed(changed, slot, 0)


def reweighed(pool: Pool, slot: int, weight: int) -> Pool:
    """The pool in which a slot has this weight."""
    weights = (*pool.weights[:slot], weight, *pool.weights[slot + 1 :])
    return replace(pool, weights=weights, ends=tuple(accumulate(weights)))


def select(pool: Pool, seed: Bytes32, count: int, excluded: Iterable[Address] = ()) -> tuple[Address, ...]:
    """Different members, drawn by their weights; fewer than `count` if there are no more (D4.3).

    The contract walks a tree of sums. Here the weights that are out are jumped over, in order of their slots.
    """
    slots = {pool.slot_of[operator] for operator in excluded if operator in pool.slot_of}
    gone = sorted((pool.ends[slot] - pool.weights[slot], pool.weights[slot]) for slot in slots)
    total = pool.total - sum(weight for _, weight in gone)
    drawn: list[Address] = []
    for seat in range(count):
        if total == 0:
            break
        point = int.from_bytes(keccak256(encode(seed, seat)), "big") % total
        for start, weight in gone:
            if point < start:
                break
            point += weight
        slot = bisect_right(pool.ends, point)
        weight = pool.weights[slot]
        insort(gone, (pool.ends[slot] - weight, weight))
        total -= weight
        drawn.append(pool.slots[slot])
    return tuple(drawn)


def thing_seed(round_seed: Bytes32, policy: Address, digest: Bytes32) -> Bytes32:
    """The seed by which a policy draws for a thing (D2.5)."""
    return keccak256(encode(round_seed, policy, digest))
