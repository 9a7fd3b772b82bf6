"""Opens what a daemon shows of itself: its health and metrics, over HTTP."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector

import truestep
from truestep.adapters.telemetry.counting import CountingReporter
from truestep.adapters.telemetry.metrics import StateCollector
from truestep.adapters.telemetry.service import TelemetryService
from truestep.adapters.telemetry.state import DaemonState
from truestep.adapters.web_server import WebServer
from truestep.base.ids import Address
from truestep.ports.reporter import Reporter
from truestep.ports.vitals import Monitor

CONNECTIONS_PER_CLIENT = 16
"""Whoever hangs on to connections does not keep a probe out, which would start the daemon again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What a daemon tells how it is, and reports through."""

    monitor: Monitor
    reporter: Reporter
    url: str


@contextmanager
def opened_telemetry(
    listen: tuple[str, int], role: str, account: Address, reporter: Reporter
) -> Generator[Telemetry]:
    """Serve until the end. Raises `CannotListen` if that address cannot be had."""
    state, registry = DaemonState(), CollectorRegistry()
    counting = CountingReporter(reporter, registry)
    labels = {"role": role, "account": account, "version": truestep.__version__}
    registry.register(StateCollector(state, labels))
    ProcessCollector(registry=registry)
    host, port = listen
    app = TelemetryService(state, registry).app()
    with closing(WebServer(app, host, port, connections_per_client=CONNECTIONS_PER_CLIENT)) as server:
        yield Telemetry(monitor=state, reporter=counting, url=server.url)
