"""`truestep stake`: what of an operator's stake is pledged, which it is drawn by."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.units import coins, duration
from truestep.cli.connection import connect_reader, connect_sender, draws_reader, read_deployment
from truestep.cli.entry_words import moment
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address, parse_amount, refuse_nothing
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.draws import DrawsReader, Membership

PLEDGE_EXAMPLE = "Example: truestep stake pledge 0 2.5 --keystore operator.json"
UNPLEDGE_EXAMPLE = "Example: truestep stake unpledge --keystore operator.json"
REFRESH_EXAMPLE = "Example: truestep stake refresh --keystore operator.json"
SHOW_EXAMPLE = "Example: truestep stake show 0xADDRESS"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Pledges of stake, which operators are drawn by (docs/assignment.md)."
    )
    group.command(name="pledge", epilog=PLEDGE_EXAMPLE)(pledge)
    group.command(name="unpledge", epilog=UNPLEDGE_EXAMPLE)(unpledge)
    group.command(name="refresh", epilog=REFRESH_EXAMPLE)(refresh)
    group.command(name="show", epilog=SHOW_EXAMPLE)(show)
    app.add_typer(group, name="stake")


@guarded
@grouped
def pledge(
    pool: Annotated[
        int, typer.Argument(metavar="POOL", min=0, max=255, help="Of operators that can do the same.")
    ],
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="What to pledge of the free stake: 0.5 or 20gwei.")
    ],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Pledge free stake, or more of it, to be drawn by it for the jobs and audits of a pool.

    A pledge is the weight in draws, and what lateness and absence are paid from: keep a worker running that
    takes what it is drawn for. It backs no claims. Pledges change in commit phases alone: the command waits
    for the next one.
    """
    from truestep.adapters.clock import SystemClock
    from truestep.client import pledges

    screen = Screen(as_json=as_json)
    amount_wei = parse_amount(amount, "AMOUNT")
    refuse_nothing(amount_wei, "AMOUNT")
    chain, reader = connect_sender(network, sender, screen), draws_reader(network)
    before = reader.membership(chain.account)
    pledges.check_pledge(chain, reader.rules, pool, amount_wei, before.pledge_wei)
    judges = read_deployment(network.file).judged_by
    pools = (judges.quorum and judges.quorum.pool, judges.audits and judges.audits.pool)
    pools += (judges.drawn and judges.drawn.pool,)
    screen.warn([pledges.pool_in_words(pool, *pools)])
    pledges.pledge(chain, reader.rules, SystemClock(), screen.doing, pool, amount_wei)
    found = reader.membership(chain.account)
    screen.result(
        _fields(chain.account, found, reader),
        shown=f"{coins(amount_wei)} pledged; {chain.account} {_words(found, reader)}",
    )


@guarded
@grouped
def unpledge(network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False) -> None:
    """Leave the draws; later, take the pledge back.

    The first call ends being drawn, in the next commit phase. The pledge still answers for what the operator
    was drawn for. Once that time is over, the same command makes it free stake again.
    """
    from truestep.adapters.clock import SystemClock
    from truestep.cli.failure import Failure
    from truestep.client import pledges

    screen = Screen(as_json=as_json)
    chain, reader = connect_sender(network, sender, screen), draws_reader(network)
    before = reader.membership(chain.account)
    if before.is_in_pool:
        pledges.leave(chain, reader.rules, SystemClock(), screen.doing)
    elif before.is_leaving:
        left_seconds = before.left_at + reader.rules.exit_seconds - chain.head().time_seconds
        if left_seconds >= 0:
            raise Failure(
                "exit",
                f"expected the exit time to be over, {moment(before.left_at + reader.rules.exit_seconds)}:"
                f" try again in {duration(left_seconds + 1)}",
            )
        pledges.collect(chain)
    else:
        raise Failure("pledge", f"expected a pledge of {chain.account}, got none")
    found = reader.membership(chain.account)
    screen.result(
        _fields(chain.account, found, reader),
        shown=f"{chain.account} {_words(found, reader)}",
    )


@guarded
@grouped
def refresh(
    network: NetworkOptions,
    sender: SenderOptions,
    operator: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="The operator. Default: the account itself.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Let an operator's weight in draws follow its pledge, after a penalty was taken from it. Anybody can.

    Outside of commit phases penalties leave the weight as it is. The command waits for the next one.
    """
    from truestep.adapters.clock import SystemClock
    from truestep.cli.failure import Failure
    from truestep.client import pledges

    screen = Screen(as_json=as_json)
    chain, reader = connect_sender(network, sender, screen), draws_reader(network)
    whom = chain.account if operator is None else parse_address(operator, "ADDRESS")
    before = reader.membership(whom)
    if not reader.is_stale(before):
        raise Failure(
            "weight",
            f"expected a weight that is not that of the pledge: nothing is to be done, {whom}"
            f" {_words(before, reader)}",
        )
    pledges.refresh(chain, reader.rules, SystemClock(), screen.doing, whom)
    found = reader.membership(whom)
    screen.result(_fields(whom, found, reader), shown=f"{whom} {_words(found, reader)}")


@guarded
@grouped
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The operator.")],
    network: NetworkOptions,
    as_json: JsonFlag = False,
) -> None:
    """Show what an operator has pledged, and how often it is drawn first by that."""
    screen = Screen(as_json=as_json)
    operator = parse_address(address, "ADDRESS")
    connect_reader(network, screen)
    reader = draws_reader(network)
    found = reader.membership(operator)
    screen.result(_fields(operator, found, reader), shown=f"{operator} {_words(found, reader)}")


def _fields(operator: str, found: "Membership", reader: "DrawsReader") -> dict[str, Any]:
    collectable = found.left_at + reader.rules.exit_seconds + 1 if found.is_leaving else None
    return {
        "operator": operator,
        "pool": found.pool if found.is_in_pool else None,
        "pledge_wei": found.pledge_wei,
        "weight": found.weight,
        "pool_members": found.member_count,
        "pool_weight": found.total_weight,
        "collectable_at": collectable,
    }


def _words(found: "Membership", reader: "DrawsReader") -> str:
    if found.is_leaving:
        until = moment(found.left_at + reader.rules.exit_seconds)
        return f"is drawn no longer; its pledge of {coins(found.pledge_wei)} answers until {until}"
    if not found.is_in_pool:
        return "has pledged nothing"
    chance = 100 * found.weight / found.total_weight if found.total_weight else 0.0
    least = coins(reader.rules.least_pledge_wei)
    weight = f"is drawn first {chance:.3g}% of the time" if found.weight else f"weighs nothing below {least}"
    return (
        f"is in pool {found.pool} with a pledge of {coins(found.pledge_wei)}: one of"
        f" {found.member_count}, it {weight}"
    )
