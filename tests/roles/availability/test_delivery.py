"""What a worker decides about its outputs: it never pays twice, and misses no clock."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.protocol.availability.kept_echoes import KEEPING, KeptEcho
from tests.protocol.settlement.world import DEPLOYMENT, OPERATORS, PARAMETERS
from truestep.availability.parts import Part, parts_hash
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.availability.contracts.bindings import Demand, Give
from truestep.protocol.availability.contracts.items import (
    Assign,
    CloseItem,
    ItemState,
    Record,
    Register,
    RegisterCalldata,
)
from truestep.protocol.availability.facts import Facts as DataFacts
from truestep.protocol.availability.facts import KnownItem, KnownKeeper, KnownSeat
from truestep.protocol.availability.ids import ItemId, KeeperId, demand_of
from truestep.protocol.availability.kept_state import NOTHING_KEPT, Kept, KeptBatch
from truestep.protocol.availability.rules import rent_wei
from truestep.protocol.calls import DeliverOutputs
from truestep.protocol.events import LogPosition
from truestep.protocol.settlement.facts.judging import with_policies
from truestep.protocol.settlement.facts.leaves import words_of
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.ids import NATIVE, Item
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms, Leaf
from truestep.roles.actions import Alert, Send
from truestep.roles.availability.delivery import (
    LATE_SECONDS,
    DeliveryAction,
    DeliveryPolicy,
    DeliveryView,
    FindNodes,
    Publish,
    Published,
    decide,
)

NOW, WINDOW_SECONDS, DAY_SECONDS = 1_700_000_000, 30_000, 86_400
WORKER, STRANGER = OPERATORS[0], OPERATORS[1]
RULES = KEEPING.rules
ACKNOWLEDGE = RULES.acknowledge_seconds
BATCH, ITEM = BatchId(1), ItemId(7)
ROOTS = [Bytes32(bytes([number]) * 32) for number in (1, 2)]
ZERO = Bytes32(bytes(32))
POLICY = DeliveryPolicy(url="https://store.example")
PUBLISHED = Published(
    parts=tuple(Part(root=root, depth=24, first_leaf=0, leaf_count=4) for root in ROOTS),
    nodes=(Bytes32(b"\1" * 32),),
    blob_count=1,
)
WEALTH_WEI = 10**20


def leaf(root: Bytes32, size_bytes: int) -> Leaf:
    """Of a run that was accepted."""
    return Leaf(head=1 << 192 | 5 << 64 | size_bytes, output_root=root, left_root=ZERO)


def claimed(leaves: list[Leaf], *, until: int = NOW + WINDOW_SECONDS, struck: int = 0) -> KnownBatch:
    """A batch of the worker."""
    terms = BatchTerms(
        tasks_root=ZERO,
        claims_root=ZERO,
        reward=1,
        bond_wei=1,
        asset=NATIVE,
        window_seconds=WINDOW_SECONDS,
        lease_seconds=9,
    )
    batch = Batch(
        stage=BatchStage.CLAIMED,
        leaf_count=len(leaves),
        until=until,
        operator=WORKER,
        parameters_id=1,
        policy=KEEPING.policy,
        terms=terms,
        items=(),
        struck=struck,
    )
    at = LogPosition(block_number=1, log_index=0, transaction_hash=ZERO)
    return KnownBatch(batch=batch, at=at, leaves=b"".join(words_of(leaves)))


LEAVES = [leaf(ROOTS[0], 100), leaf(ROOTS[1], 120), leaf(ROOTS[0], 90)]


def item(
    state: ItemState = ItemState.KEPT, *, since: int = NOW - 10, of: str = WORKER, **fields: object
) -> KnownItem:
    """An item with these outputs."""
    record = Record(
        registrant=Address(of),
        parts_hash=parts_hash(PUBLISHED.parts),
        hashes_root=ZERO,
        blob_count=1,
        seat_count=4,
        since=since,
        until=NOW + WINDOW_SECONDS + 61 * DAY_SECONDS,
        fee_wei=0,
        bond_wei=RULES.registrant_bond_wei,
    )
    known = KnownItem(
        item_id=ITEM,
        record=record,
        parts=PUBLISHED.parts,
        url="",
        state=state,
        was_kept=state is not ItemState.REGISTERED,
        changed_at=since,
    )
    return replace(known, **fields)


def view(
    *items: KnownItem,
    batch: KnownBatch | None = None,
    kept: KeptBatch | None = None,
    keepers: int = 5,
    demand: Demand | None = None,
    **fields: object,
) -> DeliveryView:
    """What the worker sees."""
    known = {
        KeeperId(number): KnownKeeper(account=STRANGER, url="https://k", signer=STRANGER)
        for number in range(1, keepers + 1)
    }
    demands = {demand_of(ITEM, 0, STRANGER): demand} if demand is not None else {}
    facts = Facts(
        deployment=with_policies(DEPLOYMENT, KEEPING, None),
        keeping=KEEPING,
        parameters=(PARAMETERS,),
        batches={BATCH: batch or claimed(LEAVES)},
        data=DataFacts(
            items={each.item_id: each for each in items},
            keepers=known,
            demands=demands,
            contests={ITEM: 1} if demand is not None else {},
        ),
        kept=Kept(batches={BATCH: kept} if kept is not None else {}),
    )
    seen = DeliveryView(now=NOW, account=WORKER, operator=WORKER, facts=facts, wallet_wei=WEALTH_WEI)
    return replace(seen, **fields)


def calls(actions: list[DeliveryAction]) -> list[object]:
    """What is sent."""
    return [action.call for action in actions if isinstance(action, Send)]


# --- from the claim to the delivery ---------------------------------------------------------------


def test_outputs_are_published_once_each_with_their_largest_size() -> None:
    (action,) = decide(view(), POLICY)
    outputs = ((ROOTS[0], 100), (ROOTS[1], 120))
    assert action == Publish(batch_id=BATCH, outputs=outputs, may_be_written=True)


def test_a_batch_without_outputs_is_delivered_with_nothing() -> None:
    batch = claimed([leaf(ROOTS[0], 0)])
    assert calls(decide(view(batch=batch), POLICY)) == [DeliverOutputs(batch_id=BATCH, item_id=None)]
    assert not decide(view(batch=batch, kept=KeptBatch(item_id=NOTHING_KEPT)), POLICY)


def test_what_is_published_is_registered_for_the_window_and_sixty_days() -> None:
    (call,) = calls(decide(view(published={BATCH: PUBLISHED}), replace(POLICY, fee_wei=10**9)))
    assert isinstance(call, Register)
    assert call.until >= NOW + WINDOW_SECONDS + 60 * DAY_SECONDS + 2 * ACKNOWLEDGE
    assert (call.seat_count, call.url, call.parts) == (4, POLICY.url, PUBLISHED.parts)
    beside_rent_wei = call.fee_wei - rent_wei(RULES, call.until - NOW)
    assert 62 * 10**9 < beside_rent_wei < 64 * 10**9


def test_few_bytes_are_written_without_keepers() -> None:
    small = replace(PUBLISHED, nodes=(), blob_count=0, payload=bytes(256))
    (call,) = calls(decide(view(published={BATCH: small}, keepers=0, wallet_wei=0), POLICY))
    assert call == RegisterCalldata(parts=small.parts, payload=small.payload)


@pytest.mark.parametrize(
    ("keepers", "wallet_wei", "kind"),
    [(1, WEALTH_WEI, "keepers_too_few"), (5, 10**12, "item_unaffordable")],
)
def test_what_cannot_be_registered_is_said(keepers: int, wallet_wei: int, kind: str) -> None:
    seen = view(published={BATCH: PUBLISHED}, keepers=keepers, wallet_wei=wallet_wei)
    actions = decide(seen, replace(POLICY, writes_small=False))
    assert [each.kind for each in actions if isinstance(each, Alert)] == [kind]
    assert not calls(actions)


def test_where_keepers_are_gone_small_outputs_are_written_and_large_ones_are_lost() -> None:
    (action,) = decide(view(published={BATCH: PUBLISHED}, keepers=1), POLICY)
    assert isinstance(action, Publish) and action.may_be_written and not action.has_keepers
    large = claimed([leaf(ROOTS[0], 24_577), leaf(ROOTS[1], 1)])
    (alert,) = decide(view(published={BATCH: PUBLISHED}, keepers=1, batch=large), POLICY)
    assert isinstance(alert, Alert) and alert.kind == "keepers_too_few"


def test_a_kept_item_is_delivered_and_that_is_all() -> None:
    assert calls(decide(view(item()), POLICY)) == [DeliverOutputs(batch_id=BATCH, item_id=ITEM)]
    assert not calls(decide(view(item(), kept=KeptBatch(item_id=ITEM)), POLICY))


def test_items_of_others_are_not_named() -> None:
    assert not calls(decide(view(item(of=STRANGER)), POLICY))


def test_an_item_that_ends_too_early_is_not_named() -> None:
    short = item()
    early = replace(short, record=replace(short.record, until=NOW + WINDOW_SECONDS + 59 * DAY_SECONDS))
    assert not calls(decide(view(early), POLICY))


def test_an_item_is_waited_for_and_named_before_it_is_too_late() -> None:
    waiting = item(
        ItemState.REGISTERED, seats={n: KnownSeat(keeper=KeeperId(n + 1), drawn_at=NOW) for n in range(4)}
    )
    assert not calls(decide(view(waiting), POLICY))
    end = NOW + WINDOW_SECONDS + ACKNOWLEDGE
    late = replace(waiting, record=replace(waiting.record, since=end - ACKNOWLEDGE))
    late = replace(late, seats={n: replace(seat, drawn_at=end) for n, seat in waiting.seats.items()})
    assert not calls(decide(view(late, now=end - LATE_SECONDS - 1), POLICY))
    assert calls(decide(view(late, now=end - LATE_SECONDS), POLICY)) == [
        DeliverOutputs(batch_id=BATCH, item_id=ITEM)
    ]


@pytest.mark.parametrize("state", [ItemState.LOST, ItemState.STRUCK, ItemState.CLOSED])
def test_another_item_is_registered_when_the_delivered_one_is_gone(state: ItemState) -> None:
    gone = item(state, needed_by=1)
    actions = decide(view(gone, kept=KeptBatch(item_id=ITEM), published={BATCH: PUBLISHED}), POLICY)
    registers = [each for each in actions if isinstance(each, Send) and isinstance(each.call, Register)]
    before = decide(view(published={BATCH: PUBLISHED}), POLICY)
    assert len(registers) == 1
    assert registers[0].intent not in [each.intent for each in before if isinstance(each, Send)]


def test_one_registration_is_on_its_way_at_a_time() -> None:
    seen = view(published={BATCH: PUBLISHED}, in_flight=frozenset({f"register/{BATCH}/5/0"}))
    assert not decide(seen, POLICY)
    other = view(published={BATCH: PUBLISHED}, in_flight=frozenset({"register/11/5/0"}))
    assert len(calls(decide(other, POLICY))) == 1


def test_what_was_published_for_another_batch_is_not_registered() -> None:
    """After a reorganisation the number of a batch may be another's."""
    other = replace(PUBLISHED, parts=PUBLISHED.parts[:1])
    (action,) = decide(view(published={BATCH: other}), POLICY)
    assert isinstance(action, Publish)


