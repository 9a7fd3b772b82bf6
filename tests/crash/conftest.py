from collections.abc import Iterator

import pytest

from tests.conftest import find_anvil
from truestep.adapters.chain.devnet import AnvilDevnet, Devnet, EmbeddedDevnet


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    """anvil where it is installed, because it is quick; else the embedded chain."""
    program = find_anvil()
    chain = AnvilDevnet(program) if program else EmbeddedDevnet()
    yield chain
    chain.stop()
