"""Facts under the policy Kept, held against the world whose events they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.protocol.availability.kept_schedule import NOBODYS, KeptSchedule, kept_schedule
from tests.protocol.availability.kept_world import (
    ACKNOWLEDGE_SECONDS,
    ANSWER_SECONDS,
    BLOB_BOND_WEI,
    KEPT,
    KEPT_POLICY,
    KeptStep,
    KeptWorld,
    PutChallenge,
    PutItem,
    demand_for,
)
from tests.protocol.availability.world import RULES
from tests.protocol.settlement.facts.chains import log_at
from tests.protocol.settlement.facts.echoes import rebuilt
from tests.protocol.settlement.world import KEEPER, Outcome
from truestep.base.errors import Reject
from truestep.base.ids import task_of
from truestep.protocol.availability import state
from truestep.protocol.availability.contracts import bindings, challenges, items, kept
from truestep.protocol.availability.contracts.items import ItemState, Standing
from truestep.protocol.availability.facts import OVER
from truestep.protocol.availability.ids import ChallengeId, ItemId
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.calls import CallBack, CancelTasks, WriteOut
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.assurances import POLICIES, Question
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.facts import kept_calls
from truestep.protocol.settlement.facts.due import Action, due, hold_of_subject
from truestep.protocol.settlement.facts.judging import judging, with_policies
from truestep.protocol.settlement.facts.records import Event, Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.calls import prepared_call
from truestep.protocol.settlement.tasks.duties import duties
from truestep.protocol.settlement.tasks.standing import Standing as Tasks
from truestep.protocol.settlement.tasks.table import Table
from truestep.protocol.settlement.tasks.telling import fold_told

KEEPING = Keeping(
    policy=KEPT_POLICY,
    kept=KEPT,
    contracts=state.Deployment(chain_id=1, keepers=KEEPER, items=KEEPER, challenges=KEEPER, bindings=KEEPER),
    rules=replace(
        RULES,
        answer_seconds=ANSWER_SECONDS,
        acknowledge_seconds=ACKNOWLEDGE_SECONDS,
        blob_bond_wei=BLOB_BOND_WEI,
    ),
)
NOT_FACTS = (Reject.TOKEN_REFUSED, Reject.TOKEN_SHORT, Reject.PAYMENT_REFUSED, Reject.NOTHING_TO_WITHDRAW)
"""Refusals that facts do not foretell: they are of strangers, or of what no event says."""


class EchoWorld(KeptWorld):
    """A challenge that is open contests its item, as it does in the contracts."""

    def standing(self, item_id: ItemId) -> Standing:
        said = KeptWorld.standing(self, item_id)
        is_asked = any(challenge_id >> 128 == item_id for challenge_id in self.open_challenges)
        return replace(said, is_contested=said.is_contested or is_asked)


class KeptEcho:
    """A world that sees everything, and the facts of its events."""

    def __init__(self, seed: int, *, keeps: frozenset[Any] | None = None) -> None:
        self.world = EchoWorld()
        self.schedule: KeptSchedule = kept_schedule(seed, self.world)
        deployment = with_policies(replace(self.world.state.deployment, policies=POLICIES), KEEPING, None)
        self.nothing = Facts(deployment=deployment, keeping=KEEPING, keeps=keeps)
        self.block = 0
        (rules,) = self.world.state.parameters
        self.logs: list[Logged] = []
        self.facts = self.nothing
        self.table = Table()
        self._read([Added(parameters_id=1, parameters=rules)])
        self.gaps = 0

    def play(self) -> str:
        """A step, made by a builder where there is one; the facts follow."""
        step = self._step()
        name = type(step.call if isinstance(step, Message) else step).__name__
        before = dict(self.world.items)
        answer = rebuilt_kept(self.facts, step) if isinstance(step, Message) else None
        if isinstance(step, Message) and isinstance(answer, Ready):
            if not isinstance(step.call, kept.Hold | kept.HoldForDemand):
                assert answer.value_wei == step.value_wei
            step = replace(step, call=answer.call, value_wei=answer.value_wei)
        outcome = self.world.play(step)
        if isinstance(step, PutItem | PutChallenge):
            self._read([*events_of(before, step)])
        else:
            self._read([each for each in outcome.effects if not isinstance(each, Transfer)])
        if answer is not None:
            check_answer(step, answer, outcome)
        return name if outcome.refusal is None else f"{name}: {outcome.refusal}"

    def _step(self) -> KeptStep:
        """A step that events tell of: nobody plays games here."""
        schedule = self.schedule
        if schedule.follow_ups:
            return schedule.follow_ups.pop()
        schedule._pass_time()
        makers = schedule._makers()
        del makers[schedule.hold], makers[schedule.strike]
        while True:
            (maker,) = schedule.rng.choices(list(makers), weights=list(makers.values()))
            step = maker()
            if step is not None:
                return step

    def _read(self, events: list[Any]) -> None:
        self.block += 1
        logs = [log_at(self.block, place, event, self.schedule.now) for place, event in enumerate(events)]
        self.logs += logs
        folded = fold_told(self.facts, logs)
        assert not folded.gaps
        self.facts = folded.facts
        for event in (event for told in folded.told for event in told):
            self.table.apply(event)


def check_answer(step: KeptStep, answer: Answer, outcome: Outcome) -> None:
    """What a builder makes is accepted, and what it refuses is refused."""
    if isinstance(answer, Ready):
        assert outcome.refusal in (None, *NOT_FACTS), f"{step}: {outcome.refusal}"
    else:
        assert outcome.refusal is not None or answer is Reject.OVER, f"{step}: {answer}"


def rebuilt_kept(facts: Facts, message: Message) -> Answer | None:
    """The call of Kept from what only its caller can know, or another one."""
    caller = Caller(account=message.sender, now=message.now)
    match message.call:
        case kept.Supply(job_id=job_id, program=program, input=given):
            return kept_calls.supply(facts, caller, job_id, program.item_id, given.item_id)
        case kept.Deliver(batch_id=batch_id, outputs=outputs):
            return kept_calls.deliver(facts, caller, batch_id, outputs.item_id or None)
        case kept.Hold(batch_id=batch_id, challenge_id=challenge_id):
            return kept_calls.hold(facts, caller, batch_id, challenge_id)
        case kept.HoldForDemand(batch_id=batch_id, demand_id=demand_id):
            return kept_calls.hold_for_demand(facts, caller, batch_id, demand_id)
        case kept.SettleHold(batch_id=batch_id, ordinal=ordinal):
            return kept_calls.settle_hold(facts, caller, batch_id, ordinal)
        case kept.Fail(claim_id=claim_id):
            return kept_calls.fail(facts, caller, claim_id)
        case kept.WithdrawTo(receiver=receiver):
            return kept_calls.withdraw(facts, caller, receiver)
        case _:
            return rebuilt(facts, message)


def events_of(before: dict[ItemId, PutItem], step: PutItem | PutChallenge) -> Iterator[Event]:
    """What Items, Challenges and Bindings tell when an item or a challenge becomes like this."""
    if isinstance(step, PutChallenge):
        yield _asked(step.challenge_id) if step.is_open else _settled(step.challenge_id)
        return
    old, new = before.get(step.item_id), step.standing
    if old is None:
        yield items.Registered(
            item_id=step.item_id,
            registrant=step.record.registrant,
            parts_hash=step.record.parts_hash,
            record=step.record,
            parts=step.parts,
            nodes=(),
            url="",
        )
    past = old.standing if old is not None else replace(new, state=ItemState.REGISTERED, was_kept=False)
    if new.was_kept and not past.was_kept and new.state != ItemState.KEPT:
        yield items.StateChanged(item_id=step.item_id, state=ItemState.KEPT)
    if new.state != past.state:
        yield items.StateChanged(item_id=step.item_id, state=new.state)
        if new.state in OVER:
            yield items.Closed(item_id=step.item_id, registrant=step.record.registrant, refunded_wei=0)
    if new.published_at != past.published_at:
        yield challenges.Published(
            challenge_id=ChallengeId(step.item_id << 128),
            item_id=step.item_id,
            versioned_hash=step.record.hashes_root,
        )
    was_contested = old is not None and old.standing.is_contested
    if new.is_contested != was_contested:
        yield _demanded(step) if new.is_contested else _demand_settled(step)


def _asked(challenge_id: ChallengeId) -> Event:
    challenge = challenges.Challenge(
        challenger=KEEPER, keeper=KEEPER, hashes_root=NOBODYS.hashes_root, bond_wei=1, until=1
    )
    item_id = ItemId(challenge_id >> 128)
    return challenges.Challenged(
        challenge_id=challenge_id, item_id=item_id, keeper=KEEPER, challenge=challenge
    )


def _settled(challenge_id: ChallengeId) -> Event:
    item_id = ItemId(challenge_id >> 128)
    return challenges.Settled(challenge_id=challenge_id, item_id=item_id, is_slashed=False)


def _demanded(step: PutItem) -> Event:
    demand = bindings.Demand(
        challenger=KEEPER,
        record_hash=step.standing.record_hash,
        keeper=KEEPER,
        node=step.parts[0].root,
        level=24,
        index=0,
        is_answered=False,
        answer_wei=1,
        left_wei=5,
        moved_at=0,
    )
    demand_id = demand_for(step.item_id)
    return bindings.Demanded(demand_id=demand_id, item_id=step.item_id, keeper=KEEPER, demand=demand)


def _demand_settled(step: PutItem) -> Event:
    return bindings.DemandSettled(
        demand_id=demand_for(step.item_id),
        item_id=step.item_id,
        receiver=KEEPER,
        amount_wei=1,
        is_struck=False,
    )


# --- what must be so ------------------------------------------------------------------------------


def check_facts(echo: KeptEcho) -> None:
    """What the facts say of jobs, batches and items is what the world has."""
    facts, world, now = echo.facts, echo.world, echo.schedule.now
    for job_id in facts.jobs:
        assert facts.kept.supplied.get(job_id) == world.kept.supplied.get(job_id)
    judged, real = judging(facts).policies[KEPT_POLICY], world.state.deployment.policies[KEPT_POLICY]
    for batch_id, known in facts.batches.items():
        assert facts.kept.batch(batch_id) == world.kept.batch(batch_id)
        if known.batch.policy != KEPT_POLICY:
            continue
        until = known.batch.until
        assert judged.open_until(batch_id, until) == real.open_until(batch_id, until)
        for second in (now, now + 1, now + 10**6):
            question = Question(
                batch_id=batch_id,
                until=until,
                leaf_count=known.batch.leaf_count,
                now=second,
                held=lambda _: 0,
            )
            assert judged.verdict(question) == real.verdict(question)
    for key, hold in world.kept.holds.items():
        is_returned = world.state.batches[key[0]].struck != 0
        if is_returned or key[0] in facts.batches:
            assert facts.kept.holds[key] == hold
    needed = {item for pair in facts.kept.supplied.values() for item in pair}
    needed |= {each.item_id for each in facts.kept.batches.values() if each.item_id in world.items}
    for item_id, item in facts.data.items.items():
        assert facts.data.standing(item_id) == world.standing(item_id)
        assert item.needed_by == sum(pair.count(item_id) for pair in facts.kept.supplied.values()) + sum(
            each.item_id == item_id for each in facts.kept.batches.values()
        )
        assert item.state not in OVER or item_id in needed
    assert needed <= facts.data.items.keys()


def check_tasks(echo: KeptEcho) -> None:
    """Told events say of tasks what the facts say: also how long a game may be opened on a claim."""
    standing = Tasks(echo.facts)
    for job_id, known in echo.facts.jobs.items():
        for shard in range(min(known.job.work.shard_count, 40)):
            task, told = standing.task(task_of(job_id, shard)), echo.table.task(task_of(job_id, shard))
            assert task is not None and told is not None
            if TaskStage.CLAIMED in (task.stage, told.stage) and task.batch_id:
                assert (task.stage, task.until) == (told.stage, told.until)


FAILS = (Action.FAIL, Action.DOOM)


def check_due(echo: KeptEcho) -> None:
    """What is due by data is what the world accepts."""
    facts, world, now = echo.facts, echo.world, echo.schedule.now
    caller = Caller(account=KEEPER, now=now)
    found = [each for each in due(facts, KEEPER, now) if each.action in (*FAILS, Action.SETTLE_HOLD)]
    fails = {each.subject for each in found if each.action in FAILS}
    for batch_id, batch in world.state.batches.items():
        if batch.policy != KEPT_POLICY or batch.stage is not BatchStage.CLAIMED:
            continue
        for leaf_index in range(batch.leaf_count):
            claim_id = claim_of(batch_id, leaf_index)
            answer = kept_calls.fail(facts, caller, claim_id)
            assert (claim_id in fails) == isinstance(answer, Ready), f"{claim_id}: {answer}"
    for duty in duties(facts, KEEPER, now):  # else it would be sent, and reverted
        if duty.call is not None and not isinstance(duty.call, CallBack | CancelTasks | WriteOut):
            assert isinstance(prepared_call(facts, caller, duty.call), Ready), duty
    returned = {key for key in world.kept.holds if world.state.batches[key[0]].struck}
    settled = {hold_of_subject(each.subject) for each in found if each.action is Action.SETTLE_HOLD}
    assert settled == returned
