"""The worker's daemon: takes tasks, runs them, claims, defends its claims, collects its rewards."""

from collections.abc import Callable, Iterable

from truestep.node.loop.loop import Daemon, World
from truestep.node.tasks.self_check import SelfCheck
from truestep.node.tasks.views import ViewBuilder
from truestep.protocol.records import JobRecord, Parameters, TaskRecord
from truestep.roles import worker
from truestep.roles.worker import WorkerPolicy


def worker_node(world: World, policy: WorkerPolicy, self_check: SelfCheck | None = None) -> Daemon:
    """A worker for the chain's account, which checks its runs before it claims them if it is told how."""

    def is_wanted(now: int) -> Callable[[JobRecord, Parameters], bool]:
        return lambda job, parameters: worker.is_worth_taking(job, parameters, now, policy)

    def choose(viewing: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Its own tasks, those with games against it, and some that it might take."""
        ledger, account = viewing.ledger, world.chain.account
        tasks = {task.task_id: task for task in ledger.busy_tasks() if task.operator == account}
        tasks |= {task_id: ledger.task(task_id) for task_id in ledger.disputed_tasks(operator=account)}
        for task in viewing.open_tasks(now, policy.active_limit + 1, is_wanted(now)):
            tasks.setdefault(task.task_id, task)
        return tasks.values()

    return Daemon(
        world,
        choose=choose,
        decide=lambda view: worker.decide(view, policy),
        run_limit=policy.active_limit,
        self_check=self_check,
    )
