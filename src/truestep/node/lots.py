"""The part of a worker that is drawn for jobs: it takes or declines its lots in its turn (docs/drawn.md)."""

from collections.abc import Collection
from dataclasses import replace

from truestep.base.ids import JobId, TaskId
from truestep.node.chain.ledger import Ledger
from truestep.node.tasks.world import World
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage
from truestep.roles import lots, worker
from truestep.roles.actions import Action
from truestep.roles.views import View
from truestep.roles.worker_policy import WorkerPolicy


class LotsPart:
    """What a worker does about lots. In a network without them, nothing."""

    def __init__(self, world: World, policy: WorkerPolicy) -> None:
        self._world = world
        self._policy = policy
        self._jobs: dict[JobId, JobRecord] = {}

    def tasks(self, ledger: Ledger, now: int) -> dict[TaskId, TaskRecord]:
        """Those of lots that it is the operator's turn to take."""
        facts, dealing = self._world.chain.facts(), self._world.chain.facts().dealing
        if dealing is None:
            return {}
        self._jobs = {job.job_id: job for job in ledger.live_jobs() if job.policy == DRAWN}
        operator = self._world.operator or self._world.chain.account
        held = lots.held_by(facts, dealing, operator, now)
        found = [ledger.task(task_id) for each in held for task_id in each.tasks]
        return {task.task_id: task for task in found if task.stage is TaskStage.OPEN}

    def seen(self, view: View) -> View:
        """What a worker may take of it."""
        facts = self._world.chain.facts()
        return view if facts.dealing is None else lots.without_others(view, facts, facts.dealing)

    def decide(self, view: View, actions: Collection[Action]) -> list[Action]:
        """The actions, and what is to be drawn, declined and ended besides."""
        facts, draws = self._world.chain.facts(), self._world.draws
        dealing = facts.dealing
        if dealing is None or not facts.offers:
            return [*actions]
        can_draw = draws.can_draw if draws is not None else _never
        more = lots.decide(
            view, facts, dealing, can_draw, lambda job_id: self._is_worth(job_id, dealing, view), actions
        )
        return [*more, *actions]

    def _is_worth(self, job_id: JobId, dealing: Dealing, view: View) -> bool:
        """Whether this node would take tasks of a job, as far as its terms say."""
        job = self._jobs.get(job_id)
        if job is None or job.policy != dealing.policy or view.struck_count > self._policy.struck_tolerated:
            return False
        return worker.is_worth_taking(replace(job, is_ready=True), 0, view.now, self._policy)


def _never(since: int) -> bool:
    """A network that draws nothing."""
    del since
    return False
