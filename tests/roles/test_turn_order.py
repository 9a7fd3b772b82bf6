"""Whose turn it is to do what several may do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.roles.test_quorum import JOB_ID, MEMBERS, batch_of, facts
from tests.roles.views import BATCH_ID, NOW
from truestep.base.ids import Address
from truestep.protocol.audit_calls import AppointAuditor, DrawAudits
from truestep.protocol.calls import FinalizeBatch
from truestep.protocol.quorum_calls import ChargeLate, DrawCommittee
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import BatchStage
from truestep.roles.actions import Send
from truestep.roles.turn_order import NOTHING_WANTED, TURNS, concerned, delay_seconds, in_turn

LEADER, TURN = MEMBERS[0], 15
STRANGERS = [Address(f"0x{number:040x}") for number in range(1, 41)]
CHARGE = Send(intent="charge-late/1/4", call=ChargeLate(batch_id=BATCH_ID, seat=4), message="")
DRAW = Send(intent="draw-committee/1/7", call=DrawCommittee(job_id=JOB_ID), message="")


def known(**audits: Any) -> Any:
    return facts(batch_of(BatchStage.FINAL), audits={LeafId(BATCH_ID << 8): SimpleNamespace(**audits)})


def test_members_of_a_committee_have_a_turn_each_and_strangers_come_last() -> None:
    others = MEMBERS[1:]
    delays = {each: delay_seconds(known(), each, TURN, CHARGE) for each in others}
    assert sorted(delays.values()) == [0, 15, 30, 45]
    assert concerned(known(), CHARGE) == set(others)  # the operator of the batch may be whom it is about
    late = [delay_seconds(known(), each, TURN, CHARGE) for each in (LEADER, *STRANGERS)]
    assert min(late) >= 60 and max(late) <= 60 + TURNS * TURN


def test_the_first_turn_goes_round() -> None:
    deeds = [Send(intent=f"charge-late/{number}/4", call=CHARGE.call, message="") for number in range(40)]
    first = {each for deed in deeds for each in MEMBERS[1:] if delay_seconds(known(), each, TURN, deed) == 0}
    assert first == set(MEMBERS[1:])


def test_those_that_nobody_knows_are_spread() -> None:
    delays = [delay_seconds(known(), each, TURN, DRAW) for each in STRANGERS]
    assert concerned(known(), DRAW) == frozenset()
    assert len(set(delays)) > 20 and min(delays) >= 0 and max(delays) <= TURNS * TURN
    assert {delay_seconds(known(), each, 0, DRAW) for each in STRANGERS} == {0}


def test_claimants_come_before_auditors_that_are_not_drawn_yet() -> None:
    draw = Send(intent="draw/1", call=DrawAudits(batch_id=BATCH_ID), message="")
    assert delay_seconds(known(), LEADER, TURN, draw) == 0
    assert all(delay_seconds(known(), each, TURN, draw) >= TURN for each in STRANGERS)
    appoint = Send(intent="appoint/256/1", call=AppointAuditor(claim_id=LeafId(BATCH_ID << 8)), message="")
    seen = known(auditor=MEMBERS[1], second=Address("0x" + "0" * 40))
    assert concerned(seen, appoint) == {LEADER, MEMBERS[1]}


def test_what_is_wanted_waits_since_it_was_first_wanted() -> None:
    member = max(MEMBERS[1:], key=lambda each: delay_seconds(known(), each, TURN, CHARGE))
    own = Send(intent="finalize/1", call=FinalizeBatch(batch_id=BATCH_ID), message="")
    actions = [CHARGE, own]
    first = NOTHING_WANTED.at(NOW, actions)
    assert in_turn(NOW, known(), member, TURN, first, actions) == [own]
    later = first.at(NOW + 44, actions)
    assert in_turn(NOW + 44, known(), member, TURN, later, actions) == [own]
    assert in_turn(NOW + 45, known(), member, TURN, later.at(NOW + 45, actions), actions) == actions
    again = later.at(NOW + 45, [own]).at(NOW + 46, actions)
    assert in_turn(NOW + 46, known(), member, TURN, again, actions) == [own]
