"""A network that draws committees, and its members."""

from __future__ import annotations

from tests.e2e.drawn import DrawnNetwork
from tests.e2e.network import SPEED, Log
from truestep.base.ids import Address, JobId
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.protocol.quorum.state import Seated
from truestep.roles.worker import WorkerPolicy

MEMBERS = ("ada", "bob", "cyd", "dan", "eve")


class QuorumNetwork(DrawnNetwork):
    """A network with committees of five, of which three are a quorum."""

    def member(self, name: str, log: Log, engine: Engine | None = None) -> Daemon:
        """A worker that sits on committees."""
        world = self.world(name, self.store(name), log, engine or ReferenceEngine())
        return worker_node(world, WorkerPolicy(speed=SPEED), is_member=True)

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
