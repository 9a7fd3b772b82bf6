"""Answers for items in blobs: carries out what `roles.availability.answering` decides.

Nothing is kept on disk here but what was read. What was answered is on the chain, what was sent is in the
journal; answers are computed anew after a start.
"""

from collections.abc import Hashable, Sequence
from typing import Protocol

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.node.loop.backoff import Backoff
from truestep.ports.answering import Answerer
from truestep.ports.chain import Chain, Outcome, Transaction
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, ShouldStop, Stopped
from truestep.ports.reporter import Reporter
from truestep.protocol.availability.facts import Facts
from truestep.protocol.availability.ids import DemandId
from truestep.roles.actions import Send
from truestep.roles.availability.answering import AnswerView, AskPrice, FindAnswer, decide
from truestep.roles.availability.sights import Move, SendData, TellData
from truestep.roles.views import View

FAILED_WAIT = Backoff(first_seconds=2.0, limit_seconds=120.0)
"""Pauses before blobs are read again."""
PRICE_SECONDS = 12.0
"""For which a price of gas is believed: a block of Ethereum."""
LOST_SECONDS = 86_400
"""For which a node that was too late leaves others more time."""
TOLD_LIMIT = 1_000
"""Reports that are remembered, so that each is made once."""
PRICE = "price"


class AnswerBench:
    """Performs the work of an `AnswerDesk`. For any thread."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one piece of work."""
        match item:
            case FindAnswer():
                return self._answerer.nodes(item, should_stop)
            case AskPrice():
                return self._answerer.gas_price_wei()
            case other:
                raise Bug(f"expected work on answers, got {type(other)}")


class Sent(Protocol):
    """What knows the outcome of transactions, such as a chain."""

    def transaction(self, intent: str) -> Transaction | None:
        """What became of an intent."""
        ...


class AnswerDesk:
    """For one thread. `executor` performs an `AnswerBench`."""

    def __init__(self, sent: Sent, executor: Executor, clock: Clock, reporter: Reporter) -> None:
        self._sent = sent
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._wanted: list[FindAnswer | AskPrice] = []
        self._under_way: dict[Hashable, FindAnswer | AskPrice] = {}
        self._failures: dict[Hashable, int] = {}
        self._free_at: dict[Hashable, float] = {}
        self._answers: dict[Move, tuple[Bytes32, ...]] = {}
        self._price: tuple[int, float] | None = None
        self._tried: dict[str, Move] = {}
        self._lost_until = 0
        self._told: dict[tuple[str, str], None] = {}

    def collect(self) -> bool:
        """Take in what ended in the background."""
        finished = self._executor.collect()
        for each in finished:
            self._take_in(each)
        return bool(finished)

    def decide(self, now: int, account: Address, facts: Facts, answer_seconds: int) -> list[SendData]:
        """The answers to send; what else is to be done is for `act`."""
        self._forget(facts, now)
        seen = AnswerView(
            now=now,
            account=account,
            facts=facts,
            answer_seconds=answer_seconds,
            gas_price_wei=self._price_now(),
            answers=self._answers,
            has_lost=now < self._lost_until,
        )
        actions = decide(seen)
        self._wanted = [each for each in actions if isinstance(each, FindAnswer | AskPrice)]
        for each in actions:
            if isinstance(each, TellData):
                self._tell(each)
        sends = [each for each in actions if isinstance(each, SendData)]
        self._tried |= {each.intent: _move_of(each.intent) for each in sends}
        return sends

    def act(self) -> None:
        """Begin what the last `decide` wants done."""
        now = self._clock.monotonic_seconds()
        for work in self._wanted:
            key = work.move if isinstance(work, FindAnswer) else PRICE
            if now >= self._free_at.get(key, 0.0) and self._executor.start(key, work):
                self._under_way[key] = work

    def close(self, deadline_seconds: float) -> None:
        """Ask background work to end."""
        self._executor.stop(deadline_seconds)
        self.collect()

    def _price_now(self) -> int | None:
        if self._price is None or self._clock.monotonic_seconds() - self._price[1] > 2 * PRICE_SECONDS:
            return None
        return self._price[0]

    def _take_in(self, finished: Finished) -> None:
        work, error = self._under_way.pop(finished.key), finished.error
        now = self._clock.monotonic_seconds()
        if isinstance(error, Stopped):
            return
        if isinstance(error, Rejected | Unavailable):
            failures = self._failures[finished.key] = self._failures.get(finished.key, 0) + 1
            self._free_at[finished.key] = now + FAILED_WAIT.seconds(failures)
            what = f"item {work.item.item_id} is doubted: " if isinstance(work, FindAnswer) else ""
            self._tell(TellData(kind="unavailable", message=f"{what}{error}; it is tried again"))
            return
        if error is not None:
            raise error
        self._failures.pop(finished.key, None)
        value: object = finished.value
        if isinstance(work, FindAnswer):
            self._answers[work.move] = value  # pyright: ignore[reportArgumentType]
        else:
            self._price = (value, now)  # pyright: ignore[reportAttributeAccessIssue]
            self._free_at[PRICE] = now + PRICE_SECONDS

    def _forget(self, facts: Facts, now: int) -> None:
        """Drop what is of demands that have moved on, and see whether others were faster."""
        live = {(demand_id, demand.moved_at) for demand_id, demand in facts.demands.items()}
        self._answers = {move: nodes for move, nodes in self._answers.items() if move in live}
        kept = live | {PRICE}
        self._failures = {key: count for key, count in self._failures.items() if key in kept}
        self._free_at = {key: at for key, at in self._free_at.items() if key in kept}
        for intent in [intent for intent, move in self._tried.items() if move not in live]:
            sent = self._sent.transaction(f"{intent}#0")
            if sent is not None and sent.outcome is Outcome.PENDING:
                continue
            del self._tried[intent]
            if sent is not None and sent.outcome is Outcome.REVERTED:
                self._lost_until = now + LOST_SECONDS

    def _tell(self, each: TellData) -> None:
        """Report, once."""
        key = (each.kind, each.message)
        if key not in self._told:
            self._told[key] = None
            if len(self._told) > TOLD_LIMIT:
                del self._told[next(iter(self._told))]
            self._reporter.report(each.kind, each.message)


class TaskAnswerDesk:
    """Satisfies `truestep.node.availability.desk.Desk`, for agents that look at tasks."""

    def __init__(self, chain: Chain, executor: Executor, clock: Clock, reporter: Reporter) -> None:
        self._chain = chain
        self._desk = AnswerDesk(chain, executor, clock, reporter)

    def collect(self) -> bool:
        """Take in what ended in the background."""
        return self._desk.collect()

    def decide(self, view: View) -> Sequence[Send]:
        """The answers to send."""
        facts = self._chain.facts()
        if facts.keeping is None:
            return []
        sends = self._desk.decide(view.now, view.account, facts.data, facts.keeping.rules.answer_seconds)
        return [
            Send(intent=each.intent, call=each.call.call, message=each.message)
            for each in sends
            if each.intent not in view.in_flight
        ]

    def act(self) -> None:
        """Begin what the last `decide` wants done."""
        self._desk.act()

    def close(self, deadline_seconds: float) -> None:
        """Ask background work to end."""
        self._desk.close(deadline_seconds)


def _move_of(intent: str) -> Move:
    """The demand and the time of its last move, from the name of an answer."""
    _, demand_id, moved_at = intent.split("/")
    return DemandId(int(demand_id)), int(moved_at)
