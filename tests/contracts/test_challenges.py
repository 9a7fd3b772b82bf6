"""Challenges of keepers: who pays for answers, silence, spam and copies, on a real precompile."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.contracts.availability_chain import fast_contracts
from tests.contracts.shelves import CHALLENGER, REGISTRANT, Shelf, changed
from tests.protocol.availability.contents import junk_content, large_content, long_content, true_content
from tests.protocol.availability.world import CHALLENGERS, RULES
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.kzg import BLS_MODULUS, versioned_hash
from truestep.protocol.availability.challenges import bond_factor
from truestep.protocol.availability.contracts import challenges, items
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ChallengeKind, ItemId
from truestep.protocol.availability.rules import winner_part

STRANGER = Address("0x" + "77" * 20)
ELEMENT, BLOB = ChallengeKind.ELEMENT, ChallengeKind.BLOB


@pytest.fixture
def shelf() -> Shelf:
    """A fresh chain with four keepers."""
    return Shelf()


def test_an_answer_pays_the_keeper_whoever_sends_it(shelf: Shelf) -> None:
    """A copycat that answers first loses its gas, and the keeper only that of a call that is refused."""
    content = true_content()
    item_id = shelf.kept(content)
    keeper = shelf.keeper_of(item_id, 0)
    before_wei = shelf.wealth_wei(keeper)
    asked = shelf.ask(item_id)
    answer = shelf.answer(content, asked)
    shelf.send(STRANGER, answer)
    shelf.refused(Reject.CHALLENGE_UNKNOWN, keeper, answer)
    assert shelf.wealth_wei(keeper) - before_wei == RULES.element_bond_wei
    assert shelf.owed_wei(STRANGER) == 0


def test_a_flood_costs_the_flooder_and_pays_the_keeper(shelf: Shelf) -> None:
    content = true_content()
    item_id = shelf.kept(content)
    keeper, flooder = shelf.keeper_of(item_id, 0), CHALLENGERS[1]
    before_wei, spent_wei = shelf.wealth_wei(keeper), shelf.wealth_wei(flooder)
    asked = [shelf.ask(item_id, element=element, challenger=flooder) for element in range(60)]
    for element, each in enumerate(asked):
        shelf.send(keeper, shelf.answer(content, each, element))
    bonds_wei = RULES.element_bond_wei * sum(map(bond_factor, range(60)))
    assert spent_wei - shelf.wealth_wei(flooder) == bonds_wei
    assert shelf.wealth_wei(keeper) - before_wei == bonds_wei
    assert shelf.item(item_id).state is ItemState.KEPT
    assert not shelf.state.is_contested(item_id)


def test_a_liar_does_not_raise_what_it_costs_to_have_blobs_published(shelf: Shelf) -> None:
    """It asks itself for elements, whose bonds it gets back; the blobs are what shows that it lies (A5.1)."""
    item_id = shelf.kept(true_content())
    liar = shelf.keeper_of(item_id, 0)
    for element in range(60):
        shelf.ask(item_id, element=element, challenger=liar)
    before_wei = shelf.wealth_wei(CHALLENGER)
    call = shelf.question(item_id, 0, BLOB)
    shelf.refused(Reject.WRONG_VALUE, CHALLENGER, call, RULES.blob_bond_wei - 1)
    shelf.send(CHALLENGER, call, RULES.blob_bond_wei)
    assert before_wei - shelf.wealth_wei(CHALLENGER) == RULES.blob_bond_wei


def test_bonds_rise_and_stop_rising() -> None:
    assert [bond_factor(count) for count in (0, 7, 8, 15, 16, 47, 48, 10**6)] == [1, 1, 2, 2, 4, 32, 64, 64]


def test_silence_costs_a_share_of_which_the_challenger_gets_a_part(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content())
    keeper = shelf.keeper_of(item_id, 1)
    stake_wei, before_wei = shelf.stake_wei(keeper), shelf.wealth_wei(CHALLENGER)
    asked = shelf.ask(item_id, 1)
    shelf.pass_time(RULES.answer_seconds)
    shelf.refused(Reject.ANSWER_RUNNING, STRANGER, shelf.settlement(item_id, asked))
    shelf.pass_time()
    shelf.refused(Reject.ANSWER_LATE, keeper, shelf.answer(true_content(), asked))
    shelf.send(STRANGER, shelf.settlement(item_id, asked))
    assert stake_wei - shelf.stake_wei(keeper) == RULES.share_wei
    assert shelf.wealth_wei(CHALLENGER) - before_wei == winner_part(RULES, RULES.share_wei)
    shelf.refused(Reject.CHALLENGE_UNKNOWN, STRANGER, shelf.settlement(item_id, asked))


def test_the_last_second_is_in_time(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content())
    asked = shelf.ask(item_id)
    shelf.pass_time(RULES.answer_seconds)
    shelf.send(STRANGER, shelf.answer(true_content(), asked))
    shelf.refused(Reject.CHALLENGE_UNKNOWN, STRANGER, shelf.settlement(item_id, asked))


def test_a_keeper_that_slashes_itself_loses_most_of_it(shelf: Shelf) -> None:
    """A sock that is first to a slash does not save the keeper, and a copy of it goes away empty."""
    item_id = shelf.kept(true_content())
    keeper, sock = shelf.keeper_of(item_id, 0), CHALLENGERS[1]
    before_wei, honest_wei = shelf.wealth_wei(keeper, sock), shelf.wealth_wei(CHALLENGER)
    by_sock = shelf.ask(item_id, 0, BLOB, challenger=sock)
    by_honest = shelf.ask(item_id, 0, ELEMENT)
    shelf.pass_time(RULES.answer_seconds + 1)
    shelf.send(sock, shelf.settlement(item_id, by_sock))
    shelf.send(STRANGER, shelf.settlement(item_id, by_honest))
    assert before_wei - shelf.wealth_wei(keeper, sock) >= RULES.share_wei // 2
    assert shelf.wealth_wei(CHALLENGER) == honest_wei


def test_a_keeper_cannot_keep_its_seat_busy(shelf: Shelf) -> None:
    """A sock's challenge of some bytes keeps nobody from asking for others, or for the whole blob."""
    content = true_content()
    item_id = shelf.kept(content)
    sock = CHALLENGERS[1]
    for element in range(9):
        shelf.ask(item_id, element=element, challenger=sock)
    call = shelf.question(item_id, 0, ELEMENT, 3)
    shelf.refused(Reject.CHALLENGE_OPEN, CHALLENGER, call, 2 * RULES.element_bond_wei)
    shelf.refused(Reject.WRONG_VALUE, CHALLENGER, changed(call, element=9), 2 * RULES.element_bond_wei - 1)
    shelf.send(CHALLENGER, changed(call, element=9), 2 * RULES.element_bond_wei)
    shelf.ask(item_id, 0, BLOB)


