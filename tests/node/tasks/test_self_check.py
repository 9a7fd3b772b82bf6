"""A translator that translates wrongly costs its worker time, never stake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.network import CYCLES, ELF, GUEST, INPUT, SPEED, Log, Network, elf_of, expected_output
from tests.machine.encode import encode
from truestep.adapters.evidence import EvidenceDirectory
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32, JobId, ProgramId, task_of
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.codegen import operations
from truestep.engine.jit import JitEngine
from truestep.engine.runtime import machine
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.machine.program import Task
from truestep.machine.state import MachineState
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.self_check import LEAVES_LIMIT, SelfCheck, find_difference
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine, Machine
from truestep.protocol.calls import Deposit, PostJob, RegisterProgram
from truestep.protocol.records import TaskStage
from truestep.roles.self_check import Segment, SelfCheckPolicy
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, FaultyEngine

SEED = 0x5EED
WITHOUT_MUL = elf_of([word for word in GUEST if word != encode("mul", rd=6, rs1=6, rs2=28)])
LOOP = (
    encode("lui", rd=6, immediate=0x2000_0000),
    encode("addi", rd=5, rs1=5, immediate=1),
    encode("mul", rd=7, rs1=5, rs2=5),
    encode("andi", rd=28, rs1=5, immediate=0x7F8),
    encode("add", rd=28, rs1=28, rs2=6),
    encode("sd", rs1=28, rs2=7),
    encode("jal", immediate=-20),
)
LOOP_CYCLES = 60_001


@pytest.fixture
def miscompiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the translator makes an addition of every `mul`, and the walk does not replace it."""
    monkeypatch.setattr(machine, "kept_walk_address", lambda *_: 0)
    monkeypatch.setitem(operations.OPERATIONS, "mul", operations.OPERATIONS["add"])


def drive(machine: Machine, until_cycle: int) -> None:
    machine.advance(until_cycle)


def check_in(folder: Path) -> SelfCheck:
    return SelfCheck(
        policy=SelfCheckPolicy(random_segments=4, segment_steps=200),
        evidence=EvidenceDirectory(folder / "evidence"),
        draw_seed=lambda: SEED,
        engine_build=lambda: "build",
    )


def pieces(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (folder / "evidence").glob("*.json")]


def worker(
    network: Network, log: Log, engine: Engine, self_check: SelfCheck | None, bonds: int = 3
) -> Daemon:
    world = network.world("worker", network.store("worker"), log, engine, self_check=self_check)
    if "worker" not in network.staked:
        network.staked.add("worker")
        bond_wei = network.deployment.rules.operator_bond_wei
        world.chain.transact(Deposit(amount_wei=bonds * bond_wei), intent="stake")
    distrusted = self_check.evidence.places() if self_check else None
    return worker_node(world, WorkerPolicy(speed=SPEED), distrusted)


def post_another(network: Network, elf: bytes, program_id: int, job_id: int) -> JobId:
    """A job of another program than the network's first."""
    program, uri = load_elf(elf), network.blobs.put(elf)
    register = RegisterProgram(
        image_root=program.root(), entry=program.entry, max_cycles=10_000, digest=keccak256(elf), uri=uri
    )
    network.requester.transact(register, intent=f"register/{uri}")
    order = PostJob(
        program_id=ProgramId(program_id),
        input_root=root_of_bytes(INPUT, 24),
        input_size=len(INPUT),
        input_uri=network.blobs.put(INPUT),
        seed=keccak256(b"seed"),
        shard_count=1,
        reward=10**17,
        lease_seconds=300,
        deadline=network.requester.head().time_seconds + 100_000,
    )
    network.requester.transact(order, intent=f"post/{job_id}")
    return JobId(job_id)


@pytest.mark.usefixtures("miscompiling")
def test_without_the_check_a_wrong_translation_is_claimed(network: Network) -> None:
    """What the check is for; if this fails, the tests below show nothing."""
    job_id, log = network.post(), Log()
    network.drive([worker(network, log, JitEngine(), None)], lambda: network.is_final(job_id))
    assert network.output(task_of(job_id, 0)) != expected_output(0)


@pytest.mark.usefixtures("miscompiling")
def test_a_wrong_translation_is_found_and_not_claimed(network: Network, tmp_path: Path) -> None:
    wrong, log = network.post(), Log()
    daemon = worker(network, log, JitEngine(), check_in(tmp_path))
    network.drive([daemon], lambda: "self_check_failed" in log.kinds())
    right = post_another(network, WITHOUT_MUL, 2, 2)
    network.drive([daemon], lambda: network.is_final(right))
    again = post_another(network, elf_of(GUEST), 1, 3)
    for _ in range(4):
        daemon.tick()

    lines = [line for kind, line in log.lines if kind == "self_check_failed"]
    assert len(lines) == 1
    assert "NOTHING IS CLAIMED" in lines[0]
    assert str(tmp_path / "evidence") in lines[0]
    assert log.kinds().count("claim_sent") == log.kinds().count("self_checked") == 1
    assert any(kind == "declined" and "computes the program wrongly" in line for kind, line in log.lines)
    assert network.requester.task(task_of(wrong, 0)).stage is not TaskStage.CLAIMED
    assert network.requester.task(task_of(again, 0)).batch_id == 0


