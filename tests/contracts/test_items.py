"""Items: registration, draws, receipts, fees and ends."""

from __future__ import annotations

from dataclasses import astuple
from random import Random

import pytest

from tests.contracts.evm import rejects
from tests.contracts.shelves import CHALLENGER, DAY_SECONDS, FEE_WEI, REGISTRANT, Shelf, changed
from tests.protocol.availability.contents import hiding_content, junk_content, true_content
from tests.protocol.availability.world import KEEPERS, REGISTRANTS, RULES
from truestep.availability.parts import BLOB_UNITS, UNIT_LEAVES, Part, parts_hash
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import items
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.layout import item_digest, join, named_nodes, node_level, receipt_hash
from truestep.protocol.settlement.encoding import hash_struct

STRANGER = Address("0x" + "77" * 20)
BOND_WEI = RULES.registrant_bond_wei
WHOLE_BLOB = BLOB_UNITS * UNIT_LEAVES


@pytest.fixture
def shelf() -> Shelf:
    """A fresh chain with four keepers."""
    return Shelf()


# --- registration ---------------------------------------------------------------------------------


def test_bounds_of_a_registration(shelf: Shelf) -> None:
    call = shelf.registration(true_content())
    value_wei = BOND_WEI + 3 * FEE_WEI
    refused = [
        (Reject.DATA_SEATS, changed(call, seat_count=1)),
        (Reject.DATA_SEATS, changed(call, seat_count=17)),
        (Reject.KEEPERS_TOO_FEW, changed(call, seat_count=5)),
        (Reject.DATA_END, changed(call, until=shelf.now + RULES.acknowledge_seconds)),
        (Reject.DATA_END, changed(call, until=shelf.now + 500 * DAY_SECONDS + 1)),
        (Reject.DATA_END, changed(call, until=2**256 - 1)),
        (Reject.DATA_FEE, changed(call, fee_wei=2**80)),
        (Reject.WRONG_VALUE, changed(call, fee_wei=FEE_WEI + 1)),
        (Reject.DATA_HASHES, changed(call, nodes=())),
        (Reject.DATA_HASHES, changed(call, nodes=call.nodes * 2)),
        (Reject.DATA_SIZE, changed(call, parts=())),
    ]
    for reason, wrong in refused:
        shelf.refused(reason, REGISTRANT, wrong, value_wei)
    for wrong_wei in (0, value_wei - 1, value_wei + 1):
        shelf.refused(Reject.WRONG_VALUE, REGISTRANT, call, wrong_wei)
    shelf.send(REGISTRANT, changed(call, until=shelf.now + 500 * DAY_SECONDS), value_wei)


@pytest.mark.parametrize(
    ("depth", "first_leaf", "leaf_count"),
    [(28, 0, 1), (24, 0, 0), (24, 0, 2**24 + 1), (24, 2**24, 1), (24, 2**24 - 1, 2), (24, 2**256 - 1, 1)],
)
def test_parts_of_no_tree(shelf: Shelf, depth: int, first_leaf: int, leaf_count: int) -> None:
    call = shelf.registration(true_content())
    parts = [(b"r" * 32, 24, 0, 1), (b"r" * 32, depth, first_leaf, leaf_count)]
    terms = (call.nodes, 3, call.until, FEE_WEI, "")
    with rejects(Reject.PART_SHAPE):
        shelf.chain.contracts["Items"].transact(
            "register", parts, *terms, sender=REGISTRANT, value=BOND_WEI + 3 * FEE_WEI
        )


