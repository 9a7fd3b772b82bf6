"""Contracts of others on the network of the tests: a token, a consumer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.client.conftest import Network
from tests.contracts.compiled import CALLERS, compile_folder
from truestep.adapters.chain.connection import connect
from truestep.base.ids import Address

FOLDER = CALLERS.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A contract, and the rich account that deployed it."""

    address: Address
    contract: Any
    rich: str

    def send(self, function: str, *arguments: Any) -> None:
        self.contract.functions[function](*arguments).transact({"from": self.rich})

    def call(self, function: str, *arguments: Any) -> Any:
        return self.contract.functions[function](*arguments).call()


def deploy_token(network: Network) -> Stranger:
    """A token that pays only what its holders allow."""
    return _deploy(network, "tokens", "Allowing")


def deploy_consumer(network: Network) -> Stranger:
    """A consumer that counts its calls, and fails in mood 1."""
    return _deploy(network, "doubles", "ConsumerDouble")


def _deploy(network: Network, folder: str, name: str) -> Stranger:
    artifact = compile_folder(FOLDER / folder)[name]
    web3: Any = connect(network.devnet.node)
    rich = web3.eth.accounts[0]
    factory = web3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
    sent = factory.constructor().transact({"from": rich})
    address = web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
    contract = web3.eth.contract(address=address, abi=list(artifact.abi))
    return Stranger(address=Address(address), contract=contract, rich=rich)
