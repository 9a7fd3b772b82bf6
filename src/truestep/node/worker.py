"""The worker's daemon: takes tasks, runs them, claims, defends its claims, collects its rewards."""

from collections.abc import Callable, Iterable

from truestep.base.ids import Bytes32
from truestep.node.loop.loop import Loop
from truestep.node.tasks.agent import Daemon, TaskAgent
from truestep.node.tasks.views import ViewBuilder
from truestep.node.tasks.world import World
from truestep.protocol.records import JobRecord, Parameters, TaskRecord, TaskStage
from truestep.roles import worker
from truestep.roles.worker import WorkerPolicy


def worker_node(world: World, policy: WorkerPolicy, distrusted: dict[Bytes32, str] | None = None) -> Daemon:
    """A worker for the chain's account. `distrusted`: evidence by program, of what it must not claim."""

    def is_wanted(now: int) -> Callable[[JobRecord, int, Parameters], bool]:
        return lambda job, code_bytes, parameters: worker.is_worth_taking(
            job, code_bytes, parameters, now, policy
        )

    def choose(views: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Its own tasks, those with games against it, and some that it might take."""
        ledger, account = views.ledger, world.chain.account
        disputed = ledger.disputed_tasks(operator=account)
        tasks = {
            task.task_id: task
            for task in ledger.tasks_of(account)
            if task.task_id in disputed or not _is_waiting(task, now)
        }
        tasks |= {task_id: ledger.task(task_id) for task_id in disputed}
        for task in views.open_tasks(now, policy.held_factor * policy.active_limit + 1, is_wanted(now)):
            tasks.setdefault(task.task_id, task)
        return tasks.values()

    agent = TaskAgent(
        world,
        choose=choose,
        decide=lambda view: worker.decide(view, policy),
        run_limit=policy.active_limit,
        distrusted=distrusted,
    )
    return Loop(agent, world.clock, world.reporter)


def _is_waiting(task: TaskRecord, now: int) -> bool:
    """Whether there is nothing to do about a claim until its window ends or somebody disputes it."""
    return task.stage is TaskStage.CLAIMED and now <= task.until
