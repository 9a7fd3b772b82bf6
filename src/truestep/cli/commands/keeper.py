"""`truestep keeper`: earns by keeping items available."""

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.adapters.web_server import CannotListen
from truestep.base.ids import Address
from truestep.cli.daemons import FirstReports, run_loop, until_available
from truestep.cli.failure import Failure
from truestep.cli.fee_options import (
    MaxBlobFeeOption,
    MaxFeeOption,
    MaxFeeUrgentOption,
    MaxTipOption,
    transaction_policy,
)
from truestep.cli.log_lines import LogLines
from truestep.cli.log_options import parse_listen
from truestep.cli.metrics_options import MetricsListenOption, shown
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    STORE_HELP,
    BeaconOption,
    DeploymentOption,
    KeystoreOption,
    NetworkOption,
    PasswordFileOption,
    RpcOption,
    ask_password,
    deployment_file,
    parse_amount,
    parse_size,
)
from truestep.cli.screen import guarded

if TYPE_CHECKING:
    from truestep.composition.keeping import KeeperSettings

EXAMPLE = "Example: truestep keeper --keystore keeper.json --state-dir keeper --shares 4 --url https://keeper.example"

STORE_LIMIT_BYTES = 64 << 30
CLIENT_BYTES = 16 << 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="keeper", epilog=EXAMPLE)(keeper)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperOptions:
    """Network, key, state and service."""

    rpc: RpcOption
    keystore: KeystoreOption
    state_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the daemon's state; one per account.")
    ]
    state_store: Annotated[str | None, typer.Option("--state-store", metavar="URI", help=STORE_HELP)] = None
    url: Annotated[
        str, typer.Option(metavar="URL", help="Where everybody reaches its service; written on the chain.")
    ]
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the service listens.")] = (
        "127.0.0.1:8547"
    )
    shares: Annotated[
        int, typer.Option(metavar="N", min=0, help="Shares of stake to have; missing ones are bought.")
    ] = 0
    store: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|S3",
            help="Where cells are stored: a directory, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME (keys"
            " in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). Default: a folder of --state-dir.",
        ),
    ] = None
    store_limit: Annotated[
        int | None,
        typer.Option(metavar="SIZE", parser=parse_size, help="What may be stored. Default: 64GiB."),
    ] = None
    max_blobs: Annotated[
        int, typer.Option(metavar="N", min=1, max=4_352, help="The largest item to keep, in blobs.")
    ] = 4_352
    min_fee: Annotated[str, typer.Option(metavar="AMOUNT", help="The least fee for each blob and day.")] = "0"
    min_yield: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            min=0.0,
            max=1_000.0,
            help="And so much of the share that a seat locks, a year. Default: 3, which all items offer.",
        ),
    ] = None
    client_requests: Annotated[
        float, typer.Option(metavar="N", min=1, help="Requests per second that one client may make.")
    ] = 100.0
    client_rate: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE", parser=parse_size, help="Bytes per second for one client. Default: 16MiB."
        ),
    ] = None
    processes: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Processes that compute proofs.")
    ] = 1
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Fetch from private addresses too. Always so on a devnet."),
    ] = False
    beacon: BeaconOption = None
    deployment: DeploymentOption = None
    network: NetworkOption = None
    password_file: PasswordFileOption = None
    max_fee: MaxFeeOption = None
    max_fee_urgent: MaxFeeUrgentOption = None
    max_tip: MaxTipOption = None
    max_blob_fee: MaxBlobFeeOption = None
    poll: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.05,
            help="Interval between looks at the chain. Default: a quarter of the time between blocks.",
        ),
    ] = None
    metrics_listen: MetricsListenOption = None
    as_json: Annotated[bool, typer.Option("--json", help="Log one JSON object per line, on stdout.")] = False


@guarded
@grouped
def keeper(options: KeeperOptions) -> None:
    """Keep items available for a fee, and answer challenges about them, to the end.

    Fetches each item that it is drawn for, checks all of it, stores half of the cells of each blob, signs
    the receipt, serves the cells to anybody, answers challenges by itself, collects fees, drops what is over,
    and signs for that in `deletions` of --state-dir. A share of stake is lost for a seat whose challenge is
    not answered: keep it running, and keep --state-dir and --store. Started again, it goes on where it
    stopped.
    """
    from truestep.composition import keeping
    from truestep.node.keeping.agent import keeper_node
    from truestep.protocol.availability.rules import RENT_BPS
    from truestep.roles.keeper_policy import KeeperPolicy

    policy = KeeperPolicy(
        shares=options.shares,
        url=options.url.rstrip("/"),
        blobs_limit=options.max_blobs,
        least_fee_wei=parse_amount(options.min_fee, "--min-fee"),
        least_yield_bps=RENT_BPS if options.min_yield is None else round(100 * options.min_yield),
    )
    settings = _settings(options)
    options.state_dir.mkdir(parents=True, exist_ok=True)
    log = LogLines(as_json=options.as_json)
    account = Address(settings.signer.address)
    watched = shown(options.metrics_listen, "keeper", account, log, options.state_dir)
    with closing(log), watched as seen, ExitStack() as stack:
        said = FirstReports(seen.reporter)
        try:
            world = until_available(
                seen.reporter, lambda: stack.enter_context(keeping.opened_keeper(settings, said))
            )
        except CannotListen as error:
            raise Failure("address", f"{error}; choose another with --listen HOST:PORT") from error
        said.begun = True
        run_loop(
            keeper_node(replace(world, monitor=seen.monitor), policy),
            world.clock,
            world.reporter,
            options.poll,
        )


def _settings(options: KeeperOptions) -> "KeeperSettings":
    from truestep.adapters.chain.availability import availability_of
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.keepers.client import check_url
    from truestep.adapters.keepers.service import ServiceLimits
    from truestep.adapters.keystore import open_keystore
    from truestep.composition.keeping import KeeperSettings
    from truestep.composition.network import DEVNET_CHAINS, consensus_urls

    try:
        check_url(options.url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    deployment = read_deployment(deployment_file(options.deployment, options.network))
    return KeeperSettings(
        rpc=options.rpc,
        contracts=availability_of(deployment),
        state_dir=options.state_dir,
        state_store=options.state_store,
        signer=open_keystore(options.keystore, ask_password(options.password_file)),
        store=options.store or str(options.state_dir / "cells"),
        store_limit_bytes=options.store_limit or STORE_LIMIT_BYTES,
        listen=parse_listen(options.listen, "--listen"),
        policy=transaction_policy(
            options.max_fee, options.max_tip, options.max_fee_urgent, options.max_blob_fee
        ),
        limits=ServiceLimits(requests=options.client_requests, bytes=options.client_rate or CLIENT_BYTES),
        processes=options.processes,
        beacon=consensus_urls(deployment, options.rpc, options.beacon or ()),
        may_be_private=options.allow_private or deployment.chain_id in DEVNET_CHAINS,
    )
