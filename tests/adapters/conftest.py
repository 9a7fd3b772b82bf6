from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.network import Network, open_network
from truestep.adapters.chain.devnet import AnvilDevnet, EmbeddedDevnet


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """A network in this process."""
    opened = open_network(EmbeddedDevnet(), tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def anvil_network(anvil_program: Path, tmp_path: Path) -> Iterator[Network]:
    """A network on a chain whose mining can be stopped."""
    devnet = AnvilDevnet(anvil_program)
    opened = open_network(devnet, tmp_path)
    yield opened
    opened.close()
    devnet.stop()
