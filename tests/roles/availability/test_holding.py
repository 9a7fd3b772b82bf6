"""What a challenger does about claims whose data it cannot get, on hand-made views and facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from tests.protocol.settlement.world import PARAMETERS
from tests.roles.availability.test_watching import DEMAND, RULES, item, place
from tests.roles.views import BATCH_ID, CHALLENGER, CLAIM_ID, NOW, REQUESTER, WORKER, claimed_view, duty
from tests.roles.views import view as seen_by
from truestep.base.ids import Address, Bytes32, JobId
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.kept import BatchHold
from truestep.protocol.availability.facts import Facts as DataFacts
from truestep.protocol.availability.ids import ChallengeKind, ItemId, demand_of
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.kept import HOLD_LIMIT_SECONDS
from truestep.protocol.availability.kept_state import Kept, KeptBatch
from truestep.protocol.calls import FailClaim, HoldBatch, HoldForDemand
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms
from truestep.roles.availability import holding
from truestep.roles.availability.sights import Need
from truestep.roles.views import Material, MaterialStage, TaskView, View

PROGRAM, INPUT = ItemId(7), ItemId(8)
GONE = Material(stage=MaterialStage.UNREACHABLE)
WINDOW = 4_000
UNTIL = NOW + 500
TERMS = BatchTerms(
    tasks_root=Bytes32(bytes(32)),
    claims_root=Bytes32(bytes(32)),
    reward=1,
    bond_wei=1,
    asset=Address("0x" + "0" * 40),
    window_seconds=WINDOW,
    lease_seconds=100,
)
BATCH = Batch(
    stage=BatchStage.CLAIMED,
    leaf_count=1,
    until=UNTIL,
    operator=WORKER,
    parameters_id=1,
    policy=2,
    terms=TERMS,
    items=(),
)
ASKED = place(item_id=INPUT, kind=ChallengeKind.BLOB, element=0)
CHALLENGE = Challenge(
    challenger=CHALLENGER, keeper=REQUESTER, hashes_root=Bytes32(bytes(32)), bond_wei=1, until=NOW + 50
)


def facts(*, published_at: int = 0, **kept: Any) -> Facts:
    """A batch whose job depends on two items."""
    data = DataFacts(
        items={PROGRAM: item(PROGRAM), INPUT: item(INPUT, published_at=published_at)},
        challenges=kept.pop("challenges", {}),
    )
    known = KnownBatch(batch=replace(BATCH, **kept.pop("batch", {})), at=cast("Any", None))
    return Facts(
        deployment=cast("Any", None),
        keeping=Keeping(policy=2, kept=WORKER, contracts=cast("Any", None), rules=RULES),
        parameters=(PARAMETERS,),
        batches={BATCH_ID: known},
        data=data,
        kept=Kept(supplied={JobId(1): (PROGRAM, INPUT)}, **kept),
    )


def seen(task: TaskView | None = None, **changes: Any) -> View:
    return seen_by(task or claimed_view(material=GONE), account=CHALLENGER, **changes)


def wishes(found: Facts, view: View | None = None) -> list[Any]:
    known = view or seen()
    return [wish.send.call.call for wish in holding.holds(known, found, holding.unchecked(known, found))]


# --- what is needed -------------------------------------------------------------------------------


def test_items_of_claims_that_are_not_checked_are_needed() -> None:
    found = facts()
    claims = holding.unchecked(seen(), found)
    assert [(claim.claim_id, claim.items, claim.is_missing) for claim in claims] == [
        (CLAIM_ID, (PROGRAM, INPUT), True)
    ]
    need = Need(limit=UNTIL + HOLD_LIMIT_SECONDS, is_missing=True)
    assert holding.needs(found, claims) == {PROGRAM: need, INPUT: need}
    fetching = holding.unchecked(seen(claimed_view(material=Material(stage=MaterialStage.FETCHING))), found)
    assert not holding.needs(found, fetching)[INPUT].is_missing


@pytest.mark.parametrize(
    "task",
    [
        claimed_view(material=GONE, claim={"operator": CHALLENGER}),
        claimed_view(material=GONE, claim={"has_batch_ended": True}),
        claimed_view(material=GONE, claim={"is_malformed": True}),
        claimed_view(material=GONE, task={"until": NOW - 1}),
        claimed_view(material=GONE, hashes={1_000: Bytes32(b"x" * 32)}),
    ],
)
def test_claims_that_need_nothing_need_no_items(task: TaskView) -> None:
    """One's own, an ended one, one that is false by its shape, one that is late, one that is checked."""
    assert holding.unchecked(seen(task), facts()) == []


def test_jobs_of_another_policy_have_no_items() -> None:
    assert holding.unchecked(seen(), replace(facts(), kept=Kept())) == []


# --- holds ----------------------------------------------------------------------------------------


