"""`truestep gateway`: an HTTP API of a network."""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.cli.connection import connect_journal, connect_reader
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    BeaconOption,
    HostOption,
    NetworkOptions,
    PasswordFileOption,
    PortOption,
    ReadBlobsOption,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.dashboard.reading import Reading
    from truestep.gateway.orders import Orders
    from truestep.gateway.posting import Poster
    from truestep.ports.blobs import Blobs
    from truestep.ports.chain import Chain, ChainReader
    from truestep.ports.store import Store

EXAMPLE = "Example: truestep gateway --port 8090 --blobs https://blobs.example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDesk:
    """Whose orders are posted, from which account."""

    tokens: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Post signed orders of who has one of these tokens (`truestep gateway-token`). Needs"
            " --keystore and --state. Default: nobody's.",
        ),
    ] = None
    keystore: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="TRUESTEP_KEYSTORE",
            help="With --tokens: the account that posts and pays, used by nothing else.",
        ),
    ] = None
    password_file: PasswordFileOption = None
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --tokens: the journal of orders, so that none is posted twice."
        ),
    ] = None
    max_fee: MaxFeeOption = None
    max_tip: MaxTipOption = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="gateway", epilog=EXAMPLE)(gateway)


@guarded
@grouped
def gateway(
    network: NetworkOptions,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8090,
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
    *,
    desk: OrderDesk,
    as_json: JsonFlag = False,
) -> None:
    """Serve an HTTP API of a network, for programs, until Ctrl-C: jobs, results, receipts, disputes.

    /openapi.json describes it. Without --tokens it is read-only and holds no key. Outputs and receipts need
    --blobs.
    """
    from truestep.adapters.web_server import WebServer
    from truestep.dashboard.reading import Reading
    from truestep.gateway.reads import Reads
    from truestep.gateway.results import Results
    from truestep.gateway.service import CONNECTIONS_PER_CLIENT, Gateway

    screen = Screen(as_json=as_json)
    chain, deployment, sending = _connected(network, desk, screen)
    name = network.network or f"chain {deployment.chain_id}"
    stores = _stores(blobs or [], beacon or [], chain, deployment, network.rpc)
    reading = Reading(chain, deployment.block_number)
    orders_to = sending[0].account if sending else None
    results = Results(chain, deployment, stores)
    operations = Reads(reading, results, deployment, name, orders_to=orders_to).operations()
    with ExitStack() as stack:
        stack.enter_context(closing(reading))
        if sending and desk.tokens:
            orders, poster = _orders(*sending, reading, deployment, desk.tokens, screen)
            operations = (*operations, *orders.operations())
            stack.enter_context(closing(poster))
            poster.start()
        app = Gateway(operations, requests_per_second=requests_per_second).app()
        server = WebServer(app, host, port, connections_per_client=CONNECTIONS_PER_CLIENT)
        stack.enter_context(closing(server))
        reading.start()
        screen.result({"url": server.url, **({"orders_to": orders_to} if orders_to else {})})
        screen.note("Ctrl-C ends it")
        Event().wait()


def _connected(
    network: NetworkOptions, desk: OrderDesk, screen: Screen
) -> "tuple[ChainReader, Deployment, tuple[Chain, Store] | None]":
    """The chain to read, and, if orders are taken, the same to send with its journal."""
    if desk.tokens is None:
        return (*connect_reader(network, screen), None)
    if desk.keystore is None or desk.state is None:
        missing = "--keystore" if desk.keystore is None else "--state"
        raise typer.BadParameter(
            f"orders are posted from an account: add {missing} FILE", param_hint="--tokens"
        )
    sender = SenderOptions(
        keystore=desk.keystore,
        password_file=desk.password_file,
        max_fee=desk.max_fee,
        max_tip=desk.max_tip,
    )
    chain, deployment, store = connect_journal(network, sender, screen, desk.state)
    return chain, deployment, (chain, store)


def _orders(
    chain: "Chain", store: "Store", reading: "Reading", deployment: "Deployment", file: Path, screen: Screen
) -> "tuple[Orders, Poster]":
    """What takes orders in, and what posts them."""
    from truestep.gateway.journal import OrderJournal
    from truestep.gateway.orders import Orders, find_in
    from truestep.gateway.posting import Poster
    from truestep.gateway.tokens import read_tokens

    journal = OrderJournal(store)
    orders = Orders(chain, reading, journal, read_tokens(file), deployment)
    poster = Poster(chain, journal, lambda order: find_in(reading, chain.account, order), screen.note)
    return orders, poster


def _stores(
    blobs: list[str], beacon: list[str], chain: "ChainReader", deployment: "Deployment", rpc: list[str]
) -> "Blobs | None":
    """Where outputs are; None if nobody says and the network keeps none."""
    from truestep.composition.network import open_kept_blobs

    if not blobs and deployment.availability is None:
        return None
    return open_kept_blobs(blobs, chain, deployment, rpc, beacon)
