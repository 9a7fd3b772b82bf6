"""The journal of orders: once, within the budget, and the same after a crash at any write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tests.stores import PassingStore
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.gateway import journal
from truestep.gateway.journal import BudgetUsedUp, OrderJournal, OrderRow, OrderStage, QueueFull
from truestep.gateway.tokens import Token
from truestep.ports.store import Change

TOKEN = Token(name="shop", sha256="0" * 64, signers=frozenset(), budget_wei=100)


def row(number: int, counted_wei: int = 40) -> OrderRow:
    return OrderRow(order_id=f"{number:064x}", token="shop", text="{}", counted_wei=counted_wei)


def test_an_order_is_taken_in_once() -> None:
    orders = OrderJournal(SqliteStore())
    assert orders.take_in(row(1), TOKEN) == (row(1), True)
    assert orders.take_in(row(1, counted_wei=7), TOKEN) == (row(1), False)
    assert orders.spent_wei("shop") == 40 and orders.queued() == (row(1).order_id,)


def test_a_budget_bounds_what_queued_orders_may_cost_and_gets_back_what_they_have_not() -> None:
    orders = OrderJournal(SqliteStore())
    orders.take_in(row(1), TOKEN)
    orders.take_in(row(2), TOKEN)
    with pytest.raises(BudgetUsedUp) as refusal:
        orders.take_in(row(3), TOKEN)
    assert refusal.value.left_wei == 20 and orders.row(row(3).order_id) is None
    orders.done(row(1).order_id, lambda known: journal.posted(known, 9, "ab" * 32, 10))
    orders.done(row(2).order_id, lambda known: journal.refused(known, "too late", 1))
    assert orders.spent_wei("shop") == 11 and orders.queued() == ()
    first, second = orders.row(row(1).order_id), orders.row(row(2).order_id)
    assert first is not None and (first.stage, first.job_id) == (OrderStage.POSTED, 9)
    assert second is not None and (second.stage, second.why) == (OrderStage.REFUSED, "too late")


def test_what_is_done_is_done_once() -> None:
    orders = OrderJournal(SqliteStore())
    orders.take_in(row(1), TOKEN)
    orders.done(row(1).order_id, lambda known: journal.posted(known, 9, "ab" * 32, 10))
    orders.done(row(1).order_id, lambda known: journal.refused(known, "too late", 0))
    found = orders.row(row(1).order_id)
    assert found is not None and found.stage is OrderStage.POSTED and orders.spent_wei("shop") == 10


def test_orders_come_in_their_order_also_after_a_restart() -> None:
    store = SqliteStore()
    orders = OrderJournal(store)
    for number in (3, 1, 2):
        orders.take_in(row(number, counted_wei=1), TOKEN)
    orders.done(row(1).order_id, lambda known: replace(known, stage=OrderStage.REFUSED))
    again = OrderJournal(store)
    again.take_in(row(0, counted_wei=1), TOKEN)
    assert again.queued() == tuple(row(number).order_id for number in (3, 2, 0))


def test_more_orders_than_can_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "QUEUE_LIMIT", 1)
    orders = OrderJournal(SqliteStore())
    orders.take_in(row(1), TOKEN)
    with pytest.raises(QueueFull):
        orders.take_in(row(2), TOKEN)


def test_no_token_takes_all_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "QUEUE_PER_TOKEN", 3)
    store, other = SqliteStore(), replace(TOKEN, name="bank")
    orders = OrderJournal(store)
    for number in (1, 2, 3):
        orders.take_in(row(number, counted_wei=1), TOKEN)
    with pytest.raises(QueueFull):
        orders.take_in(row(4, counted_wei=1), TOKEN)
    assert orders.take_in(replace(row(5, counted_wei=1), token="bank"), other)[1]
    for known in (orders, OrderJournal(store)):
        assert known.queued() == tuple(row(number).order_id for number in (1, 2, 3, 5))


@dataclass
class FailingStore(PassingStore):
    """A store whose disk fails at a write."""

    is_failing: bool = True

    def write(self, changes: Sequence[Change]) -> None:
        if self.is_failing:
            raise Unavailable("the disk is full")
        super().write(changes)


def test_what_could_not_be_written_was_not_taken_in() -> None:
    store = FailingStore(SqliteStore())
    orders = OrderJournal(store)
    with pytest.raises(Unavailable):
        orders.take_in(row(1), TOKEN)
    assert orders.queued() == () and orders.spent_wei("shop") == 0
    store.is_failing = False
    assert orders.take_in(row(1), TOKEN)[1]
