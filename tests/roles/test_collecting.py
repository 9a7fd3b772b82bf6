"""Who sends what members have found: each by itself, or one for all (docs/quorum.md Q11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.protocol.quorum.world import KEEPER, RULES
from tests.roles.test_quorum import MEMBER, MEMBERS, OTHER_ROOT, RAN, ROOT, SEAT, batch_of, facts, others_task
from tests.roles.views import BATCH_ID, NOW, WORKER, view
from truestep.base.ids import Address, Bytes32
from truestep.protocol.quorum.commitments import commitment_of
from truestep.protocol.quorum.contracts.quorums import Opening, Signed
from truestep.protocol.quorum.state import Sitting
from truestep.protocol.quorum.words import Word
from truestep.protocol.quorum_calls import CommitSigned, ConfirmForAll
from truestep.protocol.settlement.ids import Role
from truestep.protocol.settlement.records import BatchStage
from truestep.roles.collecting import (
    SALT_SECONDS,
    Judged,
    has_enough,
    is_left_to_others,
    offers,
    own_batches,
    seats_missing,
    sent_for_all,
    valid_words,
)
from truestep.roles.quorum import salt_of

SALT = salt_of(MEMBER.secret, BATCH_ID, WORKER)
OWN = commitment_of(WORKER, BATCH_ID, ROOT, SALT)
LONG = replace(RULES, commit_seconds=40)
TAKEN = batch_of(BatchStage.TAKEN, until=NOW + 180)
CLAIMED_AT = NOW - SALT_SECONDS
CLAIMED_BATCH = batch_of(BatchStage.CLAIMED, until=CLAIMED_AT + 1_000)


def offered(batch: Any, now: int = NOW, **known: Any) -> list[Any]:
    task = others_task(own_run=RAN)
    tasks = {task.task.task_id: task}
    return list(offers(view(task, now=now), facts(batch, roles={}, **known), LONG, MEMBER, tasks))


# --- members --------------------------------------------------------------------------------------


def test_a_member_offers_its_commitment_and_waits_for_half_of_the_time_to_commit() -> None:
    (offer,) = offered(TAKEN)
    assert (offer.commitment, offer.salt, offer.must_send) == (OWN, None, False)
    assert is_left_to_others(NOW, LONG, offer, NOW)
    assert is_left_to_others(NOW + 19, LONG, offer, NOW)
    assert not is_left_to_others(NOW + 20, LONG, offer, NOW)


def test_it_never_waits_so_long_that_it_could_be_late() -> None:
    """Neither until half of the lease is over, nor when the claim may come at any moment."""
    (offer,) = offered(TAKEN, now=NOW + 65)
    assert is_left_to_others(NOW + 69, LONG, offer, NOW + 65)
    assert not is_left_to_others(NOW + 70, LONG, offer, NOW + 65)
    two, three = ({(BATCH_ID, seat): 1 for seat in seats} for seats in ((2, 3), (2, 3, 4)))
    assert not offered(TAKEN, commitments=two)[0].must_send
    (last,) = offered(TAKEN, commitments=three)
    assert last.must_send and not is_left_to_others(NOW, LONG, last, NOW)
    assert offered(TAKEN, commitments={(BATCH_ID, SEAT): OWN}) == []


def test_a_salt_is_offered_for_a_claim_of_its_own_result_that_is_not_young() -> None:
    committed: dict[str, Any] = {"commitments": {(BATCH_ID, SEAT): OWN}}
    (young,) = offered(CLAIMED_BATCH, now=NOW - 1, **committed)
    assert young.salt is None and is_left_to_others(NOW - 1, LONG, young, CLAIMED_AT)
    (old,) = offered(CLAIMED_BATCH, **committed)
    assert old.salt == SALT and is_left_to_others(NOW + 19, LONG, old, NOW)
    assert not is_left_to_others(NOW + 20, LONG, old, NOW)
    assert not is_left_to_others(CLAIMED_AT + 250, LONG, old, CLAIMED_AT + 249)
    assert offered(batch_of(BatchStage.CLAIMED, OTHER_ROOT), **committed) == []
    assert offered(CLAIMED_BATCH) == []
    spoken = Sitting(taken_at=0, stretch_seconds=0, confirmed=1 << SEAT)
    assert offered(CLAIMED_BATCH, **committed, sittings={BATCH_ID: spoken}) == []


# --- the operator of a batch ----------------------------------------------------------------------

LEADER = MEMBERS[0]
DELEGATE = Address("0x" + "dd" * 20)


def judged(batch: Any) -> Judged:
    return Judged(batch_id=BATCH_ID, batch=batch, members=MEMBERS)


def word(seat: int, signer: Address | None = None, **changes: Any) -> Word:
    salt = Bytes32(bytes([seat]) * 32)
    commitment = commitment_of(MEMBERS[seat], BATCH_ID, ROOT, salt)
    usual = Word(
        commitment=commitment, signature=bytes([seat]) * 65, signer=signer or MEMBERS[seat], salt=salt
    )
    return replace(usual, **changes)


def test_the_operator_asks_whoever_has_not_said_what_it_has_to_say() -> None:
    known = facts(TAKEN, commitments={(BATCH_ID, 2): 1})
    (own,) = own_batches(known, LEADER)
    assert own == judged(TAKEN) and seats_missing(known, own) == {1, 3, 4}
    assert [*own_batches(known, WORKER)] == [] == [*own_batches(facts(TAKEN, committees={}), LEADER)]
    both = {(BATCH_ID, seat): 1 for seat in (1, 2)}
    opened = {BATCH_ID: Sitting(taken_at=0, stretch_seconds=0, dissented=0b100)}
    assert seats_missing(facts(CLAIMED_BATCH, commitments=both, sittings=opened), judged(CLAIMED_BATCH)) == {
        1
    }
    assert [*own_batches(facts(batch_of(BatchStage.CLAIMED, struck=1)), LEADER)] == []


def test_only_words_that_the_contract_takes_are_sent() -> None:
    known = facts(
        TAKEN, roles={(MEMBERS[3], DELEGATE): int(Role.CLAIM), (MEMBERS[4], DELEGATE): int(Role.TAKE)}
    )
    said = {
        1: word(1),
        2: word(2, KEEPER),
        3: word(3, DELEGATE),
        4: word(4, DELEGATE),
        0: word(0),
        9: word(1),
    }
    assert valid_words(known, judged(TAKEN), said).keys() == {1, 3}
    commitments = {(BATCH_ID, seat): word(seat).commitment for seat in (1, 2, 3)}
    opened = facts(CLAIMED_BATCH, commitments=commitments)
    said = {1: word(1), 2: word(2, salt=None), 3: word(3, salt=SALT), 4: word(4)}
    assert valid_words(opened, judged(CLAIMED_BATCH), said).keys() == {1}


def test_all_is_sent_at_once_and_enough_after_a_while() -> None:
    known, grace = facts(TAKEN, roles={}), LONG.commit_seconds // 4
    case = judged(TAKEN)
    for seats, enough in (((1, 2), False), ((1, 2, 3), True)):
        valid = {seat: word(seat) for seat in seats}
        assert has_enough(known, LONG, case, valid) is enough
        assert sent_for_all(NOW, known, LONG, case, valid, NOW if enough else None) is None
    call = sent_for_all(NOW + grace, known, LONG, case, valid, NOW)
    signed = [
        Signed(seat=each, commitment=word(each).commitment, signature=word(each).signature) for each in valid
    ]
    assert call == CommitSigned(batch_id=BATCH_ID, signed=tuple(signed))
    everybody = {seat: word(seat) for seat in (1, 2, 3, 4)}
    assert isinstance(sent_for_all(NOW, known, LONG, case, everybody, None), CommitSigned)
    assert sent_for_all(case.half, known, LONG, case, {}, NOW) is None
    assert isinstance(sent_for_all(case.half - grace, known, LONG, case, {1: word(1)}, None), CommitSigned)


def test_salts_are_sent_as_confirmations() -> None:
    commitments = {(BATCH_ID, seat): word(seat).commitment for seat in (1, 2, 3)}
    known, case = facts(CLAIMED_BATCH, commitments=commitments), judged(CLAIMED_BATCH)
    assert not has_enough(known, LONG, case, {1: word(1)})
    valid = {1: word(1), 2: word(2)}
    assert has_enough(known, LONG, case, valid)  # with the leader, whose claim it is
    call = sent_for_all(NOW + 10, known, LONG, case, valid, NOW)
    openings = tuple(Opening(seat=seat, salt=Bytes32(bytes([seat]) * 32)) for seat in (1, 2))
    assert call == ConfirmForAll(batch_id=BATCH_ID, openings=openings)
