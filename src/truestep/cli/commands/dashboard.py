"""`truestep dashboard`: pages in a browser that show a network."""

from contextlib import closing
from threading import Event

import typer

from truestep.cli.connection import connect_reader
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import HostOption, NetworkOptions, PortOption
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep dashboard --port 8080"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="dashboard", epilog=EXAMPLE)(dashboard)


@guarded
@grouped
def dashboard(
    network: NetworkOptions,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    as_json: JsonFlag = False,
) -> None:
    """Show jobs, operators and disputes of a network in a browser, live, until Ctrl-C.

    The pages are read-only, hold no key and load nothing from elsewhere. Needs `pip install
    'truestep[dashboard]'`.
    """
    try:
        from truestep.dashboard.service import Dashboard
    except ModuleNotFoundError as error:
        missing = f"the pages need {error.name}: pip install 'truestep[dashboard]'"
        raise Failure("not installed", missing) from error
    from truestep.adapters.web_server import WebServer
    from truestep.dashboard.reading import Reading

    screen = Screen(as_json=as_json)
    chain, deployment = connect_reader(network, screen)
    name = network.network or f"chain {deployment.chain_id}"
    reading = Reading(chain, deployment.block_number)
    pages = Dashboard(reading, name, chain.call_in)
    with closing(reading), closing(WebServer(pages.app(), host, port)) as server:
        reading.start()
        screen.result({"url": server.url})
        screen.note("Ctrl-C ends it")
        Event().wait()
