"""`kill -9` for real processes: in mid-run, after claiming, in mid-dispute."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, find_anvil
from tests.e2e.floats import DIVISION, FLOAT_ELF, expected_total, state_before
from tests.e2e.network import COIN_WEI, INPUT, Log, Network, expected_output, open_network
from tests.postgres import PostgresServer
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.devnet import AnvilDevnet, Devnet, EmbeddedDevnet
from truestep.base.ids import task_of
from truestep.devnet.remote import RemoteDevnet
from truestep.devnet.rpc import DevnetRpc
from truestep.devnet.server import serving
from truestep.machine.interpreter import ReferenceEngine
from truestep.protocol import events
from truestep.protocol.records import GameStage, TaskStage

LIE_STATE = state_before(DIVISION, 5)
SHORT_INPUT = INPUT[:9]
LONG_INPUT = bytes(range(256)) * 64
"""About 100,000 steps: long enough to be killed in the middle of."""


@contextmanager
def served_devnet(folder: Path) -> Iterator[Devnet]:
    """A chain that other processes can reach: anvil where it is installed, else this process serves one."""
    program = find_anvil()
    if program is not None:
        devnet = AnvilDevnet(program)
        yield devnet
        devnet.stop()
        return
    with serving(DevnetRpc(EmbeddedDevnet()), DirectoryBlobs(folder / "blobs"), 0) as url:
        yield RemoteDevnet(url)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with served_devnet(tmp_path) as devnet:
        opened = open_network(devnet, tmp_path)
        opened.deployment.write(tmp_path / "deployment.json")
        yield opened
        opened.close()


@contextmanager
def process(
    network: Network, role: str, name: str, fault_cycle: int = 0, uri: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A daemon; killed in any case. `uri`: its store, if that is in PostgreSQL."""
    arguments = (role, name, network.devnet.node, network.folder, fault_cycle, uri)
    command = [sys.executable, "-m", "tests.crash.process", *map(str, arguments)]
    running = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def lines_until(running: subprocess.Popen[str], kind: str) -> list[str]:
    """What it said up to a report of this kind."""
    lines: list[str] = []
    assert running.stdout is not None
    for line in running.stdout:
        lines.append(line)
        if line.startswith(kind):
            return lines
    raise AssertionError(f"ended without {kind}; it said {lines}")


def prepare(network: Network, *operators: str) -> None:
    """Stake for these operators, coins for the challenger."""
    for name in operators:
        network.worker(name, network.store(name), Log())
    network.chain("challenger", network.store("challenger"))
    network.close()


def test_killed_in_mid_run_and_after_claiming(network: Network, postgres: PostgresServer) -> None:
    """With a store in PostgreSQL; that of the next test is a file."""
    uri = postgres.new_uri()
    prepare(network, "worker")
    job_id = network.post(content=LONG_INPUT, max_cycles=1 << 20)
    task_id = task_of(job_id, 0)
    with process(network, "worker", "worker", uri=uri) as first:
        lines_until(first, "computing")
    assert network.requester.task(task_id).stage is TaskStage.TAKEN
    with process(network, "worker", "worker", uri=uri) as second:
        assert not any(line.startswith("take_sent") for line in lines_until(second, "claim_sent"))
    with process(network, "worker", "worker", uri=uri) as third:
        assert third.poll() is None
        network.devnet.advance(network.deployment.rules.window_seconds + 1)
        said = lines_until(third, "finalize_landed")
    assert not any(line.startswith(("take_sent", "claim_sent", "computing")) for line in said)
    assert network.requester.task(task_id).batch_id == 1
    assert network.output(task_id) == expected_output(0, LONG_INPUT)
    balances = network.requester.balances(network.account("worker"))
    assert (balances.stake_wei, balances.locked_wei) == (3 * COIN_WEI, 0)


def test_killed_in_mid_dispute(network: Network) -> None:
    """Both are killed after each kind of their moves, and the game over a float ends as it must."""
    prepare(network, "liar")
    job_id = network.post(elf=FLOAT_ELF, content=SHORT_INPUT)
    with process(network, "worker", "liar", LIE_STATE) as liar:
        lines_until(liar, "claim_landed")
    with process(network, "challenger", "challenger") as challenger:
        lines_until(challenger, "open_sent")
    with process(network, "worker", "liar", LIE_STATE) as liar:
        lines_until(liar, "split_sent")
    with process(network, "challenger", "challenger") as challenger:
        lines_until(challenger, "pick_sent")
    with (
        process(network, "worker", "liar", LIE_STATE),
        process(network, "challenger", "challenger") as challenger,
    ):
        lines_until(challenger, "descend_sent")
    with process(network, "worker", "liar", LIE_STATE) as liar:
        lines_until(liar, "reveal_sent")
    with (
        process(network, "worker", "liar", LIE_STATE),
        process(network, "challenger", "challenger") as challenger,
    ):
        said = lines_until(challenger, "step_landed")
    assert not any(line.startswith(("open_sent", "descend_sent")) for line in said)
    chain = network.requester
    assert [event.stage for event in network.told(events.GameSettled)] == [GameStage.CHALLENGER_WON]
    assert chain.balances(network.account("liar")).stake_wei == 2 * COIN_WEI
    assert len(network.told(events.GameOpened)) == 1
    worker = network.worker("worker", network.store("worker"), Log(), ReferenceEngine())
    network.drive([worker], lambda: network.is_final(job_id))
    assert network.output(task_of(job_id, 0)) == expected_total(0, SHORT_INPUT)
