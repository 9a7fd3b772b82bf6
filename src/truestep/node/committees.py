"""The part of a worker that sits on committees: it judges, has claims wait, and disputes (docs/quorum.md)."""

from collections.abc import Sequence
from dataclasses import replace

from truestep.base.ids import BatchId, TaskId, job_of_task, task_of_claim
from truestep.node.chain.ledger import Ledger
from truestep.node.tasks.world import World
from truestep.protocol.calls import SubmitClaims
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles import challenger, quorum
from truestep.roles.actions import Action, Decline, Declined, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.quorum import Member
from truestep.roles.views import View
from truestep.roles.worker_policy import WorkerPolicy


class CommitteesPart:
    """What a member does besides a worker's work. In a network without quorums, nothing."""

    def __init__(self, world: World, policy: WorkerPolicy) -> None:
        self._world = world
        self._policy = policy
        self._risk = ChallengerPolicy(salt=world.secret)
        self._enough_since: dict[BatchId, int] = {}
        """Own batches for which as many members have committed as a quorum needs, and when that was seen."""

    def tasks(self, ledger: Ledger) -> frozenset[TaskId]:
        """Those that the operator judges as a member, or whose claims it disputes."""
        chain = self._world.chain
        disputed = ledger.disputed_tasks(challenger=chain.account)
        operator = self._world.operator or chain.account
        return frozenset((*quorum.tasks_to_look_at(chain.facts(), operator), *disputed))

    def decide(self, view: View, own: Sequence[Action]) -> list[Action]:
        """What a member does, besides what it does as a worker: its own claims wait for their committees."""
        facts = self._world.chain.facts()
        seating = facts.seating
        if seating is None:
            return [*own]
        self._note(view, facts, seating)
        judge = Member(seating=seating, secret=self._world.secret)
        kept = [each for each in own if not self._is_judged(view, facts, seating, each)]
        return [*kept, *quorum.decide(view, facts, judge, self._policy), *self._disputes(view, facts)]

    def _note(self, view: View, facts: Facts, seating: Seating) -> None:
        enough = quorum.batches_with_enough(facts, seating.rules, view.operator)
        self._enough_since = {each: self._enough_since.get(each, view.now) for each in enough}

    def _is_judged(self, view: View, facts: Facts, seating: Seating, action: Action) -> bool:
        """Whether a claim waits for its committee, or a task is declined that a member may take."""
        match action:
            case Send(call=SubmitClaims(batch_id=batch_id)):
                return not quorum.may_claim(view, facts, batch_id, self._enough_since.get(batch_id))
            case Decline(reason=Declined.ASSURANCE, task_id=task_id):
                known = facts.jobs.get(job_of_task(task_id))
                return known is not None and known.job.terms.policy == seating.policy
            case _:
                return False

    def _disputes(self, view: View, facts: Facts) -> list[Action]:
        """The games of a member whose result is another one: it plays them as a challenger does."""
        tasks = {task.task.task_id: task for task in view.tasks}
        disputed = quorum.disputed_by_own_result(view, facts, tasks)
        committed = {task_of_claim(claim_id) for claim_id, _ in view.commitments}
        seen = tuple(task for task_id, task in tasks.items() if task_id in disputed | committed)
        return challenger.decide(replace(view, tasks=seen), self._risk) if seen else []
