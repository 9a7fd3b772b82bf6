"""What the tests of the transaction manager share: an account on a network, and a node that misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from web3 import Account, Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint

from tests.e2e.network import POLICY, Network
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.endpoints import Patience
from truestep.adapters.chain.fees import GWEI, TransactionPolicy
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.commitments.keccak import keccak256
from truestep.ports.store import Store

SWIFT = replace(
    POLICY,
    receipt_after_seconds=0.0,
    watch_after_seconds=0.0,
    nonce_grace_seconds=0.0,
    hole_grace_seconds=0.0,
    market_seconds=0.0,
)
"""Nothing waits for a moment to pass; stuck transactions stay as they are."""
EAGER = replace(SWIFT, bump_after_seconds=0.0)
"""The same, but whatever is stuck is replaced at once."""

IMPATIENT = Patience(budget_seconds=0.5, first_pause_seconds=0.001, pause_limit_seconds=0.01)
"""Requests that fail are soon given up."""

Ask = Callable[[], Any]
Twist = Callable[[str, Any, Ask], Any]
"""What a node answers to (method, parameters); `Ask` gives what it should have answered."""


@dataclass
class Node:
    """A node that answers as `twist` says; it counts its requests by method."""

    node: str | BaseProvider
    twist: Twist | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def provider(self) -> BaseProvider:
        """What `connect` takes. It knows no batches."""
        return _TwistedProvider(self)


class _TwistedProvider(BaseProvider):
    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self._inner = connect(node.node).provider

    def request_func(self, w3: Web3, middleware_onion: Any) -> Callable[..., Any]:
        request: Any = self._inner.request_func(w3, middleware_onion)

        def twisted(method: RPCEndpoint, params: Any) -> Any:
            node = self._node
            node.counts[method] = node.counts.get(method, 0) + 1
            if node.twist is None:
                return request(method, params)
            return node.twist(method, params, lambda: request(method, params))

        return twisted


def answer(result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def refusal(message: str, code: int = -32000) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}


def key_of(name: str) -> Any:
    return Account.from_key(keccak256(name.encode()))


def open_chain(
    network: Network,
    name: str,
    policy: TransactionPolicy = SWIFT,
    node: Any = None,
    store: Store | None = None,
) -> Web3Chain:
    """The chain as a restarted process of `name` sees it, on the journal of the one before."""
    kept = store or network.store(name)
    network.chain(name, kept)
    where = node or network.devnet.node
    return Web3Chain(where, network.deployment, key_of(name), kept, policy, patience=IMPATIENT)


def request(network: Network, method: str, *params: Any) -> Any:
    """One raw request to the real node; its result."""
    response: Any = connect(network.devnet.node).provider.make_request(RPCEndpoint(method), list(params))
    assert "error" not in response, response
    return response["result"]


def mine(network: Network, blocks: int = 1) -> None:
    for _ in range(blocks):
        request(network, "evm_mine")


def stop_mining(network: Network) -> None:
    request(network, "evm_setAutomine", False)


def reorganise(network: Network, depth: int) -> None:
    """Replace the last blocks by empty ones; their transactions are gone, and the node does not know them."""
    request(network, "anvil_reorg", depth, [])
    request(network, "anvil_dropAllTransactions")


def sent_count(network: Network, name: str) -> int:
    address = Web3.to_checksum_address(network.account(name))
    return connect(network.devnet.node).eth.get_transaction_count(address)


def send_foreign(network: Network, name: str, nonce: int, **fields: Any) -> None:
    """Another program with the same key sends something dear, so that it replaces what is pending."""
    key = key_of(name)
    transaction = {
        "type": 2,
        "chainId": 31337,
        "nonce": nonce,
        "to": key.address,
        "value": 0,
        "data": b"",
        "gas": 300_000,
        "maxFeePerGas": 300 * GWEI,
        "maxPriorityFeePerGas": 50 * GWEI,
    }
    raw = key.sign_transaction(transaction | fields).raw_transaction
    connect(network.devnet.node).eth.send_raw_transaction(raw)
