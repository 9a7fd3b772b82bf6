"""Who answers for items in blobs, when, and for what: each demand once, and never at a loss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.availability.kept_echoes import KEEPING
from tests.protocol.settlement.world import OPERATORS
from truestep.availability.parts import Part, parts_hash
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.bindings import Demand, Give
from truestep.protocol.availability.contracts.items import ItemState, Record
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import ItemId, demand_of
from truestep.roles.availability.answering import (
    CLOCK_SECONDS,
    GIVE_GAS,
    AnswerAction,
    AnswerView,
    AskPrice,
    FindAnswer,
    decide,
)
from truestep.roles.availability.sights import SendData, TellData

NOW, ITEM = 1_700_000_000, ItemId(7)
NODE, REQUESTER, DOUBTER = OPERATORS
ANSWER_SECONDS, ANSWER_WEI = 21_600, 2 * 10**15
HALF = ANSWER_SECONDS // 2
ZERO, ROOT = Bytes32(bytes(32)), Bytes32(b"\1" * 32)
RULES = KEEPING.rules
DEMAND_ID = demand_of(ITEM, 0, DOUBTER)
DEMAND = Demand(
    challenger=DOUBTER,
    record_hash=ZERO,
    keeper=REQUESTER,
    node=ROOT,
    level=24,
    index=0,
    is_answered=False,
    answer_wei=ANSWER_WEI,
    left_wei=5 * ANSWER_WEI,
    moved_at=NOW,
)
NODES = {(DEMAND_ID, NOW): (ROOT,) * 64}
PRICE_WEI = ANSWER_WEI // GIVE_GAS
PARTS = (Part(root=ROOT, depth=24, first_leaf=0, leaf_count=4),)


def item(seats: int = 0, blobs: int = 1, state: ItemState = ItemState.KEPT) -> KnownItem:
    record = Record(
        registrant=REQUESTER,
        parts_hash=parts_hash(PARTS),
        hashes_root=ZERO,
        blob_count=blobs,
        seat_count=seats,
        since=NOW,
        until=NOW + 10**6,
        fee_wei=0,
        bond_wei=10**17,
    )
    return KnownItem(item_id=ITEM, record=record, parts=PARTS, url="", state=state)


def view(
    now: int = NOW, *, of: KnownItem | None = None, demand: Demand = DEMAND, **changes: object
) -> AnswerView:
    facts = Facts(items={ITEM: of or item()}, demands={DEMAND_ID: demand})
    seen = AnswerView(
        now=now, account=NODE, facts=facts, answer_seconds=ANSWER_SECONDS, gas_price_wei=1, answers=NODES
    )
    return replace(seen, **changes)


def sent(actions: list[AnswerAction]) -> list[SendData]:
    return [each for each in actions if isinstance(each, SendData)]


def kinds(actions: list[AnswerAction]) -> list[str]:
    return [each.kind for each in actions if isinstance(each, TellData)]


def first_second(seen: AnswerView) -> int:
    """When it first answers."""
    low, high = NOW, NOW + ANSWER_SECONDS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if sent(decide(replace(seen, now=middle))) else (middle + 1, high)
    return low


def test_nodes_are_found_at_once_and_given_when_that_is_paid() -> None:
    asked = decide(view(answers={}))
    assert [type(each) for each in asked] == [AskPrice, TellData, FindAnswer]
    [found] = [each for each in asked if isinstance(each, FindAnswer)]
    assert (found.move, found.part_index) == ((DEMAND_ID, NOW), 0)
    assert not sent(decide(view(NOW + HALF + CLOCK_SECONDS - 1)))
    [answer] = sent(decide(view(NOW + ANSWER_SECONDS)))
    call = answer.call.call
    assert isinstance(call, Give) and call.nodes == NODES[DEMAND_ID, NOW] and answer.call.value_wei == 0
    assert answer.intent == f"give/{DEMAND_ID}/{NOW}"
    assert not decide(view(NOW + ANSWER_SECONDS + 1))


def test_nodes_take_turns_and_the_last_one_has_time_left() -> None:
    """Else all pay for an answer of which one lands."""
    seconds = sorted(first_second(view(account=Address(f"0x{n:040x}"))) for n in range(40))
    assert seconds[0] >= NOW + HALF + CLOCK_SECONDS
    assert seconds[-1] <= NOW + HALF + HALF // 4 + CLOCK_SECONDS
    assert len(set(seconds)) > 30
    # whoever has just paid for an answer that came too late comes after all of them
    losers = [first_second(view(account=Address(f"0x{n:040x}"), has_lost=True)) for n in range(40)]
    assert min(losers) >= NOW + HALF + 1_800 and max(losers) <= NOW + HALF + HALF // 2
    for answer_seconds in (60, 61, 604_800):
        last = view(NOW + answer_seconds * 4 // 5, answer_seconds=answer_seconds, has_lost=True)
        assert sent(decide(last)), "it does not miss the end, however short the time is"


def test_the_registrant_answers_at_once_and_for_its_bond() -> None:
    assert sent(decide(view(account=REQUESTER)))
    dear = view(NOW + ANSWER_SECONDS, account=REQUESTER, gas_price_wei=PRICE_WEI * 40)
    assert sent(decide(dear))
    assert not sent(decide(replace(dear, gas_price_wei=PRICE_WEI * 60)))


def test_an_answer_that_costs_more_than_it_pays_waits_for_cheaper_gas() -> None:
    late = view(NOW + ANSWER_SECONDS, gas_price_wei=PRICE_WEI)
    assert sent(decide(late))
    dear = decide(replace(late, gas_price_wei=PRICE_WEI + 1))
    assert not sent(dear) and kinds(dear) == ["answer_unpaid"]
    assert decide(replace(late, gas_price_wei=None)) == [AskPrice()]


def test_a_false_item_is_left_to_its_fate() -> None:
    false = decide(view(NOW + ANSWER_SECONDS, answers={(DEMAND_ID, NOW): ()}))
    assert not sent(false) and kinds(false) == ["item_false"]


@pytest.mark.parametrize(
    ("of", "demand"),
    [
        (item(seats=4), DEMAND),
        (item(blobs=0), DEMAND),
        (item(state=ItemState.STRUCK), DEMAND),
        (item(), replace(DEMAND, is_answered=True)),
    ],
)
def test_what_needs_no_answer_or_has_others_to_answer(of: KnownItem, demand: Demand) -> None:
    assert not decide(view(NOW + ANSWER_SECONDS, of=of, demand=demand))
