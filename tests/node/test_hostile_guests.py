"""Guests that want a node's memory or its compiler: it declines or goes slowly, and does its other work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.network import GUEST, Log, Network, elf_of, expected_output
from tests.machine.encode import encode
from tests.node.tasks.test_self_check import check_in, post_another, worker
from truestep.base.ids import task_of
from truestep.engine.compilation import translation
from truestep.engine.compilation.compiler_process import CompilerProcess
from truestep.engine.compilation.translation import CompilePolicy
from truestep.engine.jit import JitEngine
from truestep.machine.layout import PAGE_SIZE_BYTES
from truestep.protocol.records import TaskStage

HOG = (
    encode("lui", rd=5, immediate=0x2000_0000),
    encode("lui", rd=6, immediate=0x1000),
    encode("sd", rs1=5, rs2=5),
    encode("add", rd=5, rs1=5, rs2=6),
    encode("jal", immediate=-8),
)
ABORTING = "define void @f() { call void @llvm.no.such.intrinsic() ret void }"


def test_a_guest_that_wants_too_much_memory_is_left_alone(network: Network, tmp_path: Path) -> None:
    """Nothing is claimed of it: what it would have come to is not known here."""
    hog = network.post(elf=elf_of(HOG))
    log, engine = Log(), JitEngine(memory_limit_bytes=64 * PAGE_SIZE_BYTES)
    daemon = worker(network, log, engine, check_in(tmp_path))
    network.drive([daemon], lambda: log.kinds().count("run_failed") >= 3)
    assert any("MemoryLimitReached" in line for kind, line in log.lines if kind == "run_failed")
    honest = post_another(network, elf_of(GUEST), 2, 2)
    network.drive([daemon], lambda: network.is_final(honest))
    assert network.output(task_of(honest, 0)) == expected_output(0)
    assert log.kinds().count("claim_sent") == 1
    assert network.requester.task(task_of(hog, 0)).stage is not TaskStage.CLAIMED


def test_a_guest_that_kills_the_compiler_is_run_slowly(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translation, "module_ir", lambda *_: ABORTING)
    job_id, log, compiler = network.post(), Log(), CompilerProcess()
    daemon = worker(network, log, JitEngine(CompilePolicy(compiler=compiler)), check_in(tmp_path))
    network.drive([daemon], lambda: network.is_final(job_id))
    compiler.wait()
    assert network.output(task_of(job_id, 0)) == expected_output(0)