def test_a_challenge_does_not_hit_the_next_keeper_of_the_seat(shelf: Shelf) -> None:
    content = true_content()
    item_id = shelf.kept(content, 4)
    first = shelf.ask(item_id, 0)
    shelf.pass_time(1)
    second = shelf.ask(item_id, 0, element=1, challenger=CHALLENGERS[1])
    shelf.pass_time(RULES.answer_seconds)
    shelf.send(STRANGER, shelf.settlement(item_id, first))
    shelf.assign(item_id)
    shelf.send(REGISTRANT, shelf.acknowledgement(item_id, 0))
    shelf.pass_time(RULES.answer_seconds)
    keeper, before_wei = shelf.keeper_of(item_id, 0), shelf.owed_wei(CHALLENGERS[1])
    stake_wei = shelf.stake_wei(keeper)
    shelf.send(STRANGER, shelf.settlement(item_id, second))
    assert shelf.owed_wei(CHALLENGERS[1]) - before_wei == second[1].bond_wei
    assert shelf.stake_wei(keeper) == stake_wei
    shelf.ask(item_id, 0)  # the new keeper can be asked for the same element


@pytest.mark.parametrize("state", ["struck", "closed"])
def test_bonds_come_back_where_nobody_answers_any_more(shelf: Shelf, state: str) -> None:
    content = junk_content()
    item_id = shelf.kept(content)
    asked = shelf.ask(item_id)
    if state == "closed":
        shelf.pass_time(31 * 86_400)
        close = items.CloseItem(item_id=item_id, record=shelf.record(item_id))
        shelf.refused(Reject.DATA_CONTESTED, STRANGER, close)
        shelf.send(STRANGER, shelf.settlement(item_id, asked))
        shelf.send(STRANGER, close)
        shelf.refused(Reject.DATA_STATE, CHALLENGER, shelf.question(item_id, 1, ELEMENT), 10**13)
        return
    shelf.send(CHALLENGERS[1], shelf.mismatch(item_id, content, 32))
    before_wei = shelf.owed_wei(CHALLENGER)
    shelf.send(STRANGER, shelf.settlement(item_id, asked))
    assert shelf.owed_wei(CHALLENGER) - before_wei == asked[1].bond_wei


