"""Fixtures for tests of contracts: a fresh chain in memory each."""

import pytest

from tests.contracts.evm import Evm


@pytest.fixture
def evm() -> Evm:
    """An empty chain; `evm.deploy("Step")` puts a compiled contract on it."""
    return Evm()
