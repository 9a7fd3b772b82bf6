"""Tools that are not there, not the pinned ones, too slow, too large, or killed."""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from truestep.base.errors import Unavailable
from truestep.circuits import toolchain
from truestep.circuits.errors import CircuitError
from truestep.circuits.processes import Limits, run_tool
from truestep.circuits.setup_key import (
    PRODUCTION_CHUNKS,
    SECRET_POINTS,
    KeyName,
    install_production_key,
    make_development_key,
    need_points,
    points,
)
from truestep.circuits.toolchain import Tools, platform_name, set_up

WIDE = Limits(seconds=60, memory_bytes=1 << 30)


def fake_tools(folder: Path) -> Tools:
    prover = folder / "node_modules" / "@aztec" / "bb.js" / "build" / platform_name()
    prover.mkdir(parents=True)
    (prover / "bb").write_bytes(b"not the prover")
    (folder / "node_modules" / "@noir-lang").mkdir()
    return Tools(folder)


def test_missing_tools_name_the_command(tmp_path: Path) -> None:
    for ask in (lambda: Tools(tmp_path).bb, lambda: Tools(tmp_path).noir):
        with pytest.raises(CircuitError, match="truestep proofs setup"):
            ask()


def test_other_tools_than_the_pinned_ones_are_not_run(tmp_path: Path) -> None:
    tools = fake_tools(tmp_path)
    for ask in (lambda: tools.bb, lambda: tools.noir, lambda: set_up(tmp_path)):
        with pytest.raises(CircuitError, match="expected SHA-256"):
            ask()


def test_another_platform_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(CircuitError, match="not built for riscv64"):
        platform_name()


def test_a_full_disk_is_found_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(Unavailable, match=r"expected 300 MiB free.*TRUESTEP_CIRCUIT_TOOLS"):
        set_up(tmp_path / "tools")


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("npm error code EINTEGRITY\nnpm error sha512-x", CircuitError, "do not use this registry"),
        ("npm error code ENOTFOUND", Unavailable, "look at the network"),
        ("npm error code ENOSPC", Unavailable, "disk is full"),
    ],
)
def test_what_npm_says_becomes_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, kind: type[Exception], words: str
) -> None:
    script = tmp_path / "node"
    script.write_text(f"#!/bin/sh\nprintf '%s' '{said}'\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(toolchain, "node", lambda: script)
    with pytest.raises(kind, match=words):
        set_up(tmp_path / "tools")
    assert not (tmp_path / "tools").exists() and not list(tmp_path.glob("setup-*"))


def test_a_tool_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="more than the 0 s"):
        run_tool("sleep", ["/bin/sleep", "60"], tmp_path, Limits(seconds=0.2, memory_bytes=1 << 30))


def test_a_tool_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    program = "x = bytearray(200 << 20); import time; time.sleep(60)"
    with pytest.raises(Unavailable, match="MiB of memory"):
        run_tool("it", [sys.executable, "-c", program], tmp_path, Limits(seconds=60, memory_bytes=100 << 20))


def test_a_killed_tool_and_a_failing_one_say_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"was killed \(SIGKILL\)"):
        run_tool("it", ["/bin/sh", "-c", "kill -9 $$"], tmp_path, WIDE)
    with pytest.raises(CircuitError, match="it failed: wrong"):
        run_tool("it", ["/bin/sh", "-c", "echo wrong; exit 3"], tmp_path, WIDE)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_a_tool_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from truestep.circuits.processes import Limits, run_tool\n"
        'code = \'import os, time; open("pid", "w").write(str(os.getpid())); time.sleep(60)\'\n'
        "limits = Limits(seconds=60, memory_bytes=1 << 30)\n"
        "run_tool('it', [sys.executable, '-c', code], Path(sys.argv[1]), limits)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    pid = _written_pid(tmp_path / "pid")
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not _is_running(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the tool lives on")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_both(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from truestep.circuits.processes import Limits, run_tool\n"
        'code = \'import os, time; open("pid", "w").write(str(os.getpid())); time.sleep(60)\'\n'
        "limits = Limits(seconds=60, memory_bytes=1 << 30)\n"
        "run_tool('it', [sys.executable, '-c', code], Path(sys.argv[1]), limits)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stderr=subprocess.DEVNULL)
    pid = _written_pid(tmp_path / "pid")
    parent.send_signal(number)
    assert parent.wait(30) != 0
    assert not _is_running(pid)


def _written_pid(path: Path) -> int:
    stop = threading.Event()
    for _ in range(400):
        if path.is_file() and (text := path.read_text()):
            return int(text)
        stop.wait(0.05)
    raise AssertionError("the tool did not start")


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_development_key_is_made_of_doubles(tmp_path: Path) -> None:
    curve: Any = importlib.import_module("py_ecc.bn128")
    make_development_key(tmp_path, 5000)
    content = (tmp_path / "bn254_g1.dat").read_bytes()
    for place in (0, 1, 2, 4095, 4096, 4999):
        expected = curve.multiply(curve.G1, pow(2, place, curve.curve_order))
        found = content[64 * place : 64 * place + 64]
        assert found == b"".join(int(each).to_bytes(32, "big") for each in expected), place
    x, y = curve.multiply(curve.G2, 2)
    coordinates = (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0])
    assert SECRET_POINTS[KeyName.DEVELOPMENT] == tuple(map(int, coordinates))
    assert points(tmp_path) == 5000
    with pytest.raises(CircuitError, match=r"has 5000 points.*needs 8192.*--points 8192"):
        need_points(tmp_path, KeyName.DEVELOPMENT, 8192)


def test_a_production_key_is_checked_by_its_hashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a short chunk of the development key in the place of the ceremony's."""
    import hashlib

    make_development_key(tmp_path / "made", 16)
    content = (tmp_path / "made" / "bn254_g1.dat").read_bytes()
    pairs = [(content[at : at + 32], content[at + 32 : at + 64]) for at in range(0, len(content), 64)]
    packed = b"".join(bytes([x[0] | (y[31] & 1) << 7]) + x[1:] for x, y in pairs)
    source = tmp_path / "g1_compressed.dat"
    source.write_bytes(packed)
    with pytest.raises(CircuitError, match="too short for a key"):
        install_production_key(source, tmp_path / "key")
    monkeypatch.setattr("truestep.circuits.setup_key.CHUNK_BYTES", len(packed))
    with pytest.raises(CircuitError, match=f"expected SHA-256 {PRODUCTION_CHUNKS[0]}"):
        install_production_key(source, tmp_path / "key")
    assert not (tmp_path / "key").exists()
    monkeypatch.setattr(
        "truestep.circuits.setup_key.PRODUCTION_CHUNKS", (hashlib.sha256(packed).hexdigest(),)
    )
    install_production_key(source, tmp_path / "key")
    assert (tmp_path / "key" / "bn254_g1.dat").read_bytes() == content
