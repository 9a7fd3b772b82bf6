"""Items whose blobs do not hold what their roots say: struck by a leaf, or by a descent to one."""

from __future__ import annotations

import pytest

from tests.contracts.shelves import CHALLENGER, REGISTRANT, Shelf, changed
from tests.protocol.availability.contents import (
    Content,
    hiding_content,
    junk_content,
    large_content,
    true_content,
)
from tests.protocol.availability.world import CHALLENGERS, KEEPERS, RULES
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import bindings, items
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import ANSWERS_LIMIT, winner_part

STRANGER = Address("0x" + "77" * 20)
JUNK_LEAF = 32


@pytest.fixture
def shelf() -> Shelf:
    """A fresh chain with four keepers."""
    return Shelf()


def test_a_false_leaf_strikes_and_whoever_is_first_is_paid(shelf: Shelf) -> None:
    """A copy that is sent first gets the reward. The finder loses its gas, and the item is struck."""
    item_id, content = shelf.kept(junk_content()), junk_content()
    keepers = [shelf.keeper_of(item_id, seat) for seat in range(3)]
    stakes_wei = sum(map(shelf.stake_wei, keepers))
    call = shelf.mismatch(item_id, content, JUNK_LEAF)
    before_wei = shelf.wealth_wei(STRANGER)
    shelf.send(STRANGER, call)
    shelf.refused(Reject.DATA_STATE, CHALLENGER, call)
    assert shelf.wealth_wei(STRANGER) - before_wei == winner_part(RULES, RULES.registrant_bond_wei)
    assert stakes_wei - sum(map(shelf.stake_wei, keepers)) == 3 * RULES.share_wei
    assert shelf.item(item_id).state is ItemState.STRUCK


def test_a_registrant_that_strikes_its_own_item_loses(shelf: Shelf) -> None:
    """With socks in its seats as well as without."""
    before_wei = shelf.wealth_wei(REGISTRANT, *KEEPERS)
    item_id = shelf.kept(junk_content())
    shelf.send(REGISTRANT, shelf.mismatch(item_id, junk_content(), JUNK_LEAF))
    lost_wei = before_wei - shelf.wealth_wei(REGISTRANT, *KEEPERS)
    assert lost_wei >= RULES.registrant_bond_wei // 2 + 3 * RULES.share_wei


def test_true_leaves_strike_nothing(shelf: Shelf) -> None:
    content = true_content()
    item_id = shelf.kept(content)
    for part_index, part in enumerate(content.parts):
        for leaf in (part.first_leaf, part.first_leaf + 1, part.end_leaf - 1):
            shelf.refused(Reject.LEAF_AGREES, STRANGER, shelf.mismatch(item_id, content, leaf, part_index))
    beside = shelf.mismatch(item_id, content, 3)
    shelf.refused(Reject.LEAF_AGREES, STRANGER, beside)  # no part holds leaf 3, and it is zero
    other_part = changed(shelf.mismatch(item_id, content, 2**20, 1), part_index=0)
    shelf.refused(Reject.LEAF_OTHER_PART, STRANGER, other_part)


@pytest.mark.parametrize(
    ("content", "leaf_index"), [(hiding_content(), 99), (large_content(), 0), (large_content(), 1)]
)
def test_hidden_leaves_and_large_elements_strike(shelf: Shelf, content: Content, leaf_index: int) -> None:
    item_id = shelf.kept(content)
    shelf.send(CHALLENGER, shelf.mismatch(item_id, content, leaf_index))


def test_what_is_shown_must_be_of_the_item(shelf: Shelf) -> None:
    content, other = junk_content(), true_content()
    item_id, other_id = shelf.kept(content), shelf.kept(other)
    call = shelf.mismatch(item_id, content, JUNK_LEAF)
    zero = Bytes32(bytes(32))
    shelf.refused(Reject.LEAF_PATH, STRANGER, changed(call, leaf=zero))
    shelf.refused(Reject.LEAF_PATH, STRANGER, changed(call, leaf_index=JUNK_LEAF + 2**24))
    shelf.refused(Reject.LEAF_PATH, STRANGER, changed(call, path=call.path[:-1]))
    shelf.refused(Reject.LEAF_PATH, STRANGER, changed(call, path=(*call.path, zero)))
    shelf.refused(Reject.PARTS_OTHER, STRANGER, changed(call, parts=other.parts))
    shelf.refused(Reject.PART_UNKNOWN, STRANGER, changed(call, part_index=1))
    shelf.refused(Reject.RECORD_OTHER, STRANGER, changed(call, item_id=other_id))
    opening = call.opening
    elsewhere = changed(opening, first=opening.second, first_proof=opening.second_proof)
    shelf.refused(Reject.OPENING_PROOF, STRANGER, changed(call, opening=elsewhere))
    of_other = changed(opening, commitment=other.commitments[0])
    shelf.refused(Reject.HASHES_PATH, STRANGER, changed(call, opening=of_other))
    own_record = changed(shelf.record(item_id), hashes_root=other.hashes_root)
    of_other = changed(call, record=own_record, opening=other.leaf_opening(2, 1))
    shelf.refused(Reject.OPENING_PROOF, STRANGER, of_other)


