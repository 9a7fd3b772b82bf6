"""The Python guests of examples/python: the commands of their READMEs, against the plain functions."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import truestep
from truestep.guest import build_python

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"
SMALLER = {
    "value_at_risk": [("PATHS = 20_000", "PATHS = 500"), ("TAIL_PATHS = 1_000", "TAIL_PATHS = 25")],
    "k_means": [("STARTS = 2", "STARTS = 1"), ("ROUNDS_LIMIT = 60", "ROUNDS_LIMIT = 2")],
    "digits_network": [],
}
"""What is made smaller, so that the plain functions end in seconds."""


def copy_of(name: str, folder: Path) -> Path:
    """An example in a folder of its own, made smaller."""
    copy = shutil.copytree(EXAMPLES / name, folder / name)
    for large, small in SMALLER[name]:
        files = [path for path in copy.glob("*.py") if large in path.read_text()]
        assert files, f"nothing in {name} says {large}"
        for path in files:
            path.write_text(path.read_text().replace(large, small))
    return copy


def build_in_advance(folder: Path) -> None:
    """Build the guests here, where Numba is loaded: the README's command finds them in the cache."""
    for source in folder.glob("*.py"):
        if "@truestep.guest" in source.read_text():
            build_python(source, source.with_suffix(".elf")).path.unlink()


def run_readme(folder: Path) -> str:
    """Run a README's shell block; what it says."""
    (block,) = re.findall(r"^```sh\n(.*?)^```$", (folder / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def module_of(path: Path) -> ModuleType:
    """A guest as the plain Python module that it is."""
    specification = importlib.util.spec_from_file_location(f"example_{path.parent.name}_{path.stem}", path)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def task(shard_index: int, seed: bytes = b"") -> truestep.Task:
    """Shard number `shard_index` of two."""
    return truestep.Task(np.frombuffer(seed.rjust(32, b"\0"), np.uint8), shard_index, 2)


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    copy = copy_of(request.param, tmp_path)
    build_in_advance(copy)
    return copy


@pytest.mark.parametrize("example", ["value_at_risk"], indirect=True)
def test_value_at_risk(example: Path) -> None:
    """libm's last bit may differ from this host's; all else is the same."""
    said = run_readme(example)
    assert "1,000 paths over one year" in said
    simulate, reduce = module_of(example / "simulate.py"), module_of(example / "reduce.py")
    for shard in range(2):
        found = np.fromfile(example / f"shard-{shard}.bin")
        plain = simulate.main(task(shard, b"\x2a"), np.load(example / "prices.npy"))
        np.testing.assert_allclose(found, plain, rtol=1e-9)
    records = np.fromfile(example / "records.bin", np.uint8)
    # A sum may be taken in another order than NumPy's: the last bits of a mean differ.
    np.testing.assert_allclose(np.fromfile(example / "risk.bin"), reduce.main(records), rtol=1e-12)


@pytest.mark.parametrize("example", ["k_means"], indirect=True)
def test_k_means(example: Path) -> None:
    digits = np.load(example / "digits.npy")[::9]
    np.save(example / "digits.npy", digits)
    np.save(example / "labels.npy", np.load(example / "labels.npy")[::9])
    assert "inertia" in run_readme(example)
    cluster, reduce = module_of(example / "cluster.py"), module_of(example / "reduce.py")
    for shard in range(2):
        plain = cluster.main(task(shard), digits)
        assert (example / f"shard-{shard}.bin").read_bytes() == plain.tobytes()
    best = reduce.main(np.fromfile(example / "records.bin", np.uint8))
    assert (example / "best.bin").read_bytes() == best.tobytes()


@pytest.mark.parametrize("example", ["digits_network"], indirect=True)
def test_digits_network(example: Path) -> None:
    said = run_readme(example)
    right = re.search(r"(\d+) of 597 images", said)
    assert right and int(right[1]) > 0.9 * 597, said
    classify = module_of(example / "classify.py")
    for shard in range(2):
        found = np.fromfile(example / f"shard-{shard}.bin", np.float32).reshape(-1, 10)
        plain = classify.main(task(shard), np.load(example / "images.npy"))
        np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-6)