def test_batches_of_others_and_those_that_are_struck_need_nothing() -> None:
    assert not decide(view(operator=STRANGER), POLICY)
    assert not decide(view(batch=claimed(LEAVES, struck=7)), POLICY)


def test_a_struck_leaf_needs_no_output() -> None:
    (action,) = decide(view(batch=claimed(LEAVES, struck=2)), POLICY)
    assert isinstance(action, Publish) and [root for root, _ in action.outputs] == ROOTS[:1]


# --- keepers, ends, doubts ------------------------------------------------------------------------


def test_keepers_are_drawn_for_vacant_seats() -> None:
    new = item(ItemState.REGISTERED)
    (call,) = calls(decide(view(new), POLICY))
    assert call == Assign(item_id=ITEM, record=new.record)
    assert not calls(decide(view(new, now=new.record.since), POLICY))  # not in the block of the registration
    missed = replace(new, seats={n: KnownSeat(keeper=KeeperId(n + 1), drawn_at=NOW - 5) for n in range(4)})
    assert not calls(decide(view(missed), POLICY))


def test_what_nobody_takes_is_closed() -> None:
    old = item(ItemState.REGISTERED, since=NOW - 2 * ACKNOWLEDGE - 1)
    actions = decide(view(old, published={BATCH: PUBLISHED}), POLICY)
    assert [type(call) for call in calls(actions)] == [Register, CloseItem]


