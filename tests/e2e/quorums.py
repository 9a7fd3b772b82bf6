"""A network that draws committees, and its members."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from web3 import Account

from tests.e2e.drawn import DrawnNetwork
from tests.e2e.network import SPEED, InlineExecutor, Log, ManualClock
from truestep.adapters.members.asking import PublishedMembers
from truestep.adapters.members.serving import WordServer
from truestep.adapters.members.wire import AccountPen, Court
from truestep.base.ids import Address, JobId
from truestep.client.endpoints import PublishedEndpoints
from truestep.client.operator_records import OperatorRecord
from truestep.commitments.keccak import keccak256
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.handover import Handing, MembersBench
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.protocol.quorum.state import Seated
from truestep.protocol.settlement.parameters import DAY_SECONDS
from truestep.roles.worker import WorkerPolicy

MEMBERS = ("ada", "bob", "cyd", "dan", "eve")


@dataclass
class Seconds:
    """A second for every round, so that who waits to ask again does."""

    clock: ManualClock

    def tick(self) -> None:
        self.clock.seconds += 1


@dataclass
class QuorumNetwork(DrawnNetwork):
    """A network with committees of five, of which three are a quorum."""

    servers: dict[str, WordServer] = field(default_factory=dict)

    @property
    def seconds(self) -> Seconds:
        """Time that passes while everybody acts."""
        return Seconds(self.clock)

    @property
    def court(self) -> Court:
        """Where members sit."""
        return Court(chain_id=self.deployment.chain_id, quorums=self.deployment.address("Quorums"))

    def member(
        self, name: str, log: Log, engine: Engine | None = None, *, hands_over: bool = False, **policy: int
    ) -> Daemon:
        """A worker that sits on committees; it may hand over what it says."""
        world = self.world(name, self.store(name), log, engine or ReferenceEngine())
        if hands_over:
            world = replace(world, handing=self._handing(name))
        chosen = replace(WorkerPolicy(speed=SPEED, turn_seconds=0), **policy)
        return worker_node(world, chosen, is_member=True)

    def _handing(self, name: str) -> Handing:
        if name not in self.servers:
            self.servers[name] = WordServer(self.court)
            self.publish(name, self.servers[name].url)
        endpoints = PublishedEndpoints([str(self.devnet.node)], self.deployment)
        members = PublishedMembers(endpoints, self.court, may_be_private=True)
        return Handing(
            asking=InlineExecutor(MembersBench(members).perform),
            pen=AccountPen(Account.from_key(keccak256(name.encode())), self.court),
            board=self.servers[name],
        )

    def publish(self, name: str, endpoint: str) -> None:
        """The record of an operator, which says where it is reached."""
        record = OperatorRecord(
            chain_id=self.deployment.chain_id,
            contract=self.deployment.address("Operators"),
            operator=self.account(name),
            revision=1,
            name=name,
            endpoints=[endpoint],
            valid_from=self.now,
            valid_until=self.now + 30 * DAY_SECONDS,
        )
        signed = record.signed_by(Account.from_key(keccak256(name.encode())))
        self.transact(name, "Operators", "publish", signed.to_bytes())

    def stop_servers(self) -> None:
        """Nobody is reached any more."""
        for server in self.servers.values():
            server.close()

    def committee(self, job_id: JobId) -> Seated:
        """Who was drawn for a job."""
        self.requester.refresh()
        return self.requester.facts().committees[job_id]

    def name_of(self, account: Address) -> str:
        """Which member an account is."""
        return next(name for name in MEMBERS if self.account(name) == account)

    def owed_by_quorums(self, name: str) -> int:
        """What a member has earned and not withdrawn."""
        return self.ask("Quorums", "credits", self.account(name))
