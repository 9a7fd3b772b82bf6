"""Several endpoints as one node: failover, retries within a budget, second opinions, one head."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from truestep.adapters.chain.answers import Junk, header, octets, quantity
from truestep.adapters.chain.endpoint import Endpoint, Request
from truestep.adapters.chain.health import LAG_BLOCKS, Health, HealthBoard
from truestep.adapters.chain.outages import (
    NoContract,
    NodeError,
    Outage,
    StaleEndpoint,
    WrongChain,
    raise_if_passing,
    shown,
)
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.chain import Head
from truestep.ports.reporter import Reporter

HEADS_EVERY_SECONDS = 5.0
"""Interval at which the other endpoints are asked for their heads: at most two blocks late, and cheap."""
FIRST_HEADS_SECONDS = 4.0
"""Time to wait at the start for the other heads, so that nothing is read from a lagging endpoint."""
HEAD_TRIES = 12
"""Attempts to get a recent head: behind one URL there may be several nodes, half of them late."""
HEAD_PAUSE_SECONDS = 0.3
STALE_PAUSE_SECONDS = 0.2
"""The longest pause after an answer of a late node: it is well, and the one behind the same URL that is asked
next may have the block."""
BACKWARDS_SECONDS = 60.0
"""A head far below one seen before comes from a late node. If all say so for this long, it is a new chain."""
OPINION_SECONDS = 3.0
"""Time an answer waits for the second one: a slow node must not make a move late."""
OPINIONS_LIMIT = 8
"""Simultaneous requests to endpoints that are asked in addition to the first."""


class StaleNode(Unavailable):
    """No endpoint that answers has the requested block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for a request."""

    timeout_seconds: float = 8.0
    """A node that takes longer is treated as dead, and another one is asked."""
    budget_seconds: float = 30.0
    """Time for one request with all its retries: half of the shortest clock in use."""
    first_pause_seconds: float = 0.1
    pause_limit_seconds: float = 2.0
    backwards_seconds: float = BACKWARDS_SECONDS
    """How long a node must say that its chain is shorter than it was; a chain in this process cannot lag."""
    """Pauses double up to this limit, with jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, and how to parse its result. If `parse` raises, the answer counts as an outage."""

    method: str
    parameters: Sequence[Any]
    parse: Callable[[Any], Any]
    is_read: bool = True
    """Whether to retry after an unknown error."""
    is_repeatable: bool = True
    """Whether it may be asked twice."""
    is_compared: bool = True
    """Whether two nodes must give the same answer."""


class _Unanswered:
    """Stands for a missing answer."""


UNANSWERED = _Unanswered()


@dataclass(slots=True)
class _Call:
    """Questions that were asked, and their answers."""

    questions: Sequence[Question]
    answers: list[Any]
    only: Health | None = None
    tried: list[Health] = field(default_factory=list[Health])
    rounds: int = 0
    where: Health | None = None

    def open(self) -> list[int]:
        """The questions without an answer."""
        return [index for index, answer in enumerate(self.answers) if answer is UNANSWERED]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The answers of one endpoint."""

    where: Health
    answers: list[Any]


def head_of(value: Any) -> Head:
    """The newest block, from its header."""
    found = header(value)
    return Head(number=found.number, hash=found.hash, time_seconds=found.time_seconds)


HEAD_QUESTION = Question(
    method="eth_getBlockByNumber", parameters=["latest", False], parse=head_of, is_compared=False
)


CHAIN_QUESTION = Question(method="eth_chainId", parameters=[], parse=lambda result: quantity(result, 2**63))