@pytest.mark.parametrize("blob_count", [1, 2, 3, 31, 127, 128, 129, 192, 193, 4_352])
def test_hashes_of_large_items_come_as_subtrees(shelf: Shelf, blob_count: int) -> None:
    """The root is the same, however the hashes are named."""
    rng = Random(blob_count)
    hashes = [Bytes32(rng.randbytes(32)) for _ in range(blob_count)]
    level = node_level(blob_count)
    subtrees = [hashes[at : at + (1 << level)] for at in range(0, blob_count, 1 << level)]
    nodes = tuple(_root_at(subtree, level) for subtree in subtrees)
    assert nodes == named_nodes(hashes)
    leaf_count = blob_count * WHOLE_BLOB - WHOLE_BLOB // 2
    parts = (Part(root=Bytes32(b"r" * 32), depth=27, first_leaf=0, leaf_count=leaf_count),)
    call = changed(shelf.registration(true_content()), parts=parts, nodes=nodes)
    shelf.send(REGISTRANT, call, BOND_WEI + 3 * FEE_WEI)
    record = shelf.record(ItemId(1))
    assert record.hashes_root == join(hashes, 0)
    assert record.blob_count == blob_count
    assert record.parts_hash == parts_hash(parts)


def _root_at(leaves: list[Bytes32], level: int) -> Bytes32:
    """The node above leaves at a level, with zero leaves behind them."""
    return join([*leaves, *[Bytes32(bytes(32))] * ((1 << level) - len(leaves))], 0) if level else leaves[0]


def test_an_item_cannot_be_too_large(shelf: Shelf) -> None:
    part = Part(root=Bytes32(b"r" * 32), depth=27, first_leaf=0, leaf_count=4_353 * WHOLE_BLOB)
    call = changed(shelf.registration(true_content()), parts=(part,))
    shelf.refused(Reject.DATA_SIZE, REGISTRANT, call, BOND_WEI + 3 * FEE_WEI)


def test_the_contract_and_the_model_name_receipts_alike(shelf: Shelf) -> None:
    item_id = shelf.register(true_content())
    shelf.assign(item_id)
    record, contract = shelf.record(item_id), shelf.chain.contracts["Items"]
    digest = item_digest(1, shelf.state.deployment.items, item_id, record)
    assert contract.call("item_digest", item_id, astuple(record)) == digest
    assert contract.call("receipt_hash", item_id, astuple(record), 2, 77) == receipt_hash(
        1, shelf.state.deployment.items, digest, 2, 77
    )
    assert contract.call("standing", item_id)[-1] == hash_struct(record)
    assert contract.call("standing", item_id + 1) == (0, False, False, 0, 0, bytes(32))


# --- draws and receipts ---------------------------------------------------------------------------


def test_draws_come_in_a_later_block(shelf: Shelf) -> None:
    """Nobody picks keepers in the block in which it registers, or empties a seat."""
    item_id = shelf.register(true_content(), 4)
    call = items.Assign(item_id=item_id, record=shelf.record(item_id))
    shelf.refused(Reject.DRAW_EARLY, STRANGER, call)
    shelf.assign(item_id)
    shelf.refused(Reject.SEATS_TAKEN, STRANGER, call)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0, 1, 2, 3))
    shelf.let_down(item_id, 1)
    shelf.refused(Reject.DRAW_EARLY, STRANGER, call)
    shelf.pass_time()
    shelf.send(STRANGER, call)


def test_missed_seats_are_drawn_anew_and_others_are_not(shelf: Shelf) -> None:
    item_id = shelf.register(true_content(), 4)
    shelf.assign(item_id)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 2))
    kept = shelf.item(item_id).seats[2]
    call = items.Assign(item_id=item_id, record=shelf.record(item_id))
    shelf.pass_time(RULES.acknowledge_seconds)
    shelf.refused(Reject.SEATS_TAKEN, STRANGER, call)
    late = shelf.acknowledgement(item_id, 0)
    shelf.pass_time()
    shelf.refused(Reject.RECEIPT_LATE, STRANGER, late)
    shelf.send(STRANGER, call)
    seats = shelf.item(item_id).seats
    assert seats[2] == kept
    assert {seat.drawn_at for seat in seats} == {kept.drawn_at, shelf.now}
    assert len({seat.keeper for seat in seats}) == 4


