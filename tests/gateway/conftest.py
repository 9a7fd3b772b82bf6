"""Gateways of a chain that is told, and of a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.client.conftest import elf, network, settle  # noqa: F401 (fixtures)
from tests.composition.test_network import OTHER as DEPLOYMENT
from tests.dashboard.stories import ToldChain, story
from truestep.adapters.web_server import WebServer
from truestep.dashboard.reading import Reading
from truestep.gateway.reads import Reads
from truestep.gateway.results import Results
from truestep.gateway.service import Gateway

MANY_PER_SECOND = 1e6
Serve = Callable[[Gateway], httpx.Client]


@contextmanager
def served() -> Iterator[Serve]:
    """Serves gateways until it is left."""
    servers: list[WebServer] = []

    def opened(gateway: Gateway) -> httpx.Client:
        servers.append(WebServer(gateway.app()))
        return httpx.Client(base_url=servers[-1].url)

    yield opened
    for server in servers:
        server.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves gateways until the test ends."""
    with served() as serve:
        yield serve


def reads_of(chain: ToldChain) -> tuple[Reading, Reads]:
    """What is read of a chain that is told, read once."""
    wanted: Any = chain
    reading = Reading(wanted, 1)
    reading.poll()
    return reading, Reads(reading, Results(wanted, DEPLOYMENT, None), DEPLOYMENT, "a network")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A gateway of a small network, which does not change."""
    _, reads = reads_of(ToldChain(story()))
    with served() as serve:
        yield serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
