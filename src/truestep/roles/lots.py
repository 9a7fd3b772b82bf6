"""A worker of an operator with a pledge: draws lots, declines those that it does not take, ends idle turns.

What it takes, it takes as any other task (docs/drawn.md T3); here is what it does besides.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from truestep.base.ids import Address, JobId, TaskId, job_of_task, shard_of_task, task_of
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.lot_calls import DeclineLots, DrawLots, EndTurn
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.lots.policy import UNDRAWN, is_turn_over, may_take, waits_since
from truestep.protocol.lots.rules import CALL_LIMIT
from truestep.protocol.lots.state import Lot
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.assurances import Taking
from truestep.protocol.settlement.facts.judging import lots_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NOBODY, Item
from truestep.roles import intents
from truestep.roles.actions import Action, Send
from truestep.roles.views import TaskView, View

LOOKED_AT = 1_024
"""Lots of one job that a node looks at, in order: strangers post jobs of 65,535 shards."""
WAITED_PARTS, LAST_PARTS, PARTS = 5, 7, 8
"""Of a turn: a lot that this node has not begun to take by five eighths is declined, one whose take has not
landed by seven eighths as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotView:
    """A lot of a job that can be taken, with a free shard."""

    job_id: JobId
    number: int
    lot: Lot
    free: tuple[int, ...]
    """Its free shards, of which there is one at least."""

    @property
    def tasks(self) -> Iterator[TaskId]:
        """Those of its free shards."""
        return (task_of(self.job_id, shard) for shard in self.free)


def lots_in(facts: Facts, job_id: JobId, now: int) -> Iterator[LotView]:
    """The first lots of a job with free shards. After its deadline there are none."""
    offered, known = facts.offers[job_id], facts.jobs.get(job_id)
    if known is None or now >= known.job.deadline:
        return
    job = known.job
    count = -(-job.work.shard_count // offered.lot_tasks)
    for number in range(min(count, LOOKED_AT)):
        shards = offered.shards_of(number, job.work.shard_count)
        free = tuple(shard for shard in shards if not job.busy >> shard & 1)
        if free:
            lot = facts.lots.get((job_id, number), UNDRAWN)
            yield LotView(job_id=job_id, number=number, lot=lot, free=free)


def held_by(facts: Facts, dealing: Dealing, operator: Address, now: int) -> list[LotView]:
    """The lots that it is an operator's turn to take, with free shards."""
    jobs = {job_id for (job_id, _), lot in facts.lots.items() if lot.holder == operator}
    return [
        each
        for job_id in jobs
        for each in lots_in(facts, job_id, now)
        if each.lot.holder == operator and not is_turn_over(dealing.rules, each.lot, now)
    ]


def may_take_task(facts: Facts, dealing: Dealing, operator: Address, task_id: TaskId, now: int) -> bool:
    """Whether it is an operator's to take a task of a job under *drawn*."""
    job_id = job_of_task(task_id)
    item = Item(job_id=job_id, first_shard=shard_of_task(task_id), count=1, offset=0).pack()
    return may_take(lots_of(facts), dealing.rules, Taking(operator=operator, items=(item,), now=now))


def without_others(view: View, facts: Facts, dealing: Dealing) -> View:
    """The view in which tasks of lots that are not this operator's to take are not ready."""

    def seen(task: TaskView) -> TaskView:
        is_open = task.task.stage is TaskStage.OPEN and task.job.policy == DRAWN
        if not is_open or may_take_task(facts, dealing, view.operator, task.task.task_id, view.now):
            return task
        return replace(task, job=replace(task.job, is_ready=False))

    return replace(view, tasks=tuple(map(seen, view.tasks)))


def decide(
    view: View,
    facts: Facts,
    dealing: Dealing,
    can_draw: Callable[[int], bool],
    is_worth: Callable[[JobId], bool],
    actions: Collection[Action],
) -> Iterator[Action]:
    """What to do besides `actions`, which take tasks."""
    yield from _declines(view, facts, dealing, is_worth, actions)
    stake = facts.stakes.get(view.operator)
    if stake is None or not stake.pledged_wei:
        return  # others are drawn, and draw
    for job_id in facts.offers:
        if is_worth(job_id):
            lots = list(lots_in(facts, job_id, view.now))
            yield from _draw(view, facts, dealing, can_draw, job_id, lots)
            yield from _end(view, dealing, lots)


def _declines(
    view: View,
    facts: Facts,
    dealing: Dealing,
    is_worth: Callable[[JobId], bool],
    actions: Collection[Action],
) -> Iterator[Send]:
    """At once what this node would never take, and later what it has not come to, before its turn is over."""
    sent = {each.intent for each in actions if isinstance(each, Send)} | view.in_flight
    taken = {task_id for intent in sent for task_id in intents.tasks_taken(intent)}
    for each in held_by(facts, dealing, view.operator, view.now):
        age, turn_seconds = view.now - each.lot.since, dealing.rules.turn_seconds
        is_coming = taken.issuperset(each.tasks)
        parts = LAST_PARTS if is_coming else WAITED_PARTS
        if (is_worth(each.job_id) or is_coming) and age * PARTS < turn_seconds * parts:
            continue
        call = DeclineLots(job_id=each.job_id, operator=view.operator, shards=each.free[:1])
        message = f"it is this operator's turn to take lot {each.number} of job {each.job_id}: decline it"
        intent = f"{intents.of_job('decline-lot', each.job_id, each.number)}/{each.lot.since}"
        yield Send(intent=intent, call=call, message=message)


def _draw(
    view: View,
    facts: Facts,
    dealing: Dealing,
    can_draw: Callable[[int], bool],
    job_id: JobId,
    lots: Collection[LotView],
) -> Iterator[Send]:
    """Draw the lots that wait, as many as a call has room for."""
    offered = facts.offers[job_id]
    waiting = [each for each in lots if each.lot.holder == NOBODY and not each.lot.is_open]
    due = [each for each in waiting if can_draw(waits_since(offered, each.lot))][:CALL_LIMIT]
    if due:
        number = dealing.phases.round_at(view.now)
        shards = tuple(each.free[0] for each in due)
        intent = f"{intents.of_job('draw-lots', job_id, due[0].number)}/{len(due)}/{number}"
        message = f"{len(due)} of the lots of job {job_id} wait: draw who may take them"
        yield Send(intent=intent, call=DrawLots(job_id=job_id, shards=shards), message=message)


def _end(view: View, dealing: Dealing, lots: Collection[LotView]) -> Iterator[Send]:
    """End turns of others with a shard free."""
    for each in lots:
        lot = each.lot
        if lot.holder in (NOBODY, view.operator) or not is_turn_over(dealing.rules, lot, view.now):
            continue
        intent = f"{intents.of_job('end-turn', each.job_id, each.number)}/{lot.since}"
        message = f"the turn of lot {each.number} of job {each.job_id} is over, a shard is free: end it"
        yield Send(intent=intent, call=EndTurn(job_id=each.job_id, shard=each.free[0]), message=message)