def test_what_is_over_is_closed_unless_somebody_doubts_it() -> None:
    kept_one = item()
    over = replace(kept_one, record=replace(kept_one.record, until=NOW - 1))
    kept = KeptBatch(item_id=ITEM)
    (call,) = calls(decide(view(over, kept=kept), POLICY))
    assert call == CloseItem(item_id=ITEM, record=over.record)
    doubt = demand(is_answered=True)
    assert not calls(decide(view(over, kept=kept, demand=doubt), POLICY))


def demand(*, keeper: Address = STRANGER, is_answered: bool = False) -> Demand:
    """For the tree of the first part."""
    return Demand(
        challenger=STRANGER,
        record_hash=ZERO,
        keeper=keeper,
        node=ROOTS[0],
        level=24,
        index=0,
        is_answered=is_answered,
        answer_wei=1,
        left_wei=5,
        moved_at=NOW,
    )


NODES = {(demand_of(ITEM, 0, STRANGER), NOW): tuple(ROOTS)}


def test_nodes_are_found_at_once_and_given_in_the_second_half_of_the_time() -> None:
    """Which is paid; before that, a keeper's answer is paid to it."""
    doubted = view(item(), kept=KeptBatch(item_id=ITEM), demand=demand())
    (action,) = decide(doubted, POLICY)
    assert isinstance(action, FindNodes)
    half = RULES.answer_seconds // 2
    assert not decide(replace(doubted, nodes=NODES, now=NOW + half), POLICY)
    (call,) = calls(decide(replace(doubted, nodes=NODES, now=NOW + half + 1), POLICY))
    assert isinstance(call, Give) and call.nodes == tuple(ROOTS)