class Endpoints:
    """Asks a healthy endpoint. Safe for several threads."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        reporter: Reporter | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.board = HealthBoard(list(endpoints), reporter)
        self._patience = patience or Patience()
        self._chain_id: int | None = None
        self._contract: tuple[str, str] | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._backwards_since: float | None = None

    def expect_chain(self, chain_id: int) -> None:
        """Use only endpoints of this chain. Raises `Rejected` if there are none, or `Unavailable`."""
        self._chain_id = chain_id
        call = _Call([], [])
        try:
            self._retrying(call)
        except WrongChain as error:
            raise Rejected(
                Reject.WRONG_CHAIN,
                f"expected chain id {chain_id}, as the deployment file says, but the node is of chain id"
                f" {error.chain_id}; give the URL of a node of that chain, or the deployment file of this"
                " one",
            ) from None
        except Outage as error:
            raise self._unavailable(call, error) from None

    def expect_contract(self, name: str, address: str) -> None:
        """From now on, use only endpoints whose chain has this contract, checked whenever one was away.

        A chain that was restarted may have the same id. Calls of addresses without code succeed there.
        """
        self._contract = (name, address)

    # --- one endpoint's word ------------------------------------------------------------------------------

    def ask(self, question: Question) -> Any:
        """The answer, or the `NodeError` that is the answer. Raises `Unavailable`."""
        return self.ask_all([question])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """The answers to several questions, in one request if the node takes batches."""
        return self._view(questions).answers

    def _view(self, questions: Sequence[Question], first: Health | None = None) -> View:
        call = _Call(questions, [UNANSWERED] * len(questions))
        try:
            self._retrying(call, first)
        except Outage as error:
            raise self._unavailable(call, error) from None
        return View(where=call.where or self.board.records[0], answers=call.answers)

    def _retrying(self, call: _Call, first: Health | None = None) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(Outage),
            stop=lambda state: self._is_spent(call, state),
            wait=lambda state: self._pause_seconds(call, state),
            sleep=time.sleep,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                self._attempt(call, first if not call.tried and first else self._next(call))

    def _is_spent(self, call: _Call, state: RetryCallState) -> bool:
        outage = _outage(state)
        if not outage.is_unsent and not all(question.is_repeatable for question in call.questions):
            return True
        attempts = max(outage.attempts, len(self.board.records))
        is_late = (state.seconds_since_start or 0.0) >= self._patience.budget_seconds
        return state.attempt_number >= attempts or is_late

    def _pause_seconds(self, call: _Call, state: RetryCallState) -> float:
        """No pause while there is another endpoint to ask."""
        if self._untried(call):
            return 0.0
        patience, outage = self._patience, _outage(state)
        limit = STALE_PAUSE_SECONDS if isinstance(outage, StaleEndpoint) else patience.pause_limit_seconds
        pause = min(patience.first_pause_seconds * 2**call.rounds, patience.pause_limit_seconds, limit)
        return max(outage.retry_after_seconds, pause * random.uniform(0.5, 1.0))

    def _untried(self, call: _Call) -> list[Health]:
        candidates = self.board.healthy() or self.board.ranked()
        return [one for one in candidates if one not in call.tried]

    def _next(self, call: _Call) -> Health:
        untried = self._untried(call)
        if untried:
            return untried[0]
        call.tried.clear()
        call.rounds += 1
        return self._untried(call)[0]

    def _attempt(self, call: _Call, one: Health) -> None:
        """Ask one endpoint the questions without an answer."""
        call.tried.append(one)
        call.where = one
        open_questions = call.open()
        try:
            self._check_chain(one)
            replies = self._exchange(one, [call.questions[index] for index in open_questions])
        except Outage as outage:
            self.board.failed(one, outage)
            raise
        outages = [
            outage
            for index, reply in zip(open_questions, replies, strict=True)
            if (outage := self._take(call, index, reply, one))
        ]
        if outages:
            self.board.failed(one, outages[0])
            raise outages[0]
        self.board.answered(one)

    def _exchange(self, one: Health, questions: Sequence[Question]) -> list[Any]:
        requests = [Request(method=asked.method, parameters=asked.parameters) for asked in questions]
        return one.endpoint.exchange(requests, self._patience.timeout_seconds) if requests else []

    def _take(self, call: _Call, index: int, reply: Any, one: Health) -> Outage | None:
        """Keep an answer. Returns the outage if it is not a valid answer."""
        question = call.questions[index]
        try:
            call.answers[index] = _parsed(question, reply)
        except Outage as outage:
            return outage
        if isinstance(call.answers[index], Head):
            self.board.saw_head(one, call.answers[index])
        return None

    def _check_chain(self, one: Health) -> None:
        if self._chain_id is None or one.is_checked:
            return
        questions = [CHAIN_QUESTION]
        if self._contract:
            parameters = [self._contract[1], "latest"]
            questions.append(Question(method="eth_getCode", parameters=parameters, parse=octets))
        replies = self._exchange(one, questions)
        actual, *codes = [_parsed(asked, reply) for asked, reply in zip(questions, replies, strict=True)]
        if actual != self._chain_id:
            self.board.put_aside(one, f"it is of chain {actual}, not {self._chain_id}")
            raise WrongChain(f"it is of chain {actual}, expected {self._chain_id}", int(actual))
        if self._contract and not codes[0]:
            missing = NoContract(*self._contract)
            self.board.put_aside(one, str(missing))
            raise missing
        one.is_checked = True

    def _unavailable(self, call: _Call, outage: Outage) -> Unavailable:
        where = call.where or self.board.records[0]
        said = where.endpoint.scrubbed(shown(str(outage)))
        asked = "" if not call.questions or call.questions[0].method in said else f"{_methods(call)}: "
        kind = StaleNode if isinstance(outage, StaleEndpoint) else Unavailable
        if outage.is_silent:
            return kind(
                f"the node at {where.name} does not answer: {asked}{said};"
                " check that it runs and that its URL is right"
            )
        if isinstance(outage, NoContract):
            return kind(
                f"the node at {where.name} cannot be used: {said}. If it was restarted, stop this program and"
                " start it again with the new deployment file"
            )
        if isinstance(outage, WrongChain):
            return kind(
                f"the node at {where.name} cannot be used: {said}, as the deployment file says; give the URL"
                " of a node of that chain with --rpc"
            )
        return kind(f"the node at {where.name} gives no proper answer: {asked}{said}; try another node")

    # --- several endpoints' words -------------------------------------------------------------------------

    def views(self, questions: Sequence[Question]) -> list[View]:
        """The answers of two healthy endpoints, or of the only one. Raises `Unavailable` if none answers."""
        pair = self.board.healthy()[:2]
        if len(pair) < 2:
            return [self._view(questions)]
        second = self._beside(lambda: self.opinion(questions, pair[1]))
        try:
            views = [self._view(questions, pair[0])]
        except Unavailable:
            view = second.result()
            if view is None or UNANSWERED in view.answers:
                raise
            return [view]
        view = _within(second, OPINION_SECONDS)
        return [*views, view] if view is not None and view.where is not views[0].where else views

    def opinion(self, questions: Sequence[Question], one: Health) -> View | None:
        """The answers of one endpoint, asked at most twice; `UNANSWERED` where it gives none."""
        call = _Call(questions, [UNANSWERED] * len(questions))
        for _ in range(2):
            try:
                self._attempt(call, one)
            except Outage as outage:
                if not outage.is_silent:
                    continue
            break
        has_any = not questions or len(call.open()) < len(questions)
        return View(where=one, answers=call.answers) if has_any else None

    def confirm(self, questions: Sequence[Question]) -> list[Any]:
        """Answers on which two endpoints agree, if there are two; else the majority's or the fresher ones."""
        views = self.views(questions)
        if len(views) == 1:
            return views[0].answers
        first, second = views
        different = [
            index
            for index, question in enumerate(questions)
            if question.is_compared
            and second.answers[index] is not UNANSWERED
            and second.answers[index] != first.answers[index]
        ]
        if not different:
            return first.answers
        return self._settled(questions, first, second, different)

    def _settled(
        self, questions: Sequence[Question], first: View, second: View, different: Sequence[int]
    ) -> list[Any]:
        others = [one for one in self.board.healthy() if one not in (first.where, second.where)]
        third = self.opinion([questions[index] for index in different], others[0]) if others else None
        answers = list(first.answers)
        for place, index in enumerate(different):
            judge = third.answers[place] if third else UNANSWERED
            is_second = judge == second.answers[index] if third else _is_fresher(second.where, first.where)
            answers[index] = second.answers[index] if is_second else first.answers[index]
            loser, winner = (first, second) if is_second else (second, first)
            why = "a third says the same" if third else "its head is not older"
            self.board.report(
                "rpc_disagreement",
                f"{loser.where.name} and {winner.where.name} answer {questions[index].method} differently;"
                f" {winner.where.name} is believed: {why}",
                endpoint=loser.where.name,
                believed=winner.where.name,
            )
        return answers

    def beside(self, one: Health, questions: Sequence[Question]) -> None:
        """Ask one endpoint without waiting for its answer."""
        self._beside(lambda: self.opinion(questions, one))

    def _beside(self, work: Callable[[], View | None]) -> "Future[View | None]":
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(OPINIONS_LIMIT, thread_name_prefix="rpc")
        return self._executor.submit(_unless_it_fails(work))

    # --- the head -----------------------------------------------------------------------------------------

    def head(self) -> Head:
        """The newest block, but not one far below a head that was seen before, unless that lasts."""
        self._look_at_others()
        best = self.board.best_head()
        seen: list[Head] = []
        for number in range(HEAD_TRIES):
            if number:
                time.sleep(min(self._patience.first_pause_seconds * number / 2, HEAD_PAUSE_SECONDS))
            seen.append(self.ask(HEAD_QUESTION))
            now = self.board.best_head()
            if (
                now is not None
                and (best is None or best.number <= seen[-1].number)
                and seen[-1].number <= now.number
            ):
                self._backwards_since = None
                return seen[-1]
        newest = max(seen, key=lambda head: head.number)
        if (
            best is not None
            and best.number - newest.number > LAG_BLOCKS
            and not self._is_backwards_for_good()
        ):
            raise Unavailable(
                f"the node is far behind block {best.number}, which was seen before: it lags, or its chain"
                f" was restarted. If this lasts {self._patience.backwards_seconds:.0f} s, it is believed"
            )
        self._backwards_since = None
        self.board.start_over_at(newest)
        return newest

    def recent_head(self) -> Head:
        """The newest block that was seen, after one more look: a node that lags is not waited for."""
        self._look_at_others()
        found: Head = self.ask(HEAD_QUESTION)
        best = self.board.best_head() or found
        if found.number >= best.number:
            self._backwards_since = None
            return found
        is_recent = self.board.best_head_age_seconds() < self._patience.backwards_seconds / 10
        return best if is_recent else self.head()

    def _is_backwards_for_good(self) -> bool:
        now = time.monotonic()
        if self._backwards_since is None:
            self._backwards_since = now
        return now - self._backwards_since >= self._patience.backwards_seconds

    def _look_at_others(self) -> None:
        """Ask the unused endpoints for their heads from time to time, in the background."""
        if len(self.board.records) == 1:
            return
        now = time.monotonic()
        with self._lock:
            is_first = self._looked_at is None
            if self._looked_at is not None and now - self._looked_at < HEADS_EVERY_SECONDS:
                return
            self._looked_at = now
        in_use = self.board.ranked()[0]
        looks = [
            self._beside(lambda one=one: self.opinion([HEAD_QUESTION], one))
            for one in self.board.to_probe()
            if one is not in_use or is_first
        ]
        if is_first:
            wait(looks, timeout=FIRST_HEADS_SECONDS)


