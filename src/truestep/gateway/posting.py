"""Posts the orders of the journal from threads of its own, each at most once."""

import math
import threading
import time
from collections.abc import Callable, Iterator

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import JobId
from truestep.base.text import one_line
from truestep.client.costs import POST_GAS
from truestep.client.sending import event_of, numbered, transact_once
from truestep.client.signed_orders import SignedOrder
from truestep.gateway import journal
from truestep.gateway.journal import OrderJournal, OrderStage
from truestep.ports.chain import Chain, Outcome, Transaction
from truestep.protocol.events import JobPosted
from truestep.protocol.settlement.jobs import program_hash

THREADS = 4
"""A transaction is waited for some blocks long; so many orders are on their way at once."""
LOOK_SECONDS = 1.0
RETRY_SECONDS = 5.0
"""Before an order is tried again whose time it was not, or that a node did not answer for."""
LATER = frozenset({Reject.FUNDS_TOO_LOW, Reject.PARAMETERS_OLD})
"""Refusals that end: the operator sends coins, the next attempt names the newest parameters."""
Find = Callable[[SignedOrder], tuple[JobId, str] | None]
"""The job of an order that is on the chain already, and its transaction."""
Tell = Callable[[str], None]


class Poster:
    """Posts orders until it is closed."""

    def __init__(self, chain: Chain, orders: OrderJournal, find: Find, tell: Tell) -> None:
        """`find` looks on the chain: the journal may be lost, and an order must not be posted again."""
        self._chain = chain
        self._orders = orders
        self._find = find
        self._tell = tell
        self._places = threading.Semaphore(THREADS)
        self._not_before: dict[str, float] = {}
        """When each order may be tried again; never while it is under way."""
        self._turns: dict[str, int] = {}
        """The number of each token's last turn."""
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._loop = threading.Thread(target=self._run, name="posting", daemon=True)

    def start(self) -> None:
        """Post in threads."""
        self._loop.start()

    def close(self) -> None:
        """Begin no more. What is on its way is in the chain's journal, and the next start goes on with it."""
        self._over.set()

    def post_all(self) -> None:
        """Post all that is queued, in this thread."""
        for order_id in self._orders.queued():
            self._post(order_id)

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._watch()
            while self._places.acquire(blocking=False):
                order_id = self._next_due()
                if order_id is None or self._over.is_set():
                    self._places.release()
                    break
                # A daemon: at the end of the process nobody waits minutes for a block.
                threading.Thread(
                    target=self._in_thread, args=(order_id,), name="posting an order", daemon=True
                ).start()

    def _watch(self) -> None:
        """Send again what a reorganisation has taken away, though nobody waits for it; say what is wrong."""
        try:
            self._chain.refresh()
        except (Unavailable, Rejected):
            return  # whoever posts next says so
        for alarm in self._chain.alarms():
            self._tell(alarm)

    def _next_due(self) -> str | None:
        """The oldest order of the token whose turn it is: many of one token hold up no other's."""
        with self._lock:
            now = time.monotonic()
            due = [each for each in self._orders.waiting() if now >= self._not_before.get(each.order_id, 0.0)]
            if not due:
                return None
            order_id, token = min(due, key=lambda each: self._turns.get(each.token, 0))
            self._turns[token] = max(self._turns.values(), default=0) + 1
            self._not_before[order_id] = math.inf
            return order_id

    def _in_thread(self, order_id: str) -> None:
        try:
            self._post(order_id)
        except Exception as error:  # an error of ours: said, and not repeated before the next start
            self._tell(f"order {order_id[:8]}: {error!r}; it waits for the next start of the gateway")
        else:
            with self._lock:
                del self._not_before[order_id]
                if order_id in self._orders.queued():
                    self._not_before[order_id] = time.monotonic() + RETRY_SECONDS
        finally:
            self._places.release()

    def _post(self, order_id: str) -> None:
        """1. Is it still to be sent? 2. Send it, or wait for what was sent. 3. Note which job it is."""
        row = self._orders.row(order_id)
        if row is None or row.stage is not OrderStage.QUEUED:  # it ended since it was looked up
            return
        order, intent = SignedOrder.model_validate_json(row.text), f"order:{order_id}"
        try:
            if not self._is_sent(intent):  # 1.
                if self._is_settled(order_id, order, intent):
                    return
                self._refuse_dear(order, row.counted_wei)
            name = transact_once(
                self._chain, order.call(), intent, lambda: self._find(order) is not None
            )  # 2.
            if name:  # 3.
                transaction, event = event_of(self._chain, name, lambda found: isinstance(found, JobPosted))
                job_id = event.job_id if isinstance(event, JobPosted) else JobId(0)
                self._note(order_id, order, intent, job_id, transaction.transaction_hash.hex())
        except Rejected as error:
            if error.reason in LATER or self._is_sent(intent):  # what is on its way may still be a job
                self._tell(f"order {order_id[:8]}: {one_line(str(error))}; it is tried again")
            else:
                self._refuse(order_id, intent, one_line(str(error)))
        except Unavailable as error:
            self._tell(f"order {order_id[:8]}: {one_line(str(error))}; it is tried again")

    def _is_settled(self, order_id: str, order: SignedOrder, intent: str) -> bool:
        """Whether nothing is to be sent: its job is there, it is too late, or its program is another one."""
        found = self._find(order)
        if found is not None:
            self._note(order_id, order, intent, *found)
            return True
        facts = self._chain.facts()
        known = facts.programs[order.program_id - 1] if order.program_id <= len(facts.programs) else None
        if known is None or program_hash(known).hex() != order.program_hash:
            self._refuse(order_id, intent, f"program {order.program_id} is not the one that the order names")
            return True
        if self._chain.head().time_seconds > order.valid_until:
            self._refuse(order_id, intent, "it could not be posted before its last second")
            return True
        return False

    def _refuse_dear(self, order: SignedOrder, counted_wei: int) -> None:
        """Raises Unavailable while gas costs more than what was counted against the token's budget."""
        price_wei = self._chain.gas_price_wei()
        if order.total_wei + POST_GAS * price_wei > counted_wei:
            raise Unavailable(f"gas costs {price_wei / 10**9:g} gwei, which is more than was counted with")

    def _is_sent(self, intent: str) -> bool:
        return any(each.outcome is not Outcome.REVERTED for each in self._sent(intent))

    def _sent(self, intent: str) -> Iterator[Transaction]:
        number = 0
        while (found := self._chain.transaction(numbered(intent, number))) is not None:
            yield found
            number += 1

    def _note(
        self, order_id: str, order: SignedOrder, intent: str, job_id: JobId, transaction_hash: str
    ) -> None:
        cost_wei = order.total_wei + self._fees_wei(intent)
        self._orders.done(order_id, lambda row: journal.posted(row, job_id, transaction_hash, cost_wei))
        self._tell(f"order {order_id[:8]} of {order.requester} is job {job_id}")

    def _refuse(self, order_id: str, intent: str, why: str) -> None:
        fees_wei = self._fees_wei(intent)
        self._orders.done(order_id, lambda row: journal.refused(row, why, fees_wei))
        self._tell(f"order {order_id[:8]} is refused: {why}")

    def _fees_wei(self, intent: str) -> int:
        return sum(each.fee_wei for each in self._sent(intent))
