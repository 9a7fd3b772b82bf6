"""The part of a worker that sits on committees: it judges, has claims wait, and disputes (docs/quorum.md)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from truestep.base.ids import BatchId, TaskId, job_of_task, task_of_claim
from truestep.node.availability.desk import Desk
from truestep.node.chain.ledger import Ledger
from truestep.node.handover import Handover
from truestep.node.tasks.world import World
from truestep.protocol.calls import SubmitClaims
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.quorum_calls import CommitSigned, ConfirmForAll
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.records import BatchStage
from truestep.roles import challenger, collecting, intents, quorum
from truestep.roles.actions import Action, Decline, Declined, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.collecting import BatchKey, Missing
from truestep.roles.quorum import Member
from truestep.roles.views import View
from truestep.roles.worker_policy import WorkerPolicy

ForAll = CommitSigned | ConfirmForAll


class CommitteesPart:
    """What a member does besides a worker's work. In a network without quorums, nothing."""

    def __init__(self, world: World, policy: WorkerPolicy) -> None:
        self._world = world
        self._policy = policy
        self._risk = ChallengerPolicy(salt=world.secret)
        self._handover = Handover(world.handing, world.clock) if world.handing is not None else None
        self._enough_since: dict[BatchId, int] = {}
        """Own batches for which as many members have committed as a quorum needs, and when that was seen."""
        self._gathered_since: dict[tuple[BatchKey, BatchStage], int] = {}
        """The same of words that were handed over."""
        self._sent: dict[tuple[BatchKey, BatchStage], ForAll] = {}
        """What this node has sent for all, once: one that commits by itself meanwhile has it fail once."""

    @property
    def desks(self) -> list[Desk]:
        """What asks other members."""
        return [] if self._handover is None else [self._handover]

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
        handed = self._hand_over(view, facts, judge)
        judged = quorum.decide(view, facts, judge, self._policy, handed)
        for_all = self._send_for_all(view, facts, seating.rules)
        return [*for_all, *kept, *judged, *self._disputes(view, facts)]

    def _hand_over(self, view: View, facts: Facts, judge: Member) -> frozenset[BatchId]:
        """Show what this node has to say; the batches of which another one may send it for now."""
        if self._handover is None or not self._handover.is_heard:
            return frozenset()
        rules, tasks = judge.seating.rules, {task.task.task_id: task for task in view.tasks}
        offered = list(collecting.offers(view, facts, rules, judge, tasks))
        since = self._handover.offer(view.now, view.operator, offered)
        return frozenset(
            each.batch_id
            for each in offered
            if collecting.is_left_to_others(view.now, rules, each, since[each.batch_id])
        )

    def _send_for_all(self, view: View, facts: Facts, rules: Rules) -> Iterator[Action]:
        """Of own batches: ask whoever is missing, and send what they have handed over."""
        if self._handover is None:
            return
        own = list(collecting.own_batches(facts, view.operator))
        keys = {(each.key, each.batch.stage) for each in own}
        self._sent = {key: call for key, call in self._sent.items() if key in keys}
        gathered: dict[tuple[BatchKey, BatchStage], int] = {}
        wanted: list[Missing] = []
        for each in own:
            key = (each.key, each.batch.stage)
            valid = collecting.valid_words(facts, each, self._handover.words(each.key))
            if collecting.has_enough(facts, rules, each, valid):
                gathered[key] = self._gathered_since.get(key, view.now)
            new = collecting.sent_for_all(view.now, facts, rules, each, valid, gathered.get(key))
            call = self._sent.get(key, new)
            if call is not None and collecting.seats_of(call) <= valid.keys():
                self._sent[key] = call
                yield _of_all(call)
            wanted += [
                Missing(
                    batch_id=each.batch_id,
                    tasks_root=each.batch.terms.tasks_root,
                    seat=seat,
                    member=each.members[seat],
                )
                for seat in sorted(collecting.seats_missing(facts, each) - valid.keys())
                if call is None
            ]
        self._gathered_since = gathered
        self._handover.want(wanted, {each.key for each in own})

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


def _of_all(call: ForAll) -> Send:
    """One intent for each: these seats of this batch."""
    seats = sum(1 << seat for seat in collecting.seats_of(call))
    if isinstance(call, CommitSigned):
        deed, what = "commit-signed", "commitments"
    else:
        deed, what = "confirm-for-all", "openings"
    count = len(collecting.seats_of(call))
    message = f"batch {call.batch_id}: send the {what} that {count} of its members have handed over"
    return Send(intent=f"{intents.of_batch(deed, call.batch_id)}/{seats}", call=call, message=message)
