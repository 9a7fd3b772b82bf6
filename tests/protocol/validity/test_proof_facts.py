"""What nodes know of proofs by events alone is what the contract knows, and what they make of it is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.protocol.availability.kept_echoes import log_at
from tests.protocol.validity.schedule import ValiditySchedule, validity_schedule
from tests.protocol.validity.world import VALIDITY_POLICY, VERIFIERS, PutMood, ValidityStep, ValidityWorld
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.base.ids import Address, BatchId
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.batches import is_leaf_standing
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.facts.due import Action, due
from truestep.protocol.settlement.facts.fold import TIMED, fold
from truestep.protocol.settlement.facts.judging import with_policies
from truestep.protocol.settlement.facts.proof_calls import contradict, drop, prove, prove_many, stop
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.duties import duties
from truestep.protocol.settlement.tasks.telling import fold_told
from truestep.protocol.validity.contracts import verifiers
from truestep.protocol.validity.proving import Proving

PROVING = Proving(policy=VALIDITY_POLICY, verifiers=VERIFIERS)
ANYBODY = Address("0x" + "05" * 20)


class Echo:
    """A world that sees everything, and the facts of its events. Nobody plays games here."""

    def __init__(self, seed: int) -> None:
        self.world = ValidityWorld()
        self.schedule: ValiditySchedule = validity_schedule(seed, self.world)
        bare = replace(self.world.state.deployment, policies=POLICIES)
        self.nothing = Facts(deployment=with_policies(bare, None, PROVING), proving=PROVING)
        self.facts, self.logs, self.block = self.nothing, list[Logged](), 0
        (rules,) = self.world.state.parameters
        self.read([Added(parameters_id=1, parameters=rules)])

    def play(self) -> None:
        """A step; what facts foretell of calls of Verifiers is what happens."""
        step = self._step()
        answer = self._answer(step)
        outcome = self.world.play(step)
        if isinstance(step, Message) and answer is not None and step.value_wei == 0:
            if isinstance(answer, Ready):
                is_right = outcome.refusal is None or step.call != answer.call
                assert is_right or self._is_unforetold(step), f"{step}: {outcome.refusal}"
            elif outcome.refusal is None:
                raise AssertionError(f"{step} was accepted, and facts say {answer}")
        if not isinstance(step, PutMood):
            self.read([each for each in outcome.effects if not isinstance(each, Transfer)])

    def _is_unforetold(self, step: Message) -> bool:
        """Only a verifier knows whether a proof holds, and the chain who the guardian is."""
        return isinstance(step.call, verifiers.Prove | verifiers.ProveMany | verifiers.Stop)

    def _answer(self, step: ValidityStep) -> Answer | None:
        call = step.call if isinstance(step, Message) else None
        caller = Caller(account=ANYBODY, now=self.schedule.now)
        match call:
            case verifiers.Prove():
                return prove(self.facts, caller, call.claim_id, call.number, call.seal)
            case verifiers.ProveMany():
                count = len(call.others) + 1
                return prove_many(self.facts, caller, call.claim_id, count, call.number, call.seal)
            case verifiers.Drop():
                return drop(self.facts, caller, call.claim_id)
            case verifiers.Contradict():
                return contradict(self.facts, call.claim_id)
            case verifiers.Stop():
                return stop(self.facts, call.number)
            case _:
                return None

    def _step(self) -> ValidityStep:
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
        self.facts = folded.facts

    def check(self) -> None:
        """Entries and proofs, and what can be done."""
        facts, known, now = self.facts, self.world.verifiers, self.schedule.now
        assert facts.entries == known.entries
        assert facts.entry_stopped_at == known.last_stopped_at
        for batch_id in facts.batches:
            assert facts.proven.get(batch_id, 0) == known.proven.get(batch_id, 0)
        assert {*facts.proven} <= {*facts.batches} >= {*facts.reopened_until}
        drops, stops = set[LeafId](), set[LeafId]()
        for each in due(facts, ANYBODY, now):
            if each.action is Action.DROP:
                drops.add(LeafId(each.subject))
            if each.action is Action.CONTRADICT:
                stops.add(LeafId(each.subject))
        assert stops == {claim_id for claim_id in known.proofs if self._is_contradicted(claim_id)}
        assert drops == {*self._unproven()}
        assert len(duties(facts, ANYBODY, now)) >= len(stops) + len(drops) // 2

    def _is_contradicted(self, claim_id: LeafId) -> bool:
        batch = self.world.state.batches[batch_of_claim(claim_id)]
        entry = self.world.verifiers.entries[self.world.verifiers.proofs[claim_id].number - 1]
        return bool(batch.struck >> leaf_of_claim(claim_id) & 1) and not entry.stopped_at

    def _unproven(self) -> list[LeafId]:
        state, now, found = self.world.state, self.schedule.now, list[LeafId]()
        for batch_id, batch in state.batches.items():
            is_late = now > max(batch.until, state.stopped_until) and batch.stage is not BatchStage.TAKEN
            for leaf_index in range(batch.leaf_count if is_late and batch.policy == VALIDITY_POLICY else 0):
                claim_id = LeafId(BatchId(batch_id) << 8 | leaf_index)
                if claim_id not in self.world.verifiers.proofs and is_leaf_standing(state, claim_id):
                    found.append(claim_id)
        return found


@pytest.mark.parametrize("seed", range(3))
def test_facts_agree_and_what_they_make_is_accepted(seed: int) -> None:
    echo = Echo(seed)
    for number in range(400):
        try:
            echo.play()
            if number % 10 == 0:
                echo.check()
        except BaseException as error:
            error.add_note(f"seed {seed}, step {number}")
            raise
    timeless = [each if type(each.event) in TIMED else replace(each, time=0) for each in echo.logs]
    assert fold(echo.nothing, timeless) == echo.facts
    assert facts_from_row(facts_to_row(echo.facts), echo.nothing) == echo.facts  # a restart's short cut
