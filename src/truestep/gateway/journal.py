"""The journal of orders: what was asked, what it may cost, what came of it. Written before it is sent."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from truestep.gateway.tokens import Token
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store, each_row

ORDERS, QUEUE, SPENT = "gateway orders", "gateway queue", "gateway spent"
"""Tables: orders by id, the ids of those that are not done by arrival, and what tokens have spent."""
QUEUE_LIMIT = 1_000
"""Orders that wait; more are refused, so that no token fills the disk with what is never sent."""
QUEUE_PER_TOKEN = 200
"""Of them, so that the others have room too."""


class OrderStage(StrEnum):
    """How far an order is."""

    QUEUED = "queued"
    POSTED = "posted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order."""

    order_id: str
    token: str
    """The name of the token that brought it."""
    text: str
    """The order as JSON."""
    stage: OrderStage = OrderStage.QUEUED
    counted_wei: int
    """What of the token's budget it takes: at most, until it is done; then what it has cost."""
    job_id: int | None = None
    transaction_hash: str | None = None
    why: str | None = None
    """Of a refused order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the orders of a token take of its budget, in wei."""

    total_wei: int


class BudgetUsedUp(Exception):
    """The token's budget does not hold this order; it says what is left."""

    def __init__(self, left_wei: int) -> None:
        super().__init__(f"{left_wei} left")
        self.left_wei = left_wei


class QueueFull(Exception):
    """Too many orders wait."""


class Waiting(NamedTuple):
    """An order that is not done."""

    order_id: str
    token: str


_ORDER_ROWS = RowCodec[OrderRow]({"OrderRow": OrderRow})
_SPENT_ROWS = RowCodec[Spent]({"Spent": Spent})


class OrderJournal:
    """Orders in a store. By any thread of the one process that has the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._queue = {
            key: Waiting(order_id, self._token_of(order_id)) for key, order_id in each_row(store, QUEUE)
        }
        self._next = max((int(key) for key in self._queue), default=0) + 1

    def row(self, order_id: str) -> OrderRow | None:
        """An order; None if it was never taken in."""
        found = self._store.read(ORDERS, order_id)
        return None if found is None else _ORDER_ROWS.from_row(found)

    def queued(self) -> tuple[str, ...]:
        """The ids of orders that are not done, the oldest first."""
        return tuple(each.order_id for each in self.waiting())

    def waiting(self) -> tuple[Waiting, ...]:
        """The orders that are not done, the oldest first."""
        with self._lock:
            return tuple(each for _, each in sorted(self._queue.items()))

    def spent_wei(self, token: str) -> int:
        """What the orders of a token take of its budget."""
        found = self._store.read(SPENT, token)
        return 0 if found is None else _SPENT_ROWS.from_row(found).total_wei

    def take_in(self, row: OrderRow, token: Token) -> tuple[OrderRow, bool]:
        """Keep an order, once. Returns it as it stands, and whether it is new.

        Raises BudgetUsedUp and QueueFull; then nothing is kept.
        """
        with self._lock:
            known = self.row(row.order_id)
            if known is not None:
                return known, False
            spent_wei = self.spent_wei(token.name) + row.counted_wei
            if spent_wei > token.budget_wei:
                raise BudgetUsedUp(token.budget_wei - spent_wei + row.counted_wei)
            waiting = sum(each.token == token.name for each in self._queue.values())
            if len(self._queue) >= QUEUE_LIMIT or waiting >= QUEUE_PER_TOKEN:
                raise QueueFull
            key = f"{self._next:020d}"
            self._store.write(
                [
                    Change(table=ORDERS, key=row.order_id, value=_ORDER_ROWS.to_row(row)),
                    Change(table=QUEUE, key=key, value=row.order_id),
                    self._spends(token.name, spent_wei),
                ]
            )
            self._next += 1
            self._queue[key] = Waiting(row.order_id, row.token)
            return row, True

    def done(self, order_id: str, change: Callable[[OrderRow], OrderRow]) -> None:
        """An order is posted or refused: its row is changed, and its token gets back what it has not cost."""
        with self._lock:
            keys = [key for key, queued in self._queue.items() if queued.order_id == order_id]
            row = self.row(order_id)
            if row is None or not keys:
                return
            after = change(row)
            spent_wei = self.spent_wei(row.token) + after.counted_wei - row.counted_wei
            self._store.write(
                [
                    Change(table=ORDERS, key=order_id, value=_ORDER_ROWS.to_row(after)),
                    *(Change(table=QUEUE, key=key, value=None) for key in keys),
                    self._spends(row.token, spent_wei),
                ]
            )
            for key in keys:
                del self._queue[key]

    def _token_of(self, order_id: str) -> str:
        row = self.row(order_id)
        return "" if row is None else row.token

    def _spends(self, token: str, total_wei: int) -> Change:
        return Change(table=SPENT, key=token, value=_SPENT_ROWS.to_row(Spent(total_wei=total_wei)))


def posted(row: OrderRow, job_id: int, transaction_hash: str, cost_wei: int) -> OrderRow:
    """The order, once its job is on the chain."""
    return replace(
        row,
        stage=OrderStage.POSTED,
        job_id=job_id,
        transaction_hash=transaction_hash,
        counted_wei=cost_wei,
    )


def refused(row: OrderRow, why: str, cost_wei: int) -> OrderRow:
    """The order, once it is known that it will never be posted."""
    return replace(row, stage=OrderStage.REFUSED, why=why, counted_wei=cost_wei)
