"""The loop: outages, reading the past, and what happens between looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tests.e2e.network import CYCLES, ELF, INPUT, Log, ManualClock, Network, WatchedProvider, expected_output
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import task_of
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.loop.loop import DECIDE_AGAIN_SECONDS, OUTAGE_WAIT, CatchingUp, Loop
from truestep.node.tasks.agent import FORGET_SECONDS
from truestep.node.tasks.items import FinishedRun, RunSpec, advance, run_to_end
from truestep.node.tasks.materials import RunMaterial
from truestep.node.tasks.outputs import key_of
from truestep.ports.executor import Stopped
from truestep.protocol.events import TaskClaimed
from truestep.protocol.records import TaskStage
from truestep.simulation.faulty_engine import Fault, FaultyEngine


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
        outage["is_on"] = len(waits) < 30
        return "claim_landed" in log.kinds()

    worker.run(should_stop, poll_seconds=1.0)
    assert log.kinds()[0] == "unavailable"
    assert log.kinds().count("unavailable") <= 3, "a minute of the same outage is said once"
    assert "recovered" in log.kinds()
    gaps = [after - before for before, after in pairwise(waits) if after > before]
    assert max(gaps) <= OUTAGE_WAIT.limit_seconds + 0.01
    assert set(gaps[-3:]) == {1.0}
    assert network.requester.task(task_of(job_id, 0)).batch_id == 1


@dataclass
class ScriptedSite:
    """A role that is told what happens: each look takes the next trouble, if there is one."""

    troubles: list[Exception | None] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    ends: int = 0
    store_troubles: list[Exception | None] = field(default_factory=list)
    """Of each `collect`."""

    def collect(self) -> bool:
        if self.store_troubles and (trouble := self.store_troubles.pop(0)):
            raise trouble
        has_ended = self.ends > 0
        self.ends -= has_ended
        return has_ended

    def look(self) -> None:
        self.seen.append("look")
        if self.troubles and (trouble := self.troubles.pop(0)):
            raise trouble

    def decide(self) -> tuple[str, list[str]]:
        return "view", ["act"]

    def act(self, actions: Sequence[str]) -> None:
        self.seen += actions

    def poll_seconds(self) -> float:
        return 3.0

    def close(self) -> None:
        self.seen.append("close")


def loop_of(site: ScriptedSite) -> tuple[Loop[str, str], ManualClock, Log]:
    clock, log = ManualClock(), Log()
    return Loop(site, clock, log), clock, log


def stopping_after(site: ScriptedSite, looks: int) -> Callable[[], bool]:
    return lambda: site.seen.count("look") >= looks


def test_an_outage_does_not_keep_what_is_known_from_being_done() -> None:
    site = ScriptedSite(troubles=[None, Unavailable("no logs")])
    loop, _, _ = loop_of(site)
    loop.tick()
    with pytest.raises(Unavailable, match="no logs"):
        loop.tick()
    assert site.seen == ["look", "act"] * 2


def test_an_answer_that_a_node_refuses_is_an_outage_and_not_the_end() -> None:
    """A backend that lags says `unknown game` of a game that was just opened."""
    site = ScriptedSite(troubles=[None, Rejected(Reject.GAME_UNKNOWN, "no game 7 was opened")])
    loop, _, log = loop_of(site)
    loop.run(stopping_after(site, 3))
    assert site.seen == [*["look", "act"] * 3, "close"]
    assert log.kinds() == ["unavailable", "recovered"]


def test_a_row_that_cannot_be_read_ends_the_daemon() -> None:
    """Waiting does not mend a file, and the message says what does."""
    site = ScriptedSite(troubles=[Rejected(Reject.STORE_FILE, "cannot read the row")])
    with pytest.raises(Rejected, match="cannot read the row"):
        Loop(site, ManualClock(), Log()).tick()


def test_reading_the_past_is_no_outage() -> None:
    """Ten million blocks are read range after range, not one range after each wait."""
    site = ScriptedSite(troubles=[CatchingUp(f"block {number}") for number in range(1_000)])
    loop, clock, log = loop_of(site)
    loop.run(stopping_after(site, 1_001))
    assert clock.seconds <= 3.0
    assert set(log.kinds()) == {"catching_up"}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_full_disk_never_ends_the_loop(place: int) -> None:
    """Wherever what ended is put into the store: at a look (0), or while the next is waited for."""
    full: list[Exception | None] = [Unavailable("disk is full")] * 2
    site = ScriptedSite(store_troubles=[None] * place + full)
    loop, clock, log = loop_of(site)
    clock.slices = [0.1, 0.1, 0.1]
    loop.run(stopping_after(site, 4))
    assert site.seen.count("act") >= 4, "what is known is acted on all the same"
    assert log.kinds() == ["unavailable", "recovered"]


def test_work_that_ends_between_looks_leads_to_the_next_decision() -> None:
    site = ScriptedSite(ends=2)
    loop, clock, _ = loop_of(site)
    clock.slices = [0.1, DECIDE_AGAIN_SECONDS]  # a nudge, then a while
    loop.run(stopping_after(site, 2))
    assert site.seen == ["look", "act", "act", "look", "act", "close"]


def test_an_engine_that_starts_elsewhere_than_the_chain_claims_nothing(network: Network) -> None:
    """A fault from the first state on is found before anything is claimed, and is this program's alone."""
    network.post()
    engine = FaultyEngine(ReferenceEngine(), Fault(cycle=0))
    worker = network.worker("worker", network.store("worker"), log := Log(), engine)
    for _ in range(12):
        worker.tick()
    assert "claim_sent" not in log.kinds()
    assert any("the chain in" in line for kind, line in log.lines if kind == "run_failed")


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
    outputs = OutputDirectory(network.folder / "own")
    with pytest.raises(Stopped):
        run_to_end(ReferenceEngine(), spec, outputs, clock, lambda: True)
    machine = spec.start(ReferenceEngine())
    advance(machine, 10**6, clock.monotonic_seconds, lambda: False)
    assert machine.cycle == CYCLES
    finished = run_to_end(ReferenceEngine(), spec, outputs, clock, lambda: False)
    assert isinstance(finished, FinishedRun)
    assert finished.output_trouble == ""
    assert b"".join(outputs.content(key_of(finished.own_run.claimed))) == expected_output(0)


