from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.network import Network, open_network
from truestep.adapters.chain.devnet import EmbeddedDevnet


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """A network in this process."""
    opened = open_network(EmbeddedDevnet(), tmp_path)
    yield opened
    opened.close()
