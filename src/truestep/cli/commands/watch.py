"""`truestep watch`: looks after keepers, and challenges those that do not keep."""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.cli.daemons import FirstReports, run_loop, until_available
from truestep.cli.fee_options import MaxFeeOption, MaxFeeUrgentOption, MaxTipOption, transaction_policy
from truestep.cli.log_lines import LogLines
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    BeaconOption,
    DeploymentOption,
    KeystoreOption,
    NetworkOption,
    PasswordFileOption,
    RpcOption,
    StoreOption,
    ask_password,
    deployment_file,
    parse_amount,
)
from truestep.cli.screen import guarded

if TYPE_CHECKING:
    from truestep.composition.watching import WatcherSettings

EXAMPLE = "Example: truestep watch --keystore watcher.json --state-dir watcher --network NAME"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="watch", epilog=EXAMPLE)(watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """Network, key, state, and what may be risked."""

    rpc: RpcOption
    keystore: KeystoreOption
    state_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the daemon's state; one per account.")
    ]
    store: StoreOption = None
    max_bonds: Annotated[
        str, typer.Option(metavar="AMOUNT", help="The limit of all open bonds together.")
    ] = "1"
    look_every: Annotated[
        int, typer.Option(metavar="SECONDS", min=10, help="Time between two looks at an item.")
    ] = 3_600
    again_every: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="The same while a keeper does not give what it is asked for; the third time in a row it is"
            " challenged.",
        ),
    ] = 120
    check_blobs: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=4_352,
            help="The largest item, in blobs, that is fetched once and compared with its roots; 0 for none.",
        ),
    ] = 4_352
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Ask keepers at private addresses too. Always so on a devnet."),
    ] = False
    beacon: BeaconOption = None
    deployment: DeploymentOption = None
    network: NetworkOption = None
    password_file: PasswordFileOption = None
    max_fee: MaxFeeOption = None
    max_fee_urgent: MaxFeeUrgentOption = None
    max_tip: MaxTipOption = None
    poll: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.05,
            help="Interval between looks at the chain. Default: a quarter of the time between blocks.",
        ),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Log one JSON object per line, on stdout.")] = False


@guarded
@grouped
def watch(options: WatchOptions) -> None:
    """Watch over the items of a network, and challenge keepers that do not keep them.

    Asks each keeper of each item for random cells, and challenges on the chain whoever gives none, or wrong
    ones: a keeper that cannot answer there loses a share of its stake, and up to half of it is paid to the
    watcher. One that answers keeps the bond of the challenge, and is left alone for a while. Fetches each
    item once, and has it struck if its blobs do not hold what it says. With --beacon it does the same for
    items in blobs of transactions, and answers whoever doubts one of them, where that pays. It needs coins
    for bonds and gas.
    """
    from truestep.composition import watching
    from truestep.node.availability.watcher import watcher_node
    from truestep.roles.availability.sights import WatchPolicy

    policy = WatchPolicy(
        look_seconds=options.look_every,
        again_seconds=options.again_every,
        check_blobs_limit=options.check_blobs,
        bonds_limit_wei=parse_amount(options.max_bonds, "--max-bonds"),
    )
    settings = _settings(options)
    options.state_dir.mkdir(parents=True, exist_ok=True)
    log = LogLines(as_json=options.as_json)
    with closing(log), ExitStack() as stack:
        said = FirstReports(log)
        world = until_available(log, lambda: stack.enter_context(watching.opened_watcher(settings, said)))
        said.begun = True
        run_loop(watcher_node(world, policy), world.clock, world.reporter, options.poll)


def _settings(options: WatchOptions) -> "WatcherSettings":
    from truestep.adapters.chain.availability import availability_of
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.keystore import open_keystore
    from truestep.composition.network import DEVNET_CHAINS, consensus_urls
    from truestep.composition.watching import WatcherSettings

    deployment = read_deployment(deployment_file(options.deployment, options.network))
    return WatcherSettings(
        rpc=options.rpc,
        contracts=availability_of(deployment),
        state_dir=options.state_dir,
        store=options.store,
        signer=open_keystore(options.keystore, ask_password(options.password_file)),
        policy=transaction_policy(options.max_fee, options.max_tip, options.max_fee_urgent),
        beacon=consensus_urls(deployment, options.rpc, options.beacon or ()),
        may_be_private=options.allow_private or deployment.chain_id in DEVNET_CHAINS,
    )
