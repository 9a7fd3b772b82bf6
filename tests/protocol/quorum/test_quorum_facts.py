"""What nodes know of quorums by events alone is what the contract knows, and their calls are right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.protocol.availability.kept_echoes import log_at
from tests.protocol.quorum.schedule import QuorumSchedule, quorum_schedule
from tests.protocol.quorum.world import (
    EXIT_SECONDS,
    QUORUM_POLICY,
    QUORUMS,
    RULES,
    SORTITION,
    QuorumWorld,
)
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.facts.fold import TIMED, fold
from truestep.protocol.settlement.facts.judging import is_proven as is_proven_by_facts
from truestep.protocol.settlement.facts.judging import open_until, with_policies
from truestep.protocol.settlement.facts.quorum_calls import (
    charge_late,
    charge_lie,
    commit,
    commit_signed,
    compensate,
    confirm,
    fail,
    open_commitment,
    refund,
    step_in,
)
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.policies import is_proven
from truestep.protocol.settlement.tasks.telling import fold_told

SEATING = Seating(
    policy=QUORUM_POLICY,
    quorums=QUORUMS,
    sortition=SORTITION,
    rules=RULES,
    phases=DRAW_RULES.phases,
    exit_seconds=EXIT_SECONDS,
)


class Echo:
    """A world that sees everything, and the facts of its events. Nobody plays games here."""

    def __init__(self, seed: int) -> None:
        self.world = QuorumWorld()
        self.schedule: QuorumSchedule = quorum_schedule(seed, self.world)
        bare = replace(self.world.state.deployment, policies=POLICIES)
        self.nothing = Facts(deployment=with_policies(bare, None, None, SEATING), seating=SEATING)
        self.facts, self.logs, self.block = self.nothing, list[Logged](), 0
        self.is_load_known = True
        """Of a job that is over, whose committee is drawn all the same, the facts have no number of tasks."""
        (rules,) = self.world.state.parameters
        self.read([Added(parameters_id=1, parameters=rules)])

    def play(self) -> bool:
        """A step; what facts foretell of calls of Quorums is what happens. Whether they foretold one."""
        step = self._step()
        answer = self._answer(step)
        outcome = self.world.play(step)
        if isinstance(step, Message) and answer is not None and step.value_wei == 0:
            if isinstance(answer, Ready):
                is_right = outcome.refusal is None or step.call != answer.call
                assert is_right, f"{step}: {outcome.refusal}"
            elif outcome.refusal is None and answer is not Reject.OVER:  # of what nobody needs any more
                raise AssertionError(f"{step} was accepted, and facts say {answer}")
        self.read([each for each in outcome.effects if not isinstance(each, Transfer)])
        return isinstance(answer, Ready)

    def _is_signed(self, call: quorums.CommitMany) -> bool:
        """Whether each member has signed by itself. Facts know no signatures; whoever asks checks them."""
        members, tasks_root = call.committee.members, call.terms.tasks_root
        return all(
            each.seat < len(members)
            and self.world.signed.get(
                (call.batch_id, tasks_root, members[each.seat], each.commitment, each.signature)
            )
            == members[each.seat]
            for each in call.signed
        )

    def _answer(self, step: Any) -> Answer | None:
        call = step.call if isinstance(step, Message) else None
        facts, caller = self.facts, Caller(account=getattr(step, "sender", SORTITION), now=self.schedule.now)
        match call:
            case quorums.StepIn() if call.seat < len(call.members):
                return step_in(facts, caller, call.job_id, call.members[call.seat])
            case quorums.Fail():
                return fail(facts, caller, call.batch_id)
            case quorums.Refund() if call.job_id in facts.jobs:
                return refund(facts, caller, call.job_id)
            case quorums.Commit() if call.seat < len(call.committee.members):
                member = call.committee.members[call.seat]
                root, salt = self.world.said[call.batch_id, call.seat]
                return commit(facts, caller, call.batch_id, member, root, salt)
            case quorums.Dissent() if call.seat < len(call.committee.members):
                member = call.committee.members[call.seat]
                return open_commitment(facts, caller, call.batch_id, member, call.root, call.salt)
            case quorums.CommitMany() if self._is_signed(call):
                return commit_signed(facts, caller, call.batch_id, call.signed)
            case quorums.Confirm() if len(call.openings) > 1:
                return confirm(facts, caller, call.batch_id, call.openings)
            case quorums.Confirm() if len(call.openings) == 1 and call.openings[0].seat < RULES.seats:
                (opening,), members = call.openings, call.committee.members
                member: Address = members[opening.seat] if opening.seat < len(members) else SORTITION
                root = call.terms.claims_root
                return open_commitment(facts, caller, call.batch_id, member, root, opening.salt)
            case quorums.Compensate():
                return compensate(facts, caller, call.batch_id, call.seats)
            case quorums.ChargeLate():
                return charge_late(facts, caller, call.batch_id, call.seat)
            case quorums.ChargeLie():
                return charge_lie(facts, caller, call.lie.claim_id, call.seat)
            case _:
                return None

    def _step(self) -> Any:
        schedule = self.schedule
        if schedule.follow_ups:
            return schedule.follow_ups.pop()
        schedule._pass_time()
        makers = schedule._makers()
        del makers[schedule.hold]
        while True:
            (maker,) = schedule.rng.choices(list(makers), weights=list(makers.values()))
            step = maker()
            if step is not None:
                return step

    def read(self, events: list[Any]) -> None:
        """The facts follow."""
        self.block += 1
        logs = [log_at(self.block, place, event, self.schedule.now) for place, event in enumerate(events)]
        self.logs += logs
        folded = fold_told(self.facts, logs)
        assert not folded.gaps
        self.is_load_known &= all(
            each.job_id in self.facts.purses for each in events if isinstance(each, quorums.Drawn)
        )
        self.facts = folded.facts

    def check(self) -> None:
        """Committees and sittings, and what follows from them."""
        facts, kept, now = self.facts, self.world.quorums, self.schedule.now
        assert facts.quorum_load == kept.load or not self.is_load_known
        for job_id in facts.jobs:
            assert facts.purses.get(job_id) == kept.purses.get(job_id)
            assert facts.committees.get(job_id) == kept.committees.get(job_id)
        assert {*facts.purses} <= {*facts.jobs} >= {*facts.committees}
        assert {*facts.sittings} <= {*facts.batches}
        assert {key[0] for key in (*facts.commitments, *facts.dissents)} <= {*facts.sittings}
        for batch_id, known in facts.batches.items():
            assert facts.sittings.get(batch_id) == kept.sittings.get(batch_id)
            batch = known.batch
            if batch.policy == QUORUM_POLICY:
                policy = self.world.state.deployment.policies[QUORUM_POLICY]
                assert open_until(facts, batch_id, batch.until) == policy.open_until(batch_id, batch.until)
                is_known = is_proven(self.world.state, claim_of(batch_id, 0), now)
                if is_known:
                    assert is_proven_by_facts(facts, claim_of(batch_id, 0), now)


@pytest.mark.parametrize("seed", range(3))
def test_facts_agree_and_what_they_make_is_accepted(seed: int) -> None:
    echo, foretold = Echo(seed), 0
    for number in range(500):
        try:
            foretold += echo.play()
            if number % 10 == 0:
                echo.check()
        except BaseException as error:
            error.add_note(f"seed {seed}, step {number}")
            raise
    assert foretold > 5
    timeless = [each if type(each.event) in TIMED else replace(each, time=0) for each in echo.logs]
    assert fold(echo.nothing, timeless) == echo.facts
    assert facts_from_row(facts_to_row(echo.facts), echo.nothing) == echo.facts  # a restart's short cut
