"""`truestep challenger`: earns by catching false claims."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.base.units import coins
from truestep.cli.daemon_care import add_care
from truestep.cli.daemon_group import add_run, daemon_group
from truestep.cli.daemon_set_up import add_setting_up
from truestep.cli.daemons import (
    DaemonOptions,
    EntropyOption,
    WorkerParts,
    opened_world,
    run_until_stopped,
    until_available,
)
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import parse_amount
from truestep.cli.screen import guarded

if TYPE_CHECKING:
    from truestep.node.tasks.world import World

EXAMPLE = "Example: truestep challenger run --keystore challenger.json --state-dir challenger"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = daemon_group("challenger", "Challengers: earn by catching false claims (docs/operating.md).")
    add_run(group, challenger, EXAMPLE)
    add_setting_up(group, "challenger")
    add_care(group, "challenger")
    app.add_typer(group, name="challenger")


@guarded
@grouped
def challenger(
    options: DaemonOptions,
    parallel: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=256,
            help="Claims to check at the same time; each uses one core. Default: the number of cores.",
        ),
    ] = None,
    max_bonds: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Upper limit of all bonds in open disputes together.")
    ] = "100",
    entropy: EntropyOption = False,
) -> None:
    """Run every claimed task again and dispute the false claims, to the end.

    Each dispute locks a bond, which comes back with a share of the liar's bond once the task has a true
    result. Claims that are false by their form are refuted without a run and without a bond. Stop the
    challenger with Ctrl-C; started again with the same --state-dir, it goes on where it stopped. Keep it
    running while one of its disputes is open: a missed move loses the dispute. Keep the folder as well:
    without it, a dispute that another one overtakes brings no reward.
    """
    from truestep.node.challenger import challenger_node
    from truestep.roles.challenger import ChallengerPolicy

    at_once = parallel or os.cpu_count() or 1
    policy = ChallengerPolicy(check_limit=at_once, bonds_limit_wei=parse_amount(max_bonds, "--max-bonds"))
    parts = WorkerParts(gives_entropy=entropy)
    with opened_world(options, at_once, role="challenger", parts=parts) as world:
        until_available(world.reporter, lambda: _check_wallet(world))
        daemon = challenger_node(world, policy)
        run_until_stopped(daemon, world, options)


def _check_wallet(world: "World") -> None:
    """Refuse to start without enough coins for one dispute."""
    chain, bond_wei = world.chain, world.chain.parameters().challenger_bond_wei
    wallet_wei = chain.balances(chain.account).wallet_wei
    if wallet_wei <= bond_wei:
        raise Failure(
            "wallet",
            f"expected more than one bond, {coins(bond_wei)}, in the wallet of {chain.account},"
            f" got {coins(wallet_wei)}; send coins to this address",
        )
    world.reporter.report("ready", f"{chain.account} has {coins(wallet_wei)} in its wallet")
