"""A keeper's decisions, on hand-made views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.bindings import Demand, Give, SettleDemand
from truestep.protocol.availability.contracts.challenges import AnswerElement, Challenge, Settle
from truestep.protocol.availability.contracts.items import (
    Acknowledge,
    Assign,
    CloseItem,
    Collect,
    ItemState,
    Record,
)
from truestep.protocol.availability.contracts.keepers import Enrol, Rules
from truestep.protocol.availability.facts import Facts, KnownItem, KnownKeeper, KnownSeat
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    ChallengePlace,
    ItemId,
    KeeperId,
    demand_of,
)
from truestep.roles.keeper import (
    ASSIGN_SPREAD_SECONDS,
    COLLECT_SECONDS,
    DAY_SECONDS,
    FORGET_SECONDS,
    Action,
    BlobAnswer,
    ElementAnswer,
    Forget,
    Keep,
    KeptFor,
    NodesAnswer,
    Prepare,
    PublishBlob,
    SendKept,
    Sign,
    Tell,
    View,
    decide,
)
from truestep.roles.keeper_policy import KeeperPolicy

SELF, OTHER = Address("0x" + "5e" * 20), Address("0x" + "07" * 20)
NOW = 1_000_000
ITEM = ItemId(7)
RULES = Rules(
    share_wei=10**18,
    registrant_bond_wei=10**17,
    element_bond_wei=10**12,
    blob_bond_wei=10**13,
    tree_bond_wei=10**13,
    gas_price_cap_wei=1,
    blob_gas_price_cap_wei=1,
    answer_seconds=600,
    acknowledge_seconds=600,
    winner_share_bps=5_000,
)
RECORD = Record(
    registrant=OTHER,
    parts_hash=Bytes32(b"p" * 32),
    hashes_root=Bytes32(b"h" * 32),
    blob_count=10,
    seat_count=4,
    since=NOW - 100,
    until=NOW + 100 * DAY_SECONDS,
    fee_wei=10**15,
    bond_wei=10**17,
)
SEAT = KnownSeat(keeper=KeeperId(1), drawn_at=NOW - 50)
MINE = replace(SEAT, acknowledged_at=NOW - 40)
BEST_YIELD_BPS = (
    RECORD.fee_wei * 10_000 * 365 * DAY_SECONDS // (RULES.share_wei * (RECORD.until - RECORD.since))
)
"""What the item pays for a share, a year."""
POLICY = KeeperPolicy(shares=2, url="https://keeper.example")


def item(seat: KnownSeat | None = MINE, **changes: Any) -> KnownItem:
    """One whose seat 1 this keeper has, its other seats others."""
    seats = {index: KnownSeat(keeper=KeeperId(9), drawn_at=NOW, acknowledged_at=NOW) for index in (0, 2, 3)}
    if seat is not None:
        seats[1] = seat
    part = Part(root=Bytes32(bytes(32)), depth=24, first_leaf=0, leaf_count=1)
    known = KnownItem(item_id=ITEM, record=RECORD, parts=(part,), url="", state=ItemState.KEPT, seats=seats)
    return replace(known, **changes)


RUN = (item().name, 32)


def view(known: KnownItem | None = None, *, is_kept: bool = True, **changes: Any) -> View:
    """What a keeper with two shares sees, with the item checked and stored."""
    known = known or item()
    itself = KnownKeeper(account=SELF, url=POLICY.url, signer=SELF)
    facts = Facts(
        items={known.item_id: known},
        keepers={KeeperId(1): itself},
        challenges=changes.pop("challenges", {}),
        demands=changes.pop("demands", {}),
    )
    reason = KeptFor(item_id=known.item_id, index=1, since=NOW - 45, until=known.record.until)
    seen = View(
        now=NOW,
        account=SELF,
        facts=facts,
        rules=RULES,
        shares=2,
        verified=frozenset({known.name}) if is_kept else frozenset(),
        refused={},
        whole=frozenset({RUN}) if is_kept else frozenset(),
        on_shelf={RUN: (reason,)} if is_kept else {},
        receipts={},
        answers={},
    )
    return replace(seen, **changes)


def sent(actions: list[Action]) -> list[object]:
    return [action.call for action in actions if isinstance(action, SendKept)]


def test_a_keeper_that_has_all_it_needs_rests() -> None:
    assert decide(view(), POLICY) == []


def test_a_keeper_takes_out_what_is_worth_the_gas_once_a_day() -> None:
    owed = {"Items": 10**16, "Challenges": 10**15, "Bindings": 10**15 + 1, "Keepers": 0}
    morning = NOW - NOW % 86_400

    def intents(now: int) -> set[str]:
        actions = decide(view(credits=owed, now=now), POLICY)
        return {each.intent for each in actions if isinstance(each, SendKept) and "withdraw" in each.intent}

    assert {intent.split("/")[1] for intent in intents(morning)} == {"Items", "Bindings"}
    assert intents(morning) == intents(morning + 86_399)
    assert not intents(morning) & intents(morning + 86_400)


def test_it_buys_the_shares_that_it_lacks_and_says_a_new_url() -> None:
    stranger = view(facts=Facts())
    [action] = decide(replace(stranger, shares=0), POLICY)
    assert isinstance(action, SendKept) and action.call == Enrol(shares=2, url=POLICY.url)
    assert decide(replace(stranger, shares=0), replace(POLICY, shares=0)) == []
    assert sent(decide(view(), replace(POLICY, shares=5))) == [Enrol(shares=3, url=POLICY.url)]
    assert sent(decide(view(), replace(POLICY, url="https://new"))) == [Enrol(shares=0, url="https://new")]


def test_a_seat_is_fetched_signed_and_acknowledged_in_this_order() -> None:
    drawn = item(SEAT)
    [keep] = decide(view(drawn, is_kept=False), POLICY)
    assert isinstance(keep, Keep) and (keep.place.index, keep.place.first_cell) == (1, 32)
    assert isinstance(decide(view(drawn, verified=frozenset()), POLICY)[0], Keep)
    assert isinstance(decide(view(drawn, whole=frozenset()), POLICY)[0], Keep)
    assert isinstance(decide(view(drawn), POLICY)[0], Sign)
    signed = view(drawn, receipts={(ITEM, 1, SEAT.drawn_at): b"signature"})
    call = Acknowledge(item_id=ITEM, record=RECORD, indices=(1,), signatures=(b"signature",))
    assert sent(decide(signed, POLICY)) == [call]


def test_what_is_wrong_late_or_unwanted_is_not_signed_and_said() -> None:
    drawn = item(SEAT)
    for seen, policy, why in (
        (view(drawn, refused={drawn.name: "another root"}), POLICY, "another root"),
        (view(drawn, now=SEAT.drawn_at + 601), POLICY, "was to be signed for within 10 min of the draw"),
        (view(drawn), replace(POLICY, blobs_limit=9), "more than the 9 of --max-blobs"),
        (view(drawn), replace(POLICY, least_fee_wei=10**15), "less than --min-fee"),
        (view(drawn), replace(POLICY, least_yield_bps=BEST_YIELD_BPS + 1), "and --min-yield for the share"),
    ):
        actions = [each for each in decide(seen, policy) if not isinstance(each, SendKept)]
        assert [type(each) for each in actions] == [Tell]
        assert isinstance(actions[0], Tell) and why in actions[0].message


def test_an_item_that_pays_just_enough_for_the_share_is_taken() -> None:
    assert isinstance(decide(view(item(SEAT)), replace(POLICY, least_yield_bps=BEST_YIELD_BPS))[0], Sign)


def test_what_a_disk_lost_is_fetched_again() -> None:
    [keep] = decide(view(whole=frozenset()), POLICY)
    assert isinstance(keep, Keep)


def challenged(kind: ChallengeKind, **changes: Any) -> tuple[ChallengeId, Challenge]:
    place = ChallengePlace(
        item_id=ITEM, acknowledged_at=MINE.acknowledged_at, seat=1, kind=kind, blob=3, element=5
    )
    challenge = Challenge(
        challenger=OTHER, keeper=SELF, hashes_root=RECORD.hashes_root, bond_wei=1, until=NOW + 100
    )
    return replace(place, **changes).pack(), challenge


def test_challenges_are_answered_once_the_answer_is_there() -> None:
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT)
    open_now = {challenge_id: challenge}
    tell, prepare = decide(view(challenges=open_now), POLICY)
    assert isinstance(tell, Tell) and "element 5 of blob 3" in tell.message
    assert isinstance(prepare, Prepare) and prepare.question == ("challenge", challenge_id, 0)
    answer = ElementAnswer(y=1, commitment=b"c", proof=b"p", path=())
    calls = sent(decide(view(challenges=open_now, answers={("challenge", challenge_id, 0): answer}), POLICY))
    assert isinstance(calls[0], AnswerElement) and calls[0].challenge == challenge
    challenge_id, challenge = challenged(ChallengeKind.BLOB)
    blob = BlobAnswer(blob=b"b", commitment=b"c", cell_proofs=(), path=())
    answers = {("challenge", challenge_id, 0): blob}
    calls = sent(decide(view(challenges={challenge_id: challenge}, answers=answers), POLICY))
    assert isinstance(calls[0], PublishBlob) and calls[0].call.challenge_ids == (challenge_id,)


@pytest.mark.parametrize("changes", [{"seat": 0}, {"item_id": ItemId(8)}, {"acknowledged_at": NOW - 41}])
def test_challenges_of_others_and_of_former_seats_are_not_its_own(changes: dict[str, Any]) -> None:
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT, **changes)
    assert decide(view(challenges={challenge_id: challenge}), POLICY) == []


def test_a_missed_challenge_is_said() -> None:
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT)
    [tell] = decide(view(challenges={challenge_id: challenge}, now=NOW + 101), POLICY)
    assert isinstance(tell, Tell) and tell.kind == "challenge_missed"


def test_demands_are_answered_by_whoever_is_named_and_later_by_anybody() -> None:
    demand_id = demand_of(ITEM, 0, OTHER)
    demand = demanded()
    [prepare] = decide(view(demands={demand_id: demand}), POLICY)
    assert isinstance(prepare, Prepare) and prepare.asked == demand
    answers = {("demand", demand_id, demand.moved_at): NodesAnswer(nodes=(Bytes32(bytes(32)),))}
    calls = sent(decide(view(demands={demand_id: demand}, answers=answers), POLICY))
    assert [type(call) for call in calls] == [Give]
    assert decide(view(demands={demand_id: replace(demand, is_answered=True)}), POLICY) == []
    others = {demand_id: replace(demand, keeper=OTHER)}
    assert decide(view(demands=others), POLICY) == []
    assert isinstance(decide(view(demands=others, now=NOW + 300), POLICY)[0], Prepare)
    assert decide(view(item(SEAT, state=ItemState.STRUCK), demands=others, now=NOW + 300), POLICY) == []


def demanded(**changes: Any) -> Demand:
    demand = Demand(
        challenger=OTHER,
        record_hash=Bytes32(bytes(32)),
        keeper=SELF,
        node=Bytes32(bytes(32)),
        level=24,
        index=0,
        is_answered=False,
        answer_wei=1,
        left_wei=5,
        moved_at=NOW - 10,
    )
    return replace(demand, **changes)


def intents(seen: View) -> set[str]:
    return {each.intent for each in decide(seen, POLICY) if isinstance(each, SendKept)}


def test_what_is_asked_once_more_is_answered_once_more() -> None:
    """A challenge or demand may get the id of one that is over: another intent, or nothing would be sent."""
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT)
    answers: dict[Any, Any] = {
        ("challenge", challenge_id, 0): ElementAnswer(y=1, commitment=b"c", proof=b"p", path=())
    }
    first, second = (
        intents(view(challenges={challenge_id: replace(challenge, until=NOW + seconds)}, answers=answers))
        for seconds in (100, 200)
    )
    assert len(first) == len(second) == 1 and not first & second
    demand_id = demand_of(ITEM, 0, OTHER)
    answer = NodesAnswer(nodes=(Bytes32(bytes(32)),))
    first, second = (
        intents(
            view(
                demands={demand_id: demanded(moved_at=moved_at)},
                answers={("demand", demand_id, moved_at): answer},
            )
        )
        for moved_at in (NOW - 20, NOW - 10)
    )
    assert len(first) == len(second) == 1 and not first & second


def test_vacant_seats_are_drawn_by_somebody_some_time_later() -> None:
    vacant = item(None)
    moments = [NOW + seconds for seconds in range(NOW - RECORD.since + ASSIGN_SPREAD_SECONDS + 2)]
    calls = [sent(decide(view(vacant, is_kept=False, now=now), POLICY)) for now in moments]
    assert calls[0] == [] and calls[-1] == [Assign(item_id=ITEM, record=RECORD)]
    late = item(replace(SEAT, drawn_at=NOW - 700))
    later = view(late, is_kept=False, now=moments[-1])
    assert Assign(item_id=ITEM, record=RECORD) in sent(decide(later, POLICY))


def test_what_nobody_takes_does_not_cost_keepers_a_draw_each_time() -> None:
    """A registration whose bond comes back could else make keepers pay for draws for 500 days."""
    nobodys = item(None, seats={}, state=ItemState.REGISTERED)
    now, draws = RECORD.since, list[int]()
    while now < RECORD.until:
        if sent(decide(view(nobodys, is_kept=False, now=now), POLICY)):
            draws.append(now)
            seats = {index: KnownSeat(keeper=KeeperId(9), drawn_at=now) for index in range(4)}
            nobodys = replace(nobodys, seats=seats)
        now += 601
    assert 4 < len(draws) < 20, "in 100 days"
    lost = item(None, was_kept=True)
    seats = {**lost.seats, 1: KnownSeat(keeper=KeeperId(9), drawn_at=NOW + 9 * DAY_SECONDS)}
    again = view(replace(lost, seats=seats), is_kept=False, now=NOW + 10 * DAY_SECONDS + 200)
    assert Assign(item_id=ITEM, record=RECORD) in sent(decide(again, POLICY)), "what was kept needs a keeper"


def test_nobody_pays_for_draws_of_what_it_would_not_take() -> None:
    late = view(item(None), is_kept=False, now=NOW + 2 * ASSIGN_SPREAD_SECONDS)
    assert sent(decide(late, POLICY)) == [Assign(item_id=ITEM, record=RECORD)]
    assert sent(decide(late, replace(POLICY, least_fee_wei=10**15))) == []
    assert sent(decide(late, replace(POLICY, blobs_limit=9))) == []
    assert sent(decide(replace(late, refused={item().name: "another root"}), POLICY)) == []


def test_fees_are_collected_now_and_then_and_items_closed_at_their_end() -> None:
    later = view(now=MINE.acknowledged_at + COLLECT_SECONDS)
    assert sent(decide(later, POLICY)) == [Collect(item_id=ITEM, record=RECORD, index=1)]
    over = view(now=RECORD.until + 1)
    assert sent(decide(over, POLICY)) == [CloseItem(item_id=ITEM, record=RECORD)]
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT)
    contested = view(
        now=RECORD.until + 1, challenges={challenge_id: replace(challenge, until=RECORD.until + 9)}
    )
    assert sent(decide(contested, POLICY)) == []


def forgets(seen: View) -> bool:
    return any(isinstance(each, Forget) for each in decide(seen, POLICY))


def test_what_others_have_left_open_is_ended_or_shares_would_stay_locked() -> None:
    """Whoever opens a demand, is answered and goes away could else hold an item open for ever."""
    demand_id = demand_of(ITEM, 0, OTHER)
    left = demanded(is_answered=True, moved_at=NOW)
    over = NOW + RULES.answer_seconds + 1
    settle = SettleDemand(demand_id=demand_id, demand=left, record=RECORD)
    assert decide(view(demands={demand_id: left}, now=over - 1), POLICY) == []
    assert sent(decide(view(demands={demand_id: left}, now=over), POLICY)) == [settle], "it is paid for that"
    strangers = {demand_id: replace(left, keeper=OTHER)}
    assert decide(view(demands=strangers, now=over), POLICY) == []
    later = RECORD.until + 2 * ASSIGN_SPREAD_SECONDS
    assert [type(each) for each in sent(decide(view(demands=strangers, now=later), POLICY))] == [SettleDemand]
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT, seat=0)
    missed = {challenge_id: replace(challenge, keeper=OTHER)}
    calls = sent(decide(view(challenges=missed, now=later), POLICY))
    assert calls == [Settle(challenge_id=challenge_id, challenge=missed[challenge_id], record=RECORD)]
    assert sent(decide(view(challenges={challenge_id: challenge}, now=later), POLICY)) == []


def test_cells_are_dropped_only_when_nobody_can_ask_for_them() -> None:
    much_later = NOW + FORGET_SECONDS + 1
    silent = view(facts=replace(view().facts, items={}), now=much_later)
    assert not forgets(silent), "a node that tells nothing must not make a keeper drop what it answers for"
    assert forgets(replace(silent, now=RECORD.until + FORGET_SECONDS + 1))
    assert not forgets(view(now=RECORD.until + 1))
    end = RECORD.until + FORGET_SECONDS + 1
    assert forgets(view(now=end))
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT)
    asked = replace(challenge, until=end + 9)
    assert not forgets(view(now=end, challenges={challenge_id: asked})), "asked in the item's last second"
    descent = demanded(is_answered=True, moved_at=end - 9)
    assert not forgets(view(now=end, demands={demand_of(ITEM, 0, OTHER): descent})), "it may go on"
    assert forgets(view(item(state=ItemState.STRUCK), now=much_later))
    assert forgets(view(item(None), now=much_later)), "another has the seat"
    assert not forgets(view(item(None), now=NOW + 1)), "a reorganisation may bring it back"
    assert not forgets(view(now=much_later))
    reasons = (*view().on_shelf[RUN], KeptFor(item_id=ItemId(8), index=1, since=NOW, until=NOW + 10**9))
    struck = view(item(state=ItemState.STRUCK), now=much_later, on_shelf={RUN: reasons})
    assert not forgets(struck), "another item has the same content"


def test_cells_that_another_item_needs_too_are_noted_for_it() -> None:
    """Another item has the same content: when the first is over, its cells must not be dropped."""
    again = item(SEAT, item_id=ItemId(8), record=replace(RECORD, until=RECORD.until + 90 * DAY_SECONDS))
    first = view().on_shelf[RUN]
    seen = replace(view(again), on_shelf={RUN: first})
    assert [type(each) for each in decide(seen, POLICY)][:1] == [Keep], "it is not signed for before"
    noted = (*first, KeptFor(item_id=ItemId(8), index=1, since=NOW, until=again.record.until))
    assert [type(each) for each in decide(replace(seen, on_shelf={RUN: noted}), POLICY)][:1] == [Sign]
    # a keeper of an earlier release may have signed for it without a note
    end = RECORD.until + FORGET_SECONDS + 1
    signed = replace(again, seats={**again.seats, 1: MINE})
    late = replace(view(signed), now=end, on_shelf={RUN: first})
    assert not forgets(late) and any(isinstance(each, Keep) for each in decide(late, POLICY))
    drawn = replace(again, seats={**again.seats, 1: replace(SEAT, drawn_at=end - 1)})
    assert not forgets(replace(view(drawn), now=end, on_shelf={RUN: first})), "it is about to be signed for"
    missed = replace(view(again), now=end, on_shelf={RUN: first})
    assert forgets(missed), "nobody waits for its signature any more"
