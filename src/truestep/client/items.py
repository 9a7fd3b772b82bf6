"""The items that an account has registered: what they hold, until when, and which can be closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Rejected
from truestep.base.ids import Address
from truestep.client.keeping import close_item, own_items
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import KnownItem

PROGRAM_DEPTH = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnItem:
    """An item of an account at one moment."""

    item: KnownItem
    is_over: bool
    """Whether it can be closed, so that its bond and unused fees come back."""

    @property
    def signed_count(self) -> int:
        """How many keepers answer for it."""
        return sum(1 for seat in self.item.seats.values() if seat.acknowledged_at)

    @property
    def holds(self) -> tuple[str, ...]:
        """What it holds: `program 6f3a…`, `data 91c0…` for each tree."""
        trees = dict.fromkeys((part.root, part.depth) for part in self.item.parts)
        return tuple(
            f"{'program' if depth == PROGRAM_DEPTH else 'data'} {root.hex()}" for root, depth in trees
        )


def items_of(chain: ChainReader, account: Address, rules: Rules) -> list[OwnItem]:
    """The items of an account that are not closed, by number."""
    facts, now = chain.facts().data, chain.head().time_seconds
    return [
        OwnItem(item=item, is_over=_is_over(item, now, rules) and item.item_id not in facts.contests)
        for item in sorted(own_items(facts, account), key=lambda item: item.item_id)
    ]


def close_items(chain: Chain, items: Sequence[OwnItem]) -> list[OwnItem]:
    """Close those that are over. Returns the ones that are closed now; keepers may have been first."""
    closed: list[OwnItem] = []
    for each in items:
        if each.is_over:
            try:
                close_item(chain, each.item)
            except Rejected:
                continue
            closed.append(each)
    return closed


def _is_over(item: KnownItem, now: int, rules: Rules) -> bool:
    """Whether its registrant may close it (A3.4)."""
    if item.state is ItemState.LOST:
        return True
    late = not item.was_kept and now > item.record.since + rules.acknowledge_seconds
    return item.is_open and (now > item.record.until or late)
