"""The life cycle under *drawn*, and what nodes know of it by events alone (docs/drawn.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.protocol.availability.kept_echoes import log_at
from tests.protocol.lots.schedule import LotsSchedule, lots_schedule
from tests.protocol.lots.world import DRAWN_POLICY, LOTS, RULES, SORTITION, LotsWorld
from truestep.base.errors import Reject
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.lots.contracts import lots
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.settlement.assurances import POLICIES, Taking
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.facts.judging import judging, with_policies
from truestep.protocol.settlement.facts.lot_calls import decline, draw, end_turn, offer
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.tasks.telling import fold_told

DEALING = Dealing(policy=DRAWN_POLICY, lots=LOTS, sortition=SORTITION, rules=RULES, phases=DRAW_RULES.phases)


class Echo:
    """A world that sees everything, and the facts of its events. Nobody plays games here."""

    def __init__(self, seed: int) -> None:
        self.world = LotsWorld()
        self.schedule: LotsSchedule = lots_schedule(seed, self.world)
        bare = replace(self.world.state.deployment, policies=POLICIES)
        known = with_policies(bare, None, None, dealing=DEALING)
        self.nothing = Facts(deployment=known, dealing=DEALING)
        self.facts, self.logs, self.block = self.nothing, list[Logged](), 0
        (rules,) = self.world.state.parameters
        self.read([Added(parameters_id=1, parameters=rules)])

    def play(self) -> bool:
        """A step; what facts foretell of calls of Lots is what happens. Whether they foretold one."""
        step = self._step()
        answer = self._answer(step)
        self._compare_taking(step)
        outcome = self.world.play(step)
        if isinstance(step, Message) and answer is not None and step.value_wei == 0:
            if isinstance(answer, Ready):
                is_known = outcome.refusal is None or step.call != answer.call
                is_right = is_known or outcome.refusal is Reject.DRAW_EARLY
                assert is_right, f"{step}: {outcome.refusal}"
            elif outcome.refusal is None and answer is not Reject.OVER:  # of what nobody needs any more
                raise AssertionError(f"{step} was accepted, and facts say {answer}")
        self.read([each for each in outcome.effects if not isinstance(each, Transfer)])
        return isinstance(answer, Ready)

    def _answer(self, step: Any) -> Answer | None:
        call = step.call if isinstance(step, Message) else None
        facts, caller = self.facts, Caller(account=getattr(step, "sender", SORTITION), now=self.schedule.now)
        match call:
            case lots.Offer():
                return offer(facts, caller, call.job_id, call.lot_tasks)
            case lots.Draw():
                return draw(facts, caller, call.job_id, call.shards)
            case lots.Decline():
                return decline(facts, caller, call.operator, call.job_id, call.shards)
            case lots.EndTurn():
                return end_turn(facts, caller, call.job_id, call.shard)
            case _:
                return None

    def _compare_taking(self, step: Any) -> None:
        """Who may take, by facts and by the contract."""
        if not isinstance(step, Message) or not isinstance(step.call, jobs.Take):
            return
        items = [unpack_item(each) for each in step.call.items]
        if not items or not all(item.count and item.job_id in self.facts.offers for item in items):
            return
        taking = Taking(operator=step.call.operator, items=step.call.items, now=step.now)
        ours, theirs = judging(self.facts).policies[DRAWN_POLICY], self.world.state.deployment.policies
        own, other = ours.may_take, theirs[DRAWN_POLICY].may_take
        assert own is not None and other is not None and own(taking) == other(taking)

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
        self.facts = folded.facts

    def check(self) -> None:
        """Offers and lots of jobs that are not over."""
        facts, kept = self.facts, self.world.lots
        for job_id in facts.jobs:
            assert facts.offers.get(job_id) == kept.offers.get(job_id)
        assert {*facts.offers} <= {*facts.jobs}
        assert {**facts.lots} == {key: lot for key, lot in kept.lots.items() if key[0] in facts.jobs}
        assert {*facts.late} == {key for key in kept.failed if key[0] in facts.jobs}
