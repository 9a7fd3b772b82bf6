"""The loop: outages, bounded tries, an engine that contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.network import CYCLES, ELF, INPUT, Log, ManualClock, Network, WatchedProvider, expected_output
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Bug, Unavailable
from truestep.base.ids import Bytes32, claim_of, task_of
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.state import Status
from truestep.node.chain.outbox import TRIES, Outbox
from truestep.node.tasks.items import (
    PUBLISH_WAITS_SECONDS,
    FinishedRun,
    RunMaterial,
    RunSpec,
    advance,
    run_to_end,
)
from truestep.node.tasks.results import Results
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.executor import Stopped
from truestep.protocol.calls import WithdrawRewards
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import Send
from truestep.roles.views import OwnRun, Reveal
from truestep.simulation.faulty_engine import Fault, FaultyEngine

CLAIMED = ClaimedState(
    status=Status.EXITED,
    code=0,
    cycle=7,
    output_size=8,
    output_root=Bytes32(b"o" * 32),
    left_root=ZERO_HASH,
    inner_root=ZERO_HASH,
    running_state=ZERO_HASH,
)
MICRO = micro_number(2**48, 0)
REVEAL = Reveal(after=b"a" * 305, cycles=77, memory_root=Bytes32(b"m" * 32))


def test_an_outage_is_reported_and_waited_out(network: Network) -> None:
    job_id, log = network.post(), Log()
    outage = {"is_on": False}

    def before(_: str) -> None:
        if outage["is_on"]:
            raise ConnectionError("connection refused")

    network.node = WatchedProvider(network.devnet.node, before)
    worker = network.worker("worker", network.store("worker"), log)
    outage["is_on"] = True
    with pytest.raises(Unavailable, match="check that it runs"):
        worker.tick()
    waits: list[float] = []

    def should_stop() -> bool:
        waits.append(network.clock.seconds)
        outage["is_on"] = len(waits) < 9
        return "claim_landed" in log.kinds()

    worker.run(should_stop, poll_seconds=1.0)
    outages = [line for kind, line in log.lines if kind == "unavailable"]
    assert len(outages) == 8
    gaps = [after - before for before, after in pairwise(waits)]
    assert gaps[:8] == [2, 4, 8, 16, 30, 30, 30, 30]
    assert set(gaps[8:]) == {1.0}
    assert network.requester.task(task_of(job_id, 0)).attempt == 1


class StubbornChain:
    """The part of `Chain` that Outbox uses: every transaction is reverted."""

    def __init__(self) -> None:
        self.intents: list[str] = []

    def transaction(self, intent: str) -> Transaction | None:
        if intent not in self.intents:
            return None
        outcome = Outcome.REVERTED
        return Transaction(intent=intent, outcome=outcome, transaction_hash=ZERO_HASH, reason="no")

    def submit(self, call: object, *, intent: str) -> Transaction | None:
        del call
        self.intents.append(intent)
        return self.transaction(intent)

    def refresh(self) -> tuple[Transaction, ...]:
        return ()


def test_a_deed_that_is_always_reverted_is_given_up() -> None:
    chain, log = StubbornChain(), Log()
    for _ in range(3):
        deeds = Outbox(chain, log)  # pyright: ignore[reportArgumentType]
        for _ in range(TRIES):
            deeds.refresh()
            deeds.do(Send(intent="withdraw/1", call=WithdrawRewards(), message="withdraw"))
    assert chain.intents == [f"withdraw/1#{number}" for number in range(TRIES)]
    assert log.kinds().count("withdraw_reverted") == TRIES


def test_results_survive_a_restart_and_contradictions_stop_everything(tmp_path: Path) -> None:
    own_run = OwnRun(claimed=CLAIMED, running_state=b"packed")
    with SqliteStore(tmp_path / "results.db") as store:
        results = Results(store)
        results.keep_run("ab", own_run)
        results.keep_hashes("ab", {5: Bytes32(b"5" * 32)})
        results.keep_hashes("ab", {6: Bytes32(b"6" * 32)})
        results.keep_witness("ab", 5, b"w5")
        results.keep_hashes("cd", {1: ZERO_HASH})
        results.keep_hashes("ab", {MICRO + 3: Bytes32(b"m" * 32)})
        results.keep_witness("ab", MICRO + 3, b"wm")
        results.keep_reveal("ab", MICRO, REVEAL, b"float")
        again = Results(store)
        assert again.own_run("ab") == own_run
        assert again.hashes("ab") == {5: b"5" * 32, 6: b"6" * 32, MICRO + 3: b"m" * 32}
        assert again.witnesses("ab") == {5: b"w5", MICRO + 3: b"wm", 2**48: b"float"}
        assert again.reveals("ab") == {MICRO: REVEAL}
        with pytest.raises(Bug):
            again.keep_run("ab", OwnRun(claimed=CLAIMED))
        with pytest.raises(Bug):
            again.keep_hashes("ab", {6: Bytes32(b"7" * 32)})
        with pytest.raises(Bug):
            again.keep_reveal("ab", MICRO, replace(REVEAL, cycles=78), b"float")
        again.forget_except({"cd"})
        rest = Results(store)
        assert (rest.own_run("ab"), rest.hashes("cd")) == (None, {1: ZERO_HASH})
        assert (rest.reveals("ab"), rest.witnesses("ab"), rest.hashes("ab")) == ({}, {}, {})


def test_an_engine_that_starts_elsewhere_than_the_chain_runs_nothing(network: Network) -> None:
    """A fault from the first state on is found before anything is claimed."""
    network.post()
    engine = FaultyEngine(ReferenceEngine(), Fault(cycle=0))
    worker = network.worker("worker", network.store("worker"), log := Log(), engine)
    with pytest.raises(Bug, match="the chain in"):
        network.drive([worker], lambda: False, rounds=8)
    assert "claim_sent" not in log.kinds()


def test_a_run_gives_up_between_slices(network: Network) -> None:
    job_id = network.post()
    record = network.requester.job(job_id)
    program = network.requester.program(record.program_id)

    spec = RunSpec(
        material=RunMaterial(program=load_elf(ELF), input=INPUT),
        job=record,
        shard_index=0,
        initial_hash=record.initial_state_hash(program, 0),
    )
    clock = ManualClock()
    with pytest.raises(Stopped):
        run_to_end(ReferenceEngine(), spec, network.blobs, clock, lambda: True)
    machine = spec.start(ReferenceEngine())
    advance(machine, 10**6, clock.monotonic_seconds, lambda: False)
    assert machine.cycle == CYCLES
    finished = run_to_end(ReferenceEngine(), spec, network.blobs, clock, lambda: False)
    assert isinstance(finished, FinishedRun)
    assert finished.publish_trouble == ""
    assert network.blobs.get_output(finished.own_run.claimed.output_root, 8) == expected_output(0)


def test_a_blob_store_that_is_down_costs_no_lease_and_is_reported(network: Network) -> None:
    job_id, log = network.post(), Log()
    worker = network.worker("worker", network.store("worker"), log)
    network.drive([worker], lambda: "take_sent" in log.kinds())
    (network.folder / "blobs" / "outputs").write_text("in the way")
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    assert "unpublished" in log.kinds()
    assert network.clock.seconds == sum(PUBLISH_WAITS_SECONDS)
    assert network.requester.claimed_state(claim_of(task_of(job_id, 0), 1)).is_accepted
