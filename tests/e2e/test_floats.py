"""A worker that falsifies one float result deep inside a run is caught by one integer instruction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest

from tests.e2e.floats import (
    DIVISION,
    FLOAT_CYCLES,
    FLOAT_ELF,
    expected_total,
    state_before,
)
from tests.e2e.network import COIN_WEI, SPEED, Log, Network
from truestep.base.ids import BatchId, claim_of, game_of, task_of
from truestep.commitments.keccak import keccak256
from truestep.engine.jit import JitEngine
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.chain import Chain, Transaction
from truestep.protocol import events
from truestep.protocol.calls import Call, RevealGame
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import MICRO_INDEX_LIMIT, is_micro, micro_number, run_number_of
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.false_float import FalseFloatEngine, FalseResult

Event = TypeVar("Event")
LIE_STATE = state_before(DIVISION, 77)


def of_kind(network: Network, kind: type[Event]) -> list[Event]:
    return network.told(kind)


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
    assert "step_sent" in log.kinds(), log.lines
    (descended,), (revealed,) = of_kind(network, events.GameDescended), of_kind(network, events.GameRevealed)
    (stepped,) = of_kind(network, events.GameStepped)
    assert descended.low == revealed.low == micro_number(LIE_STATE, 0)
    last = of_kind(network, events.GamePicked)[-1]
    assert is_micro(last.low)
    assert run_number_of(last.low) == LIE_STATE
    assert last.high == last.low + 1 == revealed.high
    assert stepped.after != stepped.expected
    (struck,) = of_kind(network, events.ClaimStruck)
    assert struck.claim_id == claim_of(task_id, BatchId(1))
    (settled,) = of_kind(network, events.GameSettled)
    assert (settled.game_id, settled.stage) == (game_of(struck.claim_id, 1), GameStage.CHALLENGER_WON)
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI
    assert network.requester.result(task_id).cycle == FLOAT_CYCLES
    assert not {kind for kind in log.kinds() if kind.endswith(("_reverted", "_refused", "_failed"))}


class CheatingChain:
    """A liar's way to the chain: it puts something else into its reveals. Everything else goes through."""

    def __init__(self, chain: Chain, cheat: Callable[[RevealGame], RevealGame]) -> None:
        self._chain = chain
        self._cheat = cheat

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def submit(self, call: Call, *, intent: str) -> Transaction:
        """The chain's own, with a reveal that cheats."""
        return self._chain.submit(self._cheat(call) if isinstance(call, RevealGame) else call, intent=intent)


def cheating_worker(network: Network, log: Log, cheat: Callable[[RevealGame], RevealGame]) -> Daemon:
    engine = FalseFloatEngine(ReferenceEngine(), FalseResult(cycle=LIE_STATE))
    network.worker("liar", network.store("liar"), log, engine)
    store = network.stores["liar"]
    chain = cast(Chain, CheatingChain(network.chain("liar", store), cheat))
    return worker_node(network.world("liar", store, log, engine, chain=chain), WorkerPolicy(speed=SPEED))


@pytest.mark.parametrize(
    ("cheat", "last_index"),
    [
        (lambda call: replace(call, cycles=MICRO_INDEX_LIMIT), MICRO_INDEX_LIMIT),
        (lambda call: replace(call, cycles=1), 1),
        (lambda call: replace(call, cycles=call.cycles - 5), None),
        (lambda call: replace(call, memory_root=keccak256(b"another")), None),
    ],
    ids=["too long", "one step", "too short", "another memory"],
)
def test_no_end_of_a_micro_run_saves_a_false_result(
    quick_network: Network, cheat: Callable[[RevealGame], RevealGame], last_index: int | None
) -> None:
    network, log = quick_network, Log()
    network.post(elf=FLOAT_ELF)
    liar = cheating_worker(network, log, cheat)
    challenger = network.challenger("challenger", network.store("challenger"), log, JitEngine())
    network.drive([liar, challenger], lambda: bool(of_kind(network, events.GameSettled)))
    (settled,), (revealed,) = of_kind(network, events.GameSettled), of_kind(network, events.GameRevealed)
    assert settled.stage is GameStage.CHALLENGER_WON
    (stepped,) = of_kind(network, events.GameStepped)
    assert stepped.after != stepped.expected
    if last_index is not None:
        assert revealed.high == micro_number(LIE_STATE, last_index)
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI


@pytest.mark.parametrize(
    "cheat",
    [
        lambda call: replace(call, after=call.after[:-1] + bytes([call.after[-1] ^ 1])),
        lambda call: replace(call, cycles=0),
    ],
    ids=["another state", "no steps"],
)
def test_a_reveal_that_is_refused_is_none(
    quick_network: Network, cheat: Callable[[RevealGame], RevealGame]
) -> None:
    """The liar's clock goes on, as if it had kept silent; and nobody's daemon stumbles over it."""
    network, log = quick_network, Log()
    network.post(elf=FLOAT_ELF)
    liar = cheating_worker(network, log, cheat)
    challenger = network.challenger("challenger", network.store("challenger"), log, JitEngine())
    network.drive([liar, challenger], lambda: bool(of_kind(network, events.GameSettled)))
    (settled,) = of_kind(network, events.GameSettled)
    assert settled.stage is GameStage.CHALLENGER_WON
    assert (len(of_kind(network, events.GameDescended)), of_kind(network, events.GameRevealed)) == (1, [])
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI


def test_a_true_float_is_defended_against_a_false_challenge(quick_network: Network) -> None:
    network, log = quick_network, Log()
    job_id = network.post(elf=FLOAT_ELF)
    worker = network.worker("worker", network.store("worker"), log, JitEngine())
    wrong = FalseFloatEngine(ReferenceEngine(), FalseResult(cycle=LIE_STATE))
    accuser = network.challenger("accuser", network.store("accuser"), log, wrong)
    network.drive([worker, accuser], lambda: network.is_final(job_id))
    (settled,) = of_kind(network, events.GameSettled)
    assert settled.stage is GameStage.OPERATOR_WON
    assert network.requester.balances(network.account("worker")).stake_wei == 3 * COIN_WEI
    assert network.output(task_of(job_id, 0)) == expected_total()
