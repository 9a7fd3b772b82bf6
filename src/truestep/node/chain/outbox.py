"""Sends what a role decided to send, in the background. Reverted calls are tried again, ever more slowly."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.node.loop.backoff import Backoff
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, ShouldStop
from truestep.ports.reporter import Reporter
from truestep.protocol.calls import URGENT
from truestep.roles.intents import in_words, landed_in_words

TRIES = 4
"""Attempts at one intent that follow each other without a pause when they are reverted; each costs gas."""
REVERTED_WAIT = Backoff(first_seconds=60.0, limit_seconds=600.0)
"""Pauses before further attempts. The cause may go away, and giving up could cost a bond."""
FAILED_WAIT = Backoff(first_seconds=0.5, limit_seconds=8.0)
"""Pauses after an attempt that no node accepted, far shorter than any clock."""
CONFIRMED_AGAIN_SECONDS = 10.0
"""Between looks at a confirmed deed that a role wants again. Its chain watches it for reorganisations too."""
TOLD_LIMIT = 1_000
"""Outcomes that are remembered as reported: far more than can be under way at one time."""
TROUBLE_AGAIN_SECONDS = 60.0
"""Interval at which a lasting trouble is reported again, however many sends have it."""
NO_REASON = "no reason given"
REFRESH_SECONDS = 4.0
"""Interval of checks of pending transactions while no block comes."""


class Outgoing(Protocol):
    """What a role wants sent, such as `truestep.roles.actions.Send`."""

    @property
    def intent(self) -> str:
        """The name of the deed."""
        ...

    @property
    def call(self) -> Any:
        """What its chain can submit."""
        ...

    @property
    def message(self) -> str:
        """Why, for people."""
        ...


class Channel(Protocol):
    """What sends: a part of a chain, such as `truestep.ports.chain.Chain`."""

    def submit(self, call: Any, *, intent: str) -> Transaction:
        """Journal, sign and send; returns at once."""
        ...

    def refresh(self) -> tuple[Transaction, ...]:
        """Look after everything that is pending."""
        ...

    def transaction(self, intent: str) -> Transaction | None:
        """What became of an intent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An item of work: send a call under an intent."""

    intent: str
    call: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """An item of work: check everything that is pending. Also the key of that work."""


class Courier:
    """Performs the items of an outbox on a chain. For any thread."""

    def __init__(self, chain: Channel) -> None:
        self._chain = chain

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one item; the transaction, or all that were pending."""
        del should_stop  # a transaction that is on its way cannot be called back
        match item:
            case Submission(intent=intent, call=call):
                return self._chain.submit(call, intent=intent)
            case Refresh():
                return self._chain.refresh()
            case other:
                raise Bug(f"expected an item of an outbox, got {type(other)}")


@dataclass(slots=True, kw_only=True)
class _Trouble:
    """Why an intent is not done yet."""

    failures: int = 0
    until_seconds: float = 0.0
    refusal: Reject | None = None


