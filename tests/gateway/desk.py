"""A gateway on a real network that takes orders, and posts them when a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from web3 import Account

from tests.client.conftest import Network
from truestep.adapters.store.sqlite import SqliteStore
from truestep.client.signed_orders import SignedOrder
from truestep.dashboard.reading import Reading
from truestep.gateway.journal import OrderJournal
from truestep.gateway.orders import find_in
from truestep.gateway.posting import Poster
from truestep.ports.chain import Chain
from truestep.protocol.settlement.jobs import program_hash

COIN_WEI = 10**18
SIGNER = Account.create()


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
