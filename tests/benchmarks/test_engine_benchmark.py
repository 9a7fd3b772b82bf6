"""The benchmark of the engine at its smallest scale: kernels, comparison, page, picture."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "engine.py"
KERNELS = {
    "sha256",
    "matmul",
    "sieve",
    "quicksort",
    "bytecode",
    "indirect",
    "core_mix",
    "nbody",
    "value_at_risk",
}
RUNNERS = {"native", "engine", "reference"}
SHA256_BYTES = 47 * 64
MASK = 2**64 - 1
# A compiler whose programs all say the same, wrongly.
FALSE_COMPILER = """#!/bin/sh
if [ "$1" = --version ]; then echo "false 1.0"; exit; fi
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho wrong' >"$2"; chmod +x "$2"
"""


def run_benchmark(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command at its smallest scale, in one round."""
    command = [sys.executable, str(BENCHMARK), "--scale", "check", "--rounds", "1", *arguments]
    return subprocess.run(
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )


def expected_sha256() -> str:
    """What the kernel hashes, made and hashed in Python."""
    state, message = 1, bytearray()
    for _ in range(SHA256_BYTES):
        state ^= state >> 12
        state ^= (state << 25) & MASK
        state ^= state >> 27
        message.append((state * 0x2545F4914F6CDD1D & MASK) >> 56)
    message[:8] = bytes(8)
    return hashlib.sha256(message).hexdigest()


@pytest.mark.long
def test_runners_agree_and_page_shows_it(tmp_path: Path) -> None:
    completed = run_benchmark(
        *("--runners", ",".join(sorted(RUNNERS)), "--sections", "kernels,keccak"),
        *("--docs", str(tmp_path), "--json"),
    )
    assert completed.returncode == 0, completed.stderr
    report: dict[str, Any] = json.loads(completed.stdout)
    kernels: dict[str, Any] = report["kernels"]
    assert {name: set(kernel["runners"]) for name, kernel in kernels.items()} == dict.fromkeys(
        KERNELS, RUNNERS
    )
    assert {name: kernel["cycles"] for name, kernel in kernels.items()} == {
        name: kernel["reference_cycles"] for name, kernel in kernels.items()
    }
    digest = bytes.fromhex(expected_sha256())
    assert kernels["sha256"]["output_sha256"] == hashlib.sha256(digest).hexdigest()
    assert report["keccak"]["nodes_per_second"] > 0

    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|*]+ \| \d\.\d{3} \|(?: [\d.,]+ \|){5}$", page, re.MULTILINE)
    assert len(rows) == len(KERNELS)
    assert "(pictures/benchmarks.svg)" in page

    for name, part in {"first": {**report, "keccak": None}, "second": {**report, "kernels": {}}}.items():
        (tmp_path / name).write_text(json.dumps(part), "utf-8")
    again = run_benchmark("--of", str(tmp_path / "first"), str(tmp_path / "second"), "--json")
    joined: dict[str, Any] = json.loads(again.stdout)
    assert "load" in joined["machine"].pop("keccak")
    assert joined == report

    picture = ElementTree.parse(tmp_path / "pictures" / "benchmarks.svg").getroot()
    bars = [each for each in picture.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == "15"]
    assert len(bars) == len(KERNELS) + 1  # the engine's, and their mean
    left, top, width, height = map(float, picture.attrib["viewBox"].split())
    assert all(left <= float(bar.attrib["x"]) + float(bar.attrib["width"]) <= left + width for bar in bars)
    assert all(top <= float(bar.attrib["y"]) <= top + height for bar in bars)


def test_different_output_is_refused(tmp_path: Path) -> None:
    compiler = tmp_path / "gcc"
    compiler.write_text(FALSE_COMPILER, "utf-8")
    compiler.chmod(0o755)
    completed = run_benchmark(
        *("--runners", "engine", "--kernels", "bytecode", "--sections", "kernels", "--docs", str(tmp_path)),
        environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert completed.returncode == 1
    assert "bytecode: expected engine to output " + b"wrong\n".hex() in completed.stderr
    assert not (tmp_path / "benchmarks.md").exists()
