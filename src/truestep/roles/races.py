"""Races for open tasks: who takes first gets them, and all others pay gas for a call that is reverted.

A worker that has lost a race waits before it takes open tasks: of each job for as many slots as its lot says,
out of twice as many after each further loss (binary exponential backoff, as in Ethernet, IEEE 802.3). Lots
differ from operator to operator and from job to job, so that each worker is the first for some jobs. One that
loses no race never waits.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from truestep.base.ids import Address, JobId, TaskId, job_of_task
from truestep.commitments.keccak import keccak256
from truestep.protocol.calls import TakeTasks
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.roles.actions import Action, Send
from truestep.roles.taking import KNOWN
from truestep.roles.views import TaskView, View

LEVELS_LIMIT = 3
"""Eight slots at most: with more workers some races are lost, and no job waits for minutes."""
SLOT_LIMIT_SECONDS = 15
"""A block of Ethereum and some: nobody who takes all makes others wait for longer."""
WINS = 8
"""Takes in a row that are won before half of the slots are enough."""
MEMORY_SECONDS = 600
"""A lost race is forgotten after so long, and so is a take that has no outcome."""
DEADLINE_SHARE = 8
"""A task waits for one part in this many of the time to its deadline, at most."""

TaskOf = Callable[[TaskId], TaskRecord]
"""A task as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A take that was decided on and has no outcome yet."""

    tasks: tuple[TaskId, ...]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Races:
    """What a worker knows of the races that it was in. Times in the chain's seconds."""

    tries: Mapping[str, Try] = field(default_factory=dict[str, Try])
    """By intent."""
    since: Mapping[TaskId, int] = field(default_factory=dict[TaskId, int])
    """When each open task was seen first."""
    pressure: int = 0
    """`WINS` more for a lost race, one less for one that is won."""
    losses: int = 0
    lost_at: int | None = None
    slot_seconds: int = 1
    """How long it took to see that the last race was lost."""

    @property
    def slots(self) -> int:
        """Over so many this worker spreads its takes."""
        return 1 << -(-self.pressure // WINS)

    def tried(self, now: int, tasks: Collection[TaskView], actions: Collection[Action]) -> "Races":
        """After these actions: what they take may be lost to others."""
        contested = {task.task.task_id for task in tasks if _is_contested(task)}
        new = {
            each.intent: Try(tasks=each.call.tasks, at=now)
            for each in actions
            if isinstance(each, Send) and isinstance(each.call, TakeTasks)
            if contested.issuperset(each.call.tasks)
        }
        return replace(self, tries=new | {**self.tries})

    def at(self, now: int, operator: Address, task_of: TaskOf) -> "Races":
        """With what has become of the takes until now."""
        found = self if self.lost_at is None or now < self.lost_at + MEMORY_SECONDS else self._forgotten()
        tries: dict[str, Try] = {}
        for intent, each in self.tries.items():
            takers = {record.operator for record in map(task_of, each.tasks) if record.stage in _HELD}
            if takers - {operator}:
                found = found._lost(now, now - each.at)
            elif takers:
                found = replace(found, pressure=max(found.pressure - 1, 0))
            elif now < each.at + MEMORY_SECONDS:
                tries[intent] = each
        return replace(found, tries=tries)

    def _lost(self, now: int, seconds: int) -> "Races":
        return replace(
            self,
            pressure=min(self.pressure + WINS, LEVELS_LIMIT * WINS),
            losses=self.losses + 1,
            lost_at=now,
            slot_seconds=min(max(seconds, 1), SLOT_LIMIT_SECONDS),
        )

    def _forgotten(self) -> "Races":
        return replace(self, pressure=0, lost_at=None)

    def seeing(self, view: View) -> "Races":
        """With the open tasks of a view."""
        seen = [task.task.task_id for task in view.tasks if task.task.stage is TaskStage.OPEN]
        return replace(self, since={task_id: self.since.get(task_id, view.now) for task_id in seen})

    def left(self, view: View) -> View:
        """The view, in which open tasks are left to others until their time comes."""
        if self.slots == 1:
            return view
        tasks = [
            replace(task, left_until=self._due(view.operator, task)) if _is_contested(task) else task
            for task in view.tasks
        ]
        return replace(view, tasks=tuple(tasks))

    def _due(self, operator: Address, task: TaskView) -> int:
        task_id = task.task.task_id
        seen_at = self.since[task_id]
        lot = _lot(operator, job_of_task(task_id), self.losses) % self.slots
        limit = max(task.job.deadline - seen_at, 0) // DEADLINE_SHARE
        return min(max(seen_at, self.lost_at or 0) + lot * self.slot_seconds, seen_at + limit)


def _is_contested(task: TaskView) -> bool:
    """Whether any worker may take a task, so that whoever is first gets it."""
    return task.task.stage is TaskStage.OPEN and task.job.policy in KNOWN and task.job.policy != DRAWN


def _lot(operator: Address, job_id: JobId, losses: int) -> int:
    """One for all tasks of a job: neighbours that are taken together cost least."""
    return int.from_bytes(keccak256(f"{operator.lower()}/{job_id}/{losses}".encode())[:8], "big")


_HELD = (TaskStage.TAKEN, TaskStage.CLAIMED)