def test_a_restart_does_not_forget_and_a_person_may_forgive(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the new process translates rightly: only a person can tell that it does."""
    job_id, log = network.post(), Log()
    with monkeypatch.context() as patch:
        patch.setitem(operations.OPERATIONS, "mul", operations.OPERATIONS["add"])
        daemon = worker(network, log, JitEngine(), check_in(tmp_path))
        network.drive([daemon], lambda: "self_check_failed" in log.kinds())
    restarted = worker(network, log, JitEngine(), check_in(tmp_path))
    for _ in range(6):
        restarted.tick()
    assert "claim_sent" not in log.kinds()
    assert log.kinds().count("release_landed") == 1, "giving the lease back costs less than missing it"
    assert network.requester.task(task_of(job_id, 0)).stage is TaskStage.OPEN
    for path in (tmp_path / "evidence").iterdir():
        path.unlink()
    forgiven = worker(network, log, JitEngine(), check_in(tmp_path))
    network.drive([forgiven], lambda: network.is_final(job_id))
    assert network.output(task_of(job_id, 0)) == expected_output(0)


@pytest.mark.usefixtures("miscompiling")
def test_the_evidence_says_what_differs(network: Network, tmp_path: Path) -> None:
    job_id, log = network.post(), Log()
    daemon = worker(network, log, JitEngine(), check_in(tmp_path))
    network.drive([daemon], lambda: "self_check_failed" in log.kinds())
    (piece,) = pieces(tmp_path)
    record = network.requester.job(job_id)
    root = load_elf(ELF).root()
    (path,) = (tmp_path / "evidence").iterdir()
    assert path.name.startswith(f"{root.hex()}.")
    assert piece["program"] == {
        "id": 1,
        "image_root": root.hex(),
        "entry": f"{load_elf(ELF).entry:#x}",
        "uri": network.blobs.put(ELF),
    }
    assert piece["input"] == {
        "root": record.input_root.hex(),
        "size_bytes": len(INPUT),
        "uri": record.input_uri,
    }
    assert piece["self_check"] == {"seed": SEED, "random_segments": 4, "segment_steps": 200}
    assert (piece["version"], piece["engine"], piece["engine_build"]) == (1, "jit", "build")
    assert (piece["contradicts"], piece["first_cycle"], piece["end_cycle"]) == ("reference", 0, CYCLES)
    assert (piece["expected"]["status"], piece["expected"]["cycle"]) == ("exited", CYCLES)
    assert piece["expected"]["memory_root"] != piece["got"]["memory_root"]
    (word,) = piece["memory"]
    assert word["address"] == f"{OUTPUT_START:#x}"
    assert bytes.fromhex(word["expected"])[:8] == expected_output(0)
    assert bytes.fromhex(word["got"])[:8] != expected_output(0)


def test_an_honest_engine_passes_and_says_how_long_it_took(network: Network, tmp_path: Path) -> None:
    job_id, log = network.post(), Log()
    daemon = worker(network, log, JitEngine(), check_in(tmp_path))
    network.drive([daemon], lambda: network.is_final(job_id))
    (line,) = (line for kind, line in log.lines if kind == "self_checked")
    assert f"'steps': {CYCLES}" in line
    assert f"'seed': {SEED}" in line
    assert "'seconds': " in line
    assert pieces(tmp_path) == []


def runs_of(engine: Engine) -> tuple[Callable[[], Machine], MachineState]:
    program = load_elf(elf_of(LOOP))
    machine = engine.start(program, Task())
    machine.advance(LOOP_CYCLES)
    return lambda: engine.start(program, Task()), machine.state()


@pytest.mark.parametrize("segment", [Segment(first=0, end=500), Segment(first=30_003, end=31_000)])
@pytest.mark.usefixtures("miscompiling")
def test_registers_and_memory_are_compared(segment: Segment) -> None:
    start, end = runs_of(JitEngine())
    found = find_difference(start, end, [segment], drive)
    assert found is not None
    assert found.is_reference
    assert found.before is not None
    assert found.before.cycle == segment.first
    assert found.expected.memory_root != found.got.memory_root
    assert 0 < len(found.leaves) <= LEAVES_LIMIT
    assert all(expected != got for _, expected, got in found.leaves)


def test_a_fault_in_memory_alone_is_found_where_it_happens() -> None:
    """One bit, in a page that the program never writes; between the segments nothing looks."""
    start, end = runs_of(FaultyEngine(JitEngine(), Fault(cycle=40_000, address=0x3000_0007)))
    elsewhere = [Segment(first=0, end=30_000), Segment(first=50_000, end=LOOP_CYCLES)]
    assert find_difference(start, end, elsewhere, drive) is None
    there = Segment(first=39_000, end=40_100)
    found = find_difference(start, end, [*elsewhere[:1], there], drive)
    assert found is not None
    assert (found.segment, found.expected.registers) == (there, found.got.registers)
    assert [address for address, _, _ in found.leaves] == [0x3000_0000]


def test_a_second_run_with_another_end_is_found() -> None:
    start, _ = runs_of(JitEngine())
    _, other = runs_of(FaultyEngine(ReferenceEngine(), Fault(cycle=100)))
    found = find_difference(start, other, [Segment(first=0, end=50)], drive)
    assert found is not None
    assert not found.is_reference
    assert (found.expected, found.leaves) == (other, ())


def test_an_honest_run_has_no_difference() -> None:
    start, end = runs_of(JitEngine())
    policy = SelfCheckPolicy(random_segments=5, segment_steps=1_000)
    for seed in range(3):
        assert find_difference(start, end, policy.segments(seed, end.cycle), drive) is None


def test_evidence_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    with pytest.raises(Unavailable, match="make room"):
        EvidenceDirectory(tmp_path / "evidence").keep(Bytes32(bytes(32)), "{}")
    assert EvidenceDirectory(tmp_path / "evidence").places() == {}
