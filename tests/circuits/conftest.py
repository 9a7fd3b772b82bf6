"""Noir and the prover, if they are installed; a development key that all tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import truestep
from truestep.circuits.errors import CircuitError
from truestep.circuits.setup_key import KeyName, key_folder, make_development_key
from truestep.circuits.toolchain import TOOLS_VARIABLE, Tools, tools_folder

REPOSITORY = Path(__file__).resolve().parents[2]
__all__ = ["truestep"]

INSTALLED = REPOSITORY / ".circuits" / "tools"
POINTS = 1 << 13


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is compiled once for all tests of a process."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Tools:
    """The tools, in front of a cache that has the development key."""
    if INSTALLED.is_dir():
        monkeypatch.setenv(TOOLS_VARIABLE, str(INSTALLED))
    found = Tools(tools_folder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    try:
        _ = found.bb, found.noir
    except CircuitError as error:
        pytest.skip(f"{error}: `make circuits` does, where npm's registry is reached")
    make_development_key(key_folder(KeyName.DEVELOPMENT), POINTS)
    return found


@pytest.fixture
def silent() -> Callable[[str], None]:
    return lambda _: None
