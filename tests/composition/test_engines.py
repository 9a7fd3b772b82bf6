"""What opening an engine costs a process that runs nothing yet."""

from __future__ import annotations

import subprocess
import sys

WAITS = """
import sys
import truestep.cli.commands.challenger, truestep.cli.commands.worker, truestep.composition.daemons
from truestep.composition.engines import EngineName, open_engine
from truestep.ports.engine import ReplayingEngine
assert isinstance(open_engine(EngineName.JIT), ReplayingEngine)
print(*sorted({"eth_tester", "llvmlite", "numba", "numpy", "vyper"} & set(sys.modules)))
import truestep.engine.jit
assert "llvmlite.binding" not in sys.modules, "LLVM is for what must be compiled"
"""


def test_a_daemon_that_waits_has_not_loaded_what_only_runs_and_developers_need() -> None:
    finished = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []
