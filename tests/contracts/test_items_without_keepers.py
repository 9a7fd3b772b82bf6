"""Items in blobs of a transaction, and in calldata: kept at once, and by no keeper (A3.6, A3.7)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.contracts.shelves import CHALLENGER, DAY_SECONDS, REGISTRANT, Shelf, changed
from tests.protocol.availability.contents import (
    Content,
    Piece,
    Tree,
    hiding_content,
    junk_content,
    long_content,
    piece,
    random_leaves,
    true_content,
)
from tests.protocol.availability.world import KEEPERS, RULES
from truestep.availability.parts import Part
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.kzg import versioned_hash
from truestep.protocol.availability.contracts import bindings, items
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ChallengeKind, ItemId
from truestep.protocol.availability.registration import FOR_EVER

STRANGER = Address("0x" + "77" * 20)
BOND_WEI = RULES.registrant_bond_wei


@pytest.fixture
def shelf() -> Shelf:
    """A fresh chain with four keepers."""
    return Shelf()


def blobs_call(shelf: Shelf, content: Content, seconds: int = DAY_SECONDS) -> items.RegisterBlobs:
    """The call that registers the blobs of its transaction."""
    shelf.world.learn(content)
    return items.RegisterBlobs(parts=content.parts, until=shelf.now + seconds, url="url")


def in_blobs(shelf: Shelf, content: Content, seconds: int = DAY_SECONDS) -> ItemId:
    """An item in blobs."""
    shelf.send(REGISTRANT, blobs_call(shelf, content, seconds), BOND_WEI, content.hashes)
    return ItemId(len(shelf.state.items))


def calldata_call(*pieces: Piece) -> items.RegisterCalldata:
    """The call that writes these leaves."""
    payload = b"".join(each.held for each in pieces)
    return items.RegisterCalldata(parts=tuple(each.part for each in pieces), payload=payload)


def in_calldata(shelf: Shelf, content: Content) -> ItemId:
    """An item in calldata."""
    shelf.world.learn(content)
    shelf.send(REGISTRANT, calldata_call(*content.pieces))
    return ItemId(len(shelf.state.items))


# --- blobs ----------------------------------------------------------------------------------------


def test_an_item_in_blobs_is_kept_until_its_end_and_its_bond_comes_back(shelf: Shelf) -> None:
    content = long_content()
    item_id = in_blobs(shelf, content, 15 * DAY_SECONDS)
    assert shelf.item(item_id).state is ItemState.KEPT
    assert shelf.record(item_id).hashes_root == content.hashes_root
    close = items.CloseItem(item_id=item_id, record=shelf.record(item_id))
    for seconds in (0, RULES.acknowledge_seconds + 1, shelf.record(item_id).until - shelf.now - 62):
        shelf.pass_time(seconds)
        shelf.refused(Reject.DATA_NOT_OVER, REGISTRANT, close)
    shelf.pass_time(shelf.record(item_id).until + 1 - shelf.now)
    shelf.send(STRANGER, close)
    assert shelf.owed_wei(REGISTRANT) == BOND_WEI


def test_bounds_of_items_in_blobs(shelf: Shelf) -> None:
    content = long_content()
    call, hashes = blobs_call(shelf, content), content.hashes
    for until in (0, shelf.now, shelf.now + 15 * DAY_SECONDS + 1, FOR_EVER, 2**256 - 1):
        shelf.refused(Reject.DATA_END, REGISTRANT, changed(call, until=until), BOND_WEI, hashes)
    for wei in (0, BOND_WEI - 1, BOND_WEI + 1):
        shelf.refused(Reject.WRONG_VALUE, REGISTRANT, call, wei, hashes)
    shelf.refused(Reject.DATA_SIZE, REGISTRANT, changed(call, parts=()), BOND_WEI, hashes)
    large = Part(root=Bytes32(b"r" * 32), depth=27, first_leaf=0, leaf_count=129 * 128 * 31)
    shelf.refused(Reject.DATA_SIZE, REGISTRANT, changed(call, parts=(large,)), BOND_WEI, hashes)


def test_only_blobs_of_the_same_transaction_are_an_items_blobs(shelf: Shelf) -> None:
    """Blobs that were published before are not there for long enough."""
    content = long_content()
    call = blobs_call(shelf, content)
    in_blobs(shelf, content)
    for hashes in ((), content.hashes[:-1]):
        shelf.refused(Reject.BLOB_NOT_SENT, REGISTRANT, call, BOND_WEI, hashes)
    shelf.send(REGISTRANT, call, BOND_WEI, tuple(reversed(content.hashes)))
    assert shelf.record(ItemId(2)).hashes_root != content.hashes_root
    shelf.send(REGISTRANT, call, BOND_WEI, (*content.hashes, *content.hashes))
    assert shelf.record(ItemId(3)).hashes_root == content.hashes_root


@pytest.mark.parametrize("kind", list(ChallengeKind))
def test_nobody_is_challenged_for_blobs_of_a_transaction(shelf: Shelf, kind: ChallengeKind) -> None:
    item_id = in_blobs(shelf, true_content())
    for seat in (0, 15, 16, 2**255):
        call = changed(shelf.question(item_id, 0, kind), seat=seat)
        shelf.refused(Reject.SEAT_UNACKNOWLEDGED, CHALLENGER, call, 64 * RULES.blob_bond_wei)
    for call in (
        items.Assign(item_id=item_id, record=shelf.record(item_id)),
        items.Collect(item_id=item_id, record=shelf.record(item_id), index=0),
        items.Acknowledge(
            item_id=item_id, record=shelf.record(item_id), indices=(0,), signatures=(b"?" * 65,)
        ),
    ):
        shelf.pass_time()
        assert shelf.try_(KEEPERS[0], call) in (
            Reject.SEATS_TAKEN,
            Reject.SEAT_UNACKNOWLEDGED,
            Reject.SEAT_EMPTY,
        )


def test_junk_in_blobs_is_struck(shelf: Shelf) -> None:
    """Nobody checked it before it was kept; whoever shows a false leaf gets its part of the bond."""
    content = junk_content()
    item_id = in_blobs(shelf, content)
    shelf.refused(Reject.LEAF_AGREES, CHALLENGER, shelf.mismatch(item_id, content, 3))
    shelf.send(CHALLENGER, shelf.mismatch(item_id, content, 32))
    assert shelf.item(item_id).state is ItemState.STRUCK
    assert shelf.owed_wei(CHALLENGER) == BOND_WEI * RULES.winner_share_bps // 10_000
    close = items.CloseItem(item_id=item_id, record=shelf.record(item_id))
    shelf.pass_time(2 * DAY_SECONDS)
    shelf.refused(Reject.DATA_STATE, REGISTRANT, close)


def test_a_hidden_leaf_is_found_by_a_demand_that_the_registrant_answers(shelf: Shelf) -> None:
    content = hiding_content()
    item_id = in_blobs(shelf, content)
    demand_id = shelf.demand(item_id, content)
    assert shelf.demanded(demand_id).keeper == REGISTRANT
    shelf.descend(demand_id, content, 99)
    assert shelf.owed_wei(REGISTRANT) == 2 * (RULES.tree_bond_wei // 5)
    shelf.send(STRANGER, shelf.finding(item_id, demand_id, content, 99))
    assert shelf.item(item_id).state is ItemState.STRUCK


def test_a_made_up_root_is_struck_because_nobody_can_give_its_tree(shelf: Shelf) -> None:
    """It is not closed before: the bond cannot be saved by an early end."""
    content = replace_root(true_content())
    item_id = in_blobs(shelf, content, RULES.answer_seconds)
    demand_id = shelf.demand(item_id, content)
    demand = shelf.demanded(demand_id)
    shelf.pass_time(RULES.answer_seconds + 1)
    close = items.CloseItem(item_id=item_id, record=shelf.record(item_id))
    shelf.refused(Reject.DATA_CONTESTED, REGISTRANT, close)
    settle = bindings.SettleDemand(demand_id=demand_id, demand=demand, record=shelf.record(item_id))
    shelf.send(STRANGER, settle)
    assert shelf.item(item_id).state is ItemState.STRUCK


def replace_root(content: Content) -> Content:
    """The same blobs, said to have another root."""
    first, *others = content.pieces
    return Content((replace(first, part=replace(first.part, root=Bytes32(b"r" * 32))), *others))


# --- calldata -------------------------------------------------------------------------------------


def test_an_item_in_calldata_is_kept_for_good(shelf: Shelf) -> None:
    content = true_content()
    item_id = in_calldata(shelf, content)
    record = shelf.record(item_id)
    shelf.pass_time(1_000 * DAY_SECONDS)
    shelf.refused(Reject.DATA_NOT_OVER, REGISTRANT, items.CloseItem(item_id=item_id, record=record))
    assert shelf.item(item_id).state is ItemState.KEPT
    shelf.refused(Reject.SEATS_TAKEN, STRANGER, items.Assign(item_id=item_id, record=record))
    call = shelf.question(item_id, 0, ChallengeKind.BLOB)
    shelf.refused(Reject.CHALLENGE_ELEMENT, CHALLENGER, call, 64 * RULES.blob_bond_wei)
    demand = bindings.OpenDemand(item_id=item_id, record=record, parts=content.parts, part_index=0, seat=0)
    shelf.refused(Reject.DATA_WRITTEN, CHALLENGER, demand, RULES.tree_bond_wei)


def test_no_blob_strikes_an_item_in_calldata(shelf: Shelf) -> None:
    """Whoever would have it struck later chooses its leaves: no root over hashes may follow from them."""
    hash_ = versioned_hash(junk_content().commitments[0])
    tree = Tree({0: hash_, 1: b"x" * 32}, 24)
    item_id = in_calldata(shelf, Content((piece(tree, 0, 2),)))
    call = shelf.mismatch(item_id, Content((piece(tree, 0, 2),)), 0)
    opening = junk_content().leaf_opening(0, 0)
    for path in ((), (Bytes32(b"x" * 32),)):
        wrong = changed(call, opening=replace(opening, path=path))
        shelf.refused(Reject.HASHES_PATH, STRANGER, wrong)


def test_leaves_that_are_not_those_of_the_parts(shelf: Shelf) -> None:
    tree, given = Tree(random_leaves(Random(1), 2, 9), 24), Tree(random_leaves(Random(2), 0, 1), 26)
    call = calldata_call(piece(tree, 2, 4), piece(tree, 6, 5), piece(given, 0, 1))
    wrong = [
        (Reject.DATA_SIZE, changed(call, parts=(), payload=b"")),
        (Reject.PAYLOAD_SIZE, changed(call, payload=call.payload + bytes(32))),
        (Reject.PAYLOAD_SIZE, changed(call, payload=call.payload[:-1])),
        (Reject.PAYLOAD_SIZE, changed(call, payload=call.payload[:-32])),
        (Reject.PART_OTHER_LEAVES, changed(call, payload=bytes(32) + call.payload[32:])),
        (Reject.PART_OTHER_LEAVES, changed(call, payload=call.payload[:-1] + b"?")),
        (Reject.PART_OTHER_LEAVES, changed(call, parts=call.parts[:1], payload=call.payload[:128])),
        (Reject.PART_SHAPE, changed(call, parts=(call.parts[1], call.parts[0], call.parts[2]))),
        (Reject.PART_SHAPE, changed(call, parts=(call.parts[0], call.parts[0]))),
        (Reject.PART_SHAPE, calldata_call(piece(tree, 2, 3), piece(tree, 5, 6))),
        (Reject.PART_SHAPE, calldata_call(piece(Tree({0: b"l" * 32}, 0), 0, 1))),
        (Reject.PART_SHAPE, calldata_call(piece(Tree({0: b"l" * 32}, 27), 0, 1))),
        # at another depth its root is of another tree
        (Reject.PART_OTHER_LEAVES, changed(call, parts=(*call.parts[:2], replace(call.parts[2], depth=24)))),
    ]
    for reason, each in wrong:
        shelf.refused(reason, STRANGER, each)
    shelf.send(STRANGER, call)


@pytest.mark.parametrize("seed", range(4))
def test_roots_of_random_trees_in_calldata(shelf: Shelf, seed: int) -> None:
    """Parts at random places, often side by side and across the boundaries of large subtrees."""
    rng = Random(seed)
    for _ in range(6):
        pieces = [each for _ in range(rng.choice((1, 1, 2, 4))) for each in _random_pieces(rng)]
        call = calldata_call(*pieces)
        shelf.send(STRANGER, call)
        at = rng.randrange(len(call.payload))
        flipped = bytes([call.payload[at] ^ 1 << rng.randrange(8)])
        payload = call.payload[:at] + flipped + call.payload[at + 1 :]
        shelf.refused(Reject.PART_OTHER_LEAVES, STRANGER, changed(call, payload=payload))
        index = rng.randrange(len(call.parts))
        part = call.parts[index]
        first_leaf = part.first_leaf ^ 1 << rng.randrange(part.depth)
        if first_leaf + part.leaf_count <= 1 << part.depth:
            moved = replace(part, first_leaf=first_leaf)
            parts = (*call.parts[:index], moved, *call.parts[index + 1 :])
            reasons = (Reject.PART_OTHER_LEAVES, Reject.PART_SHAPE)
            assert shelf.try_(STRANGER, changed(call, parts=parts)) in reasons


def _random_pieces(rng: Random) -> list[Piece]:
    """The parts of one tree."""
    depth = rng.choice((1, 2, 3, 6, 24, 24, 26))
    ranges: list[tuple[int, int]] = []
    least = rng.choice((0, 0, max(0, (1 << depth - 1) - rng.randrange(9)), rng.randrange(1 << depth)))
    for _ in range(rng.choice((1, 1, 2, 3, 9))):
        first = least + rng.choice((0, 0, 1, 2, 7, 64))
        first += first & 1 if ranges else 0
        count = min(rng.choice((1, 1, 2, 3, 8, 31)), (1 << depth) - first)
        if count < 1:
            break
        ranges.append((first, count))
        least = first + count + (first + count & 1)
    leaves: dict[int, bytes] = {}
    for first, count in ranges or [(0, 1)]:
        leaves |= random_leaves(rng, first, count)
    tree = Tree(leaves, depth)
    return [piece(tree, first, count) for first, count in ranges or [(0, 1)]]


def test_the_largest_payload(shelf: Shelf) -> None:
    """Every part begins and ends with half a pair: the most nodes there can be."""
    firsts = [14 * place + 1 for place in range(64)]
    leaves = {leaf: bytes([leaf & 255, 1]) * 16 for first in firsts for leaf in range(first, first + 12)}
    tree = Tree(leaves, 26)
    pieces = [piece(tree, first, 12) for first in firsts]
    shelf.send(STRANGER, calldata_call(*pieces))
    whole = Tree(random_leaves(Random(1), 0, 768), 24)
    shelf.send(STRANGER, calldata_call(piece(whole, 0, 768)))
