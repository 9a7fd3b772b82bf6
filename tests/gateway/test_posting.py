"""Orders of the journal become jobs: each once, whatever happens, and none at the cost of others."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.client.conftest import POLICY, Network
from tests.gateway.desk import COIN_WEI, SIGNER, Desk
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.client.signed_orders import SignedOrder
from truestep.composition.network import open_chain
from truestep.gateway import journal as journal_module
from truestep.gateway import posting
from truestep.gateway.journal import OrderJournal
from truestep.gateway.tokens import Token
from truestep.ports.chain import Chain
from truestep.protocol.calls import PostJob


class Crash(BaseException):
    """The process ends here."""


class CrashingChain:
    """A chain on which the process ends before or after it sends."""

    def __init__(self, chain: Chain, *, is_before: bool) -> None:
        self._chain = chain
        self._is_before = is_before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def transact(self, call: PostJob, *, intent: str) -> Any:
        if not self._is_before:
            self._chain.transact(call, intent=intent)
        raise Crash


@pytest.mark.parametrize("is_before", [True, False])
def test_a_crash_around_the_send_posts_one_job(desk: Desk, is_before: bool) -> None:
    order, jobs = desk.order(), desk.jobs()
    desk.bring(order)
    whole: Any = desk.chain
    desk.chain = CrashingChain(whole, is_before=is_before)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Crash):
        desk.poster().post_all()
    desk.chain, desk.journal = whole, OrderJournal(desk.store)
    desk.poster().post_all()
    assert desk.jobs() == jobs + 1 and desk.journal.queued() == ()
    row = desk.journal.row(order.order_id)
    assert row is not None and row.job_id == jobs + 1 and row.counted_wei > 2_000


def test_a_refused_order_is_never_posted_whoever_still_has_its_id(desk: Desk) -> None:
    order, jobs = desk.order(), desk.jobs()
    desk.bring(order)
    poster = desk.poster()
    desk.journal.done(order.order_id, lambda row: journal_module.refused(row, "too dear", 0))
    poster._post(order.order_id)
    assert desk.jobs() == jobs and desk.spent_wei() == 0


class RefusingChain(CrashingChain):
    """A chain that refuses a call when it was sent already, as a node of another chain does for a while."""

    def transact(self, call: PostJob, *, intent: str) -> Any:
        self._chain.submit(call, intent=intent)
        raise Rejected(Reject.WRONG_CHAIN, "the node is of another chain")


def test_a_refusal_after_the_send_is_no_refusal_of_the_order(desk: Desk) -> None:
    order, jobs = desk.order(), desk.jobs()
    desk.bring(order)
    whole: Any = desk.chain
    desk.chain = RefusingChain(whole, is_before=False)  # pyright: ignore[reportAttributeAccessIssue]
    desk.poster().post_all()
    assert desk.state(order.order_id)["stage"] == "queued" and desk.spent_wei() > 2_000
    desk.chain = whole
    desk.poster().post_all()
    assert desk.state(order.order_id)["job_id"] == jobs + 1 == desk.jobs()


def test_a_lost_journal_posts_nothing_twice(desk: Desk, network: Network, funded: Any) -> None:
    order, jobs = desk.order(), desk.jobs()
    desk.bring(order)
    desk.poster().post_all()
    store = SqliteStore()
    desk.chain = open_chain(network.devnet.node, network.deployment, funded, store, POLICY)
    known, desk.journal = desk.journal, OrderJournal(store)
    row = known.row(order.order_id)
    assert row is not None
    token = Token(name="shop", sha256="0" * 64, signers=frozenset(), budget_wei=COIN_WEI)
    desk.journal.take_in(type(row)(order_id=row.order_id, token="shop", text=row.text, counted_wei=5), token)
    desk.poster().post_all()
    again = desk.journal.row(order.order_id)
    assert again is not None and again.job_id == jobs + 1 == desk.jobs()


def test_nothing_is_posted_while_it_is_not_known_what_was_posted_before(desk: Desk) -> None:
    order, jobs = desk.order(), desk.jobs()
    desk.bring(order)
    poster = desk.poster()
    desk.reading.trouble = "the node does not answer"
    poster.post_all()
    assert desk.jobs() == jobs and desk.state(order.order_id)["stage"] == "queued"
    assert "tried again" in desk.told[-1]


def test_an_order_that_cannot_be_posted_in_time_is_refused_and_costs_nothing(desk: Desk) -> None:
    order = desk.order()
    desk.bring(order)
    desk.network.devnet.advance(601)
    desk.poster().post_all()
    found = desk.state(order.order_id)
    assert found["stage"] == "refused" and "last second" in found["why"]
    assert desk.spent_wei() == 0


def test_an_order_that_the_contracts_refuse_costs_nothing(desk: Desk) -> None:
    order = desk.order(window_seconds=1)
    desk.bring(order)
    desk.poster().post_all()
    found = desk.state(order.order_id)
    assert found["stage"] == "refused" and "window" in found["why"]
    assert desk.spent_wei() == 0


def test_an_order_of_another_program_than_it_names_is_refused(desk: Desk) -> None:
    for changes in ({"program_hash": "33" * 32}, {"program_id": 10_000}):
        order = desk.order(**changes)
        desk.bring(order)
        desk.poster().post_all()
        assert "not the one" in desk.state(order.order_id)["why"]


class DearChain(CrashingChain):
    """A chain whose gas has become dear since orders were taken in."""

    def gas_price_wei(self) -> int:
        return 10 * self._chain.gas_price_wei()


def test_an_order_waits_while_gas_costs_more_than_was_counted(desk: Desk) -> None:
    order, jobs = desk.order(), desk.jobs()
    desk.bring(order)
    whole: Any = desk.chain
    desk.chain = DearChain(whole, is_before=False)  # pyright: ignore[reportAttributeAccessIssue]
    desk.poster().post_all()
    assert desk.state(order.order_id)["stage"] == "queued" and desk.jobs() == jobs
    assert "gwei" in desk.told[-1]
    desk.chain = whole
    desk.poster().post_all()
    assert desk.jobs() == jobs + 1


def test_the_dearest_order_costs_less_than_was_counted(desk: Desk) -> None:
    order = desk.order(
        input_uri="~" * 256,
        input_root="ff" * 32,
        shard_count=65_535,
        bond_multiple=255,
        window_seconds=86_400,
        consumer="0x" + "ff" * 20,
        callback_gas=1_000_000,
    )
    counted_wei = int(desk.bring(order).json()["counted_wei"])
    desk.poster().post_all()
    found = desk.state(order.order_id)
    assert found["stage"] == "posted", found
    gas_wei, cost_wei = counted_wei - order.total_wei, int(found["counted_wei"]) - order.total_wei
    assert cost_wei < gas_wei // 2


def test_an_order_with_another_reward_is_another_job(desk: Desk) -> None:
    first = desk.order()
    cheaper = first.model_copy(update={"reward_wei": "1"}).signed_by(SIGNER)
    for order in (first, cheaper):
        desk.bring(order)
        desk.poster().post_all()
    numbers = [desk.state(order.order_id)["job_id"] for order in (first, cheaper)]
    assert numbers[1] == numbers[0] + 1


def test_orders_of_one_token_do_not_hold_up_those_of_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Token(name="bank", sha256="0" * 64, signers=frozenset(), budget_wei=COIN_WEI)
    orders, last = [desk.order() for _ in range(12)], desk.order()
    for order in orders:
        desk.bring(order)
    row = desk.journal.row(orders[0].order_id)
    assert row is not None
    poster, seen = desk.poster(), list[str]()
    change = {"order_id": last.order_id, "token": "bank", "text": last.model_dump_json()}

    def post(order_id: str) -> None:
        if not seen:
            desk.journal.take_in(replace(row, **change), token)  # comes behind the others
        seen.append(order_id)
        desk.journal.done(order_id, lambda known: known)

    monkeypatch.setattr(poster, "_post", post)
    monkeypatch.setattr(posting, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(posting, "THREADS", 1)
    monkeypatch.setattr(poster, "_places", threading.Semaphore(1))
    poster.start()
    while desk.journal.queued():
        threading.Event().wait(0.01)
    poster.close()
    assert seen.index(last.order_id) <= 2


def test_jobs_are_watched_after_they_were_posted_and_troubles_are_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Any = desk.chain

    class TroubledChain(CrashingChain):
        """A chain that had to send something again."""

        refreshed = False

        def refresh(self) -> Any:
            self.refreshed = True
            return whole.refresh()

        def alarms(self) -> tuple[str, ...]:
            return ("a reorganisation took it; it is sent again",) if self.refreshed else ()

    monkeypatch.setattr(posting, "LOOK_SECONDS", 0.01)
    desk.chain = TroubledChain(whole, is_before=False)  # pyright: ignore[reportAttributeAccessIssue]
    poster = desk.poster()
    poster.start()
    while not desk.told:
        threading.Event().wait(0.01)
    poster.close()
    assert "sent again" in desk.told[0]


def test_a_bug_of_one_order_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = desk.order(), desk.order()
    desk.bring(first)
    desk.bring(second)
    poster = desk.poster()
    find = poster._find

    def failing(order: SignedOrder) -> Any:
        if order.order_id == first.order_id:
            raise ZeroDivisionError
        return find(order)

    monkeypatch.setattr(poster, "_find", failing)
    monkeypatch.setattr(posting, "LOOK_SECONDS", 0.01)
    poster.start()
    while desk.journal.queued() != (first.order_id,):
        threading.Event().wait(0.05)
    poster.close()
    assert any("ZeroDivisionError" in text for text in desk.told)
