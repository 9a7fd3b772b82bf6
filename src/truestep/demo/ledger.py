"""The costs: gas by kind of transaction, and where every coin is at the end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from truestep.base.ids import Address, Bytes32
from truestep.contracts.artifacts import load_artifact
from truestep.demo.scene import Scene
from truestep.protocol.calls import NATIVE
from truestep.protocol.events import (
    ChainEvent,
    GameDescended,
    GameOpened,
    GamePicked,
    GameRevealed,
    GameRewarded,
    GameSettled,
    GameSplit,
    GameStepped,
    JobPosted,
    TaskClaimed,
    TaskFinalized,
    TaskTaken,
)

KINDS: dict[type[Any], str] = {
    JobPosted: "post",
    TaskTaken: "take",
    TaskClaimed: "claim",
    TaskFinalized: "finalize",
    GameOpened: "open",
    GameSplit: "split",
    GamePicked: "pick",
    GameDescended: "descend",
    GameRevealed: "reveal",
    GameStepped: "step",
    GameSettled: "settle",
    GameRewarded: "reward",
}
"""The kind of transaction that emits each event; one that emits several is of the first kind."""
BATCH_KINDS = ("take", "claim", "finalize")
MOVE_KINDS = ("open", "split", "pick", "descend", "reveal", "step")
DISPUTE_KINDS = (*MOVE_KINDS, "settle", "reward")


@dataclass(frozen=True, slots=True, kw_only=True)
class GasBook:
    """The gas of every transaction, by kind."""

    gas_by_kind: dict[str, list[int]]
    shards_by_kind: dict[str, int]
    """To how many shards the transactions of a kind did something."""

    def typical(self, kind: str) -> int:
        """The median of a kind; 0 if there was none."""
        return int(median(self.gas_by_kind.get(kind, [0])))

    def per_shard(self, kind: str) -> int:
        """The mean for a shard, since a transaction may be about a whole batch."""
        return self.total((kind,)) // max(self.shards_by_kind.get(kind, 0), 1)

    def total(self, kinds: Iterable[str]) -> int:
        """The sum over some kinds."""
        return sum(sum(self.gas_by_kind.get(kind, ())) for kind in kinds)

    def count(self, kinds: Iterable[str]) -> int:
        """How many transactions of some kinds there were."""
        return sum(len(self.gas_by_kind.get(kind, ())) for kind in kinds)


def read_gas(scene: Scene, events: Sequence[ChainEvent]) -> GasBook:
    """The gas of the transactions in which these events happened, from their receipts."""
    known = [event for event in events if type(event) in KINDS]
    kind_of: dict[Bytes32, str] = {}
    for event in known:
        kind_of.setdefault(event.at.transaction_hash, KINDS[type(event)])
    gas_by_kind: dict[str, list[int]] = defaultdict(list)
    for transaction_hash, kind in kind_of.items():
        receipt: Any = scene.web3.eth.get_transaction_receipt(scene.web3.to_hex(transaction_hash))
        gas_by_kind[kind].append(receipt["gasUsed"])
    shards = Counter(KINDS[type(event)] for event in known)
    return GasBook(gas_by_kind=dict(gas_by_kind), shards_by_kind=dict(shards))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coins:
    """Where all coins given to the accounts are now, in wei."""

    given_wei: int
    wallets_wei: int
    contracts_wei: int
    fees_wei: int
    owed_wei: dict[str, int]
    """By contract: what it owes or has burned; its balance must be exactly that (S9.2)."""
    held_wei: dict[str, int]

    @property
    def is_conserved(self) -> bool:
        """Whether no coin was created or lost."""
        return (
            self.given_wei == self.wallets_wei + self.contracts_wei + self.fees_wei
            and self.owed_wei == self.held_wei
        )


def count_coins(scene: Scene) -> Coins:
    """Count every coin. For use after the job, when no bond is locked and no reward is in escrow."""
    accounts = list(scene.accounts.values())
    held_wei = {name: _balance(scene, scene.deployment.address(name)) for name in _OWING}
    return Coins(
        given_wei=scene.wealth_wei,
        wallets_wei=sum(_balance(scene, account) for account in accounts),
        contracts_wei=sum(held_wei.values()),
        fees_wei=_fees(scene, set(accounts)),
        owed_wei={name: _owed(scene, name, accounts) for name in _OWING},
        held_wei=held_wei,
    )


_OWING = ("Operators", "Jobs", "Disputes")
"""The contracts that hold coins."""


def _owed(scene: Scene, name: str, accounts: Sequence[Address]) -> int:
    """What a contract owes these accounts, and what it has burned. Nobody burns anything in Jobs."""
    contract: Any = scene.web3.eth.contract(
        address=scene.web3.to_checksum_address(scene.deployment.address(name)),
        abi=list(load_artifact(name).abi),
    )
    ask = contract.functions
    match name:
        case "Operators":  # (stake, locked), where the stake includes the locked part
            return sum(ask.accounts(account).call()[0] for account in accounts) + ask.burned_wei().call()
        case "Jobs":
            return sum(ask.credits(NATIVE, account).call() for account in accounts)
        case _:
            return sum(ask.credits(account).call() for account in accounts) + ask.burned_wei().call()


def _balance(scene: Scene, account: Address) -> int:
    return int(scene.web3.eth.get_balance(scene.web3.to_checksum_address(account)))


def _fees(scene: Scene, accounts: set[Address]) -> int:
    """The gas fees of these accounts, from the receipts of all their transactions."""
    fees_wei = 0
    for number in range(scene.deployment.block_number, scene.web3.eth.block_number + 1):
        block: Any = scene.web3.eth.get_block(number)
        for transaction_hash in block["transactions"]:
            receipt: Any = scene.web3.eth.get_transaction_receipt(transaction_hash)
            if receipt["from"] in accounts:
                fees_wei += receipt["gasUsed"] * receipt["effectiveGasPrice"]
    return fees_wei