def _parsed(question: Question, reply: Any) -> Any:
    """A reply as a value. Raises `Outage` if it is not an answer."""
    if isinstance(reply, Outage):
        raise reply
    if isinstance(reply, NodeError):
        raise_if_passing(question.method, reply, is_read=question.is_read)
        return reply
    try:
        return question.parse(reply)
    except Outage:
        raise
    except Junk as error:
        raise Outage(f"{question.method}: {error}") from None
    except Exception as error:  # decoders of libraries may raise anything for an invalid answer
        raise Outage(f"{question.method}: {shown(str(error))}") from None


def _outage(state: RetryCallState) -> Outage:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, Outage) else Outage("no answer")


def _within(opinion: "Future[View | None]", seconds: float) -> View | None:
    try:
        return opinion.result(seconds)
    except TimeoutError:
        return None


def _unless_it_fails(work: Callable[[], View | None]) -> Callable[[], View | None]:
    """A second opinion that fails is ignored."""

    def opinion() -> View | None:
        try:
            return work()
        except Exception:  # it was asked beside the work, which must not end by it
            return None

    return opinion


def _is_fresher(one: Health, other: Health) -> bool:
    return one.head is not None and (other.head is None or one.head.number > other.head.number)


def _methods(call: _Call) -> str:
    return ", ".join(sorted({call.questions[index].method for index in call.open()}))
