"""The items that an account has registered: what they hold, until when, and which can be closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Rejected
from truestep.base.ids import Address
from truestep.base.text import counted
from truestep.client.item_terms import item_fee_wei, moment
from truestep.client.keeping import close_item, own_items
from truestep.client.seats import SEATS_USUAL
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.rules import RENT_BPS

PROGRAM_DEPTH = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatKeeper:
    """Who answers for a seat of an item."""

    seat: int
    account: Address
    url: str
    since: int
    """When it signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnItem:
    """An item of an account at one moment."""

    item: KnownItem
    is_over: bool
    """Whether it can be closed, so that its bond and unused fees come back."""
    why_open: str = ""
    """Why it cannot be closed yet."""
    keepers: tuple[SeatKeeper, ...] = ()
    """Those that have signed, by seat."""
    earned_wei: int = 0
    """Of its fees, what its keepers have earned."""

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

    @property
    def holds_in_words(self) -> str:
        """`1 program and 2 inputs or outputs`."""
        depths = [depth for _, depth in dict.fromkeys((part.root, part.depth) for part in self.item.parts)]
        programs = depths.count(PROGRAM_DEPTH)
        others = len(depths) - programs
        words = list[str]()
        if programs:
            words.append(counted(programs, "program"))
        if others:
            words.append("1 input or output" if others == 1 else f"{others} inputs or outputs")
        return " and ".join(words)


def items_of(chain: ChainReader, account: Address, rules: Rules) -> list[OwnItem]:
    """The items of an account that are not closed, by number."""
    facts, now = chain.facts().data, chain.head().time_seconds
    own = sorted(own_items(facts, account), key=lambda item: item.item_id)
    return [_own_item(facts, item, now, rules) for item in own]


def _own_item(facts: Facts, item: KnownItem, now: int, rules: Rules) -> OwnItem:
    why = _why_open(item, now, rules)
    if not why and item.item_id in facts.contests:
        why = "somebody asks for its bytes at the moment; try again when that is decided"
    signed = sorted((index, seat) for index, seat in item.seats.items() if seat.acknowledged_at)
    keepers = tuple(
        SeatKeeper(seat=index, account=known.account, url=known.url, since=seat.acknowledged_at)
        for index, seat in signed
        if (known := facts.keepers.get(seat.keeper)) is not None
    )
    seconds = sum(max(min(now, item.record.until) - seat.acknowledged_at, 0) for _, seat in signed)
    earned_wei = item.record.fee_wei * seconds // (item.record.until - item.record.since)
    return OwnItem(item=item, is_over=not why, why_open=why, keepers=keepers, earned_wei=earned_wei)


def stay_wei(rules: Rules, item: KnownItem, now: int, more_seconds: int) -> int:
    """About the fees of having an item's bytes kept so much longer, by as many keepers, at the usual rent.

    No item can be made to last longer: another one holds the same bytes from now on (A3.1).
    """
    seats = item.record.seat_count or SEATS_USUAL
    seconds = max(item.record.until - now, 0) + more_seconds
    return seats * item_fee_wei(rules, 0, RENT_BPS, item.record.blob_count, seconds)


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


def _why_open(item: KnownItem, now: int, rules: Rules) -> str:
    """Why its registrant may not close it (A3.4); empty if it may."""
    if item.state is ItemState.LOST:
        return ""
    if not item.is_open:
        return "it was struck: its bond is lost, and nothing comes back"
    if now > item.record.until:
        return ""
    if item.was_kept:
        return (
            f"its keepers are to keep it until {moment(item.record.until)}: jobs may depend on it until then,"
            " and nobody can end that"
        )
    late = item.record.since + rules.acknowledge_seconds
    return f"keepers have until {moment(late)} to sign" if now <= late else ""