def test_a_lost_item_can_still_be_struck_until_it_is_closed(shelf: Shelf) -> None:
    content = junk_content()
    item_id = shelf.kept(content, 2)
    for seat in (0, 1):
        shelf.let_down(item_id, seat)
    assert shelf.item(item_id).state is ItemState.LOST
    shelf.send(STRANGER, shelf.mismatch(item_id, content, JUNK_LEAF))


# --- descents -------------------------------------------------------------------------------------


def test_a_made_up_root_is_found_by_descent(shelf: Shelf) -> None:
    """The challenger gets its part of the bond and what was not paid for answers, whoever sends its call."""
    content = junk_content()
    item_id = shelf.kept(content)
    keeper, before_wei = shelf.keeper_of(item_id, 0), shelf.wealth_wei(CHALLENGER)
    paid_wei = shelf.owed_wei(keeper)
    demand_id = shelf.demand(item_id, content)
    shelf.descend(demand_id, content, JUNK_LEAF)
    shelf.send(STRANGER, shelf.finding(item_id, demand_id, content, JUNK_LEAF))
    answers = 4  # of 24 levels
    answer_wei = RULES.tree_bond_wei // ANSWERS_LIMIT
    gained_wei = shelf.wealth_wei(CHALLENGER) - before_wei
    assert gained_wei == winner_part(RULES, RULES.registrant_bond_wei) - answers * answer_wei > 0
    assert shelf.owed_wei(keeper) - paid_wei == answers * answer_wei
    assert shelf.owed_wei(STRANGER) == 0


