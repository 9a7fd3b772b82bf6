"""The worker's daemon: takes tasks, runs them, claims, defends its claims, collects its rewards."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from truestep.base.ids import Address, Bytes32, TaskId, job_of_task, task_of_claim
from truestep.node.auditing import AuditsPart
from truestep.node.availability.answer_desk import TaskAnswerDesk
from truestep.node.availability.delivery_desk import DeliveryDesk
from truestep.node.availability.desk import Desk
from truestep.node.chain.ledger import Ledger
from truestep.node.drawing.desk import EntropyDesk
from truestep.node.loop.loop import Loop
from truestep.node.proving.desk import ProvingDesk
from truestep.node.tasks.agent import Daemon, TaskAgent
from truestep.node.tasks.views import ViewBuilder
from truestep.node.tasks.world import World
from truestep.protocol.calls import SubmitClaims
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles import challenger, duties, worker
from truestep.roles.actions import Action, Decline, Declined, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.proving import own_claims, proving_entries
from truestep.roles.quorum import Member, disputed_by_own_result, may_claim, tasks_to_look_at
from truestep.roles.quorum import decide as judging
from truestep.roles.views import View
from truestep.roles.worker import WorkerPolicy


def worker_node(
    world: World,
    policy: WorkerPolicy,
    distrusted: dict[Bytes32, str] | None = None,
    *,
    is_member: bool = False,
) -> Daemon:
    """A worker for the chain's account. `distrusted`: evidence by program, of what it must not claim.

    It takes no job whose outputs are to be kept if the world cannot have that done. A member judges the jobs
    that committees of it are drawn for, and disputes the claims of which it has found another result.
    """
    if world.delivering is None:
        policy = replace(policy, delivery=None)
    if world.proving is None:
        policy = replace(policy, circuits={})

    audits = AuditsPart(world, is_auditor=policy.is_auditor)

    def policy_at(now: int) -> WorkerPolicy:
        """Which programs it can prove, the entries of Verifiers say, which change."""
        if not policy.circuits:
            return policy
        facts, operator = world.chain.facts(), world.operator or world.chain.account
        found = proving_entries(facts, policy.circuits, now)
        waiting = sum(not each.is_proven and now <= each.until for each in own_claims(facts, operator))
        return replace(policy, proving_entries=found, proofs_waiting=waiting)

    def is_wanted(now: int) -> Callable[[JobRecord, int], bool]:
        then = policy_at(now)
        return lambda job, code_bytes: worker.is_worth_taking(job, code_bytes, now, then)

    def choose(views: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Its own tasks that are not claimed, those with games, and some that it might take."""
        ledger, operator = views.ledger, views.operator
        disputed = ledger.disputed_tasks(operator=operator)
        tasks = {
            task.task_id: task
            for task in ledger.tasks_of(operator)
            if task.task_id in disputed or task.stage is TaskStage.TAKEN
        }
        tasks |= {task_id: ledger.task(task_id) for task_id in disputed}
        looked_at = _of_member(world, ledger, operator) if is_member else frozenset[TaskId]()
        tasks |= audits.tasks(ledger) | {task_id: ledger.task(task_id) for task_id in looked_at}
        for task in views.open_tasks(now, policy.held_factor * policy.active_limit + 1, is_wanted(now)):
            tasks.setdefault(task.task_id, task)
        return tasks.values()

    def decide(view: View) -> list[Action]:
        """What a worker does, and what an auditor and a member do besides."""
        actions, facts = worker.decide(view, policy_at(view.now)), world.chain.facts()
        actions = [*audits.ready(actions), *audits.decide(view)]
        if facts.seating is None or not is_member:
            return duties.once(view, actions)
        judge, mine = Member(seating=facts.seating, secret=world.secret), facts.seating.policy
        own = [each for each in actions if not _is_judged(view, facts, mine, each)]
        return duties.once(view, [*own, *judging(view, facts, judge, policy), *_disputes(view, facts, world)])

    agent = TaskAgent(
        world,
        choose=choose,
        decide=decide,
        run_limit=policy.active_limit,
        distrusted=distrusted,
        desks=_desks(world, policy),
    )
    return Loop(agent, world.clock, world.reporter)


def _of_member(world: World, ledger: Ledger, operator: Address) -> frozenset[TaskId]:
    """The tasks that a member judges, or whose claims it disputes."""
    disputed = ledger.disputed_tasks(challenger=world.chain.account)
    return frozenset((*tasks_to_look_at(world.chain.facts(), operator), *disputed))


def _is_judged(view: View, facts: Facts, policy: int, action: Action) -> bool:
    """Whether a claim waits for its committee, or a task is declined that a member may take."""
    match action:
        case Send(call=SubmitClaims() as call):
            return not may_claim(view, facts, call)
        case Decline(reason=Declined.ASSURANCE, task_id=task_id):
            known = facts.jobs.get(job_of_task(task_id))
            return known is not None and known.job.terms.policy == policy
        case _:
            return False


def _disputes(view: View, facts: Facts, world: World) -> list[Action]:
    """The games of a member whose result is another one: it plays them as a challenger does."""
    tasks = {task.task.task_id: task for task in view.tasks}
    disputed = disputed_by_own_result(view, facts, tasks)
    committed = {task_of_claim(claim_id) for claim_id, _ in view.commitments}
    seen = tuple(task for task_id, task in tasks.items() if task_id in disputed | committed)
    if not seen:
        return []
    policy = ChallengerPolicy(salt=world.secret)
    return challenger.decide(replace(view, tasks=seen), policy)


def _desks(world: World, policy: WorkerPolicy) -> list[Desk]:
    """What the network and the worker can: have outputs kept, prove claims, answer for blobs."""
    chain, clock, reporter = world.chain, world.clock, world.reporter
    desks: list[Desk] = []
    if policy.delivery is not None and world.delivering is not None:
        desks.append(DeliveryDesk(chain, policy.delivery, world.delivering, clock, reporter))
    if policy.circuits and world.proving is not None:
        circuits = policy.circuits
        desks.append(ProvingDesk(chain, world.store, circuits, world.proving, clock, reporter))
    if world.answering is not None:
        desks.append(TaskAnswerDesk(chain, world.answering, clock, reporter))
    if world.rounds is not None:
        desks.append(EntropyDesk(world.rounds, world.store, world.secret, clock, reporter))
    return desks
