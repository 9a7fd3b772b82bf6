"""What drives a keeper: one chain of availability, hands for its shelf, an outbox, and a pure policy."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from truestep.availability.cells import run_cells
from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.node.availability.answer_desk import AnswerDesk
from truestep.node.chain.outbox import Outbox
from truestep.node.chain.pending import PendingAge
from truestep.node.keeping.chronicle import Chronicle
from truestep.node.keeping.notes import Notes
from truestep.node.keeping.vitals import clocks
from truestep.node.loop.backoff import Backoff
from truestep.node.loop.loop import Loop
from truestep.node.loop.pulse import Pulse
from truestep.ports.chain import Head
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, ShouldStop, Stopped
from truestep.ports.keeping import Deletions, Funds, Hands, KeeperChain
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.ports.vitals import Load, Monitor, Vitals
from truestep.roles.keeper import (
    URGENT,
    Action,
    Answer,
    Forget,
    Keep,
    KeptFor,
    Prepare,
    Question,
    SendKept,
    Sign,
    Tell,
    View,
    decide,
)
from truestep.roles.keeper_policy import KeeperPolicy

FAILED_WAIT = Backoff(first_seconds=2.0, limit_seconds=120.0)
"""Pauses before work is tried again: a registrant may be late, a disk may be full for a while."""
SHARES_SECONDS = 60.0
"""Interval at which the contract is asked for the keeper's shares."""
FUNDS_SECONDS = 600.0
"""Interval at which the contracts are asked what they owe."""
STOP_SECONDS = 10.0
"""Time to stop: a fetch asks four times a second."""
TOLD_LIMIT = 10_000
"""Reports that are remembered, so that each is made once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepWork:
    """Fetch, check and store, from the registrant and these keepers."""

    action: Keep
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWork:
    """Compute an answer."""

    action: Prepare
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetWork:
    """Drop a run that was kept for these reasons."""

    action: Forget
    reasons: tuple[KeptFor, ...]


_WORK = {KeepWork: "keep", AnswerWork: "answer", ForgetWork: "forget"}
"""The names of the kinds of work, for its operator."""


class KeeperBench:
    """Performs a keeper's work. For any thread."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one piece of work."""
        match item:
            case KeepWork(action=Keep(place=place), urls=urls):
                return self._hands.keep(place, urls, should_stop)
            case AnswerWork(action=action, urls=urls):
                return self._hands.answer(action.item, action.question, action.asked, urls, should_stop)
            case ForgetWork(action=Forget(name=name, first_cell=first_cell)):
                return self._hands.forget(name, first_cell)
            case other:
                raise Bug(f"expected work of a keeper, got {type(other)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperWorld:
    """Everything outside that a keeper needs: `executor` performs a `KeeperBench`, `sends` a `Courier`.

    `answering` performs an `AnswerBench`; None if no blobs of transactions can be read.
    """

    chain: KeeperChain
    hands: Hands
    deletions: Deletions
    store: Store
    executor: Executor
    sends: Executor
    clock: Clock
    reporter: Reporter
    answering: Executor | None = None
    monitor: Monitor | None = None
    """Is told how this keeper is; None if nobody wants to know."""


def keeper_node(world: KeeperWorld, policy: KeeperPolicy) -> Loop[View, Action]:
    """A keeper for the chain's account."""
    return Loop(KeeperAgent(world, policy), world.clock, world.reporter, world.monitor)


class KeeperAgent:
    """A `truestep.node.loop.loop.Site`."""

    def __init__(self, world: KeeperWorld, policy: KeeperPolicy) -> None:
        self._world = world
        self._policy = policy
        self._chronicle = Chronicle(world.chain, world.store)
        self._notes = Notes(world.store)
        self._outbox = Outbox(world.chain, world.sends, world.clock, world.reporter, urgent=URGENT)
        self._answer_desk = (
            AnswerDesk(world.chain, world.answering, world.clock, world.reporter)
            if world.answering is not None
            else None
        )
        self._pulse = Pulse(world.clock)
        self._receipts: dict[tuple[int, int, int], bytes] = {}
        self._answers: dict[Question, Answer] = {}
        self._under_way: dict[Hashable, KeepWork | AnswerWork | ForgetWork] = {}
        self._failures: dict[Hashable, int] = {}
        self._free_at: dict[Hashable, float] = {}
        self._told: dict[tuple[str, str], None] = {}
        self._shares = 0
        self._shares_at: float | None = None
        self._funds = Funds(wallet_wei=0, credits={})
        self._funds_at: float | None = None
        self._is_past_known = False
        self._pending = PendingAge(world.clock)

    # --- the loop's site ----------------------------------------------------------------------------------

    def collect(self) -> bool:
        """Take in what ended in the background."""
        has_sent = self._outbox.collect()
        finished = self._world.executor.collect()
        for each in finished:
            self._take_in(each)
        has_answered = self._answer_desk is not None and self._answer_desk.collect()
        return has_sent or has_answered or bool(finished)

    def look(self) -> None:
        """Read the chain up to its newest block."""
        head = self._world.chain.head()
        self._outbox.refresh(is_new_head=self._pulse.see(head))
        for alarm in self._world.chain.alarms():
            self._world.reporter.report("alarm", alarm)
        self._is_past_known = False
        self._chronicle.follow(head)
        self._is_past_known = True
        self._ask_shares()
        self._ask_funds()

    def decide(self) -> tuple[View, Sequence[Action]]:
        """What is seen, and what the role wants done: nothing before the past is known."""
        view = self._view()
        if self._world.monitor is not None:
            self._world.monitor.show(self._vitals(view))
        return view, [*decide(view, self._policy), *self._for_blobs(view)] if self._is_past_known else ()

    def _vitals(self, view: View) -> Vitals:
        in_flight = self._outbox.in_flight
        return Vitals(
            head=self._head(),
            now=view.now,
            account=view.account,
            is_past_known=self._is_past_known,
            wallet_wei=self._funds.wallet_wei if self._funds_at is not None else None,
            owed_wei=self._funds.credits,
            clocks=tuple(sorted(clocks(view), key=lambda each: each.until)),
            load=Load(running=Counter(_WORK[type(work)] for work in self._under_way.values())),
            pending=len(in_flight),
            pending_seconds=self._pending.seconds(in_flight),
        )

    def _for_blobs(self, view: View) -> list[Action]:
        """Answers for items that no keeper has, because they are in blobs of transactions."""
        if self._answer_desk is None:
            return []
        sends = self._answer_desk.decide(view.now, view.account, view.facts, view.rules.answer_seconds)
        return [SendKept(intent=each.intent, call=each.call.call, message=each.message) for each in sends]

    def act(self, actions: Sequence[Action]) -> None:
        """Have it done."""
        self._outbox.send_all([action for action in actions if isinstance(action, SendKept)])
        if self._answer_desk is not None and self._is_past_known:
            self._answer_desk.act()
        for action in actions:
            match action:
                case Keep():
                    self._keep(action)
                case Prepare():
                    urls = self._urls(action.item.item_id)
                    self._start(action.question, AnswerWork(action=action, urls=urls))
                case Sign(place=place):
                    key = (place.item.item_id, place.index, place.seat.drawn_at)
                    item = place.item
                    self._receipts[key] = self._world.chain.receipt(item.item_id, item.record, *key[1:])
                case Forget():
                    self._forget(action)
                case Tell():
                    self._tell(action.kind, action.message)
                case SendKept():
                    pass

    def poll_seconds(self) -> float:
        """By how often blocks come."""
        return self._pulse.poll_seconds()

    def close(self) -> None:
        """Ask background work to end."""
        self._world.executor.stop(STOP_SECONDS)
        self._world.sends.stop(STOP_SECONDS)
        if self._answer_desk is not None:
            self._answer_desk.close(STOP_SECONDS)
        self.collect()

    # --- what is seen -------------------------------------------------------------------------------------

    def _head(self) -> Head:
        head = self._pulse.head
        if head is None:
            raise Unavailable("no block was seen yet; the next look goes on")
        return head

    def _view(self) -> View:
        head = self._head()
        facts, runs = self._chronicle.facts, self._world.hands.runs()
        open_questions = {("challenge", each, 0) for each in facts.challenges}
        open_questions |= {("demand", each, demand.moved_at) for each, demand in facts.demands.items()}
        self._answers = {key: answer for key, answer in self._answers.items() if key in open_questions}
        return View(
            now=self._pulse.now(head),
            account=self._world.chain.account,
            facts=facts,
            rules=self._world.chain.rules(),
            shares=self._shares,
            verified=self._notes.verified(),
            refused=self._notes.refused(),
            whole=frozenset(self._whole()),
            on_shelf=self._notes.reasons(set(runs)),
            receipts=self._receipts,
            answers=self._answers,
            credits=self._funds.credits,
        )

    def _whole(self) -> set[tuple[Bytes32, int]]:
        """The runs that are completely there, but for those that are being dropped."""
        blob_counts = {item.name: item.record.blob_count for item in self._chronicle.facts.items.values()}
        runs = self._world.hands.runs()
        dropped = {
            (work.action.name, work.action.first_cell)
            for work in self._under_way.values()
            if isinstance(work, ForgetWork)
        }
        whole = {run for run, count in runs.items() if count >= blob_counts.get(run[0], count + 1)}
        return whole - dropped

    def _ask_shares(self) -> None:
        number = self._chronicle.facts.number_of(self._world.chain.account)
        now = self._world.clock.monotonic_seconds()
        is_due = self._shares_at is None or now - self._shares_at >= SHARES_SECONDS
        if number is not None and (is_due or not self._shares):
            self._shares = self._world.chain.shares(number)
            self._shares_at = now

    def _ask_funds(self) -> None:
        now = self._world.clock.monotonic_seconds()
        if self._funds_at is None or now - self._funds_at >= FUNDS_SECONDS:
            self._funds = self._world.chain.funds()
            self._funds_at = now

    def _urls(self, item_id: int) -> tuple[str, ...]:
        facts = self._chronicle.facts
        item = next((item for known, item in facts.items.items() if known == item_id), None)
        number = facts.number_of(self._world.chain.account)
        return tuple(facts.urls_of(item, but=number)) if item is not None else ()

    # --- what is done -------------------------------------------------------------------------------------

    def _keep(self, action: Keep) -> None:
        place, head = action.place, self._pulse.head
        item = place.item
        if head is None:
            return
        reason = KeptFor(
            item_id=item.item_id, index=place.index, since=head.time_seconds, until=item.record.until
        )
        run = (item.name, place.first_cell)
        self._notes.keep(run, reason)
        if run in self._whole() and item.name in self._notes.verified():
            return  # it is kept for another item with the same content
        work = KeepWork(action=action, urls=self._urls(item.item_id))
        if self._start(("keep", item.item_id, place.index), work):
            what = f"seat {place.index} of item {item.item_id}, {counted(item.record.blob_count, 'blob')}"
            self._tell("fetching", f"fetches and checks {what}")

    def _forget(self, action: Forget) -> None:
        run = (action.name, action.first_cell)
        fetched = [work.action.place for work in self._under_way.values() if isinstance(work, KeepWork)]
        if run not in [(place.item.name, place.first_cell) for place in fetched]:
            self._notes.leave(run)
            self._start(run, ForgetWork(action=action, reasons=self._notes.reasons_of(run)))

    def _attest(self, work: ForgetWork) -> None:
        """Sign for what is gone, then drop its notes; a crash before the end has all of it done again."""
        name, first_cell = run = (work.action.name, work.action.first_cell)
        head, runs = self._pulse.head, self._world.hands.runs()
        if head is None or run in runs or self._notes.reasons_of(run) != work.reasons:
            return  # it is kept again
        others = {first for other, first in runs if other == name} | self._notes.first_cells(name)
        kept = {cell for first in others - {first_cell} for cell in run_cells(first)}
        gone = [cell for cell in run_cells(first_cell) if cell not in kept]
        now = self._pulse.now(head)
        paths = [self._world.deletions.write(name, each, gone, now) for each in work.reasons if gone]
        self._notes.forget(run)
        signed = f"; signed for it in {', '.join(paths)}" if paths else ""
        self._tell("forgot", f"dropped cells of item {name.hex()}, whose time is over{signed}")

    def _start(self, key: Hashable, work: KeepWork | AnswerWork | ForgetWork) -> bool:
        if self._world.clock.monotonic_seconds() < self._free_at.get(key, 0.0):
            return False
        if not self._world.executor.start(key, work):
            return False
        self._under_way[key] = work
        return True

    def _take_in(self, finished: Finished) -> None:
        work, error = self._under_way.pop(finished.key), finished.error
        if isinstance(error, Stopped):
            return
        if error is None or isinstance(error, Rejected):
            self._failures.pop(finished.key, None)
            self._free_at.pop(finished.key, None)
        match work:
            case KeepWork(action=Keep(place=place)) if error is None:
                self._notes.check(place.item.name)
                where = f"seat {place.index} of item {place.item.item_id}"
                self._tell("kept", f"holds the cells of {where}, and has checked the item")
            case KeepWork(action=Keep(place=place)) if isinstance(error, Rejected):
                self._notes.check(place.item.name, str(error))
            case AnswerWork(action=action) if error is None:
                self._answers[action.question] = finished.value  # pyright: ignore[reportArgumentType]
            case ForgetWork() if error is None:
                try:
                    self._attest(work)
                except Unavailable as failed:
                    self._put_off(finished.key, failed)
            case _:
                self._put_off(finished.key, error)

    def _put_off(self, key: Hashable, error: Exception | None) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait_seconds = FAILED_WAIT.seconds(failures)
        self._free_at[key] = self._world.clock.monotonic_seconds() + wait_seconds
        said = str(error) if isinstance(error, Unavailable | Rejected) else repr(error)
        self._world.reporter.report("unavailable", f"{said}; tried again in {wait_seconds:.0f} s")

    def _tell(self, kind: str, message: str) -> None:
        """Once."""
        if (kind, message) not in self._told:
            self._told[kind, message] = None
            if len(self._told) > TOLD_LIMIT:
                del self._told[next(iter(self._told))]
            self._world.reporter.report(kind, message)
