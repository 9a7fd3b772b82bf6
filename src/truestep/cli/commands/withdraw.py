"""`truestep withdraw`: takes coins and tokens out of the contracts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.units import coins
from truestep.cli.connection import connect_sender, draws_reader
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address, parse_amount
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.tokens import amount_in_words

if TYPE_CHECKING:
    from truestep.client.stakes import Withdrawn

EXAMPLE = "Example: truestep withdraw --keystore operator.json --stake 0.5"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="withdraw", epilog=EXAMPLE)(withdraw)


@guarded
@grouped
def withdraw(
    network: NetworkOptions,
    sender: SenderOptions,
    stake: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Also take so much of the stake that no bond locks."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Who gets it. Default: the account itself.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Take all that the contracts owe the account: rewards, refunds, winnings, bonds, tokens.

    Tasks, jobs and disputes that still run are not touched: what they bring is owed when they end. A worker
    that gives secrets (--entropy) promises the next one out of the bond of the last: stop it before.
    """
    from truestep.client import pledges, stakes

    screen = Screen(as_json=as_json)
    stake_wei = parse_amount(stake, "--stake") if stake is not None else 0
    receiver = parse_address(to, "--to") if to is not None else None
    chain = connect_sender(network, sender, screen)
    if stake_wei:
        stakes.withdraw_stake(chain, stake_wei, receiver)
    found = stakes.withdraw(chain, receiver)
    entropy_wei = pledges.withdraw_entropy(chain, draws_reader(network), receiver)
    fields: dict[str, Any] = {
        "receiver": found.receiver,
        "rewards_wei": found.rewards_wei,
        "winnings_wei": found.winnings_wei,
        "tokens": dict(found.tokens),
        "for_data_wei": found.for_data_wei,
        "stake_wei": stake_wei,
        "entropy_wei": entropy_wei,
    }
    screen.result(fields, shown=_shown(found, stake_wei, entropy_wei))


def _shown(found: "Withdrawn", stake_wei: int, entropy_wei: int) -> str:
    parts = [
        f"{coins(amount)} of {name}"
        for name, amount in (
            ("rewards and refunds", found.rewards_wei),
            ("winnings", found.winnings_wei),
            ("bonds and fees of data", found.for_data_wei),
            ("bonds of secrets", entropy_wei),
            ("stake", stake_wei),
        )
        if amount
    ]
    parts += [amount_in_words(amount, asset) for asset, amount in found.tokens.items()]
    if not parts:
        return "nothing to withdraw: the contracts owe this account nothing"
    return f"{', '.join(parts)} sent to {found.receiver}"