def test_a_blob_store_that_is_down_costs_no_lease_and_is_reported(network: Network) -> None:
    log = Log()
    network.post()
    worker = network.worker("worker", network.store("worker"), log)
    (network.folder / "blobs" / "outputs").write_text("in the way")
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    (claimed,) = [event.claimed for event in network.told(TaskClaimed)]
    assert claimed.is_accepted
    assert "unpublished" in log.kinds()
    (network.folder / "blobs" / "outputs").unlink()
    while "published" not in log.kinds():
        network.clock.seconds += 1
        assert network.clock.seconds < 600
        worker.tick()
    assert network.blobs.get_output(claimed.output_root, 8) == expected_output(0)


def test_an_output_outlives_a_restart_and_leaves_the_disk_when_its_task_is_final(network: Network) -> None:
    job_id, log, store = network.post(), Log(), network.store("worker")
    (network.folder / "blobs" / "outputs").write_text("in the way")
    network.drive([network.worker("worker", store, log)], lambda: "claim_landed" in log.kinds())
    kept = network.folder / "worker outputs" / "outputs"
    assert len(list(kept.iterdir())) == 1
    (network.folder / "blobs" / "outputs").unlink()
    restarted = network.worker("worker", store, log)
    restarted.tick()
    (claimed,) = [event.claimed for event in network.told(TaskClaimed)]
    assert network.blobs.get_output(claimed.output_root, 8) == expected_output(0)

    def is_dropped() -> bool:
        network.clock.seconds += FORGET_SECONDS
        return not list(kept.iterdir())

    network.drive([restarted], is_dropped)
    assert network.requester.task(task_of(job_id, 0)).stage is TaskStage.FINAL