# --- answers that are none ------------------------------------------------------------------------


def test_wrong_openings_are_refused(shelf: Shelf) -> None:
    content, other = true_content(), junk_content()
    item_id = shelf.kept(content)
    asked = shelf.ask(item_id, element=1)
    right = shelf.answer(content, asked, 1)
    y, proof = content.opening(0, 2)
    off_the_curve = b"\x8f" + bytes(47)
    wrong = {
        "another element": changed(right, y=y, proof=proof),
        "another value": changed(right, y=right.y ^ 1),
        "another proof": changed(right, proof=proof),
        "no point": changed(right, proof=off_the_curve),
        "a short proof": changed(right, proof=right.proof[:47]),
        "no proof": changed(right, proof=b""),
    }
    for call in wrong.values():
        shelf.refused(Reject.OPENING_PROOF, STRANGER, call)
    for large in (right.y + 2**248, BLS_MODULUS + right.y, 2**256 - 1):
        shelf.refused(Reject.ELEMENT_TOO_LARGE, STRANGER, changed(right, y=large))
    for commitment in (other.commitments[0], off_the_curve, right.commitment[:47], b""):
        shelf.refused(Reject.HASHES_PATH, STRANGER, changed(right, commitment=commitment))
    shelf.refused(Reject.HASHES_PATH, STRANGER, changed(right, path=(Bytes32(bytes(32)),)))
    shelf.send(STRANGER, right)


def test_a_commitment_that_is_no_point_cannot_be_answered_for(shelf: Shelf) -> None:
    """A registrant may name the hash of anything; the precompile fails, and takes what gas it is given."""
    content = true_content()
    junk = b"\x8f" + bytes(47)
    shelf.world.learn(content)
    call = changed(shelf.registration(content), nodes=(versioned_hash(junk),))
    shelf.send(REGISTRANT, call, RULES.registrant_bond_wei + call.fee_wei * call.seat_count)
    item_id = ItemId(len(shelf.state.items))
    shelf.assign(item_id)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0))
    asked = shelf.ask(item_id)
    answer = changed(shelf.answer(content, asked), commitment=junk, path=())
    shelf.refused(Reject.OPENING_PROOF, STRANGER, answer)


def test_an_element_of_more_than_31_bytes_cannot_be_answered_for(shelf: Shelf) -> None:
    """A keeper that acknowledged such an item has not looked at it."""
    content = large_content()
    item_id = shelf.kept(content)
    asked = shelf.ask(item_id, element=1)
    answer = shelf.answer(content, asked, 1)
    assert answer.y >= 2**248
    shelf.refused(Reject.ELEMENT_TOO_LARGE, STRANGER, answer)


def test_with_too_little_gas_nothing_happens(shelf: Shelf) -> None:
    """The precompile gets 63/64 of the gas: a call that starves it reverts as a whole."""
    content = true_content()
    item_id = shelf.kept(content)
    asked = shelf.ask(item_id)
    answer = shelf.answer(content, asked)
    evm, contract = shelf.chain.evm.chain, shelf.chain.contracts["Challenges"]
    payload, kept_hash = fast_contracts()["Challenges"].payload(answer), contract.call("challenges", asked[0])
    gas = 24_000
    while contract.call("challenges", asked[0]) == kept_hash:
        gas += 4_000
        with suppress(RuntimeError):
            evm.message_call(STRANGER, contract.address, payload, 0, gas)
    assert 60_000 < gas < 120_000
    assert contract.call("challenges", asked[0]) == bytes(32)
    assert contract.call("credits", asked[1].keeper) == asked[1].bond_wei


