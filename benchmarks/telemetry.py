"""What health and metrics cost a worker: the processor time of a tick with them and without, printed as JSON.

Two workers of one account look at the same anvil in turn, one of them with telemetry, and change places after
each tick. Before each pair of ticks a block comes. The account has claims that can be disputed, as many as
`--claims` says; a scrape is measured too, though it happens in another thread, every 15 s or so.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx
from _anvil import REPOSITORY, find_anvil

sys.path.insert(0, str(REPOSITORY))  # the network of the tests

from tests.e2e.network import COIN_WEI, SPEED, Log, Network, open_network
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.composition.telemetry import Telemetry, opened_telemetry
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.protocol.calls import Deposit
from truestep.roles.worker import WorkerPolicy

NAME = "worker"
BAR_PERCENT = 5.0
ROUNDS = 60
WARM_ROUNDS = 10
SCRAPES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of a worker with so many claims; medians."""

    claims: int
    plain_ms: float
    """Processor time of a tick without telemetry."""
    watched_ms: float
    """And with it."""
    percent: float
    """Of the difference, in pairs of ticks."""
    scrape_ms: float
    """Of `/metrics`, as its reader waits for it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=int, nargs="+", default=[0, 32, 256], help="claims, one case each")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="pairs of ticks")
    arguments = parser.parse_args()
    program = find_anvil()
    if program is None:
        raise SystemExit("expected anvil, which `make anvil` installs")
    costs: list[Cost] = []
    for claims in arguments.claims:
        with tempfile.TemporaryDirectory() as folder:
            costs.append(measured(AnvilDevnet(program), Path(folder), claims, arguments.rounds))
    worst = max(cost.percent for cost in costs)
    report = {"costs": [asdict(cost) for cost in costs], "worst_percent": worst, "bar_percent": BAR_PERCENT}
    print(json.dumps(report))


def measured(devnet: AnvilDevnet, folder: Path, claims: int, rounds: int) -> Cost:
    """One case, on a network of its own."""
    network = open_network(devnet, folder)
    try:
        account = network.account(NAME)
        with opened_telemetry(("127.0.0.1", 0), NAME, account, Log()) as telemetry:
            watched = worker(network, "watched", telemetry)
            plain = worker(network, "plain", None)
            if claims:
                deposit_and_claim(network, watched, claims)
            pairs = [paired(network, plain, watched, index) for index in range(rounds + WARM_ROUNDS)]
            return cost_of(claims, pairs[WARM_ROUNDS:], telemetry)
    finally:
        network.close()
        devnet.stop()


def worker(network: Network, store: str, telemetry: Telemetry | None) -> Daemon:
    """A worker of the one account, with a store of its own."""
    opened = network.store(store)
    chain = network.chain(NAME, opened, funds_wei=2_000 * COIN_WEI)
    world = network.world(NAME, opened, Log(), ReferenceEngine(), chain=chain)
    if telemetry is not None:
        world = replace(world, monitor=telemetry.monitor, reporter=telemetry.reporter)
    return worker_node(world, WorkerPolicy(speed=SPEED, batch_limit=32))


def deposit_and_claim(network: Network, daemon: Daemon, claims: int) -> None:
    """Take as many tasks, and claim them."""
    chain = network.chain(NAME, network.stores["watched"], funds_wei=0)
    chain.transact(Deposit(amount_wei=claims * COIN_WEI), intent="stake")
    network.post(shard_count=claims, lease_seconds=3_000)
    for _ in range(20 * claims):
        view = daemon.tick()
        if view.free_stake_wei == 0 and not view.tasks and not view.in_flight:
            return
    raise SystemExit("the claims were not made")


def paired(network: Network, plain: Daemon, watched: Daemon, index: int) -> tuple[float, float]:
    """Seconds of a tick of each; who is first alternates."""
    network.devnet.advance(1)
    gc.collect()
    if index % 2:
        second = ticked(watched)
        return ticked(plain), second
    return ticked(plain), ticked(watched)


def ticked(daemon: Daemon) -> float:
    """The processor time of one turn of the loop, of its thread."""
    began = time.thread_time()
    turns = iter((False, True))
    daemon.run(lambda: next(turns, True), poll_seconds=0.0)
    return time.thread_time() - began


def cost_of(claims: int, pairs: Sequence[tuple[float, float]], telemetry: Telemetry) -> Cost:
    plain, more = statistics.median(each for each, _ in pairs), statistics.median(b - a for a, b in pairs)
    scrapes: list[float] = []
    with httpx.Client() as client:
        for _ in range(SCRAPES):
            began = time.perf_counter()
            client.get(f"{telemetry.url}/metrics").raise_for_status()
            scrapes.append(time.perf_counter() - began)
    return Cost(
        claims=claims,
        plain_ms=round(1_000 * plain, 3),
        watched_ms=round(1_000 * statistics.median(each for _, each in pairs), 3),
        percent=round(100 * more / plain, 2),
        scrape_ms=round(1_000 * statistics.median(scrapes), 2),
    )


if __name__ == "__main__":
    main()
