"""A worker or a challenger in a process of its own, to be killed: one line of output for each report."""

import sys
from pathlib import Path

from web3 import Account

from tests.e2e.network import POLICY, SPEED
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.chain.deployment import read_deployment
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.clock import SystemClock
from truestep.commitments.keccak import keccak256
from truestep.composition.daemons import assembled, daemon_memory
from truestep.composition.state import opened_state
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.challenger import challenger_node
from truestep.node.tasks.bench import Bench
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.false_float import FalseFloatEngine, FalseResult


class Lines:
    """Satisfies `Reporter`."""

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        print(kind, message, fields, flush=True)


def main(role: str, name: str, node: str, folder: Path, fault_cycle: int, uri: str) -> None:
    engine: Engine = ReferenceEngine()
    if fault_cycle:
        engine = FalseFloatEngine(ReferenceEngine(), FalseResult(cycle=fault_cycle))
    opened = opened_state(folder / f"{name} state", uri or None)
    store = opened.__enter__()  # until it is killed
    account = Account.from_key(keccak256(name.encode()))
    clock = SystemClock()
    outputs = OutputDirectory(folder / f"{name} outputs")
    bench = Bench(engine=engine, blobs=DirectoryBlobs(folder / "blobs"), outputs=outputs, clock=clock)
    deployment, memory = read_deployment(folder / "deployment.json"), daemon_memory(account.address)
    chain = Web3Chain(node, deployment, account, store, POLICY, memory=memory)
    world = assembled(chain=chain, store=store, bench=bench, parallel=2, clock=clock, reporter=Lines())
    if role == "worker":
        daemon = worker_node(world, WorkerPolicy(speed=SPEED))
    else:
        daemon = challenger_node(world, ChallengerPolicy())
    daemon.run(lambda: False, poll_seconds=0.02)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
