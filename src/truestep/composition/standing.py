"""How a daemon stands by what is in its state directory: what it has earned, spent and at risk."""

from dataclasses import dataclass
from pathlib import Path

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.journal import Journal
from truestep.adapters.store.scoped import Scope, ScopedStore
from truestep.base.errors import Bug
from truestep.base.ids import Address, JobId, job_of_task
from truestep.composition.state import read_state
from truestep.node.chain import rows
from truestep.node.chain.history import EventHistory
from truestep.node.chain.ledger import Ledger
from truestep.ports.chain import Outcome
from truestep.ports.store import each_row
from truestep.protocol.event_records import job_record
from truestep.protocol.events import ChainEvent, ClaimStruck, LeaseExpired, TaskFinalized
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that a daemon has noted; amounts in wei, or in a token's units."""

    block_number: int | None
    """Up to where it has read the chain."""
    finished_tasks: int
    earned: dict[Address, int]
    """Rewards by asset; of native coins under the zero address."""
    lost_wei: int
    """Bonds of claims that were struck, and penalties of leases that were missed."""
    fees_wei: int
    """Of transactions whose end is noted."""
    pending: tuple[str, ...]
    """Intents of transactions without an outcome."""
    claimed: tuple[TaskRecord, ...]
    """Its claims that are not final, the first to end first."""
    claimed_bonds_wei: int
    taken: tuple[TaskRecord, ...]
    disputed: int
    """Of its claims."""
    games: int
    """Disputes that it is a part of."""


def read_standing(
    state_dir: Path, store_uri: str | None, deployment: Deployment, account: Address, operator: Address
) -> Standing:
    """What the store says. The daemon may run meanwhile. Raises `Unavailable` or `Rejected`.

    `store_uri`: of PostgreSQL; None for the file of the state directory.
    """
    scope = Scope(chain_id=deployment.chain_id, jobs=deployment.address("Jobs"))
    with read_state(state_dir, store_uri) as whole:
        store = ScopedStore(whole, scope)
        history = EventHistory(store)
        ledger = Ledger(history)
        ledger.load(history.over, history.finished, history.unfinished())
        tasks = sorted(ledger.tasks_of(operator), key=lambda task: task.until)
        claimed = tuple(task for task in tasks if task.stage is TaskStage.CLAIMED)
        told = _Told(store, history, operator)
        journal = Journal(store, account)
        entries = [*journal.live(), *journal.archived()]
        games = {game.game_id for who in (account, operator) for game in ledger.games_of(who)}
        return Standing(
            block_number=history.newest_checkpoint(),
            finished_tasks=told.finished_tasks,
            earned=told.earned,
            lost_wei=told.lost_wei,
            fees_wei=sum(entry.transaction().fee_wei for entry in entries),
            pending=tuple(each.intent for each in entries if each.outcome is Outcome.PENDING),
            claimed=claimed,
            claimed_bonds_wei=sum(
                ledger.jobs[job_of_task(task.task_id)].parameters.operator_bond_wei for task in claimed
            ),
            taken=tuple(task for task in tasks if task.stage is TaskStage.TAKEN),
            disputed=len(ledger.disputed_tasks(operator=operator)),
            games=len(games),
        )


class _Told:
    """What all events add up to for one operator. Rows that do not name it are not even parsed."""

    def __init__(self, store: ScopedStore, history: EventHistory, operator: Address) -> None:
        self.finished_tasks, self.lost_wei = 0, 0
        self.earned: dict[Address, int] = {}
        self._history = history
        self._jobs: dict[JobId, JobRecord] = {}
        for _, row in each_row(store, rows.EVENTS):
            if operator in row:
                self._take_in(rows.from_row(row), operator)

    def _job(self, job_id: JobId) -> JobRecord:
        """A job as it ended."""
        if job_id not in self._jobs:
            job = job_record(self._history.events_of_job(job_id))
            if job is None:
                raise Bug(f"the store has a task of job {job_id}, and not the job")
            self._jobs[job_id] = job
        return self._jobs[job_id]

    def _take_in(self, event: ChainEvent, operator: Address) -> None:
        match event:
            case TaskFinalized() if event.operator == operator:
                job = self._job(job_of_task(event.task_id))
                self.finished_tasks += 1
                self.earned[job.asset] = self.earned.get(job.asset, 0) + job.reward
            case ClaimStruck() if event.operator == operator:
                job = self._job(job_of_task(event.task_id))
                self.lost_wei += job.parameters.operator_bond_wei
            case LeaseExpired() if event.operator == operator:
                self.lost_wei += event.penalty_wei
            case _:
                pass
