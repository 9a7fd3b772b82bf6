"""Signed orders, from the request to the job, on a real network."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from web3 import Account

from tests.client.conftest import CYCLES_LIMIT, POLICY, Network
from tests.gateway.conftest import MANY_PER_SECOND, served
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import JobId
from truestep.client import Order
from truestep.client.signed_orders import ORDER_LIMIT_BYTES, WAIT_LIMIT_SECONDS, SignedOrder, order_for
from truestep.composition.network import open_chain
from truestep.dashboard.reading import Reading
from truestep.gateway import journal as journal_module
from truestep.gateway import orders as orders_module
from truestep.gateway import posting
from truestep.gateway.journal import OrderJournal
from truestep.gateway.orders import Orders, find_in
from truestep.gateway.posting import Poster
from truestep.gateway.problems import PROBLEM_TYPE
from truestep.gateway.service import Gateway
from truestep.gateway.tokens import Token, Tokens, new_token
from truestep.ports.chain import Chain
from truestep.protocol.calls import PostJob
from truestep.protocol.settlement.jobs import program_hash

COIN_WEI = 10**18
TEXT = b"what a requester orders"
SIGNER = Account.create()
STRANGER = Account.create()


@dataclass(kw_only=True)
class Desk:
    """A gateway that takes orders, whose posting happens when the test says so."""

    network: Network
    chain: Chain
    store: SqliteStore
    reading: Reading
    journal: OrderJournal
    client: httpx.Client
    token: str
    told: list[str]

    def poster(self) -> Poster:
        """Begins as after a start of the process."""
        self.reading.poll()
        account = self.chain.account
        return Poster(
            self.chain, self.journal, lambda order: find_in(self.reading, account, order), self.told.append
        )

    def order(self, **changes: Any) -> SignedOrder:
        """An order that is right, but for the changes."""
        self.reading.poll()
        facts, now = self.chain.facts(), self.chain.head().time_seconds
        fields: dict[str, Any] = {
            "chain_id": self.network.deployment.chain_id,
            "jobs": self.network.deployment.address("Jobs"),
            "gateway": self.chain.account,
            "requester": SIGNER.address,
            "program_id": 1,
            "program_hash": program_hash(facts.programs[0]).hex(),
            "input_root": "11" * 32,
            "input_size": 7,
            "input_uri": "",
            "seed": Account.create().key.hex().removeprefix("0x"),
            "shard_count": 2,
            "reward_wei": "1000",
            "lease_seconds": 300,
            "deadline": now + 3_600,
            "valid_until": now + 600,
        }
        return SignedOrder(**(fields | changes)).signed_by(SIGNER)

    def bring(self, order: SignedOrder | bytes, token: str | None = None, **headers: str) -> httpx.Response:
        """Bring it to the gateway."""
        body = order if isinstance(order, bytes) else order.model_dump_json().encode()
        sent = {
            "Authorization": f"Bearer {token or self.token}",
            "Content-Type": "application/json",
            **headers,
        }
        return self.client.post("/v1/orders", content=body, headers=sent)

    def state(self, order_id: str) -> dict[str, Any]:
        """What became of an order."""
        answer = self.client.get(f"/v1/orders/{order_id}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def headers(self) -> dict[str, str]:
        """The token."""
        return {"Authorization": f"Bearer {self.token}"}

    def spent_wei(self) -> int:
        """What the token has spent."""
        return int(self.client.get("/v1/budget", headers=self.headers).json()["spent_wei"])

    def jobs(self) -> int:
        """How many jobs there are."""
        return self.chain.counters().job_count

    def balance_wei(self) -> int:
        """What the gateway's account has."""
        return self.chain.balances(self.chain.account).wallet_wei


@pytest.fixture(scope="module")
def funded(network: Network) -> Any:
    """The gateway's account; a program is registered."""
    network.client.register(network.elf, max_cycles=CYCLES_LIMIT)
    account = Account.create()
    network.devnet.fund(account.address, 10 * COIN_WEI)
    return account


