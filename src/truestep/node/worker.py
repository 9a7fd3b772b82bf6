"""The worker's daemon: takes tasks, runs them, claims, defends its claims, collects its rewards."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from truestep.base.ids import Bytes32, TaskId
from truestep.node.anchoring.desk import AnchoringDesk
from truestep.node.auditing import AuditsPart
from truestep.node.availability.answer_desk import TaskAnswerDesk
from truestep.node.availability.delivery_desk import DeliveryDesk
from truestep.node.availability.desk import Desk
from truestep.node.committees import CommitteesPart
from truestep.node.drawing.desk import EntropyDesk
from truestep.node.drawing.weight_desk import WeightDesk
from truestep.node.loop.loop import Loop
from truestep.node.lots import LotsPart
from truestep.node.proving.desk import ProvingDesk
from truestep.node.races import RacesPart
from truestep.node.tasks.agent import Daemon, TaskAgent
from truestep.node.tasks.views import ViewBuilder
from truestep.node.tasks.world import World
from truestep.node.turn_order import TurnOrder
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage
from truestep.roles import duties, worker
from truestep.roles.actions import Action
from truestep.roles.proving import own_claims, proving_entries
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
    committees = CommitteesPart(world, policy) if is_member else None
    lots, turns, races = LotsPart(world, policy), TurnOrder(world, policy.turn_seconds), RacesPart()

    def is_wanted(now: int) -> Callable[[JobRecord, int], bool]:
        then = _policy_at(world, policy, now)
        return lambda job, code_bytes: worker.is_worth_taking(job, code_bytes, now, then)

    def choose(views: ViewBuilder, now: int) -> Iterable[TaskRecord]:
        """Its own tasks that are not claimed, those with games, and some that it might take."""
        ledger, operator = views.ledger, views.operator
        races.look(ledger, operator, now)
        disputed = ledger.disputed_tasks(operator=operator)
        tasks = {
            task.task_id: task
            for task in ledger.tasks_of(operator)
            if task.task_id in disputed or task.stage is TaskStage.TAKEN
        }
        tasks |= {task_id: ledger.task(task_id) for task_id in disputed}
        looked_at = committees.tasks(ledger) if committees is not None else frozenset[TaskId]()
        tasks |= lots.tasks(ledger, now)
        tasks |= audits.tasks(ledger) | {task_id: ledger.task(task_id) for task_id in looked_at}
        for task in views.open_tasks(now, policy.held_factor * policy.active_limit + 1, is_wanted(now)):
            tasks.setdefault(task.task_id, task)
        return tasks.values()

    def decide(view: View) -> list[Action]:
        """What a worker does, and what an auditor and a member do besides, each in its turn."""
        actions = worker.decide(races.seen(lots.seen(view)), _policy_at(world, policy, view.now))
        actions = [*audits.ready(actions), *audits.decide(view)]
        if committees is not None:
            actions = committees.decide(view, actions)
        actions = lots.decide(view, actions)
        return races.noted(view, duties.once(view, turns.due(view, actions)))

    agent = TaskAgent(
        world,
        choose=choose,
        decide=decide,
        run_limit=policy.active_limit,
        distrusted=distrusted,
        desks=[*_desks(world, policy), *(committees.desks if committees is not None else [])],
    )
    return Loop(agent, world.clock, world.reporter, world.monitor)


def _policy_at(world: World, policy: WorkerPolicy, now: int) -> WorkerPolicy:
    """Which programs a worker can prove, the entries of Verifiers say, which change."""
    if not policy.circuits:
        return policy
    facts, operator = world.chain.facts(), world.operator or world.chain.account
    found = proving_entries(facts, policy.circuits, now)
    waiting = sum(not each.is_proven and now <= each.until for each in own_claims(facts, operator))
    return replace(policy, proving_entries=found, proofs_waiting=waiting)


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
    if world.pledges is not None:
        desks.append(WeightDesk(world.pledges, reporter))
    if (epochs := world.anchoring) is not None:
        desks.append(AnchoringDesk(chain, epochs.executor, clock, reporter, epochs.cost_limit_wei))
    return desks
