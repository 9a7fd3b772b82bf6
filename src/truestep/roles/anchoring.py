"""Which log of a group anchors an epoch, and when (docs/logs.md L5.8)."""

from collections.abc import Mapping
from dataclasses import dataclass

from truestep.base.units import coins
from truestep.protocol.logs.contracts.anchors import Attest, LogNumber
from truestep.protocol.logs.epochs import group_of, place_of
from truestep.protocol.settlement.facts.due import set_bits
from truestep.roles.actions import Alert, Send

TURNS = 8
"""Parts of an epoch. The turn of one log begins with the second part, that of the next one with the third,
and so on: a part is enough to ask a whole group, and for a transaction to land."""
LEFT_OUT_EPOCHS = 2
"""A log that as many anchored epochs in a row have left out comes before all others: whoever collects may be
against it. When all are honest, that is after a pause of its own, and the others see that it was earlier."""
EARLY_PARTS = 64
"""Of an epoch. Logs that were left out begin one part after the other."""
LOOKED_BACK_EPOCHS = 4
"""Whose anchors are looked at: what was signed and never anchored is dropped after two epochs."""
ATTEST_GAS, LISTED_GAS = 270_000, 6_000
"""Of a call, and of a key in it: more than is measured (docs/anchors-gas.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSight:
    """What the chain says of the group of the own log."""

    number: LogNumber
    live: int
    """The logs of the group that can be attested, a bit each."""
    epoch_seconds: int
    anchored: Mapping[int, int]
    """Who was attested in the last epochs, a bit for each log; no entry if nobody was."""
    gas_price_wei: int

    @property
    def group(self) -> int:
        """The group."""
        return group_of(self.number)

    def is_anchored(self, epoch: int) -> bool:
        """Whether the own log was attested."""
        return bool(self.anchored.get(epoch, 0) >> place_of(self.number) & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoringView:
    """What the decision depends on."""

    now: int
    sight: GroupSight
    ready: Attest | None
    """What was collected, and not for another epoch: the group was looked at since."""
    cost_limit_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectEpoch:
    """Ask the group for rows and signatures."""

    group: int
    epoch: int


def intent_of(group: int, epoch: int) -> str:
    """The name of anchoring a group in an epoch, which a node does once."""
    return f"attest/{group}/{epoch}"


def decide(view: AnchoringView) -> CollectEpoch | Send | Alert | None:
    """What to do about the epoch that runs."""
    sight = view.sight
    epoch = view.now // sight.epoch_seconds
    start = begins_at(sight, epoch)
    if sight.is_anchored(epoch) or start is None or view.now < start:
        return None
    if sight.anchored.get(epoch, 0) and not is_left_out(sight, epoch):
        return None  # it pays no second anchor because it was not heard once
    listed = min(sight.live.bit_count() // 2, len(view.ready.places)) if view.ready is not None else 0
    cost_wei = (ATTEST_GAS + LISTED_GAS * listed) * sight.gas_price_wei
    if cost_wei > view.cost_limit_wei:
        limit = coins(view.cost_limit_wei)
        return Alert(
            kind="anchor_cost",
            message=f"it is this log's turn to anchor epoch {epoch}, for about {coins(cost_wei)} of gas; "
            f" {limit} is its limit (--anchor-cost), so that is left to others",
        )
    if view.ready is None or view.ready.epoch != epoch:
        return CollectEpoch(group=sight.group, epoch=epoch)
    count = (sight.live.bit_count() - listed) if view.ready.lists_absent else listed
    return Send(
        intent=intent_of(sight.group, epoch),
        call=view.ready,
        message=f"anchor epoch {epoch} of group {sight.group} for {count} of {sight.live.bit_count()} logs",
    )


def is_left_out(sight: GroupSight, epoch: int) -> bool:
    """Whether all epochs before, as far as it matters, were anchored without the own log."""
    before = range(epoch - LEFT_OUT_EPOCHS, epoch)
    return all(sight.anchored.get(each, 0) and not sight.is_anchored(each) for each in before)


def begins_at(sight: GroupSight, epoch: int) -> int | None:
    """When the own log's turn begins in an epoch; None if so many others come before that it has none."""
    order = list(set_bits(sight.live))
    if place_of(sight.number) not in order:
        return None
    rank = (order.index(place_of(sight.number)) - epoch) % len(order)
    begun = epoch * sight.epoch_seconds
    if is_left_out(sight, epoch):
        return begun + sight.epoch_seconds * (rank % TURNS + 1) // EARLY_PARTS
    return begun + sight.epoch_seconds * (rank + 1) // TURNS if rank + 1 < TURNS else None
