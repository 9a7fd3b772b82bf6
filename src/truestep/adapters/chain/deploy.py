"""Deploys the contracts. It can be interrupted and restarted at any point."""

from collections.abc import Callable
from typing import Any

from web3 import Web3

from truestep.adapters.chain.codec import Message, encode_creation, encode_function
from truestep.adapters.chain.connection import asking_node, reverted
from truestep.adapters.chain.deployment import ContractAddresses, Deployment, RulesOfDeployment
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.journal import Entry
from truestep.adapters.chain.sender import Sender, Signer
from truestep.base.ids import Address
from truestep.ports.chain import Outcome
from truestep.ports.store import Change, Store
from truestep.protocol.records import Parameters

TABLE = "deployment"
DEADLINE_SECONDS = 600.0
"""Time for each of the seven transactions."""

Progress = Callable[[str], None]


def deploy(
    web3: Web3,
    signer: Signer,
    store: Store,
    parameters: Parameters,
    *,
    policy: TransactionPolicy | None = None,
    progress: Progress = lambda _: None,
) -> Deployment:
    """Deploy and connect all contracts; `progress` gets a sentence for each step.

    After an interruption, call it again with the same store and it goes on where it stopped. Raises
    `Rejected` if a parameter is out of bounds or the account is short of coins, `Unavailable` if the node
    fails.
    """
    with asking_node():
        chain_id, newest = web3.eth.chain_id, web3.eth.block_number
    first_block = _remember(store, "block_number", newest)
    sender = Sender(web3, chain_id, signer, store, policy or TransactionPolicy())
    steps = _Steps(web3, sender, progress)
    addresses = _create_all(steps, parameters)
    steps.send("connect Operators", addresses["Operators"], "Operators", "connect", ("Jobs", "Disputes"))
    steps.send("connect Jobs", addresses["Jobs"], "Jobs", "connect", ("Disputes",))
    return Deployment(
        chain_id=chain_id,
        block_number=first_block,
        addresses=ContractAddresses(**{name.lower(): address for name, address in addresses.items()}),
        parameters=RulesOfDeployment.of(parameters),
    )


def _create_all(steps: "_Steps", rules: Parameters) -> dict[str, Address]:
    """The contracts, in the order in which they need each other's addresses."""
    for name in ("Step", "Operators", "Programs"):
        steps.create(name, ())
    needed = (steps.addresses["Operators"], steps.addresses["Programs"])
    terms = (rules.operator_bond_wei, rules.window_seconds, rules.lease_penalty_bps)
    steps.create("Jobs", (*needed, *terms))
    needed = (steps.addresses["Operators"], steps.addresses["Jobs"], steps.addresses["Step"])
    terms = (rules.challenger_bond_wei, rules.clock_seconds, rules.arity)
    steps.create("Disputes", (*needed, *terms, rules.winner_share_bps, rules.gas_price_cap_wei))
    return steps.addresses


class _Steps:
    """Sends one transaction after another."""

    def __init__(self, web3: Web3, sender: Sender, progress: Progress) -> None:
        self._web3 = web3
        self._sender = sender
        self._progress = progress
        self.addresses: dict[str, Address] = {}

    def create(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Deploy one contract and remember its address."""
        entry = self._do(f"deploy/{name}", encode_creation(self._web3, name, arguments))
        self.addresses[name] = Address(str(entry.contract))
        self._progress(f"deployed {name} at {entry.contract} for {entry.gas_used} gas")

    def send(self, title: str, to: Address, contract: str, function: str, names: tuple[str, ...]) -> None:
        """Call one function with addresses of contracts."""
        arguments = [self.addresses[name] for name in names]
        payload = encode_function(self._web3, contract, function, arguments)
        self._do(f"deploy/{title}", Message(to=to, payload=payload))
        self._progress(title)

    def _do(self, intent: str, message: Message) -> Entry:
        self._sender.submit(message, intent)
        entry = self._sender.wait(intent, DEADLINE_SECONDS)
        if entry.outcome is Outcome.REVERTED:
            raise reverted(entry.reason, f" ({intent})")
        return entry


def _remember(store: Store, key: str, value: int) -> int:
    """The value kept at `key`; `value` if there was none."""
    kept = store.read(TABLE, key)
    if kept is not None:
        return int(kept)
    store.write([Change(table=TABLE, key=key, value=str(value))])
    return value
