"""`truestep deposit`: adds coins to an operator's stake."""

from typing import Annotated

import typer

from truestep.base.units import coins
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address, parse_amount, refuse_nothing
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

EXAMPLE = "Example: truestep deposit 1.5 --keystore operator.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="deposit", epilog=EXAMPLE)(deposit)


@guarded
@grouped
def deposit(
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="What to add to the stake: 0.5, 20gwei or 7wei.")
    ],
    network: NetworkOptions,
    sender: SenderOptions,
    operator: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Whose stake it becomes. Default: the account's own."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add coins to an operator's stake, which the bonds of its tasks lock.

    Only the operator can withdraw it again. A worker's `--stake` deposits by itself what is missing.
    """
    from truestep.client import stakes

    screen = Screen(as_json=as_json)
    amount_wei = parse_amount(amount, "AMOUNT")
    refuse_nothing(amount_wei, "AMOUNT")
    owner = parse_address(operator, "--operator") if operator is not None else None
    chain = connect_sender(network, sender, screen)
    stakes.deposit(chain, amount_wei, owner)
    of = owner or chain.account
    stake_wei = chain.balances(of).stake_wei
    screen.result(
        {"operator": of, "deposited_wei": amount_wei, "stake_wei": stake_wei},
        shown=f"{coins(amount_wei)} deposited; the stake of {of} is {coins(stake_wei)} now",
    )