def test_a_liar_does_not_raise_what_a_found_lie_costs(shelf: Shelf) -> None:
    """It demands its own item's tree in many names: then more coins are locked, but no answer costs more."""
    content = junk_content()
    item_id = shelf.kept(content)
    for liar in (*KEEPERS, CHALLENGERS[1], REGISTRANT):
        shelf.demand(item_id, content, challenger=liar)
    before_wei = shelf.wealth_wei(CHALLENGER)
    demand_id = shelf.demand(item_id, content, value_wei=2 * RULES.tree_bond_wei)
    shelf.descend(demand_id, content, JUNK_LEAF)
    shelf.send(STRANGER, shelf.finding(item_id, demand_id, content, JUNK_LEAF))
    gained_wei = shelf.wealth_wei(CHALLENGER) - before_wei
    answers_wei = 4 * (RULES.tree_bond_wei // ANSWERS_LIMIT)
    assert gained_wei == winner_part(RULES, RULES.registrant_bond_wei) - answers_wei > 0


def test_a_true_item_survives_every_demand_and_is_paid_for_it(shelf: Shelf) -> None:
    content = true_content()
    item_id = shelf.kept(content)
    keeper, before_wei = shelf.keeper_of(item_id, 0), shelf.wealth_wei(CHALLENGER)
    stake_wei, owed_wei = shelf.stake_wei(keeper), shelf.owed_wei(keeper)
    demand_id = shelf.demand(item_id, content)
    shelf.descend(demand_id, content, 70)
    shelf.refused(Reject.LEAF_AGREES, CHALLENGER, shelf.finding(item_id, demand_id, content, 70))
    settle = bindings.SettleDemand(
        demand_id=demand_id, demand=shelf.demanded(demand_id), record=shelf.record(item_id)
    )
    shelf.refused(Reject.ANSWER_RUNNING, STRANGER, settle)
    shelf.pass_time(RULES.answer_seconds + 1)
    shelf.refused(Reject.ANSWER_LATE, CHALLENGER, shelf.finding(item_id, demand_id, content, 70))
    shelf.send(STRANGER, settle)
    assert before_wei - shelf.wealth_wei(CHALLENGER) == RULES.tree_bond_wei
    assert shelf.owed_wei(keeper) - owed_wei == RULES.tree_bond_wei
    assert shelf.stake_wei(keeper) == stake_wei
    assert shelf.item(item_id).state is ItemState.KEPT


def test_an_unanswered_demand_strikes(shelf: Shelf) -> None:
    item_id, content = shelf.kept(true_content()), true_content()
    before_wei = shelf.wealth_wei(CHALLENGER)
    demand_id = shelf.demand(item_id, content)
    demand = shelf.demanded(demand_id)
    settle = bindings.SettleDemand(demand_id=demand_id, demand=demand, record=shelf.record(item_id))
    shelf.pass_time(RULES.answer_seconds)
    shelf.refused(Reject.ANSWER_RUNNING, STRANGER, settle)
    shelf.pass_time()
    shelf.refused(Reject.ANSWER_LATE, STRANGER, shelf.gift(demand_id, content))
    shelf.send(STRANGER, settle)
    assert shelf.item(item_id).state is ItemState.STRUCK
    gained_wei = shelf.wealth_wei(CHALLENGER) - before_wei
    assert gained_wei == winner_part(RULES, RULES.registrant_bond_wei)
    assert gained_wei < RULES.share_wei  # less than what one keeper lost that might have kept silent for it


def test_keepers_that_keep_silent_do_not_get_at_a_registrants_bond(shelf: Shelf) -> None:
    """The registrant can answer itself; it is paid once the named keeper has let half of the time pass."""
    item_id, content = shelf.kept(true_content()), true_content()
    demand_id = shelf.demand(item_id, content)
    shelf.pass_time(RULES.answer_seconds // 2)
    before_wei, keeper_wei = shelf.owed_wei(REGISTRANT), shelf.owed_wei(shelf.keeper_of(item_id, 0))
    gift = shelf.gift(demand_id, content)
    shelf.pass_time()
    shelf.send(REGISTRANT, gift)
    assert shelf.owed_wei(REGISTRANT) - before_wei == RULES.tree_bond_wei // ANSWERS_LIMIT
    assert shelf.owed_wei(shelf.keeper_of(item_id, 0)) == keeper_wei
    shelf.refused(Reject.DEMAND_OTHER, STRANGER, gift)


def test_moves_that_do_not_fit_are_refused(shelf: Shelf) -> None:
    content = junk_content()
    item_id = shelf.kept(content)
    demand_id = shelf.demand(item_id, content)
    gift = shelf.gift(demand_id, content)
    early = shelf.choice(demand_id, content, JUNK_LEAF)
    shelf.refused(Reject.DEMAND_UNANSWERED, CHALLENGER, early)
    shelf.refused(Reject.NODES_COUNT, STRANGER, changed(gift, nodes=gift.nodes[:32]))
    shelf.refused(Reject.NODES_OTHER, STRANGER, changed(gift, nodes=gift.nodes[::-1]))
    shelf.refused(Reject.DEMAND_UNKNOWN, STRANGER, changed(gift, demand_id=demand_id + 1))
    rich = changed(gift.demand, left_wei=10**18)
    shelf.refused(Reject.DEMAND_OTHER, STRANGER, changed(gift, demand=rich))
    shelf.send(STRANGER, gift)
    again = changed(gift, demand=shelf.demanded(demand_id))
    shelf.refused(Reject.DEMAND_ANSWERED, STRANGER, again)
    pick = shelf.choice(demand_id, content, JUNK_LEAF)
    shelf.refused(Reject.NOT_CHALLENGER, CHALLENGERS[1], pick)
    shelf.refused(Reject.NODE_PATH, CHALLENGER, changed(pick, child=pick.child ^ 1))
    shelf.refused(Reject.NODE_PATH, CHALLENGER, changed(pick, child=pick.child + 64))
    shelf.refused(Reject.NODE_PATH, CHALLENGER, changed(pick, siblings=pick.siblings[:5]))
    shelf.send(CHALLENGER, pick)
    shelf.refused(Reject.DEMAND_OTHER, CHALLENGER, pick)


def test_a_demand_does_not_outlive_its_item(shelf: Shelf) -> None:
    """Nothing of its bond is lost if the item is struck otherwise, and a contested item is not closed."""
    content = junk_content()
    item_id = shelf.kept(content)
    demand_id = shelf.demand(item_id, content)
    again = bindings.OpenDemand(
        item_id=item_id, record=shelf.record(item_id), parts=content.parts, part_index=0, seat=1
    )
    shelf.refused(Reject.DEMAND_OPEN, CHALLENGER, again, 10**13)
    shelf.demand(item_id, content, challenger=CHALLENGERS[1])
    close = items.CloseItem(item_id=item_id, record=shelf.record(item_id))
    shelf.send(STRANGER, shelf.mismatch(item_id, content, JUNK_LEAF))
    shelf.refused(Reject.DATA_STATE, REGISTRANT, close)
    before_wei = shelf.owed_wei(CHALLENGER)
    settle = bindings.SettleDemand(
        demand_id=demand_id, demand=shelf.demanded(demand_id), record=shelf.record(item_id)
    )
    shelf.send(STRANGER, settle)
    shelf.refused(Reject.DEMAND_UNKNOWN, STRANGER, settle)
    assert shelf.owed_wei(CHALLENGER) - before_wei == RULES.tree_bond_wei