def test_an_item_is_kept_by_more_than_half(shelf: Shelf) -> None:
    item_id = shelf.register(true_content(), 4)
    shelf.assign(item_id)
    for index, state in ((0, 1), (3, 1), (1, 2), (2, 2)):
        shelf.send(STRANGER, shelf.acknowledgement(item_id, index))
        assert shelf.item(item_id).state == state
    for index, state in ((0, 2), (1, 1), (2, 1), (3, 4)):
        shelf.let_down(item_id, index)
        assert shelf.item(item_id).state == state
    assign = items.Assign(item_id=item_id, record=shelf.record(item_id))
    shelf.pass_time()
    shelf.refused(Reject.DATA_STATE, STRANGER, assign)
    shelf.send(STRANGER, items.CloseItem(item_id=item_id, record=shelf.record(item_id)))
    shelf.chain.check_views(shelf.state)


@pytest.mark.parametrize(
    "changes",
    [{"chain_id": 2}, {"contract": STRANGER}, {"seat": 1}, {"drawn_at": 1}],
    ids=["chain", "deployment", "seat", "draw"],
)
def test_a_receipt_is_good_for_one_place(shelf: Shelf, changes: dict[str, int]) -> None:
    item_id = shelf.register(true_content())
    shelf.assign(item_id)
    shelf.refused(Reject.RECEIPT_SIGNATURE, STRANGER, shelf.acknowledgement(item_id, 0, **changes))


def test_a_receipt_is_good_for_one_item(shelf: Shelf) -> None:
    """The same blobs, registered again in the same second with the same keepers drawn."""
    first, second = shelf.register(true_content(), 4), shelf.register(true_content(), 4)
    shelf.assign(first)
    shelf.now -= 1
    shelf.assign(second)
    place = [shelf.keeper_of(second, index) for index in range(4)].index(shelf.keeper_of(first, 0))
    call = shelf.acknowledgement(first, 0)
    other = changed(call, item_id=second, record=shelf.record(second), indices=(place,))
    shelf.refused(Reject.RECEIPT_SIGNATURE, STRANGER, other)
    assert shelf.record(first) == shelf.record(second)
    shelf.refused(Reject.RECEIPT_SIGNATURE, STRANGER, changed(call, item_id=second))


def test_an_old_receipt_does_not_seat_a_keeper_again(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 4)
    old, keeper = shelf.acknowledgement(item_id, 0), shelf.keeper_of(item_id, 0)
    shelf.let_down(item_id, 0)
    shelf.assign(item_id)
    assert shelf.keeper_of(item_id, 0) == keeper  # there is no other
    shelf.refused(Reject.RECEIPT_SIGNATURE, STRANGER, old)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0))


def test_receipts_that_are_none(shelf: Shelf) -> None:
    item_id, other_id = shelf.register(true_content()), shelf.register(junk_content())
    shelf.assign(item_id)
    shelf.assign(other_id)
    call = shelf.acknowledgement(item_id, 0, 1)
    for junk in (b"", bytes(64), bytes(65), call.signatures[1]):
        wrong = changed(call, signatures=(junk, call.signatures[1]))
        shelf.refused(Reject.RECEIPT_SIGNATURE, STRANGER, wrong)
    shelf.refused(Reject.RECEIPTS_COUNT, STRANGER, changed(call, indices=(0,)))
    for index in (3, 256, 2**255):
        shelf.refused(Reject.SEAT_EMPTY, STRANGER, changed(call, indices=(index, 1)))
    assert not shelf.item(other_id).acknowledged
    nothing = changed(call, indices=(), signatures=())
    shelf.refused(Reject.RECEIPTS_KNOWN, STRANGER, nothing)
    shelf.send(STRANGER, call)
    shelf.refused(Reject.RECEIPTS_KNOWN, STRANGER, call)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0, 1, 2))  # what is known is skipped


# --- fees and ends --------------------------------------------------------------------------------


