"""What nodes know of audits by events alone is what the contract knows (docs/audits.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from tests.protocol.audits.schedule import audits_schedule, wind_down_audits
from tests.protocol.audits.world import (
    AUDITS,
    AUDITS_POLICY,
    EXIT_SECONDS,
    RULES,
    SORTITION,
    AuditsWorld,
)
from tests.protocol.settlement.facts.chains import log_at
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.protocol.audits.auditing import Auditing
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.state import Audit
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts.operators import StandingEvent
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.judging import open_until, with_policies
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready, prepared_audit, scope_of
from truestep.protocol.settlement.ids import batch_of_claim
from truestep.protocol.settlement.messages import Message

AUDITING = Auditing(
    policy=AUDITS_POLICY, audits=AUDITS, sortition=SORTITION, rules=RULES, exit_seconds=EXIT_SECONDS
)
SAID = (audits.Publish, audits.Commit, audits.State, audits.Reveal, audits.Close)


@pytest.mark.parametrize("seed", range(3))
def test_facts_follow_the_contract_and_foretell_what_it_takes(seed: int) -> None:
    world = AuditsWorld()
    schedule = audits_schedule(seed, world)
    bare = replace(world.state.deployment, policies=POLICIES)
    nothing = Facts(deployment=with_policies(bare, None, None, None, AUDITING), auditing=AUDITING)
    (rules,) = world.state.parameters
    first = log_at(1, 0, Added(parameters_id=1, parameters=rules), schedule.now)
    facts, block, foretold = fold(nothing, [first]), 1, 0
    for steps in (schedule.steps(700), wind_down_audits(schedule)):
        for step in steps:
            wanted = step.call if isinstance(step, Message) and isinstance(step.call, SAID) else None
            answer = None
            is_known = wanted is not None and batch_of_claim(wanted.claim_id) in facts.batches
            if isinstance(step, Message) and wanted is not None and is_known and step.value_wei == 0:
                caller, scope = Caller(account=step.sender, now=step.now), batch_of_claim(wanted.claim_id)
                answer = prepared_audit(facts, caller, scope_of(facts, scope), wanted)
            outcome = world.play(step)
            if answer is not None:
                foretold += isinstance(answer, Ready)
                assert isinstance(answer, Ready) == (outcome.refusal is None), f"{step}: {outcome}, {answer}"
            block += 1
            facts = fold(facts, _logged(block, getattr(step, "now", schedule.now), outcome.effects))
            _compare(facts, world)
    assert foretold > 5
    assert facts_from_row(facts_to_row(facts), nothing) == facts


def _logged(block: int, now: int, effects: tuple[object, ...]) -> list[Logged]:
    silent = (Transfer, *get_args(StandingEvent))
    events: list[Any] = [each for each in effects if not isinstance(each, silent)]
    return [log_at(block, index, each, now) for index, each in enumerate(events)]


def _compare(facts: Facts, world: AuditsWorld) -> None:
    for claim_id, audit in world.audits.audits.items():
        known = facts.audits.get(claim_id, Audit())
        assert replace(known, work_seconds=audit.work_seconds) == audit
    for batch_id, kept in facts.audited.items():
        assert kept == world.audits.batches[batch_id]
        until = facts.batches[batch_id].batch.until
        policy = world.state.deployment.policies[AUDITS_POLICY]
        assert open_until(facts, batch_id, until) == policy.open_until(batch_id, until)
    for job_id, fund in facts.funds.items():
        assert fund == world.audits.funds[job_id]
