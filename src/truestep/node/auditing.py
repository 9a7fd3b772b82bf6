"""The part of a worker that has to do with audits: of its own claims, and as an auditor (docs/audits.md)."""

from collections.abc import Iterable
from dataclasses import replace

from truestep.base.ids import TaskId
from truestep.node.chain.ledger import Ledger
from truestep.node.tasks.world import World
from truestep.protocol.calls import SubmitClaims
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles import auditing, challenger
from truestep.roles.actions import Action, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.views import TaskView, View


class AuditsPart:
    """Which tasks audits are about, and what is done for them. In a network without audits, nothing."""

    def __init__(self, world: World, *, is_auditor: bool) -> None:
        self._world = world
        self._is_auditor = is_auditor
        self._risk = ChallengerPolicy(salt=world.secret)

    def tasks(self, ledger: Ledger) -> dict[TaskId, TaskRecord]:
        """Those about whose claims the operator has something to say, and that it disputes."""
        chain = self._world.chain
        facts = chain.facts()
        if facts.auditing is None:
            return {}
        found = [*auditing.own_tasks(facts, self._world.operator or chain.account)]
        if self._is_auditor:
            found += ledger.disputed_tasks(challenger=chain.account)
        return {task_id: ledger.task(task_id) for task_id in found}

    def ready(self, actions: Iterable[Action]) -> list[Action]:
        """Without claims of batches that must be prepared before."""
        facts = self._world.chain.facts()
        return [each for each in actions if not _is_held_back(facts, each)]

    def decide(self, view: View) -> list[Action]:
        """What to compute and say in audits; and, as an auditor, games on claims that are false."""
        world = self._world
        facts, draws = world.chain.facts(), world.draws
        if facts.auditing is None:
            return []
        seen = auditing.AuditingView(
            now=view.now,
            operator=view.operator,
            facts=facts,
            secret=world.secret,
            is_auditor=self._is_auditor,
            can_draw=draws.can_draw if draws is not None else _never,
            tasks=view.tasks,
            in_flight=view.in_flight,
        )
        actions = auditing.decide(seen)
        others = tuple(each for each in view.tasks if _is_of_others(view, each))
        if self._is_auditor and others:
            actions += challenger.decide(replace(view, tasks=others), self._risk)
        return actions


def _is_of_others(view: View, task: TaskView) -> bool:
    return task.task.stage is TaskStage.CLAIMED and task.task.operator != view.operator


def _is_held_back(facts: Facts, action: Action) -> bool:
    call = action.call if isinstance(action, Send) else None
    return isinstance(call, SubmitClaims) and auditing.is_claim_held_back(facts, call.batch_id)


def _never(since: int) -> bool:
    """A network that draws nothing."""
    del since
    return False
