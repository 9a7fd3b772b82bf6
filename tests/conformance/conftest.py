"""What the conformance tests share: the built programs, and both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.environment import Source, build
from truestep.composition.engines import EngineName, open_eager_engine
from truestep.conformance.suites import Verdict, run_test
from truestep.ports.engine import Engine

Judge = Callable[..., Verdict]


@pytest.fixture(scope="session")
def engines() -> list[Engine]:
    return [open_eager_engine(name) for name in (EngineName.REFERENCE, EngineName.JIT)]


@pytest.fixture
def judge(tmp_path: Path, engines: list[Engine]) -> Judge:
    """Builds one source, changes its bytes if asked to, and runs it on both engines."""

    def run(
        source: Source, *, change: Callable[[bytearray], None] | None = None, max_cycles: int = 20_000
    ) -> Verdict:
        build({"program": source}, tmp_path / "built")
        file = bytearray((tmp_path / "built" / "program").read_bytes())
        if change:
            change(file)
        return run_test("program", bytes(file), engines, max_cycles=max_cycles)

    return run