def test_one_publication_answers_for_all_seats_and_items(shelf: Shelf) -> None:
    content = true_content()
    first, second = shelf.kept(content), shelf.kept(content)
    asked = [shelf.ask(first, 0, BLOB), shelf.ask(first, 1, BLOB), shelf.ask(second, 2, BLOB)]
    keepers = [shelf.keeper_of(first, 0), shelf.keeper_of(first, 1), shelf.keeper_of(second, 2)]
    before_wei = shelf.wealth_wei(*set(keepers))
    call = challenges.AnswerBlob(
        challenge_ids=tuple(each[0] for each in asked),
        challenges=tuple(each[1] for each in asked),
        index=1,
        path=(),
    )
    sent = (Bytes32(b"\x01" * 32), content.hashes[0])
    shelf.refused(Reject.BLOB_NOT_SENT, STRANGER, call)
    shelf.refused(Reject.BLOB_NOT_SENT, STRANGER, changed(call, index=2), 0, sent)
    shelf.refused(Reject.HASHES_PATH, STRANGER, changed(call, index=0), 0, sent)
    twice = changed(call, challenge_ids=(call.challenge_ids[0],) * 2, challenges=(call.challenges[0],) * 2)
    shelf.refused(Reject.CHALLENGE_UNKNOWN, STRANGER, twice, 0, sent)
    shelf.refused(Reject.CHALLENGE_COUNT, STRANGER, changed(call, challenges=call.challenges[:2]), 0, sent)
    shelf.refused(Reject.CHALLENGE_COUNT, STRANGER, changed(call, challenges=(), challenge_ids=()), 0, sent)
    shelf.send(STRANGER, call, 0, sent)
    assert shelf.wealth_wei(*set(keepers)) - before_wei == 3 * RULES.blob_bond_wei
    assert shelf.state.published_at == {first: shelf.now, second: shelf.now}


def test_a_blob_answers_for_no_other_blob_and_no_element(shelf: Shelf) -> None:
    content = long_content()
    item_id = shelf.kept(content)
    asked = [shelf.ask(item_id, 0, BLOB)]
    call = shelf.question(item_id, 0, BLOB, blob=1)
    shelf.send(CHALLENGER, call, RULES.blob_bond_wei)
    element = shelf.ask(item_id, 0, ELEMENT)
    second = next(key for key in shelf.state.challenges if key not in (asked[0][0], element[0]))
    answer = challenges.AnswerBlob(
        challenge_ids=(second,), challenges=(shelf.state.challenges[second],), index=0, path=content.path(1)
    )
    shelf.refused(Reject.HASHES_PATH, STRANGER, answer, 0, content.hashes[:1])
    shelf.refused(Reject.HASHES_PATH, STRANGER, changed(answer, path=content.path(0)), 0, content.hashes[1:])
    of_element = changed(answer, challenge_ids=(element[0],), challenges=(element[1],), path=content.path(0))
    shelf.refused(Reject.CHALLENGE_KIND, STRANGER, of_element, 0, content.hashes)
    with_element = changed(shelf.answer(content, asked[0]), challenge_id=second)
    with_element = changed(with_element, challenge=shelf.state.challenges[second])
    shelf.refused(Reject.CHALLENGE_KIND, STRANGER, with_element)
    shelf.send(STRANGER, answer, 0, content.hashes[1:])


def test_what_cannot_be_asked(shelf: Shelf) -> None:
    content = true_content()
    item_id = shelf.kept(content)
    call, bond_wei = shelf.question(item_id, 0, ELEMENT), RULES.blob_bond_wei
    shelf.refused(Reject.CHALLENGE_KIND, CHALLENGER, changed(call, kind=0), bond_wei)
    shelf.refused(Reject.CHALLENGE_KIND, CHALLENGER, changed(call, kind=3), bond_wei)
    shelf.refused(Reject.CHALLENGE_ELEMENT, CHALLENGER, changed(call, element=4096), bond_wei)
    shelf.refused(Reject.CHALLENGE_ELEMENT, CHALLENGER, changed(call, blob=1), bond_wei)
    shelf.refused(Reject.CHALLENGE_ELEMENT, CHALLENGER, changed(call, kind=2, element=1), bond_wei)
    shelf.refused(Reject.SEAT_UNACKNOWLEDGED, CHALLENGER, changed(call, seat=3), bond_wei)
    shelf.refused(Reject.SEAT_UNACKNOWLEDGED, CHALLENGER, changed(call, seat=2**200), bond_wei)
    more = changed(call.record, blob_count=2)
    shelf.refused(Reject.RECORD_OTHER, CHALLENGER, changed(call, record=more, blob=1), bond_wei)
    shelf.refused(Reject.RECORD_OTHER, CHALLENGER, changed(call, item_id=item_id + 1), bond_wei)
    shelf.pass_time(30 * 86_400)
    shelf.refused(Reject.DATA_OVER, CHALLENGER, call, bond_wei)