@pytest.mark.parametrize(("state", "keeper"), [(ItemState.REGISTERED, STRANGER), (ItemState.KEPT, WORKER)])
def test_nodes_are_given_at_once_if_no_keeper_does(state: ItemState, keeper: Address) -> None:
    seats = {n: KnownSeat(keeper=KeeperId(n + 1), drawn_at=NOW) for n in range(4)}
    doubted = view(item(state, seats=seats), demand=demand(keeper=keeper), nodes=NODES)
    assert [type(call) for call in calls(decide(doubted, POLICY))][:1] == [Give]


def test_demands_for_items_of_others_are_not_answered() -> None:
    assert not decide(view(item(of=STRANGER), demand=demand(), kept=KeptBatch(item_id=ITEM)), POLICY)[1:]


@pytest.mark.parametrize("root", ["image_root", "input_root"])
def test_demands_for_data_of_ones_own_claims_are_answered(root: str) -> None:
    """A requester could else let its own input be struck, and have the outputs for its bond (A5.6)."""
    echo = KeptEcho(3)
    for _ in range(400):
        echo.play()
    jobs = dict(echo.facts.jobs)
    job_id, known = next(iter(jobs.items()))
    packed = Item(job_id=job_id, first_shard=0, count=3, offset=0).pack()
    batch = claimed(LEAVES)
    batch = replace(batch, batch=replace(batch.batch, items=(packed,)))
    part = Part(root=getattr(known.job.work, root), depth=24, first_leaf=0, leaf_count=4)
    asked = item(of=STRANGER, parts=(part,))
    seen = view(asked, batch=batch, demand=replace(demand(), node=part.root), kept=KeptBatch(item_id=ITEM))
    seen = replace(seen, facts=replace(seen.facts, jobs=jobs))
    found = [action for action in decide(seen, POLICY) if isinstance(action, FindNodes)]
    assert [each.source.root for each in found if each.source] == [part.root]
    late = replace(seen, nodes=NODES, now=NOW + RULES.answer_seconds // 2 + 1)
    assert any(isinstance(call, Give) for call in calls(decide(late, POLICY)))
    other = replace(seen, operator=STRANGER)
    assert not [action for action in decide(other, POLICY) if isinstance(action, FindNodes)]


# --- whatever comes -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_it_registers_only_what_is_not_there_and_names_only_what_is(seed: int) -> None:
    rng = Random(seed)
    for _ in range(200):
        states = rng.choices([None, *list(ItemState)[1:]], k=2)
        items = [
            item(
                state,
                since=NOW - rng.choice((1, ACKNOWLEDGE, 3 * ACKNOWLEDGE)),
                of=rng.choice((WORKER, WORKER, STRANGER)),
                item_id=ItemId(ITEM + place),
            )
            for place, state in enumerate(states)
            if state is not None
        ]
        named = rng.choice((0, ITEM, ITEM + 1))
        kept = KeptBatch(item_id=ItemId(named), held_until=rng.choice((0, NOW + 9 * WINDOW_SECONDS)))
        now = NOW + rng.choice((0, WINDOW_SECONDS, WINDOW_SECONDS + ACKNOWLEDGE, 70 * DAY_SECONDS))
        actions = decide(view(*items, kept=kept, now=now, published={BATCH: PUBLISHED}), POLICY)
        sent = calls(actions)
        good = [each for each in items if each.state is ItemState.KEPT and each.record.registrant == WORKER]
        assert sum(isinstance(call, Register) for call in sent) <= 1
        if any(isinstance(call, Register) for call in sent):
            assert not good
        for call in sent:
            if isinstance(call, DeliverOutputs):
                (found,) = [each for each in items if each.item_id == call.item_id]
                assert found.is_open and found.record.registrant == WORKER
                assert named == 0 or all(
                    each.state is not ItemState.KEPT for each in items if each.item_id == named
                )
            if isinstance(call, CloseItem):
                (found,) = [each for each in items if each.item_id == call.item_id]
                assert found.record.registrant == WORKER and found.state is not ItemState.STRUCK
        intents = [action.intent for action in actions if isinstance(action, Send)]
        assert len(intents) == len(set(intents))
