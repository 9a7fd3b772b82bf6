"""Shared by every test: Hypothesis profiles, the seed, and where anvil is."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
SEED_VARIABLE = "TRUESTEP_SEED"

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print with a failure the seed that replays it."""
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        replay = f"{SEED_VARIABLE}={_seed_number()} pytest '{item.nodeid}'"
        report.sections.append(("Replay", replay))
    return report


def find_anvil() -> Path | None:
    """The anvil program that `make anvil` installed, else the one on PATH."""
    # The package of the platform holds the program itself; `anvil` is only a wrapper that needs node.
    installed = sorted((REPOSITORY / ".anvil" / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    on_path = shutil.which("anvil")
    return installed[0] if installed else Path(on_path) if on_path else None


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    """The anvil program; a test that asks for it is skipped where there is none."""
    program = find_anvil()
    if program is None:
        pytest.skip("anvil is not installed: `make anvil` installs it where npm exists")
    return program
