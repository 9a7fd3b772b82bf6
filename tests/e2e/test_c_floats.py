"""A C program over doubles: one false result among 600,000 instructions is caught; and what that costs."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chains import lent_anvil
from tests.e2e.network import COIN_WEI, PARAMETERS, Log, Network, open_network
from tests.e2e.test_floats import of_kind
from truestep.adapters.chain.connection import connect
from truestep.base.ids import task_of
from truestep.engine.jit import JitEngine
from truestep.guest import build_c
from truestep.protocol import events
from truestep.protocol.state_numbers import is_micro, run_number_of
from truestep.simulation.false_float import FalseFloatEngine, FalseResult

SOURCE = Path(__file__).parent / "programs" / "orbit.c"
STEPS = 20_000
LIE_CYCLE = 444_444
MAX_CYCLES = 2_000_000
MOVES_MAX, GAS_MAX = 28, 3_500_000
"""What a dispute that ends in a float instruction may take (docs/gas.md)."""
MOVES = (
    *(events.GameOpened, events.GameSplit, events.GamePicked, events.GameStepped),
    *(events.GameDescended, events.GameRevealed, events.GameSettled),
)


def orbit(steps: int) -> bytes:
    """The same in Python, whose floats are the host's; nothing here is contracted to a fused operation."""
    x, y, vx, vy = 0.3, 0.9, 0.0, 0.0
    for _ in range(steps):
        for centre in (-1.0, 1.0):
            dx, dy = centre - x, 0.0 - y
            square = dx * dx + dy * dy + 0.01
            scale = (1.0 / 256) / (square * math.sqrt(square))
            vx += dx * scale
            vy += dy * scale
        x += vx / 256
        y += vy / 256
    return struct.pack("<4d", x, y, vx, vy)


@pytest.fixture
def network(anvil_program: Path, tmp_path: Path) -> Any:
    with lent_anvil(anvil_program) as devnet:
        opened = open_network(devnet, tmp_path, replace(PARAMETERS, arity=64))
        yield opened
        opened.close()


def move_gas(network: Network) -> list[int]:
    """The gas of every transaction of the game."""
    web3 = connect(network.devnet.node)
    chain = network.requester
    happened = [event for event in chain.events(0, chain.head().number) if isinstance(event, MOVES)]
    hashes = [event.at.transaction_hash for event in happened]
    return [web3.eth.get_transaction_receipt(web3.to_hex(each))["gasUsed"] for each in hashes]


@pytest.mark.anvil
def test_one_false_float_in_a_c_program_is_caught_and_slashed(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "orbit.elf"
    build_c([SOURCE], target)
    log, engine = Log(), JitEngine()
    job_id = network.post(elf=target.read_bytes(), content=STEPS.to_bytes(4, "little"), max_cycles=MAX_CYCLES)
    lying = FalseFloatEngine(engine, FalseResult(cycle=LIE_CYCLE))
    liar = network.worker("liar", network.store("liar"), log, lying)
    challenger = network.challenger("challenger", network.store("challenger"), log, engine)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    worker = network.worker("worker", network.store("worker"), log, engine)
    network.drive([liar, challenger, worker], lambda: network.is_final(job_id))

    assert network.output(task_of(job_id, 0)) == orbit(STEPS)
    (descended,), (stepped,) = of_kind(network, events.GameDescended), of_kind(network, events.GameStepped)
    assert is_micro(descended.low)
    assert LIE_CYCLE <= run_number_of(descended.low) < LIE_CYCLE + 100
    assert stepped.after != stepped.expected
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI
    gas = move_gas(network)
    assert len(gas) <= MOVES_MAX, gas
    assert sum(gas) <= GAS_MAX, gas
