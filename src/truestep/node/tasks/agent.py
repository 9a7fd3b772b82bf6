"""What worker and challenger share: an index of the chain, a queue of work, an outbox, and a pure policy."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32, ClaimId, TaskId
from truestep.node.availability.desk import Desk
from truestep.node.chain.audit import Audit
from truestep.node.chain.indexer import Indexer, ReadingPast
from truestep.node.chain.outbox import Outbox
from truestep.node.loop.loop import Loop
from truestep.node.loop.pulse import Pulse
from truestep.node.tasks.commitments import Commitments
from truestep.node.tasks.demands import Work
from truestep.node.tasks.offers import Offers
from truestep.node.tasks.queue import Limits, TaskQueue
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import TaskTerms, source_of
from truestep.node.tasks.views import ViewBuilder
from truestep.node.tasks.vitals import VitalSigns
from truestep.node.tasks.words import Words
from truestep.node.tasks.world import World
from truestep.ports.chain import Head
from truestep.ports.vitals import Vitals
from truestep.protocol.audit_calls import RevealAudit
from truestep.protocol.calls import OpenGame, SubmitClaims
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.roles import intents
from truestep.roles.actions import (
    Action,
    Agree,
    Alert,
    BuildReveal,
    BuildWitness,
    ComputeHashes,
    Decline,
    Fetch,
    Run,
    Send,
)
from truestep.roles.views import View

STOP_SECONDS = 10.0
"""Time to stop: a run asks four times a second whether to stop, and a fetch may take a little longer."""
FORGET_SECONDS = 10.0
"""Interval at which data of settled tasks is dropped."""

Decide = Callable[[View], list[Action]]
Choose = Callable[[ViewBuilder, int], Iterable[TaskRecord]]
"""The tasks that a role looks at, by what is known and the time."""

Daemon = Loop[View, Action]


def useful_and_late(
    tasks: Sequence[TaskRecord], now: int, operator: Address
) -> tuple[set[TaskId], set[TaskId]]:
    """The tasks that work goes on for, and those whose lease the operator has missed.

    What another operator has taken is looked at by members of its committee alone, and runs for them until
    its lease is over.
    """
    useful = {task.task_id for task in tasks if task.stage is TaskStage.CLAIMED}
    late: set[TaskId] = set()
    for task in tasks:
        if task.stage is TaskStage.TAKEN and now <= task.until:
            useful.add(task.task_id)
        elif task.stage is TaskStage.TAKEN and task.operator == operator:
            late.add(task.task_id)
    return useful, late


class TaskAgent:
    """A `truestep.node.loop.loop.Site` for roles that look at tasks."""

    def __init__(
        self,
        world: World,
        *,
        choose: Choose,
        decide: Decide,
        run_limit: int,
        distrusted: dict[Bytes32, str] | None = None,
        desks: Sequence[Desk] = (),
    ) -> None:
        """`distrusted`: where the evidence lies, for each program that this node once computed wrongly.

        `desks` look after the data that tasks depend on.
        """
        self._world = world
        self._desks = desks
        self._choose = choose
        self._decide = decide
        self._results = Results(world.store)
        self._indexer = Indexer(world.chain, world.store)
        self._commitments = Commitments(world.store)
        self._audit = Audit(world.chain, self._indexer, world.reporter, world.chain.account, world.operator)
        self._offers = Offers(
            folder=world.outputs, executor=world.offers, clock=world.clock, reporter=world.reporter
        )
        self._queue = TaskQueue(
            results=self._results,
            executor=world.executor,
            clock=world.clock,
            reporter=world.reporter,
            limits=Limits(runs=run_limit),
            distrusted=distrusted,
            on_end=self._offers.add,
        )
        self._views = ViewBuilder(
            world.chain, self._indexer, self._results, self._queue, self._commitments, world.operator
        )
        self._outbox = Outbox(world.chain, world.sends, world.clock, world.reporter)
        self._pulse = Pulse(world.clock)
        self._tasks: list[TaskRecord] = []
        self._is_past_known = False
        self._words = Words(world.reporter, world.clock)
        self._signs = VitalSigns(world.chain.account, self._views.operator, world.clock, world.reporter)
        self._forgot_at: float | None = None

    def collect(self) -> bool:
        """Take in what ended in the background."""
        has_sent, has_worked = self._outbox.collect(), self._queue.collect()
        has_moved = [desk.collect() for desk in self._desks]
        self._offers.turn()
        if has_sent:
            self._views.forget_balances()
        return has_sent or has_worked or any(has_moved)

    def look(self) -> None:
        """Read the chain up to its newest block."""
        try:
            head = self._indexer.sync()
        except ReadingPast as progress:  # what is known already may need a move meanwhile
            self._is_past_known = False
            self._see(progress.head)
            raise
        self._is_past_known = True
        self._see(head)
        wants_balances = self._views.wants_balances(self._pulse.now(head))
        account = self._world.chain.account if wants_balances else None
        records = self._audit.read(head, self._claims_being_disputed(), account)
        if records is not None:
            self._views.take_in(records, head, self._pulse.now(head))
            self._audit.compare(head, records)

    def _see(self, head: Head) -> None:
        self._outbox.refresh(is_new_head=self._pulse.see(head))
        self.collect()
        for alarm in self._world.chain.alarms():
            self._world.reporter.report("alarm", alarm)

    def _claims_being_disputed(self) -> list[ClaimId]:
        """Those that an `open` was sent for: its game is one's own as soon as it is on chain."""
        opening = [intents.claim_opened(intent) for intent in self._outbox.in_flight]
        return [claim_id for claim_id in opening if claim_id is not None]

    def decide(self) -> tuple[View, Sequence[Action]]:
        """What is seen, and what the role wants done."""
        head = self._head()
        now = self._pulse.now(head)
        self._tasks = list(self._choose(self._views, now))
        view = self._views.view(
            self._tasks, head, now, self._outbox.in_flight, has_duties=self._is_past_known
        )
        actions = self._decide(view)
        if self._is_past_known:
            for desk in self._desks:
                actions += desk.decide(view)
        self._signs.follow(self._views.ledger, is_past_known=self._is_past_known)
        if self._world.monitor is not None:
            self._world.monitor.show(self._vitals(view, head))
        return view, actions

    def _vitals(self, view: View, head: Head) -> Vitals:
        stakes, load = self._views.stakes, self._queue.load()
        return self._signs.at(view, head, stakes, load, is_past_known=self._is_past_known)

    def act(self, actions: Sequence[Action]) -> None:
        """Have it done: sends and work in the background, words at once."""
        sends = [self._committed(action) for action in actions if isinstance(action, Send)]
        self._outbox.send_all(self._logged(sends))
        work: list[tuple[Work, TaskTerms]] = []
        fetches: list[TaskTerms] = []
        for action in actions:
            match action:
                case Run() | ComputeHashes() | BuildWitness() | BuildReveal():
                    work.append((action, self._views.terms(action.task_id)))
                case Fetch():
                    fetches.append(self._views.terms(action.task_id))
                case Decline():
                    self._words.decline(action)
                case Agree():
                    self._words.agree(action)
                case Alert():
                    self._words.alert(action)
                case Send():
                    pass
        self._queue.want(work, fetches)
        for desk in self._desks if self._is_past_known else ():
            desk.act()
        self._stop_useless_work()
        self._forget()

    def _committed(self, send: Send) -> Send:
        """A game is opened only once it is durable what one commits to: only that can be shown later."""
        call = send.call
        if not isinstance(call, OpenGame):
            return send
        now = self._pulse.now(self._head())
        state_hash = self._commitments.keep((call.claim_id, call.claimed_hash), call.state_hash, now)
        return replace(send, call=replace(call, state_hash=state_hash))

    def _logged(self, sends: Sequence[Send]) -> list[Send]:
        """Those that may be sent: a claim only once it is in the log, not while that cannot be written."""
        log = self._world.claim_log
        if log is None:
            return [*sends]
        if self._is_past_known:
            tasks = self._views.ledger.tasks_of(self._views.operator)
            log.check({task.batch_id for task in tasks if task.stage in (TaskStage.CLAIMED, TaskStage.FINAL)})
        ready: list[Send] = []
        for send in sends:
            try:
                if isinstance(send.call, SubmitClaims):
                    log.record(send.call, self._views.terms, self._pulse.now(self._head()))
                elif isinstance(send.call, RevealAudit):
                    log.record_word(send.call, self._pulse.now(self._head()))
            except Unavailable as error:
                self._words.alert(Alert(kind="log_unavailable", message=f"{send.message}: {error}"))
            else:
                ready.append(send)
        return ready

    def _forget_outputs(self, needed: Sequence[ClaimedState]) -> None:
        """Delete outputs that are needed no longer, once that is in the log."""
        log = self._world.claim_log
        if log is not None and not log.is_checked:
            return
        now = self._pulse.now(self._head())
        try:
            self._offers.forget_except(needed, lambda keys: log and log.record_deleted(keys, now))
        except Unavailable as error:
            self._words.alert(Alert(kind="log_unavailable", message=f"outputs stay on the disk: {error}"))

    def _head(self) -> Head:
        head = self._pulse.head
        if head is None:
            raise Unavailable("no block was seen yet; the next look goes on")
        return head

    def poll_seconds(self) -> float:
        """By how often blocks come."""
        return self._pulse.poll_seconds()

    def close(self) -> None:
        """Ask background work to end and keep what came of it."""
        self._world.executor.stop(STOP_SECONDS)
        self._world.sends.stop(STOP_SECONDS)
        self._offers.stop(STOP_SECONDS)
        for desk in self._desks:
            desk.close(STOP_SECONDS)
        self.collect()
        head = self._pulse.head
        now = self._pulse.now(head) if head is not None else None
        self._world.reporter.report("summary", self._signs.summary(self._outbox.fees_wei, now))

    def _stop_useless_work(self) -> None:
        """End work whose result comes too late: a program may run for days that nobody waits for."""
        head = self._pulse.head
        if head is None:
            return
        useful, late = useful_and_late(self._tasks, self._pulse.now(head), self._views.operator)
        self._queue.stop_except(useful, late)

    def _forget(self) -> None:
        """Now and then, drop what belongs to tasks that nobody will ask about again."""
        now = self._world.clock.monotonic_seconds()
        if self._forgot_at is not None and now - self._forgot_at < FORGET_SECONDS:
            return
        self._forgot_at = now
        if (head := self._pulse.head) is not None:
            self._commitments.forget_old(head.time_seconds)
        ledger = self._views.ledger
        busy = [*self._tasks, *ledger.busy_tasks()]
        agreed = {task.claim_id for task in busy if self._views.has_agreed(task.claim_id)}
        kept = {task.task_id for task in busy if task.claim_id not in agreed}
        terms = [self._views.terms(task_id) for task_id in kept]
        live = ledger.live_jobs()
        self._queue.keep_only(terms, (source_of(job, ledger.programs[job.program_id]) for job in live))
        self._results.forget_except((each.run for each in terms), agreed)
        ends = [self._results.own_run(each.run) for each in terms]
        self._forget_outputs([end.claimed for end in ends if end])
        self._views.forget_except(kept)
        self._words.forget_except({job.job_id for job in live})
