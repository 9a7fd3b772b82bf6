"""Processes that compute proofs: they do what KZG does, come back after a kill, and end with their keeper."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.adapters.keepers.items import KZG, item_of
from truestep.adapters.keepers.workers import KzgProcesses
from truestep.base.errors import Unavailable
from truestep.commitments.kzg import element_point

KEEPER = """
import os, sys, time
from truestep.adapters.keepers.workers import KzgProcesses
if __name__ == "__main__":
    print(KzgProcesses()._done(os.getpid), flush=True)
    time.sleep(600)
"""


def test_they_do_what_the_library_does_and_come_back() -> None:
    item = item_of(b"what keepers keep " * 8_000)
    extended = item.extended[0]
    blob = b"".join(extended.cells[:64])
    processes = KzgProcesses()
    assert processes.commit(blob) == item.manifest.commitments[0]
    assert processes.open(blob, element_point(7)) == KZG.open(blob, element_point(7))
    os.kill(processes._done(os.getpid), signal.SIGKILL)
    with pytest.raises(Unavailable, match="was killed; it is started again"):
        for _ in range(100):
            processes._done(os.getpid)
            time.sleep(0.1)
    half = {cell: extended.cells[cell] for cell in range(64, 128)}
    assert processes.recover(half) == extended == processes.extend(blob)
    processes.close()


def test_an_interruption_of_all_processes_is_the_keepers_alone() -> None:
    """Ctrl-C in a terminal: the keeper hears it too, and ends its work in order."""
    processes = KzgProcesses()
    child = processes._done(os.getpid)
    os.kill(child, signal.SIGINT)
    time.sleep(0.2)
    assert processes._done(os.getpid) == child
    processes.close()


def test_none_outlives_its_keeper(tmp_path: Path) -> None:
    script = tmp_path / "keeper.py"
    script.write_text(KEEPER)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        child = int(keeper.stdout.readline())
        keeper.kill()
    for _ in range(300):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.1)
    raise AssertionError("its process goes on")
