"""A network in this process with keepers that sign whatever they are drawn for, and a client on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3

from tests.client.conftest import Network
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.chain.availability import AvailabilityContracts, Web3KeeperChain, availability_of
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import task_of
from truestep.client import Client, Job
from truestep.client.supplies import input_content
from truestep.composition.network import open_chain
from truestep.contracts.artifacts import load_artifact
from truestep.devnet.network import devnet_availability, devnet_parameters
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.ports.store import Store
from truestep.protocol.availability.contracts.items import Acknowledge, RegisterCalldata
from truestep.protocol.availability.contracts.keepers import Enrol
from truestep.protocol.availability.facts import Facts
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.calls import DeliverOutputs, Deposit
from truestep.protocol.deployment.availability import POLICY as KEPT

COIN_WEI = 10**18
RULES = replace(devnet_availability(), acknowledge_seconds=60)  # nobody waits longer than must be
POLICY = TransactionPolicy(poll_seconds=0.01)
WINDOW_SECONDS = 240


@dataclass
class Waiting:
    """Satisfies `Clock`: while somebody waits, others act and the chain's time goes on."""

    act: Callable[[], None]
    seconds: float = 0.0

    def monotonic_seconds(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.act()


@dataclass
class KeptNetwork:
    devnet: EmbeddedDevnet
    deployment: Deployment
    folder: Path
    store: BlobServer
    blobs: DirectoryBlobs
    keepers: list[Web3KeeperChain] = field(default_factory=list)
    signs: bool = True
    """Whether keepers sign."""
    requester: Any = field(default_factory=Account.create)
    said: list[str] = field(default_factory=list)
    policy: TransactionPolicy = POLICY

    @property
    def contracts(self) -> AvailabilityContracts:
        return availability_of(self.deployment)

    def enrol(self, count: int, shares: int = 4) -> None:
        """More keepers."""
        for number in range(len(self.keepers), len(self.keepers) + count):
            account = Account.create()
            self.devnet.fund(account.address, 100 * COIN_WEI)
            keeper = Web3KeeperChain(self.devnet.node, self.contracts, account, SqliteStore(), POLICY)
            keeper.submit(Enrol(shares=shares, url=f"http://127.0.0.1:{9000 + number}"), intent="enrol")
            self.keepers.append(keeper)

    def act(self) -> None:
        """Keepers sign what they are drawn for, and five seconds pass."""
        if self.signs:
            facts = self.facts()
            for keeper in self.keepers:
                number = facts.number_of(keeper.account)
                for item in facts.items.values():
                    for index, seat in item.seats.items():
                        if seat.keeper == number and item.is_open and not seat.acknowledged_at:
                            self.sign(keeper, item, index, seat.drawn_at)
        self.devnet.advance(5)

    def sign(self, keeper: Web3KeeperChain, item: Any, index: int, drawn_at: int) -> None:
        signature = keeper.receipt(item.item_id, item.record, index, drawn_at)
        call = Acknowledge(
            item_id=item.item_id, record=item.record, indices=(index,), signatures=(signature,)
        )
        keeper.submit(call, intent=f"sign/{item.item_id}/{index}/{drawn_at}")

    def facts(self) -> Facts:
        """What the chain says of items."""
        return self.chain(self.requester).facts().data

    def chain(self, account: Any, store: Store | None = None, node: Any = None) -> Chain:
        return open_chain(
            node or self.devnet.node, self.deployment, account, store or SqliteStore(), self.policy
        )

    def client(self, store: Store | None = None, *, node: Any = None, blobs: Blobs | None = None) -> Client:
        """The requester's client: another process, as far as it knows. With a store it remembers."""
        return Client(
            self.chain(self.requester, store, node),
            blobs or self.blobs,
            self.deployment,
            places=[self.store.url],
            is_remembering=store is not None,
            clock=Waiting(self.act),
        )

    def settle(self, job: Job) -> None:
        """An operator does a job, and writes its outputs to the chain."""
        operator = self.chain(self.new_account())
        operator.transact(Deposit(amount_wei=50 * COIN_WEI), intent="deposit")
        network = Network(
            devnet=self.devnet,
            deployment=self.deployment,
            client=self.client(),
            operator=operator,
            elf=b"",
        )
        shards = range(job.record().shard_count)
        network.do(job, *shards)
        outputs = [
            input_content(each) for each in dict.fromkeys(network.output(job, shard) for shard in shards)
        ]
        payload = b"".join(network.output(job, shard).ljust(32, b"\0") for shard in shards)
        parts = tuple(part for each in outputs for part in each.parts)
        operator.transact(RegisterCalldata(parts=parts, payload=payload), intent="outputs")
        item_id = ItemId(operator.facts().data.item_count)
        batch_id = operator.task(task_of(job.job_id, 0)).batch_id
        if job.record().policy == KEPT:
            operator.transact(DeliverOutputs(batch_id=batch_id, item_id=item_id), intent="deliver")
        network.finish(job)

    def new_account(self) -> Any:
        """An account with coins."""
        account = Account.create()
        self.devnet.fund(account.address, 100 * COIN_WEI)
        return account

    def coins(self) -> int:
        """What the requester has in its wallet."""
        return self.chain(self.requester).balances(self.requester.address).wallet_wei

    def owed(self) -> int:
        """What Items owes the requester."""
        web3 = connect(self.devnet.node)
        items = web3.eth.contract(
            address=Web3.to_checksum_address(self.contracts.items), abi=list(load_artifact("Items").abi)
        )
        return items.functions.credits(self.requester.address).call()

    def close(self) -> None:
        self.store.close()


def open_kept_network(folder: Path) -> KeptNetwork:
    devnet, deployer = EmbeddedDevnet(), Account.create()
    devnet.fund(deployer.address, 100 * COIN_WEI)
    deployment = deploy(
        connect(devnet.node),
        deployer,
        SqliteStore(),
        devnet_parameters(WINDOW_SECONDS),
        kept_by=RULES,
        policy=POLICY,
    )
    blobs = DirectoryBlobs(folder / "store")
    network = KeptNetwork(
        devnet=devnet, deployment=deployment, folder=folder, store=BlobServer(blobs), blobs=blobs
    )
    network.requester = network.new_account()
    return network
