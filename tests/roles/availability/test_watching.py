"""A watcher's decisions, on hand-made and on random views."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from tests.roles.test_keeper import NOW, RECORD, RULES
from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.commitments.merkle import ZERO_NODES
from truestep.protocol.availability.challenges import challenge_bond_wei
from truestep.protocol.availability.contracts import bindings, keepers
from truestep.protocol.availability.contracts.bindings import (
    Demand,
    OpenDemand,
    Opening,
    Pick,
    StrikeFound,
)
from truestep.protocol.availability.contracts.challenges import Challenge, OpenChallenge, Settle
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Answered, Facts, KnownItem, KnownKeeper, KnownSeat, pair
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    ChallengePlace,
    ItemId,
    KeeperId,
    demand_of,
    unpack_challenge,
)
from truestep.roles.availability.sights import (
    Action,
    CheckRoots,
    ChildPick,
    FindMove,
    FoundLeaf,
    LookAt,
    Need,
    SeatSeen,
    SendData,
    Sight,
    Survey,
    SurveyItem,
    Suspicion,
    TellData,
    View,
    WatchPolicy,
)
from truestep.roles.availability.watching import (
    AT_ONCE,
    BACK_OFF_DOUBLINGS,
    BACK_OFF_SECONDS,
    CLOCK_SECONDS,
    END_SECONDS,
    SERVED_SECONDS,
    SPREAD_SECONDS,
    decide,
)

SELF, OTHER = Address("0x" + "5e" * 20), Address("0x" + "07" * 20)
ITEM, SEATS = ItemId(7), 4
SINCE = NOW - 40
POLICY = WatchPolicy(salt=b"s" * 32)
OLD = Suspicion(
    since=NOW - 3 * POLICY.again_seconds - SPREAD_SECONDS,
    looks=POLICY.patience_looks,
    last=SeatSeen(sight=Sight.SILENT, blob=3, why="it is silent"),
)


def account_of(number: int) -> Address:
    return Address(f"0x{number:040x}")


KEEPERS = {
    KeeperId(number): KnownKeeper(account=account_of(number), url=f"http://{number}", signer=OTHER)
    for number in range(1, SEATS + 1)
}


def item(number: int = ITEM, **changes: Any) -> KnownItem:
    """One with four acknowledged seats."""
    seats = {
        index: KnownSeat(keeper=KeeperId(index + 1), drawn_at=SINCE - 5, acknowledged_at=SINCE)
        for index in range(SEATS)
    }
    part = Part(root=Bytes32(b"r" * 32), depth=24, first_leaf=0, leaf_count=1)
    known = KnownItem(
        item_id=ItemId(number), record=RECORD, parts=(part,), url="", state=ItemState.KEPT, seats=seats
    )
    return replace(known, **changes)


def view(*items: KnownItem, **changes: Any) -> View:
    """What a watcher sees that has looked at everything."""
    known = items or (item(),)
    facts = Facts(
        items={each.item_id: each for each in known},
        keepers=KEEPERS,
        challenges=changes.pop("challenges", {}),
        demands=changes.pop("demands", {}),
        given=changes.pop("given", {}),
        answered=changes.pop("answered", {}),
    )
    seen = View(
        now=NOW,
        account=SELF,
        facts=facts,
        rules=RULES,
        wallet_wei=10**19,
        looked_at={each.item_id: NOW for each in known},
        served_at=NOW,
        checked={each.name: () for each in known},
    )
    return replace(seen, **changes)


def sends(actions: list[Action]) -> list[SendData]:
    return [each for each in actions if isinstance(each, SendData)]


def calls(actions: list[Action]) -> list[Any]:
    return [each.call.call for each in sends(actions)]


def kinds(actions: list[Action]) -> set[str]:
    return {each.kind for each in actions if isinstance(each, TellData)}


def challenge(keeper: int = 2, **changes: Any) -> Challenge:
    made = Challenge(
        challenger=SELF,
        keeper=account_of(keeper),
        hashes_root=RECORD.hashes_root,
        bond_wei=RULES.element_bond_wei,
        until=NOW + 100,
    )
    return replace(made, **changes)


def place(seat: int = 1, **changes: Any) -> ChallengeId:
    where = ChallengePlace(
        item_id=ITEM, acknowledged_at=SINCE, seat=seat, kind=ChallengeKind.ELEMENT, blob=0, element=9
    )
    return replace(where, **changes).pack()


# --- looks ----------------------------------------------------------------------------------------


def test_what_nobody_has_looked_at_for_longest_is_looked_at_first() -> None:
    first, second, third = item(1), item(2), item(3)
    seen = view(first, second, third, looked_at={ItemId(1): NOW - 4_000, ItemId(3): NOW - 3_599})
    assert [each for each in decide(seen, POLICY) if isinstance(each, LookAt)] == [
        LookAt(item=second),
        LookAt(item=first),
    ]
    suspected = replace(seen, suspicions={(ItemId(3), 0, SINCE): OLD})
    assert LookAt(item=third) in decide(suspected, POLICY)


def test_items_that_are_over_or_have_no_keeper_are_left_alone() -> None:
    ended = item(record=replace(RECORD, until=NOW + END_SECONDS - 1))
    unseated = item(8, seats={0: KnownSeat(keeper=KeeperId(1), drawn_at=NOW)})
    struck = item(9, state=ItemState.STRUCK)
    seen = view(ended, unseated, struck, looked_at={}, checked={}, suspicions={(ITEM, 1, SINCE): OLD})
    assert decide(seen, POLICY) == []
    idle = view(looked_at={}, checked={})
    assert decide(idle, replace(POLICY, watches_all=False)) == []


def test_what_is_in_calldata_is_not_watched() -> None:
    """The contract has compared it with its roots, and nobody can withhold it."""
    written = item(record=replace(RECORD, seat_count=0, blob_count=0), seats={})
    need = {ITEM: Need(limit=NOW + 9_000, is_missing=True)}
    assert decide(view(written, looked_at={}, checked={}), POLICY) == []
    assert decide(view(written, looked_at={}, checked={}, needs=need), POLICY) == []


def test_an_item_is_compared_with_its_roots_once_and_not_while_keepers_fail() -> None:
    seen = view(checked={})
    assert CheckRoots(item=item()) in decide(seen, POLICY)
    assert not decide(replace(seen, suspicions={(ITEM, 1, SINCE): replace(OLD, looks=1)}), POLICY)
    assert not decide(seen, replace(POLICY, check_blobs_limit=RECORD.blob_count - 1))


# --- accusations ----------------------------------------------------------------------------------


def test_a_keeper_that_stays_silent_is_challenged_where_it_failed() -> None:
    seen = view(suspicions={(ITEM, 1, SINCE): OLD})
    [send] = sends(decide(seen, POLICY))
    call = send.call.call
    assert isinstance(call, OpenChallenge)
    assert (call.item_id, call.seat, call.kind, call.blob) == (ITEM, 1, ChallengeKind.ELEMENT, 3)
    assert send.call.value_wei == RULES.element_bond_wei
    assert sends(decide(replace(seen, now=NOW + 7), POLICY)) == [send], "the element does not change"
    [other] = calls(decide(seen, replace(POLICY, salt=b"another")))
    assert other.element != call.element, "no keeper knows it before"
    assert not sends(decide(replace(seen, in_flight=frozenset({send.intent})), POLICY))


def test_patience_is_for_silence_and_not_for_lies() -> None:
    young = replace(OLD, looks=POLICY.patience_looks - 1)
    assert not sends(decide(view(suspicions={(ITEM, 1, SINCE): young}), POLICY))
    quick = replace(OLD, since=NOW - 1)
    assert not sends(decide(view(suspicions={(ITEM, 1, SINCE): quick}), POLICY))
    lie = Suspicion(since=NOW, looks=1, last=SeatSeen(sight=Sight.WRONG, blob=2, why="wrong"))
    [call] = calls(decide(view(suspicions={(ITEM, 1, SINCE): lie}, served_at=None), POLICY))
    assert call.blob == 2


def test_one_that_reaches_nobody_suspects_itself() -> None:
    for served_at in (None, NOW - SERVED_SECONDS - 1):
        actions = decide(view(suspicions={(ITEM, 1, SINCE): OLD}, served_at=served_at), POLICY)
        assert not sends(actions) and "no_keeper_reached" in kinds(actions)


def test_a_seat_that_another_one_has_taken_is_not_accused() -> None:
    assert not sends(decide(view(suspicions={(ITEM, 1, SINCE - 1): OLD}), POLICY))
    own = view(suspicions={(ITEM, 1, SINCE): OLD}, account=account_of(2))
    assert not sends(decide(own, POLICY))


def test_a_keeper_that_answers_is_left_alone_for_longer_and_longer() -> None:
    key = pair(SELF, account_of(2))
    for count in (1, 2, 3, BACK_OFF_DOUBLINGS + 5):
        wait = BACK_OFF_SECONDS << min(count - 1, BACK_OFF_DOUBLINGS)
        answered = {key: Answered(count=count, until=NOW - wait)}
        seen = view(suspicions={(ITEM, 1, SINCE): OLD}, answered=answered)
        assert not sends(decide(seen, POLICY))
        assert sends(decide(replace(seen, now=NOW + 1, served_at=NOW), POLICY))


def test_a_keeper_has_one_challenge_at_a_time_whatever_it_fails() -> None:
    suspicions = {(ItemId(number), 1, SINCE): OLD for number in (1, 2)}
    seen = view(item(1), item(2), suspicions=suspicions)
    [send] = sends(decide(seen, POLICY))
    flying = replace(seen, in_flight=frozenset({send.intent}))
    assert not sends(decide(flying, POLICY))
    opened = {place(item_id=ItemId(1)): challenge()}
    assert not sends(decide(view(item(1), item(2), suspicions=suspicions, challenges=opened), POLICY))


# --- money ----------------------------------------------------------------------------------------


def test_bonds_never_exceed_limit_and_wallet(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(300):
        items = [item(number) for number in range(1, rng.randint(2, 6))]
        suspicions = {
            (each.item_id, index, SINCE): OLD
            for each in items
            for index in range(SEATS)
            if rng.random() < 0.6
        }
        opened = {
            place(rng.randrange(SEATS), item_id=ItemId(rng.randint(1, 5)), element=number): challenge(
                keeper=9,
                challenger=rng.choice([SELF, OTHER]),
                bond_wei=RULES.element_bond_wei * rng.choice([1, 2, 64]),
            )
            for number in range(rng.randrange(20))
        }
        needs = {
            each.item_id: Need(limit=NOW + rng.randint(0, 20_000), is_missing=True)
            for each in items
            if rng.random() < 0.4
        }
        surveys = {
            each: Survey(at=NOW, missing=tuple(rng.sample(range(10), rng.randint(0, 10)))) for each in needs
        }
        policy = replace(
            POLICY,
            bonds_limit_wei=RULES.blob_bond_wei * rng.randint(0, 40),
            gas_reserve_wei=10**12 * rng.randint(0, 9),
        )
        seen = view(
            *items,
            suspicions=suspicions,
            challenges=opened,
            needs=needs,
            surveys=surveys,
            wallet_wei=RULES.blob_bond_wei * rng.randint(0, 40),
        )
        made = [each for each in sends(decide(seen, policy)) if isinstance(each.call.call, OpenChallenge)]
        spent_wei = sum(each.call.value_wei for each in made)
        own_wei = sum(each.bond_wei for each in opened.values() if each.challenger == SELF)
        assert not made or spent_wei + own_wei <= policy.bonds_limit_wei
        assert spent_wei <= max(seen.wallet_wei - policy.gas_reserve_wei, 0)
        assert len({each.intent for each in made}) == len(made)
        for each in made:
            opened_count = sum(unpack_challenge(other).item_id == each.call.call.item_id for other in opened)
            assert each.call.value_wei >= challenge_bond_wei(RULES, each.call.call.kind, opened_count)


def test_what_the_limit_does_not_allow_is_said() -> None:
    seen = view(suspicions={(ITEM, 1, SINCE): OLD})
    assert "bonds_at_limit" in kinds(decide(seen, replace(POLICY, bonds_limit_wei=1)))
    assert "wallet_short" in kinds(decide(replace(seen, wallet_wei=POLICY.gas_reserve_wei), POLICY))


def test_what_contracts_owe_is_withdrawn_one_at_a_time() -> None:
    owed = {"Keepers": POLICY.withdraw_above_wei + 1, "Bindings": POLICY.withdraw_above_wei}
    [send] = sends(decide(view(credits=owed), POLICY))
    assert send.call.call == keepers.WithdrawTo(receiver=SELF)
    assert not decide(view(credits=owed, in_flight=frozenset({send.intent})), POLICY)
    [call] = calls(decide(view(credits={"Bindings": 10**18}), POLICY))
    assert call == bindings.WithdrawTo(receiver=SELF)


# --- ends -----------------------------------------------------------------------------------------


def test_a_challenge_that_was_not_answered_is_settled() -> None:
    made = challenge(until=NOW - CLOCK_SECONDS - 1)
    [call] = calls(decide(view(challenges={place(): made}), POLICY))
    assert call == Settle(challenge_id=place(), challenge=made, record=RECORD)
    assert not decide(view(challenges={place(): challenge(until=NOW)}), POLICY)


def test_a_bond_comes_back_at_once_when_its_seat_is_gone_or_its_item_struck() -> None:
    without = {index: seat for index, seat in item().seats.items() if index != 1}
    for known in (item(seats=without), item(state=ItemState.STRUCK), item(state=ItemState.LOST)):
        [call] = calls(decide(view(known, challenges={place(): challenge()}), POLICY))
        assert isinstance(call, Settle)


def test_challenges_of_others_are_settled_when_they_hold_up_what_is_needed() -> None:
    theirs = {place(): challenge(challenger=OTHER, until=NOW - SPREAD_SECONDS - 1)}
    assert not decide(view(challenges=theirs), POLICY)
    needs = {ITEM: Need(limit=NOW + 10**6, is_missing=False)}
    [call] = calls(decide(view(challenges=theirs, needs=needs), POLICY))
    assert isinstance(call, Settle)


# --- blobs that a claim needs ---------------------------------------------------------------------


def needed(missing: tuple[int, ...], limit: int = NOW + 10**6, **changes: Any) -> View:
    known = changes.pop("known", item())
    return view(
        known,
        needs={ITEM: Need(limit=limit, is_missing=True)},
        surveys={ITEM: Survey(at=NOW, missing=missing)},
        **changes,
    )


def test_blobs_that_nobody_gives_are_asked_for_each_once() -> None:
    found = calls(decide(needed((2, 5)), POLICY))
    assert [(call.kind, call.blob, call.seat) for call in found] == [(2, 2, 0), (2, 5, 0)]
    asked = {place(kind=ChallengeKind.BLOB, blob=5, element=0): challenge()}
    assert [call.blob for call in calls(decide(needed((2, 5), challenges=asked), POLICY))] == [2]
    assert not calls(decide(needed((2,), known=item(published=(2,))), POLICY))
    many = calls(decide(needed(tuple(range(10))), POLICY))
    assert len(many) == AT_ONCE, "they are published one after the other"


def test_challenges_of_others_do_not_use_up_what_may_be_asked() -> None:
    """Else a liar could ask its own keepers for one blob again and again, and nobody else for the others."""
    others = {
        place(seat, kind=ChallengeKind.BLOB, blob=blob, element=0): challenge(seat + 1, challenger=OTHER)
        for seat in range(SEATS)
        for blob in (0, 1)
    }
    assert len(others) == AT_ONCE
    asked = calls(decide(needed(tuple(range(1, 5)), challenges=others), POLICY))
    assert [call.blob for call in asked] == [2, 3, 4], "blob 1 will be published, or a share is lost"
    own = {key: replace(each, challenger=SELF) for key, each in others.items()}
    assert not calls(decide(needed(tuple(range(1, 5)), challenges=own), POLICY))


def test_what_is_needed_is_compared_with_its_roots_once_all_of_it_is_there() -> None:
    """Silent keepers that answer on the chain must not hide that their blobs hold something else."""
    suspicions = {(ITEM, 1, SINCE): replace(OLD, looks=1)}
    there = needed((), checked={}, suspicions=suspicions)
    assert CheckRoots(item=item()) in decide(there, POLICY)
    assert CheckRoots(item=item()) not in decide(needed((1,), checked={}, suspicions=suspicions), POLICY)


def test_all_keepers_are_asked_at_once_when_there_is_no_time_for_one_after_the_other() -> None:
    a_round = RULES.answer_seconds + 2 * SPREAD_SECONDS
    for rounds, at_once in ((1, SEATS), (2, 2), (3, 2), (SEATS, 1)):
        found = calls(decide(needed((4,), limit=NOW + rounds * a_round), POLICY))
        assert [call.seat for call in found] == list(range(at_once))


def test_an_item_that_is_needed_and_missing_is_surveyed() -> None:
    unknown = view(needs={ITEM: Need(limit=NOW + 10**6, is_missing=True)})
    assert SurveyItem(item=item()) in decide(unknown, POLICY)
    assert SurveyItem(item=item()) in decide(needed((2,)), POLICY)
    assert not decide(needed(()), POLICY)
    there = view(needs={ITEM: Need(limit=NOW + 10**6, is_missing=False)})
    assert not decide(there, POLICY)


# --- bindings -------------------------------------------------------------------------------------

DEMAND_ID = demand_of(ITEM, 0, SELF)
DEMAND = Demand(
    challenger=SELF,
    record_hash=Bytes32(b"h" * 32),
    keeper=account_of(1),
    node=Bytes32(b"r" * 32),
    level=24,
    index=0,
    is_answered=False,
    answer_wei=1,
    left_wei=5,
    moved_at=NOW - 10,
)
NODES = tuple(ZERO_NODES[18] for _ in range(64))
OPENING = Opening(commitment=b"", path=(), first=0, first_proof=b"", second=0, second_proof=b"")


def test_the_tree_of_a_part_with_another_root_is_demanded_once() -> None:
    seen = view(checked={item().name: (0,)})
    [send] = sends(decide(seen, POLICY))
    assert isinstance(send.call.call, OpenDemand) and send.call.value_wei == RULES.tree_bond_wei
    assert not sends(decide(replace(seen, in_flight=frozenset({send.intent})), POLICY))
    assert not sends(decide(view(checked={item().name: (0,)}, demands={DEMAND_ID: DEMAND}), POLICY))


def test_a_demand_that_was_missed_is_made_again() -> None:
    [first] = sends(decide(view(checked={item().name: (0,)}), POLICY))
    seen = replace(view(checked={item().name: (0,)}), now=NOW + 86_400)
    [second] = [each for each in sends(decide(seen, POLICY)) if isinstance(each.call.call, OpenDemand)]
    assert first.intent != second.intent, "the journal takes the first one as done"
    on_its_way = replace(seen, in_flight=frozenset({first.intent}))
    assert not [each for each in sends(decide(on_its_way, POLICY)) if isinstance(each.call.call, OpenDemand)]


def test_a_demand_goes_on_as_soon_as_it_is_answered() -> None:
    given = replace(DEMAND, is_answered=True)
    seen = view(demands={DEMAND_ID: given}, given={DEMAND_ID: NODES})
    move = (DEMAND_ID, given.moved_at)
    assert FindMove(item=item(), move=move, level=24, index=0, nodes=NODES) in decide(seen, POLICY)
    pick = ChildPick(child=3, node=NODES[3], siblings=NODES[:6])
    [call] = calls(decide(replace(seen, moves={move: pick}), POLICY))
    assert isinstance(call, Pick) and call.child == 3
    leaf = FoundLeaf(part_index=0, child=3, leaf=NODES[3], siblings=NODES[:6], opening=OPENING)
    [call] = calls(decide(replace(seen, moves={move: leaf}), POLICY))
    assert isinstance(call, StrikeFound) and call.record == RECORD
    late = replace(given, moved_at=NOW - RULES.answer_seconds - 1)
    too_late = view(demands={DEMAND_ID: late}, given={DEMAND_ID: NODES})
    assert not decide(replace(too_late, moves={(DEMAND_ID, late.moved_at): pick}), POLICY)
    old = {(DEMAND_ID, given.moved_at - 1): pick}
    assert not calls(decide(replace(seen, moves=old), POLICY)), "of an earlier move"


def test_a_demand_ends_when_nobody_answers_or_the_item_is_no_more() -> None:
    late = replace(DEMAND, moved_at=NOW - RULES.answer_seconds - CLOCK_SECONDS - 1)
    [call] = calls(decide(view(demands={DEMAND_ID: late}), POLICY))
    assert isinstance(call, bindings.SettleDemand)
    in_time = replace(DEMAND, moved_at=NOW - RULES.answer_seconds)
    assert not decide(view(demands={DEMAND_ID: in_time}), POLICY)
    struck = item(state=ItemState.STRUCK)
    [call] = calls(decide(view(struck, demands={DEMAND_ID: DEMAND}), POLICY))
    assert isinstance(call, bindings.SettleDemand)
    of_another = {demand_of(ITEM, 0, OTHER): replace(late, challenger=OTHER)}
    assert not decide(view(demands=of_another), POLICY)


def test_an_item_without_seats_is_compared_and_its_registrant_asked() -> None:
    known = item(record=replace(RECORD, seat_count=0), seats={})
    assert CheckRoots(item=known) in decide(view(known, checked={}), POLICY)
    [call] = calls(decide(view(known, checked={known.name: (0,)}), POLICY))
    assert isinstance(call, OpenDemand) and call.seat == 0
