"""A worker that falsifies one float result deep inside a run is caught by one integer instruction."""

from __future__ import annotations

from typing import TypeVar

from tests.e2e.floats import (
    DIVISION,
    FLOAT_CYCLES,
    FLOAT_ELF,
    expected_total,
    state_before,
)
from tests.e2e.network import COIN_WEI, Log, Network
from truestep.base.ids import claim_of, game_of, task_of
from truestep.engine.jit import JitEngine
from truestep.machine.interpreter import ReferenceEngine
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import is_micro, micro_number, run_number_of
from truestep.simulation.false_float import FalseFloatEngine, FalseResult

Event = TypeVar("Event")
LIE_STATE = state_before(DIVISION, 77)


def history(network: Network) -> list[ChainEvent]:
    chain = network.requester
    return list(chain.events(chain.first_block, chain.head().number))


def of_kind(network: Network, kind: type[Event]) -> list[Event]:
    return [event for event in history(network) if isinstance(event, kind)]


def test_a_false_float_is_caught_inside_its_micro_run(network: Network) -> None:
    engine = JitEngine()
    job_id, log = network.post(elf=FLOAT_ELF), Log()
    task_id = task_of(job_id, 0)
    lying = FalseFloatEngine(engine, FalseResult(cycle=LIE_STATE))
    liar = network.worker("liar", network.store("liar"), log, lying)
    challenger = network.challenger("challenger", network.store("challenger"), log, ReferenceEngine())
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    worker = network.worker("worker", network.store("worker"), log, engine)
    network.drive([liar, challenger, worker], lambda: network.is_final(job_id))

    assert network.output(task_id) == expected_total()
    (descended,), (revealed,) = of_kind(network, events.GameDescended), of_kind(network, events.GameRevealed)
    (stepped,) = of_kind(network, events.GameStepped)
    assert descended.low == revealed.low == micro_number(LIE_STATE, 0)
    last = of_kind(network, events.GamePicked)[-1]
    assert is_micro(last.low)
    assert run_number_of(last.low) == LIE_STATE
    assert last.high == last.low + 1 == revealed.high
    assert stepped.after != stepped.expected
    (struck,) = of_kind(network, events.ClaimStruck)
    assert struck.claim_id == claim_of(task_id, 1)
    assert network.requester.game(game_of(struck.claim_id, 1)).stage is GameStage.CLOSED
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI
    assert network.requester.result(task_id).cycle == FLOAT_CYCLES
    assert not {kind for kind in log.kinds() if kind.endswith(("_reverted", "_refused", "_failed"))}
