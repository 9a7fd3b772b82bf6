"""What everybody owns: coins, credits, stake, shares, bonds of items; and what each has paid for gas."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web3 import Web3

from truestep.adapters.chain.deployment import Deployment
from truestep.base.ids import Address
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Facts
from truestep.protocol.calls import NATIVE

_CREDITING = ("Keepers", "Items", "Challenges", "Bindings", "Kept", "Disputes")
_WITH_BOND = (ItemState.REGISTERED, ItemState.KEPT, ItemState.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Of one account, in wei."""

    owns_wei: int
    """On the account and in the contracts."""
    gas_wei: int
    """Paid so far."""


class Purses:
    """Looks into everybody's purse, by the chain alone. For one thread."""

    def __init__(self, web3: Web3, deployment: Deployment) -> None:
        self._web3 = web3
        self._deployment = deployment
        self._share_wei: int = self._ask("Keepers").rules().call()[0]
        self._gas_wei: Counter[str] = Counter()
        self._next_block = 0

    def look(self, accounts: Mapping[str, Address], number: int, facts: Facts) -> dict[str, Purse]:
        """What these accounts own as of a block, with the bonds of the open items in `facts`."""
        self._read_gas(number)
        return {
            name: Purse(
                owns_wei=self._owned(account, number) + _in_items(account, facts),
                gas_wei=self._gas_wei[account.lower()],
            )
            for name, account in accounts.items()
        }

    def _owned(self, account: Address, number: int) -> int:
        """On the account and in the contracts, all in one block: daemons go on sending meanwhile."""
        credits_wei = sum(self._ask(name).credits(account).call({}, number) for name in _CREDITING)
        keepers = self._ask("Keepers")
        keeper_id = keepers.numbers(account).call({}, number)
        shares = keepers.get(keeper_id).call({}, number)[2] if keeper_id else 0
        return (
            self._web3.eth.get_balance(Web3.to_checksum_address(account), number)
            + credits_wei
            + self._ask("Jobs").credits(NATIVE, account).call({}, number)
            + self._ask("Operators").accounts(account).call({}, number)[0]
            + shares * self._share_wei
        )

    def _read_gas(self, newest: int) -> None:
        """What transactions of the new blocks cost their senders."""
        for number in range(self._next_block, newest + 1):
            block: Any = self._web3.eth.get_block(number)
            for transaction_hash in block["transactions"]:
                receipt: Any = self._web3.eth.get_transaction_receipt(transaction_hash)
                blob_wei = receipt.get("blobGasUsed", 0) * receipt.get("blobGasPrice", 0)
                gas_wei = receipt["gasUsed"] * receipt["effectiveGasPrice"] + blob_wei
                self._gas_wei[receipt["from"].lower()] += gas_wei
        self._next_block = newest + 1

    def _ask(self, name: str) -> Any:
        address = Web3.to_checksum_address(self._deployment.address(name))
        return self._web3.eth.contract(address=address, abi=list(load_artifact(name).abi)).functions


def _in_items(account: Address, facts: Facts) -> int:
    """The bonds of an account's items. Keepers earn no fees in drills, so nothing depends on time."""
    return sum(
        item.record.bond_wei
        for item in facts.items.values()
        if item.record.registrant == account and item.state in _WITH_BOND
    )


def changes(before: Mapping[str, Purse], after: Mapping[str, Purse]) -> dict[str, int]:
    """What each has gained or lost in between, gas counted apart, in wei."""
    return {
        name: purse.owns_wei + purse.gas_wei - before[name].owns_wei - before[name].gas_wei
        for name, purse in after.items()
    }
