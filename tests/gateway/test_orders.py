"""Signed orders, from the request to the job, on a real network."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import httpx
import pytest
from web3 import Account

from tests.gateway.conftest import MANY_PER_SECOND, served
from tests.gateway.desk import COIN_WEI, SIGNER, Desk
from truestep.base.errors import Rejected
from truestep.base.ids import JobId
from truestep.client import Order
from truestep.client.signed_orders import ORDER_LIMIT_BYTES, WAIT_LIMIT_SECONDS, order_for
from truestep.gateway import orders as orders_module
from truestep.gateway.orders import Orders
from truestep.gateway.problems import PROBLEM_TYPE
from truestep.gateway.service import Gateway
from truestep.gateway.tokens import Token, Tokens, new_token
from truestep.protocol.settlement.jobs import program_hash

TEXT = b"what a requester orders"
STRANGER = Account.create()


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
        {"input_uri": "x" * 257},
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
