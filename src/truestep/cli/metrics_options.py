"""The option by which a daemon shows its health and metrics (docs/operating.md)."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from truestep.adapters.web_server import CannotListen
from truestep.base.ids import Address
from truestep.cli.failure import Failure
from truestep.cli.log_options import parse_listen
from truestep.ports.reporter import Reporter
from truestep.ports.vitals import Monitor

MetricsListenOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Serve /health, /ready and Prometheus' /metrics here. Whoever reaches it can read balances,"
        " clocks and what is at risk. Default: nowhere.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a daemon reports through, and tells how it is."""

    reporter: Reporter
    monitor: Monitor | None


@contextmanager
def shown(
    listen: str | None, role: str, account: Address, reporter: Reporter, state_dir: Path
) -> Generator[Shown]:
    """Serve what the option says until the end. Raises `Rejected` if another daemon has the state directory.

    One that is started twice has the same port too, and another port would not help it.
    """
    if listen is None:
        yield Shown(reporter=reporter, monitor=None)
        return
    from truestep.adapters.store.sqlite import require_free
    from truestep.composition.telemetry import opened_telemetry

    require_free(state_dir / "state.sqlite")
    place = parse_listen(listen, "--metrics-listen")
    with ExitStack() as stack:
        try:
            telemetry = stack.enter_context(opened_telemetry(place, role, account, reporter))
        except CannotListen as error:
            raise Failure("address", f"{error}; choose another with --metrics-listen HOST:PORT") from error
        reporter.report("metrics", f"health and metrics at {telemetry.url}", url=telemetry.url)
        yield Shown(reporter=telemetry.reporter, monitor=telemetry.monitor)
