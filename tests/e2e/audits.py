"""A network whose claims are audited, and its workers and auditors."""

from __future__ import annotations

from dataclasses import replace

from tests.e2e.drawn import DrawnNetwork
from tests.e2e.network import SPEED, Log
from truestep.adapters.chain.audit_history import AuditHistory, AuditRow
from truestep.adapters.chain.round_draws import RoundDraws
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.roles.worker import WorkerPolicy


class AuditNetwork(DrawnNetwork):
    """A network in which every claim under *audited* is drawn."""

    def worker_of(
        self,
        name: str,
        log: Log,
        engine: Engine | None = None,
        *,
        is_auditor: bool = False,
        takes: bool = True,
        turn_seconds: int = 0,
    ) -> Daemon:
        """A worker, which may be an auditor too, or take nothing."""
        world = self.world(name, self.store(name), log, engine or ReferenceEngine())
        world = replace(world, draws=RoundDraws(self.devnet.node, self.deployment))
        self.stake(name, world.chain)
        least_wei = 0 if takes else 10**30
        policy = WorkerPolicy(
            speed=SPEED, is_auditor=is_auditor, reward_min_wei=least_wei, turn_seconds=turn_seconds
        )
        return worker_node(world, policy)

    def audits(self) -> list[AuditRow]:
        """What `truestep audits list` reads."""
        return AuditHistory(self.devnet.node, self.deployment).rows()
