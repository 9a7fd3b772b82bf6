"""A worker in a network in this process whose keepers sign whatever they are drawn for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.client.kept_network import KeptNetwork, open_kept_network
from tests.e2e.network import ELF, INPUT, MAX_CYCLES, SPEED, InlineExecutor, Log, Network
from truestep.adapters.keepers.delivering import OutputPublisher
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.ids import Address, BatchId, JobId, task_of
from truestep.client import Order
from truestep.client.orders import Availability
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.availability.delivery_desk import DeliveryBench
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.ports.store import Store
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles.availability.delivery import DeliveryPolicy
from truestep.roles.worker import WorkerPolicy

REWARD_WEI = 10**15
ORDER = Order(max_cycles=MAX_CYCLES, reward_wei=REWARD_WEI, availability=Availability.KEEPERS)


@dataclass
class KeptWork:
    """Everybody's parts."""

    kept: KeptNetwork
    network: Network
    log: Log = field(default_factory=Log)

    def post(self, **order: Any) -> JobId:
        """A job whose program and input are kept."""
        return self.kept.client().submit(ELF, INPUT, order=replace(ORDER, **order)).job_id

    def worker(
        self,
        store: Store | None = None,
        chain: Chain | None = None,
        blobs: Blobs | None = None,
        *,
        writes_small: bool = False,
        **policy: Any,
    ) -> Daemon:
        """The worker; asked for again, it is a new process."""
        store = store or self.network.store("worker")
        world = self.network.world("worker", store, self.log, ReferenceEngine(), chain=chain)
        publisher = OutputPublisher(
            blobs or self.kept.blobs, world.outputs, open_kzg(), self.kept.store.url, may_be_private=True
        )
        self.network.stake("worker", world.chain)
        delivery = DeliveryPolicy(url=self.kept.store.url, writes_small=writes_small)
        return worker_node(
            replace(world, delivering=InlineExecutor(DeliveryBench(publisher).perform)),
            replace(WorkerPolicy(speed=SPEED, delivery=delivery, withdraw_above_wei=0), **policy),
        )

    def keeper_of_ends(self) -> Daemon:
        """Somebody that does for others what anybody can do, and takes nothing."""
        world = self.network.world("anybody", self.network.store("anybody"), self.log, ReferenceEngine())
        return worker_node(world, WorkerPolicy(active_limit=0, is_keeper=True, speed=SPEED))

    @property
    def account(self) -> Address:
        """Of the worker."""
        return self.network.account("worker")

    def facts(self) -> Facts:
        """What the chain says."""
        return self.network.requester.facts()

    def items(self) -> list[KnownItem]:
        """The worker's items that are not closed."""
        found = self.facts().data.items.values()
        own = [item for item in found if item.record.registrant == self.account]
        return [item for item in own if item.state is not ItemState.CLOSED]

    def is_final(self, job_id: JobId, shard_index: int = 0) -> bool:
        """Whether a shard has its result."""
        return self.network.requester.result(task_of(job_id, shard_index)).is_final

    def delivered(self, batch_id: int = 1) -> int:
        """The item of a batch's outputs."""
        return self.facts().kept.batch(BatchId(batch_id)).item_id

    def drive(self, daemon: Daemon, is_over: Callable[[], bool], rounds: int = 120, seconds: int = 5) -> None:
        """Let the worker and the keepers act in turn; time goes on."""
        self.drive_all([daemon], is_over, rounds, seconds)

    def drive_all(
        self, daemons: Sequence[Daemon], is_over: Callable[[], bool], rounds: int = 120, seconds: int = 5
    ) -> None:
        """Let several and the keepers act in turn; time goes on."""
        for _ in range(rounds):
            if is_over():
                return
            for daemon in daemons:
                daemon.tick()
            self.kept.act()
            self.kept.devnet.advance(seconds)
            self.network.clock.seconds += seconds
        raise AssertionError(f"not over after {rounds} rounds: {self.log.lines[-5:]}")

    def close(self) -> None:
        """End everything."""
        self.network.close()
        self.kept.close()


def open_kept_work(folder: Path, keepers: int = 2) -> KeptWork:
    """A network with keepers, and with a requester's chain that reads everything."""
    kept = open_kept_network(folder)
    kept.enrol(keepers)
    network = Network(
        devnet=kept.devnet,
        deployment=kept.deployment,
        blobs=kept.blobs,
        folder=folder,
        requester=kept.chain(kept.requester),
    )
    return KeptWork(kept=kept, network=network)
