"""What nodes know of kept jobs and batches by events alone is what the contracts know."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import chain
from random import Random

import pytest

from tests.protocol.availability.kept_echoes import KeptEcho, check_due, check_facts, check_tasks
from tests.protocol.availability.kept_schedule import NOBODYS
from tests.protocol.availability.kept_world import BASE_FEE_WEI
from truestep.base.ids import Address
from truestep.protocol.availability.contracts.items import ItemState, Record, Registered
from truestep.protocol.availability.contracts.kept import Failed
from truestep.protocol.availability.facts import WRITTEN_LIMIT, Draft, Facts
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.kept import HANDLERS, LEAST_FAIL_GAS
from truestep.protocol.events import ClaimFailed
from truestep.protocol.settlement.facts.fold import TIMED, fold, fold_with_gaps
from truestep.protocol.settlement.tasks.telling import fold_told

DUE_EACH = 10
OWN = Address("0x" + "05" * 20)


@cache
def play(seed: int, steps: int) -> tuple[KeptEcho, Counter[str]]:
    """An episode, checked after each step."""
    echo, tally = KeptEcho(seed), Counter[str]()
    try:
        for number in range(steps):
            tally[echo.play()] += 1
            check_facts(echo)
            if number % DUE_EACH == 0:
                check_due(echo)
                check_tasks(echo)
    except BaseException as error:
        error.add_note(f"seed {seed}, step {tally.total()}")
        raise
    return echo, tally


@pytest.mark.parametrize("seed", [4, 22, 23])
def test_facts_agree_and_what_they_make_is_accepted(seed: int) -> None:
    echo, _ = play(seed, 400)
    rng, facts, place = Random(seed), echo.nothing, 0
    timeless = [each if type(each.event) in TIMED else replace(each, time=0) for each in echo.logs]
    while place < len(timeless):
        size = rng.choice((1, 3, 50))
        facts, place = fold(facts, timeless[place : place + size]), place + size
    assert facts == echo.facts


def test_episodes_reach_every_call() -> None:
    total = Counter[str]()
    for seed in (4, 22, 23):
        total += play(seed, 400)[1]
    assert {kind.__name__ for kind in HANDLERS} <= {*total}


@pytest.mark.parametrize("seed", range(10))
def test_missing_events_do_no_harm(seed: int) -> None:
    rng = Random(seed)
    echo, _ = play((4, 22, 23)[seed % 3], 400)
    left = [logged for logged in echo.logs if rng.random() >= 0.03]
    facts, _ = fold_with_gaps(echo.nothing, left)
    assert fold_told(echo.nothing, left).facts == facts
    assert all(item.needed_by >= 0 for item in facts.data.items.values())
    assert facts.kept.supplied.keys() <= facts.jobs.keys()
    assert facts.kept.batches.keys() <= facts.batches.keys()
    assert {batch_id for batch_id, _ in facts.kept.holds} <= facts.batches.keys()


def test_a_claim_whose_input_is_gone_is_not_told_as_one_whose_outputs_were_not_kept() -> None:
    """Its operator may have paid the caller's gas, but goes on with other jobs."""
    kinds = Counter[tuple[bool, bool]]()
    for seed in (4, 22, 23):
        echo, _ = play(seed, 400)
        failed = {each.event.task_id: each.event for each in echo.logs if isinstance(each.event, Failed)}
        for told in chain.from_iterable(fold_told(echo.nothing, echo.logs).told):
            if isinstance(told, ClaimFailed):
                penalty_wei = failed[told.task_id].penalty_wei
                kinds[told.is_seized, penalty_wei > 0] += 1
                assert penalty_wei > LEAST_FAIL_GAS * BASE_FEE_WEI or not told.is_seized
    assert kinds[False, True] and kinds[True, True] and kinds[False, False], kinds


def test_items_of_calldata_leave_the_facts_when_nothing_needs_them() -> None:
    """They never end, and cost nothing to keep: whoever writes many must not fill the memory of nodes."""
    draft = Draft(Facts())
    record = replace(NOBODYS, seat_count=0, blob_count=0, bond_wei=0)
    for number in range(1, WRITTEN_LIMIT + 10):
        draft.apply(_registered(ItemId(number), record))
        if number == 5:
            draft.need(ItemId(5), 2)
    facts = draft.facts()
    assert facts.items.keys() == {5, *range(10, WRITTEN_LIMIT + 10)}
    assert facts.item_count == WRITTEN_LIMIT + 9
    draft.need(ItemId(5), -1)
    assert draft.item(ItemId(5)) is not None
    draft.need(ItemId(5), -1)
    assert draft.item(ItemId(5)) is None


def test_an_item_of_calldata_that_was_forgotten_comes_back_when_it_is_named() -> None:
    """Else whoever floods the chain before a delivery makes nodes believe that its outputs are gone."""
    record = replace(NOBODYS, seat_count=0, blob_count=0, bond_wei=0, since=7)
    draft = Draft(Facts(), own=frozenset({OWN}))
    draft.apply(_registered(ItemId(1), record))
    draft.apply(_registered(ItemId(2), replace(record, registrant=OWN)))
    for number in range(3, WRITTEN_LIMIT + 4):
        draft.apply(_registered(ItemId(number), replace(record, since=9)))
    assert draft.item(ItemId(1)) is None and draft.item(ItemId(2)) is not None
    facts = draft.facts()
    assert (facts.left_since, facts.standing(ItemId(1)).state) == (7, ItemState.NONE)
    draft.need(ItemId(1), 1)
    standing = draft.facts().standing(ItemId(1))
    assert (standing.state, standing.was_kept, standing.is_contested) == (ItemState.KEPT, True, False)
    draft.need(ItemId(1), -1)
    draft.need(ItemId(WRITTEN_LIMIT + 4), 1)  # nobody has registered it
    assert draft.item(ItemId(1)) is None and draft.item(ItemId(WRITTEN_LIMIT + 4)) is None
    assert draft.facts().left_since == 7


def _registered(item_id: ItemId, record: Record) -> Registered:
    return Registered(
        item_id=item_id,
        registrant=record.registrant,
        parts_hash=record.parts_hash,
        record=record,
        parts=(),
        nodes=(),
        url="",
    )
