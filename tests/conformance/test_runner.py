"""The runner and its command: what it finds, what it reports, and that a wrong machine does not pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conformance.environment import Source, build
from tests.conformance.instructions import SELF_POINTER, data
from truestep.adapters.chain.step_evm import EvmStep
from truestep.base.errors import Rejected
from truestep.cli.main import app
from truestep.composition.engines import EngineName, open_eager_engine, open_engine
from truestep.conformance.suites import ON_CHAIN_LIMIT_STEPS, find_tests, run_test
from truestep.engine.codegen import operations
from truestep.ports.engine import Engine
from truestep.simulation.faulty_engine import Fault, FaultyEngine

PASSES = Source(code=SELF_POINTER, data=data())
LONG = Source(code=f"    li gp, 2\n    li a1, {ON_CHAIN_LIMIT_STEPS}\n1:  addi a1, a1, -1\n    bnez a1, 1b")
FAILS = Source(code="    li gp, 3\n    j fail")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a build leaves it: programs here and below, listings and object files beside them."""
    target = tmp_path_factory.mktemp("runner") / "built"
    build({"passes": PASSES, "long": LONG, "fails": FAILS}, target)
    (target / "passes.dump").write_text("a listing")
    (target / "Makefile").write_bytes(b"")
    (target / "passes.o").write_bytes((target.with_name("built-objects") / "passes.o").read_bytes())
    (target / "below").mkdir()
    (target / "long").rename(target / "below" / "long")
    return target


def invoke(*words: object) -> tuple[int, str, str]:
    finished = CliRunner().invoke(app, ["conformance", *map(str, words)], catch_exceptions=False)
    return finished.exit_code, finished.stdout, finished.stderr


def test_tests_are_found(folder: Path) -> None:
    assert [path.relative_to(folder).as_posix() for path in find_tests(folder)] == [
        "below/long",
        "fails",
        "passes",
    ]


def test_json(folder: Path) -> None:
    exit_code, stdout, _ = invoke(folder, "--json")
    fields = json.loads(stdout)
    assert exit_code == 1
    assert fields.pop("steps") > 2 * ON_CHAIN_LIMIT_STEPS
    assert fields == {
        "total": 3,
        "passed": 2,
        "failed": ["fails"],
        "engines": ["reference", "jit"],
        "reasons": {"fails": "case 3 failed"},
    }


def test_words(folder: Path) -> None:
    exit_code, stdout, stderr = invoke(folder, "--engine", "reference")
    assert exit_code == 1
    assert ["total", "3"] in [line.split() for line in stdout.splitlines()]
    assert ["failed", "fails"] in [line.split() for line in stdout.splitlines()]
    assert "failed: fails: case 3 failed" in stderr


@pytest.mark.parametrize("engine", ["jit", "reference", "both"])
def test_all_passed(folder: Path, engine: str) -> None:
    exit_code, stdout, _ = invoke(folder / "below", "--engine", engine, "--json")
    fields = json.loads(stdout)
    assert (exit_code, fields["total"], fields["passed"], fields["failed"]) == (0, 1, 1, [])
    assert fields["engines"] == (["reference", "jit"] if engine == "both" else [engine])


def test_on_chain_takes_short_runs_only(folder: Path) -> None:
    _, stdout, _ = invoke(folder, "--engine", "reference", "--on-chain", "--json")
    _, alone, _ = invoke(folder, "--engine", "reference", "--json")
    taken = json.loads(stdout)["steps_on_chain"]
    assert 60 < taken < ON_CHAIN_LIMIT_STEPS
    assert "steps_on_chain" not in json.loads(alone)


def test_a_limit(folder: Path) -> None:
    _, stdout, _ = invoke(folder / "below", "--max-cycles", "500", "--json")
    assert json.loads(stdout)["reasons"]["long"].startswith("no end after 500 steps, at 0x80000")


@pytest.mark.parametrize("name", ["below/nothing", "empty"])
def test_a_folder_without_tests(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    exit_code, stdout, _ = invoke(tmp_path / name, "--json")
    assert exit_code == 1
    assert "expected a folder with ELF files" in json.loads(stdout)["error"]["message"]
    with pytest.raises(Rejected):
        find_tests(tmp_path / name)


def test_a_wrong_engine_fails(folder: Path) -> None:
    """One wrong bit of memory at the end of a run that passes."""
    reference = open_engine(EngineName.REFERENCE)
    engines: list[Engine] = [reference, FaultyEngine(reference, Fault(cycle=1))]
    reason = run_test("passes", (folder / "passes").read_bytes(), engines).reason
    assert reason == (
        "reference and faulty reference end in different states (reference: passed; faulty reference: passed)"
    )


def test_a_wrong_translation_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short a test is, its code is translated: stepping it would say nothing about the translator."""
    monkeypatch.setitem(operations.OPERATIONS, "add", operations.OPERATIONS["sub"])
    engines = [open_eager_engine(name) for name in (EngineName.REFERENCE, EngineName.JIT)]
    assert run_test("passes", (folder / "passes").read_bytes(), engines).reason is not None
    assert run_test("passes", (folder / "passes").read_bytes(), engines[:1]).reason is None


def test_a_wrong_step_contract_fails(folder: Path) -> None:
    """The runner does not take the contract's word: one wrong hash is named with its step."""

    class WrongOnce(EvmStep):
        calls = 0

        def __call__(self, witness: bytes) -> tuple[bytes, bytes]:
            self.calls += 1
            before, after = super().__call__(witness)
            return before, bytes(32) if self.calls == 41 else after

    contract = WrongOnce()
    reference = open_engine(EngineName.REFERENCE)
    verdict = run_test("passes", (folder / "passes").read_bytes(), [reference], step_call=contract)
    assert verdict.reason is not None
    assert verdict.reason.startswith("on-chain step 40 at 0x80000")
    assert contract.calls == 41
