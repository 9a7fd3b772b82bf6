"""`truestep gateway`: an HTTP API of a network."""

from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.cli.connection import connect_reader
from truestep.cli.option_groups import grouped
from truestep.cli.options import BeaconOption, NetworkOptions, ReadBlobsOption
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.ports.blobs import Blobs
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep gateway --port 8090 --blobs https://blobs.example.org"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="gateway", epilog=EXAMPLE)(gateway)


@guarded
@grouped
def gateway(
    network: NetworkOptions,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; anybody who reaches it can read.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")
    ] = 8090,
    blobs: ReadBlobsOption = None,
    beacon: BeaconOption = None,
    requests_per_second: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=1e6,
            metavar="N",
            help="What one client may ask: an address, or a /64 of IPv6. Costly answers count more.",
        ),
    ] = 50.0,
    as_json: JsonFlag = False,
) -> None:
    """Serve an HTTP API of a network, for programs, until Ctrl-C: jobs, results, receipts, disputes.

    /openapi.json describes it. It is read-only and holds no key. Outputs and receipts need --blobs.
    """
    from truestep.adapters.web_server import WebServer
    from truestep.dashboard.reading import Reading
    from truestep.gateway.reads import Reads
    from truestep.gateway.results import Results
    from truestep.gateway.service import CONNECTIONS_PER_CLIENT, Gateway

    screen = Screen(as_json=as_json)
    chain, deployment = connect_reader(network, screen)
    name = network.network or f"chain {deployment.chain_id}"
    stores = _stores(blobs or [], beacon or [], chain, deployment, network.rpc)
    reading = Reading(chain, deployment.block_number)
    reads = Reads(reading, Results(chain, deployment, stores), deployment, name)
    app = Gateway(reads.operations(), requests_per_second=requests_per_second).app()
    server = WebServer(app, host, port, connections_per_client=CONNECTIONS_PER_CLIENT)
    with closing(reading), closing(server):
        reading.start()
        screen.result({"url": server.url})
        screen.note("Ctrl-C ends it")
        Event().wait()


def _stores(
    blobs: list[str], beacon: list[str], chain: "ChainReader", deployment: "Deployment", rpc: list[str]
) -> "Blobs | None":
    """Where outputs are; None if nobody says and the network keeps none."""
    from truestep.composition.network import open_kept_blobs

    if not blobs and deployment.availability is None:
        return None
    return open_kept_blobs(blobs, chain, deployment, rpc, beacon)
