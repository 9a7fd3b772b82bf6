"""The challenger's daemon: re-runs every claim that can be challenged and disputes the false ones."""

from collections.abc import Iterable
from dataclasses import replace

from truestep.base.ids import ClaimId
from truestep.node.availability.answer_desk import TaskAnswerDesk
from truestep.node.availability.claims_desk import ClaimsDesk
from truestep.node.availability.desk import Desk
from truestep.node.availability.watch_desk import WatchDesk
from truestep.node.drawing.desk import EntropyDesk
from truestep.node.loop.loop import Loop
from truestep.node.tasks.agent import Daemon, TaskAgent
from truestep.node.tasks.views import ViewBuilder
from truestep.node.tasks.world import World
from truestep.ports.executor import Executor
from truestep.protocol.records import TaskRecord
from truestep.roles import challenger
from truestep.roles.availability.sights import WatchPolicy
from truestep.roles.challenger import ChallengerPolicy


def challenger_node(world: World, policy: ChallengerPolicy) -> Daemon:
    """A challenger for the chain's account."""
    salted = replace(policy, salt=world.secret)
    known_true: frozenset[ClaimId] | None = None
    """At the last look, or before the start: that was said, and there is nothing more to do about them."""

    def choose(views: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Claims that it can act on, once more after they are known to be true, and those it disputes."""
        nonlocal known_true
        ledger, account, stopped_until = views.ledger, world.chain.account, views.stopped_until()
        claimed = [
            task
            for task in ledger.claimed_tasks()
            if now <= max(task.until, stopped_until) or views.can_be_refuted(task)
        ]
        now_true = frozenset(each.claim_id for each in claimed if views.is_known_true(each))
        done = now_true if known_true is None else now_true & known_true
        known_true = now_true
        tasks = {task.task_id: task for task in claimed if task.claim_id not in done}
        tasks |= {task_id: ledger.task(task_id) for task_id in ledger.disputed_tasks(challenger=account)}
        return tasks.values()

    desks: list[Desk] = []
    if world.watching is not None:
        desks.append(_desk(world, world.watching, salted))
    if world.answering is not None:
        desks.append(TaskAnswerDesk(world.chain, world.answering, world.clock, world.reporter))
    if world.rounds is not None:
        desks.append(EntropyDesk(world.rounds, world.store, world.secret, world.clock, world.reporter))
    agent = TaskAgent(
        world,
        choose=choose,
        decide=lambda view: challenger.decide(view, salted),
        run_limit=policy.check_limit,
        desks=desks,
    )
    return Loop(agent, world.clock, world.reporter, world.monitor)


def _desk(world: World, executor: Executor, policy: ChallengerPolicy) -> ClaimsDesk:
    """For claims whose data cannot be had: they have the same limits as games, each of its own."""
    risked = WatchPolicy(
        bonds_limit_wei=policy.bonds_limit_wei,
        gas_reserve_wei=policy.gas_reserve_wei,
        withdraw_above_wei=policy.withdraw_above_wei,
        salt=policy.salt,
    )
    desk = WatchDesk(executor, world.store, world.clock, world.reporter)
    return ClaimsDesk(world.chain, desk, risked, world.clock)
