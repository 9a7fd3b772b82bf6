"""The loop that every role lives in: read the chain, decide, write down, act."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from truestep.base.errors import Unavailable
from truestep.base.ids import TaskId, job_of_task
from truestep.node.chain.indexer import Indexer
from truestep.node.chain.outbox import Outbox
from truestep.node.tasks.queue import Limits, TaskQueue
from truestep.node.tasks.results import Results
from truestep.node.tasks.self_check import SelfCheck
from truestep.node.tasks.views import ViewBuilder
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain, Head
from truestep.ports.clock import Clock
from truestep.ports.engine import Engine
from truestep.ports.executor import Executor
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.roles.actions import (
    Action,
    BuildReveal,
    BuildWitness,
    ComputeHashes,
    Decline,
    Declined,
    Fetch,
    Run,
    Send,
)
from truestep.roles.views import View

STOP_SECONDS = 10.0
"""A run asks four times a second whether to stop; a fetch may hang a little longer."""
BACKOFF_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside that a daemon needs. The executor needs room for runs, two fetches and two moves."""

    chain: Chain
    store: Store
    blobs: Blobs
    engine: Engine
    executor: Executor
    clock: Clock
    reporter: Reporter


Decide = Callable[[View], list[Action]]
Choose = Callable[[ViewBuilder, int], Iterable[TaskRecord]]
"""The tasks that a role looks at, by the ledger and the time."""


class Daemon:
    """One role of one account. `tick` may be called at any rate; whatever it did is safe from a crash."""

    def __init__(
        self,
        world: World,
        *,
        choose: Choose,
        decide: Decide,
        run_limit: int,
        self_check: SelfCheck | None = None,
    ) -> None:
        self._world = world
        self._choose = choose
        self._decide = decide
        self._results = Results(world.store)
        self._indexer = Indexer(world.chain, world.store)
        self._workshop = TaskQueue(
            engine=world.engine,
            blobs=world.blobs,
            results=self._results,
            executor=world.executor,
            clock=world.clock,
            reporter=world.reporter,
            limits=Limits(runs=run_limit),
            self_check=self_check,
        )
        self._viewing = ViewBuilder(world.chain, self._indexer, self._results, self._workshop)
        self._deeds = Outbox(world.chain, world.reporter)
        self._declined: set[tuple[int, Declined]] = set()
        self._head: Head | None = None
        self._head_seen_seconds = 0.0

    def tick(self) -> View:
        """Look once and do what is to be done now; what was seen.

        Raises `Unavailable` if the node or the store fails: nothing is lost, the next tick goes on.
        """
        self._workshop.collect()
        in_flight = self._deeds.refresh()
        head = self._indexer.sync()
        now = self._now(head)
        tasks = list(self._choose(self._viewing, now))
        view = self._viewing.view(tasks, head, now, in_flight)
        actions = sorted(self._decide(view), key=self._patience)
        failures = [failure for action in actions if (failure := self._act(action))]
        self._forget(tasks)
        self._stop_useless_work(tasks, now)
        if failures:
            raise failures[0]
        return view

    def run(self, should_stop: Callable[[], bool], poll_seconds: float) -> None:
        """Tick until told to stop. An outage is reported and waited out."""
        wait_seconds = poll_seconds
        while not should_stop():
            try:
                self.tick()
                wait_seconds = poll_seconds
            except Unavailable as error:
                wait_seconds = min(wait_seconds * 2, BACKOFF_LIMIT_SECONDS)
                self._world.reporter.report("unavailable", str(error), wait_seconds=wait_seconds)
            self._world.clock.sleep(wait_seconds)
        self.stop()

    def stop(self) -> None:
        """Let background work end. What was sent goes on by itself; the next start looks after it."""
        self._world.executor.stop(STOP_SECONDS)
        self._workshop.collect()

    def _now(self, head: Head) -> int:
        """The chain's time, going on between blocks as ours does: about what the next block will say."""
        seconds = self._world.clock.monotonic_seconds()
        if self._head is None or self._head.hash != head.hash:
            self._head, self._head_seen_seconds = head, seconds
        return head.time_seconds + int(seconds - self._head_seen_seconds)

    def _patience(self, action: Action) -> int:
        """Checks that were interrupted come after those that were not, and after all else."""
        if not isinstance(action, ComputeHashes) or not action.is_check:
            return 0
        terms = self._viewing.terms(self._viewing.ledger.task(action.task_id))
        return self._workshop.interruptions(terms)

    def _act(self, action: Action) -> Unavailable | None:
        """Do one thing; an outage that stops it must not stop the others."""
        try:
            self._do(action)
        except Unavailable as error:
            return error
        return None

    def _do(self, action: Action) -> None:
        match action:
            case Send():
                self._deeds.do(action)
            case Fetch():
                self._workshop.fetch(self._viewing.terms(self._viewing.ledger.task(action.task_id)))
            case Run() | ComputeHashes() | BuildWitness() | BuildReveal():
                terms = self._viewing.terms(self._viewing.ledger.task(action.task_id))
                self._workshop.begin(action, terms)
            case Decline():
                self._report_declined(action)

    def _report_declined(self, action: Decline) -> None:
        """Say why something is left undone: once for each task and reason."""
        key = (int(action.task_id), action.reason)
        if key not in self._declined:
            self._declined.add(key)
            reason = action.reason.value
            self._world.reporter.report("declined", action.message, task_id=action.task_id, reason=reason)

    def _stop_useless_work(self, tasks: list[TaskRecord], now: int) -> None:
        """End work whose result comes too late: a program may run for days that nobody waits for."""
        account = self._world.chain.account
        taken = [task for task in tasks if task.stage is TaskStage.TAKEN and task.operator == account]
        late = {task.task_id for task in taken if now > task.until}
        claimed = {task.task_id for task in tasks if task.stage is TaskStage.CLAIMED}
        self._workshop.stop_except(claimed | {task.task_id for task in taken} - late, late)

    def _forget(self, tasks: list[TaskRecord]) -> None:
        """Drop what belongs to tasks that nobody will ask about again."""
        kept = {task.task_id: task for task in (*tasks, *self._viewing.ledger.busy_tasks())}
        terms = [self._viewing.terms(task) for task in kept.values()]
        self._workshop.keep_only({each.material_key for each in terms})
        self._results.forget_except({each.initial_hash.hex() for each in terms})
        live = {job.job_id for job in self._viewing.ledger.live_jobs()}
        self._declined = {key for key in self._declined if job_of_task(TaskId(key[0])) in live}