def test_a_batch_is_held_at_the_end_of_its_window_while_a_blob_is_asked_for() -> None:
    asked = facts(challenges={ASKED: CHALLENGE})
    assert wishes(asked) == [HoldBatch(batch_id=BATCH_ID, challenge_id=ASKED)]
    early = seen(now=UNTIL - WINDOW // 4 - 1)
    assert wishes(asked, early) == [], "the blob may come in time"
    assert wishes(facts()) == [], "nobody has asked for anything"
    element = facts(challenges={place(item_id=INPUT): CHALLENGE})
    other = facts(challenges={place(item_id=ItemId(9), kind=ChallengeKind.BLOB, element=0): CHALLENGE})
    assert wishes(element) == wishes(other) == []
    there = seen(claimed_view(material=Material(stage=MaterialStage.FETCHING)))
    assert wishes(asked, there) == []


def test_a_blob_that_was_just_published_is_a_reason_too() -> None:
    [call] = wishes(facts(published_at=NOW - RULES.answer_seconds))
    assert call.challenge_id >> 128 == INPUT
    assert wishes(facts(published_at=NOW - RULES.answer_seconds - 1)) == []


def test_a_demand_for_the_tree_of_an_item_holds_a_batch_too() -> None:
    demand_id = demand_of(INPUT, 0, CHALLENGER)
    found = facts()
    demanded = replace(found, data=replace(found.data, demands={demand_id: DEMAND}))
    assert wishes(demanded) == [HoldForDemand(batch_id=BATCH_ID, demand_id=demand_id)]
    other = replace(found.data, demands={demand_of(ItemId(9), 0, CHALLENGER): DEMAND})
    assert wishes(replace(found, data=other)) == []


def test_what_gives_no_more_time_is_not_paid_for() -> None:
    held = {BATCH_ID: KeptBatch(held_until=NOW + 300 + WINDOW, hold_count=1)}
    late = seen(claimed_view(material=GONE, task={"until": NOW + 300 + WINDOW}), now=NOW + 300 + WINDOW - 10)
    [call] = wishes(facts(challenges={ASKED: CHALLENGE}, batches=held), late)
    assert isinstance(call, HoldBatch)
    full = {BATCH_ID: KeptBatch(held_until=UNTIL + HOLD_LIMIT_SECONDS, hold_count=9)}
    end = UNTIL + HOLD_LIMIT_SECONDS
    last = seen(claimed_view(material=GONE, task={"until": end}), now=end - 10)
    assert wishes(facts(challenges={ASKED: CHALLENGE}, batches=full), last) == []


def test_the_bonds_of_holds_count() -> None:
    hold = BatchHold(holder=CHALLENGER, bond_wei=5)
    other = BatchHold(holder=WORKER, bond_wei=7)
    found = facts(
        holds={(BATCH_ID, 1): hold, (BATCH_ID, 2): other}, batches={BATCH_ID: KeptBatch(hold_count=2)}
    )
    assert holding.held_wei(found, CHALLENGER, ()) == 5
    coming = holding.held_wei(found, CHALLENGER, (f"hold/{BATCH_ID}/3", "claim/5/1"))
    assert coming == 5 + (PARAMETERS.challenger_bond_wei << 3)


# --- data that is gone ----------------------------------------------------------------------------


def fails(view: View, found: Facts | None = None) -> list[Any]:
    return [send.call.call for send in holding.fails(view, found or facts())]


def failing(beneficiary: Address = WORKER) -> Any:
    return duty(DutyKind.FAIL, FailClaim(claim_id=CLAIM_ID), beneficiary, CLAIM_ID)


def test_a_claim_of_which_nothing_is_known_fails() -> None:
    call = FailClaim(claim_id=CLAIM_ID)
    assert fails(seen(duties=(failing(),))) == [call]
    assert fails(seen_by(account=CHALLENGER, duties=(failing(),))) == [call], "after its window too"
    assert fails(seen(duties=(failing(REQUESTER),))) == [call]


def test_a_true_claim_fails_only_if_its_operator_is_at_fault() -> None:
    true = seen_by(account=CHALLENGER, duties=(failing(),), agreed=frozenset({CLAIM_ID}))
    assert fails(true) == []
    assert fails(replace(true, duties=(failing(REQUESTER),))) == [FailClaim(claim_id=CLAIM_ID)]


def test_a_claim_whose_input_is_gone_is_noted_under_its_game_unless_it_is_true() -> None:
    noted = duty(DutyKind.DOOM, FailClaim(claim_id=CLAIM_ID), REQUESTER, CLAIM_ID)
    [send] = holding.fails(seen(duties=(noted,)), facts())
    assert send.call.call == FailClaim(claim_id=CLAIM_ID)
    assert send.intent != next(holding.fails(seen(duties=(failing(),)), facts())).intent, "it is sent twice"
    assert fails(seen_by(account=CHALLENGER, duties=(noted,), agreed=frozenset({CLAIM_ID}))) == []


def test_a_false_claim_is_left_to_its_game_as_long_as_there_can_be_one() -> None:
    false = {"hashes": {1_000: Bytes32(b"x" * 32)}}
    for beneficiary in (WORKER, REQUESTER):
        assert fails(seen(claimed_view(**false), duties=(failing(beneficiary),))) == []
    late = claimed_view(**false, task={"until": NOW - 1})
    assert fails(seen(late, duties=(failing(),))) == [FailClaim(claim_id=CLAIM_ID)]