@pytest.fixture
def desk(network: Network, funded: Any) -> Iterator[Desk]:
    store = SqliteStore()
    chain = open_chain(network.devnet.node, network.deployment, funded, store, POLICY)
    reading = Reading(chain, network.deployment.block_number)
    reading.poll()
    (token, sha256), journal = new_token(), OrderJournal(store)
    signers = frozenset({SIGNER.address.lower()})
    tokens = Tokens({"shop": Token(name="shop", sha256=sha256, signers=signers, budget_wei=COIN_WEI)})
    orders = Orders(chain, reading, journal, tokens, network.deployment)
    with served() as serve:
        yield Desk(
            network=network,
            chain=chain,
            store=store,
            reading=reading,
            journal=journal,
            client=serve(Gateway(orders.operations(), requests_per_second=MANY_PER_SECOND)),
            token=token,
            told=[],
        )


def refused(answer: httpx.Response, status: int, words: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    assert words in answer.json()["detail"], answer.text


def test_an_order_becomes_a_job_and_costs_what_it_has_cost(desk: Desk) -> None:
    order, before_wei, jobs = (
        desk.order(consumer="0x" + "22" * 20, callback_gas=100_000),
        desk.balance_wei(),
        desk.jobs(),
    )
    answer = desk.bring(order)
    assert answer.status_code == 202
    queued = answer.json()
    assert queued["stage"] == "queued" and queued["order_id"] == order.order_id
    assert desk.spent_wei() == int(queued["counted_wei"]) > 2_000
    desk.poster().post_all()
    found = desk.state(order.order_id)
    assert (found["stage"], found["job_id"]) == ("posted", jobs + 1)
    assert desk.spent_wei() == int(found["counted_wei"]) == before_wei - desk.balance_wei()
    record = desk.chain.job(JobId(jobs + 1))
    assert record.requester == desk.chain.account and record.seed.hex() == order.seed
    assert (record.shard_count, record.reward, record.deadline) == (2, 1000, order.deadline)


def test_an_order_that_comes_again_is_the_same_job(desk: Desk) -> None:
    order, jobs = desk.order(), desk.jobs()
    assert [desk.bring(order).status_code for _ in range(3)] == [202, 200, 200]
    poster = desk.poster()
    poster.post_all()
    poster.post_all()
    again = desk.bring(order)
    assert again.status_code == 200 and again.json()["job_id"] == jobs + 1 == desk.jobs()


def test_orders_that_come_at_the_same_time_are_one(desk: Desk) -> None:
    order, answers = desk.order(), list[int]()
    threads = [
        threading.Thread(target=lambda: answers.append(desk.bring(order).status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 7 + [202]
    assert desk.journal.queued() == (order.order_id,)


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


def test_only_who_has_a_token_may_order_or_look(desk: Desk) -> None:
    order = desk.order()
    for token in ("wrong", desk.token[:-1], "tsg_" + "x" * 43):
        answer = desk.bring(order, token)
        refused(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(desk.bring(order, Authorization="Basic eDp5"), 401)
    refused(desk.client.post("/v1/orders"), 401)
    refused(desk.client.get("/v1/budget"), 401)
    refused(desk.client.get(f"/v1/orders/{order.order_id}"), 401)
    assert desk.journal.queued() == ()


def test_an_order_must_be_signed_by_its_requester_who_must_be_the_token_s(desk: Desk) -> None:
    order = desk.order()
    refused(desk.bring(order.model_copy(update={"signature": None})), 403, "nobody has signed")
    refused(desk.bring(order.model_copy(update={"signature": "00" * 65})), 403, "signature")
    refused(desk.bring(order.signed_by(STRANGER)), 403)
    refused(desk.bring(order.model_copy(update={"reward_wei": "1"})), 403)
    stranger = order.model_copy(update={"requester": STRANGER.address}).signed_by(STRANGER)
    refused(desk.bring(stranger), 403, "signers")
    assert desk.journal.queued() == ()


@pytest.mark.parametrize("name", ["gateway", "jobs", "chain_id"])
def test_an_order_for_another_place_is_refused(desk: Desk, name: str) -> None:
    refused(
        desk.bring(desk.order(**{name: 7 if name == "chain_id" else STRANGER.address})), 403, "/v1/network"
    )


def test_an_order_is_valid_for_a_while_only(desk: Desk) -> None:
    now = desk.chain.head().time_seconds
    for until in (now - 1, now + WAIT_LIMIT_SECONDS + 60):
        refused(desk.bring(desk.order(valid_until=until)), 409, "sign the order again")


def test_orders_beyond_the_budget_are_refused_with_what_is_left(desk: Desk) -> None:
    refused(desk.bring(desk.order(reward_wei=str(COIN_WEI // 2))), 402, "1 ETH, which is left")
    assert desk.spent_wei() == 0


def test_orders_that_the_gateway_cannot_pay_are_refused(desk: Desk) -> None:
    refused(desk.bring(desk.order(reward_wei=str(100 * COIN_WEI))), 503, "operator")


@pytest.mark.parametrize(
    "change",
    [
        {"shard_count": 0},
        {"shard_count": 65_536},
        {"shard_count": "2"},
        {"shard_count": True},
        {"reward_wei": 1000},
        {"reward_wei": "-1"},
        {"reward_wei": "1e3"},
        {"reward_wei": "٣"},
        {"input_uri": "a\nb"},
        {"input_uri": "x" * 2_000},
        {"seed": "00"},
        {"consumer": "0x" + "11" * 19},
        {"valid_until": 2**60},
        {"version": 2},
        {"extra": 1},
        {"chain_id": None},
    ],
)
def test_what_is_no_order_is_refused_by_the_name_of_its_field(desk: Desk, change: dict[str, Any]) -> None:
    fields = json.loads(desk.order().model_dump_json()) | change
    refused(desk.bring(json.dumps(fields).encode()), 422, next(iter(change)))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff" * 9, b"[" * 8_000, b'{"a":' * 1_000])
def test_what_is_no_json_is_refused(desk: Desk, body: bytes) -> None:
    refused(desk.bring(body), 422)


def test_bodies_are_bounded(desk: Desk) -> None:
    refused(desk.bring(b" " * (ORDER_LIMIT_BYTES + 1)), 413)
    refused(desk.bring(b"{}", **{"Content-Type": "text/plain"}), 415)


def test_a_body_that_comes_too_slowly_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_module, "BODY_SECONDS", 0.05)
    url = desk.client.base_url
    head = (
        f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {desk.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.settimeout(5.0)
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 408")


def test_a_token_sees_its_own_orders_only(desk: Desk) -> None:
    order = desk.order()
    desk.bring(order)
    (other, sha256), signers = new_token(), frozenset({SIGNER.address.lower()})
    tokens = Tokens({"bank": Token(name="bank", sha256=sha256, signers=signers, budget_wei=COIN_WEI)})
    orders = Orders(desk.chain, desk.reading, desk.journal, tokens, desk.network.deployment)
    with served() as serve:
        client = serve(Gateway(orders.operations(), requests_per_second=MANY_PER_SECOND))
        headers = {"Authorization": f"Bearer {other}", "Content-Type": "application/json"}
        refused(client.get(f"/v1/orders/{order.order_id}", headers=headers), 404)
        refused(
            client.post("/v1/orders", content=order.model_dump_json(), headers=headers), 409, "another token"
        )


def test_secrets_are_in_nothing_that_is_told_or_stored(desk: Desk) -> None:
    order = desk.order()
    desk.bring(order)
    desk.poster().post_all()
    kept = [value for table in desk.store.tables() for _, value in desk.store.rows(table)]
    assert kept and desk.told
    assert not any(desk.token in text for text in (*kept, *desk.told))


def test_the_client_makes_the_order_that_a_gateway_takes(desk: Desk) -> None:
    network, facts = desk.network, desk.chain.facts()
    described = {
        "chain_id": network.deployment.chain_id,
        "contracts": {"Jobs": network.deployment.address("Jobs")},
        "orders_to": desk.chain.account,
        "time_seconds": desk.chain.head().time_seconds,
    }
    program = {"program_id": 1, "program_hash": program_hash(facts.programs[0]).hex()}
    terms = Order(shard_count=2, reward_wei=1000)
    order = order_for(described, program, network.client.blobs, TEXT, terms, SIGNER.address).signed_by(SIGNER)
    assert desk.bring(order).status_code == 202
    desk.poster().post_all()
    record = desk.chain.job(JobId(desk.state(order.order_id)["job_id"]))
    assert network.client.blobs.get_input(record.input_root, record.input_size) == TEXT
    with pytest.raises(Rejected, match="posts no orders"):
        order_for(
            {**described, "orders_to": None}, program, network.client.blobs, TEXT, terms, SIGNER.address
        )
    with pytest.raises(Rejected, match="truestep submit"):
        drawn = Order(is_drawn=True)
        order_for(described, program, network.client.blobs, TEXT, drawn, SIGNER.address)


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