class Outbox:
    """Sends calls and reports every outcome once. Attempt number n at an intent is journaled as `intent#n`.

    For one thread. Other threads do the sending, so that a node that hangs delays nothing else.
    """

    def __init__(
        self,
        chain: Channel,
        executor: Executor,
        clock: Clock,
        reporter: Reporter,
        urgent: tuple[type, ...] = URGENT,
    ) -> None:
        """Calls of the types `urgent` go first."""
        self._chain = chain
        self._urgent = urgent
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._under_way: dict[str, Outgoing] = {}
        self._pending: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._troubles: dict[str, _Trouble] = {}
        self._confirmed: set[str] = set()
        self._told: OrderedDict[tuple[str, bytes, Outcome], None] = OrderedDict()
        """The outcomes that were reported: a send and a check under way may both find one."""
        self._said: dict[str, float] = {}
        """The troubles of the last minute, and when each was reported."""
        self._refreshed_at: float | None = None
        self.fees_wei = 0
        """What the gas of transactions has cost whose outcome was learnt since the start."""
        self.is_ready = False
        """Whether what an earlier process left pending is known."""

    @property
    def in_flight(self) -> frozenset[str]:
        """The intents that are being sent, or were sent and have no outcome yet."""
        return frozenset(self._pending | self._under_way.keys())

    def collect(self) -> bool:
        """Collect the results of sends and checks. Returns whether there is news of a transaction."""
        news = [self._collect_one(finished) for finished in self._executor.collect()]
        return any(news)

    def refresh(self, *, is_new_head: bool) -> None:
        """Check what is pending, if there may be news and no check is running."""
        now = self._clock.monotonic_seconds()
        is_due = self._refreshed_at is None or now - self._refreshed_at >= REFRESH_SECONDS
        if (is_new_head or is_due or not self.is_ready) and self._executor.start(Refresh(), Refresh()):
            self._refreshed_at = now

    def send_all(self, sends: Iterable[Outgoing]) -> None:
        """Send what is not being sent, as far as there is room; roles ask again for the rest.

        Calls for which a clock runs go first, each kind in the order of the role.
        """
        wanted = sorted(sends, key=lambda send: not isinstance(send.call, self._urgent))
        if self.is_ready:
            for send in wanted:
                self._send(send)
        live = {send.intent for send in wanted} | self.in_flight
        self._attempts = {intent: number for intent, number in self._attempts.items() if intent in live}
        self._troubles = {intent: trouble for intent, trouble in self._troubles.items() if intent in live}

    def _send(self, send: Outgoing) -> None:
        if send.intent in self._pending or send.intent in self._under_way:
            return
        number = self._next_attempt(send.intent)
        trouble = self._troubles.get(send.intent)
        if trouble and self._clock.monotonic_seconds() < trouble.until_seconds:
            return
        known = self._chain.transaction(f"{send.intent}#{number}")
        if known is not None and known.outcome is Outcome.CONFIRMED:
            # A node that lags told the role so, or a reorganisation took it back: looked at now and then.
            trouble = self._troubles.setdefault(send.intent, _Trouble())
            trouble.until_seconds = self._clock.monotonic_seconds() + CONFIRMED_AGAIN_SECONDS
            self._confirmed.add(send.intent)
        submission = Submission(intent=f"{send.intent}#{number}", call=send.call)
        if self._executor.start(send.intent, submission):
            self._under_way[send.intent] = send

    def _next_attempt(self, intent: str) -> int:
        """The number of the attempt to make or to check."""
        number = self._attempts.get(intent, 0)
        while (known := self._chain.transaction(f"{intent}#{number}")) and known.outcome is Outcome.REVERTED:
            number += 1
        if number >= TRIES and number != self._attempts.get(intent):
            self._postpone(intent, number, known_reason(self._chain, intent, number))
        self._attempts[intent] = number
        return number

    def _postpone(self, intent: str, number: int, reason: str) -> None:
        """Pause before an intent that is always reverted is tried again."""
        wait_seconds = REVERTED_WAIT.seconds(number - TRIES + 1)
        trouble = self._troubles.setdefault(intent, _Trouble())
        trouble.until_seconds = self._clock.monotonic_seconds() + wait_seconds
        message = (
            f"{in_words(intent)} was reverted {number} times, last because: {reason or NO_REASON}; it is"
            f" tried again in {wait_seconds:.0f} s and each attempt costs gas; find the cause, or stop this"
            " node"
        )
        self._reporter.report("keeps_reverting", message, intent=intent, attempts=number)

    # --- what came of it --------------------------------------------------------------------------------

    def _collect_one(self, finished: Finished) -> bool:
        if isinstance(finished.key, Refresh):
            return self._collect_refresh(finished)
        self._collect_send(finished.key, finished)
        return True

    def _collect_refresh(self, finished: Finished) -> bool:
        if finished.error is not None:
            self._report_trouble("checking what was sent", finished.error)
            return False
        transactions: tuple[Transaction, ...] = finished.value  # pyright: ignore[reportAssignmentType]
        for transaction in transactions:
            self._take_in(transaction)
        self.is_ready = True
        return any(transaction.outcome is not Outcome.PENDING for transaction in transactions)

    def _collect_send(self, key: Hashable, finished: Finished) -> None:
        send = self._under_way.pop(str(key))
        trouble = self._troubles.setdefault(send.intent, _Trouble())
        match finished.error or finished.value:
            case Transaction() as transaction:
                trouble.failures, trouble.refusal = 0, None
                was_confirmed = send.intent in self._confirmed
                self._confirmed.discard(send.intent)
                if was_confirmed and transaction.outcome is Outcome.CONFIRMED:
                    return
                if self._is_news(transaction, Outcome.PENDING):
                    self._report(f"{_kind(send.intent)}_sent", send.message, transaction)
                self._take_in(transaction)
            case Rejected() as error:
                self._report_refusal(send, trouble, error)
            case error:
                trouble.failures += 1
                wait_seconds = FAILED_WAIT.seconds(trouble.failures)
                trouble.until_seconds = self._clock.monotonic_seconds() + wait_seconds
                self._report_trouble(f"sending: {send.message}", error)

    def _take_in(self, transaction: Transaction) -> None:
        """Note and report the outcome of a transaction."""
        intent = _intent(transaction)
        match transaction.outcome:
            case Outcome.PENDING:
                self._pending.add(intent)
                self._told.pop(_told_key(transaction, Outcome.CONFIRMED), None)  # it may land once more
                return
            case Outcome.CONFIRMED if not self._is_news(transaction, Outcome.CONFIRMED):
                pass
            case Outcome.CONFIRMED:
                self._report(f"{_kind(intent)}_landed", landed_in_words(intent), transaction)
            case Outcome.REVERTED if not self._is_news(transaction, Outcome.REVERTED):
                pass
            case Outcome.REVERTED:
                why = f"{in_words(intent)} was reverted: {transaction.reason or NO_REASON}"
                self._report(f"{_kind(intent)}_reverted", why, transaction)
                if intent in self._troubles:
                    self._troubles[intent].until_seconds = 0.0
        self._pending.discard(intent)

    def _is_news(self, transaction: Transaction, outcome: Outcome) -> bool:
        """Whether this outcome of a transaction was not reported yet; from now on it was."""
        key = _told_key(transaction, outcome)
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > TOLD_LIMIT:
            self._told.popitem(last=False)
        return True

    def _report_refusal(self, send: Outgoing, trouble: _Trouble, error: Rejected) -> None:
        if trouble.refusal is not error.reason:
            trouble.refusal = error.reason
            self._reporter.report(
                f"{_kind(send.intent)}_refused",
                f"{send.message}: {error}",
                intent=send.intent,
                reason=error.reason.value,
            )

    def _report_trouble(self, what: str, error: object) -> None:
        message = f"{error}" if isinstance(error, Unavailable) else repr(error)
        now = self._clock.monotonic_seconds()
        said = {each: at for each, at in self._said.items() if now - at < TROUBLE_AGAIN_SECONDS}
        if message not in said:
            said[message] = now
            self._reporter.report("unavailable", f"{what}: {message}; it is tried again")
        self._said = said

    def _report(self, kind: str, message: str, transaction: Transaction) -> None:
        if transaction.outcome is not Outcome.PENDING:
            self.fees_wei += transaction.fee_wei
        self._reporter.report(
            kind,
            message,
            intent=_intent(transaction),
            transaction_hash=f"0x{transaction.transaction_hash.hex()}",
            gas_used=transaction.gas_used,
            fee_wei=transaction.fee_wei,
        )


def known_reason(chain: Channel, intent: str, number: int) -> str:
    """Why the attempt before number `number` was reverted."""
    last = chain.transaction(f"{intent}#{number - 1}")
    return last.reason if last else ""


def _told_key(transaction: Transaction, outcome: Outcome) -> tuple[str, bytes, Outcome]:
    return transaction.intent, transaction.transaction_hash, outcome


def _kind(intent: str) -> str:
    return intent.split("/", maxsplit=1)[0]


def _intent(transaction: Transaction) -> str:
    return transaction.intent.rpartition("#")[0]
