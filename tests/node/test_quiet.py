"""Nodes whose node hides nothing see no difference, and nothing that they send is refused."""

from __future__ import annotations

from tests.e2e.network import Log, Network
from truestep.machine.interpreter import ReferenceEngine
from truestep.protocol import events
from truestep.simulation.faulty_engine import Fault, FaultyEngine

EXPECTED = {"take", "claim", "split", "finalize", "open", "pick", "step", "reward", "withdraw-winnings"}


def test_a_dispute_from_beginning_to_reward_raises_no_suspicion(network: Network) -> None:
    """The audit compares with the contracts at every new head."""
    network.post(shard_count=2)
    logs = {name: Log() for name in ("liar", "challenger", "worker")}
    faulty = FaultyEngine(ReferenceEngine(), Fault(cycle=5))
    liar = network.worker("liar", network.store("liar"), logs["liar"], faulty)
    challenger = network.challenger("challenger", network.store("challenger"), logs["challenger"])
    network.drive([liar, challenger], lambda: len(network.told(events.ClaimStruck)) == 2)
    worker = network.worker("worker", network.store("worker"), logs["worker"])
    network.drive([worker, liar, challenger], lambda: len(network.told(events.GameRewarded)) == 2)
    for daemon in (worker, liar, challenger):
        daemon.tick()
    kinds = {kind for log in logs.values() for kind in log.kinds()}
    assert not kinds & {"log_hidden", "log_found", "unavailable", "keeps_reverting", "alarm"}
    assert not [kind for kind in kinds if kind.endswith(("_refused", "_reverted"))]
    assert {kind.removesuffix("_sent") for kind in kinds if kind.endswith("_sent")} >= EXPECTED
