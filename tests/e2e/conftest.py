from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import find_anvil
from tests.e2e.network import Network, open_network
from truestep.adapters.chain.devnet import AnvilDevnet, EmbeddedDevnet


@pytest.fixture(params=["embedded", pytest.param("anvil", marks=pytest.mark.anvil)])
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """A network on each kind of chain."""
    is_anvil = request.param == "anvil"
    devnet = AnvilDevnet(request.getfixturevalue("anvil_program")) if is_anvil else EmbeddedDevnet()
    opened = open_network(devnet, tmp_path)
    yield opened
    opened.close()
    devnet.stop()


@pytest.fixture
def quick_network(tmp_path: Path) -> Iterator[Network]:
    """A network on anvil where it is installed, because it is quick; else in this process."""
    program = find_anvil()
    devnet = AnvilDevnet(program) if program else EmbeddedDevnet()
    opened = open_network(devnet, tmp_path)
    yield opened
    opened.close()
    devnet.stop()
