"""A worker that loses races for open tasks leaves some of them to others for a while."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.roles.views import BOND_WEI, CHALLENGER, NOW, TASK, WORKER, taken_view, task_view, view
from truestep.base.ids import Address, JobId, TaskId, task_of
from truestep.protocol.calls import TakeTasks
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.roles.actions import Action, Send
from truestep.roles.estimates import Speed
from truestep.roles.races import DEADLINE_SHARE, LEVELS_LIMIT, MEMORY_SECONDS, SLOT_LIMIT_SECONDS, WINS, Races
from truestep.roles.views import TaskView, View
from truestep.roles.worker import WorkerPolicy, decide

POLICY = WorkerPolicy(active_limit=64, speed=Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1))
SLOTS = 1 << LEVELS_LIMIT


def opened(jobs: int, **changes: Any) -> list[TaskView]:
    """Jobs of one open task each."""
    return [task_view(task={"task_id": task_of(JobId(job), 0)}, **changes) for job in range(1, jobs + 1)]


def taken(actions: list[Action]) -> set[TaskId]:
    calls = [action.call for action in actions if isinstance(action, Send)]
    return {task for call in calls if isinstance(call, TakeTasks) for task in call.tasks}


def looked(races: Races, seen: View) -> tuple[Races, set[TaskId]]:
    """A look of a worker: what it takes of a view."""
    races = races.seeing(seen)
    actions = decide(races.left(replace(seen, free_stake_wei=100 * BOND_WEI)), POLICY)
    return races.tried(seen.now, seen.tasks, actions), taken(actions)


def held_by(operator: Address) -> Any:
    """Tasks that somebody has taken."""
    return lambda task_id: replace(TASK, task_id=task_id, stage=TaskStage.TAKEN, operator=operator)


def untaken(task_id: TaskId) -> TaskRecord:
    return replace(TASK, task_id=task_id)


def test_who_loses_no_race_never_waits() -> None:
    races = Races()
    for look in range(20):
        races, took = looked(races, view(*opened(3), now=NOW + look))
        assert len(took) == 3
        races = races.at(NOW + look, WORKER, held_by(WORKER))
    assert (races.slots, races.tries) == (1, {})


def test_after_a_lost_race_some_jobs_are_left_for_a_slot() -> None:
    races, _ = looked(Races(), view(*opened(1), now=NOW - 4))
    races = races.at(NOW, WORKER, held_by(CHALLENGER))
    assert (races.slots, races.slot_seconds, races.losses) == (2, 4, 1)
    jobs = opened(40)
    races, at_once = looked(races, view(*jobs, now=NOW))
    assert 5 < len(at_once) < 35
    rest = [task for task in jobs if task.task.task_id not in at_once]
    races, too_early = looked(races, view(*rest, now=NOW + 3))
    assert too_early == set()
    _, later = looked(races, view(*rest, now=NOW + 4))
    assert len(later) == len(rest)


def test_each_further_loss_doubles_the_slots_up_to_a_limit_and_wins_halve_them() -> None:
    races, slots, take = Races(), list[int](), decide(view(*opened(1)), POLICY)
    for _ in range(5):
        races = races.tried(NOW - 1, opened(1), take).at(NOW, WORKER, held_by(CHALLENGER))
        slots.append(races.slots)
    assert slots == [2, 4, SLOTS, SLOTS, SLOTS]
    for _ in range(WINS):
        races = races.tried(NOW, opened(1), take).at(NOW + 1, WORKER, held_by(WORKER))
    assert races.slots == 4
    for _ in range(2 * WINS):
        races = races.tried(NOW, opened(1), take).at(NOW + 1, WORKER, held_by(WORKER))
    assert races.slots == 1


def test_operators_wait_differently_and_differently_after_each_loss() -> None:
    def order(operator: Address, losses: int) -> list[int]:
        races = Races(pressure=LEVELS_LIMIT * WINS, lost_at=NOW, losses=losses)
        seen = view(*opened(40), operator=operator)
        return [task.left_until - NOW for task in races.seeing(seen).left(seen).tasks]

    first, other, again = order(WORKER, 3), order(CHALLENGER, 3), order(WORKER, 4)
    assert first not in (other, again)
    assert {*first} == {*range(SLOTS)}


def test_neighbours_of_a_job_are_left_and_taken_together() -> None:
    races = Races(pressure=LEVELS_LIMIT * WINS, lost_at=NOW, losses=3)
    shards = [task_view(task={"task_id": task_of(JobId(1), shard)}) for shard in range(8)]
    seen = view(*shards)
    assert len({task.left_until for task in races.seeing(seen).left(seen).tasks}) == 1


@pytest.mark.parametrize("seconds", [0, SLOT_LIMIT_SECONDS, 10**6])
def test_nobody_makes_others_wait_for_long(seconds: int) -> None:
    races = Races(pressure=LEVELS_LIMIT * WINS).tried(
        NOW - seconds, opened(1), decide(view(*opened(1)), POLICY)
    )
    races = races.at(NOW, WORKER, held_by(CHALLENGER))
    seen = view(*opened(40))
    waits = [task.left_until - NOW for task in races.seeing(seen).left(seen).tasks]
    assert min(waits) >= 0 and max(waits) < SLOTS * SLOT_LIMIT_SECONDS


def test_a_task_with_a_near_deadline_hardly_waits() -> None:
    races = Races(pressure=LEVELS_LIMIT * WINS, lost_at=NOW, losses=1, slot_seconds=SLOT_LIMIT_SECONDS)
    seen = view(*opened(40, job={"deadline": NOW + 80}))
    waits = [task.left_until - NOW for task in races.seeing(seen).left(seen).tasks]
    assert max(waits) == 80 // DEADLINE_SHARE


def test_a_lost_race_is_forgotten_after_a_while() -> None:
    races = Races(pressure=LEVELS_LIMIT * WINS, lost_at=NOW, losses=3)
    assert races.at(NOW + MEMORY_SECONDS - 1, WORKER, untaken).slots == SLOTS
    assert races.at(NOW + MEMORY_SECONDS, WORKER, untaken).slots == 1


def test_a_take_without_an_outcome_is_neither_lost_nor_kept_for_ever() -> None:
    races, _ = looked(Races(), view(*opened(1)))
    assert races.at(NOW + 1, WORKER, untaken) == races
    gone = races.at(NOW + MEMORY_SECONDS, WORKER, untaken)
    assert (gone.tries, gone.slots) == ({}, 1)


def test_lots_of_ones_own_are_no_race() -> None:
    races = Races(pressure=LEVELS_LIMIT * WINS, lost_at=NOW, losses=1)
    seen = view(*opened(4, job={"policy": DRAWN}))
    races = races.seeing(seen)
    assert races.left(seen) == seen
    assert races.tried(NOW, seen.tasks, decide(seen, POLICY)).tries == {}


def test_what_is_taken_already_is_not_held_up() -> None:
    races = Races(pressure=LEVELS_LIMIT * WINS, lost_at=NOW, losses=1)
    seen = view(taken_view())
    assert races.seeing(seen).left(seen) == seen
