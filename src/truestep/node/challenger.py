"""The challenger's daemon: re-runs every claim in its window and disputes the false ones."""

from collections.abc import Iterable

from truestep.node.loop.loop import Loop
from truestep.node.tasks.agent import Daemon, TaskAgent
from truestep.node.tasks.views import ViewBuilder
from truestep.node.tasks.world import World
from truestep.protocol.records import TaskRecord
from truestep.roles import challenger
from truestep.roles.challenger import ChallengerPolicy


def challenger_node(world: World, policy: ChallengerPolicy) -> Daemon:
    """A challenger for the chain's account."""

    def choose(views: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Every claim in its window that is not known to be true, and those that it disputes."""
        ledger, account = views.ledger, world.chain.account
        tasks = {
            task.task_id: task
            for task in ledger.claimed_tasks()
            if now <= task.until and not views.is_known_true(task)
        }
        tasks |= {task_id: ledger.task(task_id) for task_id in ledger.disputed_tasks(challenger=account)}
        return tasks.values()

    agent = TaskAgent(
        world,
        choose=choose,
        decide=lambda view: challenger.decide(view, policy),
        run_limit=policy.check_limit,
    )
    return Loop(agent, world.clock, world.reporter)
