"""Replays are kept from move to move, and no longer than they are of use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.network import A0, A7, ELF, INPUT, T0, T1, T2, elf_of
from tests.machine.encode import encode
from tests.roles.views import JOB, PROGRAM
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32, task_of
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.jit import JitEngine
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import DATA_START, PAGE_SIZE_BYTES
from truestep.node.tasks.items import LookItem, RunSpec, look
from truestep.node.tasks.materials import RunMaterial
from truestep.node.tasks.replays import FreshReplay, Replays
from truestep.node.tasks.terms import task_terms
from truestep.ports.engine import Engine, Machine
from truestep.ports.executor import Stopped
from truestep.protocol.state_numbers import micro_number

CYCLES = (0, 3, 5, 100)
WHOLE_RUN = (0, 10**6)
WRITTEN_PAGES = 512
WRITER = (
    encode("lui", rd=T0, immediate=DATA_START),
    encode("lui", rd=T1, immediate=PAGE_SIZE_BYTES),
    encode("addi", rd=T2, immediate=WRITTEN_PAGES),
    encode("sd", rs1=T0, rs2=T2),
    encode("add", rd=T0, rs1=T0, rs2=T1),
    encode("addi", rd=T2, rs1=T2, immediate=-1),
    encode("bne", rs1=T2, immediate=-12),
    encode("addi", rd=A0),
    encode("addi", rd=A7, immediate=93),
    encode("ecall"),
)
"""A guest that writes 2 MiB, one word of each page."""


def spec_of(seed: int, elf: bytes = ELF) -> RunSpec:
    material = RunMaterial(program=load_elf(elf), input=INPUT)
    job = replace(
        JOB, seed=Bytes32(bytes([seed]) * 32), input_root=root_of_bytes(INPUT, 24), input_size=len(INPUT)
    )
    spec = RunSpec(material=material, job=job, shard_index=0, initial_hash=Bytes32(bytes(32)))
    return replace(spec, initial_hash=ReferenceEngine().start(material.program, spec.task).state().hash())


def drive(machine: Machine, until_cycle: int) -> None:
    machine.advance(until_cycle)


def stopping(machine: Machine, until_cycle: int) -> None:
    raise Stopped


@pytest.mark.parametrize("engine", [JitEngine(), ReferenceEngine()], ids=["jit", "reference"])
def test_the_answers_are_those_of_a_plain_run(engine: Engine) -> None:
    spec, replays = spec_of(1), Replays(engine)
    plain = FreshReplay(spec.initial_hash, lambda: spec.start(ReferenceEngine()))
    for _ in range(2):
        with replays.borrow(spec) as replay:
            assert replay.hashes(CYCLES, drive) == plain.hashes(CYCLES, drive)
            assert replay.witness(4, drive) == plain.witness(4, drive)


@pytest.mark.parametrize("engine", [JitEngine(), ReferenceEngine()], ids=["jit", "reference"])
def test_a_look_says_how_a_run_has_ended(engine: Engine) -> None:
    spec, replays = spec_of(1), Replays(engine)
    terms = task_terms(task_of(JOB.job_id, 0), spec.job, PROGRAM)
    with replays.borrow(spec) as replay:
        early = look(replay, LookItem(terms=terms, hashes=(0, 5)), drive)
        late = look(replay, LookItem(terms=terms, hashes=(5, 10**6, micro_number(3, 0))), drive)
    assert early.halted_state == b""
    assert keccak256(late.halted_state) == late.hashes[10**6]


def test_a_replay_is_kept_until_others_come() -> None:
    specs, replays = [spec_of(seed) for seed in range(3)], Replays(JitEngine(), limit=2)
    with replays.borrow(specs[0]) as first, replays.borrow(specs[0]) as second:
        assert first is not second, "one that is being used is nobody else's"
    with replays.borrow(specs[0]) as again:
        assert again is first
    for spec in specs[1:]:
        with replays.borrow(spec):
            pass
    with replays.borrow(specs[0]) as again:
        assert again is not first


def test_large_replays_are_not_kept_beside_each_other() -> None:
    specs = [spec_of(seed) for seed in range(3)]
    with Replays(JitEngine()).borrow(specs[0]) as measured:
        measured.hashes(WHOLE_RUN, drive)
    replays = Replays(JitEngine(), limit_bytes=2 * measured.size_bytes)
    assert measured.size_bytes > 0
    firsts: list[object] = []
    for spec in specs:
        with replays.borrow(spec) as replay:
            replay.hashes(WHOLE_RUN, drive)
            firsts.append(replay)
    kept = list[bool]()
    for spec, first in reversed(list(zip(specs, firsts, strict=True))):
        with replays.borrow(spec) as again:
            kept.append(again is first)
    assert kept == [True, True, False]


def test_the_memory_of_a_run_counts_even_if_its_snapshots_are_not_kept() -> None:
    size_bytes = WRITTEN_PAGES * PAGE_SIZE_BYTES
    engine = JitEngine(snapshots_limit_bytes=size_bytes // 2)
    replays = Replays(engine, limit_bytes=3 * size_bytes)
    firsts: list[object] = []
    specs = [spec_of(seed, elf_of(WRITER)) for seed in range(4)]
    for spec in specs:
        with replays.borrow(spec) as replay:
            replay.hashes(WHOLE_RUN, drive)
            assert size_bytes <= replay.size_bytes <= 1.2 * size_bytes
            firsts.append(replay)
    kept = list[bool]()
    for spec, first in reversed(list(zip(specs, firsts, strict=True))):
        with replays.borrow(spec) as again:
            kept.append(again is first)
    assert kept == [True, True, False, False]


def test_snapshots_count_besides_the_run() -> None:
    with Replays(JitEngine()).borrow(spec_of(1, elf_of(WRITER))) as replay:
        before_bytes = replay.size_bytes
        replay.hashes(WHOLE_RUN, drive)
        assert replay.size_bytes >= before_bytes + 2 * WRITTEN_PAGES * PAGE_SIZE_BYTES


def test_one_that_is_too_large_is_kept_alone() -> None:
    small, large = spec_of(1), spec_of(2, elf_of(WRITER))
    replays = Replays(JitEngine(), limit_bytes=WRITTEN_PAGES * PAGE_SIZE_BYTES)
    with replays.borrow(small) as first:
        first.hashes(WHOLE_RUN, drive)
    with replays.borrow(large) as alone:
        alone.hashes(WHOLE_RUN, drive)
    with replays.borrow(large) as again:
        assert again is alone
    with replays.borrow(small) as another:
        assert another is not first
    with replays.borrow(large) as fresh:
        assert fresh is not alone


def test_a_replay_without_snapshots_keeps_no_memory() -> None:
    replays = Replays(ReferenceEngine())
    with replays.borrow(spec_of(1)) as first:
        first.witness(4, drive)
    with replays.borrow(spec_of(1)) as again:
        assert again is not first


def test_what_was_stopped_goes_on_and_what_failed_does_not() -> None:
    spec, replays = spec_of(1), Replays(JitEngine())
    with pytest.raises(Stopped), replays.borrow(spec) as stopped:
        stopped.hashes(CYCLES, stopping)
    with pytest.raises(ZeroDivisionError), replays.borrow(spec) as failed:
        assert failed is stopped
        raise ZeroDivisionError
    with replays.borrow(spec) as fresh:
        assert fresh is not failed


@pytest.mark.parametrize("engine", [JitEngine(), ReferenceEngine()], ids=["jit", "reference"])
def test_an_engine_that_starts_elsewhere_than_the_chain_is_refused(engine: Engine) -> None:
    spec = replace(spec_of(1), initial_hash=Bytes32(bytes(32)))
    with pytest.raises(Rejected, match="starts job"), Replays(engine).borrow(spec) as replay:
        replay.hashes(CYCLES, drive)
