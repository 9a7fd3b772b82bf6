"""A chain that is told, and that answers what a gateway asks of nodes besides events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.composition.test_network import OTHER as DEPLOYMENT
from tests.dashboard.stories import ToldChain, state, story
from tests.gateway.conftest import MANY_PER_SECOND, reads_of
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, TaskId
from truestep.gateway.journal import OrderJournal
from truestep.gateway.orders import Orders
from truestep.gateway.service import Gateway
from truestep.gateway.tokens import Token, Tokens, new_token
from truestep.ports.chain import TaskResult


class TellingChain(ToldChain):
    """The small network of the stories. It has lost what proofs are made of."""

    def __init__(self) -> None:
        super().__init__(story())

    def result(self, task_id: TaskId) -> TaskResult:
        del task_id
        claimed = state()
        return TaskResult(
            is_final=True,
            is_accepted=True,
            status=claimed.status,
            code=claimed.code,
            cycle=claimed.cycle,
            output_size=claimed.output_size,
            output_root=claimed.output_root,
        )

    def evidence(self, task_id: TaskId) -> Any:
        raise Rejected(Reject.LEAF_NOT_FINAL, f"task {task_id} is not final")


class PayingChain(TellingChain):
    """The same for an account that has coins to post orders with."""

    account = Address("0x" + "77" * 20)

    def balances(self, account: Address) -> Any:
        del account
        return SimpleNamespace(wallet_wei=10**24)

    def gas_price_wei(self) -> int:
        return 10**9


def whole_gateway() -> tuple[Gateway, dict[str, str]]:
    """A gateway with all its operations, and the headers of one who may order."""
    reading, reads = reads_of(PayingChain())
    token, sha256 = new_token()
    tokens = Tokens({"shop": Token(name="shop", sha256=sha256, signers=frozenset(), budget_wei=10**18)})
    chain: Any = PayingChain()
    orders = Orders(chain, reading, OrderJournal(SqliteStore()), tokens, DEPLOYMENT)
    operations = (*reads.operations(), *orders.operations())
    return Gateway(operations, requests_per_second=MANY_PER_SECOND), {"Authorization": f"Bearer {token}"}
