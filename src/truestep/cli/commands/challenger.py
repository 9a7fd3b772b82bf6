"""`truestep challenger`: earn by catching false claims."""

from typing import TYPE_CHECKING, Annotated, cast

import typer

from truestep.cli.daemons import (
    LogJsonFlag,
    Places,
    PollOption,
    StateOption,
    opened_world,
    run_until_stopped,
)
from truestep.cli.failure import Failure
from truestep.cli.options import (
    BlobsOption,
    DeploymentOption,
    KeystoreOption,
    PasswordFileOption,
    RpcOption,
    coins,
    parse_amount,
)
from truestep.cli.screen import guarded
from truestep.client.engines import EngineName

if TYPE_CHECKING:
    from truestep.adapters.clock import SystemClock
    from truestep.node.daemon import World

EXAMPLE = "Example: truestep challenger --keystore challenger.json --state-dir challenger"
ROOM_FOR_MOVES = 2
"""Moves in its disputes never wait for a check to end."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="challenger", epilog=EXAMPLE)(challenger)


@guarded
def challenger(
    rpc: RpcOption,
    deployment: DeploymentOption,
    blobs: BlobsOption,
    keystore: KeystoreOption,
    state_dir: StateOption,
    password_file: PasswordFileOption = None,
    parallel: Annotated[
        int, typer.Option(metavar="N", min=1, max=256, help="Claims checked at a time; each takes one core.")
    ] = 2,
    max_bonds: Annotated[
        str, typer.Option(metavar="AMOUNT", help="At most so much in the bonds of open disputes.")
    ] = "100",
    engine: Annotated[EngineName, typer.Option(help="What runs the tasks again.")] = EngineName.JIT,
    poll: PollOption = 1.0,
    as_json: LogJsonFlag = False,
) -> None:
    """Run every claimed task again and dispute the false claims, to the end.

    A dispute takes a bond, which comes back with a share of the liar's. Stop it with Ctrl-C: it goes on where
    it was when started again with the same --state-dir. Keep it running while a dispute of its own is open: a
    missed move loses it.
    """
    from truestep.node.challenger import challenger_node
    from truestep.roles.challenger import ChallengerPolicy

    policy = ChallengerPolicy(check_limit=parallel, bonds_limit_wei=parse_amount(max_bonds, "--max-bonds"))
    places = Places(
        rpc=rpc,
        deployment=deployment,
        blobs=blobs,
        keystore=keystore,
        password_file=password_file,
        state_dir=state_dir,
    )
    with opened_world(places, engine, parallel + ROOM_FOR_MOVES, as_json=as_json) as world:
        _check_wallet(world)
        daemon = challenger_node(world, policy)
        run_until_stopped(daemon, cast("SystemClock", world.clock), poll)
        world.reporter.report("stopped", "everything that was sent goes on by itself")


def _check_wallet(world: "World") -> None:
    """Refuse to start without the coins for a single dispute."""
    chain, bond_wei = world.chain, world.chain.parameters().challenger_bond_wei
    wallet_wei = chain.balances(chain.account).wallet_wei
    if wallet_wei <= bond_wei:
        raise Failure(
            "wallet",
            f"expected more than one bond, {coins(bond_wei)}, in the wallet of {chain.account},"
            f" got {coins(wallet_wei)}; send it some",
        )
    world.reporter.report("ready", f"{chain.account} has {coins(wallet_wei)} in its wallet")