def test_fees_are_earned_by_the_second_and_never_exceed_what_was_paid(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 4)
    record, start = shelf.record(item_id), shelf.item(item_id).seats[0].acknowledged_at
    collect = items.Collect(item_id=item_id, record=record, index=0)
    keeper = shelf.keeper_of(item_id, 0)
    shelf.pass_time(10 * DAY_SECONDS)
    shelf.send(STRANGER, collect)
    assert shelf.owed_wei(keeper) == FEE_WEI * (shelf.now - start) // (record.until - record.since)
    shelf.refused(Reject.NOTHING_TO_COLLECT, STRANGER, collect)
    shelf.refused(Reject.SEAT_UNACKNOWLEDGED, STRANGER, changed(collect, index=2**250))
    close = items.CloseItem(item_id=item_id, record=record)
    shelf.now = record.until
    shelf.refused(Reject.DATA_NOT_OVER, REGISTRANT, close)
    shelf.pass_time(100 * DAY_SECONDS)
    before_wei = shelf.owed_wei(REGISTRANT)
    shelf.send(STRANGER, close)
    earned_wei = sum(map(shelf.owed_wei, KEEPERS))
    assert 4 * FEE_WEI * 0.999 < earned_wei <= 4 * FEE_WEI
    assert shelf.owed_wei(REGISTRANT) - before_wei == BOND_WEI + 4 * FEE_WEI - earned_wei
    shelf.refused(Reject.DATA_STATE, STRANGER, close)
    shelf.refused(Reject.DATA_STATE, STRANGER, collect)


def test_a_failed_seat_forfeits_what_it_has_not_collected(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 4)
    record, failed = shelf.record(item_id), shelf.keeper_of(item_id, 0)
    shelf.pass_time(15 * DAY_SECONDS)
    shelf.let_down(item_id, 0)
    assert shelf.owed_wei(failed) == 0
    shelf.assign(item_id)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0))
    successor, start = shelf.keeper_of(item_id, 0), shelf.now
    shelf.now = record.until + 1
    owed_wei = shelf.owed_wei(successor)
    shelf.send(STRANGER, items.Collect(item_id=item_id, record=record, index=0))
    earned_wei = shelf.owed_wei(successor) - owed_wei
    assert earned_wei == FEE_WEI * (record.until - start) // (record.until - record.since)


def test_a_registrant_gets_its_coins_back_if_nobody_keeps_its_item(shelf: Shelf) -> None:
    item_id = shelf.register(hiding_content(), 4)
    record = shelf.record(item_id)
    close = items.CloseItem(item_id=item_id, record=record)
    shelf.assign(item_id)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0))
    early = shelf.keeper_of(item_id, 0)
    shelf.now = record.since + RULES.acknowledge_seconds
    shelf.refused(Reject.DATA_NOT_OVER, REGISTRANT, close)
    shelf.pass_time()
    shelf.refused(Reject.DATA_NOT_OVER, STRANGER, close)
    shelf.refused(Reject.DATA_NOT_OVER, REGISTRANTS[1], close)
    before_wei = shelf.wealth_wei(REGISTRANT)
    shelf.send(REGISTRANT, close)
    assert shelf.owed_wei(early) > 0  # the one keeper that was ready is paid for its time
    assert shelf.wealth_wei(REGISTRANT) - before_wei == BOND_WEI + 4 * FEE_WEI - shelf.owed_wei(early)


def test_a_kept_item_is_not_withdrawn_even_when_it_is_weak(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 2)
    shelf.let_down(item_id, 0)
    assert shelf.item(item_id).state is ItemState.REGISTERED
    close = items.CloseItem(item_id=item_id, record=shelf.record(item_id))
    shelf.pass_time(RULES.acknowledge_seconds + 1)
    shelf.refused(Reject.DATA_NOT_OVER, REGISTRANT, close)


def test_what_is_struck_pays_nobody_but_the_finder_and_the_unpaid_fees(shelf: Shelf) -> None:
    item_id = shelf.kept(junk_content(), 4)
    shelf.pass_time(10 * DAY_SECONDS)
    before_wei = shelf.owed_wei(REGISTRANT)
    shelf.send(CHALLENGER, shelf.mismatch(item_id, junk_content(), 32))
    assert shelf.owed_wei(REGISTRANT) - before_wei == 4 * FEE_WEI
    assert not any(map(shelf.owed_wei, KEEPERS))
    shelf.refused(
        Reject.DATA_STATE, REGISTRANT, items.CloseItem(item_id=item_id, record=shelf.record(item_id))
    )
