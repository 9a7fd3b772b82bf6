"""Kill everybody at every instant between two deeds, start them again: the chain's history stays the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from tests.crash.mortals import BOUNDARIES, TIMELESS, Executioner, Mortal, mortal_store
from tests.e2e.floats import DIVISION, FLOAT_ELF, expected_total, state_before
from tests.e2e.network import INPUT, Log, Network, open_network
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import Devnet
from truestep.base.ids import task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.ports.engine import Engine
from truestep.ports.store import Store
from truestep.simulation.false_float import FalseFloatEngine, FalseResult

NAMES = ("liar", "challenger", "worker")
FAULT = FalseResult(cycle=state_before(DIVISION, 5))
"""A float result, so that every kind of move is made."""
CONTENT = INPUT[:9]
"""Two rounds lead to the float instruction, two more into its micro-run."""
DEPOSITS = 2
"""Transactions made before the killing begins."""
IDLE_LIMIT = 24
"""Rounds without a block before time goes on: a daemon that died fetches and computes again first."""


@dataclass(frozen=True)
class Outcome:
    """What happened, but not when; and how many transactions it took each."""

    history: list[tuple[str, dict[str, Any]]]
    transaction_counts: list[int]


def history(network: Network) -> list[tuple[str, dict[str, Any]]]:
    """Every event without times and without amounts that depend on the price of gas."""
    chain = network.requester
    return [
        (
            type(event).__name__,
            {
                entry.name: getattr(event, entry.name)
                for entry in fields(event)
                if entry.name not in {"at", "until", "deadline"} and not entry.name.endswith("_wei")
            },
        )
        for event in chain.events(chain.first_block, chain.head().number)
    ]


def transaction_counts(network: Network) -> list[int]:
    web3 = connect(network.devnet.node)
    return [web3.eth.get_transaction_count(Web3.to_checksum_address(network.account(name))) for name in NAMES]


def play(devnet: Devnet, folder: Path, make_executioner: Callable[[], Executioner]) -> tuple[Outcome, int]:
    """A lie, a dispute, the task done again; each dies whenever its executioner says so. Counts deaths."""
    network, log = open_network(devnet, folder), Log()
    network.policy = TIMELESS
    job_id = network.post(elf=FLOAT_ELF, content=CONTENT)
    counts_before = transaction_counts(network)
    executioners = {name: make_executioner() for name in NAMES}

    def store(name: str) -> Store:
        return mortal_store(network, name, executioners[name])

    def worker(name: str, engine: Engine) -> Mortal:
        network.worker(name, store(name), log, engine)
        return Mortal(lambda: network.worker(name, store(name), log, engine), network.clock)

    liar = worker("liar", FalseFloatEngine(ReferenceEngine(), FAULT))
    honest = worker("worker", ReferenceEngine())
    challenger = Mortal(lambda: network.challenger("challenger", store("challenger"), log), network.clock)
    network.chain("challenger", network.store("challenger"))
    for executioner in executioners.values():
        executioner.is_armed = True
    is_claimed = partial(has_happened, network, "TaskClaimed")
    network.drive([liar], is_claimed, rounds=900, idle_limit=IDLE_LIMIT)
    everybody = [liar, challenger, honest]
    network.drive(everybody, lambda: network.is_final(job_id), rounds=900, idle_limit=IDLE_LIMIT)
    for daemon in everybody * IDLE_LIMIT:
        daemon.tick()
    assert network.output(task_of(job_id, 0)) == expected_total(0, CONTENT)
    network.close()
    counts = zip(transaction_counts(network), counts_before, strict=True)
    outcome = Outcome(
        history=history(network), transaction_counts=[after - before for after, before in counts]
    )
    return outcome, sum(executioner.kills for executioner in executioners.values())


def has_happened(network: Network, name: str) -> bool:
    return any(kind == name for kind, _ in history(network))


@pytest.fixture(scope="module")
def undisturbed(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What happens if nobody dies."""
    return play(devnet, tmp_path_factory.mktemp("undisturbed"), Executioner)[0]


@pytest.mark.parametrize(
    "boundary",
    [pytest.param(each, marks=[pytest.mark.long] * each.startswith("before")) for each in BOUNDARIES],
)
def test_dying_at_every_boundary_changes_nothing(
    devnet: Devnet, tmp_path: Path, undisturbed: Outcome, boundary: str
) -> None:
    outcome, deaths = play(devnet, tmp_path, partial(Executioner, boundary=boundary))
    assert outcome == undisturbed
    assert deaths >= sum(undisturbed.transaction_counts) - DEPOSITS


def test_dying_at_random_changes_nothing(
    devnet: Devnet, tmp_path: Path, undisturbed: Outcome, rng: random.Random
) -> None:
    outcome, deaths = play(devnet, tmp_path, partial(Executioner, rng=rng))
    assert outcome == undisturbed
    assert deaths > 0


def test_the_undisturbed_play_is_the_one_meant(undisturbed: Outcome) -> None:
    kinds = [kind for kind, _ in undisturbed.history]
    assert kinds.count("TaskClaimed") == 2
    for kind in ("GameDescended", "GameRevealed", "GameStepped", "ClaimStruck", "TaskFinalized"):
        assert kinds.count(kind) == 1
