from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chains import lent_anvil, lent_devnet
from tests.e2e.network import Network, open_network
from truestep.adapters.chain.devnet import Devnet, EmbeddedDevnet


@pytest.fixture(params=["embedded", pytest.param("anvil", marks=pytest.mark.anvil)])
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """A network on each kind of chain."""
    with ExitStack() as stack:
        if request.param == "anvil":
            devnet: Devnet = stack.enter_context(lent_anvil(request.getfixturevalue("anvil_program")))
        else:
            devnet = EmbeddedDevnet()
        opened = open_network(devnet, tmp_path)
        yield opened
        opened.close()


@pytest.fixture
def quick_network(tmp_path: Path) -> Iterator[Network]:
    """A network on anvil where it is installed, because it is quick; else in this process."""
    with lent_devnet() as devnet:
        opened = open_network(devnet, tmp_path)
        yield opened
        opened.close()
