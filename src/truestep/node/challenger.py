"""The challenger's daemon: re-runs every claim in its window and disputes the false ones."""

from collections.abc import Iterable

from truestep.node.loop.loop import Daemon, World
from truestep.node.tasks.views import ViewBuilder
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.roles import challenger
from truestep.roles.challenger import ChallengerPolicy


def challenger_node(world: World, policy: ChallengerPolicy) -> Daemon:
    """A challenger for the chain's account."""

    def choose(viewing: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Every claim in its window, and those it disputes."""
        ledger, account = viewing.ledger, world.chain.account
        claimed = (task for task in ledger.busy_tasks() if task.stage is TaskStage.CLAIMED)
        tasks = {task.task_id: task for task in claimed if now <= task.until}
        tasks |= {task_id: ledger.task(task_id) for task_id in ledger.disputed_tasks(challenger=account)}
        return tasks.values()

    return Daemon(
        world,
        choose=choose,
        decide=lambda view: challenger.decide(view, policy),
        run_limit=policy.check_limit,
    )
